"""Sessions: begun when there is something to keep, ended for every copy of the cookie, read when looked at."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask, Response, session
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from portal import clock
from portal.database import db
from portal.models import Session
from portal.operations.accounts import close_account, reopen_account
from portal.operations.sessions import end_session, sweep_sessions
from portal.web.security import sessions
from portal.web.security.sessions import COOKIE, hash_of
from tests.conftest import CheckingClient
from tests.people import PASSWORD, add_people
from tests.web.browsing import form_of
from tests.web.signing_in import a_browser, change_password, email_of, in_english, is_signed_in, sign_in, token_of

Counting = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture(autouse=True)
def _people(app: Flask, client: CheckingClient) -> None:
    add_people(app)
    in_english(client)


def rows(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(Session)) or 0


# ------------------------------------------------------------------------------------------------ what it costs


@pytest.mark.parametrize("path", ["/en/", "/en/contact", "/en/track", "/workspace/sign-in", "/nowhere/at/all"])
def test_a_visitor_who_stores_nothing_gets_no_session(app: Flask, client: CheckingClient, path: str) -> None:
    client.get(path)
    assert client.get_cookie(COOKIE) is None
    assert rows(app) == 0


@pytest.mark.parametrize("path", ["/en/", "/en/contact", "/sv/topics/errin", "/healthz", "/nowhere/at/all"])
def test_a_page_that_does_not_look_into_the_session_asks_the_database_nothing(
    client: CheckingClient, count_statements: Counting, path: str
) -> None:
    sign_in(client, "koponen")
    with count_statements() as statements:
        assert client.get(path).status_code in (200, 404)
    assert statements == []


def test_session_and_account_are_read_in_one_statement(client: CheckingClient, count_statements: Counting) -> None:
    sign_in(client, "koponen")
    client.get("/workspace/account")
    with count_statements() as statements:
        assert client.get("/workspace/account").status_code == 200
    assert len(statements) == 1
    assert "FROM sessions" in statements[0]


def test_being_in_use_is_noted_once_a_minute(client: CheckingClient, count_statements: Counting) -> None:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        sign_in(client, "koponen")
        written = []
        for seconds in (30, 29, 1, 30, 29):
            traveller.shift(seconds)
            with count_statements() as statements:
                assert is_signed_in(client)
            written.append(sum(statement.startswith("UPDATE sessions") for statement in statements))
    assert written == [0, 0, 1, 0, 0]


def test_the_cookie_is_out_of_reach_and_the_table_opens_nothing(app: Flask, client: CheckingClient) -> None:
    sign_in(client, "koponen")
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site, cookie.path, cookie.max_age) == (True, "Lax", "/", None)
    with app.app_context():
        stored = db.session.scalars(select(Session)).one()
        assert stored.token_hash == hash_of(cookie.value)
        assert cookie.value not in f"{stored.token_hash} {stored.data}"
    assert not is_signed_in(a_browser(app, stored.token_hash))


def test_a_session_with_nothing_left_in_it_is_gone(app: Flask, client: CheckingClient) -> None:
    with client.session_transaction() as begun:
        begun["own_case"] = 1
    with app.test_request_context("/", headers={"Cookie": f"{COOKIE}={token_of(client)}"}):
        assert session.pop("own_case") == 1
        answer = app.process_response(Response())
    assert f"{COOKIE}=;" in answer.headers["Set-Cookie"]
    assert rows(app) == 0


# -------------------------------------------------------------------------------------------- copies of a cookie


def test_a_copied_cookie_is_dead_after_signing_out(app: Flask, client: CheckingClient) -> None:
    sign_in(client, "koponen")
    thief = a_browser(app, token_of(client))
    assert is_signed_in(thief)
    sign_out(client)
    assert not is_signed_in(thief)
    assert not is_signed_in(client)
    assert rows(app) == 0


def sign_out(client: CheckingClient) -> None:
    form = form_of(client.get("/workspace/account"), "/workspace/sign-out")
    response = client.post("/workspace/sign-out", data=form)
    assert (response.status_code, response.location) == (303, "/workspace/sign-in?left=1&lang=en")
    assert "You have signed out." in client.get(response.location).text


def test_a_password_change_signs_out_everywhere_else_and_renews_this_session(
    app: Flask, client: CheckingClient
) -> None:
    sign_in(client, "koponen")
    before = token_of(client)
    elsewhere = a_browser(app)
    sign_in(elsewhere, "koponen")
    colleague = a_browser(app)
    sign_in(colleague, "pirinen")

    assert change_password(client, PASSWORD, "another fine horse 8").status_code == 303

    assert is_signed_in(client)
    assert token_of(client) != before
    assert not is_signed_in(a_browser(app, before))
    assert not is_signed_in(elsewhere)
    assert is_signed_in(colleague)


def test_closing_an_account_ends_its_sessions_for_good(app: Flask, client: CheckingClient) -> None:
    sign_in(client, "koponen")
    with app.app_context():
        close_account(email=email_of("koponen"))
    assert not is_signed_in(client)
    with app.app_context():
        reopen_account(email=email_of("koponen"))
    assert not is_signed_in(client)


def test_a_session_that_outlived_the_closing_is_none(app: Flask, client: CheckingClient) -> None:
    """As when the row was written by a request that was under way meanwhile."""
    sign_in(client, "koponen")
    with app.app_context():
        kept = dict(db.session.execute(select(*Session.__table__.c)).one()._mapping)
        close_account(email=email_of("koponen"))
        db.session.execute(Session.__table__.insert().values(kept))
        db.session.commit()
    assert not is_signed_in(client)
    with app.app_context():
        reopen_account(email=email_of("koponen"))
    assert not is_signed_in(client), "the account has another name for its sessions now"


# ------------------------------------------------------------------------------------------------------ fixation


def test_a_session_planted_before_signing_in_opens_nothing_afterwards(app: Flask, client: CheckingClient) -> None:
    attacker = a_browser(app)
    with attacker.session_transaction() as planted:
        planted["own_case"] = 1
    token = token_of(attacker)
    client.set_cookie(COOKIE, token)

    sign_in(client, "koponen")

    assert token_of(client) != token
    assert not is_signed_in(attacker)
    with app.app_context():
        assert "own_case" not in db.session.scalars(select(Session.data)).one()


def test_a_token_of_somebodys_own_making_is_not_taken_up(app: Flask, client: CheckingClient) -> None:
    own = "A" * 43
    client.set_cookie(COOKIE, own)
    sign_in(client, "koponen")
    assert token_of(client) != own
    assert not is_signed_in(a_browser(app, own))


@pytest.mark.parametrize("value", ["", "x", "%00", "ä" * 43, "A" * 3000, "' OR 1=1 --"])
def test_a_cookie_that_cannot_be_one_is_no_session(app: Flask, value: str) -> None:
    assert not is_signed_in(a_browser(app, value))


# ------------------------------------------------------------------------------------------------------- its end


def test_a_session_ends_when_it_is_idle(client: CheckingClient) -> None:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        sign_in(client, "koponen")
        traveller.shift(timedelta(minutes=59))
        assert is_signed_in(client)
        traveller.shift(timedelta(minutes=59))
        assert is_signed_in(client)
        traveller.shift(timedelta(minutes=60))
        assert not is_signed_in(client)


def test_a_session_ends_some_hours_after_it_began_however_busy(client: CheckingClient) -> None:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        sign_in(client, "koponen")
        for _half_hour in range(19):
            traveller.shift(timedelta(minutes=30))
            assert is_signed_in(client)
        traveller.shift(timedelta(minutes=30))
        assert not is_signed_in(client)


def test_expired_sessions_are_swept_and_others_stay(app: Flask, client: CheckingClient) -> None:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        sign_in(client, "koponen")
        traveller.shift(timedelta(minutes=45))
        elsewhere = a_browser(app)
        sign_in(elsewhere, "pirinen")
        traveller.shift(timedelta(minutes=16))
        with app.app_context():
            assert sweep_sessions() == 1
        assert is_signed_in(elsewhere)


def test_a_session_ended_meanwhile_is_not_brought_back(app: Flask, client: CheckingClient) -> None:
    sign_in(client, "koponen")
    token = token_of(client)
    with app.test_request_context("/", headers={"Cookie": f"{COOKIE}={token}"}):
        session["note"] = "written by a request that was under way"
        end_session(token_hash=hash_of(token))
        app.process_response(Response())
    assert rows(app) == 0


def test_a_database_that_does_not_take_the_note_of_use_spoils_no_page(
    client: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_values: Any) -> bool:
        raise OperationalError("UPDATE", {}, Exception("disk full"))

    with time_machine.travel(clock.now(), tick=False) as traveller:
        sign_in(client, "koponen")
        traveller.shift(timedelta(minutes=5))
        monkeypatch.setattr(sessions, "save_session", full)
        assert is_signed_in(client)
