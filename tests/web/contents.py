"""What the database holds, in short: whether anything at all has changed."""

import hashlib
from collections.abc import Iterable

from flask import Flask
from sqlalchemy import select

from portal.database import Base, db


def contents(app: Flask, *, but: Iterable[str] = ()) -> dict[str, tuple[int, str]]:
    """Of every table the number of rows and a checksum of all that is in them, columns in ``but`` left out."""
    found = {}
    with app.app_context():
        for table in Base.metadata.sorted_tables:
            columns = [column for column in table.c if column.name not in but]
            rows = [repr(row) for row in db.session.execute(select(*columns).order_by(*table.primary_key.columns))]
            found[table.name] = (len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest())
        db.session.rollback()
    return found
