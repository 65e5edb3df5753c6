"""The judge's process: held to its limits, replaced when it dies, and never letting a file in by dying."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portal.gateways import courtroom
from portal.gateways import judge as judge_module
from portal.gateways.judge import JudgeUnavailable, judge
from portal.rules.uploads import ALLOWED, AttachmentRejected, Reason
from tests import samples

Verdict = Callable[[bytes, str], Reason | None]


@pytest.fixture
def verdict(tmp_path: Path) -> Verdict:
    """Judge bytes as if they came under that extension: the reason, or ``None`` when they are taken in."""

    def judged(content: bytes, extension: str) -> Reason | None:
        path = tmp_path / "file"
        path.write_bytes(content)
        try:
            judge(path, ALLOWED[extension])
        except AttachmentRejected as rejection:
            return rejection.reason
        return None

    return judged


def test_only_a_regular_file_is_judged(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(samples.pdf())
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for path in (tmp_path / "link", tmp_path, tmp_path / "missing"):
        with pytest.raises(OSError):
            judge(path, ALLOWED["pdf"])


def test_many_threads_may_judge_at_once(tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(samples.pdf())
    (tmp_path / "bad").write_bytes(samples.pdf_with_javascript())

    def outcome(number: int) -> str:
        try:
            judge(tmp_path / ("bad" if number % 2 else "good"), ALLOWED["pdf"])
        except AttachmentRejected as rejection:
            return rejection.reason
        return "accepted"

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(outcome, range(64)))
    assert outcomes == ["accepted", "active_content"] * 32


def test_a_judge_that_was_killed_is_replaced(verdict: Verdict) -> None:
    assert verdict(samples.pdf(), "pdf") is None
    process = judge_module._court._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    assert verdict(samples.pdf(), "pdf") is None
    assert verdict(samples.encrypted_pdf(), "pdf") == "encrypted"


@pytest.fixture
def fresh_court() -> Iterator[None]:
    """A test that changes the judge's process begins without one, and leaves none behind."""
    judge_module._court.close()
    yield
    judge_module._court.close()


FORK = "import os, signal, socket, time\nline = socket.socket(fileno={listener})\n"
TAKE = FORK + "_, (file, answer), _, _ = socket.recv_fds(line, 16, 2)\nos.write(answer, b'?')\n"


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(TAKE, id="dies"),
        pytest.param(TAKE + "os.kill(os.getpid(), signal.SIGSEGV)", id="crashes"),
        pytest.param(TAKE + "time.sleep(60)", id="hangs"),
        pytest.param(TAKE + "os.write(answer, b'acc')", id="half an answer"),
        pytest.param(TAKE + "os.write(answer, b'accepted' * 100)", id="babbles"),
    ],
)
@pytest.mark.usefixtures("fresh_court")
def test_a_judgement_that_breaks_never_lets_a_file_in(
    verdict: Verdict, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(judge_module, "_PROGRAM", program)
    monkeypatch.setattr(judge_module, "ANSWER_SECONDS", 1.0)
    assert verdict(samples.pdf(), "pdf") == "too_complex"


@pytest.mark.parametrize(
    "program",
    [
        pytest.param("raise SystemExit(1)", id="leaves"),
        pytest.param(FORK + "time.sleep(60)", id="does not begin"),
    ],
)
@pytest.mark.usefixtures("fresh_court")
def test_a_judge_that_cannot_start_is_said_so(verdict: Verdict, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(judge_module, "START_SECONDS", 0.5)
        broken.setattr(judge_module, "_PROGRAM", program)
        with pytest.raises(JudgeUnavailable):
            verdict(samples.pdf(), "pdf")
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", "/nonexistent/python")
        with pytest.raises(JudgeUnavailable):
            verdict(samples.pdf(), "pdf")
    assert verdict(samples.pdf(), "pdf") is None


CONFINED = """
import sys, time
sys.path.insert(0, {root!r})
from portal.gateways import courtroom, examiners

def misbehave(file, kind):
    what = file.read().decode()
    while what == "cpu":
        pass
    if what == "wall":
        time.sleep(60)
    if what == "memory":
        bytearray(2 * 1024**3)

cpu = courtroom.resource.RLIMIT_CPU
courtroom.WALL_SECONDS = 2
courtroom._LIMITS = [(limit, 1 if limit == cpu else amount) for limit, amount in courtroom._LIMITS]
examiners.examine = misbehave
courtroom.serve({listener})
"""


@pytest.mark.parametrize("what", ["cpu", "wall", "memory"])
@pytest.mark.usefixtures("fresh_court")
def test_a_judgement_is_held_to_its_limits(verdict: Verdict, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr(judge_module, "_PROGRAM", CONFINED)
    begun = time.monotonic()
    assert verdict(what.encode(), "txt") == "too_complex"
    assert time.monotonic() - begun < courtroom.WALL_SECONDS  # its own, of two seconds, ended it
    assert verdict(b"nothing bad", "txt") is None


@pytest.mark.usefixtures("fresh_court")
def test_a_judgement_knows_no_secrets(verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YHTEYS_SECRET_KEY", "do not tell")
    assert verdict(samples.pdf(), "pdf") is None
    process = judge_module._court._process
    assert process is not None
    assert b"do not tell" not in Path(f"/proc/{process.pid}/environ").read_bytes()


SITE = """
import sys
from portal.gateways.judge import judge
from portal.rules.uploads import ALLOWED, AttachmentRejected
from pathlib import Path

def application(environ, start_response):
    try:
        judge(Path({folder!r}) / environ["PATH_INFO"].strip("/"), ALLOWED["pdf"])
        said = "accepted"
    except AttachmentRejected as rejection:
        said = rejection.reason
    start_response("200 OK", [("X-Parsers", str("pikepdf" in sys.modules))])
    return [said.encode()]
"""


def test_it_works_behind_the_server_of_production(tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(samples.pdf())
    (tmp_path / "bad").write_bytes(samples.pdf_with_javascript())
    (tmp_path / "judging_site.py").write_text(SITE.format(folder=str(tmp_path)))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    root = Path(judge_module.__file__).parents[2]
    server = subprocess.Popen(
        [
            *(
                sys.executable,
                "-m",
                "gunicorn",
                "--bind",
                f"127.0.0.1:{port}",
                "--preload",
                "--worker-class",
                "gthread",
            ),
            *("--workers", "2", "--threads", "4", "--pythonpath", str(tmp_path), "judging_site"),
        ],
        cwd=root,
        stderr=subprocess.PIPE,
        text=True,
    )

    def ask(number: int) -> tuple[str, str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{'bad' if number % 2 else 'good'}") as answer:
            return answer.read().decode(), answer.headers["X-Parsers"]

    try:
        wait_for(port)
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ask, range(40))) == [("accepted", "False"), ("active_content", "False")] * 20
    finally:
        server.terminate()
        _, log = server.communicate(timeout=20)
    assert "Traceback" not in log


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("the server did not come up")
