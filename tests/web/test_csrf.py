"""A form of ours is only taken from a page of ours, and one that is refused comes back as it was typed."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask, Response
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from portal import clock, create_app
from portal.database import db
from portal.models import Submission
from portal.settings import Settings
from portal.web.security import csrf
from portal.web.security.csrf import COOKIE
from tests.conftest import CheckingClient, prepare_for_tests
from tests.installation import release
from tests.web.browsing import form_of, text_of

PATH = "/en/contact"
TYPED = {
    "topic": "errin",
    "subject": "Partners for a proposal",
    "message": "Dear colleagues,\nwe look for a region. Ääkköset 🙂",
    "name": "Ada Example",
    "email": "ada@example.org",
    "country": "SE",
}
STALE = "The page had been open for too long. Nothing you typed is lost"
NO_COOKIE = "Your browser did not send our cookie along"


def filled(client: CheckingClient, **values: Any) -> dict[str, Any]:
    return {**form_of(client.get(PATH), PATH), **TYPED, **values}


def stored(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(Submission)) or 0


def assert_came_back(response: TestResponse, reason: str) -> dict[str, Any]:
    """The form is shown again, says why, and has all that was typed."""
    assert response.status_code == 400
    assert reason in text_of(response)
    form = form_of(response, PATH)
    assert {name: form[name].lstrip("\n") for name in TYPED} == TYPED
    return form


def test_a_form_left_open_too_long_comes_back_and_can_be_sent(app: Flask, client: CheckingClient) -> None:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        data = filled(client)
        traveller.shift(timedelta(hours=12, seconds=1))
        again = assert_came_back(client.post(PATH, data=data), STALE)
        assert stored(app) == 0
        assert client.post(PATH, data=again).status_code == 303
    assert stored(app) == 1


def test_a_form_may_be_open_for_twelve_hours(client: CheckingClient) -> None:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        data = filled(client)
        traveller.shift(timedelta(hours=12))
        assert client.post(PATH, data=data).status_code == 303


@pytest.mark.parametrize(
    "forge",
    [
        lambda _token: "",
        lambda _token: "x",
        lambda _token: "ä.ö",
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: f"{int(token.split('.')[0], 16) + 1:x}.{token.split('.')[1]}",
        lambda token: f"{'f' * 12}.{token.split('.')[1]}",
        lambda token: token.split(".")[0] + ".",
        lambda token: token + "\n",
        lambda token: token * 1000,
    ],
)
def test_a_token_that_is_not_ours_is_refused(app: Flask, client: CheckingClient, forge: Any) -> None:
    data = filled(client)
    assert_came_back(client.post(PATH, data={**data, "csrf_token": forge(data["csrf_token"])}), STALE)
    assert stored(app) == 0


def test_a_form_without_the_field_is_refused(app: Flask, client: CheckingClient) -> None:
    data = filled(client)
    del data["csrf_token"]
    assert_came_back(client.post(PATH, data=data), STALE)
    assert stored(app) == 0


def test_another_browsers_token_is_refused(app: Flask, client: CheckingClient) -> None:
    attacker = app.test_client()
    assert isinstance(attacker, CheckingClient)
    attackers = filled(attacker)
    client.get(PATH)
    assert_came_back(client.post(PATH, data=attackers), STALE)
    assert stored(app) == 0


def test_a_browser_without_the_cookie_is_told_about_cookies(app: Flask, client: CheckingClient) -> None:
    data = filled(client)
    client.delete_cookie(COOKIE)
    assert_came_back(client.post(PATH, data=data), NO_COOKIE)
    assert stored(app) == 0


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_that_another_site_sends_is_refused_even_with_cookie_and_token(
    app: Flask, client: CheckingClient, site: str
) -> None:
    """A neighbour under the same domain could have planted both."""
    response = client.post(PATH, data=filled(client), headers={"Sec-Fetch-Site": site})
    assert_came_back(response, STALE)
    assert stored(app) == 0


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_a_form_that_our_own_page_sends_is_taken(client: CheckingClient, site: str) -> None:
    assert client.post(PATH, data=filled(client), headers={"Sec-Fetch-Site": site}).status_code == 303


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"csrf_token": 1}', "application/json"),
        (b"[1, 2]", "application/json"),
        (b"csrf_token=1", "text/plain"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"--x", "multipart/form-data"),
        (b"", ""),
    ],
)
def test_a_body_that_is_no_form_is_refused(app: Flask, client: CheckingClient, body: bytes, kind: str) -> None:
    client.get(PATH)
    assert client.post(PATH, data=body, content_type=kind).status_code == 400
    assert stored(app) == 0


def test_the_cookie_comes_with_the_first_form_and_stays(client: CheckingClient) -> None:
    client.get("/en/")
    assert client.get_cookie(COOKIE) is None
    first = client.get(PATH)
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site, cookie.path, cookie.max_age) == (True, "Lax", "/", None)
    assert first.cache_control.no_store
    assert "Set-Cookie" not in client.get(PATH).headers


def test_all_forms_of_a_page_carry_the_token(client: CheckingClient) -> None:
    page = client.get(PATH).get_data(as_text=True)
    forms = len(re.findall(r"<form[^>]*method=\"post\"", page))
    assert forms == len(re.findall(r"name=\"csrf_token\"", page)) >= 1


def test_a_token_outlives_a_restart(client: CheckingClient, settings: Settings) -> None:
    data = filled(client)
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    app = prepare_for_tests(create_app(settings))
    restarted = app.test_client()
    restarted.set_cookie(COOKIE, cookie.value)
    assert restarted.post(PATH, data=data).status_code == 303
    release(app)


def test_a_page_that_is_kept_for_everybody_may_hold_no_form(app: Flask) -> None:
    with app.test_request_context("/en/"):
        csrf.issue()
        response = Response()
        response.cache_control.public = True
        with pytest.raises(RuntimeError, match="kept for everybody"):
            app.process_response(response)
