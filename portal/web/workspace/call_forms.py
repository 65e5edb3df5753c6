"""The forms of a call. Each carries the version that was seen and a name for the one act."""

import secrets
from collections.abc import Iterator
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any, get_args

from flask import abort
from wtforms import BooleanField, HiddenField, RadioField, SelectField, StringField, TextAreaField, ValidationError

from portal.content.calls import CallDocument, DocumentKind, said
from portal.i18n import gettext, language
from portal.i18n import lazy_gettext as lazy
from portal.operations.call_door import SeenCall
from portal.operations.calls import CallCommand
from portal.queries.calls import StoredCall
from portal.queries.editions import content
from portal.rules.publishing import moment_of
from portal.rules.text import normalise_newlines
from portal.web.forms import Form
from portal.web.validators import MaxLength, Required, SingleLine, Storable
from portal.web.vocabulary import document_name
from portal.web.workspace.call_fields import BoxesField, ClockField, DayField, NumberField
from portal.web.workspace.call_words import TEXTS, in_language

TITLE_LENGTH = 150
LINE_LENGTH = 300
TEXT_LENGTH = 10_000
REASON_LENGTH = 1_000
SHORT_TEXTS = ("title", "place", "amount")
OPENING_TIME, CLOSING_TIME = time(9), time(15)


def typed(text: str | None) -> str:
    return normalise_newlines(text or "")


class CallForm(Form):
    """An act on a call."""

    version = HiddenField()
    token = HiddenField()

    def bind(self, version: int) -> "CallForm":
        """Tie the form to the call as it is shown now."""
        self.version.data = str(version)
        self.token.data = secrets.token_urlsafe(18)
        return self

    def seen(self, slug: str) -> SeenCall:
        """The call as the viewer saw it; a form that was tampered with saw none."""
        sent = self.version.data or ""
        version = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else 0
        return SeenCall(slug, version, (self.token.data or secrets.token_urlsafe(18))[:64])


class NewCallForm(CallForm):
    """The title of a new call, in the default language; the rest is written on its own page."""

    title = StringField(validators=[Required(), SingleLine(), MaxLength(TITLE_LENGTH)])

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.title.label.text = in_language("title", content().organisation.default_language)


class ClosingForm(CallForm):
    """Another closing moment of a published call, and why: applicants may ask."""

    day = DayField(lazy("New closing day"))
    clock = ClockField(lazy("New closing time"))
    reason = TextAreaField(
        lazy("Why the closing time changes"),
        filters=[typed],
        validators=[Required(), Storable(), MaxLength(REASON_LENGTH)],
    )
    moment: datetime | None = None

    def validate_day(self, field: DayField) -> None:
        if field.data is None and not field.errors:
            raise ValidationError(gettext("Give the day."))

    def validate_clock(self, field: ClockField) -> None:
        if field.data is None and not field.errors:
            raise ValidationError(gettext("Give the time."))
        if self.day.data and field.data:
            self.moment = _moment(self.day.data, field.data)


class CloseNowForm(CallForm):
    """Closing an open call before its time."""

    why = TextAreaField(
        lazy("Why it closes now"), filters=[typed], validators=[Required(), Storable(), MaxLength(REASON_LENGTH)]
    )


class ReviewerForm(CallForm):
    """Somebody with an account who is asked to review."""

    person = SelectField(lazy("Person"), validate_choice=False)

    def validate_person(self, field: SelectField) -> None:
        if not field.data or field.data not in {value for value, _label in field.choices}:
            raise ValidationError(gettext("Choose a person."))


