"""The questions of a call's own as fields: how each kind is asked, judged, shown again and stored."""

import re
from datetime import date
from typing import Any, ClassVar

from wtforms import DateField, Field, RadioField, StringField, TextAreaField
from wtforms.validators import StopValidation

from portal.content.calls import Question, said
from portal.i18n import gettext, language
from portal.rules.applications import Answer, Answers
from portal.rules.text import normalise_newlines
from portal.web.validators import MaxLength, Required, SingleLine, Storable

LONG_ANSWER_LENGTH = 3_000
SHORT_ANSWER_LENGTH = 300
DATE_FORMATS = ["%Y-%m-%d", "%d.%m.%Y"]

_NUMBER = re.compile(r"[+-]?\d{1,15}([.,]\d{1,6})?", re.ASCII)


class Chosen:
    """One of the choices; none at all only where the question is optional."""

    def __init__(self, *, required: bool = True) -> None:
        self.required = required
        self.field_flags = {"required": True} if required else {}

    def __call__(self, _form: Any, field: Any) -> None:
        if not field.data:
            field.data = ""
            if self.required:
                field.errors = []
                raise StopValidation(gettext("Choose an answer for “%(field)s”.", field=field.label.text))
        elif field.data not in {value for value, _label in field.choices}:
            raise StopValidation(gettext("This answer is not in the list. Choose one that is."))


class Number:
    """A number as people write it, with a comma or a full stop; the field keeps the text as it was typed."""

    field_flags: ClassVar[dict[str, Any]] = {"maxlength": 24}

    def __call__(self, _form: Any, field: Field) -> None:
        field.data = (field.data or "").strip().replace("\u2212", "-")
        if field.data and not _NUMBER.fullmatch(field.data):
            raise StopValidation(gettext("“%(field)s” is not a number. Write it in digits.", field=field.label.text))


def field_of(question: Question) -> Field:
    """The field that asks a question, in the language in force."""
    label = said(question.label, language())
    hint = said(question.hint, language())
    asked: list[Any] = [Required()] if question.required else []
    if question.kind == "short_text":
        return StringField(label, [*asked, SingleLine(), MaxLength(SHORT_ANSWER_LENGTH)], description=hint)
    if question.kind == "long_text":
        text = [lambda typed: normalise_newlines(typed or "")]
        return TextAreaField(label, [*asked, Storable(), MaxLength(LONG_ANSWER_LENGTH)], filters=text, description=hint)
    if question.kind == "number":
        return StringField(label, [*asked, Number()], description=hint)
    if question.kind == "date":
        return DateField(label, [_DayAnswer(question.required)], format=DATE_FORMATS, description=hint)
    return RadioField(label, [Chosen(required=question.required)], validate_choice=False, description=hint)


def choices_of(question: Question) -> list[tuple[str, str]] | None:
    """What can be chosen, for the kinds that are answered by choosing."""
    if question.kind not in ("yes_no", "choice"):
        return None
    choices = [(choice.key, said(choice.label, language())) for choice in question.choices]
    if question.kind == "yes_no":
        choices = [("yes", gettext("Yes")), ("no", gettext("No"))]
    return choices if question.required else [*choices, ("", gettext("No answer"))]


class _DayAnswer:
    """A date, which an optional question may lack."""

    def __init__(self, required: bool) -> None:
        self.required = required
        self.field_flags = {"required": True} if required else {}

    def __call__(self, _form: Any, field: DateField) -> None:
        if field.data is None and (self.required or was_typed(field)):
            field.errors = []
            raise StopValidation(gettext("Give “%(field)s” as a date.", field=field.label.text))


def shown(question: Question, answers: Answers) -> Any:
    """What the field of a question holds for an answer that is stored."""
    answer = answers.questions.get(question.key)
    if question.kind == "yes_no":
        return {True: "yes", False: "no"}.get(answer, "") if isinstance(answer, bool) else ""
    if question.kind == "date":
        return date.fromisoformat(str(answer)) if answer else None
    return "" if answer is None else str(answer)


def stored(question: Question, data: Any) -> Answer:
    """The answer to store for what the field of a question holds; it must be good."""
    if question.kind == "yes_no":
        return {"yes": True, "no": False}.get(data)
    if question.kind == "date":
        return data.isoformat() if data else None
    if question.kind == "number" and data:
        number = float(data.replace(",", "."))
        return int(number) if number.is_integer() else number
    return data or None


def was_typed(field: Field) -> bool:
    """Whether anything but blanks came for a field."""
    return any(isinstance(value, str) and value.strip() for value in field.raw_data or ())
