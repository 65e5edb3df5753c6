"""Every door of the house, tried by everybody: who gets in, what a reading changes, what a forged form does."""

import hashlib
import html
import io
import re
import secrets
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from portal import clock
from portal.database import Base, db, transaction
from portal.models import Absence, Account, Application, Attachment, Call, Decision, Letter, Review, Submission
from portal.operations.accounts import add_account
from portal.operations.attachments import stage_file
from portal.operations.cases import close_case
from portal.operations.decisions import Released, apply_due_decisions, release_decisions
from portal.operations.door import SeenCase
from portal.operations.drafts import begin_draft, save_draft
from portal.operations.late import hand_in_late
from portal.operations.preparing import prepare_decision
from portal.operations.receiving import Received
from portal.operations.reviews import WrittenReview, declare_no_conflict, finish_review
from portal.operations.shortlist import shortlist_application
from portal.queries.calls import find_call
from portal.queries.decisions import list_decisions, mark_of
from portal.queries.directory import today
from portal.queries.drafts import StoredDraft, find_draft, find_draft_by_token
from portal.queries.receipts import find_receipt
from portal.queries.reviews import get_reviewable
from portal.rules.policy import PERMISSIONS, Permission, Role, Viewer
from portal.rules.profiles import Profile
from portal.web.public.cv_form import Found
from portal.web.security.doors import Door, door_of
from portal.web.security.sessions import COOKIE
from tests import talks
from tests.conftest import CheckingClient, Outbox
from tests.internships import answers, apply, make_call
from tests.people import PASSWORD, add_people, receive
from tests.talks import LEAD_ACTS, AskedApplications, ask_applicants
from tests.web import doors_of_calls
from tests.web.browsing import form_of
from tests.web.signing_in import email_of, sign_in

