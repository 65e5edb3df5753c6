"""The one door through which a case changes.

It checks that the viewer may see the case, that nobody acted since the viewer looked, and that the act goes with
the state; then writes state, event and letters together. A use case with rows of its own writes them through
``also``, inside the same transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.engine import Connection

from portal import clock
from portal.database import transaction
from portal.models import Event, Submission
from portal.models.letters import LetterKind
from portal.models.submissions import EventKind
from portal.operations.outgoing import enqueue_letters
from portal.queries.cases import COLUMNS, NoSuchCase
from portal.queries.directory import Mailbox, get_directory
from portal.queries.scope import readable_by
from portal.rules.policy import Viewer
from portal.rules.states import Act, CaseAct, Status, after

Letters = list[tuple[LetterKind, Mailbox]]
CaseRow = Row[*tuple[Any, ...]]

EVENT_OF: dict[CaseAct, EventKind] = {
    "take": "taken",
    "reply": "replied",
    "note": "noted",
    "hand_over": "handed_over",
    "close": "closed",
    "reopen": "reopened",
    "sender_reply": "sender_replied",
}


@dataclass(frozen=True)
class SeenCase:
    """The case as the viewer saw it. ``token`` names this one act, however often the form is sent."""

    reference: str
    version: int
    token: str


class CaseChanged(Exception):
    """Somebody acted on the case since the viewer looked: who, what and when."""

    def __init__(self, *, actor: str, kind: EventKind, at: datetime) -> None:
        super().__init__(f"{actor} {kind} at {at.isoformat()}")
        self.actor = actor
        self.kind = kind
        self.at = at


class SaidAlready(Exception):
    """This sending arrived before, with another text."""


@dataclass(frozen=True)
class Change:
    """What an act does to a case. Callables are given the case's row, locked, inside the transaction.

    Attributes:
        act: decides the state that follows.
        event: what goes into the timeline.
        body: a text that a person wrote: a reply, a note, a reason.
        data: facts of the event that letters and pages need later; plain JSON.
        fields: columns of the submission that change; each is noted in the event as ``[before, after]``.
        letters: who is told.
        also: writes the rows of the use case's own, and may refuse by raising.
    """

    act: Act
    event: EventKind
    body: str | None = None
    data: dict[str, Any] | None = None
    fields: Callable[[CaseRow], dict[str, Any]] = lambda _row: {}
    letters: Callable[[CaseRow], Letters] = lambda _row: []
    also: Callable[[Connection, CaseRow], None] = lambda _connection, _row: None
    then_close: bool = False


def act_on_case(viewer: Viewer, case: SeenCase, change: Change, *, within: ColumnElement[bool] | None = None) -> None:
    """Do something with a case on behalf of a member of the staff.

    Args:
        viewer: who does it.
        case: as it was seen.
        change: what is done.
        within: the filter by viewer, where another than ``readable_by`` decides whose case it is.

    Raises:
        NoSuchCase: unknown, or not the viewer's.
        CaseChanged: somebody acted since the viewer looked.
        NotPossible: the act does not go with the state.
    """
    get_directory()  # before the transaction: it may need to read
    scope = readable_by(viewer) if within is None else within
    with transaction() as connection:
        row = connection.execute(
            select(*COLUMNS).where(Submission.reference == case.reference, scope).with_for_update()
        ).one_or_none()
        if row is None:
            raise NoSuchCase
        known = known_act(connection, row.id, case.token)
        if known is not None and known.body == change.body:
            return
        if known is not None or row.version != case.version:
            raise _changed(connection, row.id)
        write_change(connection, row, change, actor=viewer.name, account_id=viewer.account_id, token=case.token)


def act_as_sender(submission_id: int, token: str, change: Change) -> None:
    """Do something with a case on behalf of the person who sent it; a repeated act is done once.

    Raises:
        NoSuchCase: it is gone.
        SaidAlready: the act of this name was done with another text.
        NotPossible: the act does not go with the state.
    """
    get_directory()
    with transaction() as connection:
        row = connection.execute(select(*COLUMNS).where(Submission.id == submission_id).with_for_update()).one_or_none()
        if row is None:
            raise NoSuchCase
        known = known_act(connection, row.id, token)
        if known is not None:
            if known.body != change.body:
                raise SaidAlready
            return
        write_change(connection, row, change, actor=row.sender_name, account_id=None, token=token)


def write_change(
    connection: Connection,
    row: CaseRow,
    change: Change,
    *,
    actor: str,
    account_id: int | None,
    token: str | None,
    at: datetime | None = None,
) -> int:
    """Write state, event and letters of a change to a locked case; returns the event's id.

    For acts of the clock (a deadline that passed) as well, which have neither a viewer nor a token.
    """
    now = at or clock.now()
    status: Status = after(change.act, row.status)
    if change.then_close:
        status = after("close", status)
    fields = change.fields(row)
    letters = change.letters(row)
    changes = {name: value for name, value in fields.items() if getattr(row, name) != value}
    data: dict[str, Any] = {name: [getattr(row, name), value] for name, value in changes.items()}
    data.update(change.data or {})
    if change.then_close:
        data["closing"] = True
    event_id: int | None = connection.scalar(
        insert(Event)
        .values(
            submission_id=row.id,
            kind=change.event,
            at=now,
            account_id=account_id,
            actor=actor,
            body=change.body,
            data=data,
            token=token,
        )
        .returning(Event.id)
    )
    assert event_id is not None
    connection.execute(
        update(Submission)
        .where(Submission.id == row.id)
        .values(
            **changes,
            status=status,
            version=row.version + 1,
            changed_at=now,
            closed_at=(row.closed_at or now) if status == "closed" else None,
        )
    )
    change.also(connection, row)
    enqueue_letters(connection, submission_id=row.id, event_id=event_id, letters=letters, at=now)
    return event_id


def sender_of(row: CaseRow) -> Mailbox:
    """Where the sender of a case gets letters."""
    return Mailbox(row.sender_email, row.language)


def known_act(connection: Connection, submission_id: int, token: str) -> CaseRow | None:
    """The act of this name, if it was done already: the button was pressed twice, or another text was sent again."""
    return connection.execute(
        select(Event.body).where(Event.token == token, Event.submission_id == submission_id)
    ).one_or_none()


def _changed(connection: Connection, submission_id: int) -> CaseChanged:
    last = connection.execute(
        select(Event.actor, Event.kind, Event.at)
        .where(Event.submission_id == submission_id)
        .order_by(Event.id.desc())
        .limit(1)
    ).one()
    return CaseChanged(actor=last.actor, kind=last.kind, at=last.at)
