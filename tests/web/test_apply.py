"""Applying for an internship as a person does it: without JavaScript, with interruptions and mistakes."""

import io
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from portal import clock
from portal.content.calls import Choice, Question
from portal.database import db, transaction
from portal.models import Application, Attachment, Call, CallEvent, Draft, Event, Interview, Letter, Submission
from portal.operations.late import hand_in_late
from portal.queries.calls import StoredCall
from portal.queries.drafts import StoredDraft, find_draft
from portal.queries.receipts import find_receipt
from portal.rules.policy import Viewer
from portal.web.public import apply as apply_views
from portal.web.rendering import moment_text
from tests import samples
from tests.conftest import CheckingClient, Outbox
from tests.internships import a_document, in_three_languages, make_call
from tests.internships import apply as send_directly
from tests.people import add_people
from tests.talks import invite
from tests.web.browsing import form_of, text_of
from tests.web.signing_in import a_browser, sign_in

TYPED: dict[str, dict[str, Any]] = {
    "you": {
        "name": "Noor Example",
        "address_as": "Noor",
        "email": "noor@example.org",
        "contact_language": "en",
        "country": "NL",
    },
    "studies": {
        "institution": "Example University",
        "study_field": "Environmental policy",
        "study_level": "master",
        "study_stage": "studying",
    },
    "internship": {"topic": "errin", "available_from": "2027-02-01", "available_to": "2027-05-31", "weeks": "12"},
    "skills": {"language_1": "en", "level_1": "C1", "language_2": "nl", "level_2": "native", "funding": "erasmus"},
    "motivation": {
        "motivation": "I want to learn how regions work together.",
        "q-why": "The lakes.",
        "q-remote": "home",
    },
    "documents": {},
}


@pytest.fixture
def people(app: Flask) -> dict[str, Viewer]:
    return add_people(app)


@pytest.fixture
def call(app: Flask, people: dict[str, Viewer]) -> StoredCall:
    with app.app_context():
        return make_call(people["koponen"].account_id)


def base(call: StoredCall) -> str:
    return f"/en/internships/{call.slug}/apply"


def page_of(client: CheckingClient, call: StoredCall, step: str) -> TestResponse:
    page = client.get(f"{base(call)}/{step}")
    assert page.status_code == 200, (step, page.location)
    return page


def fill_in(client: CheckingClient, call: StoredCall, step: str, **typed: Any) -> TestResponse:
    """Open a step, type, send; ``None`` leaves a field out, as an unticked one is."""
    address = f"{base(call)}/{step}"
    fields = {**form_of(page_of(client, call, step), address), **TYPED.get(step, {}), **typed}
    data = {name: value for name, value in fields.items() if value is not None}
    return client.post(address, data=data, content_type="multipart/form-data")


def fill_in_all(client: CheckingClient, call: StoredCall, **typed: dict[str, Any]) -> None:
    for step in TYPED:
        response = fill_in(client, call, step, **typed.get(step, {}))
        assert response.status_code == 303, (step, text_of(response))


def send(client: CheckingClient, call: StoredCall, **typed: str) -> TestResponse:
    address = f"{base(call)}/check"
    return client.post(address, data={**form_of(page_of(client, call, "check"), address), **typed})


def only_draft(app: Flask) -> StoredDraft:
    with app.app_context():
        found = find_draft(db.session.scalars(select(Draft.id)).one())
    assert found is not None
    return found


def applications(app: Flask) -> list[Any]:
    with app.app_context():
        rows = db.session.execute(
            select(Submission, Application)
            .join(Application, Application.submission_id == Submission.id)
            .order_by(Submission.id)
        ).all()
        return list(rows)


def way_back(app: Flask) -> tuple[str, str]:
    """The link to the only draft, and its code."""
    draft = only_draft(app)
    with app.app_context():
        return f"/en/internships/resume/{draft.key}", draft.code


def letters_of(app: Flask, kind: str) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(Letter.recipient).where(Letter.kind == kind).order_by(Letter.id)))


def close(app: Flask, call: StoredCall, *, minutes_ago: int) -> None:
    with app.app_context(), transaction() as connection:
        closed_at = clock.now() - timedelta(minutes=minutes_ago)
        connection.execute(update(Call).where(Call.id == call.id).values(closes_at=closed_at))


# --------------------------------------------------------------------------------------------------- the whole way


