"""The managers' morning: inbox, case, reply, note, hand-over, closing, absences."""

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from portal.database import db, transaction
from portal.models import Letter, Submission
from portal.rules.policy import Viewer
from tests import samples
from tests.conftest import CheckingClient, Outbox
from tests.integration.test_inbox import fill
from tests.people import PASSWORD, add_people, receive
from tests.web.browsing import form_of, text_of

Counting = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def people(app: Flask) -> dict[str, Viewer]:
    return add_people(app)


@pytest.fixture
def koponen(app: Flask, people: dict[str, Viewer]) -> CheckingClient:
    return signed_in(app, "koponen")


@pytest.fixture
def coordinator(app: Flask, people: dict[str, Viewer]) -> CheckingClient:
    return signed_in(app, "coordinator")


def signed_in(app: Flask, name: str) -> CheckingClient:
    """A browser in which this person has signed in."""
    client = app.test_client()
    assert isinstance(client, CheckingClient)
    page = client.get("/workspace/sign-in")
    data = {**form_of(page, "/workspace/sign-in"), "email": f"{name}@demo.example.org", "password": PASSWORD}
    assert client.post("/workspace/sign-in", data=data).status_code == 303
    return client


def a_case(app: Flask, **values: Any) -> str:
    with app.app_context():
        return receive(**values).reference


def submit(client: CheckingClient, page: TestResponse, action: str, **values: Any) -> TestResponse:
    """Send a form of a page, its fields filled in by the ends of their names."""
    form = form_of(page, action)
    for name, value in values.items():
        full = next((known for known in form if known == name or known.endswith(f"-{name}")), None)
        form[full or _full_name(page, name)] = value
    return client.post(action, data=form)


def _full_name(page: TestResponse, name: str) -> str:
    """The name of a box that is not ticked, or of a button."""
    for prefix in ("reply-", "close-", ""):
        if f'name="{prefix}{name}"' in page.text:
            return prefix + name
    raise AssertionError(f"no control is called {name}")


def case_page(client: CheckingClient, reference: str) -> TestResponse:
    page = client.get(f"/workspace/cases/{reference}")
    assert page.status_code == 200
    return page


def status_of(app: Flask, reference: str) -> str:
    with app.app_context():
        return db.session.scalars(select(Submission.status).where(Submission.reference == reference)).one()


# ----------------------------------------------------------------------------------------------------- inbox


def test_an_empty_inbox_says_so(koponen: CheckingClient) -> None:
    response = koponen.get("/workspace/", follow_redirects=True)
    assert "Nothing waits here" in text_of(response)


def test_a_manager_sees_own_cases_and_triage(app: Flask, koponen: CheckingClient) -> None:
    a_case(app, subject="For Koponen")
    a_case(app, subject="For Pirinen", topic="tci")
    a_case(app, subject="For nobody yet", topic="triage")
    mine, triage = text_of(koponen.get("/workspace/mine")), text_of(koponen.get("/workspace/triage"))
    assert "For Koponen" in mine
    assert "For Pirinen" not in mine + triage
    assert "For nobody yet" in triage
    assert koponen.get("/workspace/all").status_code == 404


def test_a_coordinator_begins_with_triage_and_sees_all(app: Flask, coordinator: CheckingClient) -> None:
    a_case(app, subject="For Pirinen", topic="tci")
    assert coordinator.get("/workspace/").location == "/workspace/triage"
    assert "For Pirinen" in text_of(coordinator.get("/workspace/all"))


def test_pages_of_the_inbox(app: Flask, koponen: CheckingClient) -> None:
    with app.app_context():
        fill(300)
    first = koponen.get("/workspace/mine?status=any")
    assert text_of(first).count("Subject ") >= 25
    assert len(first.data) <= 16 * 1024
    older = first.text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = koponen.get(older)
    assert second.status_code == 200
    assert 'rel="prev"' in second.text


@pytest.mark.parametrize(
    "query",
    [
        "status=weird",
        "before=x",
        "before=-1",
        "after=99999999999999999999999",
        "before=٣",
        "after=" + "0" * 20 + "9" * 30,
    ],
)
def test_nonsense_in_an_address_is_no_page(koponen: CheckingClient, query: str) -> None:
    assert koponen.get(f"/workspace/mine?{query}").status_code == 404


def test_statements_of_inbox_and_case_are_few_and_constant(
    app: Flask, koponen: CheckingClient, count_statements: Counting
) -> None:
    reference = a_case(app)

    def counts() -> list[int]:
        found = []
        for path in ("/workspace/mine?status=any", f"/workspace/cases/{reference}"):
            koponen.get(path)
            with count_statements() as statements:
                koponen.get(path)
            # The directory of who is away is read anew at most once a second, by whichever page comes then.
            found.append(len([s for s in statements if "FROM absences" not in s and "FROM accounts" not in s]))
        return found

    at_one = counts()
    with app.app_context():
        fill(150)
    assert counts() == at_one == [3, 3]


