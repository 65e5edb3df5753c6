"""What people do in several journeys: reading their mail, finding words on a page, sending an inquiry."""

import gettext
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from playwright.sync_api import APIResponse, BrowserContext, FilePayload, Locator, Page

from portal.settings import PACKAGE
from tests import samples

LANGUAGES = ("fi", "sv", "en")
REFERENCE = re.compile(r"KS-\d{4}-[0-9A-Z]{4}-[0-9A-Z]{4}")
CODE = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b")

PROGRAMME = FilePayload(name="programme.pdf", mimeType="application/pdf", buffer=samples.pdf())
PICTURE = FilePayload(name="Kuva rannasta.png", mimeType="image/png", buffer=samples.png())
LIAR = FilePayload(name="budget.xlsx", mimeType="application/pdf", buffer=samples.pdf())
LARGE = FilePayload(name="huge.txt", mimeType="text/plain", buffer=b"a line of text\n" * 720_000)


@dataclass(frozen=True)
class Sent:
    """What the receipt says, and how the inquiry or application is recognised in a list: by subject, or by name."""

    reference: str
    code: str
    subject: str


class Mail:
    """The folder in which the worker captures letters."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def wait_for(self, *words: str, seconds: float = 15, count: int = 1) -> list[str]:
        """The letters in which all the words stand, as text with their headers; waits until there are ``count``."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.find(*words)
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, f"{len(found)} of {count} letters say {words}: {self.find()}"
            time.sleep(0.05)

    def find(self, *words: str) -> list[str]:
        """The letters in which all the words stand, oldest first."""
        letters = [_as_text(file) for file in sorted(self._folder.glob("*.eml"))]
        return [letter for letter in letters if all(word in letter for word in words)]


def _as_text(file: Path) -> str:
    message = message_from_bytes(file.read_bytes().replace(b"\r\n", b"\n"), policy=policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain",))
    assert body is not None
    return f"To: {message['To']}\nSubject: {message['Subject']}\n\n{body.get_content()}"


def words_of(language: str) -> Callable[..., str]:
    """The portal's own texts in a language: ``words_of("fi")("Send")``."""
    found = gettext.translation("messages", PACKAGE / "translations", [language], fallback=language == "en")

    def say(text: str, plural: str = "", **values: Any) -> str:
        said = found.ngettext(text, plural, values["num"]) if plural else found.gettext(text)
        return said % values if values else said

    return say


def press(page: Page, name: str) -> None:
    """Press the button with this name."""
    page.get_by_role("button", name=name, exact=True).click()


def has_focus(locator: Locator) -> bool:
    """Whether the keyboard is there."""
    found: bool = locator.evaluate("element => element === document.activeElement")
    return found


def send_inquiry(context: BrowserContext, *, language: str = "en", **values: Any) -> Sent:
    """An inquiry as a browser sends it, without looking at the pages. ``files`` is at most one file."""
    address = f"/{language}/contact"
    form = {
        "topic": "errin",
        "subject": "Partners for a proposal",
        "message": "Dear colleagues,\nwe look for a region to join us.",
        "name": "Ada Example",
        "email": "ada@example.org",
        **({"message": "Hello, is anybody there?"} if values.get("topic") == "triage" else {}),
        **{name: value for name, value in values.items() if name != "files"},
    }
    if "files" in values:
        form["files"] = values["files"]
    return _sent(_post(context, address, form), form["subject"])


def send_application(context: BrowserContext, slug: str, *, language: str = "en", **values: Any) -> Sent:
    """An application as a browser sends it, step by step, without looking at the pages; ``values`` as below."""
    fill_in_application(context, slug, language=language, **values)
    answer = _post(context, f"/{language}/internships/{slug}/apply/check", {})
    return _sent(answer, values.get("name", "Alma Applicant"))


def fill_in_application(context: BrowserContext, slug: str, *, language: str = "en", **values: Any) -> None:
    """The draft of an application, ready to be sent.

    ``values`` take the place of single answers; ``cv`` is the file sent as such. The call's own questions are
    answered by ``own``, by key.
    """
    answers: dict[str, Any] = {
        "name": "Alma Applicant",
        "email": "alma@example.org",
        "contact_language": language,
        "institution": "Example University",
        "study_field": "Regional studies",
        "study_level": "master",
        "study_stage": "studying",
        "topic": "errin",
        "available_from": "2027-02-01",
        "available_to": "2027-06-30",
        "weeks": "14",
        "language_1": "en",
        "level_1": "C1",
        "funding": "erasmus",
        "motivation": "I want to learn how regions work together.",
        **values,
    }
    own = {f"q-{key}": answer for key, answer in values.get("own", {}).items()}
    address = f"/{language}/internships/{slug}/apply"
    for step, names in _STEPS.items():
        _post(context, f"{address}/{step}", {name: answers[name] for name in names if name in answers} | own)
    _post(context, f"{address}/documents", {"file-cv": values.get("cv", PROGRAMME)})


_STEPS = {
    "you": ("name", "address_as", "email", "contact_language", "country"),
    "studies": ("institution", "study_field", "study_level", "study_stage"),
    "internship": ("topic", "available_from", "available_to", "weeks"),
    "skills": ("language_1", "level_1", "funding"),
    "motivation": ("motivation",),
}


def _post(context: BrowserContext, address: str, form: dict[str, Any]) -> APIResponse:
    page = context.request.get(address).text()
    hidden = dict(re.findall(r'name="(csrf_token|token)"[^>]*value="([^"]+)"', page))
    answer = context.request.post(address, multipart={**hidden, **form})
    assert answer.ok, f"{answer.status} {answer.url}: {answer.text()[:4000]}"
    return answer


def _sent(answer: APIResponse, subject: str) -> Sent:
    text = answer.text()
    assert answer.url.endswith("/receipt"), f"{answer.status} {answer.url}: {text[:4000]}"
    reference, code = (re.search(rf'id="{key}">([^<]+)<', text) for key in ("reference", "access-code"))
    assert reference
    assert code
    return Sent(reference[1], code[1], subject)
