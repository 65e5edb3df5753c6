"""Keeping an application that is being filled in: begun at the first step, saved at each, gone when abandoned."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, not_, select, update
from sqlalchemy.engine import Connection

from portal import clock, settings
from portal.database import insert_for, transaction
from portal.models import Call, Draft, Letter
from portal.operations.applications import ApplicationCommand, delete_draft, receive_application
from portal.operations.outgoing import enqueue_letters
from portal.operations.receiving import Received
from portal.queries.directory import Mailbox
from portal.queries.drafts import StoredDraft, is_late_unanswered
from portal.rules.applications import Answers
from portal.rules.references import code_hash, draft_code, draft_key, link_hash
from portal.rules.uploads import StagedFile

DRAFT_LIFE = timedelta(days=30)
"""How long a draft is kept after its last change."""

REMINDED_BEFORE = timedelta(days=7)
"""How long before its end an untouched draft is called to mind."""

_BATCH = 200


class DraftGone(Exception):
    """The draft is not there any more: it was sent, deleted, or had expired."""


class DraftChanged(Exception):
    """The draft was saved elsewhere since it was read, or is no longer the applicant's to change."""


def begin_draft(*, call_id: int, language: str, token: str | None = None) -> int:
    """Make an empty draft; returns its id. Link and code derive from its token, and only their hashes are kept.

    Args:
        call_id: the call that it answers.
        language: the one its letters are written in until the applicant chooses.
        token: its name, where a form gave one already: the same form sent twice begins one draft.

    Raises:
        DraftGone: the name was used up: by a draft of another call, or by one that has expired.
    """
    now = clock.now()
    secret = settings.current().secret_bytes
    token = token or secrets.token_urlsafe(18)
    with transaction() as connection:
        connection.execute(
            insert_for(connection)(Draft)
            .values(
                call_id=call_id,
                token=token,
                link_hash=link_hash(secret, draft_key(secret, token)),
                code_hash=code_hash(secret, draft_code(secret, token)),
                language=language,
                answers=Answers().as_data(),
                files=[],
                steps=[],
                version=1,
                created_at=now,
                changed_at=now,
                expires_at=now + DRAFT_LIFE,
            )
            .on_conflict_do_nothing(index_elements=["token"])
        )
        draft_id: int | None = connection.scalar(
            select(Draft.id).where(Draft.token == token, Draft.call_id == call_id, Draft.expires_at > now)
        )
    if draft_id is None:
        raise DraftGone
    return draft_id


def save_draft(
    *,
    draft_id: int,
    answers: Answers,
    files: Sequence[StagedFile],
    step: str | None = None,
    version: int | None = None,
) -> None:
    """Keep what was filled in so far, for another thirty days.

    Args:
        draft_id: which draft.
        answers: all of them, in place of those that were kept.
        files: all of them, with their purposes.
        step: the step that is complete now.
        version: that of the draft as it was read; ``None`` saves in any case.

    Raises:
        DraftGone: it was sent or deleted meanwhile.
        DraftChanged: it has another version, or was handed in after closing.
    """
    now = clock.now()
    with transaction() as connection:
        row = connection.execute(
            select(Draft.version, Draft.steps, Draft.language, Draft.late_at)
            .where(Draft.id == draft_id, Draft.expires_at > now)
            .with_for_update()
        ).one_or_none()
        if row is None:
            raise DraftGone
        if row.late_at is not None or version not in (None, row.version):
            raise DraftChanged
        steps = [*row.steps, step] if step and step not in row.steps else row.steps
        connection.execute(
            update(Draft)
            .where(Draft.id == draft_id)
            .values(
                answers=answers.as_data(),
                files=[asdict(file) for file in files],
                steps=steps,
                language=answers.contact_language or row.language,
                version=row.version + 1,
                changed_at=now,
                expires_at=now + DRAFT_LIFE,
            )
        )


