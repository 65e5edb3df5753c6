"""Headers of every kind of answer, whole and exact."""

from pathlib import Path
from typing import Any

import pytest
import structlog.testing
from flask import Flask, Response

from portal import create_app
from portal.settings import Settings
from portal.web.security.doors import public
from tests.conftest import CheckingClient, prepare_for_tests
from tests.installation import make_settings, release
from tests.people import PASSWORD, add_people
from tests.web.browsing import form_of
from tests.web.signing_in import SIGN_IN, email_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
EXPECTED = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
OF_THE_ANSWER_ITSELF = {"Allow", "Content-Length", "Content-Type", "Date", "ETag", "Location", "Set-Cookie", "Vary"}


def headers_of(response: Any) -> dict[str, str]:
    return {name: value for name, value in response.headers if name not in OF_THE_ANSWER_ITSELF}


@pytest.mark.parametrize(
    ("method", "path", "status", "caching"),
    [
        ("GET", "/en/", 200, "public, max-age=60"),
        ("GET", "/en/contact", 200, "no-store"),
        ("POST", "/en/contact", 400, "no-store"),
        ("GET", "/en/track/case", 302, "no-store"),
        ("GET", "/", 302, "no-store"),
        ("GET", "/nowhere/at/all", 404, "no-store"),
        ("DELETE", "/en/contact", 405, "no-store"),
        ("GET", "/workspace/", 302, "no-store"),
        ("POST", "/workspace/sign-out", 303, "no-store"),
        ("GET", SIGN_IN, 200, "no-store"),
        ("GET", "/healthz", 200, "no-store"),
    ],
)
def test_every_answer_has_them_all_and_no_others(
    client: CheckingClient, method: str, path: str, status: int, caching: str
) -> None:
    response = client.open(path, method=method)
    assert response.status_code == status
    assert headers_of(response) == {**EXPECTED, "Cache-Control": caching}


def test_a_page_from_the_kept_ones_has_them_too(client: CheckingClient) -> None:
    first, second = client.get("/en/"), client.get("/en/")
    assert headers_of(second) == headers_of(first) == {**EXPECTED, "Cache-Control": "public, max-age=60"}


def test_what_a_view_says_itself_is_kept(app: Flask, client: CheckingClient) -> None:
    @public
    def strict() -> Response:
        stricter = {"Content-Security-Policy": "sandbox", "Cache-Control": "private, max-age=1"}
        return Response("x", headers=stricter, mimetype="text/plain")

    app.add_url_rule("/strict", view_func=strict)
    said = headers_of(client.get("/strict"))
    assert said == {**EXPECTED, "Content-Security-Policy": "sandbox", "Cache-Control": "private, max-age=1"}


class TestInProduction:
    """What only holds behind HTTPS."""

    @pytest.fixture
    def settings(self, database_url: str, tmp_path: Path) -> Settings:
        return make_settings(
            tmp_path / "data",
            database_url,
            environment="production",
            public_url="https://localhost",
            smtp_host="mail.example.org",
        )

    def test_browsers_are_kept_to_https(self, client: CheckingClient) -> None:
        response = client.get("/en/", base_url="https://localhost")
        assert response.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"

    def test_cookies_are_for_this_host_over_https_alone(self, app: Flask, client: CheckingClient) -> None:
        add_people(app)
        form = form_of(client.get(SIGN_IN, base_url="https://localhost"), SIGN_IN)
        data = {**form, "email": email_of("koponen"), "password": PASSWORD}
        entered = client.post(SIGN_IN, data=data, base_url="https://localhost")
        assert entered.status_code == 303
        for name in ("__Host-yhteys_csrf", "__Host-yhteys_session"):
            cookie = client.get_cookie(name)
            assert cookie is not None
            assert (cookie.secure, cookie.http_only, cookie.same_site) == (True, True, "Lax")
            assert (cookie.path, cookie.origin_only) == ("/", True)
        assert client.get("/workspace/account", base_url="https://localhost").status_code == 200


def test_a_limit_store_that_is_down_stops_nobody(settings: Settings) -> None:
    app = prepare_for_tests(create_app(settings.model_copy(update={"limits_storage": "valkey://127.0.0.1:1"})))
    client = app.test_client()
    form = form_of(client.get(SIGN_IN), SIGN_IN)
    with structlog.testing.capture_logs() as logged:
        statuses = [
            client.post(SIGN_IN, data={**form, "email": "nobody@example.org", "password": PASSWORD}).status_code
            for _ in range(12)
        ]
    assert statuses == [422] * 12
    assert "limits_unavailable" in [entry["event"] for entry in logged]
    release(app)


def test_a_redirect_never_repeats_the_host_that_a_request_claims(client: CheckingClient) -> None:
    for path in ("/en", "/workspace"):
        response = client.get(path, headers={"Host": "evil.example.org"})
        assert (response.status_code, response.location) == (308, f"{path}/")
