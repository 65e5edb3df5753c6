"""The applicant's page: what to do now, where it stands, and what never shows; and what the lead asks there."""

import io
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import icalendar
import pytest
import time_machine
from flask import Flask
from justhtml import JustHTML
from sqlalchemy import insert, select, update
from werkzeug.test import TestResponse

from portal import clock
from portal.database import db, transaction
from portal.models import Application, Attachment, Correction, Decision, Event, Interview, Review, Submission
from portal.operations import cases
from portal.operations.interviews import cancel_interview, choose_slot
from portal.operations.receiving import Received
from portal.queries.process import find_process
from portal.queries.receipts import find_receipt
from portal.rules.policy import Viewer
from tests.conftest import CheckingClient, Outbox
from tests.internships import a_document, apply, make_call
from tests.people import add_people
from tests.talks import a_file, ask, invite, seen
from tests.web.browsing import form_of, text_of
from tests.web.signing_in import sign_in

TRACK, OWN = "/en/track", "/en/track/case"
DOCUMENTS, CHOOSE, CORRECT, CALENDAR = (
    "/en/track/documents",
    "/en/track/interview",
    "/en/track/correct",
    "/en/track/interview.ics",
)


@pytest.fixture
def people(app: Flask) -> dict[str, Viewer]:
    return add_people(app)


@pytest.fixture
def received(app: Flask, people: dict[str, Viewer]) -> Received:
    """An application without its CV, which may still come."""
    with app.app_context():
        call = make_call(people["koponen"].account_id, document=a_document(answer_by=date(2030, 1, 31)))
        return apply(call)


@pytest.fixture
def applicant(app: Flask, client: CheckingClient, received: Received) -> CheckingClient:
    """The applicant's browser with the page open."""
    return enter(app, client, received)


def enter(app: Flask, client: CheckingClient, received: Received) -> CheckingClient:
    with app.app_context():
        receipt = find_receipt(received.submission_id)
        assert receipt is not None
    form = form_of(client.get(TRACK), TRACK)
    opened = client.post(TRACK, data={**form, "reference": receipt.row.reference, "code": receipt.code})
    assert (opened.status_code, opened.location) == (303, OWN)
    return client


def set_stage(app: Flask, received: Received, stage: str, status: str = "in_progress") -> None:
    closed_at = clock.now() if status == "closed" else None
    with app.app_context(), transaction() as connection:
        connection.execute(
            update(Application).where(Application.submission_id == received.submission_id).values(stage=stage)
        )
        connection.execute(update(Submission).values(status=status, closed_at=closed_at))


def headings(page: TestResponse) -> list[str]:
    return [node.to_text().strip() for node in JustHTML(page.text, sanitize=False).query("h2")]


def upload(name: str, text: str = "Hello\n") -> tuple[io.BytesIO, str]:
    return io.BytesIO(text.encode()), name


def purposes(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(Attachment.purpose).order_by(Attachment.id)))


# ------------------------------------------------------------------------------------------------- where it stands


def test_it_says_where_it_stands_what_is_next_and_what_to_do_first(applicant: CheckingClient) -> None:
    page = applicant.get(OWN)
    said = text_of(page)
    assert headings(page)[0] == "What you need to do now"
    assert "Send the missing document" in said
    assert re.search(r"By \d+ \w+ \d{4} at \d\d:\d\d ?, Helsinki time", said)
    assert "Arrived" in said
    assert "The call is open until" in said
    assert "You hear from us by 31 January 2030." in said
    assert "Because of the lakes." in said, "the answers as they were sent"
    assert page.headers["Cache-Control"] == "no-store"
    assert "data-own-time" in page.text


STAGES = {
    "received": "Arrived",
    "shortlisted": "Arrived",
    "offered": "We offer you a place",
    "reserve": "On the reserve list",
    "accepted": "You accepted the place",
    "offer_declined": "You declined the place",
    "offer_lapsed": "The offer has ended",
    "declined": "Not chosen this time",
    "withdrawn": "Withdrawn",
    "replaced": "Replaced by your newer application",
}


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_its_words(app: Flask, applicant: CheckingClient, received: Received, stage: str) -> None:
    set_stage(app, received, stage)
    page = applicant.get(OWN)
    assert page.status_code == 200
    [tag] = JustHTML(page.text, sanitize=False).query("main .ds-tag")
    assert tag.to_text() == STAGES[stage]


