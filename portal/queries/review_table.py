"""The review table of a call: its applications in order of arrival, and what was said about them in sum.

There is no other order, and no filter but the stage that people put an application in.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Row, Select, String, bindparam, case, exists, func, literal, select, union_all
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import aliased

from portal.content.calls import Criterion
from portal.database import db
from portal.models import Account, Application, Call, CallReviewer, Review, Submission
from portal.queries.arrival import PAGE_SIZE, arrival_number_from, page_of
from portal.queries.calls import StoredCall
from portal.queries.scope import closed_to, leads
from portal.rules.applications import STAGES, Stage
from portal.rules.policy import Viewer
from portal.rules.reviews import NOT_REVIEWED, SCORES, mean, score_of, weighted_mean


@dataclass(frozen=True)
class TableRow:
    """A row of the table. ``row`` has ``id, reference, name, institution, received_at, stage, late, due, repeated,
    number, closed``; ``closed`` says that the viewer reviews it and must not see whose it is.

    ``asked`` are the call's reviewers less those who stepped aside. ``mean`` is ``None`` where nothing was
    finished, and where a viewer who reviews the call has not finished yet.
    """

    row: Row[*tuple[Any, ...]]
    done: int
    asked: int
    mean: float | None
    waits_for_viewer: bool


@dataclass(frozen=True)
class ReviewTable:
    """One page, and the whole call in numbers: applications by stage, and its reviewers (account id, name)."""

    rows: Sequence[TableRow]
    earlier: int | None
    later: int | None
    by_stage: dict[Stage, int]
    reviewers: Sequence[tuple[int, str]]


def list_applications(
    viewer: Viewer, call: StoredCall, *, stage: Stage | None = None, before: int | None = None, after: int | None = None
) -> ReviewTable:
    """A page of the table: three statements, however many applications and reviews there are.

    Whoever calls got ``call`` by ``get_led_call``.
    """
    back = before is not None
    key = before if back else (after or 0)
    found = list(db.session.execute(_page(viewer, stage, back), {"call": call.id, "key": key, "stage": stage}))
    rows, earlier, later = page_of(found, back=back, first=not back and not after)
    by_stage, reviewers = _overview(call.id)
    reviews = _reviews_of([row.id for row in rows]) if rows else {}
    lines = [_as_line(row, reviews.get(row.id, []), reviewers, call, viewer) for row in rows]
    return ReviewTable(lines, earlier, later, by_stage, reviewers)


# Statements are built once for a viewer; building one takes longer than running it.


@lru_cache(maxsize=1024)
def _page(viewer: Viewer, stage: Stage | None, back: bool) -> Select[*tuple[Any, ...]]:
    other = aliased(Application)
    repeated = exists().where(
        other.call_id == Application.call_id,
        other.email_key == Application.email_key,
        other.submission_id != Application.submission_id,
    )
    key = bindparam("key", type_=BigInteger)
    statement = (
        select(
            Submission.id,
            Submission.reference,
            Submission.sender_name.label("name"),
            Submission.sender_organisation.label("institution"),
            Submission.received_at,
            Application.stage,
            Application.late,
            Application.documents_due_at.label("due"),
            repeated.label("repeated"),
            arrival_number_from(key, back=back),
            closed_to(viewer).label("closed"),
        )
        .join(Application, Application.submission_id == Submission.id)
        .join(Call, Call.id == Application.call_id)
        .where(Application.call_id == bindparam("call", type_=BigInteger), leads(viewer))
        .limit(PAGE_SIZE + 1)
    )
    if stage is not None:
        statement = statement.where(Application.stage == bindparam("stage", type_=String))
    if back:
        return statement.where(Application.submission_id < key).order_by(Application.submission_id.desc())
    return statement.where(Application.submission_id > key).order_by(Application.submission_id)


def _overview(call_id: int) -> tuple[dict[Stage, int], list[tuple[int, str]]]:
    """Applications by stage, and the reviewers in the order of their names."""
    counts: dict[Stage, int] = {}
    reviewers = []
    for kind, word, number in db.session.execute(_counting(), {"call": call_id}):
        if kind == "stage":
            counts[word] = number
        else:
            reviewers.append((number, word))
    return {stage: counts[stage] for stage in STAGES if stage in counts}, sorted(reviewers, key=lambda who: who[1])


@lru_cache
def _counting() -> Any:
    call = bindparam("call", type_=BigInteger)
    stages = select(
        literal("stage", String), sql_cast(Application.stage, String), sql_cast(func.count(), BigInteger)
    ).where(Application.call_id == call)
    people = (
        select(literal("reviewer", String), Account.name, sql_cast(Account.id, BigInteger))
        .join(CallReviewer, CallReviewer.account_id == Account.id)
        .where(CallReviewer.call_id == call)
    )
    return union_all(stages.group_by(Application.stage), people)


def _reviews_of(submission_ids: Sequence[int]) -> dict[int, list[Row[*tuple[Any, ...]]]]:
    found = defaultdict(list)
    for row in db.session.execute(_reviews(), {"ids": submission_ids}):
        found[row.submission_id].append(row)
    return found


@lru_cache
def _reviews() -> Select[*tuple[Any, ...]]:
    return select(Review.submission_id, Review.account_id, Review.conflict, Review.scores, Review.finished_at).where(
        Review.submission_id.in_(bindparam("ids", expanding=True))
    )


def _as_line(
    row: Row[*tuple[Any, ...]],
    reviews: list[Row[*tuple[Any, ...]]],
    reviewers: Sequence[tuple[int, str]],
    call: StoredCall,
    viewer: Viewer,
) -> TableRow:
    finished = [review for review in reviews if review.finished_at is not None]
    aside = {review.account_id for review in reviews if review.conflict == "stepped_aside"}
    # Somebody who is no reviewer any more may have finished a review: it was asked for, too.
    asked = ({account_id for account_id, _name in reviewers} - aside) | {review.account_id for review in finished}
    must_finish = any(account_id == viewer.account_id for account_id, _name in reviewers)
    own_is_in = any(review.account_id == viewer.account_id for review in finished)
    hidden = must_finish and not own_is_in
    return TableRow(
        row,
        done=len(finished),
        asked=len(asked),
        mean=None if hidden else mean(weighted_mean(call.document.criteria, review.scores) for review in finished),
        waits_for_viewer=hidden and viewer.account_id not in aside,
    )


@dataclass(frozen=True)
class CallSummary:
    """A call in numbers. ``scores`` has for every criterion how often 1, 2, 3, 4 and 5 was given.

    ``progress`` has for every reviewer the name, the reviews finished, and the applications stepped aside from.
    """

    by_stage: dict[Stage, int]
    to_review: int
    progress: Sequence[tuple[str, int, int]]
    scores: dict[str, tuple[int, ...]]


def summarise_call(viewer: Viewer, call: StoredCall) -> CallSummary:
    """The call in numbers: three statements. Whoever calls got ``call`` by ``get_led_call``.

    For a viewer who reviews the call, scores are counted of those applications alone of which the viewer's own
    review is finished.
    """
    by_stage, reviewers = _overview(call.id)
    return CallSummary(
        by_stage,
        sum(number for stage, number in by_stage.items() if stage not in NOT_REVIEWED),
        _progress(call.id, reviewers),
        _distribution(call, viewer, hides=any(account_id == viewer.account_id for account_id, _name in reviewers)),
    )


def _progress(call_id: int, reviewers: Sequence[tuple[int, str]]) -> list[tuple[str, int, int]]:
    rows = db.session.execute(
        select(
            Review.account_id,
            func.count(Review.finished_at),
            func.count(case((Review.conflict == "stepped_aside", 1))),
        )
        .join(Application, Application.submission_id == Review.submission_id)
        .where(Application.call_id == call_id, Application.stage.not_in(NOT_REVIEWED))
        .group_by(Review.account_id)
    )
    counted = {account_id: (done, aside) for account_id, done, aside in rows}
    return [(name, *counted.get(account_id, (0, 0))) for account_id, name in reviewers]


def _distribution(call: StoredCall, viewer: Viewer, *, hides: bool) -> dict[str, tuple[int, ...]]:
    criteria: tuple[Criterion, ...] = call.document.criteria
    counts = {criterion.key: dict.fromkeys(SCORES, 0) for criterion in criteria}
    statement = (
        select(Review.scores)
        .join(Application, Application.submission_id == Review.submission_id)
        .where(
            Application.call_id == call.id,
            Application.stage.not_in(NOT_REVIEWED),
            Review.finished_at.is_not(None),
        )
    )
    if hides:
        own = aliased(Review)
        statement = statement.where(
            exists().where(
                own.submission_id == Review.submission_id,
                own.account_id == viewer.account_id,
                own.finished_at.is_not(None),
            )
        )
    for scores in db.session.scalars(statement):
        for criterion in criteria:
            score = score_of(scores, criterion.key)
            if score is not None:
                counts[criterion.key][score] += 1
    return {key: tuple(by_score.values()) for key, by_score in counts.items()}
