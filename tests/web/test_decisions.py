"""Deciding and being decided about, as it is done on the pages."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, insert, select, update
from werkzeug.test import TestResponse

from portal import clock
from portal.database import db, transaction
from portal.models import Application, Call, CallReviewer, Decision, Event, Letter, Submission
from portal.operations.decisions import apply_due_decisions
from portal.operations.offers import lapse_offers
from portal.operations.preparing import prepare_decision
from portal.operations.receiving import Received
from portal.operations.reviews import declare_no_conflict
from portal.queries.calls import StoredCall
from portal.queries.decisions import WAITING_SHOWN, list_decisions, mark_of
from portal.queries.receipts import find_receipt
from portal.rules.policy import Viewer
from tests.conftest import CheckingClient, Outbox
from tests.integration.test_decisions import decide_now, prepare, put, send_all
from tests.internships import apply, make_call
from tests.people import add_people, receive
from tests.web.browsing import form_of, text_of
from tests.web.signing_in import sign_in

Counting = Callable[[], AbstractContextManager[list[str]]]
OFFER, WITHDRAW, OWN = "/en/track/offer", "/en/track/withdraw", "/en/track/case"


@pytest.fixture
def people(app: Flask) -> dict[str, Viewer]:
    return add_people(app)


@pytest.fixture
def lead(people: dict[str, Viewer]) -> Viewer:
    return people["koponen"]


@pytest.fixture
def call(app: Flask, lead: Viewer) -> StoredCall:
    with app.app_context():
        return make_call(lead.account_id)


@pytest.fixture
def manager(app: Flask, lead: Viewer, client: CheckingClient) -> CheckingClient:
    sign_in(client, "koponen")
    return client


def one(app: Flask, call: StoredCall, **values: Any) -> Received:
    with app.app_context():
        return apply(call, **values)


def decide_page(received: Received) -> str:
    return f"/workspace/applications/{received.reference}/decision"


def decisions_page(call: StoredCall) -> str:
    return f"/workspace/calls/{call.slug}/decisions"


def fill_in(manager: CheckingClient, received: Received, **values: str) -> TestResponse:
    """Send the form of a decision; answered by the preview when it is good."""
    address = decide_page(received)
    return manager.post(address, data={**form_of(manager.get(address), address), **values})


def keep(manager: CheckingClient, received: Received, preview: TestResponse) -> TestResponse:
    address = decide_page(received)
    return manager.post(address, data={**form_of(preview, address), "save": "1"})


def send(manager: CheckingClient, call: StoredCall) -> TestResponse:
    """Send all that is prepared, over the confirmation page."""
    address = f"{decisions_page(call)}/send"
    sure = manager.post(address, data=form_of(manager.get(decisions_page(call)), address))
    assert sure.status_code == 200
    return manager.post(address, data={**form_of(sure, address), "confirm": "1"})


def as_applicant(app: Flask, received: Received) -> CheckingClient:
    """A browser that has opened the page of this application."""
    with app.app_context():
        receipt = find_receipt(received.submission_id)
        assert receipt is not None
    browser = app.test_client()
    assert isinstance(browser, CheckingClient)
    form = form_of(browser.get("/en/track"), "/en/track")
    opened = browser.post("/en/track", data={**form, "reference": receipt.row.reference, "code": receipt.code})
    assert opened.status_code == 303
    return browser


def stage_of(app: Flask, received: Received) -> str:
    with app.app_context():
        return db.session.scalars(
            select(Application.stage).where(Application.submission_id == received.submission_id)
        ).one()


# --------------------------------------------------------------------------------------------------- the manager


def test_a_decision_from_the_form_to_the_letter(
    app: Flask, manager: CheckingClient, call: StoredCall, outbox: Outbox
) -> None:
    received = one(app, call, contact_language="sv")
    outbox.deliver()
    page = manager.get(decide_page(received))
    assert "Svenska" in text_of(page), "the language of the message is said"
    preview = fill_in(manager, received, kind="offer", reason="Best fit, between us", message="Välkommen!")
    letter = preview.text.split('<pre class="letter"')[1].split("</pre>")[0]
    assert preview.status_code == 200
    assert 'lang="sv"' in preview.text
    assert "Välkommen!" in letter
    assert "between us" not in letter
    assert "Best fit, between us" in preview.text
    with app.app_context():
        assert db.session.scalars(select(Decision)).all() == [], "a preview keeps nothing"
    done = keep(manager, received, preview)
    assert (done.status_code, done.location) == (303, decisions_page(call))
    overview = manager.get(decisions_page(call))
    assert "Best fit, between us" in text_of(overview)
    kept = manager.get(f"{decide_page(received)}/letter")
    assert letter in kept.text, "the letter that was seen is the letter that is kept"
    assert send(manager, call).status_code == 303
    said = text_of(manager.get(decisions_page(call)))
    assert "1 letter goes at" in said
    assert "You can take it back until then" in said
    assert outbox.deliver() == []
    with time_machine.travel(clock.now() + timedelta(minutes=6)):
        with app.app_context():
            assert apply_due_decisions() == 1
        [message] = outbox.deliver()
    assert "Välkommen!" in message.get_content()
    assert "between us" not in message.get_content()
    said = text_of(manager.get(decisions_page(call)))
    assert "Waits until" in said
    assert "Nothing to decide" in text_of(manager.get(decide_page(received)))


def test_a_letter_is_signed_by_whoever_prepared_it(
    app: Flask, people: dict[str, Viewer], manager: CheckingClient, call: StoredCall
) -> None:
    received = one(app, call)
    with app.app_context():
        prepare(people["coordinator"], received, "decline")
    assert "Demo Coordinator" in manager.get(f"{decide_page(received)}/letter").text.split('<pre class="letter"')[1]


def test_back_to_editing_loses_nothing(app: Flask, manager: CheckingClient, call: StoredCall) -> None:
    received = one(app, call)
    preview = fill_in(manager, received, kind="reserve", rank="3", reason="Second", message="A word\n\nand another")
    address = decide_page(received)
    again = manager.post(address, data={**form_of(preview, address), "edit": "1"})
    form = form_of(again, address)
    assert (form["kind"], form["rank"], form["reason"].strip()) == ("reserve", "3", "Second")
    assert form["message"].strip() == "A word\n\nand another"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kind": "decline", "reason": " "}, "“Reason” is empty"),
        ({"reason": "Why"}, "Choose a decision"),
        ({"kind": "hire", "reason": "Why"}, "Choose a decision"),
        ({"kind": "offer", "reason": "Why", "reply_by": ""}, "by which day"),
        ({"kind": "offer", "reason": "Why", "reply_by": "2020-01-01"}, "at least until tomorrow"),
        ({"kind": "offer", "reason": "Why", "reply_by": "2999-01-01"}, "half a year"),
        ({"kind": "offer", "reason": "Why", "reply_by": "soon"}, "by which day"),
        ({"kind": "reserve", "reason": "Why", "rank": "0"}, "number from 1"),
        ({"kind": "reserve", "reason": "Why", "rank": "first"}, "Not a valid integer"),
        ({"kind": "decline", "reason": "x" * 5_001}, "too long"),
    ],
)
def test_bad_decisions_come_back(
    app: Flask, manager: CheckingClient, call: StoredCall, values: dict[str, str], said: str
) -> None:
    received = one(app, call)
    response = fill_in(manager, received, message="Typed with care", **values)
    assert response.status_code == 422
    assert said in text_of(response)
    assert "Typed with care" in response.text


def test_fields_of_another_kind_are_not_looked_at(app: Flask, manager: CheckingClient, call: StoredCall) -> None:
    received = one(app, call)
    response = fill_in(manager, received, kind="decline", reason="Why", rank="first", reply_by="soon")
    assert response.status_code == 200
    assert keep(manager, received, response).status_code == 303


def test_the_second_of_two_is_told_who_was_first(
    app: Flask, people: dict[str, Viewer], manager: CheckingClient, call: StoredCall
) -> None:
    received = one(app, call)
    preview = fill_in(manager, received, kind="decline", reason="My own reason")
    with app.app_context():
        prepare(people["coordinator"], received, "reserve", reason="Another view")
    response = keep(manager, received, preview)
    assert response.status_code == 409
    said = text_of(response)
    assert "Demo Coordinator prepared a decision meanwhile" in said
    assert "Another view" in said
    assert "My own reason" in response.text
    address = decide_page(received)
    assert keep(manager, received, manager.post(address, data=form_of(response, address))).status_code == 303


def test_sending_is_asked_once_more_and_says_whom(
    app: Flask, lead: Viewer, manager: CheckingClient, call: StoredCall
) -> None:
    rows = [one(app, call, name=f"Person {n}", email=f"p{n}@example.org") for n in range(3)]
    for received, kind in zip(rows, ("offer", "decline", "decline"), strict=True):
        keep(manager, received, fill_in(manager, received, kind=kind, reason="Why"))
    address = f"{decisions_page(call)}/send"
    page = manager.get(decisions_page(call))
    form = form_of(page, address)
    assert len(form["chosen"]) == 3, "all are ticked"
    sure = manager.post(address, data={**form, "chosen": form["chosen"][:2]})
    said = text_of(sure)
    assert "Send 2 letters?" in said
    assert "1 offer" in said
    assert "1 decline" in said
    assert "Person 2" not in said
    assert said.index("Person 0") < said.index("Person 1"), "offers come first"
    assert "They go 5 minutes after you press the button" in said
    with app.app_context():
        assert not list_decisions(lead, call).batches, "looking sends nothing"
    assert manager.post(address, data={**form, "chosen": []}).status_code == 422
    final = {**form_of(sure, address), "confirm": "1"}
    for _ in range(2):
        assert manager.post(address, data=final).status_code == 303
    said = text_of(manager.get(decisions_page(call)))
    assert "2 letters go at" in said
    assert "Person 2" in said
    assert manager.post(address, data=form).status_code == 409, "two of these are on their way"


def test_taking_back_says_how_many_had_gone(
    app: Flask, manager: CheckingClient, lead: Viewer, call: StoredCall
) -> None:
    rows = [one(app, call, email=f"p{n}@example.org") for n in range(3)]
    with app.app_context():
        for received in rows:
            prepare(lead, received, "decline")
        send_all(lead, call)
    address = f"{decisions_page(call)}/recall"
    form = form_of(manager.get(decisions_page(call)), address)
    with time_machine.travel(clock.now() + timedelta(minutes=6)):
        assert "3 letters are going now" in text_of(manager.get(decisions_page(call)))
        with app.app_context():
            assert apply_due_decisions(limit=1) == 1
        response = manager.post(address, data=form, follow_redirects=True)
        said = text_of(response)
        assert "2 letters were taken back" in said
        assert "1 letter had gone already" in said
        assert "taken back already" not in said
        said = text_of(manager.post(address, data=form, follow_redirects=True))
        assert "It was too late: 1 letter had gone already" in said
    assert manager.post(address, data={**form, "effective_at": "yesterday"}).status_code == 400
    assert manager.post(address, data={**form, "effective_at": "2026-01-01T10:00:00"}).status_code == 400


def test_a_prepared_decision_is_thrown_away(app: Flask, manager: CheckingClient, call: StoredCall) -> None:
    received = one(app, call)
    keep(manager, received, fill_in(manager, received, kind="decline", reason="Why"))
    address = f"{decide_page(received)}/drop"
    form = form_of(manager.get(decide_page(received)), address)
    for _ in range(2):
        assert manager.post(address, data=form).status_code == 303
    said = text_of(manager.get(decisions_page(call)))
    assert "No decision is prepared" in said
    assert "1 applicant has no answer yet" in said
    assert manager.get(f"{decide_page(received)}/letter").status_code == 404


def test_nobody_is_left_without_an_answer(
    app: Flask, manager: CheckingClient, lead: Viewer, call: StoredCall, count_statements: Counting
) -> None:
    rows = [one(app, call, name=f"Person {n}", email=f"p{n}@example.org") for n in range(4)]
    with app.app_context():
        prepare(lead, rows[0], "offer")
        prepare(lead, rows[1], "reserve")
    said = text_of(manager.get(decisions_page(call)))
    assert "2 applicants have no answer yet" in said
    with count_statements() as few:
        manager.get(decisions_page(call))
    with app.app_context():
        for number in range(WAITING_SHOWN):
            apply(call, name=f"More {number}", email=f"m{number}@example.org")
        for received in rows[2:]:
            prepare(lead, received, "decline")
    with count_statements() as many:
        page = manager.get(decisions_page(call))
    assert len(many) == len(few)
    assert f"{WAITING_SHOWN} applicants have no answer yet" in text_of(page)


def test_the_reserve_list_is_ordered_by_hand(
    app: Flask, manager: CheckingClient, lead: Viewer, call: StoredCall
) -> None:
    rows = [one(app, call, name=f"Person {n}", email=f"p{n}@example.org") for n in range(3)]
    with app.app_context():
        for received in rows:
            prepare(lead, received, "reserve")
        decide_now(lead, call)
        ids = [row.id for row in list_decisions(lead, call).reserve]
    address = f"{decisions_page(call)}/reserve"
    form = form_of(manager.get(decisions_page(call)), address)
    assert manager.post(address, data={**form, "up": str(ids[2])}).status_code == 303
    names = text_of(manager.get(decisions_page(call))).split("Reserve list When a place")[1]
    assert names.index("Person 0") < names.index("Person 2") < names.index("Person 1")
    stale = manager.post(address, data={**form, "down": str(ids[0])})
    assert stale.status_code == 409
    assert "Somebody changed the reserve list" in text_of(stale)
    for bad in ({"up": "x"}, {"order": "1,,2", "up": "1"}, {"order": ""}):
        assert manager.post(address, data={**form, **bad}).status_code == 400, bad


def test_what_a_person_is_called_cannot_bend_the_page(
    app: Flask, manager: CheckingClient, lead: Viewer, call: StoredCall
) -> None:
    received = one(app, call, name="<script>alert(1)</script>\u202e", address_as="")
    with app.app_context():
        prepare(lead, received, "decline", reason="<b>no</b>", message="<i>none</i>")
    for address in (decisions_page(call), decide_page(received), f"{decide_page(received)}/letter"):
        page = manager.get(address).text
        assert "<script>alert" not in page
        assert "\u202e" not in page
        assert "<b>no" not in page
        assert "<i>none" not in page


def test_a_reference_that_is_none_is_no_page(app: Flask, manager: CheckingClient, call: StoredCall) -> None:
    with app.app_context():
        inquiry = receive().reference
    for reference in ("nonsense", "KS-2026-2222-2222", inquiry):
        assert manager.get(f"/workspace/applications/{reference}/decision").status_code == 404
    assert manager.get("/workspace/calls/none/decisions").status_code == 404


# ------------------------------------------------------------------------------------------------- the applicant


@pytest.fixture
def offered(app: Flask, lead: Viewer, call: StoredCall) -> Received:
    with app.app_context():
        received = apply(call)
        prepare(lead, received, message="We liked your letter.")
        decide_now(lead, call)
        return received


def test_nothing_is_seen_before_it_takes_effect(app: Flask, lead: Viewer, call: StoredCall) -> None:
    received = one(app, call)
    browser = as_applicant(app, received)
    before = text_of(browser.get(OWN))
    with app.app_context():
        prepare(lead, received, message="We liked your letter.")
        send_all(lead, call)
    assert text_of(browser.get(OWN)) == before
    response = browser.get(OFFER)
    assert (response.status_code, response.location) == (302, OWN)


def test_accepting_an_offer(app: Flask, offered: Received) -> None:
    browser = as_applicant(app, offered)
    page = browser.get(OFFER)
    said = text_of(page)
    assert "We liked your letter." in said
    assert "at 23:59" in said
    assert "Helsinki time" in said
    form = {**form_of(page, OFFER), "answer": "accept"}
    for _ in range(2):
        response = browser.post(OFFER, data=form)
        assert (response.status_code, response.location) == (303, OWN)
    assert stage_of(app, offered) == "accepted"
    assert "You have accepted the place" in text_of(browser.get(OFFER))
    late = browser.post(OFFER, data={**form, "token": "another", "answer": "decline"})
    assert late.status_code == 409
    assert stage_of(app, offered) == "accepted"
    assert "Withdraw my application" in text_of(browser.get(WITHDRAW))


def test_declining_an_offer_asks_nothing(app: Flask, offered: Received) -> None:
    browser = as_applicant(app, offered)
    page = browser.get(OFFER)
    assert "textarea" not in page.text
    assert browser.post(OFFER, data={**form_of(page, OFFER), "answer": "decline"}).status_code == 303
    assert stage_of(app, offered) == "offer_declined"
    assert "You have declined the place" in text_of(browser.get(OFFER))


def test_an_offer_that_has_ended_says_so(app: Flask, offered: Received) -> None:
    browser = as_applicant(app, offered)
    form = {**form_of(browser.get(OFFER), OFFER), "answer": "accept"}
    with app.app_context():
        reply_by = db.session.scalars(select(Decision.reply_by)).one()
        assert reply_by is not None
    with time_machine.travel(reply_by + timedelta(seconds=2)):
        # The visitor comes back after two weeks: the form is too old, and the session gone.
        assert browser.post(OFFER, data=form).status_code == 400
        browser = as_applicant(app, offered)
        said = text_of(browser.get(OFFER))
        assert "The offer has ended" in said
        assert "Accept the offer" not in said
        token = form_of(browser.get(WITHDRAW), WITHDRAW)["csrf_token"]
        response = browser.post(OFFER, data={**form, "csrf_token": token})
        assert response.status_code == 409
        assert "no offer that you can answer now" in text_of(response)
        with app.app_context():
            assert lapse_offers() == 1
        assert "The offer has ended" in text_of(browser.get(OFFER))


def test_a_link_that_a_mail_scanner_follows_changes_nothing(app: Flask, offered: Received) -> None:
    browser = as_applicant(app, offered)
    for address in (OFFER, f"{OFFER}?answer=accept", f"{OFFER}?answer=decline", WITHDRAW, f"{WITHDRAW}?confirm=1"):
        assert browser.get(address).status_code == 200
        assert browser.head(address).status_code == 200
    assert browser.post(OFFER, data={"answer": "accept"}).status_code == 400
    assert browser.post(WITHDRAW).status_code == 400
    form = form_of(browser.get(OFFER), OFFER)
    assert browser.post(OFFER, data={**form, "answer": "perhaps"}).status_code == 400
    assert stage_of(app, offered) == "offered"


def test_leaving_takes_one_button(app: Flask, call: StoredCall) -> None:
    received = one(app, call)
    browser = as_applicant(app, received)
    page = browser.get(WITHDRAW)
    said = text_of(page)
    assert "You need not say why" in said
    assert "12 months" in said
    assert "textarea" not in page.text
    form = form_of(page, WITHDRAW)
    for _ in range(2):
        response = browser.post(WITHDRAW, data=form)
        assert (response.status_code, response.location) == (303, OWN)
    assert stage_of(app, received) == "withdrawn"
    with app.app_context():
        kinds = db.session.scalars(select(Letter.kind).order_by(Letter.id)).all()
    assert kinds[2:] == ["application_withdrawn", "application_updated"]
    assert browser.post(WITHDRAW, data={**form, "token": "another"}).status_code == 409
    assert browser.get(OWN).status_code == 200


def test_without_a_page_of_ones_own_there_is_nothing(app: Flask, client: CheckingClient, offered: Received) -> None:
    for address in (OFFER, WITHDRAW):
        response = client.get(address)
        assert (response.status_code, response.location) == (302, "/en/track")
    form = form_of(client.get("/en/track"), "/en/track")
    data = {"csrf_token": form["csrf_token"], "answer": "accept", "case": str(offered.submission_id), "token": "t"}
    for address in (OFFER, WITHDRAW):
        response = client.post(address, data=data)
        assert response.status_code == 403
    assert stage_of(app, offered) == "offered"


def test_the_manager_sees_what_was_answered(
    app: Flask, manager: CheckingClient, lead: Viewer, call: StoredCall, offered: Received
) -> None:
    waiting = one(app, call, name="Next Person", email="next@example.org")
    with app.app_context():
        prepare_decision(lead, reference=waiting.reference, seen="", kind="reserve", reason="Second", rank=1)
        decide_now(lead, call)
    browser = as_applicant(app, offered)
    browser.post(OFFER, data={**form_of(browser.get(OFFER), OFFER), "answer": "decline"})
    said = text_of(manager.get(decisions_page(call)))
    assert "Declined" in said
    assert "the first on the reserve list" in said
    assert send(manager, call).status_code == 303
    with app.app_context():
        [row] = list_decisions(lead, call).batches[0].rows
        assert (row.reference, row.kind) == (waiting.reference, "offer")
        assert mark_of(row)


def test_an_expired_form_shows_the_page_again(app: Flask, lead: Viewer, call: StoredCall) -> None:
    received = one(app, call)
    with app.app_context():
        prepare(lead, received)
        decide_now(lead, call)
    applicant = as_applicant(app, received)
    for address, more in ((OFFER, {"answer": "accept"}), (WITHDRAW, {})):
        form = form_of(applicant.get(address), address)
        expired = applicant.post(address, data={**form, **more, "csrf_token": "old"})
        assert expired.status_code == 400
        assert 'role="alert"' in expired.text
        assert form_of(expired, address)["csrf_token"], "and it can be sent again"
    assert stage_of(app, received) == "offered"


@pytest.mark.parametrize("kind", ["reserve", "decline"])
def test_the_own_page_shows_what_the_letter_said(app: Flask, lead: Viewer, call: StoredCall, kind: str) -> None:
    received = one(app, call)
    with app.app_context():
        prepare(lead, received, kind, message="Words from the manager.")
        send_all(lead, call)
    assert "Words from the manager." not in as_applicant(app, received).get(OWN).text, "it can still be taken back"
    with time_machine.travel(clock.now() + timedelta(minutes=6)):
        with app.app_context():
            assert apply_due_decisions() == 1
        assert "Words from the manager." in text_of(as_applicant(app, received).get(OWN))


# ------------------------------------------------------------------------- a lead who must not know whose it is yet


def ask_to_review(app: Flask, call: StoredCall, viewer: Viewer, **values: Any) -> None:
    with app.app_context(), transaction() as connection:
        connection.execute(
            insert(CallReviewer).values(call_id=call.id, account_id=viewer.account_id, added_at=clock.now())
        )
        if values:
            connection.execute(update(Call).where(Call.id == call.id).values(**values))


@pytest.mark.parametrize("blind", [True, False], ids=["blind", "not declared"])
def test_decisions_about_what_one_reviews_are_closed(
    app: Flask, manager: CheckingClient, lead: Viewer, call: StoredCall, *, blind: bool
) -> None:
    rows = [one(app, call, name=f"Secret Person {n}", email=f"p{n}@example.org") for n in range(6)]
    for received, kind in zip(rows[:2], ("offer", "reserve"), strict=True):
        keep(manager, received, fill_in(manager, received, kind=kind, reason="Secret reason"))
    send(manager, call)
    with app.app_context(), time_machine.travel(clock.now() + timedelta(minutes=6)):
        assert apply_due_decisions() == 2
    keep(manager, rows[2], fill_in(manager, rows[2], kind="decline", reason="Secret reason"))
    send(manager, call)
    for received, kind in zip(rows[3:5], ("reserve", "decline"), strict=True):
        keep(manager, received, fill_in(manager, received, kind=kind, reason="Secret reason"))
    address = f"{decisions_page(call)}/send"
    before = form_of(manager.get(decisions_page(call)), address)
    with app.app_context():
        order = [row.id for row in list_decisions(lead, call).reserve]
    assert len(order) == len(before["chosen"]) == 2
    ask_to_review(app, call, lead, blind=blind)

    page = manager.get(decisions_page(call))
    said = text_of(page)
    assert "Secret" not in page.text
    for number in range(1, 7):
        assert f"Applicant {number}" in said
    assert "chosen" not in form_of(page, address)
    assert not re.search('name="(up|down)"', page.text)
    for confirmed in ({}, {"confirm": "1"}):
        answer = manager.post(address, data={**before, **confirmed})
        assert answer.status_code == 409
        assert "Secret" not in answer.text
    form = form_of(page, f"{decisions_page(call)}/reserve")
    assert manager.post(f"{decisions_page(call)}/reserve", data={**form, "down": str(order[0])}).status_code == 409
    with app.app_context():
        assert [row.id for row in list_decisions(lead, call).reserve] == order
        assert len(list_decisions(lead, call).prepared) == 2

    with app.app_context(), transaction() as connection:
        connection.execute(delete(CallReviewer).where(CallReviewer.call_id == call.id))
    assert "Secret Person 5" in text_of(manager.get(decisions_page(call)))


def test_of_several_only_those_that_are_open_can_be_sent(
    app: Flask, manager: CheckingClient, lead: Viewer, call: StoredCall
) -> None:
    rows = [one(app, call, name=name, email=f"{name}@example.org") for name in ("Cleared", "Secret")]
    for received in rows:
        keep(manager, received, fill_in(manager, received, kind="decline", reason="Why"))
    ask_to_review(app, call, lead)
    with app.app_context():
        declare_no_conflict(lead, reference=rows[0].reference)
    page = manager.get(decisions_page(call))
    assert "Cleared" in text_of(page)
    assert "Secret" not in page.text
    address = f"{decisions_page(call)}/send"
    sure = manager.post(address, data=form_of(page, address))
    assert "Send 1 letter?" in text_of(sure)
    assert manager.post(address, data={**form_of(sure, address), "confirm": "1"}).status_code == 303
    with app.app_context():
        assert [row.reference for row in list_decisions(lead, call).prepared] == [rows[1].reference]


def test_a_name_that_is_not_of_our_shape_is_not_taken(app: Flask, call: StoredCall) -> None:
    received = one(app, call)
    browser = as_applicant(app, received)
    form = form_of(browser.get(OWN), OWN)
    for name in ("decision-17", "a" * 65, "with a space in it, and long", ""):
        assert browser.post(OWN, data={**form, "token": name, "body": f"Hello: {name}."}).status_code == 303
    browser.post(WITHDRAW, data={**form_of(browser.get(WITHDRAW), WITHDRAW), "token": "lapse-17"})
    with app.app_context():
        names = db.session.scalars(select(Event.token).where(Event.kind.in_(("sender_replied", "withdrawn")))).all()
    assert len(names) == 5
    assert all(name and re.fullmatch("[A-Za-z0-9_-]{24}", name) for name in names)


def test_a_place_that_was_accepted_can_be_given_back(
    app: Flask, manager: CheckingClient, call: StoredCall, offered: Received
) -> None:
    browser = as_applicant(app, offered)
    browser.post(OFFER, data={**form_of(browser.get(OFFER), OFFER), "answer": "accept"})
    page = browser.get(OWN)
    assert WITHDRAW in page.text
    page = browser.get(WITHDRAW)
    assert "Your place may go to somebody else." in text_of(page)
    assert browser.post(WITHDRAW, data=form_of(page, WITHDRAW)).status_code == 303
    assert stage_of(app, offered) == "withdrawn"
    for address in (OWN, OFFER):
        said = text_of(browser.get(address))
        assert "You have given the place back" in said
        assert "You have accepted the place" not in said
    assert WITHDRAW not in browser.get(OWN).text
    assert "Withdrew later" in text_of(manager.get(decisions_page(call)))


@pytest.mark.parametrize("stage", ["offer_declined", "offer_lapsed", "declined"])
def test_until_when_one_can_leave(app: Flask, call: StoredCall, stage: Any) -> None:
    received = one(app, call)
    with app.app_context():
        put(received, stage)
    browser = as_applicant(app, received)
    can = stage != "declined"
    assert (WITHDRAW in browser.get(OWN).text) is can
    assert ("nothing to withdraw" in text_of(browser.get(WITHDRAW))) is not can


def test_the_link_of_a_letter_lets_the_lead_in_and_the_holder(app: Flask, lead: Viewer, call: StoredCall) -> None:
    received = one(app, call)
    with app.app_context(), transaction() as connection:
        connection.execute(update(Submission).where(Submission.id == received.submission_id).values(holder="pirinen"))
    link = f"/workspace/cases/{received.reference}"
    browsers = {}
    for key in ("koponen", "pirinen"):
        browser = browsers[key] = app.test_client()
        assert isinstance(browser, CheckingClient)
        sign_in(browser, key)
    answer = browsers["koponen"].get(link)
    assert (answer.status_code, answer.location) == (302, f"/workspace/applications/{received.reference}")
    assert browsers["koponen"].get(answer.location).status_code == 200
    assert browsers["pirinen"].get(link).status_code == 200
    ask_to_review(app, call, lead, blind=True)
    followed = browsers["koponen"].get(link, follow_redirects=True)
    assert followed.request.path == f"/workspace/reviews/{received.reference}"
    with app.app_context(), transaction() as connection:
        connection.execute(update(Submission).values(holder="koponen"))
    assert browsers["pirinen"].get(link).status_code == 404


def test_the_case_of_an_application_in_review_is_not_closed(
    app: Flask, manager: CheckingClient, call: StoredCall
) -> None:
    received = one(app, call)
    place = f"/workspace/cases/{received.reference}"
    page = manager.get(place)
    assert "Close the case" not in page.text
    form = form_of(page, f"{place}/reply")
    fields = {name: value for name, value in form.items() if name.startswith("reply-")}
    csrf = {name: value for name, value in form.items() if "csrf" in name}
    refused = manager.post(
        f"{place}/reply", data={**fields, **csrf, "reply-body": "Goodbye.", "reply-closing": "y", "send": "1"}
    )
    assert refused.status_code == 409
    assert "An application ends when a decision is sent" in text_of(refused)
    assert "Goodbye." in refused.text
    closing = {name.replace("reply-", "close-"): value for name, value in fields.items() if "body" not in name}
    refused = manager.post(f"{place}/close", data={**closing, **csrf})
    assert refused.status_code == 409
    with app.app_context():
        put(received, "declined")
    assert "Close the case" in manager.get(place).text