def test_after_closing_it_is_being_reviewed_and_a_late_answer_is_owned_up_to(
    app: Flask, client: CheckingClient, received: Received
) -> None:
    for days, name, sentence in (
        (8, "Being reviewed", "You hear from us by 31 January 2030."),
        (2_000, "Being reviewed", "We wanted to answer by 31 January 2030. It is taking us longer"),
    ):
        with time_machine.travel(clock.now() + timedelta(days=days)):
            said = text_of(enter(app, client, received).get(OWN))
            assert name in said
            assert sentence in said


def test_what_belongs_to_the_review_never_shows(
    app: Flask, applicant: CheckingClient, received: Received, people: dict[str, Viewer]
) -> None:
    """Short list, reviews, reasons, notes and decisions that are not sent yet leave no trace on the page."""
    secret = "SECRET-OF-THE-HOUSE"
    with app.app_context():
        cases.add_note(people["koponen"], case=seen(received), body=secret)
        choose_slot_after_cancel(people["koponen"], received)
    plain = applicant.get(OWN)
    before = visible(plain)
    set_stage(app, received, "shortlisted")
    account_id, now = people["koponen"].account_id, clock.now()
    with app.app_context(), transaction() as connection:
        inside: dict[str, Any] = {"submission_id": received.submission_id, "at": now, "actor": secret}
        for kind in ("shortlisted", "unshortlisted", "reviewed", "stepped_aside", "conflict_cleared", "noted", "taken"):
            connection.execute(insert(Event).values(**inside, kind=kind, body=secret, data={"reason": secret}))
        connection.execute(
            insert(Review).values(
                submission_id=received.submission_id,
                account_id=account_id,
                conflict="none",
                declared_at=now,
                scores={"fit": {"score": 1, "why": secret}},
                comment=secret,
                changed_at=now,
                finished_at=now,
            )
        )
        connection.execute(
            insert(Decision).values(
                submission_id=received.submission_id,
                kind="decline",
                reason=secret,
                message=secret,
                prepared_at=now,
                prepared_by=account_id,
                released_at=now,
                effective_at=now + timedelta(minutes=5),
            )
        )
    page = applicant.get(OWN)
    assert visible(page) == before
    assert secret not in page.text
    assert "horten" not in page.text.replace("Shorten", "")
    assert "shortlist" not in page.text.lower()


def choose_slot_after_cancel(viewer: Viewer, received: Received) -> None:
    """An interview that was invited to, chosen and cancelled: its words are for the applicant."""
    proposed = invite(viewer, received)
    choose_slot(submission_id=received.submission_id, slot=proposed[0])
    cancel_interview(viewer, case=seen(received), message="Sorry.")


def visible(page: TestResponse) -> str:
    return re.sub(r"[A-Za-z0-9_.-]{20,}", "", text_of(page))


def test_the_reason_of_a_decision_and_of_a_hand_over_stays_inside(
    app: Flask, applicant: CheckingClient, received: Received
) -> None:
    with app.app_context(), transaction() as connection:
        for kind in ("decided", "handed_over", "closed", "withdrawn", "offer_lapsed"):
            connection.execute(
                insert(Event).values(
                    submission_id=received.submission_id,
                    kind=kind,
                    at=clock.now(),
                    actor="Somebody",
                    body="SECRET",
                    data={"reason": "SECRET", "message": "SECRET", "kind": "SECRET", "holder": ["SECRET", "SECRET"]},
                )
            )
    page = applicant.get(OWN)
    assert "We sent you our decision" in text_of(page)
    assert "SECRET" not in page.text


def test_the_page_takes_the_same_number_of_statements_whatever_happened(
    app: Flask, applicant: CheckingClient, received: Received, people: dict[str, Viewer], count_statements: Any
) -> None:
    applicant.get(OWN)
    with count_statements() as few:
        applicant.get(OWN)
    with app.app_context():
        for _ in range(3):
            choose_slot_after_cancel(people["koponen"], received)
        ask(people["koponen"], received, "weeks")
    with count_statements() as many:
        applicant.get(OWN)
    assert len(many) == len(few)


