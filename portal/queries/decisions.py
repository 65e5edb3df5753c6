"""Decisions about the applications of a call: prepared, on their way, sent, and who has none yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import aliased

from portal.database import db
from portal.models import Account, Application, Decision, Submission
from portal.queries.arrival import arrival_number
from portal.queries.calls import StoredCall
from portal.queries.cases import COLUMNS, NoSuchCase
from portal.queries.scope import closed_to, led_by
from portal.rules.applications import DECIDABLE, DECISIONS
from portal.rules.applications import Decision as DecisionKind
from portal.rules.policy import Viewer

DecisionRow = Row[*tuple[Any, ...]]

WAITING_SHOWN = 200


@dataclass(frozen=True)
class Batch:
    """Decisions that were sent together and can still be taken back."""

    effective_at: datetime
    rows: Sequence[DecisionRow]


@dataclass(frozen=True)
class Decisions:
    """All decisions of a call, in the order the applications arrived; ``sent`` with the offers first.

    ``waiting`` are applications that nothing was decided about; no more than ``WAITING_SHOWN`` of ``waiting_count``.
    """

    prepared: Sequence[DecisionRow]
    batches: Sequence[Batch]
    sent: Sequence[DecisionRow]
    reserve: Sequence[DecisionRow]
    waiting: Sequence[DecisionRow]
    waiting_count: int


def mark_of(decision: Any) -> str:
    """Names a prepared decision as it stands: another after each change. Empty where there is none."""
    return f"{decision.id}-{int(decision.prepared_at.timestamp() * 1_000_000)}" if decision is not None else ""


def get_led_application(viewer: Viewer, reference: str) -> DecisionRow:
    """An application that is the viewer's to decide about: all columns of its submission, and its stage.

    Raises:
        NoSuchCase: unknown, or not theirs.
    """
    row = db.session.execute(led_application(viewer, reference)).one_or_none()
    if row is None:
        raise NoSuchCase
    return row


def led_application(viewer: Viewer, reference: str) -> Select[*tuple[Any, ...]]:
    """The statement behind it, for those who lock the row."""
    return (
        select(*COLUMNS, Application.stage, Application.call_id)
        .join(Application, Application.submission_id == Submission.id)
        .where(Submission.reference == reference, led_by(viewer))
    )


def name_of_preparer(decision: Decision) -> str:
    """Who prepared a decision, and so signs its letter."""
    return db.session.scalars(select(Account.name).where(Account.id == decision.prepared_by)).one()


def list_decisions(viewer: Viewer, call: StoredCall) -> Decisions:
    """How the decisions of a call stand; four statements, however many there are.

    Whoever calls got ``call`` by ``get_led_call``. Each row has ``closed``: the viewer reviews that application and
    must not see whose it is. Then ``sender_name`` and ``reason`` are empty, and ``number`` is its place by arrival.
    """
    call_id, shown = call.id, _as_far_as_open(viewer)
    rows = db.session.execute(_decisions_of(call_id).add_columns(*shown, _unless_closed(viewer, Decision.reason))).all()
    on_their_way = sorted((row for row in rows if row.released_at and not row.applied_at), key=_effect)
    undecided = _undecided(call_id)
    named = select(Submission.id, Submission.reference, Submission.language, Application.stage, *shown)
    waiting = named.join(Application, Application.submission_id == Submission.id).where(undecided)
    count = select(func.count()).select_from(Application).where(undecided)
    return Decisions(
        prepared=[row for row in rows if not row.released_at],
        batches=[Batch(at, tuple(group)) for at, group in groupby(on_their_way, key=_effect)],
        sent=sorted((row for row in rows if row.applied_at), key=by_kind),
        reserve=db.session.execute(reserve_list(call_id).add_columns(*shown)).all(),
        waiting=db.session.execute(waiting.order_by(Submission.id).limit(WAITING_SHOWN)).all(),
        waiting_count=db.session.scalar(count) or 0,
    )


def by_kind(row: DecisionRow) -> int:
    """For sorting: offers, then the reserve list, then declines."""
    kind: DecisionKind = row.kind
    return DECISIONS.index(kind)


def reserve_list(call_id: int) -> Select[*tuple[Any, ...]]:
    """The statement of a call's reserve list, in the order that a person gave it, then by arrival.

    Decisions that were not sent yet are on it too; ``next_kind`` is a prepared decision about somebody who is on
    the list already.
    """
    later = aliased(Decision)
    pending = aliased(Decision)
    latest = (
        select(func.max(later.id))
        .where(later.submission_id == Decision.submission_id, later.kind == "reserve")
        .scalar_subquery()
    )
    return (
        select(
            Decision.id,
            Decision.submission_id,
            Decision.rank,
            Decision.applied_at,
            Submission.reference,
            pending.kind.label("next_kind"),
        )
        .join(Submission, Submission.id == Decision.submission_id)
        .join(Application, Application.submission_id == Decision.submission_id)
        .outerjoin(
            pending,
            and_(
                pending.submission_id == Decision.submission_id,
                pending.applied_at.is_(None),
                pending.id != Decision.id,
            ),
        )
        .where(
            Application.call_id == call_id,
            Decision.kind == "reserve",
            Decision.id == latest,
            or_(Decision.applied_at.is_(None), Application.stage == "reserve"),
        )
        .order_by(case((Decision.rank.is_(None), 1), else_=0), Decision.rank, Decision.submission_id)
    )


def _as_far_as_open(viewer: Viewer) -> tuple[ColumnElement[Any], ...]:
    """Who it is, for a list of applications; only a number where the viewer reviews it and must not know."""
    number: ColumnElement[Any] = case((closed_to(viewer), arrival_number()))
    return closed_to(viewer).label("closed"), number.label("number"), _unless_closed(viewer, Submission.sender_name)


def _unless_closed(viewer: Viewer, column: Any) -> ColumnElement[str]:
    return case((closed_to(viewer), ""), else_=column).label(column.key)


def _effect(row: DecisionRow) -> datetime:
    at: datetime = row.effective_at
    return at


def _decisions_of(call_id: int) -> Select[*tuple[Any, ...]]:
    return (
        select(
            *(column for column in Decision.__table__.c if column.name != "reason"),
            Submission.reference,
            Submission.language,
            Application.stage,
            Account.name.label("by"),
        )
        .join(Submission, Submission.id == Decision.submission_id)
        .join(Application, Application.submission_id == Decision.submission_id)
        .join(Account, Account.id == Decision.prepared_by)
        .where(Application.call_id == call_id)
        .order_by(Decision.submission_id, Decision.id)
    )


def _undecided(call_id: int) -> ColumnElement[bool]:
    any_decision = exists().where(Decision.submission_id == Application.submission_id)
    return and_(Application.call_id == call_id, Application.stage.in_(sorted(DECIDABLE)), ~any_decision)
