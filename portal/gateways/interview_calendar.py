"""An interview as a calendar file (RFC 5545), for any calendar program."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MIME = "text/calendar; charset=utf-8"


@dataclass(frozen=True)
class Appointment:
    """An interview at its chosen time. ``uid`` stays the same when the time changes; ``asked_at`` is the invitation.

    ``changed_at`` is when it was chosen, chosen anew or cancelled.
    """

    uid: str
    start: datetime
    minutes: int
    summary: str
    description: str
    place: str
    asked_at: datetime
    changed_at: datetime
    cancelled: bool = False


def write_appointment(appointment: Appointment) -> bytes:
    """The calendar file; times are in UTC, which every program shows in its owner's own time.

    ``SEQUENCE`` must grow with each change: it counts the seconds from the invitation to the last change.
    """
    import icalendar

    event = icalendar.Event()
    event.add("uid", appointment.uid)
    event.add("dtstamp", appointment.changed_at.astimezone(UTC))
    event.add("last-modified", appointment.changed_at.astimezone(UTC))
    event.add("sequence", max(0, int((appointment.changed_at - appointment.asked_at).total_seconds())))
    event.add("dtstart", appointment.start.astimezone(UTC))
    event.add("dtend", appointment.start.astimezone(UTC) + timedelta(minutes=appointment.minutes))
    event.add("summary", appointment.summary)
    event.add("description", appointment.description)
    event.add("location", " ".join(appointment.place.split()))
    event.add("status", "CANCELLED" if appointment.cancelled else "CONFIRMED")
    calendar = icalendar.Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//Yhteys//Internships//EN")
    calendar.add("method", "CANCEL" if appointment.cancelled else "PUBLISH")
    calendar.add_component(event)
    return bytes(calendar.to_ical())
