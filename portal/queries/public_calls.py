"""The calls that everybody may see: asked for by many at once, so kept for a second in each process."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import current_app

from portal import clock
from portal.queries.calls import StoredCall, list_public_calls
from portal.rules.calls import Phase

_KEPT_SECONDS = 1.0
_KEPT = "yhteys.public_calls"
_NEVER = datetime.max.replace(tzinfo=UTC)

_lock = threading.Lock()


@dataclass(frozen=True)
class PublicCalls:
    """Calls as people look for them: what closes first, what opens first, what closed last."""

    open: tuple[StoredCall, ...]
    standing: tuple[StoredCall, ...]
    upcoming: tuple[StoredCall, ...]
    past: tuple[StoredCall, ...]


def get_public_calls() -> PublicCalls:
    """Every call that was published, by where it stands at this moment."""
    found: dict[Phase, list[StoredCall]] = {"open": [], "scheduled": [], "closed": [], "decided": [], "draft": []}
    for call in _calls():
        found[call.phase].append(call)
    return PublicCalls(
        open=tuple(sorted((call for call in found["open"] if call.times.ends_at), key=closing)),
        standing=tuple(call for call in found["open"] if not call.times.ends_at),
        upcoming=tuple(sorted(found["scheduled"], key=lambda call: call.times.opens_at or _NEVER)),
        past=tuple(sorted((*found["closed"], *found["decided"]), key=closing, reverse=True)),
    )


def find_public_call(slug: str) -> StoredCall | None:
    """A published call by its address; a draft is none."""
    return next((call for call in _calls() if call.slug == slug), None)


def list_latest_calls(limit: int) -> list[StoredCall]:
    """The published calls, the latest to be published first."""
    newest_first = sorted(_calls(), key=lambda call: (call.published_at or call.changed_at, call.id), reverse=True)
    return newest_first[:limit]


def forget_public_calls() -> None:
    """Read anew at the next question: a call has changed."""
    current_app.extensions.pop(_KEPT, None)


def closing(call: StoredCall) -> datetime:
    """When a call ended or will end; without an end it is when it was decided, and else never."""
    return call.times.ends_at or call.decided_at or _NEVER


def last_change(call: StoredCall) -> datetime:
    """The latest moment at which what the public reads about a call changed, by a person or by the clock."""
    now = clock.now()
    moments = (call.changed_at, call.published_at, call.times.opens_at, call.times.ends_at, call.decided_at)
    return max((moment for moment in moments if moment is not None and moment <= now), default=call.changed_at)


def _calls() -> Sequence[StoredCall]:
    """At most a second old; whether a call is open is asked of the clock each time."""
    kept: tuple[float, Sequence[StoredCall]] | None = current_app.extensions.get(_KEPT)
    if kept is not None and time.monotonic() - kept[0] < _KEPT_SECONDS:
        return kept[1]
    with _lock:
        fresh = list_public_calls()
        current_app.extensions[_KEPT] = (time.monotonic(), fresh)
    return fresh
