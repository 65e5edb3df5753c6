"""What a reviewer sees of one application, as far as it is open to the reviewer.

What must stay hidden is left out here, before any page is made: until the reviewer has declared no conflict of
interest, everything but who it is and what they study; a person's name and files while a call is reviewed blind;
everything after stepping aside.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, select

from portal.database import db
from portal.models import Account, Application, Attachment, Call, Decision, Review, Submission
from portal.queries.arrival import arrival_number
from portal.queries.calls import StoredCall, find_call_by_id
from portal.queries.cases import FileLine, NoSuchCase
from portal.queries.scope import reviewed_by
from portal.rules.applications import HIDDEN_WHEN_BLIND, Answers, Stage
from portal.rules.policy import Viewer
from portal.rules.reviews import open_for_review


@dataclass(frozen=True)
class ReviewLine:
    """One reviewer's review, finished or one's own."""

    account_id: int
    reviewer: str
    conflict: str
    scores: dict[str, Any]
    comment: str
    changed_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class Reviewable:
    """An application as its reviewer may see it now.

    ``answers`` and ``files`` hold no more than that: see the module. ``others`` are finished reviews of others,
    once one's own is finished.
    """

    submission_id: int
    reference: str
    number: int
    stage: Stage
    received_at: datetime
    call: StoredCall
    answers: Answers
    mine: ReviewLine | None
    files: Sequence[FileLine]
    others: Sequence[ReviewLine]
    writable: bool

    @property
    def declared(self) -> bool:
        """Whether the reviewer has said that there is no conflict of interest."""
        return self.mine is not None and self.mine.conflict == "none"

    @property
    def stepped_aside(self) -> bool:
        """Whether the reviewer has stepped aside."""
        return self.mine is not None and self.mine.conflict == "stepped_aside"


def own_review(viewer: Viewer) -> ColumnElement[bool]:
    """Joins an ``Application`` to the viewer's own review of it."""
    return and_(Review.submission_id == Application.submission_id, Review.account_id == viewer.account_id)


def get_reviewable(viewer: Viewer, reference: str) -> Reviewable:
    """An application of a call that the viewer reviews, as far as the viewer may see it.

    Raises:
        NoSuchCase: unknown, or the viewer was not asked to review its call.
    """
    released = exists().where(Decision.submission_id == Submission.id, Decision.released_at.is_not(None))
    row = db.session.execute(
        select(
            Submission.id,
            Submission.received_at,
            Application.call_id,
            Application.stage,
            Application.answers,
            arrival_number(),
            released.label("released"),
        )
        .join(Application, Application.submission_id == Submission.id)
        .join(Call, Call.id == Application.call_id)
        .where(Submission.reference == reference, Call.status != "draft", reviewed_by(viewer))
    ).one_or_none()
    if row is None:
        raise NoSuchCase
    call = find_call_by_id(row.call_id)
    assert call is not None
    reviews = list_reviews([row.id])
    mine = next((review for review in reviews if review.account_id == viewer.account_id), None)
    declared = mine is not None and mine.conflict == "none"
    return Reviewable(
        submission_id=row.id,
        reference=reference,
        number=row.number,
        stage=row.stage,
        received_at=row.received_at,
        call=call,
        answers=_shown(Answers.from_data(row.answers), call, mine),
        mine=mine,
        files=list_files(row.id) if declared and not call.hides_people else (),
        others=visible_reviews(reviews, viewer, reviews_call=True, besides_own=True),
        writable=open_for_review(row.stage, released=row.released),
    )


def _shown(answers: Answers, call: StoredCall, mine: ReviewLine | None) -> Answers:
    """As much of the answers as the reviewer may see now."""
    if mine is None:
        if call.hides_people:
            return Answers(study_field=answers.study_field, study_level=answers.study_level)
        # A conflict of interest is about persons: without the name nobody could tell.
        return Answers(name=answers.name, study_field=answers.study_field, institution=answers.institution)
    if mine.conflict == "stepped_aside":
        return Answers()
    hidden: dict[str, Any] = dict.fromkeys(HIDDEN_WHEN_BLIND, "")
    return replace(answers, **hidden) if call.hides_people else answers


def visible_reviews(
    reviews: Sequence[ReviewLine], viewer: Viewer, *, reviews_call: bool, besides_own: bool = False
) -> list[ReviewLine]:
    """The reviews of one application that a viewer may read; drafts are their writers' own.

    Who reviews the call reads others' once their own is finished, and never after stepping aside.
    """
    mine = next((review for review in reviews if review.account_id == viewer.account_id), None)
    if reviews_call and (mine is None or mine.finished_at is None):
        return []
    return [r for r in reviews if r.finished_at is not None and not (besides_own and r.account_id == viewer.account_id)]


def list_reviews(submission_ids: Sequence[int]) -> list[ReviewLine]:
    """All reviews of an application, drafts too, in the order in which they were begun."""
    rows = db.session.execute(
        select(
            Review.account_id,
            Account.name,
            Review.conflict,
            Review.scores,
            Review.comment,
            Review.changed_at,
            Review.finished_at,
        )
        .join(Account, Account.id == Review.account_id)
        .where(Review.submission_id.in_(submission_ids))
        .order_by(Review.id)
    )
    return [ReviewLine(*row) for row in rows]


def list_files(submission_id: int) -> list[FileLine]:
    """The files of an application, in the order in which they came. Whoever calls has checked that they may be seen."""
    rows = db.session.execute(
        select(Attachment.id, Attachment.name, Attachment.mime, Attachment.size_bytes)
        .where(Attachment.submission_id == submission_id)
        .order_by(Attachment.id)
    )
    return [FileLine(*row) for row in rows]


def find_review_file(viewer: Viewer, reference: str, file_id: int) -> Attachment | None:
    """A file of an application that the viewer reviews, declared, and not blind."""
    seen = and_(Call.status != "draft", ~and_(Call.blind, Call.revealed_at.is_(None)))
    return db.session.scalar(
        select(Attachment)
        .join(Submission, Submission.id == Attachment.submission_id)
        .join(Application, Application.submission_id == Submission.id)
        .join(Call, Call.id == Application.call_id)
        .join(Review, and_(own_review(viewer), Review.conflict == "none"))
        .where(Attachment.id == file_id, Submission.reference == reference, reviewed_by(viewer), seen)
    )