# A new page is a decision about who may see it: it is written down here, too.
DOORS: dict[str, Door | None] = {
    "account.account": Permission.OWN_ACCOUNT,
    "account.change_language": Permission.OWN_ACCOUNT,
    "account.change_password": Permission.OWN_ACCOUNT,
    "account.enter": "public",
    "account.language_page": Permission.OWN_ACCOUNT,
    "account.sign_in": "public",
    "account.sign_out": Permission.OWN_ACCOUNT,
    "health.alive": "public",
    "health.ready": "public",
    "mailbox.inbox": "public",
    "mailbox.letter": "public",
    "public.answer_precheck": "public",
    "public.call": "public",
    "public.call_deadline": "public",
    "public.contact": "public",
    "public.contacts": "public",
    "public.suggest": "public",
    "public.application_receipt": "public",
    "public.apply": "public",
    "public.apply_check": "public",
    "public.apply_step": "public",
    "public.draft_saved": "public",
    "public.forget_draft": "public",
    "public.front": "public",
    "public.internships": "public",
    "public.internships_feed": "public",
    "public.leave": "public",
    "public.negotiate": "public",
    "public.open_draft": "public",
    "public.open_own_page": "public",
    "public.own_page": "public",
    "public.page": "public",
    "public.prefill": "public",
    "public.precheck": "public",
    "public.priority": "public",
    "public.receipt": "public",
    "public.reply": "public",
    "public.resume_draft": "public",
    "public.save_step": "public",
    "public.send": "public",
    "public.take_cv": "public",
    "public.send_application": "public",
    "public.topic": "public",
    "public.track": "public",
    "static": None,  # Flask's own; built files, the same for all
    "workspace.absences": Permission.KEEP_ABSENCES,
    "workspace.add_absence": Permission.KEEP_ABSENCES,
    "workspace.application": Permission.LEAD_CALLS,
    "workspace.application_file": Permission.LEAD_CALLS,
    "workspace.call_applications": Permission.LEAD_CALLS,
    "workspace.call_summary": Permission.LEAD_CALLS,
    "workspace.admit_late": Permission.LEAD_CALLS,
    "workspace.case": Permission.HANDLE_CASES,
    "workspace.close": Permission.HANDLE_CASES,
    "workspace.dossier": Permission.LEAD_CALLS,
    "workspace.declare": Permission.REVIEW,
    "workspace.drop_absence": Permission.KEEP_ABSENCES,
    "workspace.export": Permission.LEAD_CALLS,
    "workspace.export_xlsx": Permission.LEAD_CALLS,
    "workspace.export_zip": Permission.LEAD_CALLS,
    "workspace.file": Permission.HANDLE_CASES,
    "workspace.hand_over": Permission.HANDLE_CASES,
    "workspace.home": Permission.OWN_ACCOUNT,
    "workspace.inbox": Permission.HANDLE_CASES,
    "workspace.late_applications": Permission.LEAD_CALLS,
    "workspace.note": Permission.HANDLE_CASES,
    "workspace.print_dossier": Permission.LEAD_CALLS,
    "workspace.refuse_late": Permission.LEAD_CALLS,
    "workspace.reopen": Permission.HANDLE_CASES,
    "workspace.reopen_review": Permission.REVIEW,
    "workspace.reply": Permission.HANDLE_CASES,
    "workspace.retry": Permission.HANDLE_CASES,
    "workspace.review": Permission.REVIEW,
    "workspace.review_file": Permission.REVIEW,
    "workspace.reviews": Permission.REVIEW,
    "workspace.shortlist": Permission.LEAD_CALLS,
    "workspace.step_aside": Permission.REVIEW,
    "workspace.take": Permission.HANDLE_CASES,
    "workspace.unshortlist": Permission.LEAD_CALLS,
    "workspace.write_review": Permission.REVIEW,
    # Decisions
    "public.answer_offer": "public",
    "public.offer": "public",
    "public.send_withdrawal": "public",
    "public.withdraw": "public",
    "workspace.decide": Permission.LEAD_CALLS,
    "workspace.decision_letter": Permission.LEAD_CALLS,
    "workspace.decisions": Permission.LEAD_CALLS,
    "workspace.drop_decision": Permission.LEAD_CALLS,
    "workspace.move_reserve": Permission.LEAD_CALLS,
    "workspace.recall": Permission.LEAD_CALLS,
    "workspace.save_decision": Permission.LEAD_CALLS,
    "workspace.send_decisions": Permission.LEAD_CALLS,
    # Corrections, interviews, later documents
    "public.choose_interview": "public",
    "public.correct": "public",
    "public.documents": "public",
    "public.interview": "public",
    "public.interview_calendar": "public",
    "public.send_correction": "public",
    "public.send_documents": "public",
    "workspace.ask_correction": Permission.LEAD_CALLS,
    "workspace.cancel_correction": Permission.LEAD_CALLS,
    "workspace.cancel_interview": Permission.LEAD_CALLS,
    "workspace.interview_calendar": Permission.LEAD_CALLS,
    "workspace.invite": Permission.LEAD_CALLS,
    "workspace.request_correction": Permission.LEAD_CALLS,
    "workspace.send_invitation": Permission.LEAD_CALLS,
    **doors_of_calls.DOORS,
}

DEVELOPMENT_ONLY = {"mailbox.inbox", "mailbox.letter"}

# Public pages that lead elsewhere when there is nothing to show.
LEADS_ON = {"public.negotiate", "public.receipt", "public.own_page", "public.offer", "public.withdraw"}

# Forms that are answered with a file; that it was taken is what they change.
ANSWERED_WITH_A_FILE = {"workspace.export_xlsx", "workspace.export_zip", "workspace.print_dossier"}

LEADS_ON |= {f"public.{name}" for name in ("correct", "documents", "interview", "interview_calendar")}
LEADS_ON |= {f"public.{name}" for name in ("application_receipt", "apply_check", "draft_saved")}

# What whoever has opened a draft or an inquiry is shown.
SENDERS = {"public.apply_check", "public.draft_saved", "public.own_page"}

# Forms that are answered with a page and change nothing.
ANSWERED_AT_ONCE = {"public.answer_precheck", "public.suggest"}

VISITORS = ("anonymous", "sender", "manager", "coordinator", "administrator")
ROLES: dict[str, Role] = {"manager": "manager", "coordinator": "coordinator", "administrator": "administrator"}

APPLYING = (
    "public.apply",
    "public.apply_check",
    "public.draft_saved",
    "public.forget_draft",
    "public.send_application",
)

ACTS = ("workspace.close", "workspace.hand_over", "workspace.note", "workspace.reply", "workspace.take")
WITH_VERSION = (*ACTS, "workspace.reopen")
"""Forms that carry the version of the case that was seen. ``reopen`` wants one that is closed."""


