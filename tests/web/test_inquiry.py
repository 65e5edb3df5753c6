"""Sending an inquiry by the form: every good and bad way."""

import io
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from portal import clock
from portal.database import db
from portal.models import Attachment, Letter, Submission
from portal.rules.references import parse_reference
from tests import samples
from tests.conftest import CheckingClient
from tests.web.browsing import form_of, text_of

Counting = Callable[[], AbstractContextManager[list[str]]]
PATH = "/en/contact"
TYPED = {
    "topic": "errin",
    "subject": "Partners for a proposal",
    "message": "Dear colleagues,\nwe look for a region. Ääkköset, 日本語, שלום 🙂",
    "name": "Ada Example",
    "email": "ada@example.org",
    "organisation": "Region of Examples",
    "telephone": "+46 70 123 45 67",
    "country": "SE",
}


def filled(client: CheckingClient, **values: Any) -> dict[str, Any]:
    """The form as the page has it, filled in."""
    return {**form_of(client.get(PATH), PATH), **TYPED, **values}


def send(client: CheckingClient, data: dict[str, Any], path: str = PATH) -> TestResponse:
    return client.post(path, data=data, content_type="multipart/form-data")


def upload(content: bytes, name: str) -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


def stored(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(Submission)) or 0


def assert_kept(response: TestResponse, values: dict[str, str]) -> None:
    """The form came back with everything that was typed."""
    form = form_of(response, PATH)
    for name, value in values.items():
        assert form[name].lstrip("\n") == value, name


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_an_inquiry_reaches_its_receipt(app: Flask, client: CheckingClient, language: str) -> None:
    path = f"/{language}/contact"
    data = {**form_of(client.get(path), path), **TYPED}
    response = client.post(path, data=data)
    assert (response.status_code, response.location) == (303, f"/{language}/contact/receipt")
    receipt = client.get(response.location)
    reference = re.search(r"KS-\d{4}-\w{4}-\w{4}", text_of(receipt))
    assert reference
    assert parse_reference(reference.group()) == reference.group()
    said = text_of(receipt)
    assert "Hannu Koponen" in said
    assert re.search(r"\w{4}-\w{4}-\w{4}", said)
    assert "日本語" in said
    assert receipt.headers["Cache-Control"] == "no-store"
    with app.app_context():
        row = db.session.scalars(select(Submission)).one()
        assert (row.language, row.message) == (language, TYPED["message"])


def test_a_double_click_makes_one_submission(app: Flask, client: CheckingClient) -> None:
    data = filled(client)
    assert [send(client, dict(data)).status_code for _ in range(3)] == [303, 303, 303]
    assert stored(app) == 1


def test_going_back_and_changing_the_text_is_not_swallowed(app: Flask, client: CheckingClient) -> None:
    data = filled(client)
    send(client, dict(data))
    response = send(client, {**data, "message": "Something new"})
    assert response.status_code == 409
    assert "KS-" in text_of(response)
    again = form_of(response, PATH)
    assert again["message"].strip() == "Something new"
    assert send(client, again).status_code == 303
    assert stored(app) == 2


def test_going_back_keeps_the_files_for_the_second_message_too(app: Flask, client: CheckingClient) -> None:
    response = send(client, filled(client, name="", files=[upload(b"text", "note.txt")]))
    data = {**form_of(response, PATH), "name": "Ada"}
    assert send(client, dict(data)).status_code == 303
    again = send(client, {**data, "message": "Something new"})
    assert again.status_code == 409
    assert send(client, form_of(again, PATH)).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Attachment.name)).all() == ["note.txt", "note.txt"]


def test_a_file_added_at_a_second_try_is_not_swallowed(app: Flask, client: CheckingClient) -> None:
    data = filled(client)
    assert send(client, dict(data)).status_code == 303
    again = send(client, {**data, "files": [upload(b"forgotten", "plan.txt")]})
    assert again.status_code == 409
    assert send(client, form_of(again, PATH)).status_code == 303
    assert stored(app) == 2


def test_a_kept_file_that_was_swept_is_asked_for_again(app: Flask, client: CheckingClient) -> None:
    response = send(client, filled(client, name="", files=[upload(b"text", "note.txt")]))
    store = app.extensions["yhteys.files"]
    for key in list(store.keys_older_than(clock.now() + timedelta(days=1))):
        store.delete(key)
    late = send(client, {**form_of(response, PATH), "name": "Ada"})
    assert late.status_code == 422
    assert "note.txt" in text_of(late)
    assert stored(app) == 0


