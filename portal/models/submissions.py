"""A submission with its attachments and events."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, BigId
from portal.rules.routing import Kind, Reason
from portal.rules.states import STATUSES, Status

EventKind = Literal[
    "received",
    "taken",
    "handed_over",
    "replied",
    "noted",
    "sender_replied",
    "closed",
    "reopened",
    # of an internship application:
    "admitted",
    "documents_added",
    "shortlisted",
    "unshortlisted",
    "conflict_cleared",
    "stepped_aside",
    "reviewed",
    "correction_asked",
    "correction_cancelled",
    "corrected",
    "interview_invited",
    "interview_chosen",
    "interview_cancelled",
    "decided",
    "offer_accepted",
    "offer_declined",
    "offer_lapsed",
    "withdrawn",
    "replaced",
]


OPEN = text("status <> 'closed'")
"""The condition of the partial indexes; a query must say it in these words for the planner to use them."""


class Submission(Base):
    """An inquiry or an internship application: what was sent, where it went and why, how it stands.

    ``holder`` is the key of the manager who has it, or ``triage``. ``edition``, ``routed_*`` are the routing
    receipt: which content sent it where, and for what reason. ``token`` makes sending idempotent.
    """

    __tablename__ = "submissions"
    __table_args__ = (
        CheckConstraint(f"status IN ({', '.join(repr(status) for status in STATUSES)})", name="status_known"),
        CheckConstraint("kind IN ('inquiry', 'internship')", name="kind_known"),
        CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="closed_has_moment"),
        # Every list is walked newest first by one of these, and ends in the key it is paged by.
        Index("ix_submissions_holder_id", "holder", "id"),
        Index("ix_submissions_holder_status_id", "holder", "status", "id"),
        Index("ix_submissions_status_id", "status", "id"),
        Index("ix_submissions_open_holder_id", "holder", "id", sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_submissions_open_id", "id", sqlite_where=OPEN, postgresql_where=OPEN),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    reference: Mapped[str] = mapped_column(String(24), unique=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    kind: Mapped[Kind] = mapped_column(String(12))
    language: Mapped[str] = mapped_column(String(3))
    topic: Mapped[str] = mapped_column(String(60))
    holder: Mapped[str] = mapped_column(String(60))
    status: Mapped[Status] = mapped_column(String(12))
    version: Mapped[int]

    edition: Mapped[int] = mapped_column(ForeignKey("editions.number"))
    routed_topic: Mapped[str] = mapped_column(String(60))
    routed_holder: Mapped[str] = mapped_column(String(60))
    routed_reason: Mapped[Reason] = mapped_column(String(12))
    routed_skipped: Mapped[str] = mapped_column(String(300))

    sender_name: Mapped[str] = mapped_column(String(200))
    sender_email: Mapped[str] = mapped_column(String(254))
    sender_organisation: Mapped[str] = mapped_column(String(200))
    sender_telephone: Mapped[str] = mapped_column(String(40))
    sender_country: Mapped[str] = mapped_column(String(2))
    subject: Mapped[str] = mapped_column(String(200))
    message: Mapped[str] = mapped_column(Text)

    received_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class Event(Base):
    """Something that happened to a submission. ``body`` is what was written: a reply, a note, a reason."""

    __tablename__ = "events"
    __table_args__ = (Index(None, "submission_id", "id"), UniqueConstraint("submission_id", "token"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    kind: Mapped[EventKind] = mapped_column(String(20))
    at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    actor: Mapped[str] = mapped_column(String(200))
    body: Mapped[str | None] = mapped_column(Text)
    data: Mapped[dict[str, Any]]
    token: Mapped[str | None] = mapped_column(String(64))


class Attachment(Base):
    """A file that came with a submission; its bytes lie in the file store under ``key``.

    ``purpose`` is what it is in an application (a ``DocumentKind``); empty for files of inquiries.
    """

    __tablename__ = "attachments"
    __table_args__ = (Index(None, "submission_id"), Index(None, "key"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    # Not unique: who goes back and sends the same file with another text has two submissions with it.
    key: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(200))
    mime: Mapped[str] = mapped_column(String(120))
    size_bytes: Mapped[int] = mapped_column(BigId)
    sha256: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[str] = mapped_column(String(20), server_default="")
    stored_at: Mapped[datetime]
