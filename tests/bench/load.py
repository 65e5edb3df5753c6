"""The load: a process of its own that keeps connections open and asks again as soon as it is answered.

Commands come as JSON lines on standard input, and each is answered by a line on standard output. One loop over
non-blocking sockets serves all connections, so that the client costs little beside the server it measures.
"""

import json
import secrets
import selectors
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

TOKEN = b"NAME-OF-THIS-ONE-SENDING"
"""Stands in a request for the name of one sending, and is replaced by a fresh one in each."""

_SILENT_SECONDS = 20.0


@dataclass(frozen=True)
class Order:
    """What to ask: for ``seconds`` at most, and at most ``most`` times, over ``clients`` connections."""

    port: int
    request: str
    expected: int
    clients: int
    seconds: float
    most: int
    warm_up: int = 10


@dataclass(frozen=True)
class Answers:
    """What came of it: latencies in microseconds, the time it took in seconds, and the bytes of one body."""

    latencies: list[int]
    seconds: float
    wrong: int
    body_bytes: int


class Load:
    """The process, seen from the bench."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, order: Order) -> Answers:
        """Have an order carried out.

        Raises:
            RuntimeError: the server stopped answering.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(order)) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the load client has ended: the server did not answer")
        return Answers(**json.loads(line))


class _Connection:
    """One connection with at most one request on its way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_SILENT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.asked_at = 0
        self._received = b""

    def ask(self, request: bytes) -> None:
        self._received = b""
        self.asked_at = time.perf_counter_ns()
        self.socket.sendall(request)

    def read(self) -> tuple[int, int] | None:
        """Status and length of the body once the answer is whole."""
        part = self.socket.recv(262_144)
        if not part:
            raise ConnectionError("the server hung up")
        self._received += part
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return None
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        return (int(head[9:12]), length) if len(body) >= length else None


def carry_out(order: Order) -> Answers:
    """Ask until the time is over or the number is reached."""
    template = order.request.encode("latin-1")
    connections = [_Connection(order.port) for _ in range(order.clients)]
    try:
        _rounds(order, template, connections, order.warm_up, order.seconds)
        return _rounds(order, template, connections, order.most, order.seconds)
    finally:
        for connection in connections:
            connection.socket.close()


def _rounds(order: Order, template: bytes, connections: list[_Connection], most: int, seconds: float) -> Answers:
    latencies: list[int] = []
    wrong = body_bytes = sent = 0
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        began = time.perf_counter_ns()
        ends = began + int(seconds * 1e9)
        for connection in connections:
            connection.ask(_fresh(template))
            sent += 1
        while len(latencies) < sent:
            ready = selector.select(_SILENT_SECONDS)
            if not ready:
                raise ConnectionError("the server is silent")
            for key, _events in ready:
                answer = key.data.read()
                if answer is None:
                    continue
                now = time.perf_counter_ns()
                latencies.append((now - key.data.asked_at) // 1000)
                wrong += answer[0] != order.expected
                body_bytes = answer[1]
                if sent < most and now < ends:
                    key.data.ask(_fresh(template))
                    sent += 1
        took = (time.perf_counter_ns() - began) / 1e9
    return Answers(latencies, took, wrong, body_bytes)


def _fresh(template: bytes) -> bytes:
    return template.replace(TOKEN, secrets.token_urlsafe(18).encode()) if TOKEN in template else template


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(asdict(carry_out(Order(**json.loads(line))))), flush=True)


if __name__ == "__main__":
    main()
