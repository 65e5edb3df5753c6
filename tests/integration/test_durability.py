"""What was acknowledged is kept, and what is out of order mends by itself; on both engines, with real processes."""

import hashlib
import http.client
import io
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
import time_machine
from flask import Flask
from sqlalchemy import Engine, event, func, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from portal import clock, create_app
from portal.cli.checks import faults
from portal.cli.serve import run_worker
from portal.database import db, durability_faults, transaction
from portal.models import Attachment, Event, Letter, Submission
from portal.operations.attachments import STAGED_FOR, UNFINISHED_FOR, file_store, stage_file, sweep_files
from portal.operations.outbox import deliver_due
from portal.settings import Settings
from tests.conftest import CheckingClient, Outbox, prepare_for_tests
from tests.installation import release
from tests.integration.test_outbox import environment_of, wait_until
from tests.people import PASSWORD, add_people, receive
from tests.web.browsing import form_of, text_of

PATH = "/en/contact"
TYPED = {
    "topic": "errin",
    "subject": "Partners for a proposal",
    "message": "Dear colleagues,\nwe look for a region. Ääkköset 🙂 " + "and more " * 900,
    "name": "Ada Example",
    "email": "ada@example.org",
}

only_sqlite = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
only_postgresql = pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def count(app: Flask, table: type[Any]) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(table)) or 0


# --------------------------------------------------------------------------------------------------- engines


@only_sqlite
def test_every_connection_to_sqlite_keeps_what_it_is_given(app: Flask) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1, "busy_timeout": 10_000}
    with app.app_context(), ExitStack() as stack:
        engine = db.engine
        # More at a time than the pool keeps, so that those beyond it are looked at, too.
        for _ in range(25):
            connection = stack.enter_context(engine.connect())
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
            assert found == wanted


def test_a_letter_without_its_case_cannot_be_stored(app: Flask) -> None:
    now = clock.now()
    row = {
        "submission_id": 999,
        "event_id": 999,
        "kind": "inquiry_received",
        "recipient": "ada@example.org",
        "language": "en",
        "status": "waiting",
        "attempts": 0,
        "next_attempt_at": now,
        "message_id": "<one@localhost>",
        "created_at": now,
    }
    with app.app_context(), pytest.raises(IntegrityError), transaction() as connection:
        connection.execute(insert(Letter).values(row))


@only_postgresql
@pytest.mark.parametrize(("value", "is_fault"), [("off", True), ("local", False), ("on", False)])
def test_a_server_that_acknowledges_before_it_writes_is_reported(app: Flask, value: str, is_fault: bool) -> None:
    with app.app_context():
        assert durability_faults(db.session.connection()) == []
        name = db.engine.url.database
        db.session.rollback()
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET synchronous_commit = {value}')
        db.engine.dispose()
        found = faults()
        db.session.rollback()
        assert bool(found) == is_fault
        assert all("synchronous_commit is off" in line for line in found)


