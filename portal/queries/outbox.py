"""What a letter is written from."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from portal.database import db
from portal.models import Attachment, Event, Letter, Submission


def list_letter_material(letter_ids: Sequence[int]) -> Sequence[Row[*tuple[Any, ...]]]:
    """Letters with their case and event, oldest letter first: rows of ``Letter, Submission, Event``."""
    return db.session.execute(
        select(Letter, Submission, Event)
        .join(Submission, Submission.id == Letter.submission_id)
        .join(Event, Event.id == Letter.event_id)
        .where(Letter.id.in_(letter_ids))
        .order_by(Letter.id)
        .execution_options(populate_existing=True)
    ).all()


def list_file_names(submission_id: int) -> tuple[str, ...]:
    """Names of the files of a case, in the order they came."""
    return tuple(
        db.session.scalars(
            select(Attachment.name).where(Attachment.submission_id == submission_id).order_by(Attachment.id)
        )
    )
