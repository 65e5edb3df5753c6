"""Being away: a manager's topics go to the deputy meanwhile."""

from datetime import date

from sqlalchemy import delete, insert, select

from portal import clock
from portal.database import transaction
from portal.models import Absence
from portal.queries.directory import forget_directory, today
from portal.queries.editions import content
from portal.rules.policy import Permission, Viewer


class AbsenceRejected(ValueError):
    """The days cannot be used."""


class NotYours(LookupError):
    """There is nothing here that the viewer may see or change."""


def record_absence(viewer: Viewer, *, manager_key: str, first_day: date, last_day: date) -> None:
    """Mark a manager away on these days, both included.

    Raises:
        NotYours: managers keep their own absences, coordinators everybody's.
        AbsenceRejected: the last day comes before the first, or has passed.
    """
    _check_keeper(viewer, manager_key)
    if last_day < first_day or last_day < today():
        raise AbsenceRejected
    with transaction() as connection:
        connection.execute(
            insert(Absence).values(
                manager_key=manager_key,
                first_day=first_day,
                last_day=last_day,
                created_at=clock.now(),
                created_by=viewer.account_id,
            )
        )
    forget_directory()


def remove_absence(viewer: Viewer, *, absence_id: int) -> None:
    """Take an absence back; the manager's topics come to them again from now on.

    Raises:
        NotYours: no such absence, or another person's.
    """
    with transaction() as connection:
        key = connection.scalar(select(Absence.manager_key).where(Absence.id == absence_id))
        if key is None:
            raise NotYours
        _check_keeper(viewer, key)
        connection.execute(delete(Absence).where(Absence.id == absence_id))
    forget_directory()


def _check_keeper(viewer: Viewer, manager_key: str) -> None:
    own = viewer.may(Permission.KEEP_ABSENCES) and viewer.manager_key == manager_key
    if not own and not viewer.may(Permission.KEEP_OTHERS_ABSENCES):
        raise NotYours
    if manager_key not in content().manager_by_key:
        raise NotYours
