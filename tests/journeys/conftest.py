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
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.journeys.looking import check
from tests.journeys.steps import Mail

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
    # Behind a proxy, every browser of the tests has an address of its own: limits are counted by address.
    environment = {**os.environ, "YHTEYS_DATA_DIR": str(data_dir), "YHTEYS_TRUSTED_PROXIES": "1"}
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
SignIn = Callable[..., Page]
_LOCALES = {"fi": "fi-FI", "sv": "sv-FI", "en": "en-GB"}
_ADDRESSES = (f"198.18.{number // 250}.{number % 250 + 1}" for number in count())


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
        standard = {
            "base_url": portal.url,
            "viewport": DESKTOP,
            "locale": "fi-FI",
            "extra_http_headers": {"X-Forwarded-For": next(_ADDRESSES)},
        }
        context = browser.new_context(**{**standard, **options})
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
    return check


@pytest.fixture
def mail(portal: Portal) -> Mail:
    """The letters that the worker has captured."""
    return Mail(portal.data_dir / "mail")


@pytest.fixture
def sign_in(open_context: OpenContext, portal: Portal) -> SignIn:
    """A page of a demo account, in a browser of its own: ``sign_in("koponen", "sv")`` has the portal in Swedish."""

    def enter(key: str, language: str = "en", **options: Any) -> Page:
        page = open_context(**{"locale": _LOCALES[language], **options}).new_page()
        type_password(page, portal, key)
        if page.locator("html").get_attribute("lang") != language:
            page.goto("/workspace/account")
            page.select_option("#language", language)
            page.locator("form[action$='/account/language'] button").click()
            page.wait_for_selector(f"html[lang={language}] [role=status]")
            page.goto("/workspace/")
        return page

    return enter


def type_password(page: Page, portal: Portal, key: str) -> None:
    """Sign in at the page that asks for it; leads there first, unless the browser shows it already."""
    if not urlsplit(page.url).path.startswith("/workspace/sign-in"):
        page.goto("/workspace/")
    email = f"{key}@demo.example.org"
    page.fill("#email", email)
    page.fill("#password", portal.accounts[email])
    page.locator("main form button[type=submit]").click()
    page.wait_for_selector("body.workspace")


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
        with suppress(PlaywrightError):
            page.screenshot(path=PICTURES / f"{safe}-{number}.png", full_page=True)
