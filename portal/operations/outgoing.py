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
    submission_id: int,
    event_id: int,
    letters: Iterable[tuple[LetterKind, Mailbox]],
    at: datetime,
) -> None:
    """Put the letters of an event into the outbox in one statement; an address gets a kind once."""
    host = urlsplit(settings.current().public_url).hostname or "localhost"
    domain = host.encode("idna").decode()  # a header holds nothing but ASCII
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for kind, mailbox in letters:
        rows[kind, mailbox.address] = {
            "submission_id": submission_id,
            "event_id": event_id,
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
