"""Preparing a decision about an application: nobody outside sees anything of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy import delete as delete_from
from sqlalchemy.engine import Connection

from portal import clock
from portal.database import transaction
from portal.models import Account, Decision, Submission
from portal.operations.reserves import add_decision
from portal.queries.cases import NoSuchCase
from portal.queries.decisions import led_application, mark_of
from portal.rules.applications import DECIDABLE, Stage
from portal.rules.applications import Decision as DecisionKind
from portal.rules.policy import Viewer


class NotDecidable(Exception):
    """The application stands where such a decision makes no sense."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.stage: Stage = stage


class DecisionChanged(Exception):
    """Somebody prepared, changed, withdrew or sent the decision since the viewer looked.

    ``actor`` and ``at`` say who prepared the one that stands now; ``actor`` is empty where there is none.
    """

    def __init__(self, *, actor: str = "", at: datetime | None = None, released: bool = False) -> None:
        super().__init__(actor)
        self.actor = actor
        self.at = at
        self.released = released


def prepare_decision(
    viewer: Viewer,
    *,
    reference: str,
    seen: str,
    kind: DecisionKind,
    reason: str,
    message: str = "",
    rank: int | None = None,
    reply_by: datetime | None = None,
) -> None:
    """Prepare a decision, or change the one that is prepared. Nobody outside is told. Doing it twice is once.

    Args:
        viewer: who decides.
        reference: the application.
        seen: the mark (``mark_of``) of the prepared decision as the viewer saw it; empty where there was none.
        kind: what is decided.
        reason: why; it stays in the house.
        message: goes into the letter, in the applicant's language.
        rank: the place on the reserve list; only of a reserve.
        reply_by: by when an offer is to be answered; only of an offer.

    Raises:
        NoSuchCase: unknown, or not the viewer's.
        NotDecidable: such a decision makes no sense at this stage.
        DecisionChanged: somebody else was at it since the viewer looked, or it was sent.
    """
    values = {
        "kind": kind,
        "reason": reason,
        "message": message,
        "rank": rank if kind == "reserve" else None,
        "reply_by": reply_by if kind == "offer" else None,
    }
    if kind == "offer" and reply_by is None:
        raise ValueError("an offer has a deadline")
    with transaction() as connection:
        row = _lock_application(connection, viewer, reference)
        if row.stage not in DECIDABLE or kind == row.stage:
            raise NotDecidable(row.stage)
        pending = _pending(connection, row.id)
        if pending is not None and all(getattr(pending, name) == value for name, value in values.items()):
            return
        _check_seen(pending, seen)
        values.update(prepared_at=clock.now(), prepared_by=viewer.account_id)
        if pending is None:
            if not add_decision(connection, {"submission_id": row.id, **values}):  # a place became free just now
                found = _pending(connection, row.id)
                raise DecisionChanged(actor=found.by if found else "", at=found.prepared_at if found else None)
            return
        changed = connection.execute(
            update(Decision).where(Decision.id == pending.id, Decision.released_at.is_(None)).values(**values)
        )
        if changed.rowcount == 0:  # it was sent a moment ago
            raise DecisionChanged(actor=pending.by, at=pending.prepared_at, released=True)


def withdraw_decision(viewer: Viewer, *, reference: str, seen: str) -> None:
    """Throw away a decision that was prepared and not sent; where it is gone already, nothing happens.

    Raises:
        NoSuchCase, DecisionChanged.
    """
    with transaction() as connection:
        row = _lock_application(connection, viewer, reference)
        pending = _pending(connection, row.id)
        if pending is None:
            return
        _check_seen(pending, seen)
        gone = connection.execute(
            delete_from(Decision).where(Decision.id == pending.id, Decision.released_at.is_(None))
        )
        if gone.rowcount == 0:
            raise DecisionChanged(actor=pending.by, at=pending.prepared_at, released=True)


def _lock_application(connection: Connection, viewer: Viewer, reference: str) -> Row[*tuple[Any, ...]]:
    row = connection.execute(led_application(viewer, reference).with_for_update(of=Submission)).one_or_none()
    if row is None:
        raise NoSuchCase
    return row


def _pending(connection: Connection, submission_id: int) -> Row[*tuple[Any, ...]] | None:
    return connection.execute(
        select(*Decision.__table__.c, Account.name.label("by"))
        .join(Account, Account.id == Decision.prepared_by)
        .where(Decision.submission_id == submission_id, Decision.applied_at.is_(None))
    ).one_or_none()


def _check_seen(pending: Row[*tuple[Any, ...]] | None, seen: str) -> None:
    if pending is None and seen:
        raise DecisionChanged
    if pending is not None and (pending.released_at is not None or mark_of(pending) != seen):
        raise DecisionChanged(actor=pending.by, at=pending.prepared_at, released=pending.released_at is not None)
