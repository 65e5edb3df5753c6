"""The outbox: one commit with what happened, each letter once, none lost in silence; with a real mail server."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
import time_machine
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask
from jinja2 import ChoiceLoader, DictLoader
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from portal import clock
from portal.database import db, transaction
from portal.models import Event, Letter, Submission
from portal.operations import outbox
from portal.operations.outbox import Tally, deliver_due, retry_letter
from portal.queries.cases import NoSuchCase
from portal.queries.inbox import count_waiting
from portal.rules.delivery import LEASE, MAX_ATTEMPTS, delay_after
from portal.rules.policy import Viewer
from portal.rules.uploads import StagedFile
from portal.settings import Settings
from tests.installation import SECRET
from tests.mailserver import MailServer
from tests.people import receive

KOPONEN = Viewer(1, "Koponen", "manager", "koponen", "en")
PIRINEN = Viewer(2, "Pirinen", "manager", "pirinen", "en")
COORDINATOR = Viewer(3, "Coordinator", "coordinator", None, "en")
ADMINISTRATOR = Viewer(4, "Administrator", "administrator", None, "en")


@pytest.fixture
def settings_values(smtp_server: MailServer) -> dict[str, Any]:
    return {
        "smtp_host": smtp_server.host,
        "smtp_port": smtp_server.port,
        "smtp_security": "none",
        "smtp_timeout": 5,
    }


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """What was logged; printed with a traceback's locals, as on a terminal, each line would take seconds."""
    with structlog.testing.capture_logs() as lines:
        yield lines


def deliver(app: Flask, **values: Any) -> Tally:
    with app.app_context():
        return deliver_due(**values)


def letters(app: Flask) -> Sequence[Letter]:
    """All letters as the database has them, oldest first."""
    with app.app_context():
        return db.session.scalars(select(Letter).order_by(Letter.id)).all()


def states(app: Flask) -> list[tuple[str, int]]:
    return [(letter.status, letter.attempts) for letter in letters(app)]


def change(app: Flask, condition: Any, **values: Any) -> None:
    with app.app_context(), transaction() as connection:
        connection.execute(update(Letter).where(condition).values(**values))


def ids_of(server: MailServer) -> list[str]:
    return [str(message["Message-ID"]) for message in server.messages]


