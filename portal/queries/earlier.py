"""What came before an application: the same sending, or another one by the same person to the same call."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, select

from portal import clock
from portal.database import db
from portal.models import Application, Decision, Interview, Submission
from portal.rules.applications import ENDED, Stage


@dataclass(frozen=True)
class Earlier:
    """An application to the same call that still runs. ``email`` is in small letters.

    ``replaceable`` says whether another may still take its place.
    """

    id: int
    reference: str
    received_at: datetime
    email: str
    stage: Stage
    replaceable: bool


def find_sent(token: str, *, within: timedelta | None = None) -> int | None:
    """The application that a form of this name has become; ``within`` leaves out what was stored longer ago."""
    sent = select(Submission.id).where(Submission.token == token, Submission.kind == "internship")
    if within is not None:
        sent = sent.where(Submission.received_at > clock.now() - within)
    return db.session.scalar(sent)


def find_earlier(submission_id: int, call_id: int) -> Earlier | None:
    """A submission as an application to the call that still runs; the caller has proved it is theirs."""
    row = db.session.execute(
        _EARLIER.where(Submission.id == submission_id, Application.call_id == call_id, Application.stage.not_in(ENDED))
    ).one_or_none()
    return _as_earlier(row) if row is not None else None


def can_be_replaced() -> ColumnElement[bool]:
    """Whether nothing was promised about an application yet: no interview stands, no decision was let go.

    Else a new application would end an offer, or drop an interview, that nobody said no to.
    """
    return and_(
        Application.stage.in_(("received", "shortlisted")),
        ~exists().where(Decision.submission_id == Application.submission_id, Decision.released_at.is_not(None)),
        ~exists().where(Interview.submission_id == Application.submission_id, Interview.cancelled_at.is_(None)),
    )


_EARLIER = select(
    Submission.id,
    Submission.reference,
    Submission.received_at,
    Application.email_key,
    Application.stage,
    can_be_replaced().label("replaceable"),
).join(Application, Application.submission_id == Submission.id)


def _as_earlier(row: Row[*tuple[Any, ...]]) -> Earlier:
    return Earlier(row.id, row.reference, row.received_at, row.email_key, row.stage, bool(row.replaceable))
