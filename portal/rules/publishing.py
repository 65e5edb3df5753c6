"""What must be there before a call is published, and what may no longer change once people have applied. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Literal
from zoneinfo import ZoneInfo

from portal.content.calls import CallDocument, Question

Problem = Literal[
    "missing",
    "ends_before_start",
    "longest_below_shortest",
    "closes_before_opening",
    "closing_has_passed",
    "answer_before_closing",
    "too_few_choices",
]

FEWEST_CHOICES = 2


@dataclass(frozen=True)
class Fault:
    """One thing that keeps a call from being published: where, in which language if it is a text, and what."""

    path: str
    language: str | None = None
    problem: Problem = "missing"


def document_faults(document: CallDocument, languages: Sequence[str], topics: Collection[str]) -> list[Fault]:
    """What a published call may not lack: its texts in every language, and the facts that applicants plan by."""
    faults = [Fault(path, code) for path, code in document.missing(languages)]
    if not set(document.topics) & set(topics):
        faults.append(Fault("topics"))
    faults += [Fault(name) for name in ("weeks_min", "weeks_max", "hours_per_week") if getattr(document, name) is None]
    if document.weeks_min and document.weeks_max and document.weeks_max < document.weeks_min:
        faults.append(Fault("weeks_max", problem="longest_below_shortest"))
    faults += _period_faults(document)
    faults += [
        Fault(f"questions.{question.key}", problem="too_few_choices")
        for question in document.questions
        if question.kind == "choice" and len(question.choices) < FEWEST_CHOICES
    ]
    return faults


def _period_faults(document: CallDocument) -> list[Fault]:
    """A call with a deadline says when the work is and by when it is answered; a standing one need not."""
    faults = []
    if not document.standing:
        faults += [Fault(name) for name in ("starts_on", "ends_on", "answer_by") if getattr(document, name) is None]
    if document.starts_on and document.ends_on and document.ends_on < document.starts_on:
        faults.append(Fault("ends_on", problem="ends_before_start"))
    return faults


def time_faults(
    document: CallDocument,
    *,
    opens_at: datetime | None,
    closes_at: datetime | None,
    now: datetime,
    zone: ZoneInfo,
) -> list[Fault]:
    """What is wrong with the moments of opening and closing."""
    faults = []
    if opens_at is None:
        faults.append(Fault("opens_at"))
    if closes_at is None:
        return faults if document.standing else [*faults, Fault("closes_at")]
    if opens_at is not None and closes_at <= opens_at:
        faults.append(Fault("closes_at", problem="closes_before_opening"))
    elif closes_at <= now:
        faults.append(Fault("closes_at", problem="closing_has_passed"))
    if document.answer_by and document.answer_by < closes_at.astimezone(zone).date():
        faults.append(Fault("answer_by", problem="answer_before_closing"))
    return faults


def keeps_questions(before: CallDocument, after: CallDocument) -> bool:
    """Whether every question is still asked as it was: same keys, kinds, required or not, and choices.

    Once somebody has applied nothing else will do. Labels may be corrected and the order may change.
    """
    return _shapes(before.questions) == _shapes(after.questions)


def _shapes(questions: tuple[Question, ...]) -> dict[str, Any]:
    return {
        question.key: (question.kind, question.required, {choice.key for choice in question.choices})
        for question in questions
    }


def keeps_criteria(before: CallDocument, after: CallDocument) -> bool:
    """Whether reviewers still weigh the same things: same keys and weights. Titles and guidance may be corrected."""
    return _weights(before) == _weights(after)


def _weights(document: CallDocument) -> dict[str, int]:
    return {criterion.key: criterion.weight for criterion in document.criteria}


def changed_parts(before: CallDocument, after: CallDocument) -> list[str]:
    """Paths of what differs between two versions: ``title.fi``, ``topics``, ``questions``."""
    old, new = before.model_dump(), after.model_dump()
    parts = []
    for name in old:
        if isinstance(old[name], dict):
            codes = [code for code in {**old[name], **new[name]} if old[name].get(code, "") != new[name].get(code, "")]
            parts += [f"{name}.{code}" for code in codes]
        elif old[name] != new[name]:
            parts.append(name)
    return parts


def moment_of(day: date, at: time, zone: ZoneInfo) -> datetime | None:
    """A local day and time as a moment in UTC; ``None`` for the hour that is skipped when summer time begins."""
    moment = datetime.combine(day, at, zone).astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None) == datetime.combine(day, at) else None
