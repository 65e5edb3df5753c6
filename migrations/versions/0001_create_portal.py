"""create the portal

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("manager_key", sa.String(length=60), nullable=True),
        sa.Column("language", sa.String(length=3), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("password_changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role <> 'manager' OR manager_key IS NOT NULL", name=op.f("ck_accounts_manager_has_key")),
        sa.CheckConstraint("role IN ('manager', 'coordinator', 'administrator')", name=op.f("ck_accounts_role_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("email", name=op.f("uq_accounts_email")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_accounts_fs_uniquifier")),
        sa.UniqueConstraint("manager_key", name=op.f("uq_accounts_manager_key")),
    )
    op.create_table(
        "editions",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_editions")),
        sa.UniqueConstraint("digest", name=op.f("uq_editions_digest")),
    )
    op.create_table(
        "absences",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("manager_key", sa.String(length=60), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_absences_ends_after_start")),
        sa.ForeignKeyConstraint(["created_by"], ["accounts.id"], name=op.f("fk_absences_created_by_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
    )
    op.create_index(op.f("ix_absences_manager_key_last_day"), "absences", ["manager_key", "last_day"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", BIG_ID, nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_sessions_account_id_accounts")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_account_id"), "sessions", ["account_id"], unique=False)
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_table(
        "submissions",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("reference", sa.String(length=24), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("language", sa.String(length=3), nullable=False),
        sa.Column("topic", sa.String(length=60), nullable=False),
        sa.Column("holder", sa.String(length=60), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("routed_topic", sa.String(length=60), nullable=False),
        sa.Column("routed_holder", sa.String(length=60), nullable=False),
        sa.Column("routed_reason", sa.String(length=12), nullable=False),
        sa.Column("routed_skipped", sa.String(length=300), nullable=False),
        sa.Column("sender_name", sa.String(length=200), nullable=False),
        sa.Column("sender_email", sa.String(length=254), nullable=False),
        sa.Column("sender_organisation", sa.String(length=200), nullable=False),
        sa.Column("sender_telephone", sa.String(length=40), nullable=False),
        sa.Column("sender_country", sa.String(length=2), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_submissions_closed_has_moment")
        ),
        sa.CheckConstraint("kind IN ('inquiry', 'internship')", name=op.f("ck_submissions_kind_known")),
        sa.CheckConstraint(
            "status IN ('new', 'in_progress', 'answered', 'closed')", name=op.f("ck_submissions_status_known")
        ),
        sa.ForeignKeyConstraint(["edition"], ["editions.number"], name=op.f("fk_submissions_edition_editions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submissions")),
        sa.UniqueConstraint("reference", name=op.f("uq_submissions_reference")),
        sa.UniqueConstraint("token", name=op.f("uq_submissions_token")),
    )
    op.create_index("ix_submissions_holder_id", "submissions", ["holder", "id"], unique=False)
    op.create_index("ix_submissions_holder_status_id", "submissions", ["holder", "status", "id"], unique=False)
    op.create_index(
        "ix_submissions_open_holder_id",
        "submissions",
        ["holder", "id"],
        unique=False,
        sqlite_where=sa.text("status <> 'closed'"),
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.create_index(
        "ix_submissions_open_id",
        "submissions",
        ["id"],
        unique=False,
        sqlite_where=sa.text("status <> 'closed'"),
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.create_index("ix_submissions_status_id", "submissions", ["status", "id"], unique=False)
    op.create_table(
        "attachments",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("submission_id", BIG_ID, nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("mime", sa.String(length=120), nullable=False),
        sa.Column("size_bytes", BIG_ID, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_attachments_submission_id_submissions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
    )
    op.create_index(op.f("ix_attachments_key"), "attachments", ["key"], unique=False)
    op.create_index(op.f("ix_attachments_submission_id"), "attachments", ["submission_id"], unique=False)
    op.create_table(
        "events",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("submission_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", BIG_ID, nullable=True),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_events_account_id_accounts")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_events_submission_id_submissions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("submission_id", "token", name=op.f("uq_events_submission_id_token")),
    )
    op.create_index(op.f("ix_events_submission_id_id"), "events", ["submission_id", "id"], unique=False)
    op.create_table(
        "letters",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("submission_id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(status = 'sending') = (lease_until IS NOT NULL)", name=op.f("ck_letters_sending_has_lease")
        ),
        sa.CheckConstraint("(status = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_letters_sent_has_moment")),
        sa.CheckConstraint("status IN ('waiting', 'sending', 'sent', 'failed')", name=op.f("ck_letters_status_known")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_letters_event_id_events")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_letters_submission_id_submissions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letters")),
        sa.UniqueConstraint("event_id", "kind", "recipient", name=op.f("uq_letters_event_id_kind_recipient")),
        sa.UniqueConstraint("message_id", name=op.f("uq_letters_message_id")),
    )
    op.create_index(
        "ix_letters_failed",
        "letters",
        ["submission_id"],
        unique=False,
        sqlite_where=sa.text("status = 'failed'"),
        postgresql_where=sa.text("status = 'failed'"),
    )
    op.create_index(op.f("ix_letters_submission_id_id"), "letters", ["submission_id", "id"], unique=False)
    op.create_index(
        "ix_letters_unsent",
        "letters",
        ["next_attempt_at"],
        unique=False,
        sqlite_where=sa.text("status IN ('waiting', 'sending')"),
        postgresql_where=sa.text("status IN ('waiting', 'sending')"),
    )


def downgrade() -> None:
    op.drop_index("ix_letters_unsent", table_name="letters")
    op.drop_index(op.f("ix_letters_submission_id_id"), table_name="letters")
    op.drop_index("ix_letters_failed", table_name="letters")
    op.drop_table("letters")
    op.drop_index(op.f("ix_events_submission_id_id"), table_name="events")
    op.drop_table("events")
    op.drop_index(op.f("ix_attachments_submission_id"), table_name="attachments")
    op.drop_index(op.f("ix_attachments_key"), table_name="attachments")
    op.drop_table("attachments")
    op.drop_index("ix_submissions_status_id", table_name="submissions")
    op.drop_index("ix_submissions_open_id", table_name="submissions")
    op.drop_index("ix_submissions_open_holder_id", table_name="submissions")
    op.drop_index("ix_submissions_holder_status_id", table_name="submissions")
    op.drop_index("ix_submissions_holder_id", table_name="submissions")
    op.drop_table("submissions")
    op.drop_index(op.f("ix_sessions_expires_at"), table_name="sessions")
    op.drop_index(op.f("ix_sessions_account_id"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_index(op.f("ix_absences_manager_key_last_day"), table_name="absences")
    op.drop_table("absences")
    op.drop_table("editions")
    op.drop_table("accounts")
