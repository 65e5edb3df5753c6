"""Filling in an application from a CV file: what is found is shown, what is ticked is used, and nothing else stays."""

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from portal import clock
from portal.database import db
from portal.gateways.judge import JudgeUnavailable
from portal.models import Draft
from portal.queries.calls import StoredCall
from portal.queries.drafts import StoredDraft, find_draft
from portal.rules.uploads import MAX_BYTES
from portal.web.public import cv_form, prefill
from tests import cvs, samples
from tests.conftest import CheckingClient
from tests.internships import a_document, make_call
from tests.people import add_people
from tests.web.browsing import form_of, text_of


@pytest.fixture
def call(app: Flask) -> StoredCall:
    people = add_people(app)
    with app.app_context():
        return make_call(people["koponen"].account_id)


def path_of(call: StoredCall, lang: str = "en") -> str:
    return f"/{lang}/internships/{call.slug}/apply/import"


def upload(client: CheckingClient, call: StoredCall, content: bytes, name: str, lang: str = "en") -> TestResponse:
    path = path_of(call, lang)
    data = {**form_of(client.get(path), path), "cv": (io.BytesIO(content), name)}
    return client.post(path, data=data, content_type="multipart/form-data")


def use(client: CheckingClient, call: StoredCall, page: TestResponse, **values: Any) -> TestResponse:
    """Send the page of what was found as it is, or with other ``use``."""
    return client.post(path_of(call), data={**form_of(page, path_of(call)), **values})


def draft_of(app: Flask) -> StoredDraft | None:
    with app.app_context():
        draft_id = db.session.scalar(select(Draft.id))
        return find_draft(draft_id) if draft_id is not None else None


def files_in(app: Flask) -> list[Path]:
    return [path for path in (app.extensions["yhteys.settings"].data_dir / "files").rglob("*") if path.is_file()]


def ticked(page: TestResponse, call: StoredCall) -> set[str]:
    found = form_of(page, path_of(call)).get("use", [])
    return {found} if isinstance(found, str) else set(found)


# ------------------------------------------------------------------------------------------------------ good files


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (cvs.candidate(), "cv.xml", cvs.FROM_CANDIDATE),
        (cvs.learner(), "CV.XML", cvs.FROM_LEARNER),
        (cvs.resume(), "resume.json", cvs.FROM_RESUME),
        (cvs.pdf(cvs.candidate()), "Europass.pdf", cvs.FROM_CANDIDATE),
    ],
)
def test_an_empty_application_takes_over_what_a_cv_says(
    app: Flask, client: CheckingClient, call: StoredCall, content: bytes, name: str, expected: Any
) -> None:
    page = upload(client, call, content, name)
    assert page.status_code == 200
    assert draft_of(app) is None, "nothing is stored before it was agreed to"
    for private in cvs.PRIVATE:
        assert private not in page.text
    everything = {field for field, value in expected.as_data().items() if value}
    assert ticked(page, call) - {"cv"} == everything
    used = use(client, call, page)
    assert (used.status_code, used.location) == (303, f"/en/internships/{call.slug}/apply/you")
    draft = draft_of(app)
    assert draft is not None
    assert {field: getattr(draft.answers, field) for field in everything} == {
        field: getattr(expected, field) for field in everything
    }
    assert draft.answers.contact_language == "en"
    assert [(file.purpose, file.name) for file in draft.files] == ([("cv", name)] if name.endswith("pdf") else [])
    assert len(files_in(app)) == len(draft.files)
    with app.app_context():
        stored = str(db.session.execute(select(Draft.answers, Draft.files)).all())
    assert not [private for private in cvs.PRIVATE if private in stored]


def test_what_was_found_is_said_in_words(client: CheckingClient, call: StoredCall) -> None:
    seen = text_of(upload(client, call, cvs.learner(), "cv.xml"))
    for words in (
        "Zoë Beispiel",
        "Greece",
        "Doctoral degree",
        "Graduated",
        "German, First language",
        "English, B2",
    ):
        assert words in seen
    assert "nothing yet" in seen


