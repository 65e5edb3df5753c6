"""Calls for the demonstration installation, so that a newcomer sees what the feature does."""

import tomllib
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection

FILE = "config/samples/calls.toml"


def add_sample_calls() -> int:
    """Store the sample calls, led by the first manager's demo account, unless there is any call already.

    Dates are told by the day on which the demonstration begins: an open call, a standing one, one that will open
    and one that closed last year. Returns how many were stored; needs an application context.
    """
    from portal.database import transaction
    from portal.queries.accounts import find_account
    from portal.queries.editions import content
    from portal.settings import data_root

    lead = find_account(f"{content().managers[0].key}@demo.example.org")
    reviewer = find_account("reviewer@demo.example.org")
    if lead is None or reviewer is None:
        return 0
    samples = tomllib.loads((data_root() / FILE).read_text("utf-8"))["calls"]
    with transaction() as connection:
        if _has_calls(connection):
            return 0
        for sample in samples:
            _store(connection, sample, lead.viewer, reviewer.id)
    return len(samples)


def _has_calls(connection: Connection) -> bool:
    from sqlalchemy import exists, select

    from portal.models import Call

    return bool(connection.scalar(select(exists().where(Call.id > 0))))


def _store(connection: Connection, sample: dict[str, Any], lead: Any, reviewer_id: int) -> None:
    from sqlalchemy import insert

    from portal import clock
    from portal.models import Call, CallReviewer
    from portal.operations.call_door import note
    from portal.operations.calls import slug_for

    now = clock.now()
    opens_at = _moment(now, sample["opens_in_days"], 9)
    closes_at = _moment(now, sample["closes_in_days"], 15) if "closes_in_days" in sample else None
    document = _document(sample, now, closes_at)
    decided_at = closes_at + timedelta(days=30) if closes_at and sample.get("decided") else None
    published_at = min(now, opens_at) - timedelta(days=1)
    call_id = connection.scalar(
        insert(Call)
        .values(
            slug=slug_for(connection, document, opens_at),
            status="decided" if decided_at else "published",
            version=3 if decided_at else 2,
            lead_id=lead.account_id,
            document=document.model_dump(mode="json"),
            blind=sample.get("blind", False),
            opens_at=opens_at,
            closes_at=closes_at,
            retention_months=sample["retention_months"],
            created_at=published_at - timedelta(days=7),
            changed_at=decided_at or published_at,
            published_at=published_at,
            decided_at=decided_at,
        )
        .returning(Call.id)
    )
    assert call_id is not None
    connection.execute(insert(CallReviewer).values(call_id=call_id, account_id=reviewer_id, added_at=published_at))
    note(connection, call_id, "created", lead, {"version": 1}, at=published_at - timedelta(days=7))
    note(connection, call_id, "published", lead, {"version": 2}, at=published_at)
    if decided_at:
        note(connection, call_id, "decided", lead, {"version": 3}, at=decided_at)


def _document(sample: dict[str, Any], now: datetime, closes_at: datetime | None) -> Any:
    from portal.content.calls import CallDocument

    today = now.date()
    values = dict(sample["document"])
    for name in ("starts", "ends"):
        if f"{name}_in_days" in sample:
            values[f"{name}_on"] = today + timedelta(days=sample[f"{name}_in_days"])
    if closes_at is not None:
        values["answer_by"] = _working_day(closes_at.date() + timedelta(days=30))
    return CallDocument.model_validate({**values, "standing": closes_at is None})


def _moment(now: datetime, days: int, hour: int) -> datetime:
    """A full hour of a working day so many days from now, in the installation's time zone."""
    from datetime import UTC, time

    from portal.queries.editions import content

    zone = content().organisation.zone
    day = _working_day(now.astimezone(zone).date() + timedelta(days=days))
    return datetime.combine(day, time(hour), zone).astimezone(UTC)


def _working_day(day: date) -> date:
    """The day, or the Monday after a weekend."""
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)