class EditForm(CallForm):
    """All that a call says, but for its questions and criteria. Texts are fields like ``title_fi``."""

    topics = BoxesField(lazy("Topics"))
    starts_on = DayField(lazy("First day of the internship, at the earliest"))
    ends_on = DayField(lazy("Last day of the internship, at the latest"))
    weeks_min = NumberField(lazy("Shortest length in weeks"), least=1, most=104)
    weeks_max = NumberField(lazy("Longest length in weeks"), least=1, most=104)
    hours_per_week = NumberField(lazy("Hours a week"), least=1, most=60)
    paid = BooleanField(lazy("The internship is paid"))
    required_documents = BoxesField(lazy("Documents that every applicant sends"))
    optional_documents = BoxesField(lazy("Documents that applicants may send"))
    opens_day = DayField(lazy("Opening day"))
    opens_clock = ClockField(lazy("Opening time"))
    deadline = RadioField(lazy("How long it stays open"), validate_choice=False)
    closes_day = DayField(lazy("Closing day"))
    closes_clock = ClockField(lazy("Closing time"))
    answer_by = DayField(lazy("Applicants get an answer by"))
    blind = BooleanField(lazy("Reviewers don't see who the applicants are"))
    retention_months = NumberField(lazy("Months for which applications are kept"), least=1, most=240)

    opens_at: datetime | None = None
    closes_at: datetime | None = None

    def __init__(self, call: StoredCall, **values: Any) -> None:
        self.is_draft = call.times.status == "draft"
        super().__init__(**values)
        edition = content()
        for name, code in text_fields():
            self[f"{name}_{code}"].label.text = in_language(name, code)
        self.topics.choices = [
            (topic.slug, said(topic.title, language()))
            for topic in edition.topics
            if topic.status == "active" or topic.slug in call.document.topics
        ]
        kinds = [(kind, document_name(kind)) for kind in get_args(DocumentKind)]
        self.required_documents.choices = self.optional_documents.choices = kinds
        self.deadline.choices = [
            ("closing", gettext("It closes at a set time")),
            ("standing", gettext("It stands open without a deadline")),
        ]
        if not self.is_draft:
            for name in ("opens_day", "opens_clock", "deadline", "closes_day", "closes_clock"):
                del self[name]

    def __iter__(self) -> Iterator[Any]:
        """In the order of the page: texts first."""
        texts = {f"{name}_{code}" for name, code in text_fields()}
        return iter(sorted(super().__iter__(), key=lambda field: field.name not in texts))

    def validate_opens_clock(self, field: ClockField) -> None:
        self.opens_at = _combined(self.opens_day, field)

    def validate_closes_clock(self, field: ClockField) -> None:
        if self.deadline.data != "standing":
            self.closes_at = _combined(self.closes_day, field)

    def validate_closes_day(self, field: DayField) -> None:
        if field.data and self.deadline.data == "standing":
            raise ValidationError(
                gettext("A call that stands open has no closing day. Take the day away, or let it close.")
            )

    def validate_deadline(self, field: RadioField) -> None:
        if field.data not in ("closing", "standing"):
            raise ValidationError(gettext("Choose how long the call stays open."))

    def validate_retention_months(self, field: NumberField) -> None:
        if field.data is None and not field.errors:
            raise ValidationError(gettext("Say for how many months applications are kept."))

    def fill(self, call: StoredCall) -> "EditForm":
        """Show the call as it is stored."""
        document, times = call.document, call.times
        for name, code in text_fields():
            self[f"{name}_{code}"].data = getattr(document, name).get(code, "")
        for name in ("topics", "required_documents", "optional_documents"):
            self[name].data = list(getattr(document, name))
        for name in ("starts_on", "ends_on", "weeks_min", "weeks_max", "hours_per_week", "paid", "answer_by"):
            self[name].data = getattr(document, name)
        self.blind.data, self.retention_months.data = call.blind, call.retention_months
        if self.is_draft:
            self.opens_day.data, self.opens_clock.data = _parts(times.opens_at, OPENING_TIME)
            self.closes_day.data, self.closes_clock.data = _parts(times.closes_at, CLOSING_TIME)
            self.deadline.data = "standing" if document.standing else "closing"
        return self

    def to_command(self, call: StoredCall) -> CallCommand:
        """The call as it is written here, with the questions and criteria that it has."""
        texts: dict[str, dict[str, str]] = {}
        for name, code in text_fields():
            texts.setdefault(name, {})[code] = (self[f"{name}_{code}"].data or "").strip()
        known = call.document.model_dump()
        # A language that the site no longer speaks keeps its text.
        words = {name: {**known[name], **by_code} for name, by_code in texts.items()}
        facts = {
            name: self[name].data
            for name in ("starts_on", "ends_on", "weeks_min", "weeks_max", "hours_per_week", "answer_by")
        }
        required = tuple(self.required_documents.data or ())
        document = CallDocument.model_validate(
            {
                **known,
                **words,
                **facts,
                "paid": bool(self.paid.data),
                "topics": tuple(self.topics.data or ()),
                "required_documents": required,
                "optional_documents": tuple(
                    kind for kind in self.optional_documents.data or () if kind not in required
                ),
                "standing": self.deadline.data == "standing" if self.is_draft else call.document.standing,
            }
        )
        return CallCommand(
            document=document,
            opens_at=self.opens_at,
            closes_at=self.closes_at,
            blind=bool(self.blind.data),
            retention_months=self.retention_months.data or call.retention_months,
        )


def text_fields() -> list[tuple[str, str]]:
    """Names of the texts with each language of the site, in the order of the page."""
    return [(name, code) for name in TEXTS for code in content().organisation.languages]


def edit_form(call: StoredCall, **values: Any) -> EditForm:
    """The form for the languages that the site speaks; filled from the request unless ``formdata`` says otherwise."""
    return _edit_form(content().organisation.languages)(call, **values)


@lru_cache
def _edit_form(languages: tuple[str, ...]) -> type[EditForm]:
    fields: dict[str, Any] = {}
    for name in TEXTS:
        for code in languages:
            if name in SHORT_TEXTS:
                limit = TITLE_LENGTH if name == "title" else LINE_LENGTH
                fields[f"{name}_{code}"] = StringField(validators=[SingleLine(), MaxLength(limit)])
            else:
                fields[f"{name}_{code}"] = TextAreaField(
                    filters=[typed], validators=[Storable(), MaxLength(TEXT_LENGTH)]
                )
    return type("CallEditForm", (EditForm,), fields)


def known_slug(slug: str) -> str:
    """An address as calls have it; anything else is no page."""
    return slug if len(slug) <= 60 and slug.isascii() and slug.isprintable() else abort(404)


def _combined(day: DayField, clock: ClockField) -> datetime | None:
    """Day and time as a moment, if both are there; the day alone is not enough."""
    if day.data is None or clock.errors:
        return None
    if clock.data is None:
        raise ValidationError(gettext("Give the time as well: the day alone does not say when."))
    return _moment(day.data, clock.data)


def _moment(day: date, clock: time) -> datetime:
    moment = moment_of(day, clock, content().organisation.zone)
    if moment is None:
        raise ValidationError(gettext("There is no such time on that day: the clocks go forward. Choose another time."))
    return moment


def _parts(moment: datetime | None, usual: time) -> tuple[date | None, time]:
    if moment is None:
        return None, usual
    local = moment.astimezone(content().organisation.zone)
    return local.date(), local.time().replace(second=0, microsecond=0)
