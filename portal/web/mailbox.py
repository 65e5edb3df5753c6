"""The mail page of a developer's machine: what would have been sent, readable. Never mounted in production."""

import email
import email.policy
import re
from email.message import EmailMessage
from pathlib import Path

from flask import Blueprint, abort, render_template

from portal import settings
from portal.web.security.doors import public

blueprint = Blueprint("mailbox", __name__, url_prefix="/_mail")

_SHOWN = 200


@blueprint.get("/")
@public
def inbox() -> str:
    """Captured letters, newest first."""
    names = sorted((path.stem for path in _folder().glob("*.eml")), reverse=True)[:_SHOWN]
    return render_template("shared/mailbox.html", letters=[(name, _read(name)) for name in names])


@blueprint.get("/<name>")
@public
def letter(name: str) -> str:
    """One letter."""
    if not re.fullmatch(r"\d{20}", name):
        abort(404)
    message = _read(name)
    body = message.get_body(("plain",))
    return render_template("shared/letter.html", message=message, body=body.get_content() if body else "")


def _read(name: str) -> EmailMessage:
    try:
        raw = (_folder() / f"{name}.eml").read_bytes()
    except FileNotFoundError:
        abort(404)
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _folder() -> Path:
    return settings.current().mail_capture_dir or abort(404)
