"""One application, for whoever decides about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from portal.database import db
from portal.models import Account, Application, Attachment, CallReviewer, Submission
from portal.queries.arrival import arrival_number
from portal.queries.cases import COLUMNS, FileLine, NoSuchCase, UnderReview
from portal.queries.process import Process, find_process
from portal.queries.reviews import ReviewLine, list_files, list_reviews, visible_reviews
from portal.queries.scope import closed_to, led_by, visible_to
from portal.rules.policy import Viewer


@dataclass(frozen=True)
class Standing:
    """How far one of the reviewers is; ``review`` is there when it is finished and the viewer may read it."""

    name: str
    state: str
    review: ReviewLine | None


@dataclass(frozen=True)
class LedApplication:
    """An application with everything about it. ``row`` has all columns of its submission, and ``number``.

    ``is_case`` says whether the viewer may also open it as a case. ``related`` are other applications to the same
    call by the same e-mail address: rows of ``id, reference, received_at, stage``.
    """

    row: Row[*tuple[Any, ...]]
    process: Process
    files: Sequence[FileLine]
    reviews: Sequence[ReviewLine]
    standings: Sequence[Standing]
    related: Sequence[Row[*tuple[Any, ...]]]
    waits_for_viewer: bool


def get_led_application(viewer: Viewer, reference: str) -> LedApplication:
    """An application to a call that the viewer keeps; a constant number of statements.

    Raises:
        NoSuchCase: unknown, or not the viewer's to decide about.
        UnderReview: the viewer reviews the call, too, and may see it as its reviewer alone for now.
    """
    row = db.session.execute(
        select(*COLUMNS, arrival_number(), visible_to(viewer).label("is_case"))
        .join(Application, Application.submission_id == Submission.id)
        .where(Submission.reference == reference, led_by(viewer))
    ).one_or_none()
    if row is None:
        raise UnderReview if is_closed_to(viewer, reference) else NoSuchCase
    process = find_process(row.id)
    assert process is not None
    reviewers = _list_reviewers(process.call.id)
    written = list_reviews([row.id])
    asked = any(account_id == viewer.account_id for account_id, _name in reviewers)
    shown = visible_reviews(written, viewer, reviews_call=asked)
    return LedApplication(
        row=row,
        process=process,
        files=list_files(row.id),
        reviews=shown,
        standings=_standings(reviewers, written, shown),
        related=_list_related(row.id),
        waits_for_viewer=asked and not shown,
    )


def is_closed_to(viewer: Viewer, reference: str) -> bool:
    """Whether it is an application that the viewer may see as its reviewer alone."""
    return (
        db.session.scalar(select(Submission.id).where(Submission.reference == reference, closed_to(viewer))) is not None
    )


def find_led_file(viewer: Viewer, reference: str, file_id: int) -> Attachment | None:
    """A file of an application that the viewer decides about."""
    return db.session.scalar(
        select(Attachment)
        .join(Submission, Submission.id == Attachment.submission_id)
        .where(Attachment.id == file_id, Submission.reference == reference, led_by(viewer))
    )


def _list_reviewers(call_id: int) -> list[tuple[int, str]]:
    rows = db.session.execute(
        select(Account.id, Account.name)
        .join(CallReviewer, CallReviewer.account_id == Account.id)
        .where(CallReviewer.call_id == call_id)
        .order_by(Account.name, Account.id)
    )
    return [(row.id, row.name) for row in rows]


def _standings(reviewers: list[tuple[int, str]], written: list[ReviewLine], shown: list[ReviewLine]) -> list[Standing]:
    """Everybody who was asked, then those who finished and are asked no more."""
    by_account = {review.account_id: review for review in written}
    readable = {review.account_id: review for review in shown}
    people = dict(reviewers)
    people |= {r.account_id: r.reviewer for r in written if r.finished_at and r.account_id not in people}
    return [
        Standing(name, _state(by_account.get(account_id)), readable.get(account_id))
        for account_id, name in people.items()
    ]


def _state(review: ReviewLine | None) -> str:
    if review is None:
        return "not_begun"
    if review.conflict == "stepped_aside":
        return "stepped_aside"
    return "done" if review.finished_at else "declared"


def _list_related(submission_id: int) -> Sequence[Row[*tuple[Any, ...]]]:
    own = (
        select(Application.call_id, Application.email_key).where(Application.submission_id == submission_id).subquery()
    )
    return db.session.execute(
        select(Submission.id, Submission.reference, Submission.received_at, Application.stage)
        .join(Application, Application.submission_id == Submission.id)
        .join(own, (own.c.call_id == Application.call_id) & (own.c.email_key == Application.email_key))
        .where(Application.submission_id != submission_id)
        .order_by(Submission.id)
    ).all()
