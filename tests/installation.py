"""An installation for a test: settings in a folder of its own, a schema, and the sample content."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from flask import Flask
from pydantic import SecretStr

from portal import create_app
from portal.database import db
from portal.operations.editions import publish_edition
from portal.settings import Settings

SECRET = "a-secret-of-the-tests-that-opens-nothing-anywhere"


def make_settings(data_dir: Path, database_url: str, **values: Any) -> Settings:
    """Settings of a development installation that keeps everything in ``data_dir``."""
    data_dir.mkdir(parents=True, exist_ok=True)
    return Settings(
        **{
            "environment": "development",
            "secret_key": SecretStr(SECRET),
            "database_url": database_url,
            "data_dir": data_dir,
            "public_url": "http://localhost",
            "mail_sender": "portal@localhost.localdomain",
            **values,
        }
    )


def migrations(app: Flask) -> Config:
    """Alembic's view of the application's migrations; use it inside an application context.

    Flask-Migrate's own commands turn every error into an exit of the process.
    """
    config: Config = app.extensions["migrate"].migrate.get_config()
    return config


def prepare_database(settings: Settings) -> None:
    """Bring an empty database to the newest schema and publish the sample content in it."""
    app = create_app(settings)
    with app.app_context():
        command.upgrade(migrations(app), "head")
        publish_edition(content=app.extensions["yhteys.content"])
    release(app)


def release(app: Flask) -> None:
    """Close every connection, so that the database can be copied or dropped."""
    with app.app_context():
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()
