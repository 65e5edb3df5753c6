"""Applications leave the house: who took what, and when, is kept with the call."""

from typing import Any

from sqlalchemy import ColumnElement, exists, insert, select

from portal import clock
from portal.database import transaction
from portal.models import Application, Call, CallEvent, CallReviewer, Submission
from portal.queries.calls import NoSuchCall
from portal.queries.scope import leads
from portal.rules.policy import Viewer


class NamesHidden(Exception):
    """The call is reviewed blind, and whoever asks is one of its reviewers."""


def note_export(viewer: Viewer, *, slug: str, what: dict[str, Any]) -> None:
    """Note that the applications of a call are being taken out; ``what`` says in which form, in plain JSON.

    Raises:
        NoSuchCall: unknown, or not the viewer's to keep.
        NamesHidden: the viewer reviews the call, and names are not revealed yet.
    """
    _note(viewer, Call.slug == slug, "exported", what)


def note_dossier(viewer: Viewer, *, reference: str, what: dict[str, Any]) -> None:
    """Note that one application is being printed.

    Raises:
        NoSuchCall, NamesHidden: as for ``note_export``.
    """
    its_call = (
        select(Application.call_id)
        .join(Submission, Submission.id == Application.submission_id)
        .where(Submission.reference == reference)
    )
    _note(viewer, Call.id.in_(its_call), "dossier", {"reference": reference, **what})


def _note(viewer: Viewer, which: ColumnElement[bool], kind: str, what: dict[str, Any]) -> None:
    reviews = exists().where(CallReviewer.call_id == Call.id, CallReviewer.account_id == viewer.account_id)
    with transaction() as connection:
        call = connection.execute(
            select(Call.id, Call.blind, Call.revealed_at, reviews.label("reviews")).where(which, leads(viewer))
        ).one_or_none()
        if call is None:
            raise NoSuchCall
        if call.blind and call.revealed_at is None and call.reviews:
            raise NamesHidden
        connection.execute(
            insert(CallEvent).values(
                call_id=call.id,
                kind=kind,
                at=clock.now(),
                account_id=viewer.account_id,
                actor=viewer.name,
                data=what,
            )
        )