@dataclass(frozen=True)
class DecidedCall:
    """A call with a decision for each thing that can be done with one, and an applicant who has an offer."""

    slug: str
    prepared: Received
    on_the_list: str
    on_its_way: Released
    offered: Received


DECISION_ACTS = ("save_decision", "drop_decision", "send_decisions", "recall", "move_reserve")
OFFER_ACTS = ("public.answer_offer", "public.send_withdrawal")


@dataclass(frozen=True)
class House:
    """An installation in which something has happened, and a browser for each kind of visitor."""

    app: Flask
    browsers: dict[str, CheckingClient]
    places: dict[str, dict[str, Any]]
    fields: dict[str, str]
    decided: DecidedCall
    asked: AskedApplications

    def path(self, endpoint: str) -> str:
        """An address of a page that exists."""
        with self.app.test_request_context("/en/"):
            return self.app.url_for(endpoint, **self.places.get(endpoint, {}))

    def methods(self) -> dict[str, dict[str, str]]:
        """Path → method → endpoint, for all that a page answers."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for rule in self.app.url_map.iter_rules():
            for method in (rule.methods or set()) & {"GET", "POST"}:
                found[self.path(rule.endpoint)][method] = rule.endpoint
        return found

    def form_endpoints(self) -> list[str]:
        return sorted(methods["POST"] for methods in self.methods().values() if "POST" in methods)


@pytest.fixture
def house(app: Flask, client: CheckingClient, outbox: Outbox) -> House:
    people = add_people(app)
    with app.app_context():
        add_account(
            email=email_of("administrator"),
            name="Demo Administrator",
            role="administrator",
            manager_key=None,
            language="en",
            password=PASSWORD,
        )
        call = {"slug": make_call(people["koponen"].account_id).slug}
        file = stage_file(stream=io.BytesIO(b"Hello\n"), filename="plan.txt")
        received = receive(files=(file,))
        case_file = db.session.scalars(select(Attachment.id)).one()
        review_places = under_review(people)
        closed = receive(email="second@example.org").reference
        close_case(people["koponen"], case=SeenCase(closed, 1, "closing"), tell_sender=False)
        call = make_call(people["koponen"].account_id)
        application = {"reference": apply(call).reference}
        with transaction() as connection:
            connection.execute(
                Absence.__table__.insert().values(  # type: ignore[attr-defined]
                    manager_key="koponen",
                    first_day=today() + timedelta(days=30),
                    last_day=today() + timedelta(days=31),
                    created_at=clock.now(),
                    created_by=people["koponen"].account_id,
                )
            )
    outbox.deliver()
    with app.app_context():
        with transaction() as connection:
            connection.execute(
                update(Letter)
                .where(Letter.submission_id == received.submission_id, Letter.kind == "inquiry_received")
                .values(status="failed", sent_at=None)
            )
        receipt = find_receipt(received.submission_id)
        assert receipt is not None
        call = make_call(people["koponen"].account_id)
        closed_call = make_call(people["koponen"].account_id)
        late = [a_draft(closed_call.id) for _ in range(2)]
        with transaction() as connection:
            ends = {"closes_at": clock.now() - timedelta(minutes=5)}
            connection.execute(update(Call).where(Call.id == closed_call.id).values(**ends))
        for one in late:
            hand_in_late(draft=one)
        draft = a_draft(call.id)
        key, typed_code = draft.key, draft.code
        case = {"reference": received.reference}
        places = {
            "mailbox.letter": {"name": next(app.extensions["yhteys.settings"].data_dir.glob("mail/*.eml")).stem},
            "public.call": {"slug": call.slug},
            "public.call_deadline": {"slug": call.slug},
            **{endpoint: {"slug": call.slug} for endpoint in APPLYING},
            "public.apply_step": {"slug": call.slug, "step": "you"},
            "public.open_draft": {"key": key},
            "public.resume_draft": {"key": key},
            "public.save_step": {"slug": call.slug, "step": "you"},
            "workspace.admit_late": {"slug": closed_call.slug, "draft_id": late[0].id},
            "workspace.late_applications": {"slug": closed_call.slug},
            "workspace.refuse_late": {"slug": closed_call.slug, "draft_id": late[1].id},
            "public.page": {"slug": app.extensions["yhteys.content"].pages[0].slug},
            "public.priority": {"slug": app.extensions["yhteys.content"].priorities[0].slug},
            "public.topic": {"slug": "errin"},
            "static": {"filename": "licences.txt"},
            "workspace.dossier": application,
            "workspace.export": {"slug": call.slug},
            "workspace.export_xlsx": {"slug": call.slug},
            "workspace.export_zip": {"slug": call.slug},
            "workspace.print_dossier": application,
            "workspace.drop_absence": {"absence_id": db.session.scalars(select(Absence.id)).one()},
            "workspace.file": {**case, "file_id": case_file},
            "workspace.inbox": {"box": "mine"},
            "workspace.reopen": {"reference": closed},
            "workspace.retry": {
                **case,
                "letter_id": db.session.scalars(select(Letter.id).where(Letter.status == "failed")).one(),
            },
            "workspace.case": case,
            **dict.fromkeys(ACTS, case),
            **review_places,
            **{endpoint: {"slug": call.slug} for endpoint in ("public.prefill", "public.take_cv")},
            **doors_of_calls.places(people["koponen"], people["coordinator"]),
        }
        decided = decide_a_call(people["koponen"])
        about = {"reference": decided.prepared.reference}
        places |= dict.fromkeys(
            [f"workspace.{name}" for name in ("decide", "decision_letter", "drop_decision", "save_decision")], about
        )
        in_call = [f"workspace.{name}" for name in ("decisions", "move_reserve", "recall", "send_decisions")]
        places |= {endpoint: {"slug": decided.slug} for endpoint in in_call}
        own = find_receipt(decided.offered.submission_id)
        assert own is not None
        keys = {"reference": own.row.reference, "code": own.code}
        asked = ask_applicants(people["koponen"])
        places |= asked.places()
        asked_receipt = find_receipt(asked.asked.submission_id)
        assert asked_receipt is not None
        asked_keys = {"reference": asked_receipt.row.reference, "code": asked_receipt.code}
    browsers: dict[str, CheckingClient] = {}
    for name in VISITORS:
        browser = app.test_client()
        assert isinstance(browser, CheckingClient)
        browsers[name] = browser
    track = {"reference": received.reference, "code": receipt.code, "draft": draft.token, "draft_code": typed_code}
    sender = browsers["sender"]
    resume = f"/en/internships/resume/{key}"
    resumed = sender.post(resume, data={**form_of(sender.get(resume), resume), "code": typed_code})
    assert resumed.status_code == 303
    opened = sender.post("/en/track", data={**form_of(sender.get("/en/track"), "/en/track"), **track})
    assert opened.status_code == 303
    applicant = browsers["applicant"] = app.test_client()  # type: ignore[assignment]
    assert (
        applicant.post("/en/track", data={**form_of(applicant.get("/en/track"), "/en/track"), **keys}).status_code
        == 303
    )
    who_was_asked = browsers["who was asked"] = app.test_client()  # type: ignore[assignment]
    form = form_of(who_was_asked.get("/en/track"), "/en/track")
    assert who_was_asked.post("/en/track", data={**form, **asked_keys}).status_code == 303
    for name, key in (("manager", "koponen"), ("coordinator", "coordinator"), ("administrator", "administrator")):
        sign_in(browsers[name], key)
    return House(app, browsers, places, track, decided, asked)


def decide_a_call(lead: Viewer) -> DecidedCall:
    """A call of the lead's with decisions of every kind."""
    call = make_call(lead.account_id)
    everybody = [apply(call, email=f"intern{number}@example.org") for number in range(5)]
    prepared, first, second, waiting, offered = everybody
    deadline = clock.now() + timedelta(days=14)

    def prepare(received: Received, kind: Any) -> None:
        prepare_decision(lead, reference=received.reference, seen="", kind=kind, reason="Why", reply_by=deadline)

    def send() -> Released:
        seen = [mark_of(row) for row in list_decisions(call.id).prepared]
        return release_decisions(lead, slug=call.slug, seen=seen, token=secrets.token_hex(8))

    prepare(offered, "offer")
    with time_machine.travel(clock.now() - timedelta(hours=1)):
        send()
    assert apply_due_decisions() == 1
    prepare(waiting, "decline")
    on_its_way = send()
    prepare(prepared, "decline")
    prepare(first, "reserve")
    prepare(second, "reserve")
    return DecidedCall(call.slug, prepared, first.reference, on_its_way, offered)


