"""Receiving a submission of either kind: stored, acknowledged, and the right person told, in one commit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from portal import clock, settings
from portal.content.schema import TRIAGE
from portal.database import db, insert_for, transaction
from portal.models import Attachment, Event, Submission
from portal.models.letters import LetterKind
from portal.operations.outgoing import enqueue_letters
from portal.queries.directory import Mailbox, mailboxes_of
from portal.queries.editions import LiveEdition
from portal.rules.references import access_code, code_hash, new_reference
from portal.rules.routing import Kind, Route
from portal.rules.uploads import StagedFile  # a part of what is received

_REFERENCE_TRIES = 5


@dataclass(frozen=True)
class SubmissionCommand:
    """A submission as a person sent it. ``token`` names this one sending, however often it is repeated.

    ``data`` are facts for its first event; ``arrived_at`` is when it came, where that was before now.
    """

    token: str
    language: str
    topic: str
    subject: str
    message: str
    name: str
    email: str
    organisation: str = ""
    telephone: str = ""
    country: str = ""
    files: tuple[StagedFile, ...] = ()
    wants_receipt: bool = True
    kind: Kind = "inquiry"
    data: Mapping[str, Any] = field(default_factory=dict)
    arrived_at: datetime | None = None

    @property
    def text(self) -> str:
        """All that was written about the matter."""
        return f"{self.subject}\n{self.message}"


@dataclass(frozen=True)
class Received:
    """What was stored. ``first`` is false when the same sending had already arrived."""

    submission_id: int
    reference: str
    first: bool


class AlreadySent(Exception):
    """This sending arrived before, with another text: the person went back and wrote something new."""

    def __init__(self, reference: str) -> None:
        super().__init__(reference)
        self.reference = reference


Also = Callable[[Connection, int], None]


def receive(
    *,
    command: SubmissionCommand,
    edition: LiveEdition,
    decision: Route,
    receipt: LetterKind,
    notice: LetterKind,
    also: Also = lambda _connection, _submission_id: None,
) -> Received:
    """Store and acknowledge a submission; the receipt and the notice are in the same commit.

    A repeated sending is answered with the first one's reference.

    Args:
        command: what was sent.
        edition: the content that routed it.
        decision: where it goes.
        receipt: the letter to the sender.
        notice: the letter to whoever gets it.
        also: writes further rows about the submission of the given id, in the same transaction.

    Raises:
        AlreadySent: the sending is known and its text differs.
    """
    told: list[tuple[LetterKind, Mailbox]] = [(notice, mailbox) for mailbox in mailboxes_of(decision.holder)]
    if command.wants_receipt:
        told.insert(0, (receipt, Mailbox(command.email, command.language)))
    for attempt in range(_REFERENCE_TRIES):
        try:
            with transaction() as connection:
                received = _store(connection, command, edition, decision, told, also)
                break
        except IntegrityError as error:  # a reference that exists: three in a thousand million at a million cases
            if attempt == _REFERENCE_TRIES - 1 or "reference" not in str(error.orig):
                raise
    return received or _first_sending(command)


def _store(
    connection: Connection,
    command: SubmissionCommand,
    edition: LiveEdition,
    decision: Route,
    letters: list[tuple[LetterKind, Mailbox]],
    also: Also,
) -> Received | None:
    now = clock.now()
    values = _submission_values(command, edition, decision, now)
    submission_id = connection.scalar(_insert_submission(insert_for(connection)), values)
    if submission_id is None:
        return None
    event_id = connection.scalar(
        _INSERT_EVENT,
        {
            "submission_id": submission_id,
            "kind": "received",
            "at": command.arrived_at or now,
            "actor": command.name,
            "data": dict(command.data),
        },
    )
    assert event_id is not None
    enqueue_letters(connection, submission_id=submission_id, event_id=event_id, letters=letters, at=now)
    if command.files:
        connection.execute(insert(Attachment), [file_values(file, submission_id, now) for file in command.files])
    also(connection, submission_id)
    return Received(submission_id, values["reference"], first=True)


# Statements are built once; building and compiling one takes longer than running it.
_INSERT_EVENT = insert(Event).returning(Event.id)


@lru_cache
def _insert_submission(insert_into: Any) -> Any:
    """The insertion on an engine; a known token inserts nothing and returns nothing."""
    return insert_into(Submission).on_conflict_do_nothing(index_elements=["token"]).returning(Submission.id)


def _submission_values(
    command: SubmissionCommand, edition: LiveEdition, decision: Route, now: datetime
) -> dict[str, Any]:
    organisation = edition.content.organisation
    secret = settings.current().secret_bytes
    return {
        "reference": new_reference(organisation.reference_prefix, now.astimezone(organisation.zone).year),
        "token": command.token,
        "code_hash": code_hash(secret, access_code(secret, command.token)),
        "kind": command.kind,
        "language": command.language,
        "topic": decision.topic,
        "holder": decision.holder,
        "status": "new",
        "version": 1,
        "edition": edition.number,
        "routed_topic": command.topic or TRIAGE,
        "routed_holder": decision.holder,
        "routed_reason": decision.reason,
        "routed_skipped": ",".join(decision.skipped),
        "sender_name": command.name,
        "sender_email": command.email,
        "sender_organisation": command.organisation,
        "sender_telephone": command.telephone,
        "sender_country": command.country,
        "subject": command.subject,
        "message": command.message,
        "received_at": command.arrived_at or now,
        "changed_at": now,
    }


def file_values(file: StagedFile, submission_id: int, now: datetime) -> dict[str, Any]:
    """The row of a file that came with a submission."""
    return {
        "submission_id": submission_id,
        "key": file.key,
        "name": file.name,
        "mime": file.mime,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "purpose": file.purpose,
        "stored_at": now,
    }


def _first_sending(command: SubmissionCommand) -> Received:
    row = db.session.execute(select(Submission).where(Submission.token == command.token)).scalar_one()
    files = db.session.execute(
        select(Attachment.name, Attachment.sha256).where(Attachment.submission_id == row.id)
    ).all()
    first = (
        row.routed_topic,
        row.subject,
        row.message,
        row.sender_name,
        row.sender_email,
        row.sender_organisation,
        row.sender_telephone,
        row.sender_country,
        sorted(tuple(file) for file in files),
    )
    again = (
        command.topic,
        command.subject,
        command.message,
        command.name,
        command.email,
        command.organisation,
        command.telephone,
        command.country,
        sorted((file.name, file.sha256) for file in command.files),
    )
    if first != again:
        raise AlreadySent(row.reference)
    return Received(row.id, row.reference, first=False)
