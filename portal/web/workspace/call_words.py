"""What the parts of a call are called, and every refusal as a sentence that says what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from portal.content.calls import CallDocument, QuestionKind, said
from portal.i18n import gettext, language, own_name
from portal.i18n import lazy_gettext as lazy
from portal.operations.call_door import Reason
from portal.rules.publishing import Fault

TEXTS: dict[str, str] = {
    "title": lazy("Title"),
    "text": lazy("About the internship"),
    "tasks": lazy("Tasks"),
    "place": lazy("Place"),
    "who": lazy("Who can apply"),
    "languages": lazy("Language skills"),
    "amount": lazy("Pay"),
}

HINTS: dict[str, str] = {
    "title": lazy("Short and plain: people see it in lists and letters."),
    "text": lazy("What the work is for, and who the intern works with. Blank lines part paragraphs."),
    "tasks": lazy("Begin each line with “- ” to make a list."),
    "place": lazy("Town and whether one can work from elsewhere."),
    "who": lazy("Studies, skills, and whether recent graduates can apply."),
    "languages": lazy("Which languages the work needs, and how well."),
    "amount": lazy("Sum, currency and period. Needed when the internship is paid."),
}

FACTS: dict[str, str] = {
    "topics": lazy("Topics"),
    "starts_on": lazy("First day of the internship"),
    "ends_on": lazy("Last day of the internship"),
    "weeks_min": lazy("Shortest length in weeks"),
    "weeks_max": lazy("Longest length in weeks"),
    "hours_per_week": lazy("Hours a week"),
    "paid": lazy("Paid or not"),
    "required_documents": lazy("Documents that every applicant sends"),
    "optional_documents": lazy("Documents that applicants may send"),
    "opens_at": lazy("Opening time"),
    "closes_at": lazy("Closing time"),
    "standing": lazy("How long it stays open"),
    "answer_by": lazy("Day by which applicants get an answer"),
    "blind": lazy("Whether reviewers see who the applicants are"),
    "retention_months": lazy("Months for which applications are kept"),
    "questions": lazy("Questions"),
    "criteria": lazy("Criteria"),
}

KINDS: dict[QuestionKind, str] = {
    "short_text": lazy("Short text"),
    "long_text": lazy("Long text"),
    "choice": lazy("One of several choices"),
    "yes_no": lazy("Yes or no"),
    "number": lazy("Number"),
    "date": lazy("Date"),
}

REASONS: dict[Reason, str] = {
    "published": lazy("The call is published already."),
    "not_published": lazy("The call is a draft: it has not been published."),
    "decided": lazy("The call is decided, so it can't be changed any more."),
    "has_applications": lazy(
        "Somebody has begun to apply, so the call can't go back to being a draft. You can close it."
    ),
    "questions_frozen": lazy(
        "People have applied already. You can correct the words of a question, but not add or remove one, "
        "or change its kind, its choices or whether it must be answered."
    ),
    "criteria_frozen": lazy(
        "A review has begun. You can correct the words of a criterion, but not add or remove one, or change its weight."
    ),
    "blind_frozen": lazy("People have applied already, so it can't be changed any more whether reviewers see names."),
    "not_open": lazy("The call is not open now."),
    "not_closed": lazy("The call has not closed yet."),
    "too_early": lazy("The closing time must be in the future, and after the opening."),
    "undecided": lazy("Some applicants still wait for a decision. Decide about them first."),
    "not_blind": lazy("Nothing is hidden: reviewers see the names already."),
    "no_reviewer": lazy("This person can't review: the account is closed or has no right to."),
    "reviews_blind": lazy(
        "This person has begun to review without names, and would see the names once off the list. "
        "Let reviewers see names first."
    ),
    "late_waits": lazy("A late application waits for your answer. Admit or refuse it first."),
    "offer_waits": lazy("An offer still waits for its answer. The call is decided once it has one."),
}


@dataclass(frozen=True)
class FaultLine:
    """A fault in words, the page on which it can be mended (``edit``, ``questions``), and the field there."""

    text: str
    page: str
    anchor: str


def in_language(name: str, code: str) -> str:
    """A text and its language, e.g. ``Title (Suomi)``."""
    return gettext("%(part)s (%(language)s)", part=str(TEXTS[name]), language=own_name(code))


def part_name(path: str) -> str:
    """What a path is called: ``title.fi`` → ``Title (Suomi)``, ``topics`` → ``Topics``."""
    name, _, code = path.partition(".")
    if name in TEXTS:
        return in_language(name, code) if code else str(TEXTS[name])
    return str(FACTS.get(name, name))


def fault_lines(faults: Sequence[Fault], document: CallDocument) -> list[FaultLine]:
    """Faults of a call in words, each with the place where it is mended; a text that is missing in several
    languages is one line, which leads to the first of them.
    """
    return [_line(list(group), document) for _key, group in groupby(faults, lambda fault: (fault.path, fault.problem))]


def _line(group: list[Fault], document: CallDocument) -> FaultLine:
    fault = group[0]
    name = fault.path.partition(".")[0]
    part = _question_part(fault, document) if name == "questions" else str({**TEXTS, **FACTS}[name])
    spoken = [own_name(fault.language) for fault in group if fault.language is not None]
    if spoken:
        part = gettext("%(part)s (%(language)s)", part=part, language=", ".join(spoken))
    text = {
        "missing": gettext("Missing: %(part)s", part=part),
        "ends_before_start": gettext("The last day of the internship comes before the first."),
        "longest_below_shortest": gettext("The longest length is below the shortest."),
        "closes_before_opening": gettext("The call closes before it opens."),
        "closing_has_passed": gettext("The closing time has passed already."),
        "answer_before_closing": gettext("Applicants would get an answer before the call closes."),
        "too_few_choices": gettext("Needs at least two choices: %(part)s", part=part),
    }[fault.problem]
    return FaultLine(text, "questions" if name == "questions" else "edit", _anchor(fault, name))


def _anchor(fault: Fault, name: str) -> str:
    if name == "questions":
        return f"question-{fault.path.split('.')[1]}"
    if fault.language is not None:
        return f"{name}_{fault.language}"
    return {"opens_at": "opens_day", "closes_at": "closes_day"}.get(name, name)


def _question_part(fault: Fault, document: CallDocument) -> str:
    key = fault.path.split(".")[1]
    number, question = next((n, q) for n, q in enumerate(document.questions, 1) if q.key == key)
    label = said(question.label, language())
    if ".choices." in fault.path:
        return gettext("a choice of question %(number)s, “%(label)s”", number=number, label=label)
    if fault.path.endswith(".hint"):
        return gettext("hint of question %(number)s, “%(label)s”", number=number, label=label)
    return gettext("question %(number)s, “%(label)s”", number=number, label=label)
