"""Doors of inquiries: the sender's own page, the inbox and the acts on a case, and absences."""

import io
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from portal import clock
from portal.database import db, transaction
from portal.models import Absence, Attachment, Letter
from portal.operations.absences import record_absence
from portal.operations.attachments import stage_file
from portal.operations.cases import close_case
from portal.operations.door import SeenCase
from portal.operations.receiving import Received
from portal.queries.directory import today
from portal.rules.policy import Permission
from tests.people import receive
from tests.web.doors import People, Places, Table
from tests.web.signing_in import keys_of

DOORS: Table = {
    "public.contact": "public",
    "public.leave": "public",
    "public.open_own_page": "public",
    "public.own_page": "public",
    "public.receipt": "public",
    "public.reply": "public",
    "public.send": "public",
    "public.suggest": "public",
    "public.track": "public",
    "workspace.absences": Permission.KEEP_ABSENCES,
    "workspace.add_absence": Permission.KEEP_ABSENCES,
    "workspace.case": Permission.HANDLE_CASES,
    "workspace.close": Permission.HANDLE_CASES,
    "workspace.drop_absence": Permission.KEEP_ABSENCES,
    "workspace.file": Permission.HANDLE_CASES,
    "workspace.hand_over": Permission.HANDLE_CASES,
    "workspace.inbox": Permission.HANDLE_CASES,
    "workspace.note": Permission.HANDLE_CASES,
    "workspace.reopen": Permission.HANDLE_CASES,
    "workspace.reply": Permission.HANDLE_CASES,
    "workspace.retry": Permission.HANDLE_CASES,
    "workspace.take": Permission.HANDLE_CASES,
}

ACTS = ("workspace.close", "workspace.hand_over", "workspace.note", "workspace.reply", "workspace.take")
"""What is done to a case that is open, as it came."""


@dataclass
class Cases:
    """A case of Koponen's with a file and a letter that could not be delivered, a closed one, and an absence."""

    received: Received
    file_id: int
    letter_id: int
    closed: str
    absence_id: int
    untouched: str = field(init=False)

    def __post_init__(self) -> None:
        self.untouched = self.received.reference

    def renew(self) -> None:
        """Another case of Koponen's, for acts that each want it as it came; needs an application context."""
        self.untouched = receive(email="third@example.org").reference

    def places(self) -> Places:
        case = {"reference": self.received.reference}
        return {
            "workspace.case": case,
            "workspace.drop_absence": {"absence_id": self.absence_id},
            "workspace.file": {**case, "file_id": self.file_id},
            "workspace.inbox": {"box": "mine"},
            "workspace.reopen": {"reference": self.closed},
            "workspace.retry": {**case, "letter_id": self.letter_id},
            **{act: {"reference": self.untouched} for act in ACTS},
        }

    def filled(self, endpoint: str, token: str) -> dict[str, Any]:
        day = (clock.now() + timedelta(days=50)).date().isoformat()
        fields: dict[str, Any] = {
            "public.open_own_page": keys_of(self.received),
            "public.reply": {"body": "One more word", "token": token, "case": str(self.received.submission_id)},
            "public.send": {
                "topic": "errin",
                "subject": "Subject",
                "message": "Message",
                "name": "Ada",
                "email": "new@example.org",
                "token": token,
            },
            "workspace.add_absence": {"manager": "koponen", "first_day": day, "last_day": day},
            "workspace.hand_over": {"hand_over-target": "topic:tci", "hand_over-reason": "Clusters"},
            "workspace.note": {"note-body": "Note"},
            "workspace.reply": {"reply-body": "Answer", "send": "1"},
        }.get(endpoint, {})
        if endpoint not in (*ACTS, "workspace.reopen"):
            return fields
        act = endpoint.partition(".")[2]
        return {**fields, f"{act}-version": "2" if act == "reopen" else "1", f"{act}-token": token}


def furnish(people: People) -> Cases:
    """What has come in to Koponen, and what was done with it; needs an application context."""
    koponen = people["koponen"]
    file = stage_file(stream=io.BytesIO(b"Hello\n"), filename="plan.txt")
    received = receive(files=(file,))
    of_case = Attachment.submission_id == received.submission_id
    file_id = db.session.scalars(select(Attachment.id).where(of_case)).one()
    closed = receive(email="second@example.org").reference
    close_case(koponen, case=SeenCase(closed, 1, "closing"), tell_sender=False)
    first_day = today() + timedelta(days=30)
    record_absence(koponen, manager_key="koponen", first_day=first_day, last_day=first_day + timedelta(days=1))
    to_sender = (Letter.submission_id == received.submission_id, Letter.kind == "inquiry_received")
    with transaction() as connection:
        connection.execute(update(Letter).where(*to_sender).values(status="failed", error="550 no such user"))
    return Cases(
        received,
        file_id=file_id,
        letter_id=db.session.scalars(select(Letter.id).where(*to_sender)).one(),
        closed=closed,
        absence_id=db.session.scalars(select(Absence.id)).one(),
    )
