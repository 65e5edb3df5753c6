"""add internships: calls, applications, reviews and decisions

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ROLES = "'manager', 'coordinator', 'administrator'"


def upgrade() -> None:
    op.create_table(
        "uptimes",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("first_beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uptimes")),
    )
    op.create_table(
        "calls",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("lead_id", BIG_ID, nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extended_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retention_months", sa.Integer(), nullable=False),
        sa.Column("copied_from", BIG_ID, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status = 'decided') = (decided_at IS NOT NULL)", name=op.f("ck_calls_decided_has_moment")),
        sa.CheckConstraint("status = 'draft' OR opens_at IS NOT NULL", name=op.f("ck_calls_published_has_opening")),
        sa.CheckConstraint("status IN ('draft', 'published', 'decided')", name=op.f("ck_calls_status_known")),
        sa.CheckConstraint(
            "closes_at IS NULL OR opens_at IS NULL OR closes_at > opens_at", name=op.f("ck_calls_closes_after_opening")
        ),
        sa.CheckConstraint("extended_to IS NULL OR extended_to > closes_at", name=op.f("ck_calls_extended_is_later")),
        sa.ForeignKeyConstraint(["copied_from"], ["calls.id"], name=op.f("fk_calls_copied_from_calls")),
        sa.ForeignKeyConstraint(["lead_id"], ["accounts.id"], name=op.f("fk_calls_lead_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
        sa.UniqueConstraint("slug", name=op.f("uq_calls_slug")),
    )
    op.create_index(op.f("ix_calls_status_closes_at"), "calls", ["status", "closes_at"], unique=False)

    op.create_table(
        "applications",
        sa.Column("submission_id", BIG_ID, nullable=False),
        sa.Column("call_id", BIG_ID, nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("email_key", sa.String(length=254), nullable=False),
        sa.Column("replaces_id", BIG_ID, nullable=True),
        sa.Column("documents_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "stage IN ('received', 'shortlisted', 'interview', 'offered', 'reserve', 'accepted', "
            "'offer_declined', 'offer_lapsed', 'declined', 'withdrawn', 'replaced')",
            name=op.f("ck_applications_stage_known"),
        ),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_applications_call_id_calls")),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["submissions.id"], name=op.f("fk_applications_replaces_id_submissions")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_applications_submission_id_submissions")
        ),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("pk_applications")),
    )
    op.create_index(op.f("ix_applications_call_id_email_key"), "applications", ["call_id", "email_key"], unique=False)
    op.create_index(
        op.f("ix_applications_call_id_stage_submission_id"),
        "applications",
        ["call_id", "stage", "submission_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_applications_call_id_submission_id"), "applications", ["call_id", "submission_id"], unique=False
    )

    op.create_table(
        "call_events",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("call_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", BIG_ID, nullable=True),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_call_events_account_id_accounts")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_call_events_call_id_calls")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_events")),
    )
    op.create_index(op.f("ix_call_events_call_id_id"), "call_events", ["call_id", "id"], unique=False)

    op.create_table(
        "call_reviewers",
        sa.Column("call_id", BIG_ID, nullable=False),
        sa.Column("account_id", BIG_ID, nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_call_reviewers_account_id_accounts")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_call_reviewers_call_id_calls")),
        sa.PrimaryKeyConstraint("call_id", "account_id", name=op.f("pk_call_reviewers")),
    )
    op.create_index(
        op.f("ix_call_reviewers_account_id_call_id"), "call_reviewers", ["account_id", "call_id"], unique=False
    )

    op.create_table(
        "drafts",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("call_id", BIG_ID, nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("link_hash", sa.String(length=64), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=3), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mailed_to", sa.String(length=254), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("late_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("late_answer", sa.String(length=10), nullable=True),
        sa.Column("late_by", BIG_ID, nullable=True),
        sa.Column("replaces_id", BIG_ID, nullable=True),
        sa.Column("keeps_id", BIG_ID, nullable=True),
        sa.CheckConstraint(
            "late_answer IS NULL OR late_answer IN ('admitted', 'refused')", name=op.f("ck_drafts_late_answer_known")
        ),
        sa.CheckConstraint("late_answer IS NULL OR late_at IS NOT NULL", name=op.f("ck_drafts_answered_was_late")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_drafts_call_id_calls")),
        sa.ForeignKeyConstraint(["keeps_id"], ["submissions.id"], name=op.f("fk_drafts_keeps_id_submissions")),
        sa.ForeignKeyConstraint(["late_by"], ["accounts.id"], name=op.f("fk_drafts_late_by_accounts")),
        sa.ForeignKeyConstraint(["replaces_id"], ["submissions.id"], name=op.f("fk_drafts_replaces_id_submissions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drafts")),
        sa.UniqueConstraint("link_hash", name=op.f("uq_drafts_link_hash")),
        sa.UniqueConstraint("token", name=op.f("uq_drafts_token")),
    )
    op.create_index(op.f("ix_drafts_call_id_late_at"), "drafts", ["call_id", "late_at"], unique=False)
    op.create_index(op.f("ix_drafts_expires_at"), "drafts", ["expires_at"], unique=False)

    op.create_table(
        "corrections",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("submission_id", BIG_ID, nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", BIG_ID, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["asked_by"], ["accounts.id"], name=op.f("fk_corrections_asked_by_accounts")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["applications.submission_id"], name=op.f("fk_corrections_submission_id_applications")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
    )
    op.create_index(
        "ix_corrections_open",
        "corrections",
        ["submission_id"],
        unique=True,
        sqlite_where=sa.text("answered_at IS NULL AND cancelled_at IS NULL"),
        postgresql_where=sa.text("answered_at IS NULL AND cancelled_at IS NULL"),
    )
    op.create_index(op.f("ix_corrections_submission_id"), "corrections", ["submission_id"], unique=False)

    op.create_table(
        "decisions",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("submission_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("reply_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("prepared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prepared_by", BIG_ID, nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.String(length=10), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "answer IS NULL OR answer IN ('accepted', 'declined', 'lapsed')", name=op.f("ck_decisions_answer_known")
        ),
        sa.CheckConstraint("kind <> 'offer' OR reply_by IS NOT NULL", name=op.f("ck_decisions_offer_has_deadline")),
        sa.CheckConstraint("kind IN ('offer', 'reserve', 'decline')", name=op.f("ck_decisions_kind_known")),
        sa.CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name=op.f("ck_decisions_answer_has_moment")),
        sa.CheckConstraint(
            "(released_at IS NULL) = (effective_at IS NULL)", name=op.f("ck_decisions_released_has_effect")
        ),
        sa.CheckConstraint(
            "applied_at IS NULL OR released_at IS NOT NULL", name=op.f("ck_decisions_applied_was_released")
        ),
        sa.ForeignKeyConstraint(["prepared_by"], ["accounts.id"], name=op.f("fk_decisions_prepared_by_accounts")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["applications.submission_id"], name=op.f("fk_decisions_submission_id_applications")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index(
        "ix_decisions_due",
        "decisions",
        ["effective_at"],
        unique=False,
        sqlite_where=sa.text("applied_at IS NULL"),
        postgresql_where=sa.text("applied_at IS NULL"),
    )
    op.create_index(
        "ix_decisions_pending",
        "decisions",
        ["submission_id"],
        unique=True,
        sqlite_where=sa.text("applied_at IS NULL"),
        postgresql_where=sa.text("applied_at IS NULL"),
    )
    op.create_index(
        "ix_decisions_waiting",
        "decisions",
        ["reply_by"],
        unique=False,
        sqlite_where=sa.text("kind = 'offer' AND applied_at IS NOT NULL AND answer IS NULL"),
        postgresql_where=sa.text("kind = 'offer' AND applied_at IS NOT NULL AND answer IS NULL"),
    )
    op.create_index(op.f("ix_decisions_submission_id_id"), "decisions", ["submission_id", "id"], unique=False)

    op.create_table(
        "interviews",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("submission_id", BIG_ID, nullable=False),
        sa.Column("uid", sa.String(length=80), nullable=False),
        sa.Column("slots", sa.JSON(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("invited_by", BIG_ID, nullable=False),
        sa.Column("reply_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("chosen_slot", sa.DateTime(timezone=True), nullable=True),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(chosen_slot IS NULL) = (chosen_at IS NULL)", name=op.f("ck_interviews_chosen_has_moment")),
        sa.CheckConstraint("minutes BETWEEN 5 AND 480", name=op.f("ck_interviews_minutes_sensible")),
        sa.ForeignKeyConstraint(["invited_by"], ["accounts.id"], name=op.f("fk_interviews_invited_by_accounts")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["applications.submission_id"], name=op.f("fk_interviews_submission_id_applications")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interviews")),
        sa.UniqueConstraint("uid", name=op.f("uq_interviews_uid")),
    )
    op.create_index(
        "ix_interviews_standing",
        "interviews",
        ["submission_id"],
        unique=True,
        sqlite_where=sa.text("cancelled_at IS NULL"),
        postgresql_where=sa.text("cancelled_at IS NULL"),
    )
    op.create_index(op.f("ix_interviews_submission_id"), "interviews", ["submission_id"], unique=False)

    op.create_table(
        "reviews",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("submission_id", BIG_ID, nullable=False),
        sa.Column("account_id", BIG_ID, nullable=False),
        sa.Column("conflict", sa.String(length=16), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("conflict IN ('none', 'stepped_aside')", name=op.f("ck_reviews_conflict_known")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_reviews_account_id_accounts")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["applications.submission_id"], name=op.f("fk_reviews_submission_id_applications")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("submission_id", "account_id", name=op.f("uq_reviews_submission_id_account_id")),
    )
    op.create_index(
        op.f("ix_reviews_account_id_submission_id"), "reviews", ["account_id", "submission_id"], unique=False
    )

    op.add_column("attachments", sa.Column("purpose", sa.String(length=20), server_default="", nullable=False))
    with op.batch_alter_table("accounts") as batch:
        batch.drop_constraint(op.f("ck_accounts_role_known"), type_="check")
        batch.create_check_constraint(op.f("ck_accounts_role_known"), f"role IN ({_ROLES}, 'reviewer')")
    with op.batch_alter_table("letters") as batch:
        batch.add_column(sa.Column("draft_id", BIG_ID, nullable=True))
        batch.add_column(sa.Column("call_id", BIG_ID, nullable=True))
        batch.alter_column("submission_id", existing_type=BIG_ID, nullable=True)
        batch.alter_column("event_id", existing_type=BIG_ID, nullable=True)
        batch.create_foreign_key(op.f("fk_letters_draft_id_drafts"), "drafts", ["draft_id"], ["id"])
        batch.create_foreign_key(op.f("fk_letters_call_id_calls"), "calls", ["call_id"], ["id"])
        batch.create_check_constraint(op.f("ck_letters_case_has_event"), "(submission_id IS NULL) = (event_id IS NULL)")
        batch.create_check_constraint(
            op.f("ck_letters_is_about"), "submission_id IS NOT NULL OR draft_id IS NOT NULL OR call_id IS NOT NULL"
        )
    op.create_index(op.f("ix_letters_draft_id"), "letters", ["draft_id"], unique=False)
    op.create_index(op.f("ix_letters_call_id"), "letters", ["call_id"], unique=False)


def downgrade() -> None:
    # Letters about drafts and calls, and accounts of reviewers, have no place in the earlier tables.
    op.execute("DELETE FROM letters WHERE submission_id IS NULL")
    op.drop_index(op.f("ix_letters_call_id"), table_name="letters")
    op.drop_index(op.f("ix_letters_draft_id"), table_name="letters")
    with op.batch_alter_table("letters") as batch:
        batch.drop_constraint(op.f("ck_letters_is_about"), type_="check")
        batch.drop_constraint(op.f("ck_letters_case_has_event"), type_="check")
        batch.drop_constraint(op.f("fk_letters_call_id_calls"), type_="foreignkey")
        batch.drop_constraint(op.f("fk_letters_draft_id_drafts"), type_="foreignkey")
        batch.alter_column("event_id", existing_type=BIG_ID, nullable=False)
        batch.alter_column("submission_id", existing_type=BIG_ID, nullable=False)
        batch.drop_column("call_id")
        batch.drop_column("draft_id")
    op.execute("UPDATE accounts SET active = false, role = 'administrator' WHERE role = 'reviewer'")
    with op.batch_alter_table("accounts") as batch:
        batch.drop_constraint(op.f("ck_accounts_role_known"), type_="check")
        batch.create_check_constraint(op.f("ck_accounts_role_known"), f"role IN ({_ROLES})")
    op.drop_column("attachments", "purpose")
    op.drop_index(op.f("ix_reviews_account_id_submission_id"), table_name="reviews")

    op.drop_table("reviews")
    op.drop_index(op.f("ix_interviews_submission_id"), table_name="interviews")
    op.drop_index("ix_interviews_standing", table_name="interviews")

    op.drop_table("interviews")
    op.drop_index(op.f("ix_decisions_submission_id_id"), table_name="decisions")
    op.drop_index("ix_decisions_waiting", table_name="decisions")
    op.drop_index("ix_decisions_pending", table_name="decisions")
    op.drop_index("ix_decisions_due", table_name="decisions")

    op.drop_table("decisions")
    op.drop_index(op.f("ix_corrections_submission_id"), table_name="corrections")
    op.drop_index("ix_corrections_open", table_name="corrections")

    op.drop_table("corrections")
    op.drop_index(op.f("ix_drafts_expires_at"), table_name="drafts")
    op.drop_index(op.f("ix_drafts_call_id_late_at"), table_name="drafts")

    op.drop_table("drafts")
    op.drop_index(op.f("ix_call_reviewers_account_id_call_id"), table_name="call_reviewers")

    op.drop_table("call_reviewers")
    op.drop_index(op.f("ix_call_events_call_id_id"), table_name="call_events")

    op.drop_table("call_events")
    op.drop_index(op.f("ix_applications_call_id_submission_id"), table_name="applications")
    op.drop_index(op.f("ix_applications_call_id_stage_submission_id"), table_name="applications")
    op.drop_index(op.f("ix_applications_call_id_email_key"), table_name="applications")

    op.drop_table("applications")
    op.drop_index(op.f("ix_calls_status_closes_at"), table_name="calls")

    op.drop_table("calls")
    op.drop_table("uptimes")
