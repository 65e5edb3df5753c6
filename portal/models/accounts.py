"""Staff accounts and sessions."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, BigId
from portal.rules.policy import ROLES, Role, Viewer


class Account(Base):
    """A person of the body who may sign in. The e-mail address is kept in small letters.

    ``fs_uniquifier`` names the account in its sessions; a new one ends them all.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint(f"role IN ({', '.join(repr(role) for role in ROLES)})", name="role_known"),
        CheckConstraint("role <> 'manager' OR manager_key IS NOT NULL", name="manager_has_key"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password: Mapped[str] = mapped_column(String(255))
    role: Mapped[Role] = mapped_column(String(20))
    manager_key: Mapped[str | None] = mapped_column(String(60), unique=True)
    language: Mapped[str] = mapped_column(String(3))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    password_changed_at: Mapped[datetime]

    @property
    def viewer(self) -> Viewer:
        return Viewer(self.id, self.name, self.role, self.manager_key, self.language)


class Session(Base):
    """A browser that somebody is signed in with: staff, or a sender who gave reference and code.

    The cookie holds a random token; the row is found by the token's hash, so the table opens no doors.
    """

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "expires_at"), Index(None, "account_id"))

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
