"""What a reviewer does: declare, step aside, write a review, finish it, take it up again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, insert, select, update
from sqlalchemy.engine import Connection

from portal import clock
from portal.content.calls import CallDocument
from portal.database import transaction
from portal.models import Application, Call, Decision, Review, Submission
from portal.operations.door import CaseRow, Change, write_change
from portal.queries.cases import COLUMNS, NoSuchCase
from portal.queries.scope import reviewed_by
from portal.rules.policy import Viewer
from portal.rules.reviews import open_for_review, unfinished


class SteppedAside(Exception):
    """The reviewer has stepped aside from this application; that cannot be undone."""


class NotDeclared(Exception):
    """The reviewer has not declared yet that there is no conflict of interest."""


class ReviewClosed(Exception):
    """A decision is on its way, or the application has left the review: reviews stand as they are."""


class ReviewFinished(Exception):
    """The review is finished; it must be taken up again first."""


class ReviewChanged(Exception):
    """The review was changed in another window since it was shown."""


class ReviewIncomplete(Exception):
    """A criterion lacks its score or the justification."""


@dataclass(frozen=True)
class WrittenReview:
    """A review as it was typed. ``scores`` are as in ``models.Review``; ``seen`` is its ``changed_at`` as shown."""

    scores: dict[str, Any]
    comment: str
    seen: datetime | None


def declare_no_conflict(viewer: Viewer, *, reference: str) -> None:
    """Note that the reviewer has no conflict of interest, which opens answers and files. Done once.

    Raises:
        NoSuchCase: unknown, or not the viewer's to review.
        SteppedAside.
    """

    def act(connection: Connection, row: CaseRow, mine: Any) -> None:
        if mine is not None and mine.conflict == "stepped_aside":
            raise SteppedAside
        if mine is None:
            _note(connection, row, viewer, "conflict_cleared", lambda: _begin(connection, row, viewer, "none"))

    _on_application(viewer, reference, act)


def step_aside(viewer: Viewer, *, reference: str) -> None:
    """Note a conflict of interest: the application is closed to the reviewer for good, a draft is dropped. Done once.

    Raises:
        NoSuchCase: unknown, or not the viewer's to review.
        ReviewFinished: the review is finished already.
    """

    def act(connection: Connection, row: CaseRow, mine: Any) -> None:
        if mine is None:
            _note(connection, row, viewer, "stepped_aside", lambda: _begin(connection, row, viewer, "stepped_aside"))
        elif mine.finished_at is not None:
            raise ReviewFinished
        elif mine.conflict == "none":
            gone = {"conflict": "stepped_aside", "scores": {}, "comment": ""}
            _note(connection, row, viewer, "stepped_aside", lambda: _store(connection, mine.id, **gone))

    _on_application(viewer, reference, act)


def save_review(viewer: Viewer, *, reference: str, written: WrittenReview) -> None:
    """Keep a review as the reviewer's own draft; it may lack anything.

    Raises:
        NoSuchCase, NotDeclared, SteppedAside, ReviewClosed, ReviewFinished, ReviewChanged.
    """

    def act(connection: Connection, row: CaseRow, mine: Any) -> None:
        if _is_new(row, mine, written):
            _store(connection, mine.id, scores=written.scores, comment=written.comment)

    _on_application(viewer, reference, act)


def finish_review(viewer: Viewer, *, reference: str, written: WrittenReview) -> None:
    """Finish a review: from now on the lead sees it, and those reviewers who have finished theirs.

    Raises:
        ReviewIncomplete: a criterion lacks its score or the justification, or a call without criteria its comment.
        NoSuchCase, NotDeclared, SteppedAside, ReviewClosed, ReviewFinished, ReviewChanged.
    """

    def act(connection: Connection, row: CaseRow, mine: Any) -> None:
        if not _is_new(row, mine, written, finishing=True):
            return
        criteria = CallDocument.model_validate(row.document).criteria
        if unfinished(criteria, written.scores) or not (criteria or written.comment.strip()):
            raise ReviewIncomplete
        done = {"scores": written.scores, "comment": written.comment, "finished_at": clock.now()}
        _note(connection, row, viewer, "reviewed", lambda: _store(connection, mine.id, **done))

    _on_application(viewer, reference, act)


def reopen_review(viewer: Viewer, *, reference: str) -> None:
    """Take one's own finished review up again, as a draft; possible until a decision is on its way. Done once.

    Raises:
        NoSuchCase, NotDeclared, SteppedAside, ReviewClosed.
    """

    def act(connection: Connection, row: CaseRow, mine: Any) -> None:
        _check_may_write(row, mine)
        if mine.finished_at is not None:
            _store(connection, mine.id, finished_at=None)

    _on_application(viewer, reference, act)


def _on_application(viewer: Viewer, reference: str, act: Callable[[Connection, CaseRow, Any], None]) -> None:
    """Run ``act`` on an application of the viewer's, locked, with the viewer's own review if there is one."""
    released = exists().where(Decision.submission_id == Submission.id, Decision.released_at.is_not(None))
    with transaction() as connection:
        row = connection.execute(
            select(*COLUMNS, Application.stage, Call.document, released.label("released"))
            .join(Application, Application.submission_id == Submission.id)
            .join(Call, Call.id == Application.call_id)
            .where(Submission.reference == reference, Call.status != "draft", reviewed_by(viewer))
            .with_for_update(of=Submission)
        ).one_or_none()
        if row is None:
            raise NoSuchCase
        mine = connection.execute(
            select(Review.__table__).where(Review.submission_id == row.id, Review.account_id == viewer.account_id)
        ).one_or_none()
        act(connection, row, mine)


def _check_may_write(row: CaseRow, mine: Any) -> None:
    if mine is None:
        raise NotDeclared
    if mine.conflict == "stepped_aside":
        raise SteppedAside
    if not open_for_review(row.stage, released=row.released):
        raise ReviewClosed


def _is_new(row: CaseRow, mine: Any, written: WrittenReview, *, finishing: bool = False) -> bool:
    """Whether there is something to store: the same sending twice is done once, another window's is not lost."""
    _check_may_write(row, mine)
    same = mine.scores == written.scores and mine.comment == written.comment
    if same and finishing == (mine.finished_at is not None):
        return False
    if mine.finished_at is not None:
        raise ReviewFinished
    if written.seen != mine.changed_at and not same:
        raise ReviewChanged
    return True


def _note(connection: Connection, row: CaseRow, viewer: Viewer, event: Any, store: Callable[[], None]) -> None:
    """Store with an event in the application's timeline, which says that it was done, never what was said."""
    change = Change("assess", event, also=lambda _connection, _row: store())
    write_change(connection, row, change, actor=viewer.name, account_id=viewer.account_id, token=None)


def _begin(connection: Connection, row: CaseRow, viewer: Viewer, conflict: str) -> None:
    now = clock.now()
    connection.execute(
        insert(Review).values(
            submission_id=row.id,
            account_id=viewer.account_id,
            conflict=conflict,
            declared_at=now,
            scores={},
            comment="",
            changed_at=now,
        )
    )


def _store(connection: Connection, review_id: int, **values: Any) -> None:
    connection.execute(update(Review).where(Review.id == review_id).values(changed_at=clock.now(), **values))
