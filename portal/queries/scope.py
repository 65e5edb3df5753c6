"""The one filter by viewer: every read of a case and every act on one goes through it."""

from sqlalchemy import ColumnElement, false, true

from portal.content.schema import TRIAGE
from portal.models import Submission
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
