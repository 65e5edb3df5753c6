"""Who may come in. Default deny: a view without a mark is no page at all.

``@public`` lets everybody in; ``@allows(Permission.X)`` lets in who is signed in and has the permission. To
others the page does not exist: 404, so that an address tells nothing about what is behind it.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeVar, cast

from flask import Flask, abort, current_app, g, make_response, redirect, request, url_for
from flask_login import current_user
from werkzeug.routing import BaseConverter, ValidationError
from werkzeug.wrappers import Response

from portal.database import LARGEST_ID
from portal.rules.policy import Permission, Viewer
from portal.rules.text import without_forbidden
from portal.web.security import csrf

_MARK = "door"
_PUBLIC: Literal["public"] = "public"
_OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
_HOME = "/workspace"
_TEXTS = ("body", "reason", "message")
_LONG_TEXT = 200
_LARGEST_TEXT_BYTES = 2_000_000

View = TypeVar("View", bound=Callable[..., Any])
Door = Permission | Literal["public"]


def init_app(app: Flask) -> None:
    """Stand before every view, and teach addresses what an ``<id:…>`` is. Comes before any blueprint."""
    app.url_map.converters["id"] = IdConverter
    app.before_request(guard)


def public(view: View) -> View:
    """Mark a view as open to everybody."""
    setattr(view, _MARK, _PUBLIC)
    return view


def allows(permission: Permission) -> Callable[[View], View]:
    """Mark a view as open to whoever has the permission."""

    def mark(view: View) -> View:
        setattr(view, _MARK, permission)
        return view

    return mark


def door_of(view: Callable[..., Any]) -> Door | None:
    """The mark of a view; ``None`` when it has none and so is closed."""
    return cast(Door | None, getattr(view, _MARK, None))


def viewer() -> Viewer:
    """The signed-in person whom ``allows`` has let in; only for views behind such a door.

    Raises:
        LookupError: nobody was let in here.
    """
    let_in: Viewer | None = g.get("viewer")
    if let_in is None:
        raise LookupError("nobody is signed in: the view needs a door")
    return let_in


def find_viewer() -> Viewer | None:
    """The signed-in person, or nobody. This looks into the session, and so may ask the database."""
    return cast(Viewer | None, getattr(current_user, "viewer", None))


def guard() -> Response | None:
    """Let the request through, send it to the sign-in page, or say that there is no such page."""
    if any(name in request.headers for name in _OVERRIDES):
        abort(400)
    if request.mimetype == "application/x-www-form-urlencoded" and (request.content_length or 0) > _LARGEST_TEXT_BYTES:
        abort(413)
    if request.endpoint is None or request.endpoint == "static":
        return None
    door = door_of(current_app.view_functions[request.endpoint])
    if door == _PUBLIC:
        return None
    if door is None:
        abort(404)
    person = find_viewer()
    if person is None:
        return _to_sign_in()
    if not person.may(door):
        abort(404)
    g.viewer = person
    return None


def _to_sign_in() -> Response:
    """To the sign-in page, and from there back here.

    What was sent with a POST is not done, but a text in it is shown once more: a session may end while a long
    reply is being written.
    """
    if request.method in ("GET", "HEAD"):
        return redirect(url_for("account.sign_in", next=request.full_path.rstrip("?")), 302)
    text = _typed_text()
    if text:
        from portal.web.account.views import signed_out_page

        return make_response(signed_out_page(text), 403)
    return redirect(url_for("account.sign_in", signed_out=1), 303)


def _typed_text() -> str:
    """What a person had written into a form of ours: a reply, a note, a reason, the long texts of a call.

    Nothing of a form that is not from our own page: a stranger must not put words into the sign-in page.
    """
    token = next((value for name, value in request.form.items() if name.endswith("csrf_token")), "")
    if csrf.problem_of(token) is not None:
        return ""
    texts = [
        value
        for name, value in request.form.items()
        if value.strip() and (name.endswith(_TEXTS) or (len(value) > _LONG_TEXT and not name.endswith("csrf_token")))
    ]
    return without_forbidden("\n\n".join(texts))


def own_path(wanted: str | None) -> str | None:
    """``wanted`` if it is a path within the workspace, else ``None``: a link must not lead people elsewhere."""
    if (
        not wanted
        or not wanted.isascii()
        or not wanted.isprintable()
        or "\\" in wanted
        or ".." in wanted.lower().replace("%2e", ".")
    ):
        return None
    inside = wanted == _HOME or wanted.startswith((f"{_HOME}/", f"{_HOME}?"))
    return request.script_root + wanted if inside and "//" not in wanted.partition("?")[0] else None


class IdConverter(BaseConverter):
    """A row's id in an address; a number too large for the database is no page."""

    regex = "[1-9][0-9]{0,18}"

    def to_python(self, value: str) -> int:
        number = int(value)
        if number > LARGEST_ID:
            raise ValidationError
        return number

    def to_url(self, value: Any) -> str:
        return str(int(value))
