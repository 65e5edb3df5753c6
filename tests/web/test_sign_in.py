"""Signing in, the doors behind it, and one's own account."""

import time
from typing import Any

import pytest
from flask import Flask
from flask_security.utils import verify_password

from portal.database import LARGEST_ID, db
from portal.models import Account
from portal.operations.accounts import add_account, close_account
from portal.web.security.sessions import COOKIE
from tests.conftest import CheckingClient
from tests.people import PASSWORD, add_people
from tests.web.browsing import form_of, text_of
from tests.web.signing_in import (
    SIGN_IN,
    a_browser,
    change_password,
    email_of,
    in_english,
    is_signed_in,
    sign_in,
    try_to_sign_in,
)

REFUSED = "The e-mail address and the password do not belong together."


@pytest.fixture(autouse=True)
def _people(app: Flask, client: CheckingClient) -> None:
    add_people(app)
    in_english(client)


def test_who_signs_in_comes_to_the_workspace(client: CheckingClient) -> None:
    sign_in(client, "koponen")
    response = client.get("/workspace/account")
    assert "Demo Koponen" in text_of(response)
    assert client.get(SIGN_IN).location == "/workspace/"


def test_the_address_may_be_typed_in_any_letters_and_the_password_in_either_spelling(
    app: Flask, client: CheckingClient
) -> None:
    with app.app_context():
        add_account(
            email="Ääkköset@example.org".replace("Ää", "aa").replace("ö", "o"),
            name="Aino Äyräs",
            role="coordinator",
            manager_key=None,
            language="fi",
            password="kävelytie mäellä",
        )
    form = form_of(client.get(SIGN_IN), SIGN_IN)
    decomposed = "ka\u0308velytie ma\u0308ella\u0308"
    data = {**form, "email": " AAkkoset@Example.ORG ", "password": decomposed}
    assert client.post(SIGN_IN, data=data).status_code == 303


# ------------------------------------------------------------------------------------------- nothing is given away


def test_an_unknown_address_a_closed_account_and_a_wrong_password_get_the_same_answer(app: Flask) -> None:
    with app.app_context():
        close_account(email=email_of("pirinen"))
    answers = []
    for key, password in (("koponen", "wrong password 1"), ("nobody", PASSWORD), ("pirinen", PASSWORD)):
        response = try_to_sign_in(a_browser(app), key, password)
        assert response.headers.getlist("Set-Cookie") == []
        page = response.get_data(as_text=True).replace(email_of(key), "…")
        token = form_of(response, SIGN_IN)["csrf_token"]
        headers = sorted((name, value) for name, value in response.headers if name != "Content-Length")
        answers.append((response.status_code, headers, page.replace(token, "…")))
    assert answers[0][0] == 422
    assert REFUSED in answers[0][2]
    assert answers[0] == answers[1] == answers[2]


def test_an_unknown_address_takes_as_long_as_a_wrong_password(app: Flask) -> None:
    def fastest(key: str) -> float:
        client = a_browser(app)
        form = {**form_of(client.get(SIGN_IN), SIGN_IN), "email": email_of(key), "password": "wrong password 1"}
        taken = []
        for _ in range(5):
            begun = time.thread_time()
            client.post(SIGN_IN, data=form)
            taken.append(time.thread_time() - begun)
        return min(taken)

    fastest("warm up")
    known, unknown = fastest("koponen"), fastest("nobody")
    assert 0.6 < unknown / known < 1.7


def test_the_password_is_never_shown_again(app: Flask) -> None:
    response = try_to_sign_in(a_browser(app), "koponen", "wrong password 1")
    assert "wrong password 1" not in response.text
    assert form_of(response, SIGN_IN)["email"] == email_of("koponen")


# --------------------------------------------------------------------------------------------------------- limits


def test_guessing_is_stopped_and_the_form_stays(client: CheckingClient) -> None:
    for _ in range(10):
        assert try_to_sign_in(client, "koponen", "wrong password 1").status_code == 422
    begun = time.thread_time()
    stopped = try_to_sign_in(client, "koponen")
    assert time.thread_time() - begun < 0.5
    assert stopped.status_code == 429
    assert "Too many tries" in text_of(stopped)
    assert form_of(stopped, SIGN_IN)["email"] == email_of("koponen")
    assert not is_signed_in(client)


def test_a_stranger_cannot_lock_the_owner_out(app: Flask) -> None:
    for number in range(1, 5):
        stranger = a_browser(app)
        statuses = [
            try_to_sign_in(stranger, "koponen", "wrong password 1", address=f"198.51.100.{number}").status_code
            for _ in range(11)
        ]
        assert statuses == [422] * 10 + [429]
    owner = try_to_sign_in(a_browser(app), "koponen", address="192.0.2.7")
    assert owner.status_code == 303


