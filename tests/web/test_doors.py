"""Every door of the house, tried by everybody: who gets in, what a reading changes, what a forged form does.

The parts of the house are in the modules ``doors_of_…``: their doors, where they are, what is filled in there.
"""

import html
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from portal import clock
from portal.rules.policy import PERMISSIONS, ROLES, Role
from portal.web.security.doors import Door, door_of
from portal.web.security.sessions import COOKIE
from tests.conftest import CheckingClient, Outbox
from tests.people import PASSWORD, add_everybody
from tests.web import (
    doors_of_applying,
    doors_of_calls,
    doors_of_cases,
    doors_of_decisions,
    doors_of_exports,
    doors_of_reviews,
    doors_of_site,
    doors_of_talks,
)
from tests.web.browsing import form_of, token_for
from tests.web.contents import contents
from tests.web.doors import Part, Table
from tests.web.signing_in import browser_of, email_of, keys_of, open_own_page

# A new page is a decision about who may see it: it is written down in the table of its part, too.
TABLES: tuple[Table, ...] = (
    doors_of_site.DOORS,
    doors_of_cases.DOORS,
    doors_of_calls.DOORS,
    doors_of_applying.DOORS,
    doors_of_reviews.DOORS,
    doors_of_talks.DOORS,
    doors_of_decisions.DOORS,
    doors_of_exports.DOORS,
)
DOORS: Table = {endpoint: door for table in TABLES for endpoint, door in table.items()}

# Public pages that lead elsewhere when there is nothing to show.
LEADS_ON = {
    "public.application_receipt",
    "public.apply_check",
    "public.correct",
    "public.documents",
    "public.draft_saved",
    "public.interview",
    "public.interview_calendar",
    "public.negotiate",
    "public.offer",
    "public.own_page",
    "public.receipt",
    "public.withdraw",
}

# What whoever has opened a draft or an inquiry is shown.
SENDERS = {"public.apply_check", "public.draft_saved", "public.own_page"}

# What an applicant who was made an offer, and one who was asked for all that can be asked, are shown. Documents and the
# interview have their place on the own page, and lead there.
APPLICANTS = {
    "applicant": {"public.offer", "public.own_page", "public.withdraw"},
    "who was asked": {"public.correct", "public.own_page", "public.withdraw"},
}

# Forms that are answered with a file; that it was taken is what they change.
ANSWERED_WITH_A_FILE = {"workspace.export_xlsx", "workspace.export_zip", "workspace.print_dossier"}

# Forms that are answered with a page and change nothing.
ANSWERED_AT_ONCE = {"public.answer_precheck", "public.suggest"}

# What ends a session or takes the case away comes last; a decision is changed before it is thrown away.
DONE_LAST = (
    "public.forget_draft",
    "workspace.drop_decision",
    "public.send_application",
    "workspace.close",
    "account.change_password",
    "public.leave",
    "account.sign_out",
)

VISITORS = ("anonymous", "sender", *ROLES)
ACCOUNTS: dict[str, str] = {**dict(zip(ROLES, ROLES, strict=True)), "manager": "koponen"}


