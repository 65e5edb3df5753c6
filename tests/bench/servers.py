"""Servers as ``portal serve`` starts them, and what they use: CPU time and memory, as the kernel counts them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
THREADS = 8
_TICKS = os.sysconf("SC_CLK_TCK")
_START_SECONDS = 60.0


@dataclass(frozen=True)
class Server:
    """A running server: its first process, its port, and how long it took to its first answer, in seconds."""

    pid: int
    port: int
    first_answer_seconds: float

    @property
    def workers(self) -> list[int]:
        """Ids of the processes that answer."""
        return children(self.pid)

    def cpu_seconds(self) -> float:
        """CPU time of all its processes so far."""
        return cpu_seconds([self.pid, *self.workers])

    def uss_mib(self) -> float:
        """Memory that a worker has for itself alone, in MiB; the mean of the workers."""
        own = [_private_kib(pid) for pid in self.workers]
        return sum(own) / len(own) / 1024

    def reset_peaks(self) -> list[float]:
        """Begin to look for the most that each worker has in memory; returns what each has now, in MiB."""
        for pid in self.workers:
            Path(f"/proc/{pid}/clear_refs").write_text("5")
        return [_status_mib(pid, "VmRSS") for pid in self.workers]

    def peaks_mib(self) -> list[float]:
        """The most that each worker has had in memory since then, in MiB."""
        return [_status_mib(pid, "VmHWM") for pid in self.workers]


@contextmanager
def running(module: str, *, workers: int, path: str, environment: Mapping[str, str]) -> Iterator[Server]:
    """Start gunicorn with the options of ``portal serve``, wait for an answer at ``path``, stop it at the end.

    Raises:
        RuntimeError: it did not answer.
    """
    port = _free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "--worker-class=gthread"),
        *(f"--workers={workers}", f"--threads={THREADS}", f"--bind=127.0.0.1:{port}"),
        *("--preload", "--keep-alive=75", "--graceful-timeout=20", "--log-level=warning"),
        f"{module}:application",
    ]
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment, "PYTHONPATH": str(ROOT)})
    try:
        _await_answer(process, port, path)
        yield Server(process.pid, port, time.perf_counter() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(25)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def children(pid: int) -> list[int]:
    """Ids of a process's children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cpu_seconds(pids: list[int]) -> float:
    """CPU time of processes, and of their children that have ended."""
    return sum(_ticks(pid) for pid in pids) / _TICKS


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0
    return sum(int(ticks) for ticks in fields[11:15])


def _private_kib(pid: int) -> int:
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(row.split()[1]) for row in rows if row.startswith("Private_"))


def _status_mib(pid: int, name: str) -> float:
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith(f"{name}:")) / 1024


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_answer(process: "subprocess.Popen[bytes]", port: int, path: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as asked:
                asked.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                if asked.recv(12).endswith(b"200"):
                    return
        except OSError:
            pass
        time.sleep(0.005)
    raise RuntimeError(f"the server did not answer at {path}")