@only_postgresql
def test_a_server_that_could_lose_submissions_is_not_started_on(app: Flask, settings: Settings) -> None:
    with app.app_context(), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f'ALTER DATABASE "{db.engine.url.database}" SET synchronous_commit = off')
    command = [sys.executable, "-m", "portal.cli", "serve", "--bind", f"127.0.0.1:{free_port()}"]
    done = subprocess.run(command, env=environment_of(settings), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "synchronous_commit is off" in done.stderr


def test_an_error_of_the_database_does_not_repeat_what_people_wrote(app: Flask) -> None:
    with app.app_context():
        with broken(app, "read_only"), pytest.raises(DBAPIError) as error:
            receive(name="Ada Verysecret", email="very@secret.example", message="Verysecret")
        db.session.rollback()
    assert "secret" not in str(error.value).lower()


# ------------------------------------------------------------------------------------------------- out of order


@contextmanager
def broken(app: Flask, how: str) -> Iterator[None]:
    """The database ``read_only``, ``full`` (SQLite alone) or ``gone``, until the block ends."""
    with app.app_context():
        engine = db.engine
    db_is_sqlite = engine.dialect.name == "sqlite"
    if db_is_sqlite and how == "gone":
        with _moved_away(engine):
            yield
    elif db_is_sqlite:
        pragma = "query_only=ON" if how == "read_only" else "max_page_count=1"  # never below what there is
        with _with_pragma(engine, pragma):
            yield
    else:
        with _postgres_without(engine, how):
            yield


@contextmanager
def _moved_away(engine: Engine) -> Iterator[None]:
    file = Path(str(engine.url.database))
    engine.dispose()
    file.rename(file.with_suffix(".away"))
    file.mkdir()  # else a connection would make a new, empty database
    try:
        yield
    finally:
        file.rmdir()
        file.with_suffix(".away").rename(file)


@contextmanager
def _with_pragma(engine: Engine, pragma: str) -> Iterator[None]:
    """The engine's own error, as from a disk that is full or mounted read-only; rights do not stop root."""

    def limit(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA {pragma}")

    engine.dispose()
    event.listen(engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(engine, "connect", limit)
        engine.dispose()


@contextmanager
def _postgres_without(engine: Engine, how: str) -> Iterator[None]:
    name, folder = engine.url.database, engine.url.query["host"]
    stop, restore = {
        "gone": ("ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true"),
        "read_only": ("SET default_transaction_read_only = on", "RESET default_transaction_read_only"),
    }[how]

    def tell(*statements: str) -> None:
        with psycopg.connect(
            host=str(folder), user=engine.url.username, dbname="postgres", autocommit=True
        ) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    tell(f'ALTER DATABASE "{name}" {stop}', end)
    if how == "read_only":
        engine.dispose()
    try:
        yield
    finally:
        tell(f'ALTER DATABASE "{name}" {restore}', *([end] if how == "read_only" else []))
        if how == "read_only":
            engine.dispose()


def filled(client: CheckingClient, **values: Any) -> dict[str, Any]:
    return {**form_of(client.get(PATH), PATH), **TYPED, **values}


def text_file(content: bytes = b"Hello\n") -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), "plan.txt"


def assert_comes_back_and_goes_later(
    app: Flask, client: CheckingClient, data: dict[str, Any], out_of_order: Any, files: int = 1
) -> None:
    """503 with everything in it; the same form is taken once all is well again, and nobody had to do anything."""
    with out_of_order:
        response = client.post(PATH, data=data, content_type="multipart/form-data")
        assert response.status_code == 503
        assert "could not be stored" in text_of(response)
        form = form_of(response, PATH)
        assert {name: form[name].lstrip("\n") for name in TYPED} == TYPED
    assert count(app, Submission) == count(app, Event) == count(app, Letter) == 0
    assert client.post(PATH, data=form).status_code == 303
    assert (count(app, Submission), count(app, Letter), count(app, Attachment)) == (1, 2, files)


@pytest.mark.parametrize("how", ["read_only", "gone"])
def test_a_database_that_does_not_take_it_costs_nobody_a_text(app: Flask, client: CheckingClient, how: str) -> None:
    data = filled(client, files=[text_file()])
    assert_comes_back_and_goes_later(app, client, data, broken(app, how))


@only_sqlite
def test_a_full_disk_costs_nobody_a_text(app: Flask, client: CheckingClient) -> None:
    data = filled(client, files=[text_file()])
    assert_comes_back_and_goes_later(app, client, data, broken(app, "full"))


@only_sqlite
def test_a_file_store_that_cannot_be_written_costs_nobody_a_text(
    app: Flask, client: CheckingClient, settings: Settings
) -> None:
    data = filled(client, files=[text_file()])
    assert_comes_back_and_goes_later(app, client, data, no_folder(settings.storage_dir), files=0)
    with no_folder(settings.storage_dir):
        assert client.post(PATH, data=filled(client)).status_code == 303, "a message without files needs no folder"


@contextmanager
def no_folder(folder: Path) -> Iterator[None]:
    """A file where the folder should be; rights do not stop root."""
    away = folder.with_name("away")
    if folder.exists():
        folder.rename(away)
    folder.write_bytes(b"")
    try:
        yield
    finally:
        folder.unlink()
        if away.exists():
            away.rename(folder)


def test_pages_that_need_the_database_say_so_and_come_back(app: Flask, client: CheckingClient) -> None:
    client.set_cookie("yhteys_session", "x" * 43)
    assert client.get("/readyz").status_code == 200
    with broken(app, "gone"):
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200
        assert client.get("/workspace/account").status_code == 503
        assert client.get("/en/").status_code == 200
        assert client.get(PATH).status_code == 200
    assert client.get("/readyz").status_code == 200
    assert client.get("/workspace/account").status_code == 302


# ------------------------------------------------------------------------------------------------------ restarts


@only_sqlite
def test_forms_files_and_sessions_outlive_a_restart(app: Flask, settings: Settings, client: CheckingClient) -> None:
    add_people(app)
    sign_in = form_of(client.get("/workspace/sign-in"), "/workspace/sign-in")
    data = {**sign_in, "email": "koponen@demo.example.org", "password": PASSWORD}
    assert client.post("/workspace/sign-in", data=data).status_code == 303
    unfinished = client.post(PATH, data=filled(client, subject="", files=[text_file(b"Kept\n")]))
    assert unfinished.status_code == 422
    release(app)

    restarted = prepare_for_tests(create_app(settings))
    after = restarted.test_client()
    assert isinstance(after, CheckingClient)
    for name in ("yhteys_session", "yhteys_csrf"):
        cookie = client.get_cookie(name)
        assert cookie is not None
        after.set_cookie(name, cookie.value)
    assert after.get("/workspace/account").status_code == 200
    assert after.post(PATH, data={**form_of(unfinished, PATH), **TYPED}).status_code == 303
    with restarted.app_context():
        [file] = db.session.scalars(select(Attachment)).all()
        assert file_store().path(file.key).read_bytes() == b"Kept\n"
    release(restarted)


@only_sqlite
def test_files_without_a_case_are_swept_once_their_day_is_over(app: Flask) -> None:
    with app.app_context():
        owned = stage_file(stream=io.BytesIO(b"owned"), filename="owned.txt")
        receive(files=(owned,))
        store = file_store()
        orphan = stage_file(stream=io.BytesIO(b"orphan"), filename="orphan.txt")
        half = store.path(orphan.key).with_name(".part-" + "0" * 32)
        half.write_bytes(b"hal")
        assert sweep_files() == 0
        with time_machine.travel(clock.now() + UNFINISHED_FOR + timedelta(minutes=1)):
            assert sweep_files() == 0
        assert not half.exists()
        with time_machine.travel(clock.now() + STAGED_FOR - timedelta(minutes=1)):
            assert sweep_files() == 0
        with time_machine.travel(clock.now() + STAGED_FOR + timedelta(minutes=1)):
            assert sweep_files() == 1
        assert store.path(owned.key).read_bytes() == b"owned"
        assert not half.with_name(orphan.key).exists()


# ------------------------------------------------------------------------------------------------- a server killed


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Sent:
    """One sending: its fields, its file, and (once it was acknowledged) the cookie that shows its receipt."""

    token: str
    email: str
    file: bytes
    receipt: str = ""


@dataclass
class Visitor:
    """A person with a form that was opened once. ``sent`` are all sendings, acknowledged or not."""

    port: int
    number: int
    csrf: str = ""
    cookie: str = ""
    asked: int = 0
    acknowledged: list[Sent] = field(default_factory=list)
    unanswered: list[Sent] = field(default_factory=list)

    def open_form(self) -> None:
        response, body = self._ask("GET", {})
        self.csrf = re.findall(r'name="csrf_token"[^>]* value="([^"]+)"', body)[0]
        self.cookie = str(response.headers["Set-Cookie"]).split(";")[0]

    def send_until_cut_off(self) -> None:
        while True:
            email = f"person-{secrets.token_hex(6)}@example.org"  # else the limit on receipts would be met
            new = Sent(secrets.token_urlsafe(18), email, secrets.token_hex(200).encode())
            self.unanswered.append(new)
            try:
                receipt = self.send(new)
            except (OSError, http.client.HTTPException):
                return
            self.unanswered.pop()
            self.acknowledged.append(Sent(new.token, new.email, new.file, receipt))

    def send(self, sending: Sent) -> str:
        """Send the form; the answer must be the way to the receipt. Returns the cookie that shows it."""
        fields = {**TYPED, "csrf_token": self.csrf, "token": sending.token, "email": sending.email}
        response, body = self._ask("POST", fields, sending.file)
        assert response.status == 303, (response.status, body[-2000:])
        return next(v.split(";")[0] for v in response.headers.get_all("Set-Cookie", []) if "yhteys_receipt" in v)

    def receipt(self, sending: Sent) -> str:
        response, body = self._ask("GET", {}, path="/en/contact/receipt", cookie=sending.receipt)
        assert response.status == 200
        return body

    def _ask(
        self, method: str, fields: dict[str, str], file: bytes = b"", *, path: str = PATH, cookie: str = ""
    ) -> tuple[http.client.HTTPResponse, str]:
        self.asked += 1
        headers = {
            "Cookie": cookie or self.cookie,
            "X-Forwarded-For": f"10.{self.number}.0.{self.asked % 250}",  # else the limits would stop the stream
            "Content-Type": "multipart/form-data; boundary=frontier",
        }
        parts = [f'--frontier\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
        head = '--frontier\r\nContent-Disposition: form-data; name="files"; filename="plan.txt"\r\n\r\n'
        body = "".join(parts).encode() + head.encode() + file + b"\r\n--frontier--\r\n"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body if fields else None, headers)
            response = connection.getresponse()
            return response, response.read().decode()
        finally:
            connection.close()


@contextmanager
def serving(settings: Settings, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """``portal serve`` in a process group of its own; killed at the end."""
    log = settings.data_dir / "serve.log"
    command = [sys.executable, "-m", "portal.cli", "serve", "--bind", f"127.0.0.1:{port}"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=environment_of(settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_until(lambda: answers(port), log)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


class TestKilled:
    @pytest.fixture
    def settings_values(self) -> dict[str, Any]:
        return {"trusted_proxies": 1}

    def test_every_acknowledged_submission_survives_a_kill(self, app: Flask, settings: Settings) -> None:
        port = free_port()
        visitors = [Visitor(port, number) for number in range(3)]
        with serving(settings, port) as server:
            for visitor in visitors:
                visitor.open_form()
            threads = [threading.Thread(target=visitor.send_until_cut_off) for visitor in visitors]
            for thread in threads:
                thread.start()
            wait_until(lambda: all(len(visitor.acknowledged) >= 4 for visitor in visitors))
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
            for thread in threads:
                thread.join(30)
        kept = [sending for visitor in visitors for sending in visitor.acknowledged]
        assert len({sending.token for sending in kept}) == len(kept) >= 12
        for sending in kept:
            assert_whole(app, sending)
        assert count(app, Event) == count(app, Submission) == count(app, Letter) / 2, "none is there by half"

        # Whoever got no answer sends the form again, as it was opened before the kill: one submission each.
        with serving(settings, port):
            unanswered = [(visitor, sending) for visitor in visitors for sending in visitor.unanswered]
            assert len(unanswered) == 3
            for visitor, sending in unanswered:
                visitor.send(sending)
            last = visitors[0].acknowledged[-1]
            with app.app_context():
                reference = db.session.scalars(select(Submission.reference).where(Submission.token == last.token)).one()
            assert reference in visitors[0].receipt(last)
        assert count(app, Submission) == len(kept) + len(unanswered)
        for _, sending in unanswered:
            assert_whole(app, sending)


def assert_whole(app: Flask, sending: Sent) -> None:
    """The submission is in the database with its letters, and its file in the store, byte for byte."""
    with app.app_context():
        submission = db.session.scalars(select(Submission).where(Submission.token == sending.token)).one()
        kinds = db.session.scalars(select(Letter.kind).where(Letter.submission_id == submission.id)).all()
        file = db.session.scalars(select(Attachment).where(Attachment.submission_id == submission.id)).one()
        stored = file_store().path(file.key).read_bytes()
    assert sorted(kinds) == ["inquiry_assigned", "inquiry_received"]
    assert stored == sending.file
    assert file.sha256 == hashlib.sha256(sending.file).hexdigest()


# ---------------------------------------------------------------------------------------------------- the worker


class Impatient(threading.Event):
    """Says when the worker shall stop, and makes its pauses short."""

    pauses = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses += 1
        return super().wait(min(timeout or 0.02, 0.02))


@contextmanager
def working(app: Flask) -> Iterator[Impatient]:
    stopped = Impatient()

    def work() -> None:
        with app.app_context():
            run_worker(stopped)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield stopped
    finally:
        stopped.set()
        thread.join(20)
        assert not thread.is_alive()


def sent(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(Letter).where(Letter.status == "sent")) or 0


def test_a_worker_outlives_a_database_that_goes_and_comes_back(app: Flask, outbox: Outbox, logged: list[Any]) -> None:
    def stumbles() -> int:
        return sum(line["event"] == "database_unavailable" for line in logged)

    with app.app_context():
        receive()
    with working(app) as worker:
        wait_until(lambda: sent(app) == 2)
        with broken(app, "gone"):
            wait_until(lambda: stumbles() >= 2)
        with app.app_context():
            # The dead connections of this process's pool are found out by whoever takes one first.
            db.engine.dispose()
            receive(email="second@example.org")
        wait_until(lambda: sent(app) == 4)
        assert worker.pauses > 2
    assert len(outbox.messages) == 4


@only_sqlite
def test_a_worker_delivers_though_the_files_cannot_be_swept(
    app: Flask, settings: Settings, outbox: Outbox, logged: list[Any]
) -> None:
    with app.app_context():
        receive()
    with no_folder(settings.storage_dir), working(app):
        wait_until(lambda: sent(app) == 2)
    assert "files_not_swept" in [line["event"] for line in logged]


@only_sqlite
def test_a_worker_outlives_what_nobody_thought_of(
    app: Flask, outbox: Outbox, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fails: list[Callable[[], Any]] = [lambda: int("x"), lambda: "a".index("b")]

    def stumbling() -> Any:
        return fails.pop()() if fails else deliver_due()

    monkeypatch.setattr("portal.operations.outbox.deliver_due", stumbling)
    with app.app_context():
        receive()
    with working(app):
        wait_until(lambda: sent(app) == 2)
    assert [line["event"] for line in logged].count("worker_stumbled") == 2
