"""The form of a decision, and its letter as the applicant will read it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from wtforms import DateField, HiddenField, IntegerField, RadioField, TextAreaField, ValidationError
from wtforms.validators import Optional

from portal import clock
from portal.gateways.letters import WrittenLetter, write_letter
from portal.i18n import gettext
from portal.i18n import lazy_gettext as lazy
from portal.operations.decisions import LETTER_OF, decision_data
from portal.operations.outbox import facts_of_reply
from portal.queries.decisions import mark_of
from portal.queries.editions import content
from portal.queries.process import Process
from portal.rules.applications import Decision as DecisionKind
from portal.rules.decisions import LONGEST_OFFER_DAYS, end_of_day, gives_time, usual_deadline
from portal.rules.text import normalise_newlines
from portal.web.forms import Form
from portal.web.validators import MaxLength, Required, Storable

REASON_LENGTH = 5_000
MESSAGE_LENGTH = 5_000
LARGEST_RANK = 999


def _typed(text: str | None) -> str:
    return normalise_newlines(text or "")


class DecisionForm(Form):
    """What is decided and why. ``seen`` is the mark of the prepared decision that was shown, if there was one."""

    kind = RadioField(
        lazy("Decision"),
        choices=[("offer", lazy("Offer the place")), ("reserve", lazy("Reserve list")), ("decline", lazy("Decline"))],
        validate_choice=False,
    )
    reason = TextAreaField(
        lazy("Reason"), filters=[_typed], validators=[Required(), Storable(), MaxLength(REASON_LENGTH)]
    )
    message = TextAreaField(
        lazy("Message to the applicant"), filters=[_typed], validators=[Storable(), MaxLength(MESSAGE_LENGTH)]
    )
    rank = IntegerField(lazy("Place on the reserve list"), validators=[Optional()])
    reply_by = DateField(lazy("Answer by"), validators=[])
    seen = HiddenField()

    def validate_kind(self, field: RadioField) -> None:
        if field.data not in LETTER_OF:
            raise ValidationError(gettext("Choose a decision."))

    def validate_rank(self, field: IntegerField) -> None:
        if self.kind.data == "reserve" and field.data is not None and not 1 <= field.data <= LARGEST_RANK:
            raise ValidationError(gettext("Give the place as a number from 1 on, or leave it out."))

    def validate_reply_by(self, field: DateField) -> None:
        if self.kind.data != "offer":
            return
        if field.data is None:
            field.errors = []
            raise ValidationError(gettext("Say by which day the applicant has to answer."))
        now = clock.now()
        if not gives_time(end_of_day(field.data, content().organisation.zone), now):
            raise ValidationError(gettext("Give the applicant at least until tomorrow to answer."))
        if (end_of_day(field.data, content().organisation.zone) - now).days > LONGEST_OFFER_DAYS:
            raise ValidationError(gettext("This day is more than half a year away. Choose an earlier one."))

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        """A field that does not go with the chosen decision is not looked at."""
        valid = bool(super().validate(*args, **kwargs))
        for name, kind in (("rank", "reserve"), ("reply_by", "offer")):
            if self.kind.data != kind and self[name].errors:
                self[name].errors = self[name].process_errors = []
                self[name].data = self[name].raw_data = None
        return valid or not self.errors

    def bind(self, pending: Any) -> "DecisionForm":
        """Fill in what is prepared, or what is usual where nothing is."""
        zone = content().organisation.zone
        deadline = (pending.reply_by if pending else None) or usual_deadline(clock.now(), zone)
        self.reply_by.data = deadline.astimezone(zone).date()
        if pending is not None:
            self.kind.data, self.reason.data, self.message.data = pending.kind, pending.reason, pending.message
            self.rank.data = pending.rank
        self.seen.data = mark_of(pending)
        return self

    def values(self) -> dict[str, Any]:
        """What ``prepare_decision`` takes."""
        kind = self.kind.data
        return {
            "kind": kind,
            "reason": (self.reason.data or "").strip(),
            "message": (self.message.data or "").strip(),
            "rank": self.rank.data if kind == "reserve" else None,
            "reply_by": end_of_day(self.reply_by.data, content().organisation.zone) if kind == "offer" else None,
        }


def language_of(row: Any) -> str:
    """The language in which an applicant is written to."""
    organisation = content().organisation
    return row.language if row.language in organisation.languages else organisation.default_language


def write_decision_letter(
    row: Any, process: Process, *, kind: DecisionKind, message: str, reply_by: datetime | None, actor: str
) -> WrittenLetter:
    """The letter as it will be read, but for the access code, which stays the applicant's."""
    facts = replace(
        facts_of_reply(row, body="", actor=actor),
        data=decision_data(kind, message, reply_by),
        address_as=process.answers.address_as,
        call=process.call.document,
        call_slug=process.call.slug,
    )
    return write_letter(LETTER_OF[kind], language_of(row), facts, content())
