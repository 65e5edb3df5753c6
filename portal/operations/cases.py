"""What a manager does with a case. Every act goes through the one door (``portal.operations.door``)."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from portal.models import Application
from portal.operations.door import (
    EVENT_OF,
    CaseRow,
    Change,
    Letters,
    SeenCase,
    act_as_sender,
    act_on_case,
    sender_of,
)
from portal.queries.directory import get_directory, mailboxes_of
from portal.queries.editions import content
from portal.rules.applications import ENDED
from portal.rules.policy import Viewer
from portal.rules.routing import route
from portal.rules.states import CaseAct, NotPossible


class NothingChanges(ValueError):
    """A hand-over to where the case already is."""


class UnknownHolder(ValueError):
    """There is no such manager."""


class NotDecidedYet(NotPossible):
    """An application ends by a decision or by its applicant's leaving, not by closing its case."""


def reply_to_sender(viewer: Viewer, *, case: SeenCase, body: str, closing: bool = False) -> None:
    """Answer the sender by letter, and close the case when ``closing``.

    Raises:
        NoSuchCase, CaseChanged, NotPossible; NotDecidedYet when closing an application that has not ended.
    """
    _act(
        viewer,
        case,
        "reply",
        body=body,
        letters=lambda row: [("inquiry_answered", sender_of(row))],
        then_close=closing,
        also=_check_ended if closing else _nothing_more,
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

    def fields(row: CaseRow) -> dict[str, Any]:
        if row.topic == decision.topic:
            raise NothingChanges
        return {"topic": decision.topic, "holder": decision.holder}

    def letters(row: CaseRow) -> Letters:
        told: Letters = [("inquiry_moved", sender_of(row))]
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

    def fields(row: CaseRow) -> dict[str, Any]:
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
        NoSuchCase, CaseChanged, NotPossible; NotDecidedYet for an application that has not ended.
    """
    _act(
        viewer,
        case,
        "close",
        letters=lambda row: [("inquiry_closed", sender_of(row))] if tell_sender else [],
        also=_check_ended,
    )


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
        SaidAlready: this sending arrived before, with another text.
    """

    def letters(row: CaseRow) -> Letters:
        return [("sender_answered", mailbox) for mailbox in mailboxes_of(row.holder)]

    act_as_sender(submission_id, token, _change("sender_reply", body=body, letters=letters))


def _check_ended(connection: Connection, row: CaseRow) -> None:
    stage = connection.scalar(select(Application.stage).where(Application.submission_id == row.id))
    if stage is not None and stage not in ENDED:
        raise NotDecidedYet("close", stage)


def _nothing_more(_connection: Connection, _row: CaseRow) -> None:
    return


def _act(viewer: Viewer, case: SeenCase, act: CaseAct, **values: Any) -> None:
    act_on_case(viewer, case, _change(act, **values))


def _change(act: CaseAct, **values: Any) -> Change:
    return Change(act, EVENT_OF[act], **values)