# ------------------------------------------------------------------------------------------------------ case


def test_the_case_page_tells_it_all(app: Flask, koponen: CheckingClient, people: dict[str, Viewer]) -> None:
    reference = a_case(app, organisation="Region of Examples", country="SE", telephone="+46 1", subject="A\u202eB")
    said = text_of(case_page(koponen, reference))
    for words in (
        reference,
        "Hannu Koponen answers the topic",
        "Ada Example",
        "ada@example.org",
        "Region of Examples",
        "Sweden",
        "A‹U+202E›B",
        "waits to be sent",
    ):
        assert words in said, words


def test_a_reply_is_previewed_sent_and_read(app: Flask, koponen: CheckingClient, outbox: Outbox) -> None:
    reference = a_case(app, language="fi")
    action = f"/workspace/cases/{reference}/reply"
    preview = submit(koponen, case_page(koponen, reference), action, body="We are glad to join.\n\nSee you.")
    assert preview.status_code == 200
    assert "We are glad to join." in text_of(preview)
    assert status_of(app, reference) == "new"  # nothing happened yet
    edited = submit(koponen, preview, action, edit="1")
    assert form_of(edited, action)["reply-body"].strip() == "We are glad to join.\n\nSee you."
    sent = submit(koponen, preview, action, send="1")
    assert sent.status_code == 303
    assert status_of(app, reference) == "answered"
    messages = [message for message in outbox.deliver() if message["To"] == "ada@example.org"]
    assert [reference in message["Subject"] for message in messages] == [True, True]
    assert "We are glad to join.\n\nSee you." in messages[-1].get_content().replace("\r\n", "\n")
    assert messages[-1]["Content-Language"] == "fi"
    page = case_page(koponen, reference)
    assert "waits to be sent" not in text_of(page)
    assert "Demo Koponen answered" in text_of(page)


def test_the_second_of_two_is_told_and_loses_no_text(
    app: Flask, koponen: CheckingClient, coordinator: CheckingClient
) -> None:
    reference = a_case(app)
    action = f"/workspace/cases/{reference}/reply"
    hers, his = case_page(coordinator, reference), case_page(koponen, reference)
    note = f"/workspace/cases/{reference}/note"
    assert submit(coordinator, hers, note, body="I am on it").status_code == 303
    preview = submit(koponen, his, action, body="My long answer")
    late = submit(koponen, preview, action, send="1")
    assert late.status_code == 409
    assert "Demo Coordinator made a note" in text_of(late)
    assert form_of(late, action)["reply-body"].strip() == "My long answer"
    # With the case as it is now in sight, the same text goes.
    preview = submit(koponen, late, action)
    assert submit(koponen, preview, action, send="1").status_code == 303


def test_an_empty_reply_is_asked_for_again(app: Flask, koponen: CheckingClient) -> None:
    reference = a_case(app)
    response = submit(koponen, case_page(koponen, reference), f"/workspace/cases/{reference}/reply", body=" ")
    assert response.status_code == 422
    assert 'href="#reply-body"' in response.text


def test_a_stale_page_loses_no_note(app: Flask, koponen: CheckingClient) -> None:
    reference = a_case(app)
    note = f"/workspace/cases/{reference}/note"
    data = {**form_of(case_page(koponen, reference), note), "note-body": "Remember this", "note-csrf_token": "old"}
    response = koponen.post(note, data=data)
    assert response.status_code == 400
    assert form_of(response, note)["note-body"].strip() == "Remember this"


def test_handing_over_to_a_topic_tells_both_and_leaves_the_inbox(
    app: Flask, koponen: CheckingClient, outbox: Outbox
) -> None:
    reference = a_case(app)
    outbox.deliver()
    action = f"/workspace/cases/{reference}/hand-over"
    response = submit(koponen, case_page(koponen, reference), action, target="topic:tci", reason="Clusters")
    assert (response.status_code, response.location) == (303, "/workspace/")
    assert koponen.get(f"/workspace/cases/{reference}").status_code == 404
    told = {message["To"]: message for message in outbox.deliver()}
    assert set(told) == {"ada@example.org", "kari.pirinen@keskisuomi.fi"}
    internal = told["kari.pirinen@keskisuomi.fi"]
    assert "Ada" not in internal.as_string()
    assert f"/workspace/cases/{reference}" in internal.get_content()
    assert "Clusters" not in told["ada@example.org"].get_content()


def test_handing_over_to_where_it_is_or_to_nobody_is_refused(app: Flask, koponen: CheckingClient) -> None:
    reference = a_case(app)
    action = f"/workspace/cases/{reference}/hand-over"
    for target in ("topic:errin", "manager:koponen", "manager:nobody", "topic:weather", ""):
        response = submit(koponen, case_page(koponen, reference), action, target=target, reason="Because")
        assert response.status_code == 422, target
        assert form_of(response, action)["hand_over-reason"].strip() == "Because"


