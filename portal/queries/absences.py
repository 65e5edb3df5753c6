"""Absences that have not ended."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select, true

from portal.database import db
from portal.models import Absence
from portal.queries.directory import today
from portal.rules.policy import Permission, Viewer


def list_absences(viewer: Viewer) -> Sequence[Absence]:
    """Present and coming absences that the viewer keeps, soonest first."""
    own: ColumnElement[bool] = Absence.manager_key == (viewer.manager_key or "")
    scope = true() if viewer.may(Permission.KEEP_OTHERS_ABSENCES) else own
    return db.session.scalars(
        select(Absence).where(scope, Absence.last_day >= today()).order_by(Absence.first_day, Absence.id)
    ).all()
