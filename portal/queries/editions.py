"""The edition in force."""

from dataclasses import dataclass

from flask import current_app
from sqlalchemy import select

from portal.content.schema import Content
from portal.database import db
from portal.models import Edition


@dataclass(frozen=True)
class LiveEdition:
    """The content the program runs with and the number it is stored under."""

    number: int
    content: Content


class EditionNotPublished(RuntimeError):
    """The content in ``config/`` was never stored in this database: run ``portal content publish``."""


def content() -> Content:
    """The content in force; no database is asked."""
    loaded: Content = current_app.extensions["yhteys.content"]
    return loaded


def get_live_edition() -> LiveEdition:
    """The content in force with its number; the database is asked once a process.

    Raises:
        EditionNotPublished: the content is not in the database.
    """
    known: LiveEdition | None = current_app.extensions.get("yhteys.edition")
    if known is not None:
        return known
    current = content()
    number = db.session.scalar(select(Edition.number).where(Edition.digest == current.digest))
    if number is None:
        raise EditionNotPublished
    edition = LiveEdition(number, current)
    current_app.extensions["yhteys.edition"] = edition
    return edition