def test_statements_of_form_and_submission(app: Flask, client: CheckingClient, count_statements: Counting) -> None:
    with count_statements() as statements:
        data = filled(client)
    assert statements == []
    send(client, {**data, "token": "warm-up-warm-up-warm-up"})  # the edition and the directory are read once
    data = filled(client)
    with count_statements() as statements:
        assert send(client, data).status_code == 303
    writes = [statement for statement in statements if not statement.lstrip().upper().startswith("SELECT")]
    assert len(writes) == 3, writes
    assert len(statements) <= 5  # the directory is read anew at most once a second


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("topic", "", 422),
        ("topic", "weather", 422),
        ("subject", "", 422),
        ("subject", "x" * 151, 422),
        ("subject", "Hello\r\nBcc: everybody@example.org", 422),
        ("subject", "Hello\u2028there", 422),
        ("subject", "nul\x00byte", 422),
        ("message", "", 422),
        ("message", "   \n ", 422),
        ("message", "x" * 10_001, 422),
        ("message", "nul\x00byte", 422),
        ("name", "", 422),
        ("name", "Ada\r\nTo: x@example.org", 422),
        ("name", "x" * 101, 422),
        ("email", "", 422),
        ("email", "no address", 422),
        ("email", "ada@example.org\r\nBcc: x@example.org", 422),
        ("email", "ada@example.org, bob@example.org", 422),
        ("email", "äda@example.org", 422),
        ("organisation", "x" * 151, 422),
        ("telephone", "call me", 422),
        ("country", "XX", 422),
        ("country", "Sweden", 422),
    ],
)
def test_bad_input_comes_back_with_a_reason_and_nothing_lost(
    app: Flask, client: CheckingClient, field: str, value: str, status: int
) -> None:
    response = send(client, filled(client, **{field: value}))
    assert response.status_code == status
    assert 'role="alert"' in response.text
    assert f'href="#{field}"' in response.text
    assert "<title>Error: " in response.text
    assert_kept(response, {name: text for name, text in TYPED.items() if name != field})
    if field == "message" and value.startswith("x"):
        assert form_of(response, PATH)["message"].strip() == value
    assert stored(app) == 0


def test_ten_thousand_characters_as_a_browser_counts_them_are_welcome(app: Flask, client: CheckingClient) -> None:
    message = ("line\r\n" * 2000)[:-2]  # a browser sends CRLF and counts each break once
    assert send(client, filled(client, message=message)).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Submission.message)).one() == message.replace("\r\n", "\n")


def test_text_is_kept_exactly(app: Flask, client: CheckingClient) -> None:
    message = "tab\there, \u202eright to left\u202c, <b>not bold</b>, 'quotes' \"and\" & so on; emoji 👩‍👩‍👧"
    assert send(client, filled(client, message=message)).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Submission.message)).one() == message


# --------------------------------------------------------------------------------------------------- files


def test_files_of_every_kind_are_stored(app: Flask, client: CheckingClient) -> None:
    files = [
        upload(samples.pdf(), "suunnitelma ä.pdf"),
        upload(samples.docx(), "plan.docx"),
        upload(samples.ods(), "plan.ods"),
        upload(samples.png((20, 20)), "picture.PNG"),
        upload("Hei äö".encode(), "note.txt"),
    ]
    assert send(client, filled(client, files=files)).status_code == 303
    with app.app_context():
        rows = db.session.scalars(select(Attachment).order_by(Attachment.id)).all()
        assert [row.name for row in rows] == [
            "suunnitelma ä.pdf",
            "plan.docx",
            "plan.ods",
            "picture.PNG",
            "note.txt",
        ]
        store = app.extensions["yhteys.files"]
        assert store.path(rows[0].key).read_bytes() == samples.pdf() or rows[0].size_bytes > 0


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"MZ\x90\x00 a program", "setup.exe"),
        (b"MZ\x90\x00 a program", "plan.pdf"),
        (b"", "empty.pdf"),
        (samples.docx(), "table.xlsx"),
        (samples.encrypted_pdf(), "secret.pdf"),
        (samples.pdf_with_javascript(), "script.pdf"),
        (samples.zip_bomb_docx(), "bomb.docx"),
        (samples.pdf(), "plan"),
        (b"%PDF-1.7 cut off", "cut.pdf"),
    ],
)
def test_a_bad_file_is_refused_with_a_reason_and_the_rest_kept(
    app: Flask, client: CheckingClient, content: bytes, name: str
) -> None:
    response = send(client, filled(client, files=[upload(samples.pdf(), "good.pdf"), upload(content, name)]))
    assert response.status_code == 422
    assert 'href="#files"' in response.text
    assert name in text_of(response)
    assert_kept(response, TYPED)
    # The good file stays with the form and need not be chosen again.
    again = form_of(response, PATH)
    assert "good.pdf" in text_of(response)
    assert send(client, again).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Attachment.name)).all() == ["good.pdf"]


