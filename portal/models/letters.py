"""The outbox: a letter is a row before it is a message."""

from datetime import datetime
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, BigId
from portal.rules.delivery import LETTER_STATUSES, LetterStatus

LetterKind = Literal[
    "inquiry_received",
    "inquiry_assigned",
    "inquiry_answered",
    "inquiry_handed_over",
    "inquiry_moved",
    "inquiry_closed",
    "sender_answered",
    # Of internship applications, to the applicant:
    "draft_saved",
    "draft_reminded",
    "late_refused",
    "application_received",
    "documents_received",
    "correction_requested",
    "interview_invited",
    "interview_confirmed",
    "interview_cancelled",
    "decision_offer",
    "decision_reserve",
    "decision_decline",
    "offer_confirmed",
    "offer_lapsed",
    "application_withdrawn",
    # and to the staff:
    "application_assigned",
    "application_updated",
    "late_arrived",
    "review_invited",
    "reserve_moves_up",
]
LETTER_KINDS: tuple[LetterKind, ...] = LetterKind.__args__  # type: ignore[attr-defined]

_UNSENT = text("status IN ('waiting', 'sending')")


class Letter(Base):
    """One letter to one person about one event. It is written when it is sent, from the case itself.

    A letter about a draft, which is no case yet, or to the reviewers of a call has neither case nor event.
    ``message_id`` is the same at every attempt, so that a repetition can be recognised.
    """

    __tablename__ = "letters"
    __table_args__ = (
        CheckConstraint(f"status IN ({', '.join(repr(status) for status in LETTER_STATUSES)})", name="status_known"),
        CheckConstraint("(status = 'sent') = (sent_at IS NOT NULL)", name="sent_has_moment"),
        CheckConstraint("(status = 'sending') = (lease_until IS NOT NULL)", name="sending_has_lease"),
        CheckConstraint("(submission_id IS NULL) = (event_id IS NULL)", name="case_has_event"),
        CheckConstraint("submission_id IS NOT NULL OR draft_id IS NOT NULL OR call_id IS NOT NULL", name="is_about"),
        UniqueConstraint("event_id", "kind", "recipient"),
        Index(None, "submission_id", "id"),
        Index(None, "draft_id"),
        Index(None, "call_id"),
        Index("ix_letters_unsent", "next_attempt_at", sqlite_where=_UNSENT, postgresql_where=_UNSENT),
        Index(
            "ix_letters_failed",
            "submission_id",
            sqlite_where=text("status = 'failed'"),
            postgresql_where=text("status = 'failed'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"))
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"))
    draft_id: Mapped[int | None] = mapped_column(ForeignKey("drafts.id"))
    call_id: Mapped[int | None] = mapped_column(ForeignKey("calls.id"))
    kind: Mapped[LetterKind] = mapped_column(String(30))
    recipient: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(3))
    status: Mapped[LetterStatus] = mapped_column(String(10))
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
