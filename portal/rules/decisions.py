"""Deadlines of offers. Pure."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

OFFER_DAYS = 14
"""How long an applicant has to answer an offer, unless the manager says otherwise."""

LONGEST_OFFER_DAYS = 180

SHORTEST_OFFER = timedelta(hours=24)
"""An offer gives at least so much time, counted from the moment it reaches the applicant."""


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The last second of a day in a time zone; said to the minute it reads 23:59."""
    return datetime.combine(day, time(23, 59, 59), tzinfo=zone)


def usual_deadline(now: datetime, zone: ZoneInfo) -> datetime:
    """When an offer that is made now has to be answered."""
    return end_of_day(now.astimezone(zone).date() + timedelta(days=OFFER_DAYS), zone)


def gives_time(reply_by: datetime, reaches_at: datetime) -> bool:
    """Whether an offer that reaches the applicant at a moment leaves enough time to answer."""
    return reply_by - reaches_at >= SHORTEST_OFFER
