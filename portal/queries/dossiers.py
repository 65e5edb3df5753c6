"""Whole applications, as they are printed and taken out of the house: one, or a call's in batches.

A batch takes the same number of statements however many applications are in it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, case, func, select

from portal.database import db
from portal.models import (
    Account,
    Application,
    Attachment,
    Call,
    CallEvent,
    CallReviewer,
    Correction,
    Decision,
    Event,
    Interview,
    Review,
    Submission,
)
from portal.queries.calls import StoredCall, find_call_by_id
from portal.queries.cases import COLUMNS, NoSuchCase
from portal.queries.scope import led_by
from portal.rules.applications import Answers
from portal.rules.policy import Viewer

MESSAGES_SHOWN = 500
"""Of a longer thread, the latest."""

EXPORTS_SHOWN = 10

_Of = TypeVar("_Of", Attachment, Correction, Interview, Decision, Review)


@dataclass(frozen=True)
class Message:
    """What the applicant or the house wrote."""

    at: datetime
    actor: str
    by_staff: bool
    body: str


@dataclass(frozen=True)
class Dossier:
    """An application with all that came of it. ``row`` has the submission's columns and the application's.

    ``reviews`` are those that were finished. They are ``withheld`` from a reviewer of the call whose own is not
    finished yet. ``names`` are of the accounts that acted.
    """

    row: Row[*tuple[Any, ...]]
    answers: Answers
    files: Sequence[Attachment]
    corrections: Sequence[Correction]
    interviews: Sequence[Interview]
    decisions: Sequence[Decision]
    reviews: Sequence[Review]
    stepped_aside: Sequence[int]
    withheld: bool
    names: Mapping[int, str]
    messages: Sequence[Message] = ()
    shortened: bool = False

    @property
    def decision(self) -> Decision | None:
        """The last decision that reached the applicant."""
        return next((row for row in reversed(self.decisions) if row.applied_at), None)


def get_dossier(viewer: Viewer, reference: str, *, thread: bool = False) -> tuple[StoredCall, Dossier]:
    """An application to a call that the viewer keeps, with its call.

    Raises:
        NoSuchCase: unknown, no application, or somebody else's.
    """
    rows = _rows(viewer, Submission.reference == reference, limit=1)
    if not rows:
        raise NoSuchCase
    call = find_call_by_id(rows[0].call_id)
    assert call is not None
    messages, shortened = _messages(rows[0].id) if thread else ([], False)
    return call, _filled(viewer, call.id, rows, messages=messages, shortened=shortened)[0]


def list_dossiers(viewer: Viewer, call: StoredCall, *, after: int = 0, limit: int) -> list[Dossier]:
    """The next applications to a call that the viewer keeps, in the order in which they came.

    Args:
        viewer: who asks.
        call: to which call.
        after: the id of the last submission that was seen.
        limit: how many at most.
    """
    rows = _rows(viewer, (Application.call_id == call.id) & (Application.submission_id > after), limit=limit)
    return _filled(viewer, call.id, rows)


@dataclass(frozen=True)
class Extent:
    """How many applications of a call are ``open`` to a viewer who keeps it, and how many there are in ``all``.

    Those that were withdrawn or replaced are among them.
    """

    open: int
    all: int


def count_applications(viewer: Viewer, call: StoredCall) -> Extent:
    """How much ``list_dossiers`` finds of a call, and how much there is; one statement."""
    row = db.session.execute(
        select(func.count(case((led_by(viewer), 1))).label("open"), func.count().label("all"))
        .select_from(Submission)
        .join(Application, Application.submission_id == Submission.id)
        .where(Application.call_id == call.id)
    ).one()
    return Extent(row.open, row.all)


def is_blind_to(viewer: Viewer, call: StoredCall) -> bool:
    """Whether the viewer must not see who the applicants are: a reviewer of a call that is reviewed blind."""
    return call.hides_people and is_reviewer(viewer, call.id)


def is_reviewer(viewer: Viewer, call_id: int) -> bool:
    """Whether the viewer was asked to review the applications of a call."""
    asked = select(CallReviewer.call_id).where(
        CallReviewer.call_id == call_id, CallReviewer.account_id == viewer.account_id
    )
    return db.session.scalar(asked) is not None


def list_exports(call: StoredCall) -> Sequence[CallEvent]:
    """The latest exports and printed dossiers of a call, newest first."""
    return db.session.scalars(
        select(CallEvent)
        .where(CallEvent.call_id == call.id, CallEvent.kind.in_(("exported", "dossier")))
        .order_by(CallEvent.id.desc())
        .limit(EXPORTS_SHOWN)
    ).all()


def _rows(viewer: Viewer, which: ColumnElement[bool], *, limit: int) -> Sequence[Row[*tuple[Any, ...]]]:
    statement = (
        select(
            *COLUMNS,
            Application.call_id,
            Application.stage,
            Application.answers,
            Application.late,
            Application.documents_due_at,
        )
        .join(Application, Application.submission_id == Submission.id)
        .join(Call, Call.id == Application.call_id)
        .where(which, led_by(viewer))
        .order_by(Submission.id)
        .limit(limit)
    )
    return db.session.execute(statement).all()


def _filled(
    viewer: Viewer,
    call_id: int,
    rows: Sequence[Row[*tuple[Any, ...]]],
    *,
    messages: Sequence[Message] = (),
    shortened: bool = False,
) -> list[Dossier]:
    ids = [row.id for row in rows]
    if not ids:
        return []
    files, corrections, interviews = _of(Attachment, ids), _of(Correction, ids), _of(Interview, ids)
    decisions, reviews = _of(Decision, ids), _of(Review, ids)
    waits = is_reviewer(viewer, call_id)
    names = _names(corrections, interviews, decisions, reviews)
    found = []
    for row in rows:
        done = [review for review in reviews[row.id] if review.finished_at and review.conflict == "none"]
        aside = [review.account_id for review in reviews[row.id] if review.conflict == "stepped_aside"]
        mine = viewer.account_id in {*aside, *(review.account_id for review in done)}
        found.append(
            Dossier(
                row=row,
                answers=Answers.from_data(row.answers),
                files=files[row.id],
                corrections=corrections[row.id],
                interviews=interviews[row.id],
                decisions=decisions[row.id],
                reviews=done,
                stepped_aside=aside,
                withheld=waits and not mine,
                names=names,
                messages=messages,
                shortened=shortened,
            )
        )
    return found


def _of(model: type[_Of], ids: Sequence[int]) -> dict[int, list[_Of]]:
    found: dict[int, list[_Of]] = defaultdict(list)
    statement = select(model).where(model.submission_id.in_(ids)).order_by(model.id)
    for entry in db.session.scalars(statement.execution_options(populate_existing=True)):
        found[entry.submission_id].append(entry)
    return found


def _names(
    corrections: Mapping[int, Iterable[Correction]],
    interviews: Mapping[int, Iterable[Interview]],
    decisions: Mapping[int, Iterable[Decision]],
    reviews: Mapping[int, Iterable[Review]],
) -> dict[int, str]:
    ids = {entry.asked_by for entries in corrections.values() for entry in entries}
    ids |= {entry.invited_by for entries in interviews.values() for entry in entries}
    ids |= {entry.prepared_by for entries in decisions.values() for entry in entries}
    ids |= {entry.account_id for entries in reviews.values() for entry in entries}
    rows = db.session.execute(select(Account.id, Account.name).where(Account.id.in_(ids)))
    return {row.id: row.name for row in rows}


def _messages(submission_id: int) -> tuple[list[Message], bool]:
    newest_first = db.session.execute(
        select(Event.at, Event.actor, Event.account_id, Event.body)
        .where(Event.submission_id == submission_id, Event.kind.in_(("replied", "sender_replied")))
        .order_by(Event.id.desc())
        .limit(MESSAGES_SHOWN + 1)
    ).all()
    kept = newest_first[:MESSAGES_SHOWN]
    messages = [Message(row.at, row.actor, row.account_id is not None, row.body or "") for row in reversed(kept)]
    return messages, len(newest_first) > MESSAGES_SHOWN
