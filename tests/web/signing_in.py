"""Signing in as a person does; opening one's own page as a sender does."""

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.operations.receiving import Received
from portal.queries.receipts import find_receipt
from portal.web.security.sessions import COOKIE
from tests.conftest import CheckingClient
from tests.people import PASSWORD
from tests.web.browsing import form_of

SIGN_IN = "/workspace/sign-in"


def a_browser(app: Flask, token: str | None = None) -> CheckingClient:
    """Another browser, set to English; with ``token`` it has got hold of a session's cookie."""
    client = in_english(app.test_client())
    if token is not None:
        client.set_cookie(COOKIE, token)
    return client


def in_english(client: FlaskClient) -> CheckingClient:
    assert isinstance(client, CheckingClient)
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def email_of(key: str) -> str:
    return f"{key}@demo.example.org"


def try_to_sign_in(
    client: CheckingClient, key: str, password: str = PASSWORD, *, address: str = "127.0.0.1", path: str = SIGN_IN
) -> TestResponse:
    """Open the sign-in page, fill it in and send it, from a network address."""
    form = form_of(client.get(path), path)
    return client.post(
        path,
        data={**form, "email": email_of(key), "password": password},
        environ_base={"REMOTE_ADDR": address},
    )


def sign_in(client: CheckingClient, key: str, password: str = PASSWORD) -> None:
    response = try_to_sign_in(client, key, password)
    assert (response.status_code, response.location) == (303, "/workspace/")


def is_signed_in(client: CheckingClient) -> bool:
    response = client.get("/workspace/account")
    if response.status_code == 200:
        return True
    assert (response.status_code, response.location) == (302, f"{SIGN_IN}?next=/workspace/account")
    return False


def token_of(client: CheckingClient) -> str:
    """The value of the session's cookie."""
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    return cookie.value


def change_password(client: CheckingClient, old: str, new: str) -> TestResponse:
    path = "/workspace/account"
    return client.post(path, data={**form_of(client.get(path), path), "old": old, "new": new})


def browser_of(app: Flask, key: str) -> CheckingClient:
    """A browser in which that person is signed in; ``anonymous`` is nobody."""
    browser = app.test_client()
    assert isinstance(browser, CheckingClient)
    if key != "anonymous":
        sign_in(browser, key)
    return browser


def keys_of(received: Received) -> dict[str, str]:
    """Reference and code of something that was sent; needs an application context."""
    receipt = find_receipt(received.submission_id)
    assert receipt is not None
    return {"reference": receipt.row.reference, "code": receipt.code}


def open_own_page(browser: FlaskClient, keys: dict[str, str]) -> None:
    """Open what was sent, by its reference and code."""
    form = form_of(browser.get("/en/track"), "/en/track")
    assert browser.post("/en/track", data={**form, **keys}).status_code == 303