def filled_about_decisions(house: House, act: str) -> dict[str, str]:
    """The fields of a form about decisions, as its page has them now."""
    decided = house.decided
    with house.app.app_context():
        rows = list_decisions(find_call(decided.slug).id)  # type: ignore[union-attr]
        marks = {row.reference: mark_of(row) for row in rows.prepared}
        db.session.rollback()
    mark = marks.get(decided.prepared.reference, "")
    return {
        "save_decision": {"kind": "decline", "reason": "Another reason", "message": "", "seen": mark, "save": "1"},
        "drop_decision": {"seen": mark},
        "send_decisions": {"chosen": marks.get(decided.on_the_list, ""), "token": "sending", "confirm": "1"},
        "recall": {"effective_at": decided.on_its_way.effective_at.isoformat()},
        "move_reserve": {"order": ",".join(str(row.id) for row in rows.reserve), "down": str(rows.reserve[0].id)},
    }[act]


def under_review(people: dict[str, Viewer]) -> dict[str, dict[str, Any]]:
    """Two calls of Koponen's, one of which he and the coordinator review: where their pages and forms are."""
    lead, coordinator = people["koponen"], people["coordinator"]
    led = make_call(lead.account_id)
    reviewed = make_call(lead.account_id, reviewers=(lead.account_id, coordinator.account_id))
    file = stage_file(stream=io.BytesIO(b"Hello\n"), filename="cv.txt")
    first, second = (apply(led, email=f"led{n}@example.org", command={"files": (file,)}) for n in range(2))
    shortlist_application(lead, case=SeenCase(second.reference, 1, "shortlisting"))
    opened, new, partial, done = (
        apply(reviewed, email=f"reviewed{n}@example.org", command={"files": (file,)}) for n in range(4)
    )
    for viewer in (lead, coordinator):
        for received in (opened, done):
            declare_no_conflict(viewer, reference=received.reference)
    scores = {key: {"score": 3, "why": "Good"} for key in ("fit", "languages")}
    seen = get_reviewable(lead, done.reference).mine
    assert seen is not None
    finish_review(lead, reference=done.reference, written=WrittenReview(scores, "", seen.changed_at))

    def file_of(received: Received) -> dict[str, Any]:
        found = select(Attachment.id).where(Attachment.submission_id == received.submission_id)
        return {"reference": received.reference, "file_id": db.session.scalars(found).one()}

    return {
        "workspace.application": {"reference": first.reference},
        "workspace.application_file": file_of(first),
        "workspace.call_applications": {"slug": led.slug},
        "workspace.call_summary": {"slug": led.slug},
        "workspace.declare": {"reference": new.reference},
        "workspace.reopen_review": {"reference": done.reference},
        "workspace.review": {"reference": opened.reference},
        "workspace.review_file": file_of(opened),
        "workspace.shortlist": {"reference": first.reference},
        "workspace.step_aside": {"reference": partial.reference},
        "workspace.unshortlist": {"reference": second.reference},
        "workspace.write_review": {"reference": opened.reference},
    }


