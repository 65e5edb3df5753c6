"""Letters on the wire: what a real mail server receives, and what becomes of letters when it does not behave.

The database hardly matters here, so SQLite alone is used.
"""

import re
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog
import time_machine
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask
from sqlalchemy import select

from portal import clock, create_app
from portal.database import db
from portal.gateways.letters import TO_STAFF, LetterFacts, WrittenLetter, write_letter
from portal.gateways.links import public_link
from portal.gateways.mailer import Envelope as Address
from portal.gateways.mailer import LetterRefused, PostUnavailable, open_post
from portal.models import Letter
from portal.models.letters import LETTER_KINDS, LetterKind
from portal.operations.outbox import Tally, deliver_due
from portal.queries.editions import content
from tests.installation import make_settings, release
from tests.internships import a_document, answers
from tests.mailserver import Certificate, MailServer, make_certificate, running_mail_server
from tests.people import receive

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)

Installation = Callable[..., Flask]
HEADERS = [
    "auto-submitted",
    "content-language",
    "content-transfer-encoding",
    "content-type",
    "date",
    "from",
    "message-id",
    "mime-version",
    "subject",
    "to",
]


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture
def installation(database_url: str, tmp_path: Path) -> Iterator[Installation]:
    """The portal with a mail server: ``installation(server, smtp_security="tls")``."""
    made: list[Flask] = []

    def make(server: "MailServer | Unruly", **values: Any) -> Flask:
        chosen = {
            "smtp_host": server.host,
            "smtp_port": server.port,
            "smtp_security": "none",
            "smtp_timeout": 5,
            **values,
        }
        made.append(create_app(make_settings(tmp_path / "data", database_url, **chosen)))
        return made[-1]

    yield make
    for app in made:
        release(app)


@pytest.fixture
def plain(installation: Installation, smtp_server: MailServer) -> Flask:
    return installation(smtp_server)


