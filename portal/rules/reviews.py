"""Scores: what reviewers said about an application, criterion by criterion. Pure.

A mean is shown beside the single scores that it sums up. Nothing here orders, ranks or filters applicants, and
nothing may be built on it that does: people decide.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from portal.content.calls import Criterion
from portal.rules.applications import IN_REVIEW, Stage

SCORES: tuple[int, ...] = (1, 2, 3, 4, 5)

NOT_REVIEWED: frozenset[Stage] = frozenset({"withdrawn", "replaced"})
"""Applications that nobody needs to review any more, finished or not."""


def open_for_review(stage: Stage, *, released: bool) -> bool:
    """Whether a review may still be written or changed; ``released`` says that a decision was sent on its way."""
    return stage in IN_REVIEW and not released


def unfinished(criteria: Iterable[Criterion], scores: Mapping[str, Any]) -> list[str]:
    """Keys of the criteria that lack a score or its justification."""
    return [c.key for c in criteria if score_of(scores, c.key) is None or not reason_of(scores, c.key).strip()]


def score_of(scores: Mapping[str, Any], key: str) -> int | None:
    """The number given for a criterion, if there is one."""
    number = (scores.get(key) or {}).get("score")
    return number if number in SCORES else None


def reason_of(scores: Mapping[str, Any], key: str) -> str:
    """Why that number was given."""
    return str((scores.get(key) or {}).get("why") or "")


def weighted_mean(criteria: Iterable[Criterion], scores: Mapping[str, Any]) -> float | None:
    """The mean of one review, each criterion by its weight; ``None`` when nothing was scored."""
    given = [(score, criterion.weight) for criterion in criteria if (score := score_of(scores, criterion.key))]
    weights = sum(weight for _score, weight in given)
    return sum(score * weight for score, weight in given) / weights if weights else None


def mean(numbers: Iterable[float | None]) -> float | None:
    """The plain mean of those that are there."""
    there = [number for number in numbers if number is not None]
    return sum(there) / len(there) if there else None
