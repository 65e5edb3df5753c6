"""The database: engine options, naming convention, column types, and the one way to write.

SQLite runs in WAL with ``synchronous=FULL``: what a receipt says is on disk (a power cut loses
acknowledged commits with anything less). Writers begin with ``BEGIN IMMEDIATE``, since a deferred
transaction that upgrades from read to write loses updates or fails with 'database is locked'.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, BigInteger, DateTime, Engine, Integer, MetaData, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection, Dialect, make_url
from sqlalchemy.orm import DeclarativeBase, registry
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

BigId = BigInteger().with_variant(Integer(), "sqlite")
"""An id that grows by itself: 64 bits on both engines."""

LARGEST_ID = 2**63 - 1


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC; SQLite keeps it as text, so it sorts as time does."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone was about to be stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of every mapped class."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={datetime: UtcDateTime(), dict[str, Any]: JSON(), list[Any]: JSON()},
    )


db = SQLAlchemy(
    model_class=Base,
    disable_autonaming=True,
    session_options={"expire_on_commit": False, "autoflush": False},
)


class NestedTransaction(RuntimeError):
    """An operation called another operation: one use case is one transaction."""


class DirtyRead(RuntimeError):
    """Something was changed outside an operation."""


_writing: ContextVar[bool] = ContextVar("writing", default=False)
_one_writer = threading.Lock()


@contextmanager
def transaction() -> Iterator[Connection]:
    """Open the one transaction of an operation and commit it, or roll all of it back.

    Yields the connection, for statements in SQLAlchemy Core; ``db.session`` shares the transaction.

    Raises:
        NestedTransaction: when a transaction of an operation is already open.
        DirtyRead: when a read left changes behind.
    """
    if _writing.get():
        raise NestedTransaction
    session = db.session
    if session.new or session.dirty or session.deleted:
        raise DirtyRead
    session.commit()  # a read may have opened a transaction; a writer needs a fresh one
    embedded = db.engine.dialect.name == "sqlite"
    mark = _writing.set(True)
    if embedded:
        _one_writer.acquire()
    try:
        yield session.connection()
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        if embedded:
            _one_writer.release()
        _writing.reset(mark)


# An error's text would otherwise quote what people wrote, and errors are logged.
_QUIET = {"hide_parameters": True}


def engine_options(url: str) -> dict[str, Any]:
    """Pool settings for the database at ``url``: connections stay open and are not pinged at each checkout."""
    if make_url(url).get_backend_name() == "sqlite":
        return {**_QUIET, "connect_args": {"timeout": 10}, "pool_size": 20, "max_overflow": 20}
    patience = {"connect_timeout": 5}  # seconds; a database that has vanished must not hold a visitor
    return {
        **_QUIET,
        "connect_args": patience,
        "pool_size": 10,
        "max_overflow": 10,
        "pool_recycle": 1800,
        "pool_use_lifo": True,
    }


def init_app(app: Flask) -> None:
    """Bind the database to the application and set each connection up."""
    db.init_app(app)
    with app.app_context():
        prepare(db.engine)


def prepare(engine: Engine) -> None:
    """Register what every new connection of this engine does first."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)


def _prepare_sqlite(connection: Any, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=10000",
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if _writing.get() else "BEGIN")


def insert_for(connection: Connection) -> Any:
    """The ``insert`` construct of this engine's dialect, which knows ``ON CONFLICT``."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert
    from sqlalchemy.dialects import postgresql

    return postgresql.insert


def durability_faults(connection: Connection) -> list[str]:
    """Settings of a PostgreSQL server under which an acknowledged submission could be lost."""
    if connection.dialect.name != "postgresql":
        return []
    return [
        f"{name} is off on the database server: an acknowledged submission could be lost"
        for name in ("fsync", "synchronous_commit", "full_page_writes")
        if connection.exec_driver_sql(f"SHOW {name}").scalar() == "off"
    ]
