"""Every page about internships, as in ``test_every_page``: applying, the own page, the workspace.

Words are long where people may write them; forms stand there with everything wrong in them that can be.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.sync_api import FilePayload, Page, expect
from sqlalchemy import select, update

from portal import clock, create_app
from portal.database import db, transaction
from portal.models import Decision, Submission
from portal.operations.decisions import release_decisions
from portal.operations.interviews import choose_slot
from portal.operations.preparing import prepare_decision
from portal.operations.receiving import Received
from portal.operations.reviews import declare_no_conflict
from portal.queries.accounts import find_account
from portal.queries.decisions import list_decisions, mark_of
from portal.rules.policy import Viewer
from tests import cvs
from tests.dossiers import add_review
from tests.installation import make_settings, release
from tests.internships import a_document, apply, make_call
from tests.journeys.conftest import OpenContext, Portal, SignIn
from tests.journeys.looking import check_everywhere, check_large_text
from tests.journeys.steps import LANGUAGES, LIAR, Mail, fill_in_application, press, words_of
from tests.talks import ask, invite

LONG = "Maakuntayhteisohankevalmisteluasiantuntijaverkostokokousharjoittelija"
CV = FilePayload(name="Europass.pdf", mimeType="application/pdf", buffer=cvs.pdf(cvs.candidate()))
STEPS = ("you", "studies", "internship", "skills", "motivation", "documents")


@dataclass(frozen=True)
class Calls:
    """A call with applications at every stage, and others on which there is less to see; by their addresses."""

    full: str
    draft: str
    later: str
    past: str
    fresh: str
    booked: str
    asked: str
    undeclared: str


@contextmanager
def inside(portal: Portal) -> Iterator[None]:
    """In the running portal's database, as one of its own processes."""
    app = create_app(make_settings(portal.data_dir, f"sqlite:///{portal.data_dir / 'portal.sqlite'}"))
    with app.app_context():
        yield
    release(app)


def viewer_of(key: str) -> Viewer:
    account = find_account(f"{key}@demo.example.org")
    assert account is not None
    db.session.rollback()
    return account.viewer


@pytest.fixture(scope="session")
def calls(portal: Portal) -> Calls:
    document = a_document(
        title={code: f"{LONG} ({code})" for code in LANGUAGES},
        required_documents=("cv", "agreement"),
        optional_documents=("transcript", "other"),
    )
    now = clock.now()
    with inside(portal):
        lead, reviewer = viewer_of("koponen"), viewer_of("reviewer")
        call = make_call(
            lead.account_id, reviewers=(reviewer.account_id,), slug="full-of-applications", document=document
        )
        bare = a_document(title={"fi": LONG}, text={}, topics=(), weeks_min=None)
        draft = make_call(lead.account_id, slug="half-written", status="draft", document=bare, opens_at=None)
        later = make_call(lead.account_id, slug="opens-later", opens_at=now + timedelta(days=3))
        past = make_call(lead.account_id, slug="has-closed", closes_at=now - timedelta(days=3))
        fresh, asked, booked, offered, reserved, declined, undeclared = (
            apply(call, name=f"{name} {LONG}", institution=LONG, email=f"{name.lower()}@example.org")
            for name in ("Fresh", "Asked", "Booked", "Offered", "Reserved", "Declined", "Undeclared")
        )
        add_review(fresh.submission_id, reviewer.account_id)
        declare_no_conflict(reviewer, reference=booked.reference)
        for received in (asked, booked):
            ask(lead, received, "weeks", "questions.why", "documents.cv", reason=f"{LONG}: please look again.")
            times = invite(lead, received)
        choose_slot(submission_id=booked.submission_id, slot=times[0])
        deadline = now + timedelta(days=20)
        for received, kind, reply_by in ((declined, "decline", None), (reserved, "reserve", None)):
            decide(lead, received, kind, reply_by)
        release_decisions(
            lead,
            slug=call.slug,
            seen=[mark_of(row) for row in list_decisions(lead, call).prepared],
            token="a-sending-of-the-journeys",
        )
        decide(lead, offered, "offer", deadline)
    return Calls(
        call.slug,
        draft.slug,
        later.slug,
        past.slug,
        *(received.reference for received in (fresh, booked, asked, undeclared)),
    )


