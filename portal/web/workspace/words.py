"""Words of the review: stages, how far a review is, answers, numbers. The templates of the review take them here."""

from collections.abc import Iterable
from datetime import date

from babel import numbers

from portal.content.calls import CallDocument, Question, said
from portal.i18n import countries, format_day, gettext, language, locale, ngettext, pgettext
from portal.rules.applications import Answer, Answers, Stage
from portal.rules.text import reveal

STAGE_COLORS: dict[Stage, str] = {
    "received": "info",
    "shortlisted": "accent",
    "interview": "accent",
    "offered": "warning",
    "reserve": "warning",
    "accepted": "success",
}
BEGUN_COLORS = {"not_begun": "info", "declared": "warning", "draft": "warning", "done": "success"}

Section = tuple[str, list[tuple[str, str]]]


def stage_words() -> dict[Stage, str]:
    """Every stage of an application in words."""
    return {
        "received": pgettext("application", "In review"),
        "shortlisted": pgettext("application", "On the short list"),
        "interview": pgettext("application", "Interview"),
        "offered": pgettext("application", "Offer sent"),
        "reserve": pgettext("application", "On the reserve list"),
        "accepted": pgettext("application", "Offer accepted"),
        "offer_declined": pgettext("application", "Offer declined"),
        "offer_lapsed": pgettext("application", "Offer lapsed"),
        "declined": pgettext("application", "Not chosen"),
        "withdrawn": pgettext("application", "Withdrawn"),
        "replaced": pgettext("application", "Replaced by a newer one"),
    }


def begun_words() -> dict[str, str]:
    """How far a review is, in words."""
    return {
        "not_begun": pgettext("review", "Not begun"),
        "declared": pgettext("review", "Begun"),
        "draft": pgettext("review", "Draft saved"),
        "done": pgettext("review", "Done"),
        "stepped_aside": pgettext("review", "Stepped aside"),
    }


def level_words() -> dict[str, str]:
    """Levels of study."""
    return {
        "vocational": gettext("Vocational studies"),
        "bachelor": gettext("Bachelor’s level"),
        "master": gettext("Master’s level"),
        "doctoral": gettext("Doctoral level"),
        "other": gettext("Other studies"),
    }


def applicant_label(number: int) -> str:
    """What an applicant is called while names are hidden: by the order of arrival within the call."""
    return gettext("Applicant %(number)s", number=number)


def one_decimal(value: float) -> str:
    """A mean, with one decimal in the way of the language."""
    return numbers.format_decimal(value, format="0.0", locale=locale(language()))


def sections(document: CallDocument, answers: Answers, topics: dict[str, str]) -> list[Section]:
    """The answers as headings with questions and answers below them; what was left empty is left out."""
    found = [
        (gettext("Applicant"), _person(answers)),
        (gettext("Studies"), _studies(answers)),
        (gettext("Internship"), _plans(answers, topics)),
        (gettext("Motivation"), [(gettext("Why the applicant applies"), answers.motivation)]),
        (gettext("Questions of this call"), _own_questions(document.questions, answers)),
    ]
    filled = [(heading, [(term, reveal(value)) for term, value in rows if value]) for heading, rows in found]
    return [(heading, rows) for heading, rows in filled if rows]


def _person(answers: Answers) -> list[tuple[str, str]]:
    return [
        (gettext("Name"), answers.name),
        (gettext("To be addressed as"), answers.address_as),
        (gettext("E-mail"), answers.email),
        (gettext("Country"), dict(countries(language())).get(answers.country, answers.country)),
        (gettext("Contact language"), _language_name(answers.contact_language)),
    ]


def _studies(answers: Answers) -> list[tuple[str, str]]:
    stages = {"studying": gettext("Studying now"), "graduated": gettext("Graduated")}
    levels = {"native": gettext("mother tongue")}
    spoken = [f"{_language_name(code)} ({levels.get(level, level)})" for code, level in answers.languages]
    return [
        (gettext("Institution"), answers.institution),
        (gettext("Field of study"), answers.study_field),
        (gettext("Level of study"), level_words().get(answers.study_level, answers.study_level)),
        (gettext("Stage of study"), stages.get(answers.study_stage, answers.study_stage)),
        (gettext("Languages"), ", ".join(spoken)),
    ]


def _plans(answers: Answers, topics: dict[str, str]) -> list[tuple[str, str]]:
    funding = {
        "erasmus": gettext("Erasmus+"),
        "institution": gettext("Own institution"),
        "other": gettext("Other funding"),
        "none": gettext("No funding"),
    }
    weeks = ngettext("%(num)s week", "%(num)s weeks", answers.weeks) if answers.weeks else ""
    return [
        (gettext("Topic of interest"), topics.get(answers.topic, answers.topic)),
        (gettext("Available from"), _day(answers.available_from)),
        (gettext("Available until"), _day(answers.available_to)),
        (gettext("Length"), weeks),
        (gettext("Funding"), funding.get(answers.funding, answers.funding)),
    ]


def _own_questions(questions: Iterable[Question], answers: Answers) -> list[tuple[str, str]]:
    code = language()
    return [(said(q.label, code), _answer(q, answers.questions.get(q.key))) for q in questions]


def _answer(question: Question, value: Answer) -> str:
    """An answer to a question of the call's own, as a person reads it."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if question.kind == "choice":
        return next((said(c.label, language()) for c in question.choices if c.key == value), str(value))
    if question.kind == "date" and isinstance(value, str):
        try:
            return format_day(date.fromisoformat(value))
        except ValueError:
            return value
    if isinstance(value, int | float):
        return numbers.format_decimal(value, locale=locale(language()))
    return value


def _day(value: date | None) -> str:
    return format_day(value) if value else ""


def _language_name(code: str) -> str:
    return str(locale(language()).languages.get(code, code))
