"""Documents that an applicant sends after the application."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.engine import Connection

from portal import clock
from portal.content.calls import CallDocument
from portal.models import Application, Attachment, Call
from portal.operations.door import CaseRow, Change, Letters, act_as_sender, sender_of
from portal.operations.receiving import file_values
from portal.operations.telling import told_about
from portal.rules.documents import MAX_DOCUMENTS, missing, open_documents
from portal.rules.uploads import StagedFile


class DocumentsClosed(Exception):
    """Documents of this kind cannot be sent (any more)."""


class TooManyDocuments(Exception):
    """The application has as many documents as it may have."""


def add_documents(*, submission_id: int, token: str, files: tuple[StagedFile, ...]) -> None:
    """Add documents to an application. Holder and lead are told, and the applicant once all that is required is there.

    A repeated sending of the same files is done once.

    Raises:
        NoSuchCase: it is gone.
        DocumentsClosed: a file's purpose is not among those that may come now.
        TooManyDocuments: the application would have more than ``MAX_DOCUMENTS``.
    """
    told: Letters = []  # grows in `also`, which alone can see whether all is there now

    def letters(row: CaseRow) -> Letters:
        told.extend(told_about(row))
        return told

    def also(connection: Connection, row: CaseRow) -> None:
        application = connection.execute(
            select(Application.stage, Application.documents_due_at, Call.document)
            .join(Call, Call.id == Application.call_id)
            .where(Application.submission_id == row.id)
        ).one_or_none()
        if application is None:
            raise DocumentsClosed
        document = CallDocument.model_validate(application.document)
        there = set(purposes(connection, row.id))
        now = clock.now()
        allowed = open_documents(document, there, stage=application.stage, due_at=application.documents_due_at, now=now)
        if any(file.purpose not in allowed.all for file in files):
            raise DocumentsClosed
        keep_files(connection, row.id, files)
        if missing(document, there) and settle_documents(connection, row.id, document):
            told.append(("documents_received", sender_of(row)))

    act_as_sender(
        submission_id,
        name_of_sending(token, [], files),
        Change(
            "respond", "documents_added", data={"kinds": [file.purpose for file in files]}, letters=letters, also=also
        ),
    )


def name_of_sending(token: str, content: Any, files: Iterable[StagedFile]) -> str:
    """A name for one sending of a form with this content: the same form sent again with other words is another."""
    whole = json.dumps([token, content, sorted((file.purpose, file.sha256) for file in files)], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def keep_files(connection: Connection, submission_id: int, files: tuple[StagedFile, ...]) -> None:
    """Write down files that came later, inside the transaction of another operation.

    Raises:
        TooManyDocuments: the application would have more than ``MAX_DOCUMENTS``.
    """
    if not files:
        return
    counted = select(func.count()).select_from(Attachment).where(Attachment.submission_id == submission_id)
    if (connection.scalar(counted) or 0) + len(files) > MAX_DOCUMENTS:
        raise TooManyDocuments
    now = clock.now()
    connection.execute(insert(Attachment), [file_values(file, submission_id, now) for file in files])


def settle_documents(connection: Connection, submission_id: int, document: CallDocument) -> bool:
    """End the waiting for documents if all that is required is there; returns whether it is."""
    if missing(document, set(purposes(connection, submission_id))):
        return False
    connection.execute(
        update(Application).where(Application.submission_id == submission_id).values(documents_due_at=None)
    )
    return True


def purposes(connection: Connection, submission_id: int) -> list[str]:
    """What the files of an application are, inside a transaction."""
    return list(connection.scalars(select(Attachment.purpose).where(Attachment.submission_id == submission_id)))
