"""An internship application: the draft, what was answered, and everything on the way to a decision."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, BigId
from portal.rules.applications import DECISIONS, STAGES, Stage
from portal.rules.applications import Decision as DecisionKind

_PENDING = text("applied_at IS NULL")

WAITS = "kind = 'offer' AND applied_at IS NOT NULL AND answer IS NULL"
"""What an offer is that waits for its applicant, in the words of its index: other words would not use it."""


class Application(Base):
    """What an internship application has beyond its submission. ``answers`` are ``rules.applications.Answers``.

    ``email_key`` is the applicant's address in small letters. ``replaces_id`` is the applicant's earlier
    submission to the same call. Required documents may follow until ``documents_due_at``.
    """

    __tablename__ = "applications"
    __table_args__ = (
        CheckConstraint(f"stage IN ({', '.join(repr(stage) for stage in STAGES)})", name="stage_known"),
        Index(None, "call_id", "submission_id"),
        Index(None, "call_id", "stage", "submission_id"),
        Index(None, "call_id", "email_key"),
    )

    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("calls.id"))
    stage: Mapped[Stage] = mapped_column(String(16))
    answers: Mapped[dict[str, Any]]
    email_key: Mapped[str] = mapped_column(String(254))
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"))
    documents_due_at: Mapped[datetime | None]
    late: Mapped[bool]


class Draft(Base):
    """An application that is being filled in. ``token`` will name its sending; link and code derive from it.

    ``files`` are staged files with their purpose, ``steps`` the names of the steps that were completed.
    ``late_at`` is when it was sent after closing; ``late_answer`` is what the manager said to that. Of an earlier
    submission to the same call, ``replaces_id`` is the one that it takes the place of when it is admitted, and
    ``keeps_id`` one that stays beside it.
    """

    __tablename__ = "drafts"
    __table_args__ = (
        CheckConstraint("late_answer IS NULL OR late_answer IN ('admitted', 'refused')", name="late_answer_known"),
        CheckConstraint("late_answer IS NULL OR late_at IS NOT NULL", name="answered_was_late"),
        Index(None, "expires_at"),
        Index(None, "call_id", "late_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("calls.id"))
    token: Mapped[str] = mapped_column(String(64), unique=True)
    link_hash: Mapped[str] = mapped_column(String(64), unique=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(3))
    answers: Mapped[dict[str, Any]]
    files: Mapped[list[Any]]
    steps: Mapped[list[Any]]
    version: Mapped[int]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    mailed_to: Mapped[str | None] = mapped_column(String(254))
    reminded_at: Mapped[datetime | None]
    late_at: Mapped[datetime | None]
    late_answer: Mapped[str | None] = mapped_column(String(10))
    late_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"))
    keeps_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"))


class Review(Base):
    """One reviewer's view of one application.

    ``conflict`` is what the reviewer declared before seeing any file. ``scores`` are, by criterion's key, a
    number from 1 to 5 and why: ``{"fit": {"score": 4, "why": "…"}}``. Until ``finished_at`` it is the reviewer's
    own draft, which nobody else sees.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        CheckConstraint("conflict IN ('none', 'stepped_aside')", name="conflict_known"),
        UniqueConstraint("submission_id", "account_id"),
        Index(None, "account_id", "submission_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("applications.submission_id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    conflict: Mapped[Literal["none", "stepped_aside"]] = mapped_column(String(16))
    declared_at: Mapped[datetime]
    scores: Mapped[dict[str, Any]]
    comment: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Correction(Base):
    """A request to the applicant to correct named answers; only those can be changed, until ``due_at``.

    ``fields`` are names of ``Answers`` (``motivation``), questions of the call (``questions.why``) and documents
    (``documents.cv``). ``before`` holds the answers that were replaced.
    """

    __tablename__ = "corrections"
    __table_args__ = (
        Index(
            "ix_corrections_open",
            "submission_id",
            unique=True,
            sqlite_where=text("answered_at IS NULL AND cancelled_at IS NULL"),
            postgresql_where=text("answered_at IS NULL AND cancelled_at IS NULL"),
        ),
        Index(None, "submission_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("applications.submission_id"))
    fields: Mapped[list[Any]]
    reason: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
    asked_by: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    due_at: Mapped[datetime]
    before: Mapped[dict[str, Any]]
    answered_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]


class Interview(Base):
    """An invitation to an interview with proposed times, of which the applicant picks one.

    ``slots`` are moments in UTC as ISO texts; ``uid`` names the appointment in calendars.
    """

    __tablename__ = "interviews"
    __table_args__ = (
        CheckConstraint("minutes BETWEEN 5 AND 480", name="minutes_sensible"),
        CheckConstraint("(chosen_slot IS NULL) = (chosen_at IS NULL)", name="chosen_has_moment"),
        Index(
            "ix_interviews_standing",
            "submission_id",
            unique=True,
            sqlite_where=text("cancelled_at IS NULL"),
            postgresql_where=text("cancelled_at IS NULL"),
        ),
        Index(None, "submission_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("applications.submission_id"))
    uid: Mapped[str] = mapped_column(String(80), unique=True)
    slots: Mapped[list[Any]]
    minutes: Mapped[int]
    place: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
    invited_at: Mapped[datetime]
    invited_by: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    reply_by: Mapped[datetime]
    chosen_slot: Mapped[datetime | None]
    chosen_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]


class Decision(Base):
    """A decision about an application: prepared, released with others, and applied after the undo window.

    Nothing of it reaches the applicant before ``applied_at``. Recall and application are the same conditional
    update on ``applied_at IS NULL``, so that one of them wins. ``reason`` stays in the house; ``message`` goes
    into the letter. ``rank`` is the place on the reserve list, as a person ordered it.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        CheckConstraint(f"kind IN ({', '.join(repr(kind) for kind in DECISIONS)})", name="kind_known"),
        CheckConstraint("kind <> 'offer' OR reply_by IS NOT NULL", name="offer_has_deadline"),
        CheckConstraint("(released_at IS NULL) = (effective_at IS NULL)", name="released_has_effect"),
        CheckConstraint("applied_at IS NULL OR released_at IS NOT NULL", name="applied_was_released"),
        CheckConstraint("answer IS NULL OR answer IN ('accepted', 'declined', 'lapsed')", name="answer_known"),
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answer_has_moment"),
        Index("ix_decisions_pending", "submission_id", unique=True, sqlite_where=_PENDING, postgresql_where=_PENDING),
        Index("ix_decisions_due", "effective_at", sqlite_where=_PENDING, postgresql_where=_PENDING),
        Index("ix_decisions_waiting", "reply_by", sqlite_where=text(WAITS), postgresql_where=text(WAITS)),
        Index(None, "submission_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("applications.submission_id"))
    kind: Mapped[DecisionKind] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
    rank: Mapped[int | None]
    reply_by: Mapped[datetime | None]
    prepared_at: Mapped[datetime]
    prepared_by: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    released_at: Mapped[datetime | None]
    effective_at: Mapped[datetime | None]
    applied_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(String(10))
    answered_at: Mapped[datetime | None]