class Raw:
    """Keeps the bytes of every message as the server got them."""

    def __init__(self, server: MailServer) -> None:
        self.messages: list[bytes] = []
        self._answer = server.handle_DATA
        server.handle_DATA = self._keep  # type: ignore[assignment, method-assign]

    async def _keep(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.messages.append(envelope.content)
        return await self._answer(server, session, envelope)


@pytest.fixture
def raw(smtp_server: MailServer) -> Raw:
    return Raw(smtp_server)


def head_of(message: bytes) -> list[str]:
    """The names of a message's headers, read line by line: a parser may see fewer than a mail program does."""
    head, _, _ = message.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    return sorted(line.split(b":")[0].decode().lower() for line in lines if not line.startswith((b" ", b"\t")))


def inquiries(app: Flask, number: int = 1, **values: Any) -> None:
    with app.app_context():
        for count in range(number):
            receive(**{"email": f"person-{count}@example.org", "wants_receipt": True, **values})


def deliver(app: Flask) -> Tally:
    with app.app_context():
        return deliver_due()


def letters(app: Flask) -> Sequence[Letter]:
    with app.app_context():
        return db.session.scalars(select(Letter).order_by(Letter.id)).all()


def post(app: Flask, letter: WrittenLetter, recipient: str = "ada@example.org", sender: str = "Liitto") -> None:
    with app.app_context(), open_post() as line:
        line.post(letter, Address(recipient, sender, "<one@localhost>", "en"))


# ------------------------------------------------------------------------------------------- a server that behaves


def test_each_message_goes_to_one_person_under_the_rows_id(plain: Flask, smtp_server: MailServer, raw: Raw) -> None:
    inquiries(
        plain, name="Äiti Öljy", subject="Yhteistyötä Jyväskylään", message="Hyvää päivää, 日本語 🙂", language="fi"
    )
    assert deliver(plain) == Tally(sent=2)
    rows = letters(plain)
    assert [delivery.recipients for delivery in smtp_server.deliveries] == [[row.recipient] for row in rows]
    assert [delivery.sender for delivery in smtp_server.deliveries] == ["portal@localhost.localdomain"] * 2
    assert [message["Message-ID"] for message in smtp_server.messages] == [row.message_id for row in rows]
    receipt = smtp_server.messages[0]
    assert "Äiti Öljy" in receipt.get_content()
    assert "Yhteistyötä Jyväskylään" in receipt.get_content()
    assert "Hyvää päivää, 日本語 🙂" in receipt.get_content()
    assert receipt["From"].addresses[0].display_name == "Keski-Suomen liitto"
    assert receipt["Auto-Submitted"] == "auto-generated"
    for message in raw.messages:
        assert head_of(message) == HEADERS
        assert message.isascii()
        assert max(map(len, message.split(b"\r\n"))) <= 78
        assert b"\n" not in message.replace(b"\r\n", b"")


def test_letters_with_marks_arrive_as_they_were_written(plain: Flask, smtp_server: MailServer) -> None:
    post(plain, WrittenLetter("Ääkköset, och å 🙂", "Hyvää\n"), sender="Etelä-Savon, Ålands & “co” <liitto>")
    [message] = smtp_server.messages
    assert message["Subject"] == "Ääkköset, och å 🙂"
    [sender] = message["From"].addresses
    assert sender.display_name == "Etelä-Savon, Ålands & “co” <liitto>"
    assert sender.addr_spec == "portal@localhost.localdomain"


@pytest.mark.parametrize(
    "text",
    [
        "one paragraph " * 700,
        "ä" * 10_000,
        ".\n..\n.hidden\n.",
        "End\r\n.\r\nMAIL FROM:<eve@example.org>\r\nRCPT TO:<eve@example.org>\r\nDATA\r\nSubject: smuggled\r\n",
        "End\n.\r\nMAIL FROM:<eve@example.org>\n.\n",
        "From here the line is kept\nFrom there too",
        "trailing   \nblanks\t\nand = signs =3D =\n",
        "page\x0cbreak \x0b \x85 \u2028 \u2029 \x1b[31m",
    ],
)
def test_any_text_arrives_as_it_was_written(plain: Flask, smtp_server: MailServer, text: str) -> None:
    post(plain, WrittenLetter("Subject", text))
    assert [delivery.recipients for delivery in smtp_server.deliveries] == [["ada@example.org"]]
    said = smtp_server.messages[0].get_content()
    assert said.replace("\r\n", "\n").rstrip("\n") == text.replace("\r\n", "\n").rstrip("\n")


# ------------------------------------------------------------------------------------------------------ encryption


def test_starttls_with_a_certificate_that_is_trusted(
    installation: Installation, smtp_starttls_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(smtp_starttls_server.authority))
    app = installation(smtp_starttls_server, smtp_security="starttls")
    inquiries(app)
    assert deliver(app) == Tally(sent=2)


def test_tls_with_a_certificate_that_is_trusted(
    installation: Installation, smtp_tls_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(smtp_tls_server.authority))
    app = installation(smtp_tls_server, smtp_security="tls")
    inquiries(app)
    assert deliver(app) == Tally(sent=2)


def assert_waits(app: Flask, reason: str) -> None:
    """Both letters of an inquiry are tried in vain and wait for better times."""
    inquiries(app)
    assert deliver(app) == Tally(postponed=2)
    for letter in letters(app):
        assert (letter.status, letter.attempts) == ("waiting", 1)
        assert reason in (letter.error or "")


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_of_nobody_we_know_is_refused(
    installation: Installation, certificate: Certificate, security: str
) -> None:
    with running_mail_server(**{security: certificate.context}) as server:
        assert_waits(installation(server, smtp_security=security), "certificate verify failed")
        assert server.deliveries == []


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_of_another_name_is_refused(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    other = make_certificate(tmp_path, "mail.example.org")
    monkeypatch.setenv("SSL_CERT_FILE", str(other.authority))
    with running_mail_server(**{security: other.context}) as server:
        assert_waits(installation(server, smtp_security=security), "IP address mismatch")
        assert server.deliveries == []


def test_nothing_goes_in_the_clear_where_encryption_was_asked_for(
    installation: Installation, smtp_server: MailServer
) -> None:
    assert_waits(installation(smtp_server, smtp_security="starttls"), "STARTTLS")
    assert smtp_server.deliveries == []


def test_a_server_that_wants_encryption_fails_no_letter_for_good(
    installation: Installation, smtp_starttls_server: MailServer
) -> None:
    """A wrong setting is mended in a minute; letters that failed for good would have to be sent again one by one."""
    assert_waits(installation(smtp_starttls_server, smtp_security="none"), "530")
    assert smtp_starttls_server.deliveries == []


# -------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("550 5.1.1 no such person", "failed"),
        ("552 5.2.2 mailbox full", "failed"),
        ("450 4.2.1 try later", "waiting"),
        ("421 4.3.2 going down", "waiting"),
    ],
)
def test_a_refused_recipient(plain: Flask, smtp_server: MailServer, answer: str, outcome: str) -> None:
    smtp_server.refusals["person-0@example.org"] = answer
    inquiries(plain)
    deliver(plain)
    receipt, _notice = letters(plain)
    assert (receipt.status, receipt.error) == (outcome, answer)
    smtp_server.refusals.clear()
    with time_machine.travel(clock.now() + timedelta(minutes=1)):
        deliver(plain)
    assert "hannu.koponen@keskisuomi.fi" in [message["To"] for message in smtp_server.messages]
    assert letters(plain)[0].status == ("failed" if outcome == "failed" else "sent")


