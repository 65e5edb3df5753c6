"""What a reviewer sees: the calls, the applications in order of arrival, and one application as far as it is open.

What must stay hidden is left out here, before any page is made: everything but a few words until there is no
conflict of interest, a person's name and files while a call is reviewed blind, everything after stepping aside.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, Row, Select, and_, bindparam, case, exists, func, select
from sqlalchemy.orm import aliased

from portal.content.calls import CallDocument
from portal.database import db
from portal.models import Account, Application, Attachment, Call, CallReviewer, Decision, Review, Submission
from portal.queries.calls import StoredCall, find_call_by_id
from portal.queries.cases import FileLine, NoSuchCase
from portal.queries.scope import reviewed_by
from portal.rules.applications import HIDDEN_WHEN_BLIND, Answers, Stage
from portal.rules.policy import Viewer
from portal.rules.reviews import NOT_REVIEWED, open_for_review

PAGE_SIZE = 25

Begun = Literal["not_begun", "declared", "draft", "done", "stepped_aside"]


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
class CallDuty:
    """A call that somebody reviews, and how far they are; those stepped aside from are in neither number."""

    id: int
    slug: str
    document: CallDocument
    blind: bool
    total: int
    done: int
    stepped_aside: int

    @property
    def waiting(self) -> int:
        """How many are still to be reviewed."""
        return self.total - self.done


@dataclass(frozen=True)
class DutyPage:
    """Applications in order of arrival, with the keys of the neighbouring pages.

    Rows have ``id, reference, number, stage, received_at, institution, study_field, study_level, begun``.
    """

    rows: Sequence[Row[*tuple[Any, ...]]]
    earlier: int | None
    later: int | None


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


def list_duties(viewer: Viewer) -> list[CallDuty]:
    """The published calls that the viewer reviews, the one that closes first on top. Two statements."""
    calls = db.session.execute(
        select(Call.id, Call.slug, Call.document, Call.blind, Call.revealed_at)
        .join(CallReviewer, CallReviewer.call_id == Call.id)
        .where(CallReviewer.account_id == viewer.account_id, Call.status != "draft")
        .order_by(Call.closes_at, Call.id)
    ).all()
    counts = {
        row.call_id: row
        for row in db.session.execute(
            select(
                Application.call_id,
                func.count().label("total"),
                func.count(Review.finished_at).label("done"),
                func.count(case((Review.conflict == "stepped_aside", 1))).label("stepped_aside"),
            )
            .outerjoin(Review, _own(viewer))
            .where(reviewed_by(viewer), Application.stage.not_in(NOT_REVIEWED))
            .group_by(Application.call_id)
        )
    }
    return [_as_duty(call, counts.get(call.id)) for call in calls]


def _as_duty(call: Row[*tuple[Any, ...]], counted: Row[*tuple[Any, ...]] | None) -> CallDuty:
    total, done, aside = (counted.total, counted.done, counted.stepped_aside) if counted else (0, 0, 0)
    document = CallDocument.model_validate(call.document)
    return CallDuty(call.id, call.slug, document, call.blind and not call.revealed_at, total - aside, done, aside)


def list_to_review(viewer: Viewer, duty: CallDuty, *, before: int | None = None, after: int | None = None) -> DutyPage:
    """A page of the applications to a call that the viewer reviews, in order of arrival. One statement."""
    back = before is not None
    statement = _to_review(viewer, back)
    rows = list(db.session.execute(statement, {"call": duty.id, "key": before if back else (after or 0)}))
    return DutyPage(*page_of(rows, back=back, first=not back and not after))


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


@lru_cache(maxsize=512)
def _to_review(viewer: Viewer, back: bool) -> Select[*tuple[Any, ...]]:
    begun = case(
        (Review.id.is_(None), "not_begun"),
        (Review.conflict == "stepped_aside", "stepped_aside"),
        (Review.finished_at.is_not(None), "done"),
        (Review.changed_at > Review.declared_at, "draft"),
        else_="declared",
    )
    key = bindparam("key", type_=BigInteger)
    statement = (
        select(
            Submission.id,
            Submission.reference,
            Submission.received_at,
            Application.stage,
            Application.answers["institution"].as_string().label("institution"),
            Application.answers["study_field"].as_string().label("study_field"),
            Application.answers["study_level"].as_string().label("study_level"),
            arrival_number_from(key, back=back),
            begun.label("begun"),
        )
        .join(Application, Application.submission_id == Submission.id)
        .outerjoin(Review, _own(viewer))
        .where(
            Application.call_id == bindparam("call", type_=BigInteger),
            reviewed_by(viewer),
            Application.stage.not_in(NOT_REVIEWED),
        )
        .limit(PAGE_SIZE + 1)
    )
    if back:
        return statement.where(Application.submission_id < key).order_by(Application.submission_id.desc())
    return statement.where(Application.submission_id > key).order_by(Application.submission_id)


def _own(viewer: Viewer) -> ColumnElement[bool]:
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
        return Answers(study_field=answers.study_field, institution=answers.institution)
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
        .join(Review, and_(_own(viewer), Review.conflict == "none"))
        .where(Attachment.id == file_id, Submission.reference == reference, reviewed_by(viewer), seen)
    )


def find_next(viewer: Viewer, call_id: int, after: int) -> str | None:
    """The reference of the next application of a call that still waits for the viewer, in order of arrival."""
    waits = and_(Review.finished_at.is_(None), Review.conflict.is_distinct_from("stepped_aside"))
    return db.session.scalar(
        select(Submission.reference)
        .join(Application, Application.submission_id == Submission.id)
        .outerjoin(Review, _own(viewer))
        .where(
            Application.call_id == call_id,
            Application.stage.in_(("received", "shortlisted", "interview")),
            Submission.id != after,
            reviewed_by(viewer),
            waits,
        )
        .order_by(case((Submission.id > after, 0), else_=1), Submission.id)
        .limit(1)
    )
