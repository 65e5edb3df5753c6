"""Installations to be measured: a database with cases, a signed-in manager, requests as a browser sends them."""

import http.client
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlencode

from sqlalchemy import text

from portal import create_app
from portal.database import db, transaction
from portal.operations.cases import add_sender_reply
from tests import engines
from tests.bench.load import TOKEN
from tests.installation import SECRET, make_settings, prepare_database, release
from tests.integration.test_inbox import fill
from tests.people import PASSWORD, add_people, receive

MANAGER = "koponen"
SUBJECT = "Partners wanted for a proposal on circular economy in sparsely populated regions, number "
TYPED = {
    "topic": "errin",
    "subject": "Partners for a proposal",
    "message": "Dear colleagues,\r\nwe look for a region to join us in a proposal on clean harbours.\r\n" * 8,
    "name": "Ada Example",
    "email": "ada@example.org",
    "organisation": "Region of Examples",
    "telephone": "+46 70 123 45 67",
    "country": "SE",
}
_FORM, _SIGN_IN = "/en/contact", "/workspace/sign-in"


@dataclass(frozen=True)
class Installation:
    """A filled database, what a server needs to know to run on it, a case, and the id in the middle of the inbox."""

    environment: dict[str, str]
    database_url: str
    case: str
    middle_id: int


def prepare(data_dir: Path, database_url: str, cases: int) -> Installation:
    """Make an installation in which one manager has ``cases`` cases, and one case has a short history."""
    settings = make_settings(data_dir, database_url)
    prepare_database(settings)
    app = create_app(settings)
    add_people(app)
    with app.app_context():
        fill(cases)
        with transaction() as connection:
            connection.execute(
                text(
                    "UPDATE submissions SET holder = :holder, subject = :subject || id,"
                    " sender_organisation = 'Region of Examples'"
                ),
                {"holder": MANAGER, "subject": SUBJECT},
            )
        received = receive(topic="errin", subject=SUBJECT)
        for number in range(3):
            add_sender_reply(
                submission_id=received.submission_id, body=TYPED["message"], token=f"reply-{number}-of-the-bench"
            )
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
    release(app)
    return installation_at(data_dir, database_url, received.reference, received.submission_id // 2)


def installation_at(data_dir: Path, database_url: str, case: str, middle_id: int) -> Installation:
    """What a server needs to know to run on what was filled in."""
    environment = {
        "YHTEYS_ENVIRONMENT": "development",
        "YHTEYS_DATA_DIR": str(data_dir),
        "YHTEYS_DATABASE_URL": database_url,
        "YHTEYS_SECRET_KEY": SECRET,
    }
    return Installation(environment, database_url, case, middle_id)


@dataclass(frozen=True)
class Download:
    """A file that was taken to its end."""

    size_bytes: int
    seconds: float
    first_byte_seconds: float


@contextmanager
def databases(engine: str, folder: Path) -> Iterator[tuple[Callable[[], str], int]]:
    """A maker of empty databases, by address, and the id of the database server's process (0 for SQLite)."""
    folder.mkdir(parents=True, exist_ok=True)
    made: list[str] = []

    def new_file() -> str:
        made.append(f"sqlite:///{folder / f'portal-{len(made)}.sqlite'}")
        return made[-1]

    if engine == "sqlite":
        yield new_file, 0
        return
    # The tests' server keeps its data in memory; here a commit has to reach the disk.
    engines._MEMORY = Path("/")
    engines._fast_place = lambda: str(engines.tempfile.gettempdir())
    with engines.running_postgres() as server:
        pid = int((server._folder / ".s.PGSQL.5432.lock").read_text().split()[0])
        yield lambda: server.url(server.create()), pid


class Browser:
    """Opens a page, keeps its cookies, and writes down the requests that a load repeats."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookies: dict[str, str] = {}

    def sign_in(self) -> None:
        """Sign the manager in by the form."""
        values = {**self._hidden_fields(_SIGN_IN), "email": f"{MANAGER}@demo.example.org", "password": PASSWORD}
        status, _page = self._ask("POST", _SIGN_IN, urlencode(values))
        assert status == 303, f"signing in was answered with {status}"

    def get(self, path: str) -> str:
        """A request for a page."""
        return self._request("GET", path)

    def download(self, page: str, action: str, boxes: Mapping[str, str] = MappingProxyType({})) -> Download:
        """Send the form on a page that goes to ``action``, and take the file that answers it."""
        body = urlencode({**self._hidden_fields(page, action), **boxes})
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        headers = {"Cookie": self._cookie(), "Content-Type": "application/x-www-form-urlencoded"}
        began = time.perf_counter()
        connection.request("POST", action, body, headers)
        response = connection.getresponse()
        first = time.perf_counter() - began
        assert response.status == 200, f"{action} was answered with {response.status}"
        size = 0
        while chunk := response.read(1_000_000):
            size += len(chunk)
        connection.close()
        return Download(size, time.perf_counter() - began, first)

    def times(self, path: str, count: int) -> list[float]:
        """Seconds that a page takes, each time it is opened one after another."""
        taken = []
        for _ in range(count):
            began = time.perf_counter()
            status, _page = self._ask("GET", path)
            assert status == 200, f"{path} was answered with {status}"
            taken.append(time.perf_counter() - began)
        return taken

    def submission(self, *, multipart: bool) -> str:
        """A filled-in contact form; the load names each sending anew."""
        values = {**self._hidden_fields(_FORM), **TYPED, "token": TOKEN.decode()}
        if not multipart:
            return self._request("POST", _FORM, urlencode(values), "application/x-www-form-urlencoded")
        boundary = "----------------------------bench0123456789"
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in values.items()
        ]
        empty = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename=""\r\n'
            "Content-Type: application/octet-stream\r\n\r\n\r\n"
        )
        body = f"{''.join(parts)}{empty}--{boundary}--\r\n"
        return self._request("POST", _FORM, body, f"multipart/form-data; boundary={boundary}")

    def _hidden_fields(self, path: str, action: str = "") -> dict[str, str]:
        _status, page = self._ask("GET", path)
        form = next(part for part in page.split("<form") if f'action="{action or path}"' in part)
        controls = re.findall(r'<input[^>]*type="hidden"[^>]*>', form)
        found = [(re.search(r'name="([^"]+)"', row), re.search(r'value="([^"]*)"', row)) for row in controls]
        return {name.group(1): unescape(value.group(1)) for name, value in found if name and value}

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        headers = {"Cookie": self._cookie(), "Content-Type": "application/x-www-form-urlencoded"}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                key, _equals, rest = value.partition("=")
                self._cookies[key] = rest.partition(";")[0]
        page = response.read().decode()
        connection.close()
        return response.status, page

    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    def _request(self, method: str, path: str, body: str = "", kind: str = "") -> str:
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self._port}", f"Cookie: {self._cookie()}"]
        lines += ["Accept: text/html", "Accept-Language: en", "User-Agent: bench"]
        if body:
            lines += [f"Content-Type: {kind}", f"Content-Length: {len(body.encode())}"]
        return "\r\n".join([*lines, "", body])
