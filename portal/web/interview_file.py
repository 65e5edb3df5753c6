"""An interview as a calendar file, for both sides."""

from typing import Any

from portal.content.calls import said
from portal.gateways.interview_calendar import Appointment, write_appointment
from portal.gateways.links import public_link
from portal.i18n import gettext, language
from portal.queries.process import Process


def interview_file(process: Process, row: Any, *, link: str | None = None) -> bytes | None:
    """The calendar file of the last interview for which a time was chosen; ``None`` when there is none.

    Args:
        process: the application.
        row: its submission.
        link: where to read more; by default where the applicant enters.
    """
    interview = next((one for one in reversed(process.interviews) if one.chosen_slot is not None), None)
    if interview is None or interview.chosen_slot is None or interview.chosen_at is None:
        return None
    link = link or public_link("public.track", lang=language(), reference=row.reference)
    return write_appointment(
        Appointment(
            uid=interview.uid,
            start=interview.chosen_slot,
            minutes=interview.minutes,
            summary=gettext("Interview: %(title)s", title=said(process.call.document.title, language())),
            description=gettext("Application %(reference)s: %(link)s", reference=row.reference, link=link),
            place=interview.place,
            asked_at=interview.invited_at,
            changed_at=interview.cancelled_at or interview.chosen_at,
            cancelled=interview.cancelled_at is not None,
        )
    )
