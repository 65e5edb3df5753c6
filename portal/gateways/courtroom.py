"""The judge's process: it loads the parsers once and forks for every file, so that a judgement costs milliseconds.

``portal.gateways.judge`` starts it and hands over each file as an open descriptor. A fork that
crashes, hangs or eats memory takes nothing with it; what it found is a word on a socket, never an object to unpickle.

Not ``multiprocessing``: its fork server imports the calling program's main module anew for each child, which is
50 ms under gunicorn and more than a second under the portal's own command.
"""

import gc
import os
import resource
import signal
import socket
from contextlib import suppress
from typing import BinaryIO, NoReturn, Protocol, get_args

from portal.rules.profiles import CV_KINDS, CvKind
from portal.rules.uploads import KindName, Reason

MEMORY_BYTES = 768 * 1024 * 1024
"""Address space of one judgement; the largest picture allowed needs a third of it."""
CPU_SECONDS = 10
WALL_SECONDS = 20

STARTED = b"?"
ACCEPTED = b"accepted"
CV = "cv:"
"""Before the kind of a file that is to be read and not judged."""

_LIMITS = (
    (resource.RLIMIT_AS, MEMORY_BYTES),
    (resource.RLIMIT_CPU, CPU_SECONDS),
    (resource.RLIMIT_FSIZE, 0),
    (resource.RLIMIT_NPROC, 0),
    (resource.RLIMIT_NOFILE, 64),
    (resource.RLIMIT_CORE, 0),
)


class Examine(Protocol):
    """``portal.gateways.examiners.examine``."""

    def __call__(self, file: BinaryIO, kind: KindName) -> Reason | None: ...


class ReadCv(Protocol):
    """``portal.gateways.examiners.cvs.read_cv``."""

    def __call__(self, file: BinaryIO, kind: CvKind) -> bytes: ...


def serve(listener_fd: int) -> None:
    """Judge what arrives on the socket until the portal's end is closed.

    A message is the name of the kind, with two descriptors: the file, and a socket for the answer. The answer is
    ``STARTED`` and then ``ACCEPTED`` or a reason; an answer that ends early means that the judgement died. With
    ``CV`` before the kind, the answer is a JSON object with what the CV says, or a reason.
    """
    # Here and not above: the web server reads the limits of this module and must not load the parsers.
    from portal.gateways.examiners import examine
    from portal.gateways.examiners.cvs import read_cv

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks; the kernel clears them away
    gc.freeze()  # what is loaded now is shared with every fork
    with socket.socket(fileno=listener_fd) as listener:
        while True:
            message, descriptors, _, _ = socket.recv_fds(listener, 16, 2)
            if not message:
                return
            with suppress(OSError):  # no process to be had: the answer's end closes unused, and the portal knows
                if len(descriptors) == 2 and os.fork() == 0:
                    listener.close()
                    _judge_and_leave(examine, read_cv, message.decode(), *descriptors)
            for descriptor in descriptors:
                os.close(descriptor)


def _judge_and_leave(examine: Examine, read_cv: ReadCv, matter: str, file_fd: int, answer_fd: int) -> NoReturn:
    """Judge in a fork; every way out is ``_exit``, for the loop above belongs to the parent."""
    try:
        os.write(answer_fd, STARTED)
        _confine()
        kinds: tuple[KindName, ...] = get_args(KindName)
        with open(file_fd, "rb") as file:
            if matter.startswith(CV):
                said = read_cv(file, CV_KINDS[CV_KINDS.index(matter.removeprefix(CV))])
            else:
                reason = examine(file, kinds[kinds.index(matter)])
                said = reason.encode() if reason else ACCEPTED
        os.write(answer_fd, said)
    finally:
        os._exit(0)


def _confine() -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, WALL_SECONDS)  # the kernel ends it, whatever the parser is doing
    quiet = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):  # parsers complain in the words of the file, which are no words for a log
        os.dup2(quiet, standard)
    for limit, amount in _LIMITS:
        hard = resource.getrlimit(limit)[1]
        bound = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
        resource.setrlimit(limit, (bound, bound))
