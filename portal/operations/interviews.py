"""Inviting an applicant to an interview with proposed times, of which the applicant picks one."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from sqlalchemy import Row, insert, select, update
from sqlalchemy.engine import Connection

from portal import clock, settings
from portal.models import Application, Event, Interview
from portal.operations.applications import set_stage
from portal.operations.corrections import NotInReview, RequestStands, TooLate
from portal.operations.door import CaseRow, Change, Letters, SeenCase, act_as_sender, act_on_case, sender_of
from portal.operations.telling import told_about
from portal.queries.process import find_process
from portal.queries.scope import led_by
from portal.rules.applications import IN_REVIEW, Stage
from portal.rules.interviews import check_invitation
from portal.rules.policy import Viewer


class NoInvitation(Exception):
    """No invitation stands: it was cancelled, or there never was one."""


class NotOffered(ValueError):
    """The time is not among the proposed ones."""


class _ChosenAlready(Exception):
    """The same time was chosen before: nothing is left to do."""


def invite_to_interview(
    viewer: Viewer,
    *,
    case: SeenCase,
    slots: Sequence[datetime],
    minutes: int,
    place: str,
    message: str,
    reply_by: datetime,
) -> None:
    """Propose times for an interview; the application's stage is then ``interview``.

    Args:
        viewer: the lead.
        case: as it was seen.
        slots: one to eight aware moments in the future.
        minutes: how long it takes.
        place: an address or a link.
        message: words to the applicant; may be empty.
        reply_by: until when the applicant can choose, before the first of the times.

    Raises:
        ValueError: slots, minutes or ``reply_by`` are not as said above.
        NoSuchCase, CaseChanged, NotPossible.
        NotInReview: the review is over.
        RequestStands: an invitation stands; cancel it first.
    """
    proposed = sorted(set(slots))
    check_invitation(proposed, minutes, reply_by, clock.now())
    as_texts = [slot.isoformat() for slot in proposed]
    data = {"slots": as_texts, "minutes": minutes, "place": place, "reply_by": reply_by.isoformat()}

    def also(connection: Connection, row: CaseRow) -> None:
        _stage_in_review(connection, row.id)
        if _standing(connection, row.id) is not None:
            raise RequestStands
        connection.execute(
            insert(Interview).values(
                submission_id=row.id,
                uid=f"{uuid4().hex}@{_domain()}",
                slots=as_texts,
                minutes=minutes,
                place=place,
                message=message,
                invited_at=clock.now(),
                invited_by=viewer.account_id,
                reply_by=reply_by,
            )
        )
        set_stage(connection, row.id, "interview")

    change = Change(
        "ask",
        "interview_invited",
        body=message or None,
        data=data,
        letters=lambda row: [("interview_invited", sender_of(row))],
        also=also,
    )
    act_on_case(viewer, case, change, within=led_by(viewer))


def cancel_interview(viewer: Viewer, *, case: SeenCase, message: str = "") -> None:
    """Take the invitation back, chosen time or not; the applicant is told, and the stage is as it was before.

    Raises:
        NoSuchCase, CaseChanged; NoInvitation when none stands; NotInReview.
    """

    def also(connection: Connection, row: CaseRow) -> None:
        stage = _stage_in_review(connection, row.id)
        interview = _standing(connection, row.id)
        if interview is None:
            raise NoInvitation
        connection.execute(update(Interview).where(Interview.id == interview.id).values(cancelled_at=clock.now()))
        if stage == "interview":
            set_stage(connection, row.id, _stage_before(connection, row.id))

    change = Change(
        "respond",  # it is the house's turn again
        "interview_cancelled",
        body=message or None,
        letters=lambda row: [("interview_cancelled", sender_of(row))],
        also=also,
    )
    act_on_case(viewer, case, change, within=led_by(viewer))


def choose_slot(*, submission_id: int, slot: datetime) -> None:
    """Choose one of the proposed times, or another one instead, until ``reply_by``; both sides get a letter.

    Choosing the same time again does nothing, so that a double click is harmless.

    Raises:
        NoSuchCase: it is gone.
        NoInvitation: none stands, or the review is over.
        NotOffered: it is not one of the times.
        TooLate: ``reply_by`` has passed.
    """
    process = find_process(submission_id)
    offered = process.interview if process is not None else None
    if offered is None:
        raise NoInvitation
    offered_id = offered.id

    def also(connection: Connection, row: CaseRow) -> None:
        now = clock.now()
        stage = connection.scalar(select(Application.stage).where(Application.submission_id == row.id))
        interview = _standing(connection, row.id)
        if interview is None or interview.id != offered_id or stage not in IN_REVIEW:
            raise NoInvitation
        if slot not in map(datetime.fromisoformat, interview.slots):
            raise NotOffered
        if interview.chosen_slot == slot:
            raise _ChosenAlready
        if now > interview.reply_by:
            raise TooLate
        connection.execute(
            update(Interview).where(Interview.id == interview.id).values(chosen_slot=slot, chosen_at=now)
        )

    def letters(row: CaseRow) -> Letters:
        return [
            ("interview_confirmed", sender_of(row)),
            *told_about(row),
        ]

    data = {"slot": slot.isoformat(), "minutes": offered.minutes, "place": offered.place}
    change = Change("respond", "interview_chosen", data=data, letters=letters, also=also)
    try:
        act_as_sender(submission_id, secrets.token_urlsafe(18), change)
    except _ChosenAlready:
        return


def _stage_in_review(connection: Connection, submission_id: int) -> Stage:
    stage: Stage | None = connection.scalar(select(Application.stage).where(Application.submission_id == submission_id))
    if stage not in IN_REVIEW:
        raise NotInReview
    return stage


def _standing(connection: Connection, submission_id: int) -> Row[*tuple[Any, ...]] | None:
    return connection.execute(
        select(*Interview.__table__.c).where(Interview.submission_id == submission_id, Interview.cancelled_at.is_(None))
    ).one_or_none()


def _stage_before(connection: Connection, submission_id: int) -> Stage:
    """Where the review stood without the interview: on the short list, if somebody put it there last."""
    last = connection.scalar(
        select(Event.kind)
        .where(Event.submission_id == submission_id, Event.kind.in_(("shortlisted", "unshortlisted")))
        .order_by(Event.id.desc())
        .limit(1)
    )
    return "shortlisted" if last == "shortlisted" else "received"


def _domain() -> str:
    return urlsplit(settings.current().public_url).hostname or "localhost"
