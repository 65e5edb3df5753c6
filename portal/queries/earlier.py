"""What came before an application: the same sending, or another one by the same person to the same call."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from portal.database import db
from portal.models import Application, Submission
from portal.rules.applications import ENDED, Stage


@dataclass(frozen=True)
class Earlier:
    """An application to the same call that still runs. ``email`` is in small letters."""

    id: int
    reference: str
    received_at: datetime
    email: str
    stage: Stage


def find_sent(token: str) -> int | None:
    """The application that a form of this name has become."""
    return db.session.scalar(select(Submission.id).where(Submission.token == token, Submission.kind == "internship"))


def find_earlier(submission_id: int, call_id: int) -> Earlier | None:
    """A submission as an application to the call that can still be replaced; the caller has proved it is theirs."""
    row = db.session.execute(
        _EARLIER.where(Submission.id == submission_id, Application.call_id == call_id, Application.stage.not_in(ENDED))
    ).one_or_none()
    return _as_earlier(row) if row is not None else None


_EARLIER = select(
    Submission.id, Submission.reference, Submission.received_at, Application.email_key, Application.stage
).join(Application, Application.submission_id == Submission.id)


def _as_earlier(row: Row[*tuple[Any, ...]]) -> Earlier:
    return Earlier(row.id, row.reference, row.received_at, row.email_key, row.stage)