def test_only_what_is_ticked_is_taken(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    page = upload(client, call, cvs.pdf(cvs.candidate()), "cv.pdf")
    assert use(client, call, page, use=["email", "languages", "motivation", "files"]).status_code == 303
    draft = draft_of(app)
    assert draft is not None
    assert (draft.answers.name, draft.answers.email, draft.files) == ("", "noor@example.org", ())
    assert draft.answers.languages == cvs.FROM_CANDIDATE.languages
    assert draft.answers.motivation == ""


def test_what_is_there_already_stays_unless_it_is_ticked(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    use(client, call, upload(client, call, cvs.pdf(cvs.candidate()), "first.pdf"))
    page = upload(client, call, cvs.pdf(cvs.learner()), "second.pdf")
    assert ticked(page, call) == set()
    seen = text_of(page)
    assert "Noor van Voorbeeld" in seen
    assert "It takes the place of: first.pdf" in seen
    assert use(client, call, page).status_code == 303
    kept = draft_of(app)
    assert kept is not None
    assert (kept.answers.name, [file.name for file in kept.files]) == ("Noor van Voorbeeld", ["first.pdf"])
    page = upload(client, call, cvs.pdf(cvs.learner()), "second.pdf")
    assert use(client, call, page, use=["country", "cv"]).status_code == 303
    changed = draft_of(app)
    assert changed is not None
    assert (changed.id, changed.answers.name, changed.answers.country) == (kept.id, "Noor van Voorbeeld", "GR")
    assert [file.name for file in changed.files] == ["second.pdf"]


def test_a_cv_that_says_nothing_new_offers_nothing(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    use(client, call, upload(client, call, cvs.candidate(), "cv.xml"))
    page = upload(client, call, cvs.candidate(), "cv.xml")
    assert "already says everything" in text_of(page)
    assert 'name="seal"' not in page.text


def test_a_pdf_without_data_can_still_be_the_cv(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    page = upload(client, call, samples.pdf(), "cv.pdf")
    assert "We could not read anything from “cv.pdf”" in text_of(page)
    assert ticked(page, call) == {"cv"}
    assert use(client, call, page).status_code == 303
    draft = draft_of(app)
    assert draft is not None
    assert [(file.name, file.purpose) for file in draft.files] == [("cv.pdf", "cv")]


def test_xml_that_says_nothing_leads_on_to_the_form(client: CheckingClient, call: StoredCall) -> None:
    page = upload(client, call, b'<Candidate xmlns="http://www.europass.eu/1.0"/>', "cv.xml")
    assert "We found nothing in “cv.xml”" in text_of(page)
    assert 'name="seal"' not in page.text


def test_a_call_that_takes_no_cv_gets_none(app: Flask, client: CheckingClient) -> None:
    people = add_people(app)
    with app.app_context():
        document = a_document(required_documents=("letter",), optional_documents=())
        call = make_call(people["koponen"].account_id, document=document)
    page = upload(client, call, cvs.pdf(cvs.candidate()), "cv.pdf")
    assert "Use this PDF" not in page.text
    assert files_in(app) == []
    assert use(client, call, page).status_code == 303


def test_values_that_the_form_would_refuse_are_not_offered(client: CheckingClient, call: StoredCall) -> None:
    text = cvs.candidate().replace(b"noor@example.org", "nöör@-example..org".encode()).replace(b">nl<", b">zz<")
    page = upload(client, call, text, "cv.xml")
    assert not {"email", "country"} & ticked(page, call)
    assert "name" in ticked(page, call)


def test_texts_of_a_cv_are_text(client: CheckingClient, call: StoredCall) -> None:
    page = upload(client, call, cvs.resume(basics={"name": '<script>alert(1)</script>"'}), "resume.json")
    assert "<script>alert" not in page.text
    assert "<script>alert(1)</script>" in text_of(page)


# ---------------------------------------------------------------------------------------------------------- refusals

REFUSED = {
    "laughing.xml": (cvs.laughing(), "contains instructions that a CV does not need"),
    "laughing.pdf": (cvs.pdf(cvs.laughing()), "contains instructions that a CV does not need"),
    "entity.xml": (cvs.with_doctype('[<!ENTITY x SYSTEM "file:///etc/hostname">]', "&x;"), "contains instructions"),
    "invoice.xml": (b"<Invoice/>", "neither a Europass CV nor a JSON Resume"),
    "cut.xml": (cvs.candidate()[:-30], "damaged or cut off"),
    "cut.json": (b'{"basics": ', "damaged or cut off"),
    "empty.xml": (b"", "is empty"),
    "big.json": (b" " * (MAX_BYTES + 1), "larger than 10 MB"),
    "bomb.pdf": (cvs.pdf(bytes(MAX_BYTES + 1)), "too large or too complicated inside"),
    "locked.pdf": (samples.encrypted_pdf(), "protected by a password"),
    "script.pdf": (samples.pdf_with_javascript(), "macros or scripts"),
    "really.pdf": (cvs.candidate(), "is not what the end of its name says"),
    "cv.docx": (samples.docx(), "ends in pdf, xml or json"),
    "xml": (cvs.candidate(), "ends in pdf, xml or json"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused_with_its_reason_and_the_application_unharmed(
    app: Flask, client: CheckingClient, call: StoredCall, name: str
) -> None:
    use(client, call, upload(client, call, cvs.pdf(cvs.learner()), "cv.pdf"))
    before, files = draft_of(app), files_in(app)
    content, reason = REFUSED[name]
    page = upload(client, call, content, name)
    assert page.status_code == 422
    assert reason in text_of(page)
    assert "Nothing in your application has changed" in text_of(page)
    assert 'href="#cv"' in page.text
    assert (draft_of(app), files_in(app)) == (before, files)
    assert upload(client, call, cvs.candidate(), "good.xml").status_code == 200


def test_a_file_must_be_chosen(client: CheckingClient, call: StoredCall) -> None:
    path = path_of(call)
    page = client.post(path, data=form_of(client.get(path), path))
    assert page.status_code == 422
    assert "Choose the file of your CV first" in text_of(page)


def test_xml_is_no_document_of_an_application(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    path = f"/en/internships/{call.slug}/apply/documents"
    form = form_of(client.get(path), path)
    refused = client.post(path, data={**form, "file-cv": (io.BytesIO(cvs.candidate()), "cv.xml")})
    assert refused.status_code == 422
    assert files_in(app) == []


def test_a_form_without_its_token_is_refused(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    page = upload(client, call, cvs.candidate(), "cv.xml")
    assert use(client, call, page, csrf_token="forged").status_code == 400
    assert client.post(path_of(call), data={"cv": (io.BytesIO(cvs.candidate()), "cv.xml")}).status_code == 400
    assert draft_of(app) is None


def test_a_forged_or_old_seal_stands_for_nothing(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    page = upload(client, call, cvs.candidate(), "cv.xml")
    seal = form_of(page, path_of(call))["seal"]
    for forged in ("x", seal[:-3] + "abc", f"e30{seal}"):
        refused = use(client, call, page, seal=forged)
        assert refused.status_code == 422
        assert "no longer here" in text_of(refused)
    with time_machine.travel(clock.now() + timedelta(hours=25), tick=False):
        fresh = form_of(client.get(path_of(call)), path_of(call))
        assert use(client, call, page, csrf_token=fresh["csrf_token"]).status_code == 422
    assert draft_of(app) is None


def test_a_pdf_that_was_swept_is_left_out(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    page = upload(client, call, cvs.pdf(cvs.candidate()), "cv.pdf")
    for path in files_in(app):
        path.unlink()
    assert use(client, call, page).status_code == 303
    draft = draft_of(app)
    assert draft is not None
    assert (draft.answers.name, draft.files) == ("Noor van Voorbeeld", ())


def test_a_reader_out_of_order_is_said_so(
    app: Flask, client: CheckingClient, call: StoredCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise JudgeUnavailable("none")

    monkeypatch.setattr(cv_form, "read_cv", broken)
    page = upload(client, call, cvs.candidate(), "cv.xml")
    assert page.status_code == 503
    assert "your application has not changed" in text_of(page)


def test_what_was_ticked_is_kept_while_nothing_can_be_saved(
    app: Flask, client: CheckingClient, call: StoredCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    page = upload(client, call, cvs.pdf(cvs.candidate()), "cv.pdf")
    with monkeypatch.context() as broken:
        broken.setattr(prefill, "begin_draft", full)
        refused = use(client, call, page, use=["name", "cv"])
    assert refused.status_code == 503
    assert ticked(refused, call) == {"name", "cv"}
    assert draft_of(app) is None
    assert use(client, call, refused).status_code == 303
    draft = draft_of(app)
    assert draft is not None
    assert (draft.answers.name, draft.answers.email, len(draft.files)) == ("Noor van Voorbeeld", "", 1)


def test_too_many_files_have_to_wait(client: CheckingClient, call: StoredCall) -> None:
    statuses = [upload(client, call, b"<a/>", "a.xml").status_code for _ in range(31)]
    assert statuses == [422] * 30 + [429]


# ------------------------------------------------------------------------------------------------ twice, and meanwhile


def test_a_double_click_does_it_once(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    page = upload(client, call, cvs.pdf(cvs.candidate()), "cv.pdf")
    first, second = use(client, call, page), use(client, call, page)
    assert first.location == second.location
    assert (first.status_code, second.status_code) == (303, 303)
    draft = draft_of(app)
    assert draft is not None
    assert (draft.version, len(draft.files)) == (2, 1)
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Draft)) == 1


def test_a_draft_that_changed_meanwhile_is_shown_again(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    use(client, call, upload(client, call, cvs.resume(), "resume.json"), use=["name"])
    shown = upload(client, call, cvs.candidate(), "cv.xml")
    use(client, call, upload(client, call, cvs.learner(), "cv.xml"), use=["email"])
    again = use(client, call, shown, use=["name", "email"])
    assert again.status_code == 409
    assert "has changed meanwhile" in text_of(again)
    assert "zoe@example.org" in text_of(again)
    assert ticked(again, call) == {"name", "email"}
    assert use(client, call, again).status_code == 303
    draft = draft_of(app)
    assert draft is not None
    assert (draft.answers.name, draft.answers.email) == ("Noor van Voorbeeld", "noor@example.org")


def test_another_browser_has_a_draft_of_its_own(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    use(client, call, upload(client, call, cvs.candidate(), "cv.xml"))
    other = app.test_client()
    assert isinstance(other, CheckingClient)
    assert "Noor" not in other.get(path_of(call)).text
    assert "nothing yet" in text_of(upload(other, call, cvs.learner(), "cv.xml"))


def test_a_call_that_is_not_open_reads_nothing(app: Flask, client: CheckingClient, call: StoredCall) -> None:
    page = upload(client, call, cvs.candidate(), "cv.xml")
    token = form_of(page, path_of(call))
    with time_machine.travel(clock.now() + timedelta(days=8), tick=False):
        away = client.get(path_of(call))
        assert (away.status_code, away.location) == (302, f"/en/internships/{call.slug}/apply")
        fresh = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/en/track").text)
        assert fresh is not None
        sent = client.post(path_of(call), data={**token, "csrf_token": fresh[1]})
        assert (sent.status_code, sent.location) == (303, f"/en/internships/{call.slug}/apply")
    assert draft_of(app) is None
    assert client.get("/en/internships/no-such-call/apply/import").status_code == 404


@pytest.mark.parametrize("lang", ["fi", "sv"])
def test_it_works_in_each_language(client: CheckingClient, call: StoredCall, lang: str) -> None:
    page = upload(client, call, cvs.candidate(), "cv.xml", lang)
    assert page.status_code == 200
    assert "Noor van Voorbeeld" in text_of(page)
