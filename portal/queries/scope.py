"""The one filter by viewer: every read of a case and every act on one goes through it."""

from sqlalchemy import ColumnElement, and_, exists, false, not_, or_, select, true
from sqlalchemy.orm import aliased

from portal.content.schema import TRIAGE
from portal.models import Application, Call, CallReviewer, Review, Submission
from portal.rules.policy import Permission, Viewer


def visible_to(viewer: Viewer, holder: str | None = None) -> ColumnElement[bool]:
    """The submissions that a viewer may see: a coordinator all, a manager their own and triage.

    ``holder`` narrows them to one holder's. The narrowing is part of the filter, so that a planner is given one
    condition that an index answers, not two that it must weigh.
    """
    if viewer.may(Permission.SEE_ALL_CASES):
        return true() if holder is None else Submission.holder == holder
    if not viewer.may(Permission.HANDLE_CASES):
        return false()
    seen = (viewer.manager_key or TRIAGE, TRIAGE)
    if holder is None:
        return Submission.holder.in_(seen)
    return Submission.holder == holder if holder in seen else false()


def leads(viewer: Viewer) -> ColumnElement[bool]:
    """The calls that a viewer keeps: a coordinator all, a manager their own."""
    if viewer.may(Permission.LEAD_ALL_CALLS):
        return true()
    return Call.lead_id == viewer.account_id if viewer.may(Permission.LEAD_CALLS) else false()


def led_by(viewer: Viewer) -> ColumnElement[bool]:
    """The submissions to calls that a viewer keeps: theirs to decide about.

    Who reviews the call as well does so first: what is closed to a reviewer is closed to the lead in the same person.
    """
    if viewer.may(Permission.LEAD_ALL_CALLS):
        return and_(Submission.kind == "internship", not_(closed_to(viewer)))
    if not viewer.may(Permission.LEAD_CALLS):
        return false()
    to_mine = select(Application.submission_id).join(Call, Call.id == Application.call_id).where(leads(viewer))
    return and_(Submission.id.in_(to_mine), not_(closed_to(viewer)))


def reviewed_by(viewer: Viewer) -> ColumnElement[bool]:
    """The applications to calls that a viewer was asked to review; a condition on ``Application``."""
    if not viewer.may(Permission.REVIEW):
        return false()
    mine = select(CallReviewer.call_id).where(CallReviewer.account_id == viewer.account_id)
    return Application.call_id.in_(mine)


def closed_to(viewer: Viewer) -> ColumnElement[bool]:
    """The applications that a viewer reviews and must not read as a case: a condition on ``Submission``.

    They are those reviewed blind, those about which the viewer has not declared yet whether there is a conflict
    of interest, and those from which the viewer stepped aside: for good, whoever reviews the call by then. The
    review page shows what may be seen of them.
    """
    if not viewer.may(Permission.REVIEW):
        return false()
    theirs, call = aliased(Application), aliased(Call)
    cleared = exists().where(
        Review.submission_id == theirs.submission_id,
        Review.account_id == viewer.account_id,
        Review.conflict == "none",
    )
    asked = (
        select(theirs.submission_id)
        .join(call, call.id == theirs.call_id)
        .join(CallReviewer, CallReviewer.call_id == call.id)
        .where(
            theirs.submission_id == Submission.id,
            CallReviewer.account_id == viewer.account_id,
            or_(and_(call.blind, call.revealed_at.is_(None)), not_(cleared)),
        )
    )
    aside = exists().where(
        Review.submission_id == Submission.id,
        Review.account_id == viewer.account_id,
        Review.conflict == "stepped_aside",
    )
    return and_(Submission.kind == "internship", or_(asked.exists(), aside))


def readable_by(viewer: Viewer) -> ColumnElement[bool]:
    """The submissions that a viewer may open as a case and act on."""
    return and_(visible_to(viewer), not_(closed_to(viewer)))
