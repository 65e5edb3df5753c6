"""Letters of an event, as rows of the outbox; always inside the transaction that made the event."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from sqlalchemy import insert
from sqlalchemy.engine import Connection

from portal import settings
from portal.models import Letter
from portal.models.letters import LetterKind
from portal.queries.directory import Mailbox


def enqueue_letters(
    connection: Connection,
    *,
    letters: Iterable[tuple[LetterKind, Mailbox]],
    at: datetime,
    submission_id: int | None = None,
    event_id: int | None = None,
    draft_id: int | None = None,
    call_id: int | None = None,
) -> None:
    """Put letters into the outbox in one statement; an address gets a kind once.

    They are about an event of a case, or about a draft or a call.
    """
    host = urlsplit(settings.current().public_url).hostname or "localhost"
    domain = host.encode("idna").decode()  # a header holds nothing but ASCII
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for kind, mailbox in letters:
        rows[kind, mailbox.address] = {
            "submission_id": submission_id,
            "event_id": event_id,
            "draft_id": draft_id,
            "call_id": call_id,
            "kind": kind,
            "recipient": mailbox.address,
            "language": mailbox.language,
            "status": "waiting",
            "attempts": 0,
            "next_attempt_at": at,
            "message_id": f"<{uuid4().hex}@{domain}>",
            "created_at": at,
        }
    if rows:
        connection.execute(insert(Letter), list(rows.values()))