def test_take_close_and_reopen(app: Flask, koponen: CheckingClient, outbox: Outbox) -> None:
    reference = a_case(app, topic="triage")
    assert submit(koponen, case_page(koponen, reference), f"/workspace/cases/{reference}/take").status_code == 303
    page = case_page(koponen, reference)
    outbox.deliver()
    assert submit(koponen, page, f"/workspace/cases/{reference}/close").status_code == 303
    assert status_of(app, reference) == "closed"
    assert [message["To"] for message in outbox.deliver()] == ["ada@example.org"]
    page = case_page(koponen, reference)
    assert "Reply to the sender" not in text_of(page)
    assert submit(koponen, page, f"/workspace/cases/{reference}/reopen").status_code == 303
    assert status_of(app, reference) == "in_progress"


def test_a_failed_letter_is_seen_and_tried_again(app: Flask, koponen: CheckingClient, outbox: Outbox) -> None:
    reference = a_case(app)
    with app.app_context(), transaction() as connection:
        connection.execute(
            update(Letter).where(Letter.kind == "inquiry_received").values(status="failed", error="550 no such user")
        )
    assert "1 letter could not be delivered" in text_of(koponen.get("/workspace/mine"))
    page = case_page(koponen, reference)
    assert "not delivered" in text_of(page)
    assert "550 no such user" in text_of(page)
    action = page.text.split("/letters/")[1].split('"')[0]
    assert submit(koponen, page, f"/workspace/cases/{reference}/letters/{action}").status_code == 303
    assert "ada@example.org" in [message["To"] for message in outbox.deliver()]


def test_files_are_downloads_in_a_sandbox(app: Flask, client: CheckingClient, koponen: CheckingClient) -> None:
    form = form_of(client.get("/en/contact"), "/en/contact")
    form |= {"topic": "errin", "subject": "s", "message": "m", "name": "Ada", "email": "ada@example.org"}
    form["files"] = [(io.BytesIO(samples.pdf()), "suunnitelma ä.pdf")]
    assert client.post("/en/contact", data=form, content_type="multipart/form-data").status_code == 303
    with app.app_context():
        reference = db.session.scalars(select(Submission.reference)).one()
    link = case_page(koponen, reference).text.split("/files/")[1].split('"')[0]
    response = koponen.get(f"/workspace/cases/{reference}/files/{link}")
    assert response.data.startswith(b"%PDF-")
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert response.headers["Cache-Control"] == "no-store"
    other = signed_in(app, "pirinen")
    assert other.get(f"/workspace/cases/{reference}/files/{link}").status_code == 404
    assert koponen.get(f"/workspace/cases/{reference}/files/999999").status_code == 404
    assert client.get(f"/workspace/cases/{reference}/files/{link}").status_code in (302, 303)


def test_every_form_of_one_managers_case_is_404_for_another(app: Flask, koponen: CheckingClient) -> None:
    reference = a_case(app)
    page = case_page(koponen, reference)
    pirinen = signed_in(app, "pirinen")
    token = form_of(pirinen.get("/workspace/account"), "/workspace/sign-out")["csrf_token"]
    for act in ("reply", "note", "hand-over", "close"):
        form = form_of(page, f"/workspace/cases/{reference}/{act}")
        form = {name: token if name.endswith("csrf_token") else value for name, value in form.items()}
        form |= {"reply-body": "x", "note-body": "x", "hand_over-target": "topic:tci", "send": "1"}
        assert pirinen.post(f"/workspace/cases/{reference}/{act}", data=form).status_code == 404, act
    assert pirinen.post(f"/workspace/cases/{reference}/letters/1/retry", data={"csrf_token": token}).status_code == 404
    assert pirinen.get(f"/workspace/cases/{reference}").status_code == 404
    assert status_of(app, reference) == "new"


@pytest.mark.parametrize("reference", ["KS-2026-2222-2222", "nonsense", "KS-2026-7F3K-9QXD", "%00", "1"])
def test_a_case_that_is_not_there(koponen: CheckingClient, reference: str) -> None:
    assert koponen.get(f"/workspace/cases/{reference}").status_code == 404


# -------------------------------------------------------------------------------------------------- absences


def test_absence_sends_new_messages_to_the_deputy(app: Flask, koponen: CheckingClient) -> None:
    from portal.queries.directory import today

    with app.app_context():
        day = today().isoformat()
    page = koponen.get("/workspace/absences")
    response = submit(koponen, page, "/workspace/absences", first_day=day, last_day=day)
    assert response.status_code == 303
    reference = a_case(app)
    pirinen = signed_in(app, "pirinen")
    said = text_of(case_page(pirinen, reference))
    assert "Hannu Koponen" in said
    assert "Kari Pirinen" in said
    page = koponen.get("/workspace/absences")
    remove = page.text.split('action="/workspace/absences/')[1].split('"')[0]
    assert submit(koponen, page, f"/workspace/absences/{remove}").status_code == 303
    assert koponen.get(f"/workspace/cases/{a_case(app)}").status_code == 200


