"""The documents of an application."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from portal.database import db
from portal.models import Attachment


@dataclass(frozen=True)
class Document:
    """A file of an application; ``purpose`` is its ``DocumentKind``."""

    id: int
    name: str
    purpose: str
    size_bytes: int
    stored_at: datetime


def list_documents(submission_id: int) -> Sequence[Document]:
    """The documents of an application in the order they came; who calls has checked whose it is."""
    return [
        Document(*row)
        for row in db.session.execute(
            select(Attachment.id, Attachment.name, Attachment.purpose, Attachment.size_bytes, Attachment.stored_at)
            .where(Attachment.submission_id == submission_id)
            .order_by(Attachment.id)
        )
    ]
