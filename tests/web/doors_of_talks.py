"""Doors of what a lead asks of applicants: corrections, interviews, documents that come later."""

import io
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from portal import clock
from portal.database import db
from portal.queries.process import find_process
from portal.rules.policy import Permission
from tests.talks import AskedApplications, ask_applicants, seen
from tests.web.doors import People, Places, Table

DOORS: Table = {
    "public.choose_interview": "public",
    "public.correct": "public",
    "public.documents": "public",
    "public.interview": "public",
    "public.interview_calendar": "public",
    "public.send_correction": "public",
    "public.send_documents": "public",
    "workspace.ask_correction": Permission.LEAD_CALLS,
    "workspace.cancel_correction": Permission.LEAD_CALLS,
    "workspace.cancel_interview": Permission.LEAD_CALLS,
    "workspace.interview_calendar": Permission.LEAD_CALLS,
    "workspace.invite": Permission.LEAD_CALLS,
    "workspace.request_correction": Permission.LEAD_CALLS,
    "workspace.send_invitation": Permission.LEAD_CALLS,
}

ASKED = ("public.choose_interview", "public.send_correction", "public.send_documents")
"""Forms of the applicant who was asked."""


@dataclass(frozen=True)
class Talks:
    """Applicants of Koponen's who were asked."""

    asked: AskedApplications

    def places(self) -> Places:
        fresh, booked = {"reference": self.asked.fresh.reference}, {"reference": self.asked.booked.reference}
        return {
            "workspace.ask_correction": fresh,
            "workspace.cancel_correction": booked,
            "workspace.cancel_interview": booked,
            "workspace.interview_calendar": booked,
            "workspace.invite": fresh,
            "workspace.request_correction": fresh,
            "workspace.send_invitation": fresh,
        }

    def filled(self, endpoint: str, token: str) -> dict[str, Any]:
        fresh = {"version": str(seen(self.asked.fresh).version), "token": token}
        booked = str(seen(self.asked.booked).version)
        case = str(self.asked.asked.submission_id)
        day, last = ((clock.now() + timedelta(days=ahead)).date().isoformat() for ahead in (40, 30))
        return {
            "public.choose_interview": {"case": case, "slot": self.asked.slot.isoformat()},
            "public.send_correction": {"case": case, "token": token, "correction": self._correction(), "weeks": "9"},
            "public.send_documents": {"case": case, "token": token, "file-cv": (io.BytesIO(b"Hello\n"), "cv.txt")},
            "workspace.cancel_correction": {"version": booked, "token": token},
            "workspace.cancel_interview": {"cancel-version": booked, "cancel-token": token},
            "workspace.request_correction": {**fresh, "answers": "weeks", "reason": "Why", "due_on": last},
            "workspace.send_invitation": {
                **fresh,
                "day_1": day,
                "time_1": "10:00",
                "minutes": "30",
                "place": "Here",
                "reply_on": last,
            },
        }.get(endpoint, {})

    def _correction(self) -> str:
        """The one that the applicant is asked for, by its number."""
        process = find_process(self.asked.asked.submission_id)
        db.session.rollback()
        assert process is not None
        return str(process.corrections[0].id)


def furnish(people: People) -> Talks:
    """Needs an application context."""
    return Talks(ask_applicants(people["koponen"]))
