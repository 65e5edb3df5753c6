"""The reserve list of a call: its order, which a person writes, and what happens when a place becomes free.

Software follows that order and no further: it prepares the next offer, and a person sends it.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Connection

from portal import clock
from portal.database import insert_for, transaction
from portal.i18n import gettext, speaking
from portal.models import Account, Application, Call, CallEvent, Decision
from portal.models.letters import LetterKind
from portal.operations.outgoing import enqueue_letters
from portal.queries.calls import NoSuchCall
from portal.queries.decisions import reserve_list
from portal.queries.directory import Mailbox, mailboxes_of_lead
from portal.queries.editions import content
from portal.queries.scope import closed_to, leads
from portal.rules.decisions import usual_deadline
from portal.rules.policy import Viewer


class ReserveChanged(Exception):
    """Somebody changed the reserve list since the viewer looked."""


def move_reserve(viewer: Viewer, *, slug: str, order: list[int], decision_id: int, up: bool) -> None:
    """Move one place up or down on the reserve list; at the end of the list nothing happens. Doing it twice is once.

    Args:
        viewer: who does it; it is noted with the call.
        slug: the call.
        order: ids of the reserve decisions as they were seen.
        decision_id: which of them moves.
        up: towards the first place.

    Raises:
        NoSuchCall: unknown, or not the viewer's.
        ReserveChanged: the list is another by now, or whoever moves is one whom the viewer reviews and may not see.
    """
    wanted = _moved(order, decision_id, up=up)
    with transaction() as connection:
        call_id = lock_call(connection, viewer, slug)
        rows = connection.execute(reserve_list(call_id).add_columns(closed_to(viewer).label("closed"))).all()
        if any(row.closed and row.id == decision_id for row in rows):
            raise ReserveChanged
        present = [row.id for row in rows]
        if present == wanted and wanted != order:
            return
        if present != order:
            raise ReserveChanged
        for rank, known_id in enumerate(wanted, start=1):
            connection.execute(update(Decision).where(Decision.id == known_id).values(rank=rank))
        note_on_call(connection, call_id, "reserve_ordered", viewer, {"decisions": wanted})


def end_decisions(connection: Connection, submission_id: int, at: datetime) -> None:
    """The applicant leaves: what is prepared is dropped, an open offer counts as declined and its place is free.

    Inside the transaction of another operation, which has locked the submission and noted its new stage: who
    leaves must not be found on the reserve list.
    """
    call_id = connection.scalar(select(Application.call_id).where(Application.submission_id == submission_id))
    # The call first, then decisions: whoever sends or orders decisions takes them in the same order.
    connection.execute(select(Call.id).where(Call.id == call_id).with_for_update())
    dropped = connection.scalars(
        delete(Decision)
        .where(Decision.submission_id == submission_id, Decision.applied_at.is_(None))
        .returning(Decision.kind)
    ).all()
    refused = connection.execute(
        update(Decision)
        .where(
            Decision.submission_id == submission_id,
            Decision.kind == "offer",
            Decision.applied_at.is_not(None),
            Decision.answer.is_(None),
        )
        .values(answer="declined", answered_at=at)
    )
    if refused.rowcount or "offer" in dropped:
        free_place(connection, submission_id, at)


def free_place(connection: Connection, submission_id: int, at: datetime) -> None:
    """A place of the application's call is free: prepare an offer to the first on the reserve list, tell the lead.

    Nothing is sent to anybody else. Inside the transaction of another operation, which has settled the application.
    """
    call = connection.execute(
        select(Call.id, Call.lead_id)
        .join(Application, Application.call_id == Call.id)
        .where(Application.submission_id == submission_id)
        .with_for_update(of=Call)
    ).one()
    spoken = connection.scalars(select(Account.language).where(Account.id == call.lead_id)).one()
    with speaking(spoken):
        reason = gettext("A place became free, and this applicant is the first on the reserve list.")
    for row in connection.execute(reserve_list(call.id)).all():
        if row.applied_at is None or row.next_kind is not None:
            continue  # not told yet, or something is prepared already
        offer = {
            "submission_id": row.submission_id,
            "kind": "offer",
            "reason": reason,
            "message": "",
            "reply_by": usual_deadline(at, content().organisation.zone),
            "prepared_at": at,
            "prepared_by": call.lead_id,
        }
        if add_decision(connection, offer):
            break
    letters: list[tuple[LetterKind, Mailbox]] = [
        ("reserve_moves_up", mailbox) for mailbox in mailboxes_of_lead(submission_id)
    ]
    enqueue_letters(connection, call_id=call.id, letters=letters, at=at)


def add_decision(connection: Connection, values: dict[str, Any]) -> bool:
    """Store a prepared decision, unless somebody has just prepared another about the same application."""
    insertion = insert_for(connection)(Decision).values(**values).on_conflict_do_nothing().returning(Decision.id)
    return connection.scalar(insertion) is not None


def lock_call(connection: Connection, viewer: Viewer, slug: str) -> int:
    """Lock a call that the viewer keeps, and return its id.

    Raises:
        NoSuchCall: unknown, or not the viewer's.
    """
    call_id = connection.scalar(select(Call.id).where(Call.slug == slug, leads(viewer)).with_for_update())
    if call_id is None:
        raise NoSuchCall
    return call_id


def note_on_call(connection: Connection, call_id: int, kind: str, viewer: Viewer, data: dict[str, Any]) -> None:
    """Write down what somebody did with the decisions of a call."""
    connection.execute(
        insert(CallEvent).values(
            call_id=call_id, kind=kind, at=clock.now(), account_id=viewer.account_id, actor=viewer.name, data=data
        )
    )


def _moved(order: list[int], decision_id: int, *, up: bool) -> list[int]:
    if decision_id not in order:
        raise ReserveChanged
    place = order.index(decision_id)
    other = place - 1 if up else place + 1
    wanted = list(order)
    if 0 <= other < len(order):
        wanted[place], wanted[other] = wanted[other], wanted[place]
    return wanted
