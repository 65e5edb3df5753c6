"""Calls for interns, who reviews them, and what was done with them."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, BigId
from portal.rules.calls import CALL_STATUSES, CallStatus


class Call(Base):
    """A call for interns. ``document`` is a ``CallDocument``; without ``closes_at`` it stands open for good.

    ``lead_id`` is whose call it is. ``revealed_at`` ends the blind part of a blind review.
    """

    __tablename__ = "calls"
    __table_args__ = (
        CheckConstraint(f"status IN ({', '.join(repr(status) for status in CALL_STATUSES)})", name="status_known"),
        CheckConstraint("status = 'draft' OR opens_at IS NOT NULL", name="published_has_opening"),
        CheckConstraint("(status = 'decided') = (decided_at IS NOT NULL)", name="decided_has_moment"),
        CheckConstraint("closes_at IS NULL OR opens_at IS NULL OR closes_at > opens_at", name="closes_after_opening"),
        CheckConstraint("extended_to IS NULL OR extended_to > closes_at", name="extended_is_later"),
        Index(None, "status", "closes_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    status: Mapped[CallStatus] = mapped_column(String(12))
    version: Mapped[int]
    lead_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    document: Mapped[dict[str, Any]]
    blind: Mapped[bool]
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    extended_to: Mapped[datetime | None]
    retention_months: Mapped[int]
    copied_from: Mapped[int | None] = mapped_column(ForeignKey("calls.id"))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    revealed_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]


class CallEvent(Base):
    """Something that was done with a call, or that happened to it."""

    __tablename__ = "call_events"
    __table_args__ = (Index(None, "call_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("calls.id"))
    kind: Mapped[str] = mapped_column(String(30))
    at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    actor: Mapped[str] = mapped_column(String(200))
    data: Mapped[dict[str, Any]]


class CallReviewer(Base):
    """Somebody who was asked to review the applications of a call."""

    __tablename__ = "call_reviewers"
    __table_args__ = (Index(None, "account_id", "call_id"),)

    call_id: Mapped[int] = mapped_column(ForeignKey("calls.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    added_at: Mapped[datetime]


class Uptime(Base):
    """A stretch of time in which the portal answered, by its own heartbeat; a gap between two is an outage."""

    __tablename__ = "uptimes"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    first_beat_at: Mapped[datetime]
    last_beat_at: Mapped[datetime]
