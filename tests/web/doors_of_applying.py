"""Doors of applying: the form and its draft, reading a CV, and what came a few minutes too late."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import update

from portal import clock
from portal.database import transaction
from portal.models import Call
from portal.operations.drafts import begin_draft, save_draft
from portal.operations.late import hand_in_late
from portal.queries.calls import StoredCall
from portal.queries.drafts import StoredDraft, find_draft
from portal.rules.policy import Permission
from portal.rules.profiles import Profile
from portal.web.public.cv_form import Found
from tests.internships import answers, make_call
from tests.web.doors import People, Places, Table

DOORS: Table = {
    "public.application_receipt": "public",
    "public.apply": "public",
    "public.apply_check": "public",
    "public.apply_step": "public",
    "public.draft_saved": "public",
    "public.forget_draft": "public",
    "public.open_draft": "public",
    "public.prefill": "public",
    "public.resume_draft": "public",
    "public.save_step": "public",
    "public.send_application": "public",
    "public.take_cv": "public",
    "workspace.admit_late": Permission.LEAD_CALLS,
    "workspace.late_applications": Permission.LEAD_CALLS,
    "workspace.refuse_late": Permission.LEAD_CALLS,
}


@dataclass(frozen=True)
class Applying:
    """A draft that can be sent, a call that nobody here has begun to answer, and one with two late applications."""

    draft: StoredDraft
    untouched: StoredCall
    closed: StoredCall
    late: tuple[StoredDraft, StoredDraft]

    def places(self) -> Places:
        begun, closed, key = {"slug": self.draft.call.slug}, {"slug": self.closed.slug}, {"key": self.draft.key}
        first, second = self.late
        return {
            "public.apply": begun,
            "public.apply_check": begun,
            "public.apply_step": {**begun, "step": "you"},
            "public.draft_saved": begun,
            "public.forget_draft": begun,
            "public.open_draft": key,
            "public.prefill": {"slug": self.untouched.slug},
            "public.resume_draft": key,
            "public.save_step": {**begun, "step": "you"},
            "public.send_application": begun,
            "public.take_cv": {"slug": self.untouched.slug},
            "workspace.admit_late": {**closed, "draft_id": first.id},
            "workspace.late_applications": closed,
            "workspace.refuse_late": {**closed, "draft_id": second.id},
        }

    def filled(self, endpoint: str, token: str) -> dict[str, Any]:
        return {
            "public.open_draft": {"code": self.draft.code},
            "public.save_step": {"name": "Ada", "email": "ada@example.org", "contact_language": "en"},
            "public.send_application": {"token": self.draft.token},
            # What the page that shows a CV's contents carries.
            "public.take_cv": {
                "seal": Found("cv.xml", Profile(name="Noor Example"), None, None, token).sealed(),
                "use": "name",
            },
        }.get(endpoint, {})


def furnish(people: People) -> Applying:
    """What somebody who applies has begun with Koponen's calls; needs an application context."""
    call, untouched, closed = (make_call(people["koponen"].account_id) for _ in range(3))
    late = (a_draft(closed), a_draft(closed))
    with transaction() as connection:
        ends = {"closes_at": clock.now() - timedelta(minutes=5)}
        connection.execute(update(Call).where(Call.id == closed.id).values(**ends))
    for one in late:
        hand_in_late(draft=one)
    return Applying(a_draft(call), untouched, closed, late)


def a_draft(call: StoredCall) -> StoredDraft:
    """A draft that can be sent; needs an application context."""
    draft_id = begin_draft(call_id=call.id, language="en")
    save_draft(draft_id=draft_id, answers=answers(), files=())
    draft = find_draft(draft_id)
    assert draft is not None
    return draft
