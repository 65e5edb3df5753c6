"""Handing letters to the mail server, through Flask-Mail over a connection of our own.

Flask-Mail's own connection has no time-out, verifies no certificate and swallows partly refused
recipients; here a silent server times out, a false certificate is refused, and a message has one recipient.
Without an SMTP host letters are captured in a folder and nothing leaves the machine.
"""

import email
import email.charset
import email.policy
import os
import re
import smtplib
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.mime.base import MIMEBase
from email.mime.text import MIMEText
from email.utils import quote
from pathlib import Path
from typing import Any

from flask import Flask, current_app
from flask_mail import BadHeaderError, Connection, Mail, Message

from portal import settings
from portal.gateways.letters import WrittenLetter
from portal.rules.text import header_safe
from portal.settings import Settings

mail = Mail()


class LetterRefused(Exception):
    """This letter will never go: it cannot be built, or its address was refused for good."""


class PostUnavailable(Exception):
    """The mail server cannot be reached or is not taking letters now; try again later."""


@dataclass(frozen=True)
class Envelope:
    """Who a letter is for and from; ``message_id`` stays the same at every attempt."""

    recipient: str
    sender_name: str
    message_id: str
    language: str


def init_app(app: Flask, configured: Settings) -> None:
    """Point Flask-Mail at the configured server."""
    app.config.update(
        MAIL_SERVER=configured.smtp_host,
        MAIL_PORT=configured.smtp_port,
        MAIL_USERNAME=configured.smtp_username or None,
        MAIL_PASSWORD=configured.smtp_password.get_secret_value() or None,
        MAIL_DEFAULT_SENDER=configured.mail_sender,
        MAIL_SUPPRESS_SEND=False,
    )
    mail.init_app(app)


@contextmanager
def open_post() -> Iterator["PostLine"]:
    """A line to the mail server, kept open for a batch.

    Raises:
        PostUnavailable: the server cannot be reached, or its certificate is false.
    """
    line = PostLine(current_app.extensions["mail"], settings.current())
    try:
        line.__enter__()
    except (OSError, smtplib.SMTPException) as error:
        raise PostUnavailable(_reason(error)) from error
    try:
        yield line
    finally:
        line.hang_up()


