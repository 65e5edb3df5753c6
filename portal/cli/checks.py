"""What must hold before an installation may take a submission."""

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from portal import settings
from portal.database import db, durability_faults
from portal.queries.editions import EditionNotPublished, get_live_edition


def faults() -> list[str]:
    """All that is wrong, a line each; empty when the installation is fit to run."""
    return ground_faults() or _edition_faults()


def ground_faults() -> list[str]:
    """What is wrong with the database and the folders, before any content is published."""
    return [*_database_faults(), *_folder_faults()]


def _database_faults() -> list[str]:
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    try:
        connection = db.session.connection()
        found = durability_faults(connection)
        at = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        return [f"the database cannot be used: {type(error).__name__}"]
    head = ScriptDirectory(current_app.extensions["migrate"].directory).get_current_head()
    if at != head:
        found.append(f"the database is at migration {at}, the program needs {head}: run `portal db upgrade`")
    return found


def _edition_faults() -> list[str]:
    try:
        get_live_edition()
    except EditionNotPublished:
        return ["the content is not published: run `portal content publish`"]
    return []


def _folder_faults() -> list[str]:
    folder = settings.current().storage_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return [f"the folder for files cannot be written: {error.strerror}"]
    return []