def test_the_whole_way_from_the_start_to_the_receipt(
    app: Flask, client: CheckingClient, call: StoredCall, outbox: Outbox
) -> None:
    start = client.get(base(call))
    assert "about 15 minutes" in text_of(start)
    assert f"{base(call)}/you" in start.text
    with app.app_context():
        assert db.session.scalars(select(Draft.id)).all() == [], "looking makes no draft"
    steps = list(TYPED)
    for step, following in zip(steps, [*steps[1:], "check"], strict=True):
        more = {"file-cv": (io.BytesIO(samples.pdf()), "My CV.pdf")} if step == "documents" else {}
        response = fill_in(client, call, step, **more)
        assert (response.status_code, response.location) == (303, f"{base(call)}/{following}"), text_of(response)
    page = page_of(client, call, "check")
    shown = text_of(page)
    for words in (
        "Noor Example",
        "Master’s degree",
        "12",
        "C1: I use it with ease",
        "The lakes.",
        "From home (en)",
        "My CV.pdf",
    ):
        assert words in shown
    assert shown.index("becomes a public document") < shown.index("Send the application")
    assert "12 months after the decision" in shown
    response = send(client, call)
    assert (response.status_code, response.location) == (303, "/en/internships/receipt")
    [row] = applications(app)
    receipt = text_of(client.get("/en/internships/receipt"))
    with app.app_context():
        found = find_receipt(row.Submission.id)
        assert found is not None
        assert db.session.scalars(select(Draft.id)).all() == []
        assert db.session.scalars(select(Attachment.purpose)).all() == ["cv"]
        db.session.rollback()
    local = row.Submission.received_at.astimezone(app.extensions["yhteys.content"].organisation.zone)
    assert row.Submission.reference in receipt
    assert found.code in receipt
    assert f"{local:%H:%M:%S} (Helsinki time)" in receipt
    assert row.Application.documents_due_at is None
    assert row.Application.answers["questions"] == {"why": "The lakes.", "remote": "home"}
    assert row.Application.answers["available_to"] == "2027-05-31"
    assert (row.Submission.topic, row.Submission.routed_reason) == ("errin", "topic")
    letters = {letter["Subject"]: letter.get_content() for letter in outbox.deliver()}
    [body] = [body for subject, body in letters.items() if "received your application" in subject]
    for words in (
        "Hello Noor,",
        row.Submission.reference,
        found.code,
        "public document",
        "The lakes.",
        "(Helsinki time)",
    ):
        assert words in body
    assert "inquiry" not in body


