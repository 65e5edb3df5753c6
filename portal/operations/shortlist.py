"""The short list: a person puts an application on it or takes it off, and may say why. Nothing does so by itself."""

from sqlalchemy import select
from sqlalchemy.engine import Connection

from portal.models import Application
from portal.models.submissions import EventKind
from portal.operations.applications import set_stage
from portal.operations.door import CaseRow, Change, SeenCase, act_on_case
from portal.queries.scope import led_by
from portal.rules.applications import Stage
from portal.rules.policy import Viewer


class WrongStage(Exception):
    """The application is not where the act begins, for instance withdrawn meanwhile."""


def shortlist_application(viewer: Viewer, *, case: SeenCase, reason: str = "") -> None:
    """Put an application on the short list.

    Raises:
        NoSuchCase: unknown, or not the viewer's to decide about.
        CaseChanged, WrongStage.
    """
    _move(viewer, case, reason, "shortlisted", before="received", after="shortlisted")


def unshortlist_application(viewer: Viewer, *, case: SeenCase, reason: str = "") -> None:
    """Take an application off the short list.

    Raises:
        NoSuchCase: unknown, or not the viewer's to decide about.
        CaseChanged, WrongStage.
    """
    _move(viewer, case, reason, "unshortlisted", before="shortlisted", after="received")


def _move(viewer: Viewer, case: SeenCase, reason: str, event: EventKind, *, before: Stage, after: Stage) -> None:
    def also(connection: Connection, row: CaseRow) -> None:
        stage = connection.scalar(select(Application.stage).where(Application.submission_id == row.id))
        if stage != before:
            raise WrongStage
        set_stage(connection, row.id, after)

    act_on_case(viewer, case, Change("assess", event, body=reason or None, also=also), within=led_by(viewer))
