"""An application that comes within half an hour after closing: handed to whoever leads the call, who decides."""

from datetime import timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection

from portal import clock
from portal.database import transaction
from portal.models import Account, Call, CallEvent, Draft, Event
from portal.operations.applications import ApplicationCommand, receive_application
from portal.operations.drafts import DraftChanged, DraftGone
from portal.operations.outgoing import enqueue_letters
from portal.operations.receiving import Received
from portal.queries.calls import NoSuchCall, get_led_call
from portal.queries.directory import Mailbox
from portal.queries.drafts import StoredDraft, find_draft, is_late_unanswered
from portal.queries.scope import leads
from portal.rules.calls import Times, is_late_but_kept
from portal.rules.policy import Viewer

LATE_LIFE = timedelta(days=30)
"""How long a late application is kept once it has been refused; until it is answered it is kept in any case."""


class TooLate(Exception):
    """The call is open, or it closed too long ago."""


class AnsweredAlready(Exception):
    """Somebody has admitted or refused it meanwhile, or it is not there any more."""


def hand_in_late(*, draft: StoredDraft, replaces: int | None = None, keeps: int | None = None) -> None:
    """Leave a finished draft to the lead of its closed call, who is told by letter; once, however often.

    Args:
        draft: as it was checked.
        replaces: the applicant's earlier submission, which this one takes the place of once it is admitted.
        keeps: the earlier submission that stays beside it.

    Raises:
        TooLate: the half hour is over, or the call is open after all.
        DraftChanged: the draft was saved since it was read.
        DraftGone: it is not there any more.
    """
    now = clock.now()
    with transaction() as connection:
        row = connection.execute(
            select(
                Draft.version,
                Draft.late_at,
                Call.id.label("call_id"),
                Call.status,
                Call.opens_at,
                Call.closes_at,
                Call.extended_to,
                Account.email,
                Account.language,
            )
            .join(Call, Call.id == Draft.call_id)
            .join(Account, Account.id == Call.lead_id)
            .where(Draft.id == draft.id)
            .with_for_update(of=Draft)
        ).one_or_none()
        if row is None:
            raise DraftGone
        if row.late_at is not None:
            return
        if row.version != draft.version:
            raise DraftChanged
        if not is_late_but_kept(Times(row.status, row.opens_at, row.closes_at, row.extended_to), now):
            raise TooLate
        connection.execute(
            update(Draft)
            .where(Draft.id == draft.id)
            .values(late_at=now, changed_at=now, expires_at=now + LATE_LIFE, replaces_id=replaces, keeps_id=keeps)
        )
        _note(connection, row.call_id, "late_arrived", draft.id, None)
        mailbox = Mailbox(row.email, row.language)
        enqueue_letters(connection, call_id=row.call_id, letters=[("late_arrived", mailbox)], at=now)


def admit_late(viewer: Viewer, *, slug: str, draft_id: int) -> Received:
    """Take a late application in as if it had come in time; it is marked late, and its arrival time stays.

    Raises:
        NoSuchCall: the call is not the viewer's to keep.
        AnsweredAlready: somebody was first.
        CallClosed: the call was decided meanwhile.
    """
    draft = find_draft(draft_id)
    if draft is None or draft.call.slug != slug or draft.late_at is None or draft.late_answer is not None:
        get_led_call(viewer, slug)
        raise AnsweredAlready
    late_at = draft.late_at

    def note(connection: Connection, submission_id: int) -> None:
        _lock_unanswered(connection, viewer, slug, draft_id)
        _note(connection, draft.call.id, "late_admitted", draft_id, viewer)
        connection.execute(
            insert(Event).values(
                submission_id=submission_id,
                kind="admitted",
                at=clock.now(),
                account_id=viewer.account_id,
                actor=viewer.name,
                data={},
            )
        )

    return receive_application(
        command=ApplicationCommand(
            token=draft.token,
            language=draft.language,
            call_id=draft.call.id,
            answers=draft.answers,
            files=draft.files,
            draft_id=draft.id,
            replaces=draft.replaces_id,
            keeps=draft.keeps_id,
            late_at=late_at,
        ),
        also=note,
    )


def refuse_late(viewer: Viewer, *, slug: str, draft_id: int) -> None:
    """Refuse a late application and tell the applicant; its draft is deleted when its time is over.

    Raises:
        NoSuchCall: the call is not the viewer's to keep.
        AnsweredAlready: somebody was first.
    """
    draft = find_draft(draft_id)
    with transaction() as connection:
        _lock_unanswered(connection, viewer, slug, draft_id)
        assert draft is not None
        connection.execute(
            update(Draft)
            .where(Draft.id == draft_id)
            .values(late_answer="refused", late_by=viewer.account_id, expires_at=clock.now() + LATE_LIFE)
        )
        _note(connection, draft.call.id, "late_refused", draft_id, viewer)
        enqueue_letters(
            connection,
            draft_id=draft_id,
            letters=[("late_refused", Mailbox(draft.answers.email, draft.language))],
            at=clock.now(),
        )


def _lock_unanswered(connection: Connection, viewer: Viewer, slug: str, draft_id: int) -> None:
    """Hold a late draft that waits for an answer, as one of two people who press a button."""
    if connection.scalar(select(Call.id).where(Call.slug == slug, leads(viewer))) is None:
        raise NoSuchCall
    waiting = (
        select(Draft.id)
        .join(Call, Call.id == Draft.call_id)
        .where(
            Draft.id == draft_id,
            Call.slug == slug,
            is_late_unanswered(),
        )
    )
    if connection.scalar(waiting.with_for_update(of=Draft)) is None:
        raise AnsweredAlready


def _note(connection: Connection, call_id: int, kind: str, draft_id: int, viewer: Viewer | None) -> None:
    """Write into the call's log who did it, and nothing of the applicant."""
    connection.execute(
        insert(CallEvent).values(
            call_id=call_id,
            kind=kind,
            at=clock.now(),
            account_id=viewer.account_id if viewer else None,
            actor=viewer.name if viewer else "",
            data={"draft": draft_id},
        )
    )
