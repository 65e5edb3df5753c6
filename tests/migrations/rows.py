"""A little of everything as it stood at the first migration: what every later one has to carry along."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, MetaData

_THEN = datetime(2026, 3, 2, 8, 30)  # noqa: DTZ001  (made aware where the engine has zones)

ROWS: dict[str, list[dict[str, Any]]] = {
    "accounts": [
        {
            "id": 1,
            "email": "koponen@example.org",
            "name": "Koponen",
            "password": "$argon2id$not-a-hash",
            "role": "manager",
            "manager_key": "koponen",
            "language": "fi",
            "active": True,
            "fs_uniquifier": "a" * 32,
            "created_at": _THEN,
            "password_changed_at": _THEN,
        }
    ],
    "editions": [{"number": 1, "digest": "d" * 64, "document": "{}", "published_at": _THEN}],
    "absences": [
        {
            "id": 1,
            "manager_key": "koponen",
            "first_day": date(2026, 7, 1),
            "last_day": date(2026, 7, 31),
            "created_at": _THEN,
            "created_by": 1,
        }
    ],
    "sessions": [
        {
            "token_hash": "e" * 64,
            "account_id": 1,
            "data": {"seen": ["a", "ä"]},
            "created_at": _THEN,
            "seen_at": _THEN,
            "expires_at": _THEN,
        }
    ],
    "submissions": [
        {
            "id": 1,
            "reference": "KS-2026-7F3K-9QXD",
            "token": "t" * 32,
            "code_hash": "c" * 64,
            "kind": "inquiry",
            "language": "sv",
            "topic": "erasmus",
            "holder": "koponen",
            "status": "closed",
            "version": 3,
            "edition": 1,
            "routed_topic": "erasmus",
            "routed_holder": "koponen",
            "routed_reason": "topic",
            "routed_skipped": "",
            "sender_name": "Åsa Öberg",
            "sender_email": "asa@example.org",
            "sender_organisation": "",
            "sender_telephone": "",
            "sender_country": "SE",
            "subject": "Frågor",
            "message": "Hej! 👋\n\nمرحبا",
            "received_at": _THEN,
            "changed_at": _THEN,
            "closed_at": _THEN,
        }
    ],
    "events": [
        {
            "id": 1,
            "submission_id": 1,
            "kind": "received",
            "at": _THEN,
            "account_id": None,
            "actor": "Åsa Öberg",
            "body": None,
            "data": {},
            "token": None,
        },
        {
            "id": 2,
            "submission_id": 1,
            "kind": "closed",
            "at": _THEN,
            "account_id": 1,
            "actor": "Koponen",
            "body": "Klart",
            "data": {"reason": "answered"},
            "token": "u" * 32,
        },
    ],
    "attachments": [
        {
            "id": 1,
            "submission_id": 1,
            "key": "k" * 40,
            "name": "bilaga.pdf",
            "mime": "application/pdf",
            "size_bytes": 5_000_000_000,
            "sha256": "f" * 64,
            "stored_at": _THEN,
        }
    ],
    "letters": [
        {
            "id": 1,
            "submission_id": 1,
            "event_id": 1,
            "kind": "inquiry_received",
            "recipient": "asa@example.org",
            "language": "sv",
            "status": "sent",
            "attempts": 1,
            "next_attempt_at": _THEN,
            "lease_until": None,
            "message_id": "<1@example.org>",
            "created_at": _THEN,
            "sent_at": _THEN,
            "error": None,
        }
    ],
}


def insert_rows(connection: Connection) -> None:
    """Put the rows into a database that stands at the first migration."""
    tables = MetaData()
    tables.reflect(connection)
    for name, rows in ROWS.items():
        connection.execute(tables.tables[name].insert(), rows)


def count_rows(connection: Connection) -> dict[str, int]:
    """How many rows each of those tables has now."""
    return {name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in ROWS}


EXPECTED = {name: len(rows) for name, rows in ROWS.items()}
