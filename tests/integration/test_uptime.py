"""The heartbeat: it knows when the portal did not answer, and extends what the outage cut short."""

import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
import time_machine
from flask import Flask
from sqlalchemy import insert, select

from portal.cli.heart import start_beating
from portal.database import db, transaction
from portal.models import Call, CallEvent, Uptime
from portal.operations.uptime import beat
from portal.settings import Settings
from tests.integration.test_durability import broken, free_port, serving
from tests.integration.test_outbox import wait_until
from tests.internships import make_call
from tests.people import add_people

NOON = datetime(2026, 12, 15, 12, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def clock_stands() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def beats(app: Flask) -> list[tuple[datetime, datetime]]:
    with app.app_context():
        rows = db.session.execute(select(Uptime.first_beat_at, Uptime.last_beat_at).order_by(Uptime.id)).all()
        return [(row[0], row[1]) for row in rows]


def beat_at(traveller: time_machine.Traveller, app: Flask, *moments: datetime) -> None:
    for moment in moments:
        traveller.move_to(moment, tick=False)
        with app.app_context():
            beat()


def a_call(app: Flask, lead_id: int, **values: Any) -> str:
    with app.app_context():
        return make_call(lead_id, **{"closes_at": NOON + 3 * HOUR, **values}).slug


def ends(app: Flask) -> dict[str, datetime | None]:
    with app.app_context():
        return {row.slug: row.extended_to for row in db.session.execute(select(Call.slug, Call.extended_to))}


def test_beats_make_one_stretch(app: Flask, clock_stands: time_machine.Traveller) -> None:
    beat_at(clock_stands, app, NOON, NOON + MINUTE, NOON + 2 * MINUTE, NOON + 5 * MINUTE)
    assert beats(app) == [(NOON, NOON + 5 * MINUTE)]


def test_a_clock_that_was_set_back_does_not_shorten_it(app: Flask, clock_stands: time_machine.Traveller) -> None:
    beat_at(clock_stands, app, NOON + MINUTE, NOON)
    assert beats(app) == [(NOON + MINUTE, NOON + MINUTE)]


def test_an_outage_extends_the_calls_that_it_touched(app: Flask, clock_stands: time_machine.Traveller) -> None:
    lead = add_people(app)["koponen"].account_id
    touched = a_call(app, lead)
    standing = a_call(app, lead, closes_at=None)
    far = a_call(app, lead, closes_at=NOON + 30 * HOUR)
    draft = a_call(app, lead, status="draft")
    to_come = a_call(app, lead, opens_at=NOON + 2 * HOUR)
    over = a_call(app, lead, closes_at=NOON - HOUR)
    beat_at(clock_stands, app, NOON, NOON + HOUR + timedelta(seconds=20))
    assert len(beats(app)) == 2
    later = NOON + 4 * HOUR + MINUTE  # whole minutes, rounded up
    assert ends(app) == {touched: later, standing: None, far: None, draft: None, to_come: None, over: None}
    with app.app_context():
        event = db.session.scalars(select(CallEvent)).one()
        assert (event.kind, event.actor, event.account_id) == ("extended", "", None)
        assert event.data["minutes"] == 61
        assert event.data["after"] == later.isoformat()
        versions = {row.slug: row.version for row in db.session.execute(select(Call.slug, Call.version))}
        assert (versions[touched], versions[far]) == (2, 1)


def test_an_outage_across_closing_opens_the_call_again(app: Flask, clock_stands: time_machine.Traveller) -> None:
    slug = a_call(app, add_people(app)["koponen"].account_id, closes_at=NOON + HOUR)
    beat_at(clock_stands, app, NOON, NOON + 5 * HOUR)
    assert ends(app)[slug] == NOON + 6 * HOUR


def test_two_outages_add_up_and_a_restart_is_none(app: Flask, clock_stands: time_machine.Traveller) -> None:
    slug = a_call(app, add_people(app)["koponen"].account_id)
    beat_at(clock_stands, app, NOON, NOON + 10 * MINUTE, NOON + 13 * MINUTE, NOON + 23 * MINUTE)
    assert len(beats(app)) == 3
    assert ends(app)[slug] == NOON + 3 * HOUR + 20 * MINUTE


def test_processes_that_come_back_together_extend_once(app: Flask) -> None:
    slug = a_call(app, add_people(app)["koponen"].account_id, closes_at=datetime.now(UTC) + HOUR)
    last = datetime.now(UTC) - 10 * MINUTE
    with app.app_context(), transaction() as connection:
        connection.execute(insert(Uptime).values(first_beat_at=last, last_beat_at=last))
    together = threading.Barrier(4)
    failed: list[BaseException] = []

    def come_back() -> None:
        with app.app_context():
            try:
                together.wait(timeout=20)
                beat()
            except BaseException as error:
                failed.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=come_back) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failed == []
    assert len(beats(app)) == 2
    with app.app_context():
        assert [event.data["minutes"] for event in db.session.scalars(select(CallEvent))] in ([10], [11])
        call = db.session.scalars(select(Call).where(Call.slug == slug)).one()
        assert call.version == 2


def test_a_heart_outlives_a_database_that_is_gone(
    app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.cli.heart.BEAT_SECONDS", 0.05)
    stopped = threading.Event()
    with structlog.testing.capture_logs() as lines:
        thread = start_beating(app, stopped)
        try:
            log = settings.data_dir / "none"
            wait_until(lambda: len(beats(app)) == 1, log)
            with broken(app, "gone"):
                wait_until(lambda: any(line["event"] == "heart_missed_a_beat" for line in lines), log)
            last = beats(app)[-1][1]
            wait_until(lambda: beats(app)[-1][1] > last, log)
        finally:
            stopped.set()
            thread.join(timeout=20)
    assert not thread.is_alive()


def test_the_application_alone_does_not_beat(app: Flask) -> None:
    app.test_client().get("/en/")
    assert beats(app) == []
    assert not any(thread.name == "heartbeat" for thread in threading.enumerate())


def test_a_server_beats_and_gives_back_what_its_absence_took(app: Flask, settings: Settings) -> None:
    """Really started: the silence before is an outage, and the call that closes soon is open for longer."""
    slug = a_call(app, add_people(app)["koponen"].account_id, closes_at=datetime.now(UTC) + HOUR)
    last = datetime.now(UTC) - 30 * MINUTE
    with app.app_context(), transaction() as connection:
        connection.execute(insert(Uptime).values(first_beat_at=last, last_beat_at=last))
    with serving(settings, free_port()) as server:
        wait_until(lambda: len(beats(app)) == 2, settings.data_dir / "serve.log")
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)
    with app.app_context():
        minutes = [event.data["minutes"] for event in db.session.scalars(select(CallEvent))]
    assert len(minutes) == 1
    assert 30 <= minutes[0] <= 33
    assert ends(app)[slug] is not None