def test_one_address_cannot_try_many_accounts(app: Flask) -> None:
    client = a_browser(app)
    statuses = [try_to_sign_in(client, f"guess{number}").status_code for number in range(41)]
    assert statuses == [422] * 40 + [429]


def test_addresses_of_one_ipv6_network_count_as_one(app: Flask) -> None:
    statuses = [
        try_to_sign_in(a_browser(app), "koponen", "wrong password 1", address=f"2001:db8::{number:x}").status_code
        for number in range(1, 12)
    ]
    assert statuses == [422] * 10 + [429]
    assert try_to_sign_in(a_browser(app), "koponen", address="2001:db8:0:1::1").status_code == 303


def test_a_forwarded_address_counts_for_nothing_without_a_proxy(app: Flask) -> None:
    client = a_browser(app)
    form = {**form_of(client.get(SIGN_IN), SIGN_IN), "email": email_of("koponen"), "password": "wrong password 1"}
    statuses = [
        client.post(SIGN_IN, data=form, headers={"X-Forwarded-For": f"198.51.100.{number}"}).status_code
        for number in range(11)
    ]
    assert statuses[-1] == 429


# ---------------------------------------------------------------------------------------------------------- doors


@pytest.mark.parametrize("wanted", ["/workspace/account", "/workspace/mine?status=closed"])
def test_a_visitor_is_sent_to_the_sign_in_page_and_back(client: CheckingClient, wanted: str) -> None:
    there = client.get(wanted).location
    assert there is not None
    assert there.startswith(f"{SIGN_IN}?next=")
    assert try_to_sign_in(client, "koponen", path=there).location == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/workspace/",
        "/\\evil.example",
        "/workspace/\\evil.example",
        "/workspace//evil.example",
        "\t//evil.example",
        "/workspace/\r\nSet-Cookie: a=b",
        "/workspace@evil.example",
        "/workspaces",
        "javascript:alert(1)",
        "/en/",
        "/workspace/ä",
        "",
    ],
)
def test_nobody_is_sent_elsewhere_after_signing_in(client: CheckingClient, wanted: str) -> None:
    form = form_of(client.get(SIGN_IN), SIGN_IN)
    response = client.post(
        SIGN_IN,
        query_string={"next": wanted},
        data={**form, "email": email_of("koponen"), "password": PASSWORD},
    )
    assert (response.status_code, response.location) == (303, "/workspace/")


def test_what_is_sent_without_being_signed_in_is_not_done_and_says_so(client: CheckingClient) -> None:
    response = client.post("/workspace/account/language", data={"language": "fi"})
    assert (response.status_code, response.location) == (303, f"{SIGN_IN}?signed_out=1")
    assert "nothing was done" in text_of(client.get(f"{SIGN_IN}?signed_out=1"))


def test_a_reply_written_while_the_session_ended_is_shown_once_more(client: CheckingClient) -> None:
    sign_in(client, "koponen")
    token = form_of(client.get("/workspace/account"), "/workspace/account")["csrf_token"]
    client.delete_cookie(COOKIE)
    reply = {"reply-csrf_token": token, "reply-version": "1", "reply-body": "Dear Ada,\n<b>we</b> would like to join."}
    page = client.post("/workspace/cases/KS-2026-2345-6789/reply", data=reply)
    assert page.status_code == 403
    assert "nothing was done" in text_of(page)
    assert "Dear Ada,\n&lt;b&gt;we&lt;/b&gt; would like to join." in page.text
    assert form_of(page, SIGN_IN)["email"] == ""


def test_a_stranger_puts_no_words_into_the_sign_in_page(client: CheckingClient) -> None:
    form = {"reply-csrf_token": "forged", "reply-body": "Call this number to sign in."}
    response = client.post("/workspace/cases/KS-2026-2345-6789/reply", data=form)
    assert (response.status_code, response.location) == (303, f"{SIGN_IN}?signed_out=1")


def test_what_one_may_not_do_is_not_there(app: Flask, client: CheckingClient) -> None:
    with app.app_context():
        add_account(
            email=email_of("keeper"),
            name="Demo Keeper",
            role="administrator",
            manager_key=None,
            language="en",
            password=PASSWORD,
        )
    sign_in(client, "keeper")
    assert client.get("/workspace/").location == "/workspace/account"
    assert client.get("/workspace/mine").status_code == 404
    assert client.post("/workspace/cases/KS-2026-2345-6789/reply").status_code == 404


def test_a_view_without_a_mark_is_closed_to_all(app: Flask, client: CheckingClient) -> None:
    app.add_url_rule("/workspace/forgotten", "forgotten", lambda: "secret")
    assert client.get("/workspace/forgotten").status_code == 404
    sign_in(client, "coordinator")
    assert client.get("/workspace/forgotten").status_code == 404


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_method_is_what_it_says(client: CheckingClient, header: str) -> None:
    assert client.get("/en/contact", headers={header: "POST"}).status_code == 400


