"""The running portal and a real browser, once for each test process."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
PICTURES = Path("var/journeys")

# The sandbox needs rights that root and containers lack; the rest keeps the browser from talking to its maker.
_BROWSER_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass(frozen=True)
class Portal:
    """The running installation. ``accounts`` are the demo accounts: e-mail addresses and passwords."""

    url: str
    data_dir: Path
    accounts: dict[str, str]


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """What ``make run`` starts, with a folder of its own: gunicorn, worker, captured mail."""
    folder = tmp_path_factory.mktemp("portal")
    data_dir = folder / "var"
    bind = f"127.0.0.1:{_free_port()}"
    log = folder / "log"
    environment = {**os.environ, "YHTEYS_DATA_DIR": str(data_dir)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "portal.cli", "demo", "--bind", bind],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )
    try:
        _wait_until_up(f"http://{bind}/en/", process, log)
        accounts = json.loads((data_dir / "demo-accounts.json").read_text("utf-8"))
        yield Portal(f"http://{bind}", data_dir, accounts)
    finally:
        # As Ctrl-C does it: to the whole group.
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    assert "Traceback" not in log.read_text(errors="replace"), log.read_text(errors="replace")[-4000:]


def _wait_until_up(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the portal did not start:\n{log.read_text(errors='replace')[-4000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# ---------------------------------------------------------------------------------------------------- browser


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    names = (os.environ.get("PORTAL_BROWSER"), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    path = next((found for name in names if name and (found := shutil.which(name))), None)
    assert path, "no Chromium on this machine: `make test` installs it, or says how"
    browser = playwright.chromium.launch(executable_path=path, args=_BROWSER_OPTIONS)
    yield browser
    browser.close()


OpenContext = Callable[..., BrowserContext]


@pytest.fixture
def open_context(portal: Portal, browser: Browser, request: pytest.FixtureRequest) -> Iterator[OpenContext]:
    """A new browser, as of another person: ``open_context(java_script_enabled=False, locale="sv-FI")``.

    At the end the test fails if a page reported an error, broke its security policy or asked another host.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []
    host = urlsplit(portal.url).netloc

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda message: _note(message.type, message.text, page, complaints))
        page.on(
            "request",
            lambda asked: (
                urlsplit(asked.url).scheme in ("http", "https")
                and urlsplit(asked.url).netloc != host
                and complaints.append(f"{page.url} asked {asked.url}")
            ),
        )

    def open_one(**options: Any) -> BrowserContext:
        context = browser.new_context(**{"base_url": portal.url, "viewport": DESKTOP, "locale": "fi-FI", **options})
        context.set_default_timeout(10_000)
        context.on("page", watch)
        contexts.append(context)
        return context

    yield open_one
    report = request.node.stash.get(_REPORT, None)
    for context in contexts:
        if report is not None and report.failed:
            _photograph(context, request.node.name)
        context.close()
    assert not complaints, "\n".join(complaints)


def _note(kind: str, text: str, page: Page, complaints: list[str]) -> None:
    # A refused form answers 422, which the browser counts among its errors.
    if kind == "error" and not text.startswith("Failed to load resource: the server responded"):
        complaints.append(f"{page.url}: {text}")


@pytest.fixture(params=["phone", "desktop"])
def page(request: pytest.FixtureRequest, open_context: OpenContext) -> Page:
    """A page on a phone and on a wide screen: the test runs on both."""
    return open_context(**_SCREENS[request.param]).new_page()


@pytest.fixture
def phone(open_context: OpenContext) -> Page:
    return open_context(**_SCREENS["phone"]).new_page()


@pytest.fixture
def desktop(open_context: OpenContext) -> Page:
    return open_context(**_SCREENS["desktop"]).new_page()


@pytest.fixture
def no_js(open_context: OpenContext) -> Page:
    """A page in a browser that runs no scripts."""
    return open_context(java_script_enabled=False).new_page()


_SCREENS: dict[str, dict[str, Any]] = {
    "phone": {"viewport": PHONE, "has_touch": True, "is_mobile": True, "device_scale_factor": 2},
    "desktop": {"viewport": DESKTOP},
}


# ----------------------------------------------------------------------------------------------------- looking


@pytest.fixture
def check_page() -> Callable[[Page], None]:
    """Fail on any accessibility violation that axe finds, and on a page that is wider than its screen."""

    def check(page: Page) -> None:
        # Transitions would be measured half-way, with half the contrast.
        page.emulate_media(reduced_motion="reduce")
        page.evaluate(AXE_SCRIPT)
        found = page.evaluate(
            "tags => axe.run({runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})", _AXE_TAGS
        )
        violations = [
            f"{violation['id']}: {violation['help']}\n    " + "\n    ".join(node["html"] for node in violation["nodes"])
            for violation in found["violations"]
        ]
        assert not violations, f"{page.url}\n" + "\n".join(violations)
        wide, screen = page.evaluate(
            "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= screen, f"{page.url} is {wide} px wide on a screen of {screen} px"

    return check


_REPORT = pytest.StashKey[pytest.TestReport]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember how the test went, for the picture taken of a failure."""
    report: Any = yield
    if report.when == "call":
        item.stash[_REPORT] = report
    return report


def _photograph(context: BrowserContext, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for number, page in enumerate(context.pages):
        safe = "".join(c if c.isalnum() else "-" for c in name)
        page.screenshot(path=PICTURES / f"{safe}-{number}.png", full_page=True)


@contextmanager
def signed_in(open_context: OpenContext, portal: Portal, key: str) -> Iterator[Page]:
    """A page of the demo account with this key, e.g. ``koponen`` or ``coordinator``."""
    email = next(address for address in portal.accounts if address.startswith(f"{key}@"))
    page = open_context().new_page()
    page.goto("/workspace/")
    page.locator("input[type=email]").fill(email)
    page.locator("input[type=password]").fill(portal.accounts[email])
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/workspace/**")
    yield page