def test_messages_go_both_ways(
    app: Flask, applicant: CheckingClient, received: Received, people: dict[str, Viewer]
) -> None:
    form = form_of(applicant.get(OWN), OWN)
    assert applicant.post(OWN, data={**form, "body": "May I bring my bicycle?"}).status_code == 303
    with app.app_context():
        cases.reply_to_sender(people["koponen"], case=seen(received), body="Of course.")
    said = text_of(applicant.get(OWN))
    assert "May I bring my bicycle?" in said
    assert "Of course." in said
    empty = applicant.post(OWN, data={**form_of(applicant.get(OWN), OWN), "body": ""})
    assert empty.status_code == 422
    assert "Where your application stands" in text_of(empty)


# ----------------------------------------------------------------------------------------------------- documents


def test_a_document_that_was_missing_is_sent_later(app: Flask, applicant: CheckingClient, outbox: Outbox) -> None:
    form = form_of(applicant.get(OWN), DOCUMENTS)
    sent = applicant.post(DOCUMENTS, data={**form, "file-cv": upload("my-cv.txt")})
    assert sent.status_code == 303
    page = applicant.get(OWN)
    said = text_of(page)
    assert "my-cv.txt" in said
    assert "Your documents have arrived" in said
    assert "What you need to do now" not in headings(page)
    assert "You don't need to do anything now." in said
    assert purposes(app) == ["cv"]
    mail = [message for message in outbox.deliver() if "noor@example.org" in str(message["To"])]
    assert any("We have all your documents" in str(message["Subject"]) for message in mail)
    # Another of an optional kind may come for as long as the application is in review.
    form = form_of(applicant.get(OWN), DOCUMENTS)
    assert "file-cv" not in applicant.get(OWN).text
    assert applicant.post(DOCUMENTS, data={**form, "file-other": upload("more.txt")}).status_code == 303
    assert purposes(app) == ["cv", "other"]


def test_a_wrong_document_is_refused_and_the_good_one_stays_with_the_form(
    app: Flask, applicant: CheckingClient
) -> None:
    form = form_of(applicant.get(OWN), DOCUMENTS)
    refused = applicant.post(
        DOCUMENTS, data={**form, "file-cv": upload("cv.txt"), "file-other": upload("photo.exe", "MZ")}
    )
    assert refused.status_code == 422
    assert "is of a type that we can't take" in text_of(refused)
    again = form_of(refused, DOCUMENTS)
    assert again["staged"]
    assert purposes(app) == []
    assert applicant.post(DOCUMENTS, data=again).status_code == 303
    assert purposes(app) == ["cv"]


def test_a_kept_file_can_be_left_out_again(app: Flask, applicant: CheckingClient) -> None:
    form = form_of(applicant.get(OWN), DOCUMENTS)
    refused = applicant.post(DOCUMENTS, data={**form, "file-cv": upload("cv.txt"), "file-other": upload("x.exe")})
    [button] = JustHTML(refused.text, sanitize=False).query('button[name="remove"]')
    removed = applicant.post(DOCUMENTS, data={**form_of(refused, DOCUMENTS), "remove": button.attrs["value"]})
    assert removed.status_code == 200
    assert "staged" not in form_of(removed, DOCUMENTS)
    empty = applicant.post(DOCUMENTS, data=form_of(removed, DOCUMENTS))
    assert empty.status_code == 422
    assert "Choose a file first." in text_of(empty)
    assert purposes(app) == []


def test_after_72_hours_the_page_says_so_and_nobody_is_thrown_out(
    app: Flask, client: CheckingClient, received: Received
) -> None:
    old = form_of(enter(app, client, received).get(OWN), DOCUMENTS)
    with time_machine.travel(clock.now() + timedelta(hours=73)):
        enter(app, client, received)
        page = client.get(OWN)
        said = text_of(page)
        assert "Still missing: CV" in said
        assert "The time for sending it ended on" in said
        assert "Your application stays with us; a person decides" in said
        assert "file-cv" not in page.text
        token = form_of(page, DOCUMENTS)["csrf_token"]
        late = client.post(DOCUMENTS, data={**old, "csrf_token": token, "file-cv": upload("cv.txt")})
        assert late.status_code == 422
    assert purposes(app) == []
    with app.app_context():
        assert db.session.scalar(select(Application.stage)) == "received"


