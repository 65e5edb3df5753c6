"""The steps of an application as forms: what each asks, and how what was typed joins the draft's answers.

The same validators judge what was just typed and what a draft holds (``faults_of``): a draft may lack anything.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, ClassVar

from wtforms import DateField, Field, HiddenField, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import StopValidation, ValidationError

from portal import i18n
from portal.content.calls import CallDocument, Question
from portal.i18n import gettext, language, ngettext
from portal.i18n import lazy_gettext as lazy
from portal.queries.directory import today
from portal.queries.editions import content
from portal.rules.applications import MAX_LANGUAGES, Answer, Answers
from portal.rules.text import normalise_newlines
from portal.web.answers import topic_choices
from portal.web.forms import Form
from portal.web.public.inquiry_form import token_of
from portal.web.public.question_fields import DATE_FORMATS, Chosen, choices_of, field_of, shown, stored, was_typed
from portal.web.validators import CountryCode, EmailAddress, MaxLength, Required, SingleLine, Storable
from portal.web.vocabulary import CEFR_LEVELS, FUNDINGS, STUDY_LEVELS, STUDY_STAGES, as_choices

MOTIVATION_LENGTH = 5_000
MOST_WEEKS = 104
FARTHEST = timedelta(days=5 * 366)


class StepForm(Form):
    """One step. ``token`` names the draft, from the first page on: the same form sent twice begins one draft."""

    names: ClassVar[tuple[str, ...]] = ()
    token = HiddenField()

    def __init__(self, *args: Any, document: CallDocument, **values: Any) -> None:
        super().__init__(*args, **values)
        self.document = document
        self.token.data = token_of(self.token.data)
        self.offer()

    def offer(self) -> None:
        """Fill in the choices."""

    @classmethod
    def values_of(cls, answers: Answers, document: CallDocument) -> dict[str, Any]:  # noqa: ARG003
        """What the fields show of a draft."""
        return {name: getattr(answers, name) for name in cls.names}

    def applied_to(self, answers: Answers) -> Answers:
        """The answers with what is good in this step: a field that has to be mended leaves the old answer."""
        return replace(answers, **{name: self._value(name) for name in self.names if self.is_good(self[name])})

    def is_good(self, field: Field) -> bool:
        """Whether a field can be kept: nothing is wrong with it but that it may still be empty."""
        return not field.errors or not was_typed(field)

    def only_lacks(self) -> bool:
        """Whether everything that was typed is good, and only something is missing yet."""
        return all(self.is_good(field) for field in self)

    def typed(self) -> Iterator[str]:
        """Every text that a person typed here, to be given back when it cannot be kept."""
        for field in self:
            if isinstance(field, StringField | TextAreaField) and not isinstance(field, HiddenField) and field.data:
                yield field.data

    def _value(self, name: str) -> Any:
        data = self[name].data
        return data if data is not None or isinstance(self[name], DateField | IntegerField) else ""


class YouForm(StepForm):
    """Who applies, and how to reach them."""

    names = ("name", "address_as", "contact_language", "country", "email")
    name = StringField(lazy("Full name"), validators=[Required(), SingleLine(), MaxLength(100)])
    address_as = StringField(lazy("How may we address you?"), validators=[SingleLine(), MaxLength(100)])
    email = StringField(lazy("E-mail"), validators=[Required(), EmailAddress(), MaxLength(254)])
    contact_language = RadioField(
        lazy("Which language shall we write in?"), validators=[Chosen()], validate_choice=False
    )
    country = StringField(lazy("Country where you live"), validators=[CountryCode()])

    def offer(self) -> None:
        self.contact_language.choices = [(code, i18n.own_name(code)) for code in content().organisation.languages]


class StudiesForm(StepForm):
    """What the applicant studies, or has studied."""

    names = ("institution", "study_field", "study_level", "study_stage")
    institution = StringField(lazy("School or university"), validators=[Required(), SingleLine(), MaxLength(150)])
    study_field = StringField(lazy("Field of study"), validators=[Required(), SingleLine(), MaxLength(150)])
    study_level = SelectField(lazy("Level of studies"), validators=[Chosen()], validate_choice=False)
    study_stage = RadioField(lazy("Stage of studies"), validators=[Chosen()], validate_choice=False)

    def offer(self) -> None:
        self.study_level.choices = [("", gettext("Choose a level")), *as_choices(STUDY_LEVELS)]
        self.study_stage.choices = as_choices(STUDY_STAGES)


class InternshipForm(StepForm):
    """What interests the applicant, and when they could come."""

    names = ("topic", "available_from", "available_to", "weeks")
    topic = SelectField(lazy("Topic of interest"), validators=[Chosen(required=False)], validate_choice=False)
    available_from = DateField(lazy("Earliest start"), format=DATE_FORMATS)
    available_to = DateField(lazy("Latest end"), format=DATE_FORMATS)
    weeks = IntegerField(lazy("How many weeks?"))

    def offer(self) -> None:
        self.topic.choices = topic_choices()

    def validate_available_from(self, field: DateField) -> None:
        _check_day(field, gettext("Give the first day on which you could start, as a date."))

    def validate_available_to(self, field: DateField) -> None:
        _check_day(field, gettext("Give the last day on which you could work, as a date."))
        if self.available_from.data and field.data < self.available_from.data:
            raise ValidationError(gettext("The latest end must not come before the earliest start."))
        if field.data < today():
            raise ValidationError(gettext("The latest end has already passed."))

    def validate_weeks(self, field: IntegerField) -> None:
        if field.data is None or not 1 <= field.data <= MOST_WEEKS:
            field.errors = []
            raise ValidationError(
                gettext("Give the number of weeks as a whole number from 1 to %(most)s.", most=MOST_WEEKS)
            )
        if self.available_from.data and self.available_to.data:
            days = (self.available_to.data - self.available_from.data).days + 1
            most = max(1, -(-days // 7))
            if days > 0 and field.data > most:
                raise ValidationError(
                    ngettext(
                        "There is only %(num)s week between your two dates.",
                        "There are only %(num)s weeks between your two dates.",
                        most,
                    )
                )


class SkillsForm(StepForm):
    """Languages, each with its level, and who pays for the stay."""

    names = ("funding",)
    funding: RadioField

    def offer(self) -> None:
        self.funding.choices = as_choices(FUNDINGS)
        spoken = i18n.spoken_languages(language())
        for spoken_field, level_field in self.pairs():
            spoken_field.choices = [("", gettext("Choose a language")), *spoken]
            level_field.choices = [("", gettext("Choose a level")), *as_choices(CEFR_LEVELS)]

    def pairs(self) -> list[tuple[SelectField, SelectField]]:
        """The rows of languages."""
        return [(self[f"language_{row}"], self[f"level_{row}"]) for row in range(1, MAX_LANGUAGES + 1)]

    def shown(self, *, more: bool = False) -> int:
        """How many rows to show: those in use, and one or (``more``) three beyond."""
        used = [
            row for row, pair in enumerate(self.pairs(), start=1) if any(field.data or field.errors for field in pair)
        ]
        return min(MAX_LANGUAGES, max(2, (used[-1] if used else 0) + (3 if more else 1)))

    @classmethod
    def values_of(cls, answers: Answers, document: CallDocument) -> dict[str, Any]:
        values = super().values_of(answers, document)
        for row, (code, level) in enumerate(answers.languages[:MAX_LANGUAGES], start=1):
            values |= {f"language_{row}": code, f"level_{row}": level}
        return values

    def applied_to(self, answers: Answers) -> Answers:
        kept = {
            spoken.data: level.data
            for spoken, level in self.pairs()
            if spoken.data and level.data and not spoken.errors and not level.errors
        }
        return replace(super().applied_to(answers), languages=tuple(kept.items()))

    def only_lacks(self) -> bool:
        return super().only_lacks() and all(bool(spoken.data) == bool(level.data) for spoken, level in self.pairs())

    def validate(self, extra_validators: Any = None) -> bool:
        valid: bool = super().validate(extra_validators)
        seen: set[str] = set()
        for spoken, level in self.pairs():
            if spoken.errors or level.errors:
                continue
            if level.data and not spoken.data:
                spoken.errors = [gettext("Choose the language that this level is for.")]
            elif spoken.data and not level.data:
                level.errors = [gettext("Choose how well you know this language.")]
            elif spoken.data and spoken.data in seen:
                spoken.errors = [
                    gettext("You have chosen this language twice. Choose another, or leave the row empty.")
                ]
            valid = valid and not spoken.errors and not level.errors
            seen.add(spoken.data)
        if not any(spoken.data or spoken.errors for spoken, _level in self.pairs()):
            self["language_1"].errors = [gettext("Choose at least one language that you speak.")]
            return False
        return valid


for _row in range(1, MAX_LANGUAGES + 1):
    setattr(
        SkillsForm,
        f"language_{_row}",
        SelectField(lazy("Language"), validators=[Chosen(required=False)], validate_choice=False),
    )
    setattr(
        SkillsForm,
        f"level_{_row}",
        SelectField(lazy("How well?"), validators=[Chosen(required=False)], validate_choice=False),
    )


# Fields count in the order in which they are made: the rows of languages come before the last question.
SkillsForm.funding = RadioField(lazy("How do you pay for your stay?"), validators=[Chosen()], validate_choice=False)


class MotivationForm(StepForm):
    """Why, and the questions of the call's own as fields ``q-<key>``."""

    names = ("motivation",)
    motivation = TextAreaField(
        lazy("Why would you like to do this internship?"),
        filters=[lambda text: normalise_newlines(text or "")],
        validators=[Required(), Storable(), MaxLength(MOTIVATION_LENGTH)],
    )

    def offer(self) -> None:
        for question, field in self.questions():
            if (choices := choices_of(question)) is not None:
                field.choices = choices

    def questions(self) -> list[tuple[Question, Field]]:
        """The call's own questions, each with its field."""
        return [(question, self[f"q-{question.key}"]) for question in self.document.questions]

    @classmethod
    def values_of(cls, answers: Answers, document: CallDocument) -> dict[str, Any]:
        own = {f"q-{question.key}": shown(question, answers) for question in document.questions}
        return {**super().values_of(answers, document), **own}

    def applied_to(self, answers: Answers) -> Answers:
        own = dict(answers.questions)
        for question, field in self.questions():
            if self.is_good(field):
                own[question.key] = stored(question, field.data)
        given: dict[str, Answer] = {key: answer for key, answer in own.items() if answer not in (None, "")}
        return replace(super().applied_to(answers), questions=given)