@dataclass(frozen=True)
class House:
    """An installation in which something has happened, and a browser for each kind of visitor."""

    app: Flask
    browsers: dict[str, CheckingClient]
    cases: doors_of_cases.Cases
    decided: doors_of_decisions.DecidedCall
    parts: dict[str, Part]

    def path(self, endpoint: str) -> str:
        """An address of a page that exists."""
        with self.app.test_request_context("/en/"):
            return self.app.url_for(endpoint, **self.parts[endpoint].places().get(endpoint, {}))

    def filled(self, endpoint: str) -> dict[str, Any]:
        """What a person would fill into the form that goes to ``endpoint``, all but the CSRF token."""
        with self.app.app_context():
            return self.parts[endpoint].filled(endpoint, f"a-name-of-its-own-{endpoint.replace('.', '-')}")

    def methods(self) -> dict[str, dict[str, str]]:
        """Path → method → endpoint, for all that a page answers."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for rule in self.app.url_map.iter_rules():
            for method in (rule.methods or set()) & {"GET", "POST"}:
                path = self.path(rule.endpoint)
                assert found[path].setdefault(method, rule.endpoint) == rule.endpoint, path
        return found

    def form_endpoints(self) -> list[str]:
        return sorted(methods["POST"] for methods in self.methods().values() if "POST" in methods)


@pytest.fixture
def house(app: Flask, outbox: Outbox) -> House:
    people = add_everybody(app)
    with app.app_context():
        cases = doors_of_cases.furnish(people)
    outbox.deliver()
    with app.app_context():
        applying = doors_of_applying.furnish(people)
        talks = doors_of_talks.furnish(people)
        decided = doors_of_decisions.decide_a_call(people["koponen"])
        parts: tuple[Part, ...] = (
            doors_of_site.Site(app),
            cases,
            doors_of_calls.furnish(people),
            applying,
            doors_of_reviews.furnish(people),
            talks,
            decided,
            doors_of_exports.furnish(people),
        )
        keys = {
            "sender": keys_of(cases.received),
            "applicant": keys_of(decided.offered),
            "who was asked": keys_of(talks.asked.asked),
        }
        link, code = applying.draft.key, applying.draft.code
    browsers = {name: browser_of(app, "anonymous") for name in ("anonymous", *keys)}
    resume_draft(browsers["sender"], link, code)
    for name, own in keys.items():
        open_own_page(browsers[name], own)
    browsers |= {role: browser_of(app, key) for role, key in ACCOUNTS.items()}
    by_endpoint = {endpoint: part for table, part in zip(TABLES, parts, strict=True) for endpoint in table}
    return House(app, browsers, cases, decided, by_endpoint)


def resume_draft(browser: CheckingClient, key: str, code: str) -> None:
    """Go on with a draft, by the link in its letter and its code."""
    address = f"/en/internships/resume/{key}"
    assert browser.post(address, data={**form_of(browser.get(address), address), "code": code}).status_code == 303


def may(visitor: str, door: Door | None) -> bool:
    return door in (None, "public") or (visitor in ROLES and door in PERMISSIONS[as_role(visitor)])


def as_role(visitor: str) -> Role:
    return next(role for role in ROLES if role == visitor)


def csrf_field(fields: dict[str, Any]) -> str:
    """Where several forms are on a page, the names of one's fields begin with the same word."""
    return next((f"{name.removesuffix('token')}csrf_token" for name in fields if name.endswith("-token")), "csrf_token")


def assert_stays_here(response: TestResponse) -> None:
    """A redirect leads to a path of ours."""
    if 300 <= response.status_code < 400:
        location = response.headers["Location"]
        assert location.startswith("/"), location
        assert not location.startswith("//"), location
        assert "\\" not in location, location


# ------------------------------------------------------------------------------------------------------ the table


def test_every_page_is_in_the_table_with_its_door(app: Flask) -> None:
    found = {rule.endpoint: door_of(app.view_functions[rule.endpoint]) for rule in app.url_map.iter_rules()}
    assert found == DOORS
    assert sum(map(len, TABLES)) == len(DOORS), "a page is in the tables of two parts"