def mail_draft_link(*, draft: StoredDraft) -> bool:
    """Send the way back to the address in the draft, once an address; returns whether a letter was written.

    Capital letters make no other address.
    """
    address = draft.answers.email
    if not address:
        return False
    with transaction() as connection:
        row = connection.execute(select(Draft.mailed_to).where(Draft.id == draft.id).with_for_update()).one_or_none()
        if row is None or (row.mailed_to or "").lower() == address.lower():
            return False
        connection.execute(update(Draft).where(Draft.id == draft.id).values(mailed_to=address))
        # One that still waits would go to an address that was mistyped.
        connection.execute(
            delete(Letter).where(Letter.draft_id == draft.id, Letter.kind == "draft_saved", Letter.status == "waiting")
        )
        enqueue_letters(
            connection, draft_id=draft.id, letters=[("draft_saved", Mailbox(address, draft.language))], at=clock.now()
        )
    return True


def discard_draft(*, draft_id: int) -> None:
    """Delete a draft, as its owner asked; one that was handed in after closing is the manager's to answer."""
    with transaction() as connection:
        late_at = connection.scalar(select(Draft.late_at).where(Draft.id == draft_id).with_for_update())
        if late_at is None:
            delete_draft(connection, draft_id)


def submit(
    *, draft: StoredDraft, replaces: int | None = None, keeps: int | None = None, wants_receipt: bool = True
) -> Received:
    """Send an application as its applicant saw it; the draft is gone with it.

    Args:
        draft: as it was checked.
        replaces: the applicant's earlier submission, which this one takes the place of.
        keeps: the earlier submission that stays beside it.
        wants_receipt: whether the receipt goes by letter, too.

    Raises:
        CallClosed: the call is not open at this moment.
        DraftChanged: the draft was saved, or handed in after closing, since it was read.
        AlreadySent: it was sent before with other answers.
    """

    def unchanged(connection: Connection, _submission_id: int) -> None:
        as_seen = select(Draft.id).where(Draft.id == draft.id, Draft.version == draft.version, Draft.late_at.is_(None))
        if connection.scalar(as_seen.with_for_update()) is None:
            raise DraftChanged

    command = ApplicationCommand(
        token=draft.token,
        language=draft.language,
        call_id=draft.call.id,
        answers=draft.answers,
        files=draft.files,
        draft_id=draft.id,
        replaces=replaces,
        keeps=keeps,
        wants_receipt=wants_receipt,
    )
    return receive_application(command=command, also=unchanged)


def remind_drafts() -> int:
    """Call to mind, once each, the untouched drafts that have a week left while their call is open."""
    now = clock.now()
    due = (
        select(Draft.id)
        .join(Call, Call.id == Draft.call_id)
        .where(
            Draft.expires_at > now,
            Draft.expires_at <= now + REMINDED_BEFORE,
            Draft.reminded_at.is_(None),
            Draft.mailed_to.is_not(None),
            Draft.late_at.is_(None),
            Call.status == "published",
            (Call.closes_at.is_(None)) | (Call.closes_at > now) | (Call.extended_to > now),
        )
        .limit(_BATCH)
    )
    reminded = 0
    while batch := _remind(due, now):
        reminded += batch
    return reminded


def delete_expired_drafts() -> int:
    """Delete drafts whose time is over, with the letters about them; their files go with the next sweep.

    One that was handed in after closing stays until it has an answer.
    """
    now = clock.now()
    deleted = 0
    while batch := _delete_expired(now):
        deleted += batch
    return deleted


def _remind(due: Select[int], now: datetime) -> int:
    with transaction() as connection:
        rows = connection.execute(
            update(Draft)
            .where(Draft.id.in_(due), Draft.reminded_at.is_(None))
            .values(reminded_at=now)
            .returning(Draft.id, Draft.mailed_to, Draft.language)
        ).all()
        for row in rows:
            mailbox = Mailbox(row.mailed_to, row.language)
            enqueue_letters(connection, draft_id=row.id, letters=[("draft_reminded", mailbox)], at=now)
    return len(rows)


def _delete_expired(now: datetime) -> int:
    with transaction() as connection:
        over = select(Draft.id).where(Draft.expires_at <= now, not_(is_late_unanswered()))
        ids = connection.scalars(over.limit(_BATCH)).all()
        if ids:
            connection.execute(delete(Letter).where(Letter.draft_id.in_(ids)))
            connection.execute(delete(Draft).where(Draft.id.in_(ids)))
    return len(ids)