def test_eleven_megabytes_are_too_much(client: CheckingClient) -> None:
    big = b"%PDF-1.7\n" + b"0" * (11 * 1024 * 1024)
    response = send(client, filled(client, files=[upload(big, "big.pdf")]))
    assert response.status_code == 422
    assert "10 MB" in text_of(response)
    assert_kept(response, TYPED)


def test_six_files_are_one_too_many_and_five_are_kept(app: Flask, client: CheckingClient) -> None:
    files = [upload(b"text", f"{number}.txt") for number in range(6)]
    response = send(client, filled(client, files=files))
    assert response.status_code == 422
    assert "5.txt" in text_of(response)
    assert send(client, form_of(response, PATH)).status_code == 303
    with app.app_context():
        assert len(db.session.scalars(select(Attachment)).all()) == 5


def test_a_kept_file_can_be_left_out(app: Flask, client: CheckingClient) -> None:
    response = send(client, filled(client, name="", files=[upload(b"one", "1.txt"), upload(b"two", "2.txt")]))
    form = form_of(response, PATH)
    assert len(form["staged"]) == 2
    assert send(client, {**form, "name": "Ada", "remove": form["staged"][0]}).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Attachment.name)).all() == ["2.txt"]


def test_a_forged_seal_brings_no_file(app: Flask, client: CheckingClient) -> None:
    assert send(client, filled(client, staged=["forged", "x.y.z", ""])).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Attachment)).all() == []


def test_far_too_much_is_a_clear_413(client: CheckingClient) -> None:
    client.application.config["MAX_CONTENT_LENGTH"] = 1_000_000
    response = send(client, filled(client, files=[upload(b"x" * 2_000_000, "big.txt")]))
    assert response.status_code == 413
    assert '<html lang="en"' in response.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x\r\n",
        b'--x\r\nContent-Disposition: form-data; name="subject"\r\n\r\nno end',
        b"\x00\xff" * 50,
        b"--x\r\n" + b"A" * 70_000,
    ],
)
def test_broken_multipart_is_no_server_error(client: CheckingClient, body: bytes) -> None:
    response = client.post(PATH, data=body, content_type="multipart/form-data; boundary=x")
    assert 400 <= response.status_code < 500


def test_thousands_of_parts_are_refused(client: CheckingClient) -> None:
    response = send(client, {f"field{number}": "x" for number in range(1500)})
    assert response.status_code == 413


# ------------------------------------------------------------------------------------------------ protection


@pytest.mark.parametrize("token", ["", "forged", "0.abc", "ffffffffffff.00", "6a.ff"])
def test_without_a_good_csrf_token_the_text_comes_back(app: Flask, client: CheckingClient, token: str) -> None:
    response = send(client, filled(client, csrf_token=token))
    assert response.status_code == 400
    assert_kept(response, TYPED)
    assert 'role="alert"' in response.text
    assert stored(app) == 0
    assert send(client, form_of(response, PATH)).status_code == 303


def test_too_many_from_one_address_get_429_with_their_text(app: Flask, client: CheckingClient) -> None:
    data = filled(client)
    statuses = [send(client, {**data, "token": f"token-number-{n:012d}"}).status_code for n in range(41)]
    assert statuses == [303] * 40 + [429]
    response = send(client, {**data, "token": "one-more-one-more-one-more"})
    assert response.status_code == 429
    assert_kept(response, TYPED)


def test_receipts_to_one_address_are_limited_but_nothing_is_lost(app: Flask, client: CheckingClient) -> None:
    data = filled(client)
    for number in range(8):
        assert send(client, {**data, "token": f"token-number-{number:012d}"}).status_code == 303
    with app.app_context():
        receipts = select(func.count()).select_from(Letter).where(Letter.kind == "inquiry_received")
        assert (stored(app), db.session.scalar(receipts)) == (8, 5)


