"""How an application stands beyond its case: corrections, interviews, decisions, and what its call says.

Whoever calls has checked by the one filter that the submission is theirs to see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import select

from portal.database import db
from portal.models import Application, Correction, Decision, Interview
from portal.queries.calls import StoredCall, find_call_by_id
from portal.rules.applications import Answers, Stage

_Row = TypeVar("_Row", Correction, Interview, Decision)


@dataclass(frozen=True)
class Process:
    """An application with everything on its way, oldest first. Decisions that were not applied are the house's own."""

    submission_id: int
    call: StoredCall
    stage: Stage
    answers: Answers
    late: bool
    replaces_id: int | None
    documents_due_at: datetime | None
    corrections: Sequence[Correction]
    interviews: Sequence[Interview]
    decisions: Sequence[Decision]

    @property
    def correction(self) -> Correction | None:
        """The correction that the applicant is asked for now."""
        return next((row for row in self.corrections if not row.answered_at and not row.cancelled_at), None)

    @property
    def interview(self) -> Interview | None:
        """The invitation that stands."""
        return next((row for row in self.interviews if not row.cancelled_at), None)

    @property
    def decision(self) -> Decision | None:
        """The last decision that reached the applicant."""
        return next((row for row in reversed(self.decisions) if row.applied_at), None)

    @property
    def pending(self) -> Decision | None:
        """The decision that is prepared, or released and still in its undo window."""
        return next((row for row in self.decisions if not row.applied_at), None)


def find_process(submission_id: int) -> Process | None:
    """The application of a submission; ``None`` for an inquiry. A constant number of statements."""
    row = db.session.execute(
        select(Application).where(Application.submission_id == submission_id).execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if row is None:
        return None
    call = find_call_by_id(row.call_id)
    assert call is not None
    return Process(
        submission_id=submission_id,
        call=call,
        stage=row.stage,
        answers=Answers.from_data(row.answers),
        late=row.late,
        replaces_id=row.replaces_id,
        documents_due_at=row.documents_due_at,
        corrections=_all_of(Correction, submission_id),
        interviews=_all_of(Interview, submission_id),
        decisions=_all_of(Decision, submission_id),
    )


def _all_of(model: type[_Row], submission_id: int) -> Sequence[_Row]:
    return db.session.scalars(
        select(model)
        .where(model.submission_id == submission_id)
        .order_by(model.id)
        .execution_options(populate_existing=True)
    ).all()
