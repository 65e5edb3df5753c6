"""Words of the review: stages, how far a review is, answers, numbers. The templates of the review take them here."""

from babel import numbers

from portal.content.calls import CallDocument
from portal.i18n import gettext, language, locale, pgettext
from portal.rules.applications import Answers, Stage
from portal.rules.text import reveal
from portal.web.answers import answer_sections

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


def begun_words() -> dict[str, str]:
    """How far a review is, in words."""
    return {
        "not_begun": pgettext("review", "Not begun"),
        "declared": pgettext("review", "Begun"),
        "draft": pgettext("review", "Draft saved"),
        "done": pgettext("review", "Done"),
        "stepped_aside": pgettext("review", "Stepped aside"),
    }


def applicant_label(number: int) -> str:
    """What an applicant is called while names are hidden: by the order of arrival within the call."""
    return gettext("Applicant %(number)s", number=number)


def one_decimal(value: float) -> str:
    """A mean, with one decimal in the way of the language."""
    return numbers.format_decimal(value, format="0.0", locale=locale(language()))


def sections(document: CallDocument, answers: Answers) -> list[Section]:
    """The answers as headings with questions and answers below them; what was left empty is left out."""
    found = [
        (section.title, [(term, reveal(value)) for term, value in section.rows if value])
        for section in answer_sections(answers, document)
    ]
    return [(heading, rows) for heading, rows in found if rows]
