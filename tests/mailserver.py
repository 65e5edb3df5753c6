"""A real SMTP server on this machine that keeps what it is given."""

import email
import email.policy
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Delivery:
    """One message as it came over the line."""

    sender: str
    recipients: list[str]
    message: EmailMessage


@dataclass
class MailServer:
    """What the server was told, and how it shall answer.

    ``refusals`` maps a recipient to the answer it gets, e.g. ``550 5.1.1 no such person``; ``answer`` is given to
    every message when set.
    """

    host: str = "127.0.0.1"
    port: int = 0
    deliveries: list[Delivery] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)
    answer: str = ""
    authority: Path | None = None

    @property
    def messages(self) -> list[EmailMessage]:
        return [delivery.message for delivery in self.deliveries]

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.answer:
            return self.answer
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        # Lines end on the wire as they do on no screen.
        message = email.message_from_bytes(raw.replace(b"\r\n", b"\n"), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.deliveries.append(Delivery(envelope.mail_from or "", list(envelope.rcpt_tos), message))
        return "250 OK"


@contextmanager
def running_mail_server(
    *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None
) -> Iterator[MailServer]:
    """Listen on a free port until the block ends; with ``tls`` from the first byte, with ``starttls`` when asked."""
    server = MailServer()
    for attempt in range(5):
        server.port = _free_port()
        controller = Controller(
            server,
            hostname=server.host,
            port=server.port,
            ssl_context=tls,
            tls_context=starttls,
            require_starttls=starttls is not None,
            ready_timeout=20,
        )
        try:
            controller.start()
        except OSError:  # somebody else took the port in between
            if attempt == 4:
                raise
            continue
        break
    try:
        yield server
    finally:
        controller.stop()


@dataclass
class Certificate:
    """A certificate for one name, and the file that makes a client trust it."""

    context: ssl.SSLContext
    authority: Path


def make_certificate(folder: Path, *names: str) -> Certificate:
    """A certificate made on the spot, signed by an authority that nobody knows."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    file = folder / f"authority-of-{names[0]}.pem"
    authority.cert_pem.write_to_path(str(file))
    return Certificate(context, file)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