def test_a_database_that_is_down_answers_503_with_everything_in_the_form(
    app: Flask, client: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(**_: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    data = filled(client, files=[upload(b"text", "note.txt")])
    with monkeypatch.context() as patch:
        patch.setattr("portal.web.public.inquiry.receive_inquiry", down)
        response = send(client, data)
    assert response.status_code == 503
    assert_kept(response, TYPED)
    assert send(client, form_of(response, PATH)).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Attachment.name)).all() == ["note.txt"]


def test_a_receipt_opens_in_its_own_browser_only(app: Flask, client: CheckingClient) -> None:
    send(client, filled(client))
    other = app.test_client()
    response = other.get("/en/contact/receipt")
    assert (response.status_code, response.location) == (302, "/en/track")
    other.set_cookie("yhteys_receipt", "MQ.forged.forged")
    assert other.get("/en/contact/receipt").status_code == 302


def test_the_form_says_who_answers_how_it_is_used_and_that_it_can_be_public(client: CheckingClient) -> None:
    said = text_of(client.get("/en/contact?topic=creadis3"))
    assert "Raija Partanen answers the topic" in said
    assert "can be public" in said
    assert "for nothing else" in said
    assert form_of(client.get("/en/contact?topic=creadis3"), PATH)["topic"] == "creadis3"
    assert form_of(client.get("/en/contact?topic=nonsense"), PATH)["topic"] == ""


def test_a_body_that_cannot_be_read_is_not_taken_for_an_empty_form(client: CheckingClient) -> None:
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        response = client.post(PATH, data=b"--y\r\nnonsense", content_type=kind)
        assert response.status_code == 400
        assert "lost" not in text_of(response)


def test_another_language_keeps_what_was_typed_and_looks_at_nothing(client: CheckingClient) -> None:
    form = form_of(client.get("/en/contact"), "/en/contact")
    typed = {**form, "subject": "Half of a", "message": "sentence", "email": "not yet"}
    answer = client.post("/sv/contact", data={**typed, "switch": "sv"})
    assert answer.status_code == 200
    kept = form_of(answer, "/sv/contact")
    assert (kept["subject"], kept["message"].strip(), kept["email"]) == ("Half of a", "sentence", "not yet")
    assert 'role="alert"' not in answer.get_data(as_text=True)


UNSURE = {"topic": "triage", "subject": "Wood", "message": "We look for material on bioeconomy strategies of regions."}


def fill_in(client: CheckingClient, **values: str) -> dict[str, Any]:
    form = form_of(client.get("/en/contact"), "/en/contact")
    return {**form, "name": "Ada Example", "email": "ada@example.org", **values}


def routed(app: Flask) -> list[tuple[str, str, str, str]]:
    with app.app_context():
        columns = (Submission.topic, Submission.holder, Submission.routed_topic, Submission.routed_reason)
        return [tuple(row) for row in db.session.execute(select(*columns))]


def test_who_is_not_sure_is_asked_once_and_the_choice_wins(app: Flask, client: CheckingClient) -> None:
    asked = client.post("/en/contact", data=fill_in(client, **UNSURE))
    assert asked.status_code == 200
    assert "Is it about one of these?" in text_of(asked)
    assert "bioeconomy" in text_of(asked)
    assert routed(app) == []
    again = form_of(asked, "/en/contact")
    assert again["message"].strip() == UNSURE["message"]
    client.post("/en/contact", data={**again, "pick": "creative-economy"})
    assert routed(app) == [("creative-economy", "partanen", "creative-economy", "topic")]


def test_who_stays_unsure_gets_the_topic_that_is_clear(app: Flask, client: CheckingClient) -> None:
    asked = client.post("/en/contact", data=fill_in(client, **UNSURE))
    client.post("/en/contact", data=form_of(asked, "/en/contact"))
    assert routed(app) == [("berst", "koponen", "triage", "suggested")]


def test_an_unclear_text_goes_to_triage_without_a_question(app: Flask, client: CheckingClient) -> None:
    unclear = {"topic": "triage", "subject": "Hello", "message": "Hello, is anybody there?"}
    assert client.post("/en/contact", data=fill_in(client, **unclear)).status_code == 303
    assert routed(app) == [("triage", "triage", "triage", "no_topic")]


def test_a_text_being_typed_is_answered_and_forgotten(app: Flask, client: CheckingClient) -> None:
    typed = fill_in(client, **UNSURE)
    answer = client.post("/sv/contact/suggest", data=typed)
    assert answer.get_json()[0]["topic"] == "berst"
    assert "bioekonomi" in answer.get_json()[0]["title"]
    assert routed(app) == []
    assert client.post("/sv/contact/suggest", data={**typed, "csrf_token": "x"}).status_code == 400
