"""How migrations are run: what ``env.py`` promises to a running house."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from flask import Flask

from portal import create_app
from portal.database import db
from portal.settings import data_root
from tests.installation import make_settings, migrations, release
from tests.migrations.rows import EXPECTED, count_rows, insert_rows

LATER = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    {body}


def downgrade() -> None:
    pass
"""


@pytest.fixture
def app(empty_database_url: str, tmp_path: Path) -> Iterator[Flask]:
    app = create_app(make_settings(tmp_path / "data", empty_database_url))
    with app.app_context():
        yield app
    release(app)


@pytest.fixture
def config(app: Flask, tmp_path: Path) -> Config:
    """The migrations in a folder of the test's own, at the first one, with rows in the tables."""
    folder = tmp_path / "migrations"
    shutil.copytree(data_root() / "migrations", folder, ignore=shutil.ignore_patterns("__pycache__"))
    config = migrations(app)
    config.set_main_option("script_location", str(folder))
    command.upgrade(config, "0001")
    with db.engine.begin() as connection:
        insert_rows(connection)
    command.upgrade(config, "head")
    return config


def add_migration(config: Config, body: str) -> None:
    folder = Path(config.get_main_option("script_location") or "")
    versions = sorted((folder / "versions").glob("[0-9]*.py"))
    head = versions[-1].name[:4]
    (folder / "versions" / "9999_try_something.py").write_text(LATER.format(head=head, body=body))


def test_a_table_that_others_point_to_can_be_altered_with_its_rows(config: Config) -> None:
    add_migration(
        config, 'with op.batch_alter_table("accounts", recreate="auto") as t: t.alter_column("name", nullable=True)'
    )
    command.upgrade(config, "head")
    with db.engine.begin() as connection:
        assert count_rows(connection) == EXPECTED


def test_a_migration_that_fails_leaves_nothing_behind(config: Config) -> None:
    add_migration(config, 'op.execute("CREATE TABLE half (id integer)"); op.execute("SELECT nonsense FROM nowhere")')
    with pytest.raises(Exception, match="nowhere"):
        command.upgrade(config, "head")
    with db.engine.begin() as connection:
        assert "half" not in db.inspect(connection).get_table_names()
        assert count_rows(connection) == EXPECTED


def test_rows_that_would_point_to_nothing_stop_a_migration(config: Config) -> None:
    add_migration(config, 'op.execute("DELETE FROM accounts")')
    with pytest.raises(Exception, match="accounts"):
        command.upgrade(config, "head")
    with db.engine.begin() as connection:
        assert count_rows(connection) == EXPECTED


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_on_postgresql_a_migration_waits_five_seconds_for_a_lock_and_no_longer(config: Config) -> None:
    add_migration(config, 'assert op.get_bind().exec_driver_sql("SHOW lock_timeout").scalar() == "5s"')
    command.upgrade(config, "head")
    with db.engine.begin() as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "0", "visitors wait as ever"


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_on_sqlite_foreign_keys_are_in_force_again_afterwards(config: Config) -> None:
    with db.engine.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_new_migration_gets_the_next_number_and_none_is_made_for_nothing(config: Config) -> None:
    versions = Path(config.get_main_option("script_location") or "") / "versions"
    before = {path.name for path in versions.glob("*.py")}
    config.cmd_opts.autogenerate = True  # type: ignore[union-attr]
    command.revision(config, message="Nothing changed", autogenerate=True)
    assert {path.name for path in versions.glob("*.py")} == before
    config.cmd_opts.autogenerate = False  # type: ignore[union-attr]
    command.revision(config, message="Add calls")
    made = {path.name for path in versions.glob("*.py")} - before
    assert made == {f"{len(before) + 1:04d}_add_calls.py"}
