"""The session of a browser."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, or_, select

from portal import clock
from portal.database import db
from portal.models import Account, Session
from portal.queries.accounts import ACCOUNT_COLUMNS, StaffAccount


@dataclass(frozen=True)
class StoredSession:
    """A session that is in force, with the account it was begun for."""

    data: dict[str, Any]
    created_at: datetime
    seen_at: datetime
    account: StaffAccount | None


# Made once: this one runs at every request of a signed-in person.
_IN_FORCE = (
    select(Session.data, Session.created_at, Session.seen_at, *ACCOUNT_COLUMNS)
    .join(Account, Account.id == Session.account_id, isouter=True)
    .where(
        Session.token_hash == bindparam("token_hash"),
        Session.expires_at > bindparam("now", type_=Session.expires_at.type),
        or_(Session.account_id.is_(None), Account.active),
    )
)


def find_session(token_hash: str) -> StoredSession | None:
    """The session of a token, in one statement; an expired one is none, nor is that of a closed account."""
    row = db.session.execute(_IN_FORCE, {"token_hash": token_hash, "now": clock.now()}).one_or_none()
    if row is None:
        return None
    account = StaffAccount(*row[3:]) if row[3] is not None else None
    return StoredSession(row[0], row[1], row[2], account)
