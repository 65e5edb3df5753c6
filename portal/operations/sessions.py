"""Beginning, keeping and ending the sessions of browsers."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, update
from sqlalchemy.engine import Connection

from portal import clock, settings
from portal.database import transaction
from portal.models import Session


def begin_session(
    *, token_hash: str, data: dict[str, Any], account_id: int | None = None, replaces: str | None = None
) -> None:
    """Store a session under a new token. The one that it ``replaces`` (by token hash) ends at the same moment."""
    now = clock.now()
    with transaction() as connection:
        if replaces is not None:
            connection.execute(delete(Session).where(Session.token_hash == replaces))
        connection.execute(
            insert(Session).values(
                token_hash=token_hash,
                account_id=account_id,
                data=data,
                created_at=now,
                seen_at=now,
                expires_at=_expiry(created_at=now, seen_at=now),
            )
        )


def save_session(*, token_hash: str, data: dict[str, Any] | None, created_at: datetime) -> bool:
    """Keep a session for another while, with new ``data`` unless that is ``None``.

    Returns whether it was still there: one that has been ended meanwhile is not brought back.
    """
    now = clock.now()
    values: dict[str, Any] = {"seen_at": now, "expires_at": _expiry(created_at=created_at, seen_at=now)}
    if data is not None:
        values["data"] = data
    with transaction() as connection:
        done = connection.execute(update(Session).where(Session.token_hash == token_hash).values(**values))
    return done.rowcount == 1


def end_session(*, token_hash: str) -> None:
    """End one session; every copy of its cookie is worthless from now on."""
    with transaction() as connection:
        connection.execute(delete(Session).where(Session.token_hash == token_hash))


def end_sessions_of(*, account_id: int, except_token_hash: str | None = None) -> int:
    """End the sessions of an account, all of them or all but one; returns how many."""
    with transaction() as connection:
        return delete_sessions_of(connection, account_id, except_token_hash)


def delete_sessions_of(connection: Connection, account_id: int, except_token_hash: str | None = None) -> int:
    """The same inside the transaction of another operation."""
    ended = delete(Session).where(Session.account_id == account_id)
    if except_token_hash is not None:
        ended = ended.where(Session.token_hash != except_token_hash)
    return connection.execute(ended).rowcount


def sweep_sessions() -> int:
    """Delete expired sessions; returns how many."""
    with transaction() as connection:
        return connection.execute(delete(Session).where(Session.expires_at <= clock.now())).rowcount


def _expiry(*, created_at: datetime, seen_at: datetime) -> datetime:
    """A session ends when it was idle for too long, and in any case some hours after it began."""
    loaded = settings.current()
    return min(
        seen_at + timedelta(minutes=loaded.session_idle_minutes), created_at + timedelta(hours=loaded.session_hours)
    )
