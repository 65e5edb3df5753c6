"""The inbox: cases newest first, by box and state, paged by key.

Pages are walked along an index by the last id seen; there is no OFFSET and no exact count, so any page of
any length of list costs the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, Row, Select, bindparam, exists, func, literal, select, text, true

from portal.content.schema import TRIAGE
from portal.database import db
from portal.models import Letter, Submission
from portal.models.submissions import OPEN
from portal.queries.scope import closed_to, visible_to
from portal.rules.policy import Viewer
from portal.rules.states import Status

Box = Literal["mine", "triage", "all"]
Filter = Status | Literal["open", "any"]
Direction = Literal["first", "older", "newer"]

PAGE_SIZE = 25
COUNTED_TO = 99

FAILED = text("letters.status = 'failed'")


@dataclass(frozen=True)
class InboxPage:
    """One page of cases. ``older`` and ``newer`` are the keys of the neighbouring pages, if there are any."""

    rows: Sequence[Row[*tuple[Any, ...]]]
    older: int | None
    newer: int | None


@dataclass(frozen=True)
class Counts:
    """What waits for somebody, counted to ``COUNTED_TO`` and one more."""

    mine: int
    triage: int
    failed_letters: int


def list_cases(
    viewer: Viewer, *, box: Box, status: Filter, before: int | None = None, after: int | None = None
) -> InboxPage:
    """A page of a box. ``before`` asks for older cases than that id, ``after`` for newer ones.

    Rows have ``id, reference, subject, sender_name, sender_organisation, topic, holder, status, language,
    received_at, kind, letter_failed, hidden``; ``hidden`` says that the viewer reviews it and must not see whose it is.
    """
    direction: Direction = "older" if before is not None else "newer" if after is not None else "first"
    statement = _statement(viewer, box, status, direction)
    rows = list(db.session.execute(statement, {"key": before if before is not None else after}))
    more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    if after is not None:
        rows.reverse()
    if not rows:
        return InboxPage([], None, None)
    older = rows[-1].id if more or after is not None else None
    newer = rows[0].id if before is not None or (after is not None and more) else None
    return InboxPage(rows, older, newer)


# Statements are built once for a viewer and list; building one takes longer than running it.


@lru_cache(maxsize=2048)
def _statement(viewer: Viewer, box: Box, status: Filter, direction: Direction) -> Select[*tuple[Any, ...]]:
    """A list's page; ``older`` and ``newer`` are so than the parameter ``key``."""
    letter_failed = exists().where(Letter.submission_id == Submission.id, FAILED)
    statement = select(
        Submission.id,
        Submission.reference,
        Submission.subject,
        Submission.sender_name,
        Submission.sender_organisation,
        Submission.topic,
        Submission.holder,
        Submission.status,
        Submission.language,
        Submission.received_at,
        Submission.kind,
        closed_to(viewer).label("hidden"),
        letter_failed.label("letter_failed"),
    ).where(_in_box(viewer, box), _in_state(status))
    key = bindparam("key", type_=BigInteger)
    if direction == "newer":
        return statement.where(Submission.id > key).order_by(Submission.id).limit(PAGE_SIZE + 1)
    if direction == "older":
        statement = statement.where(Submission.id < key)
    return statement.order_by(Submission.id.desc()).limit(PAGE_SIZE + 1)


def _in_box(viewer: Viewer, box: Box) -> ColumnElement[bool]:
    """Whose cases a box holds, as far as the viewer may see them."""
    if box == "all":
        return visible_to(viewer)
    return visible_to(viewer, TRIAGE if box == "triage" else (viewer.manager_key or ""))


def _in_state(status: Filter) -> ColumnElement[bool]:
    if status == "any":
        return true()
    if status == "open":
        return OPEN  # type: ignore[return-value]
    return Submission.status == status


def count_waiting(viewer: Viewer) -> Counts:
    """What is new in the viewer's boxes and which letters failed, in one statement."""
    return Counts(*db.session.execute(_counting(viewer)).one())


@lru_cache(maxsize=1024)
def _counting(viewer: Viewer) -> Select[*tuple[Any, ...]]:
    # Not a join: a planner that has seen no failed letter yet would look for one at each of the viewer's cases.
    failed = (
        select(literal(1))
        .select_from(Letter)
        .where(FAILED, exists().where(Submission.id == Letter.submission_id, visible_to(viewer)))
    )
    return select(_capped(_new_in(viewer, "mine")), _capped(_new_in(viewer, "triage")), _capped(failed))


def _new_in(viewer: Viewer, box: Box) -> Select[*tuple[Any, ...]]:
    return select(literal(1)).select_from(Submission).where(_in_box(viewer, box), Submission.status == "new")


def _capped(rows: Select[*tuple[Any, ...]]) -> Any:
    return select(func.count()).select_from(rows.limit(COUNTED_TO + 1).subquery()).scalar_subquery()
