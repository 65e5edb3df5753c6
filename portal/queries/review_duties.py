"""What waits for a reviewer: the calls, and the applications to each in order of arrival."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Row, Select, and_, bindparam, case, func, select

from portal.content.calls import CallDocument
from portal.database import db
from portal.models import Application, Call, CallReviewer, Review, Submission
from portal.queries.arrival import PAGE_SIZE, arrival_number_from, page_of
from portal.queries.reviews import own_review
from portal.queries.scope import reviewed_by
from portal.rules.applications import IN_REVIEW
from portal.rules.policy import Viewer
from portal.rules.reviews import NOT_REVIEWED


@dataclass(frozen=True)
class CallDuty:
    """A call that somebody reviews, and how far they are; those stepped aside from are in neither number."""

    id: int
    slug: str
    document: CallDocument
    blind: bool
    total: int
    done: int
    stepped_aside: int

    @property
    def waiting(self) -> int:
        """How many are still to be reviewed."""
        return self.total - self.done


@dataclass(frozen=True)
class DutyPage:
    """Applications in order of arrival, with the keys of the neighbouring pages.

    Rows have ``id, reference, number, stage, received_at, institution, study_field, study_level, begun``.
    """

    rows: Sequence[Row[*tuple[Any, ...]]]
    earlier: int | None
    later: int | None


def list_duties(viewer: Viewer) -> list[CallDuty]:
    """The published calls that the viewer reviews, the one that closes first on top. Two statements."""
    calls = db.session.execute(
        select(Call.id, Call.slug, Call.document, Call.blind, Call.revealed_at)
        .join(CallReviewer, CallReviewer.call_id == Call.id)
        .where(CallReviewer.account_id == viewer.account_id, Call.status != "draft")
        .order_by(Call.closes_at, Call.id)
    ).all()
    counts = {
        row.call_id: row
        for row in db.session.execute(
            select(
                Application.call_id,
                func.count().label("total"),
                func.count(Review.finished_at).label("done"),
                func.count(case((Review.conflict == "stepped_aside", 1))).label("stepped_aside"),
            )
            .outerjoin(Review, own_review(viewer))
            .where(reviewed_by(viewer), Application.stage.not_in(NOT_REVIEWED))
            .group_by(Application.call_id)
        )
    }
    return [_as_duty(call, counts.get(call.id)) for call in calls]


def _as_duty(call: Row[*tuple[Any, ...]], counted: Row[*tuple[Any, ...]] | None) -> CallDuty:
    total, done, aside = (counted.total, counted.done, counted.stepped_aside) if counted else (0, 0, 0)
    document = CallDocument.model_validate(call.document)
    return CallDuty(call.id, call.slug, document, call.blind and not call.revealed_at, total - aside, done, aside)


def list_to_review(viewer: Viewer, duty: CallDuty, *, before: int | None = None, after: int | None = None) -> DutyPage:
    """A page of the applications to a call that the viewer reviews, in order of arrival. One statement."""
    back = before is not None
    statement = _to_review(viewer, back)
    rows = list(db.session.execute(statement, {"call": duty.id, "key": before if back else (after or 0)}))
    return DutyPage(*page_of(rows, back=back, first=not back and not after))


@lru_cache(maxsize=512)
def _to_review(viewer: Viewer, back: bool) -> Select[*tuple[Any, ...]]:
    begun = case(
        (Review.id.is_(None), "not_begun"),
        (Review.conflict == "stepped_aside", "stepped_aside"),
        (Review.finished_at.is_not(None), "done"),
        (Review.changed_at > Review.declared_at, "draft"),
        else_="declared",
    )
    key = bindparam("key", type_=BigInteger)
    statement = (
        select(
            Submission.id,
            Submission.reference,
            Submission.received_at,
            Application.stage,
            Application.answers["institution"].as_string().label("institution"),
            Application.answers["study_field"].as_string().label("study_field"),
            Application.answers["study_level"].as_string().label("study_level"),
            arrival_number_from(key, back=back),
            begun.label("begun"),
        )
        .join(Application, Application.submission_id == Submission.id)
        .outerjoin(Review, own_review(viewer))
        .where(
            Application.call_id == bindparam("call", type_=BigInteger),
            reviewed_by(viewer),
            Application.stage.not_in(NOT_REVIEWED),
        )
        .limit(PAGE_SIZE + 1)
    )
    if back:
        return statement.where(Application.submission_id < key).order_by(Application.submission_id.desc())
    return statement.where(Application.submission_id > key).order_by(Application.submission_id)


def find_next(viewer: Viewer, call_id: int, after: int) -> str | None:
    """The reference of the next application of a call that still waits for the viewer, in order of arrival."""
    waits = and_(Review.finished_at.is_(None), Review.conflict.is_distinct_from("stepped_aside"))
    return db.session.scalar(
        select(Submission.reference)
        .join(Application, Application.submission_id == Submission.id)
        .outerjoin(Review, own_review(viewer))
        .where(
            Application.call_id == call_id,
            Application.stage.in_(IN_REVIEW),
            Submission.id != after,
            reviewed_by(viewer),
            waits,
        )
        .order_by(case((Submission.id > after, 0), else_=1), Submission.id)
        .limit(1)
    )
