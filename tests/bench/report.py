"""The figures beside their goals, as text or as Markdown. Goals are the 'must' of docs/performance.md."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.series import Figures

HEAD = (
    "job",
    "clients",
    "req/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "CPU ms",
    "db CPU ms",
    "rate/hello",
    "CPU/hello",
    "goals",
)

# Row of the goals, at least this much of the bare route's rate, at most this much of its CPU time.
BESIDE_HELLO = {
    "front page": (1, 0.8, 1.25),
    "contact form": (2, 0.45, 2.2),
    "inbox, first page": (6, 0.22, 5.0),
    "case": (9, 0.3, 4.0),
}
SUBMISSION_CPU = 11.0
OF_RAW_COMMITS = {"postgresql": (3, 0.08, 3.0), "sqlite": (4, 0.06, 4.0)}
"""By engine: the row, the least share of the raw commit rate, the most that p99 may be of p50 at four clients."""


@dataclass(frozen=True)
class Check:
    """One goal that is not a column: what was measured and whether that is good enough."""

    row: int
    what: str
    measured: str
    goal: str
    met: bool | None


def judge(figures: Figures, engine: str, raw_rate: float) -> None:
    """Write down the goals of a job, and whether they are met."""
    goals: list[tuple[str, bool]] = []
    if figures.job in BESIDE_HELLO:
        row, rate, cpu = BESIDE_HELLO[figures.job]
        goals = [
            (f"row {row}: rate >= {rate}", figures.rate_ratio >= rate),
            (f"CPU <= {cpu}", figures.cpu_ratio <= cpu),
        ]
    elif figures.job.startswith("submit"):
        row, share, tail = OF_RAW_COMMITS[engine]
        found = figures.rate / raw_rate
        goals.append((f"row {row}: {found:.3f} of raw commits >= {share}", found >= share))
        if engine == "postgresql":
            goals.append(
                (
                    f"app + db CPU {figures.whole_cpu_ratio:.1f} <= {SUBMISSION_CPU:g}",
                    figures.whole_cpu_ratio <= SUBMISSION_CPU,
                )
            )
        if figures.clients > 1:
            ratio = figures.p99 / figures.p50
            goals.append((f"p99/p50 {ratio:.1f} <= {tail:g}", ratio <= tail))
    if figures.wrong:
        goals.append((f"{figures.wrong} wrong answers", False))
    figures.goals = goals


def print_figures(title: str, rows: Sequence[Figures], *, markdown: bool) -> None:
    """A table of jobs."""
    lines = [
        (
            *(one.job, str(one.clients), f"{one.rate:.0f}", f"{one.p50:.2f}", f"{one.p95:.2f}", f"{one.p99:.2f}"),
            *(f"{one.cpu:.2f}", f"{one.database_cpu:.2f}", f"{one.rate_ratio:.2f}", f"{one.cpu_ratio:.2f}"),
            "; ".join(f"{goal}: {'met' if met else 'NOT MET'}" for goal, met in one.goals),
        )
        for one in rows
    ]
    _print_table(title, HEAD, lines, markdown=markdown)


def print_checks(title: str, checks: Sequence[Check], *, markdown: bool) -> None:
    """A table of single figures."""
    said = {True: "met", False: "NOT MET", None: ""}
    lines = [(str(check.row), check.what, check.measured, check.goal, said[check.met]) for check in checks]
    _print_table(title, ("row", "what", "measured", "goal", "met"), lines, markdown=markdown)


def _print_table(title: str, head: Sequence[str], lines: Sequence[Sequence[str]], *, markdown: bool) -> None:
    if markdown:
        print(f"\n### {title}\n")
        for line in (head, ["---"] * len(head), *lines):
            print(f"| {' | '.join(line)} |")
        return
    widths = [max(len(line[column]) for line in (head, *lines)) for column in range(len(head))]
    print(f"\n{title}")
    for line in (head, ["-" * width for width in widths], *lines):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
