"""One job in rounds, each beside the bare route: hello, job, hello, job, …"""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from tests.bench.load import Load, Order
from tests.bench.servers import Server


@dataclass(frozen=True)
class Plan:
    """How much is measured: rounds of a job, and seconds and requests that a round has at most."""

    rounds: int
    seconds: float
    most: int = 4000


@dataclass
class Figures:
    """Medians of the rounds of a job. Latencies in milliseconds, CPU time in milliseconds a request.

    ``rate_ratio`` and ``cpu_ratio`` are medians of each round's ratio to the bare route beside it.
    """

    job: str
    clients: int
    rate: float = 0.0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    cpu: float = 0.0
    database_cpu: float = 0.0
    rate_ratio: float = 0.0
    cpu_ratio: float = 0.0
    whole_cpu_ratio: float = 0.0
    body_bytes: int = 0
    requests: int = 0
    wrong: int = 0
    goals: list[tuple[str, bool]] = field(default_factory=list)


@dataclass(frozen=True)
class _Round:
    rate: float
    latencies: list[int]
    cpu: float
    database_cpu: float
    body_bytes: int
    wrong: int


@dataclass(frozen=True)
class Job:
    """What is asked, and the status that answers it."""

    name: str
    request: str
    expected: int = 200


class Bench:
    """A bare server and a server of ours, run by turns by one load client."""

    def __init__(self, load: Load, hello: Server, portal: Server, database_cpu: Callable[[], float]) -> None:
        self._load = load
        self._hello = hello
        self._portal = portal
        self._database_cpu = database_cpu

    def measure(self, job: Job, clients: int, plan: Plan) -> Figures:
        """Run the rounds and take medians."""
        bare = Job("hello", f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{self._hello.port}\r\n\r\n")
        pairs = [
            (
                self._round(self._hello, bare, clients, Plan(1, plan.seconds / 2, plan.most)),
                self._round(self._portal, job, clients, plan),
            )
            for _ in range(plan.rounds)
        ]
        ours = [pair[1] for pair in pairs]
        return Figures(
            job.name,
            clients,
            rate=median(one.rate for one in ours),
            p50=median(_percentile(one.latencies, 50) for one in ours),
            p95=median(_percentile(one.latencies, 95) for one in ours),
            p99=_percentile([latency for one in ours for latency in one.latencies], 99),
            cpu=median(one.cpu for one in ours),
            database_cpu=median(one.database_cpu for one in ours),
            rate_ratio=median(one.rate / bare.rate for bare, one in pairs),
            cpu_ratio=median(one.cpu / bare.cpu for bare, one in pairs),
            whole_cpu_ratio=median((one.cpu + one.database_cpu) / bare.cpu for bare, one in pairs),
            body_bytes=ours[-1].body_bytes,
            requests=sum(len(one.latencies) for one in ours),
            wrong=sum(one.wrong for one in ours),
        )

    def _round(self, server: Server, job: Job, clients: int, plan: Plan) -> _Round:
        order = Order(server.port, job.request, job.expected, clients, plan.seconds, plan.most)
        cpu, database_cpu = server.cpu_seconds(), self._database_cpu()
        answers = self._load.run(order)
        asked = len(answers.latencies) + order.warm_up
        return _Round(
            rate=len(answers.latencies) / answers.seconds,
            latencies=answers.latencies,
            cpu=1000 * (server.cpu_seconds() - cpu) / asked,
            database_cpu=1000 * (self._database_cpu() - database_cpu) / asked,
            body_bytes=answers.body_bytes,
            wrong=answers.wrong,
        )


def _percentile(latencies: list[int], percent: int) -> float:
    """In milliseconds, of latencies in microseconds."""
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] / 1000
