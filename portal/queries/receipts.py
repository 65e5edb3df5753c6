"""What a receipt shows, and the sender's way back in."""

import hmac
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, exists, select

from portal import settings
from portal.database import db
from portal.models import Letter, Submission
from portal.rules.references import access_code, code_hash, parse_reference


@dataclass(frozen=True)
class Receipt:
    """A submission with the access code that only its sender is shown."""

    row: Row[*tuple[Any, ...]]
    code: str
    mailed: bool


def find_receipt(submission_id: int) -> Receipt | None:
    """The receipt of a submission."""
    mailed = exists().where(
        Letter.submission_id == Submission.id, Letter.kind.in_(("inquiry_received", "application_received"))
    )
    row = db.session.execute(
        select(*Submission.__table__.c, mailed.label("mailed")).where(Submission.id == submission_id)
    ).one_or_none()
    if row is None:
        return None
    return Receipt(row, access_code(settings.current().secret_bytes, row.token), row.mailed)


_NOBODYS_HASH = "0" * 64


def find_submission_of(reference: str, code: str) -> int | None:
    """The submission that reference and access code open.

    An unknown reference and a wrong code give the same answer in the same time: one look-up, one comparison.
    """
    row = db.session.execute(
        select(Submission.id, Submission.code_hash).where(Submission.reference == (parse_reference(reference) or ""))
    ).one_or_none()
    expected = row.code_hash if row is not None else _NOBODYS_HASH
    matches = hmac.compare_digest(expected, code_hash(settings.current().secret_bytes, code))
    return row.id if row is not None and matches else None
