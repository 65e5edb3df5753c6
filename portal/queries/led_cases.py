"""An application as the forms of whoever leads its call need it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from portal.database import db
from portal.models import Application, Call, Submission
from portal.queries.cases import COLUMNS, NoSuchCase
from portal.queries.process import Process, find_process
from portal.queries.scope import leads, led_by
from portal.rules.policy import Viewer


@dataclass(frozen=True)
class LedCase:
    """A submission (all its columns, as ``row``) with how its application stands."""

    row: Row[*tuple[Any, ...]]
    process: Process


def is_led(viewer: Viewer, reference: str) -> bool:
    """Whether it is an application to a call that the viewer keeps, also while the viewer may only review it."""
    found = (
        select(Submission.id)
        .join(Application, Application.submission_id == Submission.id)
        .join(Call, Call.id == Application.call_id)
        .where(Submission.reference == reference, leads(viewer))
    )
    return db.session.scalar(found) is not None


def get_led_case(viewer: Viewer, reference: str) -> LedCase:
    """An application to a call that the viewer keeps.

    Raises:
        NoSuchCase: unknown, or not the viewer's to decide about.
    """
    row = db.session.execute(select(*COLUMNS).where(Submission.reference == reference, led_by(viewer))).one_or_none()
    process = find_process(row.id) if row is not None else None
    if row is None or process is None:
        raise NoSuchCase
    return LedCase(row, process)