def decide(lead: Viewer, received: Received, kind: str, reply_by: object) -> None:
    prepare_decision(
        lead,
        reference=received.reference,
        seen="",
        kind=kind,  # type: ignore[arg-type]
        reason=f"A reason. {LONG}",
        message=f"Hei! {LONG}",
        reply_by=reply_by,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_applying(language: str, calls: Calls, open_context: OpenContext) -> None:
    say = words_of(language)
    context = open_context()
    page = context.new_page()
    start = f"/{language}/internships/{calls.full}/apply"
    for slug in (calls.full, calls.later, calls.past):
        page.goto(f"/{language}/internships/{slug}/apply")
        check_everywhere(page, f"apply-{slug}-{language}")
    page.goto(f"{start}/import")
    press(page, say("Read the file"))
    expect(page.get_by_role("alert")).to_be_focused()
    check_everywhere(page, f"prefill-errors-{language}")
    page.set_input_files("#cv", [CV])
    press(page, say("Read the file"))
    expect(page.locator(".prefill-found")).to_be_visible()
    check_everywhere(page, f"prefill-found-{language}")
    for step in STEPS[:-1]:
        page.goto(f"{start}/{step}")
        if step == "skills":
            page.select_option("#level_1", "B2")
            press(page, say("Add more languages"))
            expect(page.get_by_role("alert").or_(page.locator("#language_5"))).to_be_visible()
        press(page, say("Save and continue"))
        expect(page.get_by_role("alert")).to_be_focused()
        check_everywhere(page, f"apply-{step}-errors-{language}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_sending_and_after(
    language: str, calls: Calls, open_context: OpenContext, portal: Portal, mail: Mail
) -> None:
    say = words_of(language)
    context = open_context()
    page = context.new_page()
    start = f"/{language}/internships/{calls.full}/apply"
    email = f"every-{language}@example.org"
    own = {"why": LONG * 3, "remote": "office"}
    fill_in_application(
        context, calls.full, language=language, name=LONG, institution=LONG, motivation=LONG, email=email, own=own
    )
    page.goto(f"{start}/documents")
    page.set_input_files("#file-cv", [LIAR])
    press(page, say("Save and continue"))
    expect(page.get_by_role("alert")).to_be_focused()
    check_everywhere(page, f"apply-documents-errors-{language}")
    for path in ("", "/saved", "/check"):
        page.goto(start + path)
        check_everywhere(page, f"apply{path.replace('/', '-') or '-goes-on'}-{language}")
    (letter,) = mail.wait_for(email, "/internships/resume/")
    page.goto(next(word for word in letter.split() if "/internships/resume/" in word))
    press(page, say("Open the draft"))
    expect(page.get_by_role("alert")).to_be_focused()
    check_everywhere(page, f"resume-errors-{language}")
    page.goto(f"{start}/check")
    press(page, say("Send the application"))
    page.wait_for_url("**/internships/receipt")
    check_everywhere(page, f"application-receipt-{language}")

    # Everything at once waits for the applicant: a missing document, a correction, an invitation; then an offer.
    reference, code = page.locator("#reference").inner_text(), page.locator("#access-code").inner_text()
    with inside(portal):
        lead = viewer_of("koponen")
        number = db.session.scalars(select(Submission.id).where(Submission.reference == reference)).one()
        db.session.rollback()
        received = Received(number, reference, True)
        ask(lead, received, "weeks", "languages", "questions.why", "documents.cv", reason=f"{LONG}: please look again.")
        invite(lead, received, message=LONG)
    page.goto(f"/{language}/track?reference={reference}")
    page.fill("#code", code)
    press(page, say("Open"))
    page.wait_for_url("**/track/case")
    page.locator("summary").evaluate_all("all => all.forEach(one => { one.parentElement.open = true; })")
    check_everywhere(page, f"application-page-{language}")
    check_large_text(page)
    page.goto(f"/{language}/track/correct")
    check_everywhere(page, f"correct-{language}")
    page.fill("#weeks", "many")
    page.locator("main form button[type=submit]").last.click()
    expect(page.get_by_role("alert")).to_be_focused()
    check_everywhere(page, f"correct-errors-{language}")
    page.goto(f"/{language}/track/withdraw")
    check_everywhere(page, f"withdraw-{language}")
    with inside(portal):
        decide(lead, received, "offer", clock.now() + timedelta(days=20))
        with transaction() as connection:
            now = clock.now()
            waiting = Decision.submission_id == received.submission_id
            connection.execute(update(Decision).where(waiting).values(released_at=now, effective_at=now))
    mail.wait_for(email, f"Hei! {LONG}")
    page.goto(f"/{language}/track/case")
    check_everywhere(page, f"application-page-offer-{language}")


WIDTHS = {"en": (320, 1280), "fi": (320,), "sv": (320,)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_calls_in_the_workspace(language: str, calls: Calls, sign_in: SignIn) -> None:
    page = sign_in("koponen", language)
    for path in (
        "",
        "/new",
        *(f"/{calls.draft}{part}" for part in ("", "/edit", "/preview", "/questions/new", "/criteria/new")),
        *(
            f"/{calls.full}{part}"
            for part in (
                "",
                "/edit",
                "/questions",
                "/questions/item/remote",
                "/criteria",
                "/late",
                "/applications",
                "/summary",
                "/decisions",
                "/export",
            )
        ),
    ):
        visit(page, f"calls{path}", language)
    press(page, words_of(language)("Download the workbook"))
    page.goto(f"/workspace/calls/{calls.full}/decisions")
    press(page, words_of(language)("Send the chosen letters"))
    check_everywhere(page, f"decisions-confirm-{language}", widths=WIDTHS[language])


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_applications_in_the_workspace(language: str, calls: Calls, sign_in: SignIn) -> None:
    say = words_of(language)
    page = sign_in("koponen", language)
    for name, reference in (("fresh", calls.fresh), ("booked", calls.booked)):
        for part in ("", "/correction", "/interview", "/decision", "/dossier"):
            visit(page, f"applications/{reference}{part}", language, name=f"{name}-application{part}")
    for part, name in (
        ("correction", "Ask the applicant"),
        ("interview", "Invite the applicant"),
        ("decision", "Preview the letter"),
    ):
        page.goto(f"/workspace/applications/{calls.fresh}/{part}")
        press(page, say(name))
        expect(page.get_by_role("alert")).to_be_focused()
        check_everywhere(page, f"{part}-errors-{language}", widths=[320])


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_reviewers(language: str, calls: Calls, sign_in: SignIn) -> None:
    page = sign_in("reviewer", language)
    visit(page, f"reviews?call={calls.full}", language, name="reviews")
    for reference, name in ((calls.undeclared, "before"), (calls.booked, "form"), (calls.fresh, "finished")):
        visit(page, f"reviews/{reference}", language, name=f"review-{name}")
    page.goto(f"/workspace/reviews/{calls.booked}")
    press(page, words_of(language)("Finish the review"))
    expect(page.get_by_role("alert")).to_be_focused()
    check_everywhere(page, f"review-errors-{language}", widths=[320])


def visit(page: Page, path: str, language: str, name: str | None = None) -> None:
    answer = page.goto(f"/workspace/{path}")
    assert answer is not None
    assert answer.status == 200, page.url
    name = (name or path).replace("/", "-")
    check_everywhere(page, f"workspace-{name}-{language}", widths=WIDTHS[language])