def test_a_page_changes_something_or_is_read_and_never_both(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        assert methods in ({"GET"}, {"POST"}), rule.endpoint


# -------------------------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("visitor", VISITORS)
def test_everybody_reads_what_is_theirs_and_no_reading_changes_anything(house: House, visitor: str) -> None:
    browser = house.browsers[visitor]
    before, exact = contents(house.app, but=("seen_at", "expires_at")), contents(house.app)
    with time_machine.travel(clock.now() + timedelta(minutes=2)):  # so long that a session is noted as in use
        for path, methods in house.methods().items():
            for method in ("GET", "HEAD"):
                response = browser.open(path, method=method)
                assert_stays_here(response)
                assert response.status_code == expected_reading(visitor, methods.get("GET")), (method, path)
                if response.status_code == 302 and not may(visitor, DOORS[methods["GET"]]):
                    assert response.location == f"/workspace/sign-in?next={quote(path)}"
                response.close()
    assert contents(house.app, but=("seen_at", "expires_at")) == before
    touched = [name for name, held in contents(house.app).items() if held != exact[name]]
    assert touched == ([] if visitor == "anonymous" else ["sessions"])


def expected_reading(visitor: str, endpoint: str | None) -> int:
    if endpoint is None:
        return 405
    door = DOORS[endpoint]
    if not may(visitor, door):
        return 404 if visitor in ROLES else 302
    leads_on = endpoint in LEADS_ON and not (endpoint in SENDERS and visitor == "sender")
    signed_in_already = endpoint == "account.sign_in" and visitor in ROLES
    return 302 if leads_on or signed_in_already or endpoint in ("workspace.home", "account.language_page") else 200


@pytest.mark.parametrize("visitor", APPLICANTS)
def test_applicants_are_shown_what_they_were_asked(house: House, visitor: str) -> None:
    before = contents(house.app, but=("seen_at", "expires_at"))
    shown = {one for one in LEADS_ON if house.browsers[visitor].get(house.path(one)).status_code == 200}
    assert shown == APPLICANTS[visitor]
    assert contents(house.app, but=("seen_at", "expires_at")) == before


def test_other_methods_change_nothing(house: House) -> None:
    before = contents(house.app)
    browser = house.browsers["manager"]
    browser.checks = False  # what says which methods there are is no page
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "get"):
        allowed = {"OPTIONS": {200}, "get": {200, 302, 405}}.get(method, {405})
        for path in house.methods():
            response = browser.open(path, method=method, data={"body": "x"})
            assert response.status_code in allowed, (method, path)
            response.close()
    assert contents(house.app) == before


# -------------------------------------------------------------------------------------------------------- forgery


@pytest.mark.parametrize("visitor", VISITORS)
def test_a_form_without_its_token_is_refused_and_changes_nothing(house: House, visitor: str) -> None:
    browser = house.browsers[visitor]
    before = contents(house.app)
    for path, methods in house.methods().items():
        endpoint = methods.get("POST")
        data = house.filled(endpoint) if endpoint else {"body": "x"}
        response = browser.post(path, data=data, headers={"Sec-Fetch-Site": "cross-site"})
        assert_stays_here(response)
        assert response.status_code == expected_refusal(visitor, endpoint), path
        if response.status_code == 303:
            assert response.location == "/workspace/sign-in?signed_out=1"
    assert contents(house.app) == before


def expected_refusal(visitor: str, endpoint: str | None) -> int:
    if endpoint is None:
        return 405
    if not may(visitor, DOORS[endpoint]):
        return 404 if visitor in ROLES else 303
    return 403 if endpoint == "public.reply" and visitor != "sender" else 400


def doer_of(endpoint: str) -> str:
    if endpoint == "account.enter":
        return "anonymous"
    if endpoint in doors_of_decisions.OFFERED:
        return "applicant"
    if endpoint in doors_of_talks.ASKED:
        return "who was asked"
    return "manager" if DOORS[endpoint] != "public" else "sender"


def good_token(browser: CheckingClient, endpoint: str) -> str:
    if endpoint == "account.enter":
        return token_for(browser, "/workspace/sign-in", "/workspace/sign-in")
    if DOORS[endpoint] == "public":
        return token_for(browser)
    return token_for(browser, "/workspace/account", "/workspace/account/language")