def test_documents_never_go_to_another_application(app: Flask, applicant: CheckingClient, received: Received) -> None:
    form = form_of(applicant.get(OWN), DOCUMENTS)
    with app.app_context():
        call = make_call(1)
        other = apply(call, email="second@example.org")
    enter(app, applicant, other)
    response = applicant.post(DOCUMENTS, data={**form, "file-cv": upload("cv.txt")})
    assert response.status_code == 409
    assert purposes(app) == []


# ---------------------------------------------------------------------------------------------------- corrections


def test_only_the_named_answers_reopen_with_what_was_sent(
    app: Flask, applicant: CheckingClient, received: Received, people: dict[str, Viewer]
) -> None:
    with app.app_context():
        ask(people["koponen"], received, "motivation", "weeks", "questions.remote", reason="Please say more.")
    said = text_of(applicant.get(OWN))
    assert "Correct your application" in said
    assert "Please say more." in said
    page = applicant.get(CORRECT)
    form = form_of(page, CORRECT)
    assert form["motivation"].strip() == "I want to learn how regions work together."
    assert form["weeks"] == "12"
    assert not {"name", "email", "q-why", "institution"} & set(form)
    changed = {**form, "q-remote": "home", "motivation": "More words.", "weeks": "10"}
    smuggled = {"name": "Eve", "email": "eve@example.org", "q-why": "smuggled", "institution": "X", "language_1": "fi"}
    sent = applicant.post(CORRECT, data={**changed, **smuggled})
    assert (sent.status_code, sent.location) == (303, OWN)
    with app.app_context():
        process = find_process(received.submission_id)
        assert process is not None
        answers = process.answers
        assert (answers.motivation, answers.weeks) == ("More words.", 10)
        assert answers.questions == {"why": "Because of the lakes.", "remote": "home"}
        assert (answers.name, answers.email) == ("Noor Example", "noor@example.org")
        assert answers.languages == (("en", "C1"), ("nl", "native"))
    said = text_of(applicant.get(OWN))
    assert "You sent the correction" in said
    assert "More words." in said
    assert applicant.get(CORRECT).status_code == 302
    # A double click is harmless; another text afterwards changes nothing, and is given back.
    assert applicant.post(CORRECT, data=changed).status_code == 303
    other = applicant.post(CORRECT, data={**changed, "motivation": "Words that came too late."})
    assert other.status_code == 409
    assert "Words that came too late." in other.text
    with app.app_context():
        assert len(db.session.scalars(select(Event).where(Event.kind == "corrected")).all()) == 1


def test_a_bad_correction_comes_back_as_it_was_typed(
    app: Flask, applicant: CheckingClient, received: Received, people: dict[str, Viewer]
) -> None:
    every = ("name", "email", "country", "contact_language", "study_level", "study_stage", "topic", "languages")
    with app.app_context():
        ask(people["koponen"], received, *every, "available_from", "available_to", "weeks", "funding", "questions.why")
    page = applicant.get(CORRECT)
    form = form_of(page, CORRECT)
    form |= {"contact_language": "en", "study_stage": "studying", "funding": "erasmus"}
    bad = applicant.post(CORRECT, data={**form, "email": "not an address", "name": "Noor N.", "weeks": "500"})
    assert bad.status_code == 422
    again = form_of(bad, CORRECT)
    assert (again["name"], again["email"], again["weeks"]) == ("Noor N.", "not an address", "500")
    assert "This is not a whole e-mail address" in text_of(bad)
    forged = applicant.post(CORRECT, data={**form, "csrf_token": "x"})
    assert forged.status_code == 400
    assert applicant.post(CORRECT, data={**form, "name": "Noor N."}).status_code == 303
    with app.app_context():
        process = find_process(received.submission_id)
        assert process is not None
        assert process.answers.name == "Noor N."
        assert process.answers.languages == (("en", "C1"), ("nl", "native"))