@pytest.mark.parametrize("number", ["0", "-1", "01", str(LARGEST_ID + 1), "9" * 30, "9" * 5000, "١"])
def test_a_number_that_no_row_can_have_is_no_page(client: CheckingClient, number: str) -> None:
    sign_in(client, "koponen")
    assert client.post(f"/workspace/absences/{number}/remove").status_code == 404


def test_reading_signs_nobody_out(client: CheckingClient) -> None:
    sign_in(client, "koponen")
    assert client.get("/workspace/sign-out").status_code == 405
    assert client.head("/workspace/sign-out").status_code == 405
    assert is_signed_in(client)


def test_signing_out_needs_our_own_form(client: CheckingClient) -> None:
    sign_in(client, "koponen")
    refused = client.post("/workspace/sign-out", data={"csrf_token": "forged"})
    assert refused.status_code == 400
    assert "You are still signed in" in text_of(refused)
    assert is_signed_in(client)


def test_signing_in_needs_our_own_form(client: CheckingClient) -> None:
    client.get(SIGN_IN)
    refused = client.post(SIGN_IN, data={"email": email_of("koponen"), "password": PASSWORD})
    assert refused.status_code == 400
    assert client.get_cookie(COOKIE) is None
    assert form_of(refused, SIGN_IN)["email"] == email_of("koponen")


# ------------------------------------------------------------------------------------------------------- language


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [("sv-FI,fi;q=0.5", "sv"), ("de,en;q=0.8", "en"), ("de", "fi"), ("", "fi"), ("sv;q=0,en;q=0.1", "en"), ("*", "fi")],
)
def test_the_sign_in_page_speaks_the_browsers_language(client: CheckingClient, asked: str, spoken: str) -> None:
    page = client.get(SIGN_IN, headers={"Accept-Language": asked}).get_data(as_text=True)
    assert f'<html lang="{spoken}"' in page


def test_the_language_can_be_chosen_before_signing_in(client: CheckingClient) -> None:
    path = f"{SIGN_IN}?next=/workspace/account&lang=sv"
    page = client.get(path, headers={"Accept-Language": "fi"})
    assert '<html lang="sv"' in page.text
    assert "/workspace/sign-in?next=/workspace/account&amp;lang=fi" in page.text


def test_the_workspace_speaks_the_persons_language(client: CheckingClient) -> None:
    sign_in(client, "koponen")
    path = "/workspace/account/language"
    assert '<html lang="en"' in client.get("/workspace/account", headers={"Accept-Language": "fi"}).text
    form = form_of(client.get("/workspace/account"), path)
    assert form["language"] == "en"
    assert client.post(path, data={**form, "language": "sv"}).location == "/workspace/account"
    assert '<html lang="sv"' in client.get("/workspace/account").text
    assert client.post(path, data={**form, "language": "xx"}).status_code == 422
    assert client.get(path).location == "/workspace/account"


# ------------------------------------------------------------------------------------------------- one's password


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("wrong password 1", "another fine horse 8", "This is not your present password."),
        (PASSWORD, "short", "at least 12 characters"),
        (PASSWORD, "x" * 300, "characters too long"),
        (PASSWORD, PASSWORD, "the same as the present one"),
        (PASSWORD, "koponen@demo.example.org", "your own name or address"),
        (PASSWORD, "salasana123456", "Many people use this password"),
        (PASSWORD, "", "is empty"),
    ],
)
def test_a_password_that_will_not_do_says_why(client: CheckingClient, old: str, new: str, said: str) -> None:
    sign_in(client, "koponen")
    response = change_password(client, old, new)
    assert response.status_code == 422
    assert said in text_of(response)
    assert is_signed_in(client)


def test_the_old_password_is_not_guessed_here_either(client: CheckingClient) -> None:
    sign_in(client, "koponen")
    statuses = [change_password(client, f"wrong password {n}", "another fine horse 8").status_code for n in range(11)]
    assert 429 in statuses


def test_the_new_password_opens_and_the_old_one_does_not(app: Flask, client: CheckingClient) -> None:
    sign_in(client, "koponen")
    change_password(client, PASSWORD, "another fine horse 8")
    assert "The password is changed." in text_of(client.get("/workspace/account"))
    assert try_to_sign_in(a_browser(app), "koponen").status_code == 422
    sign_in(a_browser(app), "koponen", "another fine horse 8")


def test_the_engine_reads_our_hashes(app: Flask) -> None:
    with app.test_request_context("/"):
        stored: Any = db.session.query(Account).filter_by(email=email_of("koponen")).one().password
        assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert verify_password(PASSWORD, stored)
        assert not verify_password("wrong password 1", stored)
