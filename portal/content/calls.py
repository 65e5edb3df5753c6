"""What a call for interns says: its shape, and what is still missing from it.

A call is a row, since it changes by the day; what it says is one frozen document inside the row. Texts that
applicants read are given by language (``Words``). A draft may lack any of them; ``missing`` names what must be
there before the call can be published.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from portal.content.schema import Frozen, Language, Slug

Words = dict[Language, Annotated[str, StringConstraints(max_length=10_000, strip_whitespace=True)]]
"""A text by language code; an empty one counts as missing."""

QuestionKind = Literal["short_text", "long_text", "choice", "yes_no", "number", "date"]
QUESTION_KINDS: tuple[QuestionKind, ...] = QuestionKind.__args__  # type: ignore[attr-defined]

DocumentKind = Literal["cv", "letter", "transcript", "certificate", "agreement", "other"]
DOCUMENT_KINDS: tuple[DocumentKind, ...] = DocumentKind.__args__  # type: ignore[attr-defined]

MAX_QUESTIONS = 20
MAX_CRITERIA = 12


class Choice(Frozen):
    """One answer to a question of kind ``choice``."""

    key: Slug
    label: Words


class Question(Frozen):
    """A question of the call's own. ``key`` is its name in the stored answers and never changes."""

    key: Slug
    kind: QuestionKind
    label: Words
    hint: Words = Field(default_factory=dict)
    required: bool = False
    choices: tuple[Choice, ...] = ()


class Criterion(Frozen):
    """Something that reviewers weigh, in the words of the house (one language). Scores run from 1 to 5."""

    key: Slug
    title: Annotated[str, StringConstraints(min_length=1, max_length=150, strip_whitespace=True)]
    guidance: Annotated[str, StringConstraints(max_length=2_000, strip_whitespace=True)] = ""
    weight: int = Field(default=1, ge=1, le=10)


class CallDocument(Frozen):
    """All that a call says.

    ``weeks_min``, ``weeks_max`` and ``hours_per_week`` are whole numbers; ``amount`` is what is paid, in words
    (sum, currency and period), and only for a paid internship. ``documents`` come with an application in this
    order; the required ones may follow for some days (``rules.calls.DOCUMENTS_GRACE``). A ``standing`` call is meant
    to have no deadline; until that is said, a draft without one lacks it.
    """

    title: Words = Field(default_factory=dict)
    text: Words = Field(default_factory=dict)
    tasks: Words = Field(default_factory=dict)
    place: Words = Field(default_factory=dict)
    who: Words = Field(default_factory=dict)
    languages: Words = Field(default_factory=dict)
    amount: Words = Field(default_factory=dict)
    paid: bool = False
    topics: tuple[Slug, ...] = ()
    starts_on: date | None = None
    ends_on: date | None = None
    weeks_min: int | None = Field(default=None, ge=1, le=104)
    weeks_max: int | None = Field(default=None, ge=1, le=104)
    hours_per_week: int | None = Field(default=None, ge=1, le=60)
    required_documents: tuple[DocumentKind, ...] = ("cv",)
    optional_documents: tuple[DocumentKind, ...] = ("other",)
    questions: tuple[Question, ...] = Field(default=(), max_length=MAX_QUESTIONS)
    criteria: tuple[Criterion, ...] = Field(default=(), max_length=MAX_CRITERIA)
    answer_by: date | None = None
    standing: bool = False

    def words(self) -> Iterator[tuple[str, Words, bool]]:
        """Every text with its path (``questions.why.label``) and whether each language must have it."""
        for name in ("title", "text", "tasks", "place", "who", "languages"):
            yield name, getattr(self, name), True
        yield "amount", self.amount, self.paid
        for question in self.questions:
            yield f"questions.{question.key}.label", question.label, True
            yield f"questions.{question.key}.hint", question.hint, bool(any(question.hint.values()))
            for choice in question.choices:
                yield f"questions.{question.key}.choices.{choice.key}", choice.label, True

    def missing(self, languages: Sequence[str]) -> list[tuple[str, str]]:
        """Texts that are not there yet: pairs of path and language code, in the order of the page."""
        return [
            (path, code)
            for path, words, needed in self.words()
            for code in languages
            if needed and not words.get(code, "").strip()
        ]


def said(words: Words, language: str) -> str:
    """The text in a language; where it is missing, in the first language that has it; else empty."""
    return spoken(words, language)[1]


def spoken(words: Words, language: str) -> tuple[str, str]:
    """The language that ``said`` speaks, and what it says; nothing is said in the language that was asked for."""
    if words.get(language):
        return language, words[language]
    return next(((code, text) for code, text in words.items() if text), (language, ""))
