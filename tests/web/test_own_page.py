"""The sender's own page: reference and access code, no account."""

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.database import db
from portal.models import Event, Submission
from portal.operations import cases
from portal.operations.door import SeenCase
from portal.queries.receipts import find_receipt
from tests.conftest import CheckingClient
from tests.people import add_people, receive
from tests.web.browsing import form_of, text_of

TRACK, OWN = "/en/track", "/en/track/case"


@pytest.fixture
def keys(app: Flask) -> tuple[str, str]:
    """Reference and access code of an inquiry."""
    with app.app_context():
        receipt = find_receipt(receive().submission_id)
        assert receipt is not None
        return receipt.row.reference, receipt.code


def enter(client: CheckingClient, reference: str, code: str) -> TestResponse:
    form = form_of(client.get(TRACK), TRACK)
    return client.post(TRACK, data={**form, "reference": reference, "code": code})


def test_reference_and_code_open_it(app: Flask, client: CheckingClient, keys: tuple[str, str]) -> None:
    response = enter(client, keys[0].lower(), keys[1].replace("-", ""))
    assert (response.status_code, response.location) == (303, OWN)
    page = client.get(OWN)
    said = text_of(page)
    assert "Received, waiting for a reader" in said
    assert "Hannu Koponen" in said
    assert "we look for a region" in said
    assert page.headers["Cache-Control"] == "no-store"


def test_a_wrong_half_gets_the_same_answer_whichever_it_is(client: CheckingClient, keys: tuple[str, str]) -> None:
    answers = set()
    for reference, code in ((keys[0], "2222-2222-2222"), ("KS-2026-2222-2222", keys[1]), ("nonsense", "nonsense")):
        response = enter(client, reference, code)
        assert response.status_code == 422
        answers.add(text_of(response))
    assert len(answers) == 1
    assert client.get(OWN).status_code == 302


def test_the_thread_shows_the_answer_and_no_notes(app: Flask, client: CheckingClient, keys: tuple[str, str]) -> None:
    koponen = add_people(app)["koponen"]
    with app.app_context():
        cases.add_note(koponen, case=SeenCase(keys[0], 1, "a"), body="between us")
        cases.reply_to_sender(koponen, case=SeenCase(keys[0], 2, "b"), body="With pleasure.")
    enter(client, *keys)
    said = text_of(client.get(OWN))
    assert "With pleasure." in said
    assert "Answered" in said
    assert "between us" not in said


def test_a_reply_is_added_once_and_wakes_the_case(app: Flask, client: CheckingClient, keys: tuple[str, str]) -> None:
    koponen = add_people(app)["koponen"]
    with app.app_context():
        cases.close_case(koponen, case=SeenCase(keys[0], 1, "a"), tell_sender=False)
    enter(client, *keys)
    form = {**form_of(client.get(OWN), OWN), "body": "One more question"}
    for _ in range(2):
        assert client.post(OWN, data=form).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Submission.status)).one() == "in_progress"
        assert len(db.session.scalars(select(Event).where(Event.kind == "sender_replied")).all()) == 1
    late = client.post(OWN, data={**form, "body": "Another question"})
    assert late.status_code == 409
    assert client.post(OWN, data=form_of(late, OWN)).status_code == 303


def test_bad_replies_come_back(client: CheckingClient, keys: tuple[str, str]) -> None:
    enter(client, *keys)
    form = form_of(client.get(OWN), OWN)
    assert client.post(OWN, data={**form, "body": ""}).status_code == 422
    assert client.post(OWN, data={**form, "body": "x" * 10_001}).status_code == 422
    response = client.post(OWN, data={**form, "body": "kept", "csrf_token": "old"})
    assert response.status_code == 400
    assert form_of(response, OWN)["body"].strip() == "kept"


def test_leaving_closes_the_page_on_this_device(client: CheckingClient, keys: tuple[str, str]) -> None:
    enter(client, *keys)
    page = client.get(OWN)
    assert client.post("/en/track/leave", data=form_of(page, "/en/track/leave")).status_code == 303
    assert client.get(OWN).status_code == 302
    # A text written on a page that was left meanwhile is not lost.
    response = client.post(OWN, data={**form_of(page, OWN), "body": "typed in another window"})
    assert response.status_code == 403
    assert "typed in another window" in response.text


def test_a_copied_cookie_is_dead_after_leaving(app: Flask, client: CheckingClient, keys: tuple[str, str]) -> None:
    enter(client, *keys)
    cookie = client.get_cookie("yhteys_session")
    assert cookie is not None
    thief = app.test_client()
    thief.set_cookie("yhteys_session", cookie.value)
    assert thief.get(OWN).status_code == 200
    client.post("/en/track/leave", data=form_of(client.get(OWN), "/en/track/leave"))
    assert thief.get(OWN).status_code == 302


def test_guessing_is_slowed_down(client: CheckingClient, keys: tuple[str, str]) -> None:
    statuses = [enter(client, keys[0], "2222-2222-2222").status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]


def test_a_letters_link_fills_in_the_reference_and_changes_nothing(
    client: CheckingClient, keys: tuple[str, str]
) -> None:
    page = client.get(f"{TRACK}?reference={keys[0]}")
    assert form_of(page, TRACK)["reference"] == keys[0]
    assert client.get(OWN).status_code == 302


def test_a_reply_never_goes_to_another_inquiry(app: Flask, client: CheckingClient, keys: tuple[str, str]) -> None:
    enter(client, *keys)
    form = {**form_of(client.get(OWN), OWN), "body": "about the first"}
    with app.app_context():
        other = find_receipt(receive(subject="Another").submission_id)
        assert other is not None
    enter(client, other.row.reference, other.code)
    response = client.post(OWN, data=form)
    assert response.status_code == 409
    assert "about the first" in response.text
    with app.app_context():
        assert not db.session.scalars(select(Event).where(Event.kind == "sender_replied")).all()