def test_languages_are_corrected_in_rows_and_more_can_be_added(
    app: Flask, applicant: CheckingClient, received: Received, people: dict[str, Viewer]
) -> None:
    with app.app_context():
        ask(people["koponen"], received, "languages")
    form = form_of(applicant.get(CORRECT), CORRECT)
    assert (form["language_1"], form["level_1"], form["language_2"]) == ("en", "C1", "nl")
    assert "language_4" not in form
    more = applicant.post(CORRECT, data={**form, "language_3": "fi", "level_3": "A1", "more": "1"})
    assert more.status_code == 200
    form = form_of(more, CORRECT)
    assert (form["language_3"], form["level_3"]) == ("fi", "A1")
    assert "language_5" in form
    half = applicant.post(CORRECT, data={**form, "language_4": "sv"})
    assert half.status_code == 422
    assert applicant.post(CORRECT, data={**form, "language_1": "", "level_1": ""}).status_code == 303
    with app.app_context():
        process = find_process(received.submission_id)
        assert process is not None
        assert process.answers.languages == (("nl", "native"), ("fi", "A1"))


def test_a_document_is_corrected_by_a_new_file(app: Flask, client: CheckingClient, people: dict[str, Viewer]) -> None:
    with app.app_context():
        call = make_call(people["koponen"].account_id)
        received = apply(call, command={"files": (a_file("cv"),)})
        ask(people["koponen"], received, "documents.cv", "motivation", reason="The file is empty.")
    enter(app, client, received)
    form = form_of(client.get(CORRECT), CORRECT)
    bad = client.post(CORRECT, data={**form, "motivation": "", "file-cv": upload("better.txt")})
    assert bad.status_code == 422
    kept = form_of(bad, CORRECT)
    assert kept["staged"]
    assert client.post(CORRECT, data={**kept, "motivation": "Yes."}).status_code == 303
    assert purposes(app) == ["cv", "cv"]
    said = text_of(client.get(OWN))
    assert "better.txt" in said
    assert "replaced by a newer one" in said


def test_a_document_alone_needs_a_file_and_beside_answers_it_may_stay(
    app: Flask, client: CheckingClient, people: dict[str, Viewer]
) -> None:
    with app.app_context():
        call = make_call(people["koponen"].account_id)
        alone, beside = (apply(call, command={"files": (a_file("cv"),)}) for _ in range(2))
        ask(people["koponen"], alone, "documents.cv")
        ask(people["koponen"], beside, "documents.cv", "motivation")
    enter(app, client, alone)
    without = client.post(CORRECT, data=form_of(client.get(CORRECT), CORRECT))
    assert without.status_code == 422
    assert "Choose a file for “CV”." in text_of(without)
    enter(app, client, beside)
    page = client.get(CORRECT)
    assert "Leave this empty to keep the file that you sent." in text_of(page)
    form = form_of(page, CORRECT)
    assert client.post(CORRECT, data={**form, "motivation": "Other words."}).status_code == 303
    assert purposes(app) == ["cv", "cv"], "each has the one it came with"
    with app.app_context():
        process = find_process(beside.submission_id)
        assert process is not None
        assert process.answers.motivation == "Other words."


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("available_from", "2027-06-15", "The latest end must not come before the earliest start."),
        ("available_from", "2027-05-01", "There are only 5 weeks between your two dates."),
        ("available_to", "2027-02-20", "There are only 3 weeks between your two dates."),
    ],
)
def test_one_corrected_day_is_held_against_the_other_answers(
    app: Flask,
    applicant: CheckingClient,
    received: Received,
    people: dict[str, Viewer],
    name: str,
    typed: str,
    sentence: str,
) -> None:
    with app.app_context():
        ask(people["koponen"], received, name)
    refused = applicant.post(CORRECT, data={**form_of(applicant.get(CORRECT), CORRECT), name: typed})
    assert refused.status_code == 422
    assert sentence in text_of(refused)
    assert f'href="#{name}"' in refused.text
    with app.app_context():
        assert db.session.scalars(select(Correction.answered_at)).all() == [None]


def test_a_correction_that_came_too_late_or_was_taken_back_loses_no_text(
    app: Flask, client: CheckingClient, received: Received, people: dict[str, Viewer]
) -> None:
    with app.app_context():
        ask(people["koponen"], received, "motivation", days=1)
    form = form_of(enter(app, client, received).get(CORRECT), CORRECT)
    with time_machine.travel(clock.now() + timedelta(days=1, minutes=5)):
        enter(app, client, received)
        page = client.get(OWN)
        assert "that time has passed. We go on with what you sent at first." in text_of(page)
        assert client.get(CORRECT).status_code == 302
        token = form_of(page, OWN)["csrf_token"]
        late = client.post(CORRECT, data={**form, "csrf_token": token, "motivation": "Late words"})
        assert late.status_code == 409
        assert "Late words" in late.text
    with app.app_context():
        assert db.session.scalars(select(Correction.answered_at)).one() is None