def wait_until(true: Callable[[], object], log: Path | None = None) -> None:
    """Wait until something holds; after half a minute fail, with the end of the log."""
    deadline = time.monotonic() + 30
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(f"it did not happen in time\n{log.read_text('utf-8', 'replace')[-3000:] if log else ''}")
        time.sleep(0.02)


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment in which a process runs the same installation."""
    return {
        **os.environ,
        "YHTEYS_ENVIRONMENT": "development",
        "YHTEYS_SECRET_KEY": SECRET,
        "YHTEYS_DATABASE_URL": settings.database_url,
        "YHTEYS_DATA_DIR": str(settings.data_dir),
        "YHTEYS_PUBLIC_URL": settings.public_url,
        "YHTEYS_MAIL_SENDER": settings.mail_sender,
        "YHTEYS_SMTP_HOST": settings.smtp_host,
        "YHTEYS_SMTP_PORT": str(settings.smtp_port),
        "YHTEYS_SMTP_SECURITY": settings.smtp_security,
        "YHTEYS_TRUSTED_PROXIES": str(settings.trusted_proxies),
    }


def log_of(settings: Settings) -> Path:
    return settings.data_dir / "worker.log"


@contextmanager
def workers(settings: Settings, number: int = 1) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """``portal worker``, several times; each is killed at the end if it still runs."""
    command = [sys.executable, "-m", "portal.cli", "worker"]
    with log_of(settings).open("wb") as output:
        running = [
            subprocess.Popen(
                command, env=environment_of(settings), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            for _ in range(number)
        ]
    try:
        yield running
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
            process.wait()


class Held:
    """Keeps the mail server from answering a message until it is let go; ``seen`` are the ids of those messages."""

    def __init__(self, server: MailServer, *, number: int = 1) -> None:
        self.seen: list[str] = []
        self.arrived = threading.Event()
        self.let_go = threading.Event()
        self._number = number
        self._answer = server.handle_DATA
        server.handle_DATA = self._hold  # type: ignore[assignment, method-assign]

    async def _hold(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self._number -= 1
        if self._number == 0:
            content = envelope.content
            assert isinstance(content, bytes)
            self.seen.append(content.split(b"Message-ID: ")[1].split(b"\r\n")[0].decode())
            self.arrived.set()
            while not self.let_go.is_set():
                await asyncio.sleep(0.01)
        return await self._answer(server, session, envelope)


# ------------------------------------------------------------------------------------------------- in one commit


def test_what_is_rolled_back_leaves_no_letter(app: Flask, smtp_server: MailServer) -> None:
    nameless: Any = None
    file = StagedFile("0" * 32, nameless, "text/plain", 1, "0" * 64)
    with app.app_context():
        with pytest.raises(IntegrityError):  # the database refuses it after the letters were written
            receive(files=(file,))
        for table in (Submission, Event, Letter):
            assert db.session.scalar(select(func.count()).select_from(table)) == 0
    assert not deliver(app).any
    assert smtp_server.messages == []


def test_an_inquiry_has_its_letters_the_moment_it_is_there(app: Flask, smtp_server: MailServer) -> None:
    with app.app_context():
        receive()
    assert [(letter.kind, letter.status, letter.attempts) for letter in letters(app)] == [
        ("inquiry_received", "waiting", 0),
        ("inquiry_assigned", "waiting", 0),
    ]
    assert deliver(app) == Tally(sent=2)
    assert [(letter.status, letter.lease_until, letter.error) for letter in letters(app)] == [("sent", None, None)] * 2
    assert ids_of(smtp_server) == [letter.message_id for letter in letters(app)]
    assert not deliver(app).any


# ----------------------------------------------------------------------------------------------- many workers


def test_three_threads_at_once_send_each_letter_once(app: Flask, smtp_server: MailServer) -> None:
    with app.app_context():
        for number in range(12):
            receive(email=f"person-{number}@example.org")
    start = threading.Barrier(3)

    def work(_number: int) -> int:
        start.wait(10)
        sent = 0
        while (tally := deliver(app, limit=3)).any:
            sent += tally.sent
        return sent

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(work, range(3))) == 24
    assert states(app) == [("sent", 1)] * 24
    assert sorted(ids_of(smtp_server)) == sorted({letter.message_id for letter in letters(app)})


def test_two_processes_at_once_send_each_letter_once_and_stop_when_told(
    app: Flask, settings: Settings, smtp_server: MailServer
) -> None:
    with app.app_context():
        for number in range(20):
            receive(email=f"person-{number}@example.org")
    with workers(settings, 2) as running:
        wait_until(lambda: len(smtp_server.deliveries) >= 40, log_of(settings))
        for process in running:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(20) for process in running] == [0, 0]
    assert states(app) == [("sent", 1)] * 40
    assert sorted(ids_of(smtp_server)) == sorted({letter.message_id for letter in letters(app)})


def test_a_worker_that_is_killed_in_the_middle_loses_nothing(
    app: Flask, settings: Settings, smtp_server: MailServer
) -> None:
    with app.app_context():
        receive()
        receive(email="second@example.org")
    held = Held(smtp_server)
    with workers(settings) as [worker]:
        wait_until(held.arrived.is_set, log_of(settings))
        worker.kill()
        worker.wait()
    assert states(app) == [("sending", 1)] * 4
    assert not deliver(app).any, "the dead worker's lease is still running"
    held.let_go.set()
    smtp_server.deliveries.clear()
    with time_machine.travel(clock.now() + LEASE + timedelta(seconds=1)):
        assert deliver(app) == Tally(sent=4)
    assert states(app) == [("sent", 2)] * 4
    assert ids_of(smtp_server) == [letter.message_id for letter in letters(app)]
    assert held.seen == ids_of(smtp_server)[:1], "a repetition is recognised by its id"


def test_a_slow_batch_keeps_its_letters(app: Flask, smtp_server: MailServer) -> None:
    """Two letters of four take so long that the lease is over: the one in hand is not sent by another worker too."""
    with app.app_context():
        receive()
        receive(email="second@example.org")
    held = Held(smtp_server, number=3)
    answer = smtp_server.handle_DATA
    with time_machine.travel(clock.now()) as traveller:

        async def slowly(server: SMTP, session: Session, envelope: Envelope) -> str:
            if len(smtp_server.deliveries) < 2:
                traveller.shift(LEASE * 0.6)
            return await answer(server, session, envelope)

        smtp_server.handle_DATA = slowly  # type: ignore[assignment, method-assign]
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(deliver, app)
            assert held.arrived.wait(20)
            assert deliver(app) == Tally(sent=1), "the fourth was not begun, and its lease is over"
            held.let_go.set()
            assert first.result(20) == Tally(sent=3)
    assert [status for status, _ in states(app)] == ["sent"] * 4
    assert sorted(ids_of(smtp_server)) == sorted({letter.message_id for letter in letters(app)})


# ------------------------------------------------------------------------------------------- again, and giving up


def test_a_letter_is_tried_again_ever_more_rarely_and_then_a_person_is_told(
    app: Flask, smtp_server: MailServer
) -> None:
    smtp_server.answer = "451 4.3.0 not now"
    with app.app_context():
        receive(wants_receipt=False)
    with time_machine.travel(clock.now(), tick=False) as traveller:
        for attempt in range(1, MAX_ATTEMPTS):
            assert deliver(app) == Tally(postponed=1)
            [letter] = letters(app)
            delay = delay_after(attempt)
            assert delay is not None
            assert (letter.status, letter.attempts, letter.error) == ("waiting", attempt, "451 4.3.0 not now")
            assert letter.next_attempt_at == clock.now() + delay
            traveller.shift(delay - timedelta(seconds=1))
            assert not deliver(app).any, "it is not time yet"
            traveller.shift(timedelta(seconds=1))
        assert deliver(app) == Tally(failed=1)
        assert states(app) == [("failed", MAX_ATTEMPTS)]
        traveller.shift(timedelta(days=30))
        assert not deliver(app).any
    with app.app_context():
        assert count_waiting(KOPONEN).failed_letters == 1
        assert count_waiting(COORDINATOR).failed_letters == 1
        assert count_waiting(PIRINEN).failed_letters == 0
    assert smtp_server.messages == []


def test_a_letter_that_kills_its_worker_each_time_is_given_up(app: Flask, smtp_server: MailServer) -> None:
    with app.app_context():
        receive()
    past = clock.now() - timedelta(minutes=1)
    change(
        app,
        Letter.kind == "inquiry_received",
        status="sending",
        attempts=MAX_ATTEMPTS,
        lease_until=past,
        next_attempt_at=past,
    )
    assert deliver(app) == Tally(sent=1, failed=1)
    assert [status for status, _ in states(app)] == ["failed", "sent"]


@pytest.mark.parametrize("fault", ["{{ facts.nothing.at_all }}", "{% include 'email/nowhere.txt' %}", "{{ 1 / 0 }}"])
def test_a_letter_that_cannot_be_written_stops_no_other(
    app: Flask, smtp_server: MailServer, logged: list[Any], fault: str
) -> None:
    loader = app.jinja_env.loader
    assert loader is not None
    app.jinja_env.loader = ChoiceLoader([DictLoader({"email/inquiry_received/body.txt": fault}), loader])
    with app.app_context():
        receive()
        receive(email="second@example.org")
    assert deliver(app) == Tally(sent=2, failed=2)
    assert [status for status, _ in states(app)] == ["failed", "sent", "failed", "sent"]
    assert all("cannot be written" in (letter.error or "") for letter in letters(app) if letter.status == "failed")
    with app.app_context():
        assert count_waiting(KOPONEN).failed_letters == 2
    assert [line["event"] for line in logged] == ["letter_not_written", "letter_failed"] * 2
    assert "example.org" not in repr(logged)


def test_a_letter_of_a_kind_that_is_gone_stops_no_other(app: Flask, smtp_server: MailServer) -> None:
    with app.app_context():
        receive()
    change(app, Letter.kind == "inquiry_received", kind="of_old_times")
    assert deliver(app) == Tally(sent=1, failed=1)


def test_topic_holder_and_language_may_have_left_the_content_meanwhile(app: Flask, smtp_server: MailServer) -> None:
    with app.app_context():
        receive()
        with transaction() as connection:
            connection.execute(update(Submission).values(topic="of-old-times", holder="nobody"))
    change(app, Letter.kind == "inquiry_received", language="de")
    assert deliver(app) == Tally(sent=2)
    receipt = smtp_server.messages[0]
    assert receipt["Content-Language"] == "fi"
    assert "http://localhost/fi/track?" in receipt.get_content()


def test_a_database_that_stumbles_makes_no_letter_fail(
    app: Flask, smtp_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        receive()

    def stumble(_submission_id: int) -> tuple[str, ...]:
        raise OperationalError("SELECT", {}, Exception("server closed the connection unexpectedly"))

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "list_file_names", stumble)
        with pytest.raises(OperationalError):
            deliver(app)
    assert states(app) == [("sending", 1)] * 2
    with time_machine.travel(clock.now() + LEASE + timedelta(seconds=1)):
        assert deliver(app) == Tally(sent=2)


def test_an_answer_that_no_database_takes_is_stored_all_the_same(app: Flask, smtp_server: MailServer) -> None:
    smtp_server.refusals["ada@example.org"] = "550 5.1.1 no\x00body\x1b[31m here"
    with app.app_context():
        receive()
    assert deliver(app) == Tally(sent=1, failed=1)
    assert letters(app)[0].error == "550 5.1.1 nobody[31m here"


# ------------------------------------------------------------------------------------------------------ by hand


def test_a_failed_letter_is_sent_again_under_its_own_id(app: Flask, smtp_server: MailServer) -> None:
    smtp_server.refusals["ada@example.org"] = "550 5.1.1 no such user"
    with app.app_context():
        reference = receive().reference
    assert deliver(app) == Tally(sent=1, failed=1)
    smtp_server.refusals.clear()
    failed = letters(app)[0]
    with app.app_context():
        retry_letter(KOPONEN, reference=reference, letter_id=failed.id)
    assert states(app)[0] == ("waiting", 0)
    assert deliver(app) == Tally(sent=1)
    assert ids_of(smtp_server)[-1] == failed.message_id
    with app.app_context():
        with pytest.raises(NoSuchCase):  # it went
            retry_letter(KOPONEN, reference=reference, letter_id=failed.id)
        assert count_waiting(KOPONEN).failed_letters == 0


def test_a_letter_of_another_case_is_out_of_reach(app: Flask) -> None:
    with app.app_context():
        koponens = receive(topic="errin").reference
        pirinens = receive(topic="tci", email="second@example.org").reference
    change(app, Letter.id > 0, status="failed", error="550 no")
    first, *_, last = letters(app)
    before = states(app)
    refused = [
        (PIRINEN, koponens, first.id),  # not this viewer's case
        (PIRINEN, pirinens, first.id),  # a case of one's own does not open another's letter
        (KOPONEN, koponens, last.id),
        (ADMINISTRATOR, koponens, first.id),
        (KOPONEN, "KS-2026-2222-2222", first.id),
        (KOPONEN, koponens, 2**63 - 1),
    ]
    with app.app_context():
        for viewer, reference, letter_id in refused:
            with pytest.raises(NoSuchCase):
                retry_letter(viewer, reference=reference, letter_id=letter_id)
    assert states(app) == before
    with app.app_context():
        retry_letter(COORDINATOR, reference=koponens, letter_id=first.id)
    assert states(app)[0] == ("waiting", 0)