def a_draft(call_id: int) -> StoredDraft:
    """A draft that can be sent; needs an application context."""
    draft_id = begin_draft(call_id=call_id, language="en")
    save_draft(draft_id=draft_id, answers=answers(), files=())
    draft = find_draft(draft_id)
    assert draft is not None
    return draft


def contents(app: Flask, *, but: Iterable[str] = ()) -> dict[str, tuple[int, str]]:
    """Of every table the number of rows and a checksum of all that is in them, columns in ``but`` left out."""
    found = {}
    with app.app_context():
        for table in Base.metadata.sorted_tables:
            columns = [column for column in table.c if column.name not in but]
            rows = [repr(row) for row in db.session.execute(select(*columns).order_by(*table.primary_key.columns))]
            found[table.name] = (len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest())
        db.session.rollback()
    return found


def own_case(house: House) -> str:
    """The inquiry that the sender's browser has open."""
    with house.app.app_context():
        return str(db.session.scalar(select(Submission.id).where(Submission.reference == house.fields["reference"])))


def last_seen(house: House) -> str:
    """When the manager's review that is open was last changed."""
    reference = house.places["workspace.write_review"]["reference"]
    with house.app.app_context():
        found = select(Review.changed_at).join(Submission, Submission.id == Review.submission_id)
        return (
            db.session.scalars(found.where(Submission.reference == reference).order_by(Review.id)).all()[0].isoformat()
        )


