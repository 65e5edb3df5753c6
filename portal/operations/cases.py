"""What a manager does with a case. Every act goes through one door.

The door checks that the viewer may see the case, that nobody acted since the viewer looked, and that the
act goes with the state; then writes state, event and letters together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.engine import Connection

from portal import clock
from portal.database import transaction
from portal.models import Event, Submission
from portal.models.letters import LetterKind
from portal.models.submissions import EventKind
from portal.operations.outgoing import enqueue_letters
from portal.queries.cases import COLUMNS, NoSuchCase
from portal.queries.directory import Mailbox, get_directory, mailboxes_of
from portal.queries.editions import content
from portal.queries.scope import visible_to
from portal.rules.policy import Viewer
from portal.rules.routing import route
from portal.rules.states import Act, Status, after

Letters = list[tuple[LetterKind, Mailbox]]

_EVENT: dict[Act, EventKind] = {
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


class NothingChanges(ValueError):
    """A hand-over to where the case already is."""


class UnknownHolder(ValueError):
    """There is no such manager."""


def reply_to_sender(viewer: Viewer, *, case: SeenCase, body: str, closing: bool = False) -> None:
    """Answer the sender by letter, and close the case when ``closing``.

    Raises:
        NoSuchCase, CaseChanged, NotPossible.
    """
    _act(
        viewer,
        case,
        "reply",
        body=body,
        letters=lambda row: [("inquiry_answered", _sender(row))],
        then_close=closing,
    )


def add_note(viewer: Viewer, *, case: SeenCase, body: str) -> None:
    """Keep a note that the sender never sees.

    Raises:
        NoSuchCase, CaseChanged.
    """
    _act(viewer, case, "note", body=body)


def take_case(viewer: Viewer, *, case: SeenCase) -> None:
    """Make the case one's own.

    Raises:
        NoSuchCase, CaseChanged, NotPossible; UnknownHolder for a viewer who answers no topics.
    """
    if viewer.manager_key not in content().manager_by_key:
        raise UnknownHolder
    _act(viewer, case, "take", fields=lambda _row: {"holder": viewer.manager_key})


def move_to_topic(viewer: Viewer, *, case: SeenCase, topic: str, reason: str) -> None:
    """Hand the case to whoever answers another topic; that person and the sender are told.

    Raises:
        NoSuchCase, CaseChanged, NotPossible, UnknownTopic; NothingChanges when that is its topic already.
    """
    decision = route(content(), topic=topic, absent=get_directory().absent)

    def fields(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
        if row.topic == decision.topic:
            raise NothingChanges
        return {"topic": decision.topic, "holder": decision.holder}

    def letters(row: Row[*tuple[Any, ...]]) -> Letters:
        told: Letters = [("inquiry_moved", _sender(row))]
        if decision.holder != row.holder:
            told += [("inquiry_handed_over", mailbox) for mailbox in mailboxes_of(decision.holder)]
        return told

    _act(viewer, case, "hand_over", body=reason or None, fields=fields, letters=letters)


def hand_to_manager(viewer: Viewer, *, case: SeenCase, manager_key: str, reason: str) -> None:
    """Hand the case to a colleague on the same topic; the colleague is told.

    Raises:
        NoSuchCase, CaseChanged, NotPossible, UnknownHolder; NothingChanges when the colleague has it already.
    """
    if manager_key not in content().manager_by_key:
        raise UnknownHolder

    def fields(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
        if row.holder == manager_key:
            raise NothingChanges
        return {"holder": manager_key}

    _act(
        viewer,
        case,
        "hand_over",
        body=reason or None,
        fields=fields,
        letters=lambda _row: [("inquiry_handed_over", mailbox) for mailbox in mailboxes_of(manager_key)],
    )


def close_case(viewer: Viewer, *, case: SeenCase, tell_sender: bool) -> None:
    """Close the case; the sender is told unless the viewer says otherwise.

    Raises:
        NoSuchCase, CaseChanged, NotPossible.
    """
    _act(viewer, case, "close", letters=lambda row: [("inquiry_closed", _sender(row))] if tell_sender else [])


def reopen_case(viewer: Viewer, *, case: SeenCase) -> None:
    """Open a closed case again.

    Raises:
        NoSuchCase, CaseChanged, NotPossible.
    """
    _act(viewer, case, "reopen")


def add_sender_reply(*, submission_id: int, body: str, token: str) -> None:
    """Keep what the sender writes after the receipt, wake the case, and tell its holder.

    Raises:
        NoSuchCase: it is gone.
    """
    with transaction() as connection:
        row = connection.execute(select(*COLUMNS).where(Submission.id == submission_id).with_for_update()).one_or_none()
        if row is None:
            raise NoSuchCase
        known = _known(connection, row.id, token)
        if known is not None:
            if known.body != body:
                raise SaidAlready
            return
        letters: Letters = [("sender_answered", mailbox) for mailbox in mailboxes_of(row.holder)]
        _write(connection, row, "sender_reply", None, token, body=body, letters=letters)


def _sender(row: Row[*tuple[Any, ...]]) -> Mailbox:
    return Mailbox(row.sender_email, row.language)


def _act(
    viewer: Viewer,
    case: SeenCase,
    act: Act,
    *,
    body: str | None = None,
    fields: Callable[[Row[*tuple[Any, ...]]], dict[str, Any]] = lambda _row: {},
    letters: Callable[[Row[*tuple[Any, ...]]], Letters] = lambda _row: [],
    then_close: bool = False,
) -> None:
    """The door."""
    get_directory()  # before the transaction: it may need to read
    with transaction() as connection:
        row = connection.execute(
            select(*COLUMNS).where(Submission.reference == case.reference, visible_to(viewer)).with_for_update()
        ).one_or_none()
        if row is None:
            raise NoSuchCase
        known = _known(connection, row.id, case.token)
        if known is not None and known.body == body:
            return
        if known is not None or row.version != case.version:
            raise _changed(connection, row.id)
        _write(
            connection,
            row,
            act,
            viewer,
            case.token,
            body=body,
            fields=fields(row),
            letters=letters(row),
            then_close=then_close,
        )


def _write(
    connection: Connection,
    row: Row[*tuple[Any, ...]],
    act: Act,
    viewer: Viewer | None,
    token: str,
    *,
    body: str | None,
    letters: Letters,
    fields: dict[str, Any] | None = None,
    then_close: bool = False,
) -> None:
    now = clock.now()
    status: Status = after(act, row.status)
    if then_close:
        status = after("close", status)
    changes = {name: value for name, value in (fields or {}).items() if getattr(row, name) != value}
    data: dict[str, Any] = {name: [getattr(row, name), value] for name, value in changes.items()}
    if then_close:
        data["closing"] = True
    event_id = connection.scalar(
        insert(Event)
        .values(
            submission_id=row.id,
            kind=_EVENT[act],
            at=now,
            account_id=viewer.account_id if viewer else None,
            actor=viewer.name if viewer else row.sender_name,
            body=body,
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
    enqueue_letters(connection, submission_id=row.id, event_id=event_id, letters=letters, at=now)


def _known(connection: Connection, submission_id: int, token: str) -> Row[*tuple[Any, ...]] | None:
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
