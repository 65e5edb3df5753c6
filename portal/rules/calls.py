"""The life of a call: when it is open, and how an outage of the portal extends it. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

CallStatus = Literal["draft", "published", "decided"]
CALL_STATUSES: tuple[CallStatus, ...] = ("draft", "published", "decided")
"""What is stored. Whether a published call is scheduled, open or closed, the clock says."""

Phase = Literal["draft", "scheduled", "open", "closed", "decided"]

OUTAGE_WINDOW = timedelta(hours=6)
"""An outage counts when it falls into this time before closing."""

SHORTEST_OUTAGE = timedelta(minutes=3)
"""Restarts are shorter; the heart beats once a minute."""

LATE_GRACE = timedelta(minutes=30)
"""For so long after closing an application that comes late is kept for the manager to admit or not."""

DOCUMENTS_GRACE = timedelta(hours=72)
"""For so long after sending a required document may follow."""


@dataclass(frozen=True)
class Times:
    """When a call opens and closes; ``closes_at`` is ``None`` for a standing open call.

    ``extended_to`` is the later closing moment after an outage.
    """

    status: CallStatus
    opens_at: datetime | None
    closes_at: datetime | None
    extended_to: datetime | None = None

    @property
    def ends_at(self) -> datetime | None:
        """The moment at which it really closes."""
        return self.extended_to or self.closes_at


def phase(times: Times, now: datetime) -> Phase:
    """Where the call stands. It is open at ``opens_at`` and closed at its end exactly."""
    if times.status != "published":
        return "draft" if times.status == "draft" else "decided"
    if times.opens_at is not None and now < times.opens_at:
        return "scheduled"
    if times.ends_at is not None and now >= times.ends_at:
        return "closed"
    return "open"


def is_late_but_kept(times: Times, now: datetime) -> bool:
    """Whether an application that comes now is late, but not too late to be kept for the manager."""
    return phase(times, now) == "closed" and times.ends_at is not None and now < times.ends_at + LATE_GRACE


def extension(times: Times, *, down_from: datetime, up_again: datetime) -> datetime | None:
    """The later closing moment that an outage earns, or ``None`` when it earns none.

    What counts is the part of the outage that falls into the six hours before the (already extended) end. A
    portal that was down when the call should have closed leaves it open for as long again after its return.
    """
    end = times.ends_at
    if times.status != "published" or end is None or up_again - down_from < SHORTEST_OUTAGE:
        return None
    if times.opens_at is not None:
        down_from = max(down_from, times.opens_at)
    lost = min(up_again, end) - max(down_from, end - OUTAGE_WINDOW)
    return max(end, up_again) + lost if lost > timedelta(0) else None