# ------------------------------------------------------------------------------------------------------ interview


def test_a_time_is_chosen_by_a_button_and_comes_as_a_calendar_file(
    app: Flask, applicant: CheckingClient, received: Received, people: dict[str, Viewer]
) -> None:
    with app.app_context():
        proposed = invite(people["koponen"], received)
    assert applicant.get(CALENDAR).status_code == 302
    page = applicant.get(OWN)
    said = text_of(page)
    assert "Choose a time for your interview" in said
    assert "We liked what you wrote." in said
    form = {**form_of(page, CHOOSE), "slot": proposed[1].isoformat()}
    # Whoever follows links, as mail scanners do, chooses nothing.
    for link in (CHOOSE, f"{CHOOSE}?slot={proposed[1].isoformat()}", f"{OWN}?slot=0"):
        applicant.get(link)
    with app.app_context():
        assert db.session.scalars(select(Interview.chosen_slot)).one() is None
    for _ in range(2):
        assert applicant.post(CHOOSE, data=form).status_code == 303
    said = text_of(applicant.get(OWN))
    assert "Interview booked" in said
    assert "Sepänkatu 4, Jyväskylä" in said
    file = applicant.get(CALENDAR)
    assert file.mimetype == "text/calendar"
    [event] = icalendar.Calendar.from_ical(file.data).walk("VEVENT")
    assert event["DTSTART"].dt == proposed[1]
    assert event["STATUS"] == "CONFIRMED"
    again = {**form, "slot": proposed[0].isoformat()}
    with time_machine.travel(clock.now() + timedelta(minutes=3)):
        assert applicant.post(CHOOSE, data=again).status_code == 303
    [moved] = icalendar.Calendar.from_ical(applicant.get(CALENDAR).data).walk("VEVENT")
    assert moved["UID"] == event["UID"]
    assert moved["SEQUENCE"] > event["SEQUENCE"]
    with app.app_context():
        cancel_interview(people["koponen"], case=seen(received), message="We are sorry.")
    said = text_of(applicant.get(OWN))
    assert "We cancelled the interview" in said
    assert "We are sorry." in said
    [gone] = icalendar.Calendar.from_ical(applicant.get(CALENDAR).data).walk("VEVENT")
    assert (gone["UID"], gone["STATUS"]) == (event["UID"], "CANCELLED")


def test_a_mind_that_changes_all_the_time_is_slowed_down(
    app: Flask, applicant: CheckingClient, received: Received, people: dict[str, Viewer]
) -> None:
    with app.app_context():
        proposed = invite(people["koponen"], received)
    form = form_of(applicant.get(OWN), CHOOSE)
    answers = [
        applicant.post(CHOOSE, data={**form, "slot": proposed[number % 2].isoformat()}).status_code
        for number in range(11)
    ]
    assert answers == [303] * 10 + [429]


def test_a_choice_that_cannot_be_is_refused(
    app: Flask, client: CheckingClient, received: Received, people: dict[str, Viewer]
) -> None:
    with app.app_context():
        proposed = invite(people["koponen"], received)
    form = form_of(enter(app, client, received).get(OWN), CHOOSE)
    for slot in ("", "tomorrow", (proposed[0] + timedelta(hours=1)).isoformat()):
        response = client.post(CHOOSE, data={**form, "slot": slot})
        assert response.status_code == 422
        assert "Choose one of the times." in text_of(response)
    assert client.post(CHOOSE, data={**form, "csrf_token": "x"}).status_code == 400
    with time_machine.travel(clock.now() + timedelta(days=4)):
        enter(app, client, received)
        page = client.get(OWN)
        assert "the time to choose has passed" in text_of(page)
        token = form_of(page, OWN)["csrf_token"]
        late = client.post(CHOOSE, data={**form, "csrf_token": token, "slot": proposed[0].isoformat()})
        assert late.status_code == 409
    with app.app_context():
        cancel_interview(people["koponen"], case=seen(received))
    enter(app, client, received)
    token = form_of(client.get(OWN), OWN)["csrf_token"]
    gone = client.post(CHOOSE, data={**form, "csrf_token": token, "slot": proposed[0].isoformat()})
    assert gone.status_code == 409
    with app.app_context():
        assert db.session.scalars(select(Interview.chosen_slot)).one() is None


