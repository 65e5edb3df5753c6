"""Forms that only our own pages can send, without a session: a token made from a random cookie.

A form carries ``moment.signature``; the signature covers the moment and the cookie's random value, so a page
of somebody else, which can read neither, cannot make one. Nothing is stored, and a restart forgets nothing.
A browser that says where a form came from (``Sec-Fetch-Site``) is believed too, since a neighbour under the
same domain is nearer than a stranger.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from typing import Any

from flask import Flask, Response, g, request
from wtforms.csrf.core import CSRF, CSRFTokenField
from wtforms.validators import ValidationError

from portal import clock, settings
from portal.i18n import gettext
from portal.web.security import cookies

COOKIE = "yhteys_csrf"
LIFE_SECONDS = 12 * 3600

_COOKIE_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")
_TOKEN = re.compile(r"([0-9a-f]{8,12})\.([A-Za-z0-9_-]{43})")
_CLOCKS_DIFFER_SECONDS = 60


def init_app(app: Flask) -> None:
    """Give a browser the cookie along with the first form that it is shown."""
    app.after_request(_give_cookie)


class CsrfField(CSRFTokenField):
    """The token's hidden field. A token is made when the field is shown: a form that is only read costs none."""

    def process(self, *args: Any, **kwargs: Any) -> None:
        super(CSRFTokenField, self).process(*args, **kwargs)

    def _value(self) -> str:
        return issue()


class CookieCsrf(CSRF):
    """WTForms' hook: the field above, and its check."""

    field_class = CsrfField

    def generate_csrf_token(self, csrf_token_field: CSRFTokenField) -> str:  # noqa: ARG002
        return issue()

    def validate_csrf_token(self, form: Any, field: CSRFTokenField) -> None:  # noqa: ARG002
        """Refuse a form that none of our pages made for this browser within the last twelve hours.

        Raises:
            ValidationError: with a sentence for the person; the view shows the form again, nothing typed is lost.
        """
        problem = problem_of(str(field.data or ""))
        if problem is not None:
            raise ValidationError(problem)


def issue() -> str:
    """The token of this request's forms."""
    known: str | None = g.get("csrf_token")
    if known is None:
        moment = f"{int(clock.now().timestamp()):x}"
        known = g.csrf_token = f"{moment}.{_signature(moment, _cookie() or _new_cookie())}"
    return known


def problem_of(token: str) -> str | None:
    """What is wrong with a token that came with this request, as a sentence; ``None`` when it is good."""
    cookie = _cookie()
    if cookie is None:
        return gettext(
            "Your browser did not send our cookie along, so we can't tell that the form is yours. "
            "Allow cookies on this site and send the form again. Nothing you typed is lost."
        )
    if not _is_genuine(token, cookie) or request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        return gettext(
            "The page had been open for too long. Nothing you typed is lost: check it and send the form again."
        )
    return None


def _is_genuine(token: str, cookie: str) -> bool:
    match = _TOKEN.fullmatch(token)
    if match is None:
        return False
    moment, signature = match.groups()
    age_seconds = int(clock.now().timestamp()) - int(moment, 16)
    in_time = -_CLOCKS_DIFFER_SECONDS <= age_seconds <= LIFE_SECONDS
    return hmac.compare_digest(signature, _signature(moment, cookie)) and in_time


def _signature(moment: str, cookie: str) -> str:
    whole = hmac.digest(settings.current().secret_bytes, f"csrf:{moment}:{cookie}".encode(), "sha256")
    return urlsafe_b64encode(whole).rstrip(b"=").decode()


def _cookie() -> str | None:
    value = cookies.read(COOKIE)
    return value if _COOKIE_VALUE.fullmatch(value) else None


def _new_cookie() -> str:
    value: str = g.setdefault("csrf_cookie", secrets.token_urlsafe(32))
    return value


def _give_cookie(response: Response) -> Response:
    if "csrf_token" not in g:
        return response
    if response.cache_control.public:
        raise RuntimeError("a form stands on a page that is kept for everybody")
    if "csrf_cookie" in g:
        cookies.give(response, COOKIE, g.csrf_cookie)
    return response
