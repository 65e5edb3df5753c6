"""The forms of a call's own questions and of what reviewers weigh."""

from functools import lru_cache
from typing import Any, get_args

from wtforms import BooleanField, SelectField, StringField, TextAreaField, ValidationError

from portal.content.calls import Choice, Criterion, Question, QuestionKind
from portal.i18n import gettext, own_name
from portal.i18n import lazy_gettext as lazy
from portal.queries.editions import content
from portal.rules.text import slug_of, unique_among
from portal.web.validators import MaxLength, Required, SingleLine, Storable
from portal.web.workspace.call_fields import NumberField
from portal.web.workspace.call_forms import CallForm, typed
from portal.web.workspace.call_words import KINDS

LABEL_LENGTH = 300
HINT_LENGTH = 1_000
MAX_CHOICES = 30
TITLE_LENGTH = 150
GUIDANCE_LENGTH = 2_000


class QuestionForm(CallForm):
    """A question. Fields for each language are called ``label_fi``, ``hint_fi`` and ``choices_fi``."""

    kind = SelectField(lazy("Kind of answer"), validate_choice=False)
    required = BooleanField(lazy("It must be answered"))

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.kind.choices = [(kind, str(KINDS[kind])) for kind in get_args(QuestionKind)]
        names = {"label": gettext("Question"), "hint": gettext("Hint"), "choices": gettext("Choices")}
        for code in languages():
            for name, said in names.items():
                self[f"{name}_{code}"].label.text = f"{said} ({own_name(code)})"

    def validate_kind(self, field: SelectField) -> None:
        if field.data not in get_args(QuestionKind):
            raise ValidationError(gettext("Choose a kind of answer."))

    def validate(self, extra_validators: Any = None) -> bool:
        """The question must be there in one language at least, and so must its choices."""
        fine: bool = super().validate(extra_validators)
        first = languages()[0]
        if not any((self[f"label_{code}"].data or "").strip() for code in languages()):
            self._refuse(f"label_{first}", gettext("Write the question in one language at least."))
            fine = False
        if self.kind.data == "choice":
            counts = [len(self.lines(code)) for code in languages()]
            if max(counts) < 2:
                self._refuse(f"choices_{first}", gettext("Write at least two choices, each on a line of its own."))
                fine = False
            elif max(counts) > MAX_CHOICES:
                self._refuse(f"choices_{first}", gettext("There are too many choices: %(most)s fit.", most=MAX_CHOICES))
                fine = False
        return fine

    def _refuse(self, name: str, text: str) -> None:
        self[name].errors = [*self[name].errors, text]

    def lines(self, code: str) -> list[str]:
        """The choices in a language; a line that is left empty keeps its place."""
        return [line.strip() for line in (self[f"choices_{code}"].data or "").rstrip().split("\n")]

    def fill(self, question: Question) -> "QuestionForm":
        """Show the question as it is stored."""
        self.kind.data, self.required.data = question.kind, question.required
        for code in languages():
            self[f"label_{code}"].data = question.label.get(code, "")
            self[f"hint_{code}"].data = question.hint.get(code, "")
            self[f"choices_{code}"].data = "\n".join(choice.label.get(code, "") for choice in question.choices)
        return self

    def to_question(self, before: Question | None, taken: set[str]) -> Question:
        """The question as it is written here. It keeps the key it has; a new one gets one that is not taken."""
        label, hint = self._words("label"), self._words("hint")
        key = before.key if before else unique_among(slug_of(_first(label)) or "question", taken)
        choices = self._choices(before) if self.kind.data == "choice" else ()
        return Question(
            key=key,
            kind=self.kind.data,
            label=label,
            hint=hint,
            required=bool(self.required.data),
            choices=choices,
        )

    def _words(self, name: str) -> dict[str, str]:
        return {code: (self[f"{name}_{code}"].data or "").strip() for code in languages()}

    def _choices(self, before: Question | None) -> tuple[Choice, ...]:
        """Choices by line: the n-th is the one that it was, so that its words can be corrected."""
        by_language = {code: self.lines(code) for code in languages()}
        keys = [choice.key for choice in before.choices] if before else []
        choices: list[Choice] = []
        for number in range(max(len(lines) for lines in by_language.values())):
            label = {code: lines[number] if number < len(lines) else "" for code, lines in by_language.items()}
            if not any(label.values()):
                continue
            taken = {*keys, *(choice.key for choice in choices)}
            key = keys[number] if number < len(keys) else unique_among(slug_of(_first(label)) or "choice", taken)
            choices.append(Choice(key=key, label=label))
        return tuple(choices)


class CriterionForm(CallForm):
    """Something that reviewers weigh, in the language of the house."""

    title = StringField(lazy("Criterion"), validators=[Required(), SingleLine(), MaxLength(TITLE_LENGTH)])
    weight = NumberField(lazy("Weight"), least=1, most=10)
    guidance = TextAreaField(
        lazy("Guidance for reviewers"), filters=[typed], validators=[Storable(), MaxLength(GUIDANCE_LENGTH)]
    )

    def validate_weight(self, field: NumberField) -> None:
        if field.data is None and not field.errors:
            raise ValidationError(gettext("Give a weight from 1 to 10."))

    def fill(self, criterion: Criterion) -> "CriterionForm":
        """Show the criterion as it is stored."""
        self.title.data, self.weight.data, self.guidance.data = criterion.title, criterion.weight, criterion.guidance
        return self

    def to_criterion(self, before: Criterion | None, taken: set[str]) -> Criterion:
        """The criterion as it is written here; it keeps the key it has."""
        key = before.key if before else unique_among(slug_of(self.title.data) or "criterion", taken)
        return Criterion(
            key=key, title=self.title.data, guidance=self.guidance.data or "", weight=self.weight.data or 1
        )


class MoveForm(CallForm):
    """One place up or down, or away altogether: which, the button says."""


def question_form(**values: Any) -> QuestionForm:
    """The form for the languages that the site speaks."""
    return _question_form(languages())(**values)


def languages() -> tuple[str, ...]:
    return content().organisation.languages


@lru_cache
def _question_form(codes: tuple[str, ...]) -> type[QuestionForm]:
    fields: dict[str, Any] = {}
    for code in codes:
        fields[f"label_{code}"] = StringField(validators=[SingleLine(), MaxLength(LABEL_LENGTH)])
        fields[f"hint_{code}"] = TextAreaField(filters=[typed], validators=[Storable(), MaxLength(HINT_LENGTH)])
        fields[f"choices_{code}"] = TextAreaField(filters=[typed], validators=[Storable(), MaxLength(HINT_LENGTH * 4)])
    return type("CallQuestionForm", (QuestionForm,), fields)


def _first(words: dict[str, str]) -> str:
    default = words.get(content().organisation.default_language)
    return default or next((text for text in words.values() if text), "")
