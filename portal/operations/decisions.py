"""Sending prepared decisions together, taking them back, and letting them take effect.

A decision that was sent waits for its moment (the undo window). Recall and application are the same conditional
update on ``applied_at IS NULL``, so one of them wins. Until it is applied, nothing of it can be seen from outside.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Row, func, not_, select, update
from sqlalchemy import delete as delete_from
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from portal import clock, settings
from portal.database import db, transaction
from portal.models import Account, Application, CallEvent, Decision, Submission
from portal.models.letters import LetterKind
from portal.operations.applications import close_requests, set_stage
from portal.operations.door import Change, sender_of, write_change
from portal.operations.preparing import DecisionChanged
from portal.operations.reserves import lock_call, note_on_call
from portal.queries.cases import COLUMNS
from portal.queries.decisions import mark_of
from portal.queries.directory import get_directory
from portal.queries.scope import closed_to
from portal.rules.applications import DECIDABLE, STAGE_AFTER
from portal.rules.applications import Decision as DecisionKind
from portal.rules.decisions import gives_time
from portal.rules.policy import Viewer

log = structlog.get_logger()

LETTER_OF: dict[DecisionKind, LetterKind] = {
    "offer": "decision_offer",
    "reserve": "decision_reserve",
    "decline": "decision_decline",
}


class NothingChosen(ValueError):
    """No decision was chosen."""


class TooLittleTime(ValueError):
    """Offers whose deadline would leave the applicant less than a day; ``references`` says which."""

    def __init__(self, references: list[str]) -> None:
        super().__init__(", ".join(references))
        self.references = references


@dataclass(frozen=True)
class Released:
    """Decisions that were sent together, and when they take effect."""

    count: int
    effective_at: datetime


@dataclass(frozen=True)
class Recalled:
    """How many were taken back, and how many had reached their applicants already."""

    count: int
    gone: int


def decision_data(kind: DecisionKind, message: str, reply_by: datetime | None) -> dict[str, Any]:
    """What the event of a decision, and so its letter, says."""
    return {"kind": kind, "message": message, "reply_by": reply_by.isoformat() if reply_by else None}


def release_decisions(viewer: Viewer, *, slug: str, seen: Collection[str], token: str) -> Released:
    """Send prepared decisions of a call together. They take effect when the undo window has passed, all at once.

    Args:
        viewer: who sends them; it is noted with the call.
        slug: the call.
        seen: the marks (``mark_of``) of the decisions as they were seen.
        token: names this one sending; repeated, it is answered with the first one's outcome, even after a recall.

    Raises:
        NoSuchCall: unknown, or not the viewer's.
        NothingChosen: there are none.
        DecisionChanged: one of them was changed, withdrawn or sent since, or is about an application that the viewer
            reviews and may not decide about; then none is sent.
        TooLittleTime: an offer would have to be answered within a day; then none is sent.
    """
    if not seen:
        raise NothingChosen
    with transaction() as connection:
        call_id = lock_call(connection, viewer, slug)
        known = _known_release(connection, call_id, token)
        if known is not None:
            return known
        chosen = _lock_chosen(connection, viewer, call_id, seen)
        now = clock.now()
        effective_at = now + timedelta(minutes=settings.current().decision_undo_minutes)
        short = [row.reference for row in chosen if row.reply_by and not gives_time(row.reply_by, effective_at)]
        if short:
            raise TooLittleTime(short)
        connection.execute(
            update(Decision)
            .where(Decision.id.in_([row.id for row in chosen]))
            .values(released_at=now, effective_at=effective_at)
        )
        data = {"token": token, "decisions": [row.id for row in chosen], "effective_at": effective_at.isoformat()}
        note_on_call(connection, call_id, "decisions_released", viewer, data)
    return Released(len(chosen), effective_at)


def recall_decisions(viewer: Viewer, *, slug: str, effective_at: datetime) -> Recalled:
    """Take back the decisions of a call that were to take effect at a moment; those become prepared ones again.

    Raises:
        NoSuchCall: unknown, or not the viewer's.
    """
    with transaction() as connection:
        call_id = lock_call(connection, viewer, slug)
        of_call = select(Application.submission_id).where(Application.call_id == call_id)
        together = (Decision.submission_id.in_(of_call), Decision.effective_at == effective_at)
        recalled = connection.execute(
            update(Decision).where(*together, Decision.applied_at.is_(None)).values(released_at=None, effective_at=None)
        ).rowcount
        gone = connection.scalar(
            select(func.count()).select_from(Decision).where(*together, Decision.applied_at.is_not(None))
        )
        if recalled:
            note_on_call(connection, call_id, "decisions_recalled", viewer, {"recalled": recalled, "gone": gone})
    return Recalled(recalled, gone or 0)


def apply_due_decisions(*, limit: int = 50) -> int:
    """Let the decisions whose moment has come take effect, each by itself; returns how many did.

    One that fails is logged and tried again; it never stops the others. Writes nothing when nothing is due.
    """
    due = db.session.execute(
        select(Decision.id, Decision.submission_id)
        .where(Decision.applied_at.is_(None), Decision.effective_at <= clock.now())
        .order_by(Decision.effective_at, Decision.id)
        .limit(limit)
    ).all()
    db.session.commit()
    applied = 0
    for row in due:
        try:
            applied += _apply(row.id, row.submission_id)
        except OperationalError:  # the database is away: the others would fare no better
            raise
        except Exception:
            db.session.rollback()
            log.exception("decision_not_applied", decision=row.id)
    return applied


def _apply(decision_id: int, submission_id: int) -> bool:
    get_directory()  # before the transaction: it may need to read
    with transaction() as connection:
        row = connection.execute(
            select(*COLUMNS, Application.stage)
            .join(Application, Application.submission_id == Submission.id)
            .where(Submission.id == submission_id)
            .with_for_update(of=Submission)
        ).one()
        now = clock.now()
        decision = connection.execute(
            update(Decision)
            .where(Decision.id == decision_id, Decision.applied_at.is_(None), Decision.effective_at <= now)
            .values(applied_at=now)
            .returning(Decision.kind, Decision.message, Decision.reply_by, Decision.prepared_by)
        ).one_or_none()
        if decision is None:  # taken back, or another worker was faster
            return False
        if row.stage not in DECIDABLE:  # the applicant has left since
            connection.execute(delete_from(Decision).where(Decision.id == decision_id))
            return False
        actor = connection.scalar(select(Account.name).where(Account.id == decision.prepared_by))
        write_change(
            connection,
            row,
            _applied(decision, now),
            actor=actor or "",
            account_id=decision.prepared_by,
            token=None,  # a name could be taken: the applicant chooses those of their own acts
            at=now,
        )
    return True


def _applied(decision: Row[*tuple[Any, ...]], now: datetime) -> Change:
    kind: DecisionKind = decision.kind

    def also(connection: Connection, row: Row[*tuple[Any, ...]]) -> None:
        set_stage(connection, row.id, STAGE_AFTER[kind])
        if kind == "decline":
            close_requests(connection, row.id, now)

    return Change(
        "settle" if kind == "decline" else "decide",
        "decided",
        data=decision_data(kind, decision.message, decision.reply_by),
        letters=lambda row: [(LETTER_OF[kind], sender_of(row))],
        also=also,
    )


def _known_release(connection: Connection, call_id: int, token: str) -> Released | None:
    releases = connection.scalars(
        select(CallEvent.data).where(CallEvent.call_id == call_id, CallEvent.kind == "decisions_released")
    )
    known = next((data for data in releases if data["token"] == token), None)
    return Released(len(known["decisions"]), datetime.fromisoformat(known["effective_at"])) if known else None


def _lock_chosen(
    connection: Connection, viewer: Viewer, call_id: int, seen: Collection[str]
) -> list[Row[*tuple[Any, ...]]]:
    rows = connection.execute(
        select(
            Decision.id,
            Decision.prepared_at,
            Decision.reply_by,
            Submission.reference,
            Application.stage,
        )
        .join(Submission, Submission.id == Decision.submission_id)
        .join(Application, Application.submission_id == Decision.submission_id)
        .where(
            Application.call_id == call_id,
            Decision.applied_at.is_(None),
            Decision.released_at.is_(None),
            not_(closed_to(viewer)),
        )
        .order_by(Decision.id)
        .with_for_update(of=Decision)
    ).all()
    chosen = [row for row in rows if mark_of(row) in set(seen) and row.stage in DECIDABLE]
    if len(chosen) != len(set(seen)):
        raise DecisionChanged
    return chosen
