"""Judging an uploaded file by the parsers that would open it, in a process apart and within limits.

The process is started by the first file and not before: the web server imports no parser. Two judgements run at a
time in each server process, which bounds the memory that strangers can claim.
"""

import atexit
import os
import socket
import stat
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import get_args

from portal.gateways.courtroom import ACCEPTED, STARTED, WALL_SECONDS
from portal.rules.uploads import AttachmentRejected, FileKind, Reason

AT_ONCE = 2
QUEUE_SECONDS = 30.0
"""How long a file waits for its turn."""
START_SECONDS = 30.0
"""How long the process may take to load its parsers; a quarter of a second is usual."""
ANSWER_SECONDS = WALL_SECONDS + 5.0
"""A little longer than the limit that a judgement sets itself."""

_ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = "import sys; sys.path.insert(0, {root!r}); from portal.gateways.courtroom import serve; serve({listener})"
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "LANG")


class JudgeUnavailable(Exception):
    """No file can be judged now, so none can be taken in; try again later."""


def judge(path: Path, kind: FileKind) -> None:
    """Make sure that the file at ``path`` is what ``kind`` says and carries nothing that acts by itself.

    A usual file takes about 10 ms, the first one after a start about half a second, a hostile one at most
    ``ANSWER_SECONDS``. Safe to call from several threads.

    Raises:
        AttachmentRejected: with the reason; ``too_complex`` also when the judgement crashed or took too long.
        JudgeUnavailable: it could not be judged.
        OSError: there is no regular file at ``path``.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(f"not a regular file: {path.name}")
        if found.st_size == 0:
            raise AttachmentRejected("empty")
        said = hear(descriptor, kind.name)
    finally:
        os.close(descriptor)
    if said != ACCEPTED:
        reasons: tuple[Reason, ...] = get_args(Reason)
        raise AttachmentRejected(next((reason for reason in reasons if reason.encode() == said), "too_complex"))


def hear(file: int, matter: str, limit: int = 64) -> bytes:
    """What the judge's process says about an open file, e.g. whether it is of the kind that ``matter`` names.

    An answer longer than ``limit`` is heard a little beyond it, so that it is seen to be too long; one that broke
    off is what was heard of it.

    Raises:
        JudgeUnavailable: no seat became free, or the process cannot be started.
    """
    return _court.hear(file, matter, limit)


class _Court:
    """The judge's process as this process sees it: started when needed, and again when it has gone."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._seats = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    def hear(self, file: int, matter: str, limit: int) -> bytes:
        if not self._seats.acquire(timeout=QUEUE_SECONDS):
            raise JudgeUnavailable("too many files are waiting")
        try:
            with suppress(_NotHeard):
                return self._hearing(file, matter, limit)
            # The process had gone, e.g. for want of memory; a new one is worth one try.
            return self._hearing(file, matter, limit)
        except (_NotHeard, OSError) as error:
            raise JudgeUnavailable(str(error)) from error
        finally:
            self._seats.release()

    def _hearing(self, file: int, matter: str, limit: int) -> bytes:
        answer, far_end = socket.socketpair()
        with answer:
            with far_end, self._lock:
                line = self._open_line()
                try:
                    socket.send_fds(line, [matter.encode()], [file, far_end.fileno()])
                except (ConnectionError, TimeoutError) as error:
                    self._end()
                    raise _NotHeard("the judge's process does not listen") from error
            if not _has_begun(answer):
                self._give_up(line)
                raise _NotHeard("the judge's process did not begin")
            return _said(answer, limit)

    def _open_line(self) -> socket.socket:
        if self._line is None or self._process is None or self._process.poll() is not None:
            self._end()
            self._line, self._process = _start()
        return self._line

    def _give_up(self, line: socket.socket) -> None:
        with self._lock:
            if self._line is line:  # else another thread has seen to it, and a healthy process is at work
                self._end()

    def _end(self) -> None:
        if self._line is not None:
            self._line.close()  # at which the process leaves; judgements under way end by themselves
            self._line = None
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End the process; the next file starts another."""
        with self._lock:
            self._end()

    def forget(self) -> None:
        """In a fork of this process: the judge's process is the parent's, and so are locks that were held."""
        if self._line is not None:
            self._line.close()
        if self._process is not None:
            self._process.returncode = 0  # not ours to wait for
        self._begin()


class _NotHeard(Exception):
    """The process did not take the file on."""


def _start() -> tuple[socket.socket, "subprocess.Popen[bytes]"]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        program = _PROGRAM.format(root=str(_ROOT), listener=theirs.fileno())
        try:
            process = subprocess.Popen(  # noqa: S603 (our own program)
                [sys.executable, "-I", "-c", program],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},  # and none of our secrets
                start_new_session=True,  # Ctrl-C is for the server; this one leaves when the server does
            )
        except BaseException:
            ours.close()
            raise
    ours.settimeout(START_SECONDS)
    return ours, process


def _has_begun(answer: socket.socket) -> bool:
    answer.settimeout(START_SECONDS)
    with suppress(TimeoutError, ConnectionError):
        return answer.recv(1) == STARTED
    return False


def _said(answer: socket.socket, limit: int) -> bytes:
    answer.settimeout(ANSWER_SECONDS)
    said = b""
    with suppress(TimeoutError, ConnectionError):
        while len(said) <= limit and (more := answer.recv(limit + 1)):
            said += more
    return said


_court = _Court()
atexit.register(_court.close)
os.register_at_fork(after_in_child=_court.forget)
