"""What a letter is written from."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, select

from portal.database import db
from portal.models import Application, Attachment, Call, Draft, Event, Letter, Submission


def list_letter_material(letter_ids: Sequence[int]) -> Sequence[Row[*tuple[Any, ...]]]:
    """Letters with what they are about, oldest letter first.

    Rows of ``Letter, Submission, Event, Application, Call, Draft``; those that a letter is not about are ``None``.
    """
    call_id = func.coalesce(Letter.call_id, Application.call_id, Draft.call_id)
    return db.session.execute(
        select(Letter, Submission, Event, Application, Call, Draft)
        .outerjoin(Submission, Submission.id == Letter.submission_id)
        .outerjoin(Event, Event.id == Letter.event_id)
        .outerjoin(Application, Application.submission_id == Letter.submission_id)
        .outerjoin(Draft, Draft.id == Letter.draft_id)
        .outerjoin(Call, Call.id == call_id)
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


def list_named_files(submission_id: int) -> list[tuple[str, str]]:
    """The files of an application as pairs of what each is and its name, in the order they came."""
    rows = db.session.execute(
        select(Attachment.purpose, Attachment.name)
        .where(Attachment.submission_id == submission_id)
        .order_by(Attachment.id)
    )
    return [(row.purpose, row.name) for row in rows]
