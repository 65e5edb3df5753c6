"""Engines, installations and the client that looks at every page.

Each test has its own database: a copy of one that was migrated and filled once. Tests in ``integration/`` and
``migrations/``, and those marked ``integration``, run on SQLite and on PostgreSQL; the others on SQLite alone.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

# A developer's own settings must not decide what the tests find.
for _name in [name for name in os.environ if name.startswith("YHTEYS_")]:
    del os.environ[_name]

from portal import create_app, logs  # noqa: E402
from portal.database import db  # noqa: E402
from portal.settings import Settings  # noqa: E402
from tests.engines import Postgres, running_postgres  # noqa: E402
from tests.installation import make_settings, prepare_database, release  # noqa: E402
from tests.mailserver import Certificate, MailServer, make_certificate, running_mail_server  # noqa: E402
from tests.pages import faults_of  # noqa: E402

logs.configure()

ENGINES = ("sqlite", "postgresql")
_ON_BOTH_ENGINES = ("integration", "migrations")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what touches the database on both engines, where that is asked for."""
    chosen = any("engine_name" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if chosen or "engine_name" not in metafunc.fixturenames:
        return
    folder = Path(metafunc.definition.path).parent.name
    if folder in _ON_BOTH_ENGINES or metafunc.definition.get_closest_marker("integration"):
        metafunc.parametrize("engine_name", ENGINES, indirect=True, ids=ENGINES)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark by folder, so that ``-m integration`` and ``-m journey`` find what they should."""
    for item in items:
        folder = item.path.parent.name
        if folder in _ON_BOTH_ENGINES:
            item.add_marker(pytest.mark.integration)
        if folder == "journeys":
            item.add_marker(pytest.mark.journey)


# -------------------------------------------------------------------------------------------------- databases


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL server, started when the first test needs it."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def engine_name(request: pytest.FixtureRequest) -> str:
    """``sqlite`` or ``postgresql``."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def empty_database_url(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table."""
    if engine_name == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    file = folder / "portal.sqlite"
    prepare_database(make_settings(folder, f"sqlite:///{file}"))
    assert not file.with_name("portal.sqlite-wal").exists(), "a connection is still open: the copy would lack its pages"
    return file


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    name = postgres.create()
    prepare_database(make_settings(tmp_path_factory.mktemp("template"), postgres.url(name)))
    return name


@pytest.fixture
def database_url(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database of the test's own, with the newest schema and the sample content."""
    if engine_name == "sqlite":
        file = tmp_path / "portal.sqlite"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.create(request.getfixturevalue("postgres_template"))
    yield server.url(name)
    server.drop(name)


# ------------------------------------------------------------------------------------------------ application


@pytest.fixture
def settings_values() -> dict[str, Any]:
    """Settings that differ from the tests' own; override it in a module or class, or change it in a test's fixture."""
    return {}


@pytest.fixture
def settings(database_url: str, tmp_path: Path, settings_values: dict[str, Any]) -> Settings:
    return make_settings(tmp_path / "data", database_url, **settings_values)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The application, ready to be asked. Outside requests open a context: ``with app.app_context():``."""
    app = prepare_for_tests(create_app(settings))
    yield app
    release(app)


def prepare_for_tests(app: Flask) -> Flask:
    """Let exceptions through, and watch for reads that leave changes behind."""
    app.testing = True
    app.test_client_class = CheckingClient
    app.extensions["tests.dirty"] = []

    @app.after_request
    def note_dirty_session(response: Response) -> Response:
        session = db.session
        changed = [*session.new, *session.dirty, *session.deleted]
        if request.method in ("GET", "HEAD") and changed:
            app.extensions["tests.dirty"].append(f"{request.path}: {changed}")
        return response

    return app


class CheckingClient(FlaskClient):
    """A client that fails when a page has a fault, or when reading one has changed something."""

    checks = True

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        dirty = self.application.extensions["tests.dirty"]
        assert not dirty, f"a read left changes behind: {dirty}"
        asked = response.request
        moved = 300 <= response.status_code < 400
        if self.checks and response.mimetype == "text/html" and asked.method != "HEAD" and not moved:
            faults = faults_of(response.get_data(as_text=True), asked.path)
            assert not faults, f"{asked.method} {asked.path} ({response.status_code}):\n" + "\n".join(faults)
        return response


@pytest.fixture
def client(app: Flask) -> CheckingClient:
    """A visitor's browser that looks at every page."""
    client = app.test_client()
    assert isinstance(client, CheckingClient)
    return client


# ----------------------------------------------------------------------------------------------------- counts

_NOT_COUNTED = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|PRAGMA|SET|SHOW)\b", re.IGNORECASE)


@pytest.fixture
def count_statements(app: Flask) -> Callable[[], AbstractContextManager[list[str]]]:
    """Collect the statements that reach the database: ``with count_statements() as statements: …``."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        statements: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            if not _NOT_COUNTED.match(statement):
                statements.append(statement)

        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield statements
        finally:
            event.remove(engine, "before_cursor_execute", note)

    return counting


# ------------------------------------------------------------------------------------------------------- mail


class Outbox:
    """Letters of an installation without a mail server: deliver what is due, read what was captured."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self._app = app
        self._folder = folder

    def deliver(self) -> list[EmailMessage]:
        """Send all that is due now and return the messages that this made, oldest first."""
        from portal.operations.outbox import deliver_due

        known = set(self._files())
        with self._app.app_context():
            while deliver_due().any:
                pass
        return [self._read(file) for file in self._files() if file not in known]

    @property
    def messages(self) -> list[EmailMessage]:
        """Everything captured so far, oldest first."""
        return [self._read(file) for file in self._files()]

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.eml"))

    @staticmethod
    def _read(file: Path) -> EmailMessage:
        # Lines end on the wire as they do on no screen.
        message = message_from_bytes(file.read_bytes().replace(b"\r\n", b"\n"), policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message


@pytest.fixture
def outbox(app: Flask, settings: Settings) -> Outbox:
    assert settings.mail_capture_dir is not None, "this installation has a mail server: use its fixture"
    return Outbox(app, settings.mail_capture_dir)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for this machine; clients trust it once ``SSL_CERT_FILE`` names its authority."""
    return make_certificate(tmp_path_factory.mktemp("certificate"), "localhost", "127.0.0.1")


@pytest.fixture
def smtp_server() -> Iterator[MailServer]:
    """A real SMTP server without encryption."""
    with running_mail_server() as server:
        yield server


@pytest.fixture
def smtp_tls_server(certificate: Certificate) -> Iterator[MailServer]:
    """The same with TLS from the first byte. ``authority`` is the file to trust it by."""
    with running_mail_server(tls=certificate.context) as server:
        server.authority = certificate.authority
        yield server


@pytest.fixture
def smtp_starttls_server(certificate: Certificate) -> Iterator[MailServer]:
    """The same with STARTTLS, which it insists on."""
    with running_mail_server(starttls=certificate.context) as server:
        server.authority = certificate.authority
        yield server
