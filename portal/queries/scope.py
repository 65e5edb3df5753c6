"""The one filter by viewer: every read of a case and every act on one goes through it."""

from sqlalchemy import ColumnElement, false, select, true

from portal.content.schema import TRIAGE
from portal.models import Application, Call, CallReviewer, Submission
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
    """The submissions to calls that a viewer keeps: theirs to decide about."""
    if viewer.may(Permission.LEAD_ALL_CALLS):
        return Submission.kind == "internship"
    if not viewer.may(Permission.LEAD_CALLS):
        return false()
    to_mine = select(Application.submission_id).join(Call, Call.id == Application.call_id).where(leads(viewer))
    return Submission.id.in_(to_mine)


def reviewed_by(viewer: Viewer) -> ColumnElement[bool]:
    """The applications to calls that a viewer was asked to review; a condition on ``Application``."""
    if not viewer.may(Permission.REVIEW):
        return false()
    mine = select(CallReviewer.call_id).where(CallReviewer.account_id == viewer.account_id)
    return Application.call_id.in_(mine)
