"""What an invitation to an interview may propose. Pure."""

from collections.abc import Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

MAX_SLOTS = 8
SHORTEST_MINUTES, LONGEST_MINUTES = 5, 480


def check_invitation(slots: Sequence[datetime], minutes: int, reply_by: datetime, now: datetime) -> None:
    """See that an invitation can be kept.

    Raises:
        ValueError: no times or too many, one that has passed, a length that is not sensible, or a deadline that
            has passed or comes after the first of the times.
    """
    if not 1 <= len(slots) <= MAX_SLOTS:
        raise ValueError("one to eight times")
    if any(slot <= now for slot in slots):
        raise ValueError("a time has passed")
    if not SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES:
        raise ValueError("minutes")
    if not now < reply_by < min(slots):
        raise ValueError("the deadline to choose must lie ahead, and before the first time")


def local_moment(day: date, at: time, zone: ZoneInfo) -> datetime | None:
    """The moment at which clocks in the zone show this; ``None`` when they leap over it in spring.

    A time that comes twice in autumn is taken as the first.
    """
    local = datetime.combine(day, at, tzinfo=zone)
    moment = local.astimezone(ZoneInfo("UTC"))
    return moment if moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None) else None


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The last minute of a day in the zone, as deadlines of whole days are meant."""
    return datetime.combine(day, time(23, 59, 59), tzinfo=zone).astimezone(ZoneInfo("UTC"))