def a_read_cv(house: House) -> str:
    """What the page that shows a CV's contents carries, beside the draft as it is now."""
    with house.app.app_context():
        found = Found("cv.xml", Profile(name="Noor Example"), None, None, "a-draft-of-its-own-20")
        return found.beside(find_draft_by_token(house.fields["draft"])).sealed()


def filled(house: House, endpoint: str) -> dict[str, str]:
    """What a person would fill into the form that goes to ``endpoint``, all but the CSRF token."""
    day = (clock.now() + timedelta(days=50)).date().isoformat()
    act = endpoint.partition(".")[2]
    if act in DECISION_ACTS:
        return filled_about_decisions(house, act)
    token = f"a-name-of-its-own-{endpoint.replace('.', '-')}"
    if act in (*LEAD_ACTS, *talks.OWN_ACTS):
        with house.app.app_context():
            return house.asked.fields(act, token)
    if endpoint in doors_of_calls.DOORS:
        with house.app.app_context():
            lead = db.session.scalars(select(Account).where(Account.email == email_of("koponen"))).one().viewer
        return {**doors_of_calls.filled(endpoint, lead), "version": "1", "token": token}
    fields = {
        "account.change_language": {"language": "sv"},
        "account.change_password": {"old": PASSWORD, "new": "another-horse-8-battery"},
        "account.enter": {"email": email_of("koponen"), "password": PASSWORD},
        "public.answer_offer": {"answer": "accept", "token": token, "case": str(house.decided.offered.submission_id)},
        "public.answer_precheck": {"citizenship": "eu", "background": "student", "pay": "paid", "length": "short"},
        "public.open_own_page": house.fields,
        "public.reply": {"body": "One more word", "token": token, "case": own_case(house)},
        "public.send_withdrawal": {"token": token, "case": str(house.decided.offered.submission_id)},
        "public.take_cv": {"seal": a_read_cv(house), "use": "name"},
        "public.open_draft": {"code": house.fields["draft_code"]},
        "public.save_step": {"name": "Ada", "email": "ada@example.org", "contact_language": "en"},
        "public.send_application": {"token": house.fields["draft"]},
        "public.send": {
            "topic": "errin",
            "subject": "Subject",
            "message": "Message",
            "name": "Ada",
            "email": "new@example.org",
            "token": token,
        },
        "workspace.add_absence": {"manager": "koponen", "first_day": day, "last_day": day},
        "workspace.hand_over": {"hand_over-target": "topic:tci", "hand_over-reason": "Clusters"},
        "workspace.note": {"note-body": "Note"},
        "workspace.reply": {"reply-body": "Answer", "send": "1"},
        "workspace.shortlist": {"version": "1", "token": token, "reason": "Knows lakes"},
        "workspace.unshortlist": {"version": "2", "token": token},
        "workspace.write_review": {"fit-score": "4", "fit-reason": "Good", "save": "1", "seen": last_seen(house)},
    }.get(endpoint, {})
    if endpoint not in WITH_VERSION:
        return fields
    return {**fields, f"{act}-version": "2" if act == "reopen" else "1", f"{act}-token": token}


def csrf_field(endpoint: str) -> str:
    if endpoint == "workspace.cancel_interview":
        return "cancel-csrf_token"
    return f"{endpoint.partition('.')[2]}-csrf_token" if endpoint in WITH_VERSION else "csrf_token"


def may(visitor: str, door: Door | None) -> bool:
    return door in (None, "public") or (visitor in ROLES and door in PERMISSIONS[ROLES[visitor]])


def assert_stays_here(response: TestResponse) -> None:
    """A redirect leads to a path of ours."""
    if 300 <= response.status_code < 400:
        location = response.headers["Location"]
        assert location.startswith("/"), location
        assert not location.startswith("//"), location
        assert "\\" not in location, location


# ------------------------------------------------------------------------------------------------------ the table


def test_every_page_is_in_the_table_with_its_door(app: Flask) -> None:
    found = {rule.endpoint: door_of(app.view_functions[rule.endpoint]) for rule in app.url_map.iter_rules()}
    assert found == DOORS