def form_of_step(step: str, document: CallDocument) -> type[StepForm]:
    """The form of a step of this call's application."""
    if step == "motivation":
        own = {f"q-{question.key}": field_of(question) for question in document.questions}
        return type("OwnQuestionsForm", (MotivationForm,), own)
    return _FORMS[step]


_FORMS: dict[str, type[StepForm]] = {
    "you": YouForm,
    "studies": StudiesForm,
    "internship": InternshipForm,
    "skills": SkillsForm,
}


def shown_form(step: str, document: CallDocument, answers: Answers, token: str | None) -> StepForm:
    """The form of a step with what the draft holds."""
    made = form_of_step(step, document)
    return made(formdata=None, document=document, data={**made.values_of(answers, document), "token": token})


def faults_of(answers: Answers, document: CallDocument) -> list[tuple[str, str]]:
    """What still has to be mended before an application can be sent: pairs of a step and a sentence."""
    found = []
    for step in ("you", "studies", "internship", "skills", "motivation"):
        made = form_of_step(step, document)
        form = made(formdata=None, document=document, data=made.values_of(answers, document), meta={"csrf": False})
        form.validate()
        found += [(step, str(field.errors[0])) for field in form if field.errors]
    return found


def _check_day(field: DateField, asked: str) -> None:
    if field.data is None or not date(2000, 1, 1) < field.data < today() + FARTHEST:
        field.errors = []
        raise StopValidation(asked)
