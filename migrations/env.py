"""How migrations are run: on the application's own engine, as guests in a running house.

On PostgreSQL a statement that cannot have its lock within five seconds fails instead of queueing every
visitor behind it, and two servers that migrate at once take turns. On SQLite each migration is one
transaction, with foreign keys checked at its end: altering a table there means making it anew, and with the
keys in force, dropping the old one would take the rows that point to it along.
"""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import BigInteger, Connection, DateTime

import portal.models  # noqa: F401  (registers every table)
from portal.database import Base, UtcDateTime, db

LOCK_TIMEOUT = "5s"
ONE_AT_A_TIME = 7_426_150_932  # an advisory lock's key; any number that nobody else uses


class ForeignKeysBroken(Exception):
    """A migration would leave rows that point to nothing; it was rolled back."""


def _number(_migration: MigrationContext, _revision: Any, directives: list[MigrationScript]) -> None:
    """Name a new migration by its number in the row, and make none when nothing has changed."""
    options = context.config.cmd_opts
    script = directives[0]
    if getattr(options, "autogenerate", False) and script.upgrade_ops is not None and script.upgrade_ops.is_empty():
        directives.clear()
        return
    head = ScriptDirectory.from_config(context.config).get_current_head()
    script.rev_id = f"{int(head or 0) + 1:04d}"


def _render(kind: str, item: Any, _autogenerate: AutogenContext) -> str | Literal[False]:
    """Write column types in SQLAlchemy's own words: a migration must not change when our classes do."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, BigInteger) and item._variant_mapping:
        return 'sa.BigInteger().with_variant(sa.Integer(), "sqlite")'
    return False


def _same_type(_migration: MigrationContext, _there: Any, _here: Any, in_database: Any, in_models: Any) -> bool | None:
    """SQLite has no zones; everything else is compared as usual."""
    if isinstance(in_models, UtcDateTime) and isinstance(in_database, DateTime):
        return False
    return None


def _configure(**options: Any) -> None:
    migrate = current_app.extensions["migrate"]
    context.configure(
        target_metadata=Base.metadata,
        **{
            **migrate.configure_args,
            "render_as_batch": True,
            "compare_type": _same_type,
            "transaction_per_migration": True,
            "process_revision_directives": _number,
            "render_item": _render,
            **options,
        },
    )


def run_online() -> None:
    """Migrate the database that the application is configured for."""
    # Detached: what is set on this connection ends with it, and never serves a visitor.
    with db.engine.connect() as connection:
        connection.detach()
        if connection.dialect.name == "sqlite":
            _run_on_sqlite(connection)
        else:
            # The turn first: the time-out would end the waiting for it, too.
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({ONE_AT_A_TIME})")
            connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
            connection.commit()
            _configure(connection=connection)
            with context.begin_transaction():
                context.run_migrations()


def _run_on_sqlite(connection: Connection) -> None:
    # Straight to the driver: SQLAlchemy would begin a transaction first, in which this does nothing.
    driver: Any = connection.connection.dbapi_connection
    driver.execute("PRAGMA foreign_keys = OFF")

    def check(**_facts: Any) -> None:
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            raise ForeignKeysBroken(", ".join(f"{row[0]} {row[1]} -> {row[2]}" for row in broken[:10]))

    _configure(connection=connection, transactional_ddl=True, on_version_apply=[check])
    with context.begin_transaction():
        context.run_migrations()


def run_offline() -> None:
    """Print the statements, for a database that only its administrator may change."""
    _configure(url=db.engine.url, literal_binds=True, dialect_opts={"paramstyle": "named"})
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
