"""Migrations on both databases: there, back with data in the tables, and there again."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import CheckConstraint, Connection, inspect

from portal import create_app
from portal.database import Base, db
from tests.installation import make_settings, migrations, release
from tests.migrations.rows import EXPECTED, count_rows, insert_rows

BOOKKEEPING = "alembic_version"


@pytest.fixture
def app(empty_database_url: str, tmp_path: Path) -> Iterator[Flask]:
    app = create_app(make_settings(tmp_path / "data", empty_database_url))
    with app.app_context():
        yield app
    release(app)


@contextmanager
def connected() -> Iterator[Connection]:
    with db.engine.begin() as connection:
        yield connection


def revisions(app: Flask) -> list[str]:
    """All revisions, oldest first."""
    return [script.revision for script in ScriptDirectory.from_config(migrations(app)).walk_revisions()][::-1]


def test_up_then_down_with_data_then_up_again(app: Flask) -> None:
    steps = revisions(app)
    command.upgrade(migrations(app), steps[0])
    with connected() as connection:
        insert_rows(connection)
    command.upgrade(migrations(app), "head")
    with connected() as connection:
        assert count_rows(connection) == EXPECTED, "going up lost rows"
    for earlier in reversed(steps[:-1]):
        command.downgrade(migrations(app), earlier)
    with connected() as connection:
        assert count_rows(connection) == EXPECTED, "going down lost rows"
    command.upgrade(migrations(app), "head")
    command.downgrade(migrations(app), "base")
    assert set(inspect(db.engine).get_table_names()) == {BOOKKEEPING}
    command.upgrade(migrations(app), "head")


def test_each_step_can_be_undone_and_done_again(app: Flask) -> None:
    for revision in revisions(app):
        command.upgrade(migrations(app), revision)
        command.downgrade(migrations(app), "-1")
        command.upgrade(migrations(app), revision)


def test_models_say_what_the_migrations_made(app: Flask) -> None:
    command.upgrade(migrations(app), "head")
    with connected() as connection:
        context = MigrationContext.configure(connection, opts={"target_metadata": Base.metadata, "compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        for table in Base.metadata.sorted_tables:
            there = {check["name"] for check in inspect(connection).get_check_constraints(table.name)}
            said = {str(check.name) for check in table.constraints if isinstance(check, CheckConstraint)}
            assert there == said, table.name


def test_names_follow_the_convention(app: Flask) -> None:
    command.upgrade(migrations(app), "head")
    with connected() as connection:
        look = inspect(connection)
        for table in set(look.get_table_names()) - {BOOKKEEPING}:
            names = [
                ("pk", [look.get_pk_constraint(table)]),
                ("fk", look.get_foreign_keys(table)),
                ("uq", look.get_unique_constraints(table)),
                ("ck", look.get_check_constraints(table)),
                ("ix", [index for index in look.get_indexes(table) if not index.get("duplicates_constraint")]),
            ]
            for prefix, things in names:
                for thing in things:
                    assert re.match(rf"{prefix}_{table}(_|$)", thing["name"] or ""), f"{table}: {thing}"


def test_there_is_one_head_and_the_numbers_have_no_gap(app: Flask) -> None:
    scripts = ScriptDirectory.from_config(migrations(app))
    assert len(scripts.get_heads()) == 1
    assert revisions(app) == [f"{number:04d}" for number in range(1, len(revisions(app)) + 1)]
    for script in scripts.walk_revisions():
        assert re.fullmatch(rf"{script.revision}_[a-z][a-z0-9_]*\.py", Path(script.path).name)