def test_a_page_changes_something_or_is_read_and_never_both(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        assert methods in ({"GET"}, {"POST"}), rule.endpoint


# -------------------------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("visitor", VISITORS)
def test_everybody_reads_what_is_theirs_and_no_reading_changes_anything(house: House, visitor: str) -> None:
    browser = house.browsers[visitor]
    before, exact = contents(house.app, but=("seen_at", "expires_at")), contents(house.app)
    with time_machine.travel(clock.now() + timedelta(minutes=2)):  # so long that a session is noted as in use
        for path, methods in house.methods().items():
            for method in ("GET", "HEAD"):
                response = browser.open(path, method=method)
                assert_stays_here(response)
                assert response.status_code == expected_reading(visitor, methods.get("GET")), (method, path)
                if response.status_code == 302 and not may(visitor, DOORS[methods["GET"]]):
                    assert response.location == f"/workspace/sign-in?next={quote(path)}"
                response.close()
    assert contents(house.app, but=("seen_at", "expires_at")) == before
    touched = [name for name, held in contents(house.app).items() if held != exact[name]]
    assert touched == ([] if visitor == "anonymous" else ["sessions"])


def expected_reading(visitor: str, endpoint: str | None) -> int:
    if endpoint is None:
        return 405
    door = DOORS[endpoint]
    if not may(visitor, door):
        return 404 if visitor in ROLES else 302
    leads_on = endpoint in LEADS_ON and not (endpoint in SENDERS and visitor == "sender")
    signed_in_already = endpoint == "account.sign_in" and visitor in ROLES
    return 302 if leads_on or signed_in_already or endpoint in ("workspace.home", "account.language_page") else 200


def test_other_methods_change_nothing(house: House) -> None:
    before = contents(house.app)
    browser = house.browsers["manager"]
    browser.checks = False  # what says which methods there are is no page
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "get"):
        allowed = {"OPTIONS": {200}, "get": {200, 302, 405}}.get(method, {405})
        for path in house.methods():
            response = browser.open(path, method=method, data={"body": "x"})
            assert response.status_code in allowed, (method, path)
            response.close()
    assert contents(house.app) == before


# -------------------------------------------------------------------------------------------------------- forgery


@pytest.mark.parametrize("visitor", VISITORS)
def test_a_form_without_its_token_is_refused_and_changes_nothing(house: House, visitor: str) -> None:
    browser = house.browsers[visitor]
    before = contents(house.app)
    for path, methods in house.methods().items():
        endpoint = methods.get("POST")
        data = filled(house, endpoint) if endpoint else {"body": "x"}
        response = browser.post(path, data=data, headers={"Sec-Fetch-Site": "cross-site"})
        assert_stays_here(response)
        assert response.status_code == expected_refusal(visitor, endpoint), path
        if response.status_code == 303:
            assert response.location == "/workspace/sign-in?signed_out=1"
    assert contents(house.app) == before


def expected_refusal(visitor: str, endpoint: str | None) -> int:
    if endpoint is None:
        return 405
    if not may(visitor, DOORS[endpoint]):
        return 404 if visitor in ROLES else 303
    return 403 if endpoint == "public.reply" and visitor != "sender" else 400


def doer_of(endpoint: str) -> str:
    if endpoint in OFFER_ACTS:
        return "applicant"
    if endpoint.partition(".")[2] in talks.OWN_ACTS:
        return "who was asked"
    return "manager" if DOORS[endpoint] != "public" else "sender"


def test_the_same_forms_with_their_token_are_done(house: House) -> None:
    """Else the test above would pass on forms that are refused for something else."""
    endpoints = house.form_endpoints()
    # What ends a session or takes the case away comes last; a decision is changed before it is thrown away.
    last = [
        "public.forget_draft",
        "workspace.drop_decision",
        "public.send_application",
        "workspace.close",
        "account.change_password",
        "public.leave",
        "account.sign_out",
    ]
    done = set()
    for endpoint in [*(e for e in endpoints if e not in last), *last]:
        if endpoint in ACTS:
            renew(house)
        if endpoint == "public.send_withdrawal":
            make_open_again(house)
        browser = house.browsers["anonymous" if endpoint == "account.enter" else doer_of(endpoint)]
        page = browser.get("/en/track" if DOORS[endpoint] == "public" else "/workspace/account")
        action = "/en/track" if DOORS[endpoint] == "public" else "/workspace/account/language"
        if endpoint == "account.enter":
            page, action = browser.get("/workspace/sign-in"), "/workspace/sign-in"
        token = form_of(page, action)["csrf_token"]
        before = contents(house.app)
        response = browser.post(house.path(endpoint), data={**filled(house, endpoint), csrf_field(endpoint): token})
        assert_stays_here(response)
        done_with = 200 if endpoint in ANSWERED_WITH_A_FILE | ANSWERED_AT_ONCE else 303
        assert response.status_code == done_with, (endpoint, response.get_data(as_text=True)[-3000:])
        response.close()
        assert (contents(house.app) == before) == (endpoint in ANSWERED_AT_ONCE), endpoint
        done.add(endpoint)
    assert done == set(house.form_endpoints())