def test_without_an_open_application_there_is_nothing_to_do(client: CheckingClient) -> None:
    for path in (DOCUMENTS, CHOOSE, CALENDAR, CORRECT):
        assert client.get(path).status_code == 302
    token = form_of(client.get(TRACK), TRACK)["csrf_token"]
    for path in (DOCUMENTS, CHOOSE, CORRECT):
        assert client.post(path, data={"csrf_token": token}).status_code == 403
        assert client.post(path, data={"csrf_token": "x"}).status_code == 400


# ------------------------------------------------------------------------------------------------------- the lead


def test_the_lead_asks_for_a_correction_in_two_clicks_and_takes_it_back(
    app: Flask, client: CheckingClient, received: Received, people: dict[str, Viewer]
) -> None:
    path = f"/workspace/applications/{received.reference}/correction"
    sign_in(client, "koponen")
    page = client.get(path)
    assert "Write in the applicant’s language: English" in text_of(page)
    form = form_of(page, path)
    nothing = client.post(path, data={**form, "reason": ""})
    assert nothing.status_code == 422
    typed = {**form, "answers": ["weeks", "languages"], "documents": "documents.cv", "reason": "Please look again."}
    past = client.post(path, data={**typed, "due_on": "2020-01-01"})
    assert past.status_code == 422
    assert "Please look again." in past.text
    assert client.post(path, data={**typed, "answers": "stage"}).status_code == 422
    assert client.post(path, data=typed).status_code == 303
    with app.app_context():
        [asked] = db.session.scalars(select(Correction))
        assert asked.fields == ["weeks", "languages", "documents.cv"]
        assert asked.due_at.astimezone(app.extensions["yhteys.content"].organisation.zone).hour == 23
    shown = client.get(path)
    assert "The applicant has been asked for a correction" in text_of(shown)
    assert client.post(path, data=typed).status_code == 303, "the same form sent twice"
    cancel = f"{path}/cancel"
    assert client.post(cancel, data=form_of(shown, cancel)).status_code == 303
    assert "taken back on" in text_of(client.get(path))


def test_the_second_to_act_is_told_who_was_first_and_keeps_the_text(
    app: Flask, client: CheckingClient, received: Received, people: dict[str, Viewer]
) -> None:
    path = f"/workspace/applications/{received.reference}/correction"
    sign_in(client, "koponen")
    form = form_of(client.get(path), path)
    with app.app_context():
        cases.add_note(people["coordinator"], case=seen(received), body="A note")
    data = {**form, "answers": "weeks", "reason": "My words"}
    second = client.post(path, data=data)
    assert second.status_code == 409
    assert "Demo Coordinator did something" in text_of(second)
    again = form_of(second, path)
    assert again["reason"].strip() == "My words"
    assert client.post(path, data=again).status_code == 303