def test_bad_days_are_explained(koponen: CheckingClient) -> None:
    for first, last in (("", ""), ("2026-13-01", "x"), ("2030-02-02", "2030-02-01"), ("2020-01-01", "2020-01-02")):
        page = koponen.get("/workspace/absences")
        response = submit(koponen, page, "/workspace/absences", first_day=first, last_day=last)
        assert response.status_code == 422
        assert 'role="alert"' in response.text


def test_nobody_marks_another_manager_away(koponen: CheckingClient, coordinator: CheckingClient) -> None:
    page = koponen.get("/workspace/absences")
    values = {"manager": "pirinen", "first_day": "2030-01-01", "last_day": "2030-01-02"}
    assert submit(koponen, page, "/workspace/absences", **values).status_code == 422
    page = coordinator.get("/workspace/absences")
    assert submit(coordinator, page, "/workspace/absences", **values).status_code == 303


def test_a_text_for_a_case_that_has_gone_to_somebody_else_is_not_lost(app: Flask, koponen: CheckingClient) -> None:
    reference = a_case(app, topic="triage")
    page = case_page(koponen, reference)
    pirinen = signed_in(app, "pirinen")
    assert submit(pirinen, case_page(pirinen, reference), f"/workspace/cases/{reference}/take").status_code == 303
    for act, values in (("reply", {"body": "My long answer"}), ("note", {"body": "My long note"})):
        response = submit(koponen, page, f"/workspace/cases/{reference}/{act}", **values)
        assert response.status_code == 404
        assert values["body"] in response.text


def test_another_note_under_the_same_form_is_not_swallowed(app: Flask, koponen: CheckingClient) -> None:
    reference = a_case(app)
    note = f"/workspace/cases/{reference}/note"
    page = case_page(koponen, reference)
    assert submit(koponen, page, note, body="One").status_code == 303
    late = submit(koponen, page, note, body="Two")
    assert late.status_code == 409
    assert form_of(late, note)["note-body"].strip() == "Two"


def test_going_back_to_editing_does_not_hide_what_happened_meanwhile(
    app: Flask, koponen: CheckingClient, coordinator: CheckingClient
) -> None:
    reference = a_case(app)
    action = f"/workspace/cases/{reference}/reply"
    preview = submit(koponen, case_page(koponen, reference), action, body="Yes")
    note = f"/workspace/cases/{reference}/note"
    assert submit(coordinator, case_page(coordinator, reference), note, body="Do not answer!").status_code == 303
    edited = submit(koponen, preview, action, edit="1")
    again = submit(koponen, edited, action)
    assert submit(koponen, again, action, send="1").status_code == 409


def test_a_reply_to_a_case_that_was_closed_meanwhile_keeps_its_text(
    app: Flask, koponen: CheckingClient, coordinator: CheckingClient
) -> None:
    reference = a_case(app)
    action = f"/workspace/cases/{reference}/reply"
    preview = submit(koponen, case_page(koponen, reference), action, body="My long answer")
    close = f"/workspace/cases/{reference}/close"
    assert submit(coordinator, case_page(coordinator, reference), close).status_code == 303
    late = submit(koponen, preview, action, send="1")
    assert late.status_code == 409
    assert form_of(late, action)["reply-body"].strip() == "My long answer"


def test_a_database_that_is_down_gives_the_text_back(
    app: Flask, koponen: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any, **__: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    reference = a_case(app)
    page = case_page(koponen, reference)
    monkeypatch.setattr("portal.operations.cases.add_note", down)
    response = submit(koponen, page, f"/workspace/cases/{reference}/note", body="Remember this")
    assert response.status_code == 503
    assert "Remember this" in response.text


def test_a_case_can_be_given_back_to_triage(app: Flask, koponen: CheckingClient, outbox: Outbox) -> None:
    reference = a_case(app)
    outbox.deliver()
    action = f"/workspace/cases/{reference}/hand-over"
    response = submit(koponen, case_page(koponen, reference), action, target="topic:triage", reason="Not mine")
    assert response.status_code == 303
    assert "Subject" not in text_of(koponen.get("/workspace/mine"))
    said = text_of(case_page(koponen, reference))
    assert "Demo Koponen handed the case over (Hannu Koponen → Triage" in said
    told = {message["To"]: message.get_content() for message in outbox.deliver()}
    assert "coordinator" in told["ada@example.org"]
    assert "coordinator@demo.example.org" in told
