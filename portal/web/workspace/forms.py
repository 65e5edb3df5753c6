"""The forms of the case page. Each carries the version that was seen and a name for the one act."""

import secrets
from typing import Any

from wtforms import BooleanField, HiddenField, SelectField, TextAreaField, ValidationError

from portal.content.schema import TRIAGE
from portal.i18n import gettext, language
from portal.i18n import lazy_gettext as lazy
from portal.operations.door import SeenCase
from portal.queries.directory import get_directory
from portal.queries.editions import content
from portal.rules.text import normalise_newlines
from portal.web.forms import Form
from portal.web.validators import MaxLength, Required, Storable

REPLY_LENGTH = 20_000
NOTE_LENGTH = 10_000


def _typed(text: str | None) -> str:
    return normalise_newlines(text or "")


class CaseForm(Form):
    """An act on a case."""

    version = HiddenField()
    token = HiddenField()

    def bind(self, version: int) -> "CaseForm":
        """Tie the form to the case as it is shown now."""
        self.version.data = str(version)
        self.token.data = secrets.token_urlsafe(18)
        return self

    def seen(self, reference: str) -> SeenCase:
        """The case as the viewer saw it; a form that was tampered with saw none."""
        typed = self.version.data or ""
        version = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0
        return SeenCase(reference, version, (self.token.data or secrets.token_urlsafe(18))[:64])


class ReplyForm(CaseForm):
    """An answer to the sender."""

    body = TextAreaField(
        lazy("Your reply"), filters=[_typed], validators=[Required(), Storable(), MaxLength(REPLY_LENGTH)]
    )
    closing = BooleanField(lazy("Close the case after sending"))


class NoteForm(CaseForm):
    """A note for colleagues."""

    body = TextAreaField(
        lazy("Internal note"), filters=[_typed], validators=[Required(), Storable(), MaxLength(NOTE_LENGTH)]
    )


class HandOverForm(CaseForm):
    """Another topic or another person."""

    target = SelectField(lazy("Hand over to"), validate_choice=False)
    reason = TextAreaField(lazy("Why"), filters=[_typed], validators=[Storable(), MaxLength(NOTE_LENGTH)])

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.target.choices = hand_over_choices()

    def validate_target(self, field: SelectField) -> None:
        known = {value for group in field.choices.values() for value, _label in group}
        if field.data not in known:
            raise ValidationError(gettext("Choose a topic or a person."))


class CloseForm(CaseForm):
    """Closing without another word, or with a short letter."""

    tell_sender = BooleanField(lazy("Tell the sender by e-mail"))


class TakeForm(CaseForm):
    """Making a case one's own."""


class ReopenForm(CaseForm):
    """Opening a closed case again."""


def hand_over_choices() -> dict[str, list[tuple[str, str]]]:
    """Topics with whoever answers them, then people, those away marked; values are ``topic:…`` or ``manager:…``."""
    code, edition, absent = language(), content(), get_directory().absent
    topics = [
        (f"topic:{topic.slug}", f"{topic.title[code]} – {edition.manager_by_key[topic.manager].name}")
        for topic in edition.topics
    ]
    topics.append((f"topic:{TRIAGE}", gettext("Triage")))
    people = [
        (
            f"manager:{manager.key}",
            gettext("%(name)s (away now)", name=manager.name) if manager.key in absent else manager.name,
        )
        for manager in edition.managers
    ]
    return {gettext("To a topic"): topics, gettext("To a person"): people}