def test_the_lead_proposes_times_and_sees_which_was_chosen(
    app: Flask, client: CheckingClient, received: Received, people: dict[str, Viewer]
) -> None:
    path = f"/workspace/applications/{received.reference}/interview"
    sign_in(client, "koponen")
    form = form_of(client.get(path), path)
    assert {"day_1", "day_3"} <= set(form)
    assert "day_4" not in form
    more = client.post(path, data={**form, "day_1": "2030-01-14", "place": "Here", "more": "1"})
    assert more.status_code == 200
    form = form_of(more, path)
    assert (form["day_1"], form["place"]) == ("2030-01-14", "Here")
    assert "day_6" in form
    assert client.post(path, data={**form, "day_1": ""}).status_code == 422
    for day, at, last in (
        ("2030-01-14", "", "2030-01-11"),
        ("2020-01-14", "10:00", "2030-01-11"),
        ("2030-01-14", "10:00", "2030-01-14"),
        ("2030-03-31", "03:30", "2030-01-11"),
        ("2030-01-14", "10:00", ""),
    ):
        bad = client.post(path, data={**form, "day_1": day, "time_1": at, "reply_on": last})
        assert bad.status_code == 422, (day, at, last)
    good = {**form, "time_1": "10:00", "day_5": "2030-01-15", "time_5": "9.30", "reply_on": "2030-01-11"}
    for _ in range(2):
        assert client.post(path, data=good).status_code == 303
    with app.app_context():
        [invited] = db.session.scalars(select(Interview))
        assert invited.slots == ["2030-01-14T08:00:00+00:00", "2030-01-15T07:30:00+00:00"]
        choose_slot(submission_id=received.submission_id, slot=datetime(2030, 1, 14, 8, tzinfo=UTC))
    shown = client.get(path)
    assert "The applicant has chosen a time." in text_of(shown)
    file = client.get(f"{path}.ics")
    [event] = icalendar.Calendar.from_ical(file.data).walk("VEVENT")
    assert event["DTSTART"].dt == datetime(2030, 1, 14, 8, tzinfo=UTC)
    assert "noor" not in file.text.lower()
    cancel = f"{path}/cancel"
    assert client.post(cancel, data=form_of(shown, cancel)).status_code == 303
    assert client.post(cancel, data=form_of(shown, cancel)).status_code == 303, "the same form sent twice"
    assert "Propose times" in text_of(client.get(path))


def test_who_does_not_lead_the_call_finds_no_page(
    app: Flask, client: CheckingClient, received: Received, people: dict[str, Viewer]
) -> None:
    with app.app_context():
        invite(people["koponen"], received)
        version = seen(received).version
    sign_in(client, "pirinen")
    token = form_of(client.get(TRACK), TRACK)["csrf_token"]
    address = f"/workspace/applications/{received.reference}"
    for path in ("correction", "interview", "interview.ics"):
        assert client.get(f"{address}/{path}").status_code == 404
    for path in ("correction", "correction/cancel", "interview", "interview/cancel"):
        data = {
            "csrf_token": token,
            "cancel-csrf_token": token,
            "version": str(version),
            "cancel-version": str(version),
        }
        assert client.post(f"{address}/{path}", data=data).status_code == 404
    with app.app_context():
        assert seen(received).version == version


def test_an_application_whose_review_is_over_is_not_asked_anything(
    app: Flask, client: CheckingClient, received: Received
) -> None:
    sign_in(client, "koponen")
    address = f"/workspace/applications/{received.reference}"
    forms = {
        path: form_of(client.get(f"{address}/{path}"), f"{address}/{path}") for path in ("correction", "interview")
    }
    set_stage(app, received, "declined", "closed")
    typed = {
        "correction": {"answers": "weeks", "reason": "x"},
        "interview": {"day_1": "2030-01-14", "time_1": "10:00", "place": "Here", "reply_on": "2030-01-11"},
    }
    for path, form in forms.items():
        assert "The review of this application is over" in text_of(client.get(f"{address}/{path}"))
        refused = client.post(f"{address}/{path}", data={**form, **typed[path]})
        assert refused.status_code == 409


# ----------------------------------------------------------------------------------- the page is not open any more


@pytest.mark.parametrize(
    ("address", "data"),
    [
        (DOCUMENTS, {}),
        (CHOOSE, {"slot": "2030-01-01T10:00:00+00:00"}),
        (CORRECT, {"motivation": "Words that took an hour.", "q-why": "The forests."}),
        ("/en/track/offer", {"answer": "accept"}),
        ("/en/track/withdraw", {}),
    ],
)
def test_whoever_was_signed_out_is_told_and_loses_no_text(
    client: CheckingClient, received: Received, address: str, data: dict[str, str]
) -> None:
    token = form_of(client.get(TRACK), TRACK)["csrf_token"]
    answer = client.post(address, data={**data, "csrf_token": token, "case": str(received.submission_id)})
    assert answer.status_code == 403
    assert "You have been signed out; nothing was done." in text_of(answer)
    assert form_of(answer, TRACK)
    for name in ("motivation", "q-why"):
        assert data.get(name, "") in answer.text
    assert ('id="kept"' in answer.text) == ("motivation" in data)
    forged = client.post(address, data={**data, "csrf_token": "x"})
    assert forged.status_code == 400
    assert "Words that took an hour." not in forged.text
