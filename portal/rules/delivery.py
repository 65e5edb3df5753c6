"""When a letter is tried again, and when a person must be told."""

from datetime import timedelta
from typing import Literal

LetterStatus = Literal["waiting", "sending", "sent", "failed"]
LETTER_STATUSES: tuple[LetterStatus, ...] = ("waiting", "sending", "sent", "failed")

LEASE = timedelta(minutes=5)
"""How long a worker may hold a letter before another takes it for dead."""

_DELAYS = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=24),
)
MAX_ATTEMPTS = len(_DELAYS) + 1


def delay_after(attempts: int) -> timedelta | None:
    """How long to wait after that many failed attempts; ``None``: give up and tell a person.

    All attempts together span two days, so that a mail server may be down over a night.
    """
    return _DELAYS[attempts - 1] if attempts <= len(_DELAYS) else None