@pytest.mark.parametrize(
    ("answer", "outcome"), [("554 5.7.1 it looks like spam", "failed"), ("451 4.3.0 no", "waiting")]
)
def test_a_refused_message(plain: Flask, smtp_server: MailServer, answer: str, outcome: str) -> None:
    smtp_server.answer = answer
    inquiries(plain)
    deliver(plain)
    assert [(letter.status, letter.error) for letter in letters(plain)] == [(outcome, answer)] * 2


# ------------------------------------------------------------------------------------------------ an unruly server


class Unruly:
    """A mail server that is silent or hangs up at a point of the talk; no library's server would do that."""

    def __init__(self, *, greeting: str = "220 mail", silent_at: str = "", takes: int = 1000) -> None:
        self.greeting = greeting
        self.silent_at = silent_at
        self.takes = takes
        self.host = "127.0.0.1"
        self.port = 0
        self.lines = 0
        self.messages: list[bytes] = []
        self.closing = threading.Event()

    def talk(self, reader: Any, writer: Any) -> None:
        self.lines += 1
        taken = 0
        if self._keeps_silent("greeting"):
            return
        writer.write(self.greeting.encode() + b"\r\n")
        while line := reader.readline():
            word = line[:4].decode().upper().strip()
            if self._keeps_silent(word):
                return
            if word == "QUIT":
                writer.write(b"221 bye\r\n")
                return
            if word == "DATA":
                writer.write(b"354 go on\r\n")
                message = b"".join(iter(reader.readline, b".\r\n"))
                self.messages.append(message)
                taken += 1
            writer.write(b"250 mail\r\n")
            if word == "DATA" and taken == self.takes:
                return

    def _keeps_silent(self, word: str) -> bool:
        if word == self.silent_at:
            self.closing.wait(30)
        return word == self.silent_at

    @property
    def ids(self) -> list[str]:
        return [str(message_from_bytes(message, policy=policy.default)["Message-ID"]) for message in self.messages]


@contextmanager
def running(server: Unruly) -> Iterator[Unruly]:
    class Talk(socketserver.StreamRequestHandler):
        wbufsize = 0

        def handle(self) -> None:
            server.talk(self.rfile, self.wfile)

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Listener((server.host, server.port), Talk) as listener:
        server.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            listener.shutdown()
            thread.join(10)


