"""Sessions as rows: the cookie holds a random token, and a row that is gone leaves a copied cookie worthless.

The row is read when somebody first looks into the session, so a page that does not look asks the database
nothing, whatever cookie is sent. It is written when it was changed, and otherwise once a minute at most.
"""

import hashlib
import re
import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import structlog
from flask import Flask, Request, Response, session
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy.exc import SQLAlchemyError

from portal import clock
from portal.database import db
from portal.operations.sessions import begin_session, end_session, save_session
from portal.queries.accounts import StaffAccount
from portal.queries.sessions import StoredSession, find_session
from portal.web.security import cookies

COOKIE = "yhteys_session"
TOUCH_EVERY = timedelta(minutes=1)

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

log = structlog.get_logger()


def init_app(app: Flask) -> None:
    """Replace Flask's own sessions, which nobody could end."""
    app.session_interface = RowSessions()


def current() -> "RowSession":
    """The session of this request, with what it can do beyond a dictionary."""
    return cast(RowSession, session._get_current_object())  # type: ignore[attr-defined]


def hash_of(token: str) -> str:
    """What a row is found by."""
    return hashlib.sha256(token.encode()).hexdigest()


class RowSession(SessionMixin):
    """The session's contents. ``account`` is who it was begun for, read along with the row."""

    modified = False

    def __init__(self, token: str | None) -> None:
        self.token_hash = hash_of(token) if token else None
        self._row: StoredSession | None = None
        self._contents: dict[str, Any] | None = None
        self._account_id: int | None = None
        self.renewed = False
        self.ended = False

    @property
    def opened(self) -> bool:
        """Whether anybody looked inside in this request."""
        return self._contents is not None

    @property
    def stored(self) -> StoredSession | None:
        """The row as it was read; ``None`` for a visitor without one, or one that is no longer in force."""
        self._open()
        return self._row

    @property
    def account(self) -> StaffAccount | None:
        """Whose session it was when the request came."""
        return self.stored.account if self.stored is not None else None

    @property
    def account_id(self) -> int | None:
        """Whose session it will be."""
        self._open()
        return self._account_id

    def begin(self, account_id: int) -> None:
        """Begin anew for somebody who has just proved who they are: nothing of what was there is kept.

        The token changes too, so one that was planted before signing in opens nothing afterwards.
        """
        self.clear()
        self._account_id = account_id
        self.rotate()

    def rotate(self) -> None:
        """Keep the contents under a new token; the old one is worthless once this request is answered."""
        self._open()
        self.renewed = self.modified = True

    def end(self) -> None:
        """End the session once this request is answered."""
        self._open()
        self.ended = True

    def contents(self) -> dict[str, Any]:
        """Everything in it."""
        if self._contents is None:
            self._row = find_session(self.token_hash) if self.token_hash else None
            self._contents = dict(self._row.data) if self._row else {}
            self._account_id = self._row.account.id if self._row and self._row.account else None
        return self._contents

    def _open(self) -> None:
        self.contents()

    def __getitem__(self, key: str) -> Any:
        return self.contents()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.contents()[key] = value
        self.modified = True

    def __delitem__(self, key: str) -> None:
        del self.contents()[key]
        self.modified = True

    def __iter__(self) -> Iterator[str]:
        return iter(self.contents())

    def __len__(self) -> int:
        return len(self.contents())


class RowSessions(SessionInterface):
    """Opens and stores sessions for Flask."""

    def open_session(self, app: Flask, request: Request) -> RowSession:  # noqa: ARG002
        """The session of a request; nothing is read yet."""
        token = request.cookies.get(cookies.name_of(COOKIE), "")
        return RowSession(token if _TOKEN.fullmatch(token) else None)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:  # noqa: ARG002
        """Write what has to be written, which is nothing for most requests."""
        assert isinstance(session, RowSession)
        if not session.opened:
            return
        empty = not session.contents() and session.account_id is None
        if session.ended or (session.modified and empty):
            _end(session, response)
        elif session.renewed or (session.modified and session.stored is None):
            _begin(session, response)
        elif session.modified:
            _keep(session)
        elif _is_due(session):
            _touch(session)


def _begin(session: RowSession, response: Response) -> None:
    token = secrets.token_urlsafe(32)
    begin_session(
        token_hash=hash_of(token),
        data=session.contents(),
        account_id=session.account_id,
        replaces=session.token_hash if session.stored is not None else None,
    )
    cookies.give(response, COOKIE, token)


def _keep(session: RowSession) -> None:
    if session.token_hash is not None and session.stored is not None:
        save_session(token_hash=session.token_hash, data=session.contents(), created_at=session.stored.created_at)


def _end(session: RowSession, response: Response) -> None:
    if session.stored is not None and session.token_hash is not None:
        end_session(token_hash=session.token_hash)
        cookies.take_back(response, COOKIE)


def _is_due(session: RowSession) -> bool:
    return session.stored is not None and clock.now() - session.stored.seen_at >= TOUCH_EVERY


def _touch(session: RowSession) -> None:
    """Note that the session is in use; when that cannot be noted, the page is still good."""
    assert session.token_hash is not None
    assert session.stored is not None
    try:
        save_session(token_hash=session.token_hash, data=None, created_at=session.stored.created_at)
    except SQLAlchemyError as error:
        db.session.rollback()
        log.warning("session_not_touched", error=type(error).__name__)
