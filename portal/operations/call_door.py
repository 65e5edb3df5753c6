"""The one door through which a call changes: it checks whose call it is and that nobody acted in the meantime."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import exists, insert, select, update
from sqlalchemy.engine import Connection

from portal import clock
from portal.database import transaction
from portal.models import Account, Application, Call, CallEvent
from portal.queries.calls import CALL_COLUMNS, NoSuchCall, StoredCall, as_stored
from portal.queries.scope import leads
from portal.rules.policy import Viewer
from portal.rules.publishing import Fault

CallEventKind = Literal[
    "created",
    "copied",
    "changed",
    "published",
    "unpublished",
    "closed_early",
    "closing_changed",
    "extended",
    "reviewer_added",
    "reviewer_removed",
    "revealed",
    "decided",
]

Reason = Literal[
    "published",
    "not_published",
    "decided",
    "has_applications",
    "questions_frozen",
    "criteria_frozen",
    "blind_frozen",
    "not_open",
    "not_closed",
    "too_early",
    "undecided",
    "not_blind",
    "no_reviewer",
    "reviews_blind",
    "late_waits",
    "offer_waits",
]


@dataclass(frozen=True)
class SeenCall:
    """The call as the viewer saw it. ``token`` names this one act, however often the form is sent."""

    slug: str
    version: int
    token: str


@dataclass(frozen=True)
class CallChange:
    """What an act writes: columns of the call, and facts of the event; plain JSON."""

    columns: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)


class CallChanged(Exception):
    """Somebody acted on the call since the viewer looked: who, what and when, and which parts are different now."""

    def __init__(self, *, actor: str, kind: str, at: datetime, parts: list[str]) -> None:
        super().__init__(f"{actor} {kind} at {at.isoformat()}")
        self.actor = actor
        self.kind = kind
        self.at = at
        self.parts = parts


class CallNotPossible(Exception):
    """The act does not go with where the call stands; ``reason`` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


class NotPublishable(Exception):
    """The call lacks something that a published one must have; ``faults`` names all of it."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(", ".join(f"{fault.path} {fault.language or ''} {fault.problem}" for fault in faults))
        self.faults = faults


Decide = Callable[[Connection, StoredCall], CallChange | None]


def act_on_call(viewer: Viewer, seen: SeenCall, kind: CallEventKind, decide: Decide) -> None:
    """Do something with a call. ``decide`` is given the locked call and may refuse by raising.

    When it returns ``None`` there is nothing to do, and nothing is written. A repeated act is done once.

    Raises:
        NoSuchCall: unknown, or somebody else's.
        CallChanged: somebody acted since the viewer looked.
    """
    with transaction() as connection:
        row = connection.execute(
            select(*CALL_COLUMNS)
            .join(Account, Account.id == Call.lead_id)
            .where(Call.slug == seen.slug, leads(viewer))
            .with_for_update(of=Call)
        ).one_or_none()
        if row is None:
            raise NoSuchCall
        if known_act(connection, viewer, seen.token) is not None:
            return
        if row.version != seen.version:
            raise _changed(connection, row.id, seen.version)
        change = decide(connection, as_stored(row))
        if change is None:
            return
        now, version = clock.now(), row.version + 1
        connection.execute(
            update(Call).where(Call.id == row.id).values(**change.columns, version=version, changed_at=now)
        )
        note(connection, row.id, kind, viewer, {**change.data, "token": seen.token, "version": version}, at=now)


def note(
    connection: Connection,
    call_id: int,
    kind: CallEventKind,
    viewer: Viewer | None,
    data: dict[str, Any],
    *,
    at: datetime,
) -> None:
    """Write down what was done with a call; without a viewer the portal itself did it."""
    connection.execute(
        insert(CallEvent).values(
            call_id=call_id,
            kind=kind,
            at=at,
            account_id=viewer.account_id if viewer else None,
            actor=viewer.name if viewer else "",
            data=data,
        )
    )


def known_act(connection: Connection, viewer: Viewer, token: str) -> int | None:
    """The call on which the viewer did the act of this name already: the button was pressed twice."""
    call_id: int | None = connection.scalar(
        select(CallEvent.call_id)
        .where(CallEvent.account_id == viewer.account_id, CallEvent.data["token"].as_string() == token)
        .limit(1)
    )
    return call_id


def has_applications(connection: Connection, call_id: int) -> bool:
    """Whether anybody has applied to the call, however it ended."""
    return bool(connection.scalar(select(exists().where(Application.call_id == call_id))))


def _changed(connection: Connection, call_id: int, seen_version: int) -> CallChanged:
    rows = connection.execute(
        select(CallEvent.actor, CallEvent.kind, CallEvent.at, CallEvent.data)
        .where(CallEvent.call_id == call_id)
        .order_by(CallEvent.id.desc())
        .limit(30)
    ).all()
    newer = [row for row in rows if row.data.get("version", 0) > seen_version] or rows[:1]
    if not newer:
        raise NoSuchCall
    parts = dict.fromkeys(part for row in reversed(newer) for part in row.data.get("parts", ()))
    return CallChanged(actor=newer[0].actor, kind=newer[0].kind, at=newer[0].at, parts=list(parts))