@pytest.mark.parametrize("word", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_silent_server_costs_one_time_out_however_many_letters_wait(installation: Installation, word: str) -> None:
    with running(Unruly(silent_at=word)) as server:
        app = installation(server, smtp_timeout=0.3)
        inquiries(app, 10)
        began = time.monotonic()
        assert deliver(app) == Tally(postponed=20)
        # Greeting and farewell may each take a time-out besides; one for each letter would take six seconds.
        assert time.monotonic() - began < 4
    assert all(letter.attempts == 1 for letter in letters(app))


def test_a_server_that_hangs_up_for_good_gets_the_rest_later(installation: Installation) -> None:
    with running(Unruly(takes=2)) as server:
        app = installation(server)
        inquiries(app, 3)
        server.greeting = "220 mail"

        def only_once(reader: Any, writer: Any, talk: Callable[[Any, Any], None] = server.talk) -> None:
            if server.lines == 0:
                talk(reader, writer)

        server.talk = only_once  # type: ignore[method-assign]
        assert deliver(app) == Tally(sent=2, postponed=4)
        server.talk = Unruly.talk.__get__(server)  # type: ignore[method-assign]
        server.takes = 1000
        with time_machine.travel(clock.now() + timedelta(minutes=1)):
            assert deliver(app) == Tally(sent=4)
        assert server.ids == [letter.message_id for letter in letters(app)]


def test_a_server_that_takes_few_messages_over_one_line_gets_another_line(installation: Installation) -> None:
    with running(Unruly(takes=2)) as server:
        app = installation(server)
        inquiries(app, 6)
        tally = deliver(app)
        assert (tally.sent, tally.failed) == (8, 0), "the letter that meets the closed line waits; the next goes on"
        with time_machine.travel(clock.now() + timedelta(minutes=1)):
            deliver(app)
        with time_machine.travel(clock.now() + timedelta(minutes=5)):
            deliver(app)
        assert {letter.status for letter in letters(app)} == {"sent"}
        assert sorted(server.ids) == sorted(letter.message_id for letter in letters(app))


def test_a_server_that_turns_everybody_away_gets_the_letters_later(installation: Installation) -> None:
    with running(Unruly(greeting="554 5.3.2 not today")) as server:
        assert_waits(installation(server), "554")


def test_a_sender_that_is_refused_fails_no_letter_for_good(plain: Flask, smtp_server: MailServer) -> None:
    async def refuse(_server: SMTP, _session: Session, _envelope: Envelope, _address: str, _options: list[str]) -> str:
        return "550 5.7.1 not your address"

    smtp_server.handle_MAIL = refuse  # type: ignore[attr-defined]
    assert_waits(plain, "550 5.7.1 not your address")


def test_nobody_listens(installation: Installation, smtp_server: MailServer) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        assert_waits(installation(smtp_server, smtp_port=probe.getsockname()[1]), "ConnectionRefusedError")


def test_a_failed_handshake_leaves_no_line_open(
    installation: Installation, certificate: Certificate, recwarn: pytest.WarningsRecorder
) -> None:
    with running_mail_server(starttls=certificate.context) as server:
        app = installation(server, smtp_security="starttls")
        with app.app_context(), pytest.raises(PostUnavailable, match="certificate"), open_post():
            pass
    assert [str(warning.message) for warning in recwarn if warning.category is ResourceWarning] == []


# -------------------------------------------------------------------------------------------------------- bending

EVIL = [
    "Hi\r\nBcc: eve@example.org",
    "Hi\nBcc: eve@example.org\n\nAnother text",
    "Hi\rBcc: eve@example.org",
    "Hi\u2028Bcc: eve@example.org",
    "Hi\u2029Bcc: eve@example.org",
    "Hi\x85Bcc: eve@example.org",
    "Hi\x0b\x0c\x1c\x1d\x1eBcc: eve@example.org",
    "Hi\x00\x7f",
    "=?utf-8?q?Hi=0d=0aBcc:_eve@example.org?=",
    "=?utf-8?q?=0A=0A<script>?=",
    "=?utf-8?b?SGkNCkJjYzogZXZlQGV4YW1wbGUub3Jn?=",
    "=\x01?utf-8?q?=0aBcc:_eve@example.org?=",
    "=\r\n?utf-8?q?=0aBcc:_eve@example.org?=",
    "ä" * 60 + "=?utf-8?q?=0aBcc:_eve@example.org?=",
    "word " * 40 + "=?utf-8?q?=0aBcc:_eve@example.org?= " + "word " * 40,
    "x" * 2000 + "\r\nBcc: eve@example.org",
    '"><eve@example.org>, "',
    '" <eve@example.org>, "Eve',
    "eve@example.org, Eve <eve@example.org>",
    "Hi\\",
    "%0d%0aBcc:%20eve@example.org",
    "\ufeff\u202eHi",
]


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("place", ["subject", "sender"])
def test_text_in_a_header_adds_neither_header_nor_recipient(
    plain: Flask, smtp_server: MailServer, raw: Raw, place: str, evil: str
) -> None:
    if place == "subject":
        post(plain, WrittenLetter(evil, "Text"))
    else:
        post(plain, WrittenLetter("Subject", "Text"), sender=evil)
    [delivery] = smtp_server.deliveries
    assert (delivery.sender, delivery.recipients) == ("portal@localhost.localdomain", ["ada@example.org"])
    assert head_of(raw.messages[0]) == HEADERS
    message = delivery.message
    assert [address.addr_spec for address in message["From"].addresses] == ["portal@localhost.localdomain"]
    assert [address.addr_spec for address in message["To"].addresses] == ["ada@example.org"]
    assert message.get_content().strip() == "Text"


@pytest.mark.parametrize(
    "recipient",
    [
        "ada@example.org\r\nBcc: eve@example.org",
        "ada@example.org>\r\nRCPT TO:<eve@example.org",
        "ada@example.org, eve@example.org",
        "ada@example.org;eve@example.org",
        "ada@example.org\u2028Bcc: eve@example.org",
        "Ada <eve@example.org>",
        "=?utf-8?q?ada=0d=0aBcc:eve?=@example.org",
        "ada@example.org\x00",
        "",
        "ada",
    ],
)
def test_what_is_no_plain_address_gets_nothing(plain: Flask, smtp_server: MailServer, recipient: str) -> None:
    with pytest.raises(LetterRefused):
        post(plain, WrittenLetter("Subject", "Text"), recipient=recipient)
    assert smtp_server.deliveries == []


@pytest.mark.parametrize("evil", EVIL[:2] + EVIL[8:11])
def test_what_the_sender_types_stays_out_of_every_header(
    plain: Flask, smtp_server: MailServer, raw: Raw, evil: str
) -> None:
    """The form refuses line breaks; here they come by another way in."""
    inquiries(plain, name=evil, subject=evil, organisation=evil)
    assert deliver(plain) == Tally(sent=2)
    for message in raw.messages:
        assert head_of(message) == HEADERS
        head = message.partition(b"\r\n\r\n")[0]
        assert b"eve@" not in head
        assert b"script" not in head
    assert [len(delivery.recipients) for delivery in smtp_server.deliveries] == [1, 1]
    reference = re.compile(r"[\w :]*KS-\d{4}-\w{4}-\w{4}[\w ]*")
    assert all(reference.fullmatch(message["Subject"]) for message in smtp_server.messages)


# ------------------------------------------------------------------------------------------------- what is written

FACTS = LetterFacts(
    reference="KS-2026-7F3K-9QXD",
    topic="errin",
    holder="koponen",
    received_at=datetime(2026, 11, 24, 12, 5, tzinfo=UTC),
    sender_name="Secretname",
    subject="Secretsubject",
    message="Secretmessage",
    file_names=("secretfile.pdf",),
    code="secr-etco-de22",
    body="Secretbody",
    actor="Secretactor",
)
LANGUAGES = ["fi", "sv", "en"]


@pytest.fixture
def public(installation: Installation, smtp_server: MailServer) -> Flask:
    return installation(smtp_server, public_url="https://portal.example.org")


_LATER = datetime(2026, 12, 24, 12, 0, tzinfo=UTC)
APPLICATION = replace(
    FACTS,
    call=a_document(),
    call_slug="a-call",
    address_as="Secretfirstname",
    answers=answers(name=FACTS.sender_name, motivation=FACTS.message),
    closes_at=_LATER,
    expires_at=_LATER,
    documents=(("cv", "secret.pdf"),),
    missing_documents=("transcript",),
    documents_due_at=_LATER,
    data={
        "due_at": _LATER.isoformat(),
        "fields": ["motivation"],
        "message": FACTS.body,
        "minutes": 30,
        "place": "Room 5",
        "reply_by": _LATER.isoformat(),
        "retention_months": 12,
        "slot": _LATER.isoformat(),
        "slots": [_LATER.isoformat()],
    },
)
ABOUT_A_DRAFT = frozenset({"draft_saved", "draft_reminded"})
WITHOUT_A_CASE = ABOUT_A_DRAFT | {"late_refused", "late_arrived", "reserve_moves_up", "review_invited"}
INTERNAL = TO_STAFF | {"late_arrived", "reserve_moves_up", "review_invited"}


def facts_of(kind: LetterKind) -> LetterFacts:
    """What a letter of this kind is written from."""
    if kind.startswith(("inquiry", "sender")):
        return FACTS
    if kind not in WITHOUT_A_CASE:
        return APPLICATION
    return replace(APPLICATION, reference="", code="", draft_key="a-key" if kind in ABOUT_A_DRAFT else "")


def written(app: Flask, kind: LetterKind, language: str, facts: LetterFacts | None = None) -> WrittenLetter:
    with app.app_context():
        return write_letter(kind, language, facts or facts_of(kind), content())


def links_in(text: str) -> list[str]:
    return re.findall(r"https?://\S+", text)


def test_every_letter_is_whole_in_every_language(public: Flask) -> None:
    for kind in LETTER_KINDS:
        texts = []
        for language in LANGUAGES:
            letter = written(public, kind, language)
            whole = f"{letter.subject}\n{letter.body}"
            texts.append(whole)
            names = [FACTS.reference, f"Intern for bioeconomy networks ({language})", "2026"]
            assert any(name in letter.subject for name in names) or kind in WITHOUT_A_CASE, (kind, language)
            for left_over in ("%(", "{{", "}}", "{%", "None", "Undefined", "&#", "&amp;"):
                assert left_over not in whole, (kind, language)
            assert len(letter.subject) <= 100
        assert len(set(texts)) == 3, f"{kind} says the same in two languages"


def test_every_link_leads_to_a_page_of_ours(public: Flask) -> None:
    adapter = public.url_map.bind("portal.example.org")
    for kind in LETTER_KINDS:
        for language in LANGUAGES:
            [link] = links_in(written(public, kind, language).body)
            address = urlsplit(link)
            assert (address.scheme, address.netloc) == ("https", "portal.example.org")
            assert adapter.match(address.path) == expected_link(kind, language), kind
            if expected_link(kind, language)[0] == "public.track":
                assert parse_qs(address.query) == {"reference": [FACTS.reference]}


def expected_link(kind: LetterKind, language: str) -> tuple[str, dict[str, str]]:
    if kind in TO_STAFF:
        return "workspace.case", {"reference": FACTS.reference}
    if kind in ABOUT_A_DRAFT:
        return "public.resume_draft", {"lang": language, "key": "a-key"}
    return {
        "late_arrived": ("workspace.late_applications", {"slug": "a-call"}),
        "late_refused": ("public.contact", {"lang": language}),
        "reserve_moves_up": ("workspace.decisions", {"slug": "a-call"}),
        "review_invited": ("workspace.reviews", {}),
    }.get(kind, ("public.track", {"lang": language}))


def test_notices_to_staff_say_nothing_of_the_sender(public: Flask) -> None:
    for kind in INTERNAL:
        for language in LANGUAGES:
            letter = written(public, kind, language)
            whole = f"{letter.subject}\n{letter.body}".lower()
            # Who handed a case over is a colleague.
            allowed = {"secretactor"} if kind == "inquiry_handed_over" else set()
            assert set(re.findall(r"secr[\w-]*", whole)) == allowed, (kind, language)
            assert (FACTS.reference.lower() in whole) == (kind in TO_STAFF)


def test_no_subject_carries_a_strangers_words(public: Flask) -> None:
    for kind in LETTER_KINDS:
        for language in LANGUAGES:
            assert "secret" not in written(public, kind, language).subject.lower(), (kind, language)


def test_links_are_the_installations_own_whatever_host_a_request_names(public: Flask) -> None:
    with public.test_request_context("/", headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"}):
        for kind in LETTER_KINDS:
            assert "evil" not in write_letter(kind, "en", facts_of(kind), content()).body
    client = public.test_client()
    page = client.get("/en/contact", headers={"Host": "evil.example"})
    assert page.status_code == 200
    fields = dict(re.findall(r'name="(csrf_token|token)"[^>]* value="([^"]+)"', page.text))
    data = {**fields, "topic": "errin", "subject": "s", "message": "m", "name": "Ada", "email": "ada@example.org"}
    response = client.post("/en/contact", data=data, headers={"Host": "evil.example"})
    assert (response.status_code, response.location) == (303, "/en/contact/receipt")
    with public.app_context():
        rows = db.session.scalars(select(Letter)).all()
        assert all(row.message_id.endswith("@portal.example.org>") for row in rows)


def test_links_keep_the_path_that_the_portal_lives_under(installation: Installation, smtp_server: MailServer) -> None:
    app = installation(smtp_server, public_url="https://example.org/international/")
    with app.app_context():
        link = public_link("workspace.case", reference=FACTS.reference)
    assert link == f"https://example.org/international/workspace/cases/{FACTS.reference}"


def test_a_public_address_with_marks_makes_ids_and_links_that_travel(
    installation: Installation, smtp_server: MailServer
) -> None:
    app = installation(smtp_server, public_url="https://etelä-savo.example")
    inquiries(app)
    assert deliver(app) == Tally(sent=2)
    message = smtp_server.messages[0]
    assert message["Message-ID"].endswith("@xn--etel-savo-y2a.example>")
    assert links_in(message.get_content())[0].startswith("https://")


@pytest.mark.parametrize("typed", ["100 %(reference)s %s %", "{{ 7 * 7 }} {% raw %}", '<b>&amp;</b> "it\'s"'])
def test_what_people_typed_is_neither_filled_in_nor_escaped(public: Flask, typed: str) -> None:
    facts = LetterFacts(**{**FACTS.__dict__, "sender_name": typed, "subject": typed, "message": typed, "body": typed})
    assert written(public, "inquiry_received", "fi", facts).body.count(typed) == 3
    assert typed in written(public, "inquiry_answered", "sv", facts).body
