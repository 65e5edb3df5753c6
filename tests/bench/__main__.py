"""``python -m tests.bench``: measure and print."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from tests.bench import report
from tests.bench.commits import commits_a_second
from tests.bench.exports import measure_exports, prepare_calls
from tests.bench.installations import Browser, Installation, databases, prepare
from tests.bench.load import Answers, Load, Order
from tests.bench.report import Check
from tests.bench.series import Bench, Figures, Job, Plan
from tests.bench.servers import Server, children, cpu_seconds, running

CASES = 10_000
FEW, MANY, VERY_MANY = 1_000, 100_000, 1_000_000
CLIENTS = (1, 4)
PROCESSES = {"sqlite": 1, "postgresql": 2}
"""As ``portal serve`` has them by default."""


def main() -> int:
    options = _options()
    began = time.monotonic()
    engines = ("sqlite", "postgresql") if options.engine == "both" else (options.engine,)
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder, Load() as load:
        for engine in engines:
            with databases(engine, Path(folder, engine)) as (new_database, database_pid):
                figures, checks = _measure_engine(
                    engine, Path(folder, engine), new_database, database_pid, load, options
                )
            title = f"{engine}, {CASES:,} cases, {PROCESSES[engine]} process(es) of 8 threads"
            report.print_figures(title, figures, markdown=options.markdown)
            report.print_checks(f"{engine}: single figures", checks, markdown=options.markdown)
    print(f"\nMeasured in {time.monotonic() - began:.0f} s. Ratios are medians of interleaved rounds; p99 is of all.")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute: fewer rounds, no growth with rows")
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--markdown", action="store_true", help="tables as Markdown")
    parser.add_argument("--million", action="store_true", help="growth with rows to a million rather than 100,000")
    return parser.parse_args()


def _measure_engine(
    engine: str,
    folder: Path,
    new_database: Callable[[], str],
    database_pid: int,
    load: Load,
    options: argparse.Namespace,
) -> tuple[list[Figures], list[Check]]:
    """All jobs on one engine."""
    plan = Plan(rounds=1, seconds=0.8) if options.quick else Plan(rounds=5, seconds=1.0)
    installation = prepare(folder / "data", new_database(), CASES)
    starts = _cold_starts(installation, 1 if options.quick else 3)
    checks = [starts]
    raw = {clients: commits_a_second(installation.database_url, folder, clients, 0.5) for clients in CLIENTS}
    with _portal(installation, engine) as portal, _hello(engine) as hello:
        bench = Bench(load, hello, portal, _database_cpu(database_pid))
        browser = Browser(portal.port)
        browser.sign_in()
        figures = [bench.measure(job, clients, plan) for job in _jobs(browser, installation) for clients in CLIENTS]
        checks += [_memory(portal, hello, sum(one.requests for one in figures))]
    # Before and after, and the better counts: the disk may still be busy with what was filled in.
    again = {clients: commits_a_second(installation.database_url, folder, clients, 0.5) for clients in CLIENTS}
    best = {clients: max(raw[clients], again[clients]) for clients in CLIENTS}
    for one in figures:
        report.judge(one, engine, best[one.clients])
    checks += _from_figures(figures, engine, best)
    checks += _exports(engine, folder, new_database, quick=options.quick)
    if not options.quick:
        rows = VERY_MANY if options.million else MANY
        few, many = (prepare(folder / f"data-{count}", new_database(), count) for count in (FEW, rows))
        checks += _flatness(few, many, rows, engine, load)
    return figures, sorted(checks, key=lambda check: check.row)


def _jobs(browser: Browser, installation: Installation) -> list[Job]:
    return [
        Job("front page", browser.get("/en/")),
        Job("contact form", browser.get("/en/contact")),
        Job("submit, urlencoded", browser.submission(multipart=False), 303),
        Job("submit, multipart", browser.submission(multipart=True), 303),
        Job("inbox, first page", browser.get("/workspace/mine")),
        Job("inbox, later page", browser.get(f"/workspace/mine?status=any&before={installation.middle_id}")),
        Job("case", browser.get(f"/workspace/cases/{installation.case}")),
    ]


@contextmanager
def _portal(installation: Installation, engine: str) -> Iterator[Server]:
    with running(
        "tests.bench.application", workers=PROCESSES[engine], path="/en/", environment=installation.environment
    ) as server:
        yield server


def _exports(engine: str, folder: Path, new_database: Callable[[], str], *, quick: bool) -> list[Check]:
    """What leaves the house as files, on a server of its own: what it imports stays out of the other figures."""
    files, rows = (50, 200) if quick else (500, 2_000)
    calls = prepare_calls(folder / "data-exports", new_database(), files=files, rows=rows)
    with _portal(calls.installation, engine) as portal:
        return measure_exports(portal, calls)


@contextmanager
def _hello(engine: str) -> Iterator[Server]:
    with running("tests.bench.hello", workers=PROCESSES[engine], path="/", environment={}) as server:
        yield server


def _database_cpu(pid: int) -> Callable[[], float]:
    return lambda: cpu_seconds([pid, *children(pid)]) if pid else 0.0


def _cold_starts(installation: Installation, times: int) -> Check:
    """From the command to the first answer, by turns; one process each."""
    ours, bare = [], []
    for _ in range(times):
        with _hello("sqlite") as server:
            bare.append(server.first_answer_seconds)
        with _portal(installation, "sqlite") as server:
            ours.append(server.first_answer_seconds)
    ratio = median(ours) / median(bare)
    measured = f"{median(ours):.2f} s, {ratio:.1f} of hello's {median(bare):.2f} s"
    return Check(11, "cold start to first answer", measured, "<= 3 of hello", ratio <= 3)


def _memory(portal: Server, hello: Server, requests: int) -> Check:
    ours, bare = portal.uss_mib(), hello.uss_mib()
    measured = f"{ours:.1f} MiB, {ours / bare:.1f} of hello's {bare:.1f} MiB, after {requests:,} requests"
    return Check(12, "memory of a worker for itself alone (USS)", measured, "<= 45 MiB", ours <= 45)


def _from_figures(figures: list[Figures], engine: str, raw: dict[int, float]) -> list[Check]:
    """What takes two jobs to say, and what is no time."""
    by_job = {(one.job, one.clients): one for one in figures}
    checks = []
    for clients in CLIENTS:
        first, later = (by_job[f"inbox, {page} page", clients].p50 for page in ("first", "later"))
        what = f"a later page's p50 beside the first's, {clients} client(s)"
        checks.append(Check(7, what, f"{later / first:.2f}", "<= 1.2", later / first <= 1.2))
        what = f"raw durable one-statement commits, {clients} client(s)"
        checks.append(Check(report.OF_RAW_COMMITS[engine][0], what, f"{raw[clients]:.0f} commits/s", "", None))
    for job, most in (("front page", 8), ("contact form", None), ("inbox, first page", 16), ("case", None)):
        size = by_job[job, 1].body_bytes / 1024
        goal = f"<= {most} KiB" if most else ""
        checks.append(Check(13, f"bytes of {job}", f"{size:.1f} KiB", goal, size <= most if most else None))
    return checks


def _flatness(few: Installation, many: Installation, rows: int, engine: str, load: Load) -> list[Check]:
    """The same job at few and at many rows, by turns, one client."""
    found: dict[str, list[float]] = {}
    with _portal(few, engine) as small, _portal(many, engine) as large:
        browsers = [Browser(small.port), Browser(large.port)]
        for browser in browsers:
            browser.sign_in()
        for at_few, at_many in zip(*(_jobs(*pair) for pair in zip(browsers, (few, many), strict=True)), strict=True):
            if at_few.name in ("inbox, first page", "case", "submit, urlencoded"):
                for _ in range(4):
                    p50s = [
                        _p50(load.run(Order(server.port, job.request, job.expected, 1, 0.5, 2000)))
                        for server, job in ((small, at_few), (large, at_many))
                    ]
                    found.setdefault(at_few.name, []).append(p50s[1] / p50s[0])
    return [
        Check(
            8, f"p50 of {job}, {rows:,} rows beside {FEW:,}", f"{median(ratios):.2f}", "<= 1.2", median(ratios) <= 1.2
        )
        for job, ratios in found.items()
    ]


def _p50(answers: Answers) -> float:
    return median(answers.latencies)


if __name__ == "__main__":
    sys.exit(main())