def test_the_same_forms_with_their_token_are_done(house: House) -> None:
    """Else the test above would pass on forms that are refused for something else."""
    done = set()
    for endpoint in [*(e for e in house.form_endpoints() if e not in DONE_LAST), *DONE_LAST]:
        with house.app.app_context():
            if endpoint in doors_of_cases.ACTS:
                house.cases.renew()
            if endpoint == "public.send_withdrawal":  # the offer was accepted a moment ago
                house.decided.make_open_again()
        browser = house.browsers[doer_of(endpoint)]
        token = good_token(browser, endpoint)
        before = contents(house.app)
        data = house.filled(endpoint)
        response = browser.post(house.path(endpoint), data={**data, csrf_field(data): token})
        assert_stays_here(response)
        done_with = 200 if endpoint in ANSWERED_WITH_A_FILE | ANSWERED_AT_ONCE else 303
        assert response.status_code == done_with, (endpoint, response.get_data(as_text=True)[-3000:])
        response.close()
        assert (contents(house.app) == before) == (endpoint in ANSWERED_AT_ONCE), endpoint
        done.add(endpoint)
    assert done == set(house.form_endpoints())


def test_a_method_cannot_be_overridden(house: House) -> None:
    browser = house.browsers["manager"]
    before = contents(house.app)
    for path, methods in house.methods().items():
        for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            assert browser.post(path, data={"_method": "GET"}, headers={header: "GET"}).status_code == 400, path
            response = browser.get(path, headers={header: "POST"})
            # A page that is the same for all is answered before anything is looked at.
            assert response.status_code == 400 or response.cache_control.public, path
            response.close()
        if "GET" in methods:
            plain, asked = browser.get(path), browser.get(f"{path}?_method=POST&_method=DELETE")
            assert plain.status_code == asked.status_code, path
            plain.close()
            asked.close()
    assert contents(house.app) == before


# ------------------------------------------------------------------------------------------------------ redirects

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "/workspace//evil.example/",
    "/workspace/\\evil.example",
    "/workspace/\t//evil.example",
    "/workspaceevil",
    "/workspace@evil.example",
    "/en/",
    "javascript:alert(1)",
    "workspace/",
    "/workspace/ä",
    "http:/workspace/",
    "/workspace/\r\nLocation: https://evil.example",
]


def test_signing_in_leads_nowhere_else(house: House) -> None:
    stranger = house.browsers["anonymous"]
    for number, wanted in enumerate(ELSEWHERE):
        address = f"/workspace/sign-in?next={quote(wanted, safe='')}"
        signed_in = house.browsers["manager"].get(address)
        assert (signed_in.status_code, signed_in.location) == (302, "/workspace/"), wanted
        stranger.delete_cookie(COOKIE)
        page = stranger.get(address)
        [action] = map(html.unescape, re.findall(r'<form[^>]* action="([^"]*sign-in[^"]*)"', page.text))
        data = {**form_of(page, action), "email": email_of("koponen"), "password": PASSWORD}
        for target in (address, action):
            # From a network of its own each time: the limits are not what is looked at here.
            done = stranger.post(target, data=data, environ_base={"REMOTE_ADDR": f"10.0.0.{number}"})
            assert (done.status_code, done.location) == (303, "/workspace/"), wanted


def test_no_redirect_repeats_the_host_it_was_asked_for(house: House) -> None:
    for path in house.methods():
        for visitor in ("anonymous", "manager"):
            response = house.browsers[visitor].get(path, headers={"Host": "evil.example:8000"})
            assert_stays_here(response)
            if response.mimetype == "text/html":
                assert "evil.example" not in response.text, path
            response.close()


@pytest.mark.parametrize("path", ["/en", "/workspace", "/en//topics//errin", "//evil.example/", "//evil.example/en"])
def test_an_address_that_is_put_right_stays_ours(client: CheckingClient, path: str) -> None:
    response = client.get(path, headers={"Host": "portal.example.org"})
    assert response.status_code in (302, 308, 404)
    where = urlsplit(response.headers.get("Location", ""))
    assert where.netloc in ("", "portal.example.org")
    assert not where.path.startswith("//")
