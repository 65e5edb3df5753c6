"""What a lead asks of applicants, for tests: the case as it was seen, corrections, invitations."""

import io
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from portal import clock
from portal.database import db
from portal.models import Submission
from portal.operations.attachments import stage_file
from portal.operations.corrections import ask_correction
from portal.operations.door import SeenCase
from portal.operations.interviews import choose_slot, invite_to_interview
from portal.operations.receiving import Received
from portal.queries.process import find_process
from portal.rules.policy import Viewer
from portal.rules.uploads import StagedFile
from tests.internships import apply, make_call


def seen(received: Received) -> SeenCase:
    """The case as it is now, seen by somebody about to act; needs an application context."""
    version = db.session.query(Submission.version).where(Submission.id == received.submission_id).scalar()
    db.session.rollback()
    return SeenCase(received.reference, version, secrets.token_urlsafe(18))


def ask(viewer: Viewer, received: Received, *fields: str, days: float = 7, reason: str = "The dates differ.") -> None:
    """Ask for a correction of the named answers."""
    ask_correction(viewer, case=seen(received), fields=fields, reason=reason, due_at=clock.now() + timedelta(days=days))


def slots(*days: float) -> list[datetime]:
    """Moments that many days ahead, to the minute."""
    return [(clock.now() + timedelta(days=day)).replace(second=0, microsecond=0) for day in days]


def invite(viewer: Viewer, received: Received, *, message: str = "We liked what you wrote.") -> list[datetime]:
    """Invite to an interview at one of three times; returns them."""
    proposed = slots(5, 6, 7)
    invite_to_interview(
        viewer,
        case=seen(received),
        slots=proposed,
        minutes=30,
        place="Sepänkatu 4, Jyväskylä",
        message=message,
        reply_by=clock.now() + timedelta(days=3),
    )
    return proposed


def a_file(purpose: str, text: str = "Hello\n") -> StagedFile:
    """A small text document, stored and judged; needs an application context."""
    staged = stage_file(stream=io.BytesIO(text.encode()), filename=f"{purpose}.txt")
    return replace(staged, purpose=purpose)


@dataclass(frozen=True)
class AskedApplications:
    """Three applications to one call: one that nobody was asked about, one that is asked for everything that can be
    asked, and one with a booked interview and an open correction.
    """

    fresh: Received
    asked: Received
    booked: Received
    slot: datetime


def ask_applicants(lead: Viewer) -> AskedApplications:
    """A call of the lead's with such applications; needs an application context."""
    call = make_call(lead.account_id)
    fresh, asked, booked = (apply(call, email=f"asked{number}@example.org") for number in range(3))
    for received in (asked, booked):
        ask(lead, received, "weeks")
        times = invite(lead, received)
    choose_slot(submission_id=booked.submission_id, slot=times[0])
    process = find_process(asked.submission_id)
    assert process is not None
    assert process.interview is not None
    return AskedApplications(fresh, asked, booked, datetime.fromisoformat(process.interview.slots[0]))
