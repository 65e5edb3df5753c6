"""The portal's heartbeat: it knows when it did not answer, and gives open calls that time back."""

from datetime import datetime, timedelta

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.engine import Connection

from portal import clock
from portal.database import transaction
from portal.models import Call, Uptime
from portal.operations.call_door import note
from portal.rules.calls import OUTAGE_WINDOW, SHORTEST_OUTAGE, Times, extension


def beat() -> None:
    """Note that the portal answers at this moment.

    After a silence longer than ``SHORTEST_OUTAGE`` a new stretch of uptime begins, and in the same transaction
    every published call that the outage touched is extended.
    """
    now = clock.now()
    with transaction() as connection:
        last = _latest(connection)
        if last is not None and now - last.last_beat_at <= SHORTEST_OUTAGE:
            if now > last.last_beat_at:
                connection.execute(update(Uptime).where(Uptime.id == last.id).values(last_beat_at=now))
            return
        connection.execute(insert(Uptime).values(first_beat_at=now, last_beat_at=now))
        if last is not None:
            _extend_calls(connection, down_from=last.last_beat_at, up_again=now)


def _latest(connection: Connection) -> Row[int, datetime] | None:
    """The newest stretch, locked. Whoever had to wait for the lock looks again: the other has begun a new one."""
    while True:
        row = connection.execute(
            select(Uptime.id, Uptime.last_beat_at).order_by(Uptime.id.desc()).limit(1).with_for_update()
        ).one_or_none()
        if row is None or row.id == connection.scalar(select(func.max(Uptime.id))):
            return row


def _extend_calls(connection: Connection, *, down_from: datetime, up_again: datetime) -> None:
    end = func.coalesce(Call.extended_to, Call.closes_at)
    rows = connection.execute(
        select(Call.id, Call.version, Call.status, Call.opens_at, Call.closes_at, Call.extended_to)
        .where(Call.status == "published", end > down_from, end < up_again + OUTAGE_WINDOW)
        .order_by(Call.id)
        .with_for_update()
    ).all()
    for row in rows:
        times = Times(row.status, row.opens_at, row.closes_at, row.extended_to)
        later = extension(times, down_from=down_from, up_again=up_again)
        if later is None or times.ends_at is None:
            continue
        later = _whole_minute(later)
        connection.execute(
            update(Call)
            .where(Call.id == row.id)
            .values(extended_to=later, version=row.version + 1, changed_at=up_again)
        )
        data = {
            "minutes": round((later - times.ends_at) / timedelta(minutes=1)),
            "before": times.ends_at.isoformat(),
            "after": later.isoformat(),
            "version": row.version + 1,
            "parts": ["closes_at"],
        }
        note(connection, row.id, "extended", None, data, at=up_again)


def _whole_minute(moment: datetime) -> datetime:
    """Rounded up: pages say minutes, and nobody must be late by what they do not say."""
    return moment + -timedelta(seconds=moment.second, microseconds=moment.microsecond) % timedelta(minutes=1)
