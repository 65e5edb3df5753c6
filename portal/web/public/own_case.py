"""The case that a sender has open in this browser, and the form of the thread."""

from typing import cast

from flask import session
from wtforms import HiddenField, TextAreaField

from portal.i18n import lazy_gettext as lazy
from portal.queries.process import Process, find_process
from portal.rules.text import normalise_newlines
from portal.web.forms import Form
from portal.web.public.inquiry_form import MESSAGE_LENGTH
from portal.web.validators import MaxLength, Required, Storable

KEY = "own_case"


class SenderReplyForm(Form):
    """What the sender adds."""

    body = TextAreaField(
        lazy("Your message"),
        filters=[lambda text: normalise_newlines(text or "")],
        validators=[Required(), Storable(), MaxLength(MESSAGE_LENGTH)],
    )
    token = HiddenField()
    case = HiddenField()


def opened_here() -> int | None:
    """The submission that this browser has opened with reference and access code."""
    return cast(int | None, session.get(KEY))


def find_own_application() -> Process | None:
    """The application that this browser has open; ``None`` for an inquiry, or when nothing is."""
    submission_id = opened_here()
    return find_process(submission_id) if submission_id is not None else None