def renew(house: House) -> None:
    """Another case of the manager's, for acts that each want it as it came."""
    with house.app.app_context():
        case = {"reference": receive(email="third@example.org").reference}
    house.places.update(dict.fromkeys(ACTS, case))


def make_open_again(house: House) -> None:
    """The offer was accepted a moment ago: as if it had not been."""
    with house.app.app_context(), transaction() as connection:
        connection.execute(update(Decision).values(answer=None, answered_at=None))
        connection.execute(
            update(Application)
            .where(Application.submission_id == house.decided.offered.submission_id)
            .values(stage="offered")
        )


def test_a_method_cannot_be_overridden(house: House) -> None:
    browser = house.browsers["manager"]
    before = contents(house.app)
    for path, methods in house.methods().items():
        for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            assert browser.post(path, data={"_method": "GET"}, headers={header: "GET"}).status_code == 400, path
            response = browser.get(path, headers={header: "POST"})
            # A page that is the same for all is answered before anything is looked at.
            assert response.status_code == 400 or response.cache_control.public, path
            response.close()
        if "GET" in methods:
            plain, asked = browser.get(path), browser.get(f"{path}?_method=POST&_method=DELETE")
            assert plain.status_code == asked.status_code, path
            plain.close()
            asked.close()
    assert contents(house.app) == before


# ------------------------------------------------------------------------------------------------------ redirects

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "/workspace//evil.example/",
    "/workspace/\\evil.example",
    "/workspace/\t//evil.example",
    "/workspaceevil",
    "/workspace@evil.example",
    "/en/",
    "javascript:alert(1)",
    "workspace/",
    "/workspace/ä",
    "http:/workspace/",
    "/workspace/\r\nLocation: https://evil.example",
]


def test_signing_in_leads_nowhere_else(house: House) -> None:
    stranger = house.browsers["anonymous"]
    for number, wanted in enumerate(ELSEWHERE):
        address = f"/workspace/sign-in?next={quote(wanted, safe='')}"
        signed_in = house.browsers["manager"].get(address)
        assert (signed_in.status_code, signed_in.location) == (302, "/workspace/"), wanted
        stranger.delete_cookie(COOKIE)
        page = stranger.get(address)
        [action] = map(html.unescape, re.findall(r'<form[^>]* action="([^"]*sign-in[^"]*)"', page.text))
        data = {**form_of(page, action), "email": email_of("koponen"), "password": PASSWORD}
        for target in (address, action):
            # From a network of its own each time: the limits are not what is looked at here.
            done = stranger.post(target, data=data, environ_base={"REMOTE_ADDR": f"10.0.0.{number}"})
            assert (done.status_code, done.location) == (303, "/workspace/"), wanted


def test_no_redirect_repeats_the_host_it_was_asked_for(house: House) -> None:
    for path in house.methods():
        for visitor in ("anonymous", "manager"):
            response = house.browsers[visitor].get(path, headers={"Host": "evil.example:8000"})
            assert_stays_here(response)
            if response.mimetype == "text/html":
                assert "evil.example" not in response.text, path
            response.close()


@pytest.mark.parametrize("path", ["/en", "/workspace", "/en//topics//errin", "//evil.example/", "//evil.example/en"])
def test_an_address_that_is_put_right_stays_ours(client: CheckingClient, path: str) -> None:
    response = client.get(path, headers={"Host": "portal.example.org"})
    assert response.status_code in (302, 308, 404)
    where = urlsplit(response.headers.get("Location", ""))
    assert where.netloc in ("", "portal.example.org")
    assert not where.path.startswith("//")