class PostLine(Connection):
    """Flask-Mail's connection with a time-out and verified TLS."""

    def __init__(self, state: Any, configured: Settings) -> None:
        super().__init__(state)
        self._configured = configured

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        folder = self._configured.mail_capture_dir
        if folder is not None:
            return _Captured(folder)  # type: ignore[return-value]
        return _connect(self._configured)

    def post(self, letter: WrittenLetter, envelope: Envelope) -> None:
        """Send one letter to one person.

        Raises:
            LetterRefused: for good.
            PostUnavailable: for now.
        """
        try:
            message = _build(letter, envelope)
        except (ValueError, UnicodeError, BadHeaderError, email.errors.MessageError) as error:
            raise LetterRefused(f"the letter cannot be built: {error}") from error
        try:
            self._renew()
            self.send(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, reason = next(iter(error.recipients.values()))
            raise _refusal(code, reason) from error
        except smtplib.SMTPDataError as error:
            raise _refusal(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPSenderRefused as error:
            # That is about the installation (its sender, its rights) and not about this letter, but for its size.
            if error.smtp_code == _TOO_LARGE:
                raise _refusal(error.smtp_code, error.smtp_error) from error
            raise PostUnavailable(_said(error.smtp_code, error.smtp_error)) from error
        except (OSError, smtplib.SMTPException) as error:
            raise PostUnavailable(_reason(error)) from error

    def _renew(self) -> None:
        """Go on over a new line when the server has hung up: many take only so many messages over one.

        Not when the last line carried nothing: each letter of a batch would wait for the time-out in its turn.
        """
        broken = isinstance(self.host, smtplib.SMTP) and self.host.sock is None
        if broken and self.num_emails:
            self.num_emails = 0
            self.host = self.configure_host()

    def hang_up(self) -> None:
        """End the line; a server that has already hung up is no fault."""
        try:
            self.__exit__(None, None, None)  # type: ignore[arg-type]
        except (OSError, smtplib.SMTPException):
            self.host = None


def _connect(configured: Settings) -> smtplib.SMTP | smtplib.SMTP_SSL:
    context = ssl.create_default_context()
    where = (configured.smtp_host, configured.smtp_port)
    host: smtplib.SMTP | smtplib.SMTP_SSL
    if configured.smtp_security == "tls":
        host = smtplib.SMTP_SSL(*where, timeout=configured.smtp_timeout, context=context)
    else:
        host = smtplib.SMTP(*where, timeout=configured.smtp_timeout)
    try:
        if configured.smtp_security == "starttls":
            host.starttls(context=context)
        if configured.smtp_username:
            host.login(configured.smtp_username, configured.smtp_password.get_secret_value())
    except BaseException:
        host.close()
        raise
    return host


_QUOTED = email.charset.Charset("utf-8")
_QUOTED.body_encoding = email.charset.QP


# Folded anew, a long name with a comma in it would lose its quotes and become two addresses.
_AS_BUILT = email.policy.SMTP.clone(refold_source="none")


class _Plain(Message):
    """A plain text whose lines are short and ASCII: servers refuse, cut or change what is longer or is not."""

    def _message(self) -> MIMEBase:
        built = super()._message()
        built.policy = _AS_BUILT
        return built

    def _mimetext(self, text: str | None, subtype: str = "plain") -> MIMEText:
        return MIMEText(text or "", subtype, _QUOTED)  # type: ignore[arg-type]


def _build(letter: WrittenLetter, envelope: Envelope) -> Message:
    sender_name = header_safe(envelope.sender_name)[:_LONGEST]
    message = _Plain(
        subject=header_safe(letter.subject)[:_LONGEST],
        recipients=[envelope.recipient],
        body=letter.body,
        # Quoted by hand: Flask-Mail would take a name with a comma in it for two addresses.
        sender=f'"{quote(sender_name)}" <{settings.current().mail_sender}>',
        extra_headers={
            # Out-of-office programs stay silent on these (RFC 3834).
            "Auto-Submitted": "auto-generated",
            "Content-Language": envelope.language,
        },
    )
    message.msgId = envelope.message_id
    message.date = time.time()
    _check_unbent(message, envelope)
    return message


_LONGEST = 200  # characters of a text in a header: even unfolded its line is legal
_TOO_LARGE = 552
_PLAIN_ADDRESS = re.compile(r"[!-~]+@[!-~]+")

_HEADERS = [
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


def _check_unbent(message: Message, envelope: Envelope) -> None:
    """Read the built message again: every header that was put there and none besides, one sender, one recipient."""
    read = email.message_from_bytes(message.as_bytes(), policy=email.policy.default)
    if sorted(name.lower() for name in read) != _HEADERS:
        raise LetterRefused("the letter's headers are not the ones that were written")
    people = [[address.addr_spec for address in read[name].addresses] for name in ("From", "To")]
    plain = _PLAIN_ADDRESS.fullmatch(envelope.recipient) is not None
    if not plain or people != [[settings.current().mail_sender], [envelope.recipient]]:
        raise LetterRefused("the letter's sender or recipient is not the one that was written")


def _refusal(code: int, reason: bytes | str) -> Exception:
    text = _said(code, reason)
    return LetterRefused(text) if 500 <= code < 600 else PostUnavailable(text)


def _said(code: int, reason: bytes | str) -> str:
    """The server's answer as it can be stored: it may hold any byte, and a database takes no NUL."""
    return header_safe(f"{code} {reason.decode('utf-8', 'replace') if isinstance(reason, bytes) else reason}")[:300]


def _reason(error: BaseException) -> str:
    return header_safe(f"{type(error).__name__}: {error}")[:300]


class _Captured:
    """Stands for a mail server on a developer's machine: each message becomes a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def sendmail(self, _sender: str, _recipients: list[str], message: bytes, *_options: object) -> None:
        name = f"{time.time_ns():020d}.eml"
        partial = self.folder / f".{name}"
        partial.write_bytes(message)
        os.replace(partial, self.folder / name)

    def quit(self) -> None:
        """There is no line to end."""
