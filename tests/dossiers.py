"""An application on which everything has happened, for tests of what leaves the house."""

import hashlib
import io
import secrets
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import insert

from portal import clock
from portal.database import transaction
from portal.gateways.storage import Files
from portal.models import Correction, Decision, Event, Interview, Review
from portal.operations.receiving import Received
from portal.queries.calls import StoredCall
from portal.rules.uploads import StagedFile
from tests.internships import apply

PDF = b"%PDF-1.7\n" + b"A page of an invented curriculum.\n" * 50


def a_file(name: str = "cv.pdf", content: bytes = PDF, *, mime: str = "application/pdf", **values: Any) -> StagedFile:
    """A file in the store as if the judge had let it in. Needs an application context."""
    store: Files = current_app.extensions["yhteys.files"]
    stored = store.save(io.BytesIO(content), 100_000_000)
    return StagedFile(
        **{
            "key": stored.key,
            "name": name,
            "mime": mime,
            "size_bytes": stored.size,
            "sha256": hashlib.sha256(content).hexdigest(),
            "purpose": "cv",
            **values,
        }
    )


def apply_with(call: StoredCall, *files: StagedFile, **values: Any) -> Received:
    """Send an application with files; ``values`` are answers."""
    return apply(call, command={"files": files}, **values)


def add_review(submission_id: int, account_id: int, *, finished: bool = True, **values: Any) -> None:
    now = clock.now()
    with transaction() as connection:
        connection.execute(
            insert(Review).values(
                **{
                    "submission_id": submission_id,
                    "account_id": account_id,
                    "conflict": "none",
                    "declared_at": now,
                    "scores": {
                        "fit": {"score": 4, "why": "Has mapped partners before."},
                        "languages": {"score": 3, "why": "No Finnish yet."},
                    },
                    "comment": "Calm and curious.",
                    "changed_at": now,
                    "finished_at": now if finished else None,
                    **values,
                }
            )
        )


def add_message(submission_id: int, body: str, *, account_id: int | None = None, actor: str = "Noor Example") -> None:
    with transaction() as connection:
        connection.execute(
            insert(Event).values(
                submission_id=submission_id,
                kind="replied" if account_id else "sender_replied",
                at=clock.now(),
                account_id=account_id,
                actor=actor,
                body=body,
                data={},
                token=secrets.token_hex(8),
            )
        )


def let_all_happen(submission_id: int, account_id: int) -> None:
    """A correction that was answered, an interview with a chosen time, an offer in force, a decision in preparation."""
    now = clock.now()
    with transaction() as connection:
        connection.execute(
            insert(Correction).values(
                submission_id=submission_id,
                fields=["motivation", "questions.why", "documents.cv"],
                reason="The second page is empty.",
                asked_at=now,
                asked_by=account_id,
                due_at=now + timedelta(days=3),
                before={"motivation": "An earlier motivation."},
                answered_at=now,
                cancelled_at=None,
            )
        )
        connection.execute(
            insert(Interview).values(
                submission_id=submission_id,
                uid=f"{secrets.token_hex(8)}@example.org",
                slots=[now.isoformat(), (now + timedelta(days=1)).isoformat()],
                minutes=45,
                place="Room Päijänne, or by video",
                message="We look forward to meeting you.",
                invited_at=now,
                invited_by=account_id,
                reply_by=now + timedelta(days=2),
                chosen_slot=now + timedelta(days=1),
                chosen_at=now,
                cancelled_at=None,
            )
        )
        decision = {
            "submission_id": submission_id,
            "kind": "offer",
            "reason": "The best fit with the tasks.",
            "message": "Welcome to us.",
            "rank": None,
            "reply_by": now + timedelta(days=7),
            "prepared_at": now,
            "prepared_by": account_id,
            "released_at": now,
            "effective_at": now,
            "applied_at": now,
            "answer": "declined",
            "answered_at": now,
        }
        connection.execute(insert(Decision).values(**decision))
        pending = dict.fromkeys(("released_at", "effective_at", "applied_at", "answer", "answered_at", "reply_by"))
        connection.execute(
            insert(Decision).values(
                **{**decision, **pending, "kind": "reserve", "reason": "Nobody has seen this yet.", "rank": 1}
            )
        )