def test_a_receipt_is_for_one_browser_and_one_hour(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    fill_in_all(client, call)
    send(client, call)
    assert client.get("/en/internships/receipt").status_code == 200
    assert a_browser(app).get("/en/internships/receipt").location == "/en/track"
    with time_machine.travel(clock.now() + timedelta(minutes=61)):
        assert client.get("/en/internships/receipt").location == "/en/track"


def test_steps_in_any_order_and_the_check_names_what_is_missing(
    app: Flask, client: CheckingClient, call: StoredCall
) -> None:
    assert fill_in(client, call, "motivation").status_code == 303
    page = page_of(client, call, "check")
    assert "“Full name” is empty" in text_of(page)
    assert "Choose at least one language" in text_of(page)
    assert f'href="{base(call)}/you"' in page.text
    refused = send(client, call)
    assert refused.status_code == 422
    assert applications(app) == []
    fill_in_all(client, call)
    assert "Before you can send" not in text_of(page_of(client, call, "check"))
    changed = fill_in(client, call, "studies", institution="Another University")
    assert changed.location == f"{base(call)}/check", "the way back from a change leads to the check"
    assert send(client, call).status_code == 303


def test_sending_twice_gives_the_same_reference(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    fill_in_all(client, call)
    address = f"{base(call)}/check"
    form = form_of(page_of(client, call, "check"), address)
    answers = [client.post(address, data=form) for _ in range(3)]
    assert {(answer.status_code, answer.location) for answer in answers} == {(303, "/en/internships/receipt")}
    assert len(applications(app)) == 1
    assert len(letters_of(app, "application_received")) == 1


def test_beginning_twice_makes_one_draft_and_one_letter(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    address = f"{base(call)}/you"
    form = {**form_of(page_of(client, call, "you"), address), **TYPED["you"]}
    assert [client.post(address, data=form).status_code for _ in range(2)] == [303, 303]
    assert letters_of(app, "draft_saved") == ["noor@example.org"]
    assert only_draft(app).steps == ("you",)


# ------------------------------------------------------------------------------------------------ interruptions


def test_a_letter_and_a_code_open_the_draft_on_another_device(
    app: Flask, client: CheckingClient, call: StoredCall, outbox: Outbox
) -> None:
    fill_in(client, call, "you")
    following = text_of(page_of(client, call, "studies"))
    _link, code = way_back(app)
    assert code in following
    assert "Write this code down" in following
    [letter] = outbox.deliver()
    body = letter.get_content()
    assert code not in body
    assert "Noor" not in body, "the address is not proved, so nothing that a stranger typed goes there"
    [link] = re.findall(r"https?://[^/]+(/en/internships/resume/\S+)", body)
    phone = a_browser(app)
    assert phone.get(f"{base(call)}/studies").status_code == 200
    assert "Noor" not in phone.get(f"{base(call)}/you").text
    form = form_of(phone.get(link), link)
    wrong = phone.post(link, data={**form, "code": "2222-2222-2222"})
    unknown_link = "/en/internships/resume/" + "A" * 24
    unknown = phone.post(unknown_link, data={**form, "code": code})
    assert (wrong.status_code, unknown.status_code) == (422, 422)
    assert re.findall(r"Link and code[^<]*", wrong.text) == re.findall(r"Link and code[^<]*", unknown.text)
    opened = phone.post(link, data={**form, "code": code.lower().replace("-", " ")})
    assert (opened.status_code, opened.location) == (303, f"{base(call)}/studies")
    assert "Noor Example" in page_of(phone, call, "you").text


def test_a_mail_scanner_that_opens_the_link_changes_nothing(
    app: Flask, client: CheckingClient, call: StoredCall
) -> None:
    fill_in(client, call, "you")
    before = only_draft(app)
    scanner = a_browser(app)
    for _ in range(2):
        page = scanner.get(way_back(app)[0])
        assert page.status_code == 200
        assert "Noor" not in page.text
    assert only_draft(app) == before


def test_guessing_the_code_is_slowed_down(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    fill_in(client, call, "you")
    link, _code = way_back(app)
    form = form_of(client.get(link), link)
    tries = [client.post(link, data={**form, "code": f"2222-2222-22{n:02d}"}).status_code for n in range(12)]
    assert tries[:10] == [422] * 10
    assert tries[10:] == [429, 429]


def test_a_step_that_took_hours_is_saved_though_the_session_is_over(
    app: Flask, client: CheckingClient, call: StoredCall
) -> None:
    fill_in(client, call, "you")
    address = f"{base(call)}/motivation"
    form = form_of(page_of(client, call, "motivation"), address)
    with time_machine.travel(clock.now() + timedelta(hours=3)):
        response = client.post(address, data={**form, **TYPED["motivation"]})
        assert response.status_code == 303
        draft = only_draft(app)
        assert draft.answers.name == "Noor Example"
        assert draft.answers.motivation == TYPED["motivation"]["motivation"]
        assert "Noor Example" in page_of(client, call, "you").text, "and the browser is back in its draft"


def test_save_and_finish_later_keeps_a_step_that_is_half_done(
    app: Flask, client: CheckingClient, call: StoredCall
) -> None:
    fill_in(client, call, "you")
    later = fill_in(client, call, "studies", study_level="", study_stage=None, later="1")
    assert later.location == f"{base(call)}/saved"
    draft = only_draft(app)
    assert draft.answers.institution == "Example University"
    assert "studies" not in draft.steps
    page = client.get(later.location)
    assert way_back(app)[1] in text_of(page)
    forget = form_of(page, f"{base(call)}/forget")
    assert client.post(f"{base(call)}/forget", data=forget).status_code == 303
    assert "about 15 minutes" in text_of(client.get(base(call))), "the device knows nothing of it any more"
    assert only_draft(app).id == draft.id


def test_an_owner_can_delete_the_draft(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    fill_in(client, call, "you")
    page = client.get(base(call))
    assert "Go on with your application" in text_of(page)
    assert "You can’t take this back." in text_of(page)
    form = {**form_of(page, f"{base(call)}/forget"), "delete": "1"}
    unsure = client.post(f"{base(call)}/forget", data=form)
    assert unsure.status_code == 422
    assert "Tick the box if you want to delete the draft." in text_of(unsure)
    assert only_draft(app).answers.name == "Noor Example"
    assert client.post(f"{base(call)}/forget", data={**form, "sure": "1"}).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Draft.id)).all() == []
        assert db.session.scalars(select(Letter.id)).all() == []


def test_a_changed_address_gets_a_letter_of_its_own(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    fill_in(client, call, "you", email="noor@exmaple.org")
    fill_in(client, call, "studies")
    fill_in(client, call, "you")
    fill_in(client, call, "you", address_as="N.")
    assert letters_of(app, "draft_saved") == ["noor@example.org"], "the mistyped one had not left yet"


def test_an_address_is_not_flooded_with_letters(app: Flask, people: dict[str, Viewer]) -> None:
    for number in range(7):
        with app.app_context():
            another = make_call(people["koponen"].account_id)
        fill_in(a_browser(app), another, "you", email="NOOR@example.org" if number % 2 else "noor@example.org")
    assert len(letters_of(app, "draft_saved")) == 4


def test_two_windows_of_one_draft_lose_nothing(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    fill_in(client, call, "you")
    studies, motivation = f"{base(call)}/studies", f"{base(call)}/motivation"
    forms = {address: form_of(client.get(address), address) for address in (studies, motivation)}
    client.post(studies, data={**forms[studies], **TYPED["studies"]})
    client.post(motivation, data={**forms[motivation], **TYPED["motivation"]})
    draft = only_draft(app)
    assert draft.answers.institution == "Example University"
    assert draft.answers.motivation


# -------------------------------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("step", "typed", "said"),
    [
        ("you", {"name": "  "}, "“Full name” is empty"),
        ("you", {"name": "N" * 101}, "1 character too long"),
        ("you", {"name": "No\x00or"}, "can't be used"),
        ("you", {"email": "noor@"}, "not a whole e-mail address"),
        ("you", {"contact_language": "xx"}, "not in the list"),
        ("you", {"country": "XX"}, "not in the list"),
        ("studies", {"study_level": ""}, "Choose an answer for “Level of studies”"),
        ("studies", {"study_stage": "asleep"}, "not in the list"),
        ("internship", {"available_from": "31.2.2027"}, "as a date"),
        ("internship", {"available_to": "2027-01-01"}, "must not come before"),
        ("internship", {"weeks": "many"}, "whole number"),
        ("internship", {"weeks": "99"}, "only 18 weeks"),
        ("internship", {"topic": "nonsense"}, "not in the list"),
        ("skills", {"level_1": ""}, "how well you know"),
        ("skills", {"language_2": "en"}, "twice"),
        ("skills", {"language_1": "", "level_1": "", "language_2": "", "level_2": ""}, "at least one language"),
        ("motivation", {"motivation": "x" * 5001}, "1 character too long"),
        ("motivation", {"motivation": "a\x00b"}, "contained a character"),
        ("motivation", {"q-why": ""}, "“Why us? (en)” is empty"),
        ("motivation", {"q-remote": "moon"}, "not in the list"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_comes_back(
    app: Flask, client: CheckingClient, call: StoredCall, step: str, typed: dict[str, str], said: str
) -> None:
    page = fill_in(client, call, step, **typed)
    assert page.status_code == 422
    assert said in text_of(page)
    assert "\x00" not in page.text
    shown = form_of(page, f"{base(call)}/{step}")
    chosen = {"contact_language", "country", "study_level", "study_stage", "topic", "funding", "q-remote"}
    for name, value in {**TYPED[step], **typed}.items():
        if name not in chosen and not name.startswith(("language_", "level_")):
            assert shown[name].strip() == value.strip().replace("\x00", ""), name
    assert step not in only_draft(app).steps
    kept = only_draft(app).answers
    if step == "motivation":
        assert kept.questions.get("why", "The lakes.") == "The lakes."
        assert bool(kept.motivation) != ("motivation" in typed), "what is good is saved all the same"
    else:
        good = next(name for name in TYPED[step] if name not in typed and not name.startswith("l"))
        assert str(getattr(kept, good)) == TYPED[step][good], "what is good is saved all the same"


def test_the_questions_of_a_call_are_asked_by_their_kind(app: Flask, people: dict[str, Viewer]) -> None:
    asked = (
        Question(key="short", kind="short_text", label=in_three_languages("Short"), required=True),
        Question(key="driving", kind="yes_no", label=in_three_languages("Driving?"), required=True),
        Question(key="hours", kind="number", label=in_three_languages("Hours"), required=True),
        Question(key="day", kind="date", label=in_three_languages("Day"), required=True),
        Question(
            key="pick", kind="choice", label=in_three_languages("Pick"), choices=(Choice(key="a", label={"en": "A"}),)
        ),
    )
    with app.app_context():
        call = make_call(people["koponen"].account_id, document=a_document(questions=asked))
    client = a_browser(app)
    text = {"motivation": "Why not", "q-why": None, "q-remote": None}
    wrong = {"q-short": "two\nlines", "q-driving": "maybe", "q-hours": "seven", "q-day": "soon", "q-pick": "b"}
    page = fill_in(client, call, "motivation", **text, **wrong)
    assert page.status_code == 422
    for said in ("line break", "not in the list", "not a number", "“Day (en)” as a date"):
        assert said in text_of(page)
    assert only_draft(app).answers.questions == {}
    good = {"q-short": "one", "q-driving": "no", "q-hours": "7,5", "q-day": "2027-02-03", "q-pick": ""}
    assert fill_in(client, call, "motivation", **text, **good).status_code == 303
    assert only_draft(app).answers.questions == {"short": "one", "driving": False, "hours": 7.5, "day": "2027-02-03"}
    shown = form_of(page_of(client, call, "motivation"), f"{base(call)}/motivation")
    assert (shown["q-hours"], shown["q-day"]) == ("7.5", "2027-02-03")
    assert "3 February 2027" in text_of(page_of(client, call, "check"))


def test_more_rows_for_languages_without_javascript(client: CheckingClient, call: StoredCall) -> None:
    more = fill_in(client, call, "skills", more="1")
    assert more.status_code == 303
    page = client.get(more.location)
    assert 'name="language_5"' in page.text
    shown = form_of(page, f"{base(call)}/skills")
    assert (shown["language_2"], shown["level_2"]) == ("nl", "native")


def test_a_stale_form_gives_everything_back(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    fill_in(client, call, "you")
    before = only_draft(app)
    page = fill_in(client, call, "motivation", csrf_token="0" * 40)
    assert page.status_code == 400
    assert "Nothing you typed is lost" in text_of(page)
    assert form_of(page, f"{base(call)}/motivation")["motivation"] == TYPED["motivation"]["motivation"]
    assert only_draft(app) == before
    stale = fill_in(client, call, "documents", csrf_token="", **{"file-cv": (io.BytesIO(b"Hello\n"), "cv.txt")})
    assert stale.status_code == 400
    assert "cv.txt" in text_of(stale)
    assert only_draft(app) == before
    kept = form_of(stale, f"{base(call)}/documents")
    assert client.post(f"{base(call)}/documents", data=kept).status_code == 303
    assert [(file.name, file.purpose) for file in only_draft(app).files] == [("cv.txt", "cv")]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("cv.exe", b"MZ", "of a type that we can't take"),
        ("cv.pdf", b"not a pdf", "is not what"),
        ("cv.pdf", b"", "is empty"),
        ("cv.pdf", samples.pdf_with_javascript(), "macros or scripts"),
        ("cv.pdf", samples.encrypted_pdf(), "password"),
    ],
)
def test_wrong_documents_are_refused_and_the_good_ones_kept(
    app: Flask, client: CheckingClient, call: StoredCall, name: str, content: bytes, said: str
) -> None:
    files = {"file-cv": (io.BytesIO(content), name), "file-other": (io.BytesIO(b"Hello\n"), "letter.txt")}
    page = fill_in(client, call, "documents", **files)
    assert page.status_code == 422
    assert said in text_of(page)
    assert "letter.txt" in text_of(page)
    [file] = only_draft(app).files
    assert (file.name, file.purpose) == ("letter.txt", "other")
    removed = fill_in(client, call, "documents", remove=file.key)
    assert (removed.status_code, removed.location) == (303, f"{base(call)}/documents")
    assert only_draft(app).files == ()


def test_the_number_of_files_is_limited(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    files = [(io.BytesIO(b"Hello\n"), f"{n}.txt") for n in range(11)]
    page = fill_in(client, call, "documents", **{"file-other": files})
    assert page.status_code == 422
    assert "10 files at most" in text_of(page)
    assert len(only_draft(app).files) == 10


def test_unknown_calls_and_steps_are_no_pages(app: Flask, client: CheckingClient, people: dict[str, Viewer]) -> None:
    with app.app_context():
        hidden = make_call(people["koponen"].account_id, status="draft", published_at=None)
        shown = make_call(people["koponen"].account_id)
    for address in (base(hidden), f"{base(hidden)}/you", "/en/internships/none/apply", f"{base(shown)}/nothing"):
        assert client.get(address).status_code == 404, address
    assert client.post(f"{base(shown)}/nothing").status_code == 404
    assert client.get(f"{base(shown)}/check").location == f"{base(shown)}?lost=1", "there is nothing to check yet"


def test_a_database_out_of_order_loses_no_text(
    client: CheckingClient, call: StoredCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any, **_values: Any) -> None:
        raise OperationalError("select", {}, Exception("gone"))

    address = f"{base(call)}/motivation"
    form = form_of(page_of(client, call, "motivation"), address)
    with monkeypatch.context() as patch:
        patch.setattr(apply_views, "known_call", broken)
        page = client.post(address, data={**form, **TYPED["motivation"]})
    assert page.status_code == 503
    assert TYPED["motivation"]["motivation"] in text_of(page)
    again = client.post(address, data=form_of(page, address))
    assert again.status_code == 303, "the same text, sent once more"


def test_words_of_another_site_make_no_draft(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    address = f"{base(call)}/you"
    form = {**form_of(page_of(client, call, "you"), address), **TYPED["you"]}
    assert client.post(address, data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 400
    with app.app_context():
        assert db.session.scalars(select(Draft.id)).all() == []


# -------------------------------------------------------------------------------------------- documents that follow


def test_a_required_document_may_follow(app: Flask, client: CheckingClient, call: StoredCall, outbox: Outbox) -> None:
    fill_in_all(client, call)
    assert "Still missing" in text_of(page_of(client, call, "check"))
    assert send(client, call).status_code == 303
    [row] = applications(app)
    waits = row.Application.documents_due_at - row.Submission.received_at
    assert abs(waits - timedelta(hours=72)) < timedelta(seconds=5)
    receipt = text_of(client.get("/en/internships/receipt"))
    assert "Still to come" in receipt
    body = next(letter for letter in outbox.deliver() if "received" in letter["Subject"]).get_content()
    assert "Still to come" in body
    assert "- CV" in body


# ----------------------------------------------------------------------------------------------------- closed calls


def test_a_closed_call_says_so_and_keeps_nothing(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    fill_in_all(client, call)
    step, check = f"{base(call)}/motivation", f"{base(call)}/check"
    typed = {**form_of(page_of(client, call, "motivation"), step), "motivation": "Something new"}
    ready = form_of(page_of(client, call, "check"), check)
    close(app, call, minutes_ago=31)
    page = client.post(step, data=typed)
    assert page.status_code == 409
    assert "Something new" in text_of(page)
    assert client.post(check, data=ready).location == base(call)
    shown = text_of(client.get(base(call)))
    assert "This call has closed" in shown
    assert "Write to us" in shown
    assert applications(app) == []
    assert only_draft(app).late_at is None
    assert client.get(step).location == base(call)
    assert "This call has closed" in text_of(a_browser(app).get(base(call)))


def test_a_call_that_is_not_open_yet(app: Flask, client: CheckingClient, people: dict[str, Viewer]) -> None:
    with app.app_context():
        coming = make_call(people["koponen"].account_id, opens_at=clock.now() + timedelta(days=1))
    page = client.get(base(coming))
    assert "not open yet" in text_of(page)
    assert f'href="/en/internships/{coming.slug}"' in page.text
    assert client.get(f"{base(coming)}/you").location == base(coming)


def hand_in(app: Flask, client: CheckingClient, call: StoredCall) -> StoredDraft:
    fill_in_all(client, call)
    close(app, call, minutes_ago=10)
    page = page_of(client, call, "check")
    assert "counts as late" in text_of(page)
    check = f"{base(call)}/check"
    form = form_of(page, check)
    assert [client.post(check, data=form).location for _ in range(2)] == [base(call)] * 2
    return only_draft(app)


def test_a_late_application_is_handed_to_the_lead_once(
    app: Flask, client: CheckingClient, call: StoredCall, outbox: Outbox
) -> None:
    outbox.deliver()
    draft = hand_in(app, client, call)
    assert draft.late_at is not None
    shown = text_of(client.get(base(call)))
    assert "came late" in shown
    assert client.get(f"{base(call)}/you").location == base(call), "it can't be changed any more"
    letters = [letter for letter in outbox.deliver() if "late application" in letter["Subject"]]
    [letter] = letters
    assert letter["To"] == "koponen@demo.example.org"
    assert "Noor" not in letter.get_content()
    assert f"/workspace/calls/{call.slug}/late" in letter.get_content()
    assert applications(app) == []


def test_the_lead_admits_a_late_application(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    draft = hand_in(app, client, call)
    lead = a_browser(app)
    sign_in(lead, "koponen")
    page = lead.get(f"/workspace/calls/{call.slug}/late")
    assert "10 minutes late" in text_of(page)
    assert "Noor" not in page.text
    action = f"/workspace/calls/{call.slug}/late/{draft.id}/admit"
    form = form_of(page, action)
    for _ in range(2):
        assert lead.post(action, data=form).status_code == 303
    assert "answered this application already" in text_of(lead.get(f"/workspace/calls/{call.slug}/late"))
    [row] = applications(app)
    assert row.Application.late
    assert row.Submission.received_at == draft.late_at
    with app.app_context():
        events = db.session.execute(select(Event.kind, Event.actor, Event.data).order_by(Event.id)).all()
        assert [tuple(event)[:2] for event in events] == [("received", "Noor Example"), ("admitted", "Demo Koponen")]
        assert events[0].data["late"] is True
        logged = list(db.session.execute(select(CallEvent.kind, CallEvent.actor).order_by(CallEvent.id)))
        db.session.rollback()
    assert [tuple(event) for event in logged] == [("late_arrived", ""), ("late_admitted", "Demo Koponen")]
    assert letters_of(app, "application_received") == ["noor@example.org"]


def test_a_late_application_takes_the_place_of_the_earlier_one_when_it_is_admitted(
    app: Flask, client: CheckingClient, call: StoredCall
) -> None:
    with app.app_context():
        first = send_directly(call)
    fill_in_all(client, call)
    close(app, call, minutes_ago=10)
    assert send(client, call, earlier_reference=first.reference, earlier_code="2222-2222-2222").status_code == 422
    assert only_draft(app).late_at is None, "nothing is handed in before the proof is right"
    assert (
        send(client, call, earlier_reference=first.reference, earlier_code=code_of(app, first.reference)).status_code
        == 303
    )
    [waiting] = applications(app)
    assert waiting.Application.stage == "received"
    lead = a_browser(app)
    sign_in(lead, "koponen")
    action = f"/workspace/calls/{call.slug}/late/{only_draft(app).id}/admit"
    assert lead.post(action, data=form_of(lead.get(f"/workspace/calls/{call.slug}/late"), action)).status_code == 303
    earlier, later = applications(app)
    assert earlier.Application.stage == "replaced"
    assert later.Application.replaces_id == earlier.Submission.id


def test_the_lead_refuses_a_late_application(
    app: Flask, client: CheckingClient, call: StoredCall, outbox: Outbox
) -> None:
    draft = hand_in(app, client, call)
    lead, other = a_browser(app), a_browser(app)
    sign_in(lead, "koponen")
    sign_in(other, "pirinen")
    page = lead.get(f"/workspace/calls/{call.slug}/late")
    action = f"/workspace/calls/{call.slug}/late/{draft.id}/refuse"
    token = form_of(other.get("/workspace/account"), "/workspace/account/language")["csrf_token"]
    assert other.post(action, data={"csrf_token": token}).status_code == 404
    assert other.get(f"/workspace/calls/{call.slug}/late").status_code == 404
    assert lead.post(action, data={}).status_code == 400
    assert lead.post(action, data=form_of(page, action)).status_code == 303
    assert applications(app) == []
    assert only_draft(app).late_answer == "refused"
    [letter] = [letter for letter in outbox.deliver() if "was not taken" in letter["Subject"]]
    assert letter["To"] == "noor@example.org"
    assert "not taken into the call" in text_of(client.get(base(call)))


# ------------------------------------------------------------------------------------------- a second application


def code_of(app: Flask, reference: str) -> str:
    with app.app_context():
        submission_id = db.session.scalar(select(Submission.id).where(Submission.reference == reference))
        assert submission_id is not None
        found = find_receipt(submission_id)
        assert found is not None
        return found.code


def test_an_address_alone_reveals_and_replaces_nothing(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    with app.app_context():
        first = send_directly(call)
    fill_in_all(client, call)
    page = page_of(client, call, "check")
    assert first.reference not in page.text
    assert 'name="earlier"' not in page.text
    assert send(client, call, earlier="replace").status_code == 303
    earlier, later = applications(app)
    assert (earlier.Application.stage, later.Application.stage) == ("received", "received")
    assert later.Application.replaces_id is None


def test_reference_and_code_let_it_take_the_place_of_the_earlier_one(
    app: Flask, client: CheckingClient, call: StoredCall, people: dict[str, Viewer]
) -> None:
    with app.app_context():
        first = send_directly(call)
        elsewhere = send_directly(make_call(people["koponen"].account_id))
    fill_in_all(client, call)
    for reference, code in (
        (first.reference, "2222-2222-2222"),
        ("KS-2026-2222-2222", code_of(app, first.reference)),
        (elsewhere.reference, code_of(app, elsewhere.reference)),
        (first.reference, ""),
    ):
        page = send(client, call, earlier_reference=reference, earlier_code=code)
        assert page.status_code == 422
        assert "don’t open an application to this call" in text_of(page)
    assert (
        send(client, call, earlier_reference=first.reference, earlier_code=code_of(app, first.reference)).status_code
        == 303
    )
    earlier, _other, later = applications(app)
    assert earlier.Application.stage == "replaced"
    assert earlier.Submission.status == "closed"
    assert later.Application.replaces_id == earlier.Submission.id
    body = letters_of(app, "application_received")
    assert len(body) == 3


@pytest.mark.parametrize(("choice", "stage"), [("keep", "received"), ("replace", "replaced")])
def test_whoever_has_the_earlier_one_open_chooses(
    app: Flask, client: CheckingClient, call: StoredCall, choice: str, stage: str
) -> None:
    with app.app_context():
        first = send_directly(call)
    track = form_of(client.get("/en/track"), "/en/track")
    client.post("/en/track", data={**track, "reference": first.reference, "code": code_of(app, first.reference)})
    fill_in_all(client, call, you={"email": "somebody.else@example.org"})
    assert 'name="earlier"' not in page_of(client, call, "check").text, "on a shared device it may be another's"
    fill_in(client, call, "you", email="Noor@example.org")
    assert first.reference in text_of(page_of(client, call, "check"))
    assert send(client, call, earlier=choice).status_code == 303
    earlier, later = applications(app)
    assert earlier.Application.stage == stage
    assert later.Application.replaces_id == earlier.Submission.id


@pytest.mark.parametrize("way", ["open here", "by its code"])
def test_an_earlier_one_with_an_interview_stays(
    app: Flask, client: CheckingClient, call: StoredCall, people: dict[str, Viewer], way: str
) -> None:
    with app.app_context():
        first = send_directly(call)
        invite(people["koponen"], first)
    code = code_of(app, first.reference)
    fill_in_all(client, call)
    if way == "open here":
        track = form_of(client.get("/en/track"), "/en/track")
        client.post("/en/track", data={**track, "reference": first.reference, "code": code})
        page = page_of(client, call, "check")
        assert "or has an interview. It stays" in text_of(page)
        assert 'name="earlier"' not in page.text
        assert send(client, call, earlier="replace").status_code == 303
    else:
        refused = send(client, call, earlier_reference=first.reference, earlier_code=code)
        assert refused.status_code == 422
        assert "or has an interview, so it stays" in text_of(refused)
        assert send(client, call).status_code == 303
    earlier, later = applications(app)
    assert (earlier.Application.stage, later.Application.stage) == ("interview", "received")
    with app.app_context():
        assert db.session.scalars(select(Interview.cancelled_at)).all() == [None]


def test_in_the_late_half_hour_the_start_says_until_when_and_begins_nothing(
    app: Flask, client: CheckingClient, call: StoredCall
) -> None:
    fill_in(client, call, "you")
    close(app, call, minutes_ago=10)
    page = client.get(base(call))
    with app.app_context():
        until = moment_text(clock.now() + timedelta(minutes=20))
    assert until.split()[-1] in text_of(page), "the clock time"
    assert "the link in our letter and your code open this draft" in text_of(page)
    assert "Begin anew" not in text_of(page)
    elsewhere = text_of(a_browser(app).get(base(call)))
    assert "You can hand it in late until" in elsewhere


def test_a_draft_is_not_written_to_under_another_calls_address(
    app: Flask, client: CheckingClient, call: StoredCall, people: dict[str, Viewer]
) -> None:
    with app.app_context():
        other = make_call(people["koponen"].account_id)
    fill_in(client, call, "you")
    before = only_draft(app)
    form = form_of(page_of(client, call, "studies"), f"{base(call)}/studies")
    close(app, call, minutes_ago=60)
    assert client.post(f"{base(other)}/studies", data={**form, **TYPED["studies"]}).status_code == 404
    assert only_draft(app).version == before.version


def test_what_was_handed_in_late_takes_no_more(
    app: Flask, client: CheckingClient, call: StoredCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_in_all(client, call)
    address = f"{base(call)}/motivation"
    form = form_of(page_of(client, call, "motivation"), address)
    close(app, call, minutes_ago=10)
    monkeypatch.setattr(apply_views, "can_be_filled_in", lambda *_args: True)  # it is handed in right after the look
    with app.app_context():
        hand_in_late(draft=only_draft(app))
    refused = client.post(address, data={**form, **TYPED["motivation"], "motivation": "Words of the last second."})
    assert refused.status_code == 409
    assert "Words of the last second." in refused.text
    assert only_draft(app).answers.motivation == TYPED["motivation"]["motivation"]


def test_the_check_without_a_draft_says_how_to_open_it(client: CheckingClient, call: StoredCall) -> None:
    start = client.get(client.get(f"{base(call)}/check").location)
    assert "No draft was found in this browser." in text_of(start)
    assert "No draft was found" not in text_of(client.get(base(call)))


def test_after_sending_the_start_names_what_was_sent(
    app: Flask, client: CheckingClient, call: StoredCall, people: dict[str, Viewer]
) -> None:
    fill_in_all(client, call)
    address = f"{base(call)}/check"
    form = form_of(page_of(client, call, "check"), address)
    client.post(address, data=form)
    [row] = applications(app)
    start = client.get(base(call))
    assert "You have just sent an application to this call" in text_of(start)
    assert row.Submission.reference in text_of(start)
    assert 'href="/en/internships/receipt"' in start.text
    with app.app_context():
        other = make_call(people["koponen"].account_id)
    assert row.Submission.reference not in client.get(base(other)).text
    with time_machine.travel(clock.now() + timedelta(minutes=61)):
        assert row.Submission.reference not in client.get(base(call)).text
        again = client.post(address, data=form)
        assert again.status_code == 409, "the form opens the receipt for an hour only"
