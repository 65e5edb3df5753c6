"""Calls of a demonstration installation, so that a newcomer sees what the feature does."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import exists, insert, select
from sqlalchemy.engine import Connection

from portal import clock
from portal.content.calls import CallDocument
from portal.database import transaction
from portal.models import Call, CallReviewer
from portal.operations.call_door import note
from portal.operations.calls import slug_for
from portal.queries.editions import content
from portal.rules.policy import Viewer

DECIDED_AFTER = timedelta(days=30)
SATURDAY = 5


def add_sample_calls(lead: Viewer, *, samples: Sequence[dict[str, Any]], reviewer_id: int) -> None:
    """Store calls as ``config/samples/calls.toml`` has them, unless there is any call already.

    Their days are counted from today, and what they went through is told as if it had been done in time.
    """
    with transaction() as connection:
        if not connection.scalar(select(exists().where(Call.id > 0))):
            for sample in samples:
                _store(connection, sample, lead, reviewer_id)


def _store(connection: Connection, sample: dict[str, Any], lead: Viewer, reviewer_id: int) -> None:
    opens_at = _moment(sample["opens_in_days"], 9)
    closes_at = _moment(sample["closes_in_days"], 15) if "closes_in_days" in sample else None
    decided_at = closes_at + DECIDED_AFTER if closes_at and sample.get("decided") else None
    published_at = min(clock.now(), opens_at) - timedelta(days=1)
    created_at = published_at - timedelta(days=7)
    document = _document(sample, closes_at)
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
            created_at=created_at,
            changed_at=decided_at or published_at,
            published_at=published_at,
            decided_at=decided_at,
        )
        .returning(Call.id)
    )
    assert call_id is not None
    connection.execute(insert(CallReviewer).values(call_id=call_id, account_id=reviewer_id, added_at=published_at))
    note(connection, call_id, "created", lead, {"version": 1}, at=created_at)
    note(connection, call_id, "published", lead, {"version": 2}, at=published_at)
    if decided_at is not None:
        note(connection, call_id, "decided", lead, {"version": 3}, at=decided_at)


def _document(sample: dict[str, Any], closes_at: datetime | None) -> CallDocument:
    values = dict(sample["document"])
    for name in ("starts", "ends"):
        if f"{name}_in_days" in sample:
            values[f"{name}_on"] = _weekday(sample[f"{name}_in_days"])
    if closes_at is not None:
        values["answer_by"] = (closes_at + DECIDED_AFTER).date()
    return CallDocument.model_validate({**values, "standing": closes_at is None})


def _moment(days: int, hour: int) -> datetime:
    """A full hour so many days from now, in the installation's time zone and on no weekend."""
    return datetime.combine(_weekday(days), time(hour), content().organisation.zone).astimezone(UTC)


def _weekday(days: int) -> date:
    day = clock.now().astimezone(content().organisation.zone).date() + timedelta(days=days)
    return day + timedelta(days=SATURDAY + 2 - day.weekday() if day.weekday() >= SATURDAY else 0)
