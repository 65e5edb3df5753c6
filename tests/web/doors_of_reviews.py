"""Doors of reviewing: a reviewer's duties, and the lead's tables and pages of applications."""

import io
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from portal.database import db
from portal.models import Attachment
from portal.operations.attachments import stage_file
from portal.operations.door import SeenCase
from portal.operations.receiving import Received
from portal.operations.reviews import WrittenReview, declare_no_conflict, finish_review
from portal.operations.shortlist import shortlist_application
from portal.queries.reviews import get_reviewable
from portal.rules.policy import Permission, Viewer
from tests.internships import apply, make_call
from tests.web.doors import People, Places, Table

DOORS: Table = {
    "workspace.application": Permission.LEAD_CALLS,
    "workspace.application_file": Permission.LEAD_CALLS,
    "workspace.call_applications": Permission.LEAD_CALLS,
    "workspace.call_summary": Permission.LEAD_CALLS,
    "workspace.declare": Permission.REVIEW,
    "workspace.reopen_review": Permission.REVIEW,
    "workspace.review": Permission.REVIEW,
    "workspace.review_file": Permission.REVIEW,
    "workspace.reviews": Permission.REVIEW,
    "workspace.shortlist": Permission.LEAD_CALLS,
    "workspace.step_aside": Permission.REVIEW,
    "workspace.unshortlist": Permission.LEAD_CALLS,
    "workspace.write_review": Permission.REVIEW,
}


@dataclass(frozen=True)
class Reviews:
    """Two calls of Koponen's. One has an application that came and one on the shortlist. The other is reviewed by him,
    the coordinator and the reviewer: of its applications one is open to all three, one is new, of one he will step
    aside, and of one his review is finished.
    """

    lead: Viewer
    slug: str
    came: Received
    shortlisted: Received
    opened: Received
    new: Received
    partial: Received
    done: Received
    file_of: dict[Received, int]

    def places(self) -> Places:
        led, came, opened = (
            {"slug": self.slug},
            {"reference": self.came.reference},
            {"reference": self.opened.reference},
        )
        return {
            "workspace.application": came,
            "workspace.application_file": {**came, "file_id": self.file_of[self.came]},
            "workspace.call_applications": led,
            "workspace.call_summary": led,
            "workspace.declare": {"reference": self.new.reference},
            "workspace.reopen_review": {"reference": self.done.reference},
            "workspace.review": opened,
            "workspace.review_file": {**opened, "file_id": self.file_of[self.opened]},
            "workspace.shortlist": came,
            "workspace.step_aside": {"reference": self.partial.reference},
            "workspace.unshortlist": {"reference": self.shortlisted.reference},
            "workspace.write_review": opened,
        }

    def filled(self, endpoint: str, token: str) -> dict[str, Any]:
        return {
            "workspace.shortlist": {"version": "1", "token": token, "reason": "Knows lakes"},
            "workspace.unshortlist": {"version": "2", "token": token},
            "workspace.write_review": {
                "fit-score": "4",
                "fit-reason": "Good",
                "save": "1",
                "seen": self.last_changed(self.opened).isoformat(),
            },
        }.get(endpoint, {})

    def last_changed(self, received: Received) -> Any:
        """When the lead's review of it was last changed."""
        mine = get_reviewable(self.lead, received.reference).mine
        db.session.rollback()
        assert mine is not None
        return mine.changed_at


def furnish(people: People) -> Reviews:
    """Applications under review; needs an application context."""
    lead, *others = people["koponen"], people["coordinator"], people["reviewer"]
    reviewers = (lead, *others)
    led = make_call(lead.account_id)
    reviewed = make_call(lead.account_id, reviewers=tuple(viewer.account_id for viewer in reviewers))
    file = stage_file(stream=io.BytesIO(b"Hello\n"), filename="cv.txt")
    came, shortlisted = (apply(led, email=f"led{n}@example.org", command={"files": (file,)}) for n in range(2))
    shortlist_application(lead, case=SeenCase(shortlisted.reference, 1, "shortlisting"))
    opened, new, partial, done = (
        apply(reviewed, email=f"reviewed{n}@example.org", command={"files": (file,)}) for n in range(4)
    )
    for viewer in reviewers:
        for received in (opened, done):
            declare_no_conflict(viewer, reference=received.reference)
    file_of = {}
    for received in (came, opened):
        of_case = Attachment.submission_id == received.submission_id
        file_of[received] = db.session.scalars(select(Attachment.id).where(of_case)).one()
    found = Reviews(lead, led.slug, came, shortlisted, opened, new, partial, done, file_of)
    scores = {key: {"score": 3, "why": "Good"} for key in ("fit", "languages")}
    finish_review(lead, reference=done.reference, written=WrittenReview(scores, "", found.last_changed(done)))
    return found
