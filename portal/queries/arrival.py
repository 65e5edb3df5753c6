"""Lists in order of arrival: an application's number within its call, and the neighbours of a page."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, bindparam, func, select
from sqlalchemy.orm import aliased

from portal.models import Application

PAGE_SIZE = 25


def arrival_number() -> Any:
    """The place of an ``Application`` in the order of arrival within its call: the 7 of 'Applicant 7'."""
    other = aliased(Application)
    return _count(other, other.call_id == Application.call_id, other.submission_id <= Application.submission_id).label(
        "number"
    )


def arrival_number_from(key: Any, *, back: bool) -> Any:
    """The same for a page that begins after ``key``, or ends before it: counted to there once, then from there.

    The statement has the parameter ``call``. To count from the first application at each row costs more the later
    the page.
    """
    fixed, other = aliased(Application), aliased(Application)
    call = bindparam("call", type_=BigInteger)
    if back:
        to_key = _count(fixed, fixed.call_id == call, fixed.submission_id < key)
        between = (other.submission_id > Application.submission_id, other.submission_id < key)
        return (to_key - _count(other, other.call_id == call, *between)).label("number")
    to_key = _count(fixed, fixed.call_id == call, fixed.submission_id <= key)
    between = (other.submission_id > key, other.submission_id <= Application.submission_id)
    return (to_key + _count(other, other.call_id == call, *between)).label("number")


def _count(counted: Any, *conditions: ColumnElement[bool]) -> Any:
    return select(func.count()).select_from(counted).where(*conditions).correlate(Application).scalar_subquery()


def page_of(
    rows: list[Row[*tuple[Any, ...]]], *, back: bool, first: bool
) -> tuple[list[Row[*tuple[Any, ...]]], int | None, int | None]:
    """The rows of a page of ``PAGE_SIZE``, of which one more was asked for, and the keys of its neighbours."""
    more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    if back:
        rows.reverse()
    if not rows:
        return [], None, None
    earlier = rows[0].id if (more if back else not first) else None
    later = rows[-1].id if back or more else None
    return rows, earlier, later
