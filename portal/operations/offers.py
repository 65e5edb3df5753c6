"""What an applicant does with an offer, what the clock does with one that nobody answered, and leaving."""

from typing import Any

import structlog
from sqlalchemy import Row, Select, select, text, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from portal import clock
from portal.database import db, transaction
from portal.models import Application, Decision, Submission
from portal.models.applications import WAITS
from portal.operations.applications import close_requests, set_stage
from portal.operations.door import Change, Letters, act_as_sender, sender_of, write_change
from portal.operations.reserves import end_decisions, free_place
from portal.operations.telling import told_about
from portal.queries.cases import COLUMNS, NoSuchCase
from portal.queries.directory import get_directory
from portal.queries.process import find_process
from portal.rules.applications import WITHDRAWABLE, Stage

log = structlog.get_logger()

CLOCK = "–"
"""Who did what a deadline did."""


class OfferNotOpen(Exception):
    """There is no offer to answer: it was answered, its deadline has passed, or there never was one."""


class AlreadyEnded(Exception):
    """The application has come to its end, so it cannot be withdrawn."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.stage: Stage = stage


def answer_offer(*, submission_id: int, token: str, accepted: bool) -> None:
    """Accept or decline the open offer; nobody is asked why. A repeated answer is done once.

    Accepting is confirmed to the applicant; either way holder and lead are told. When it is declined, its place is
    free (``free_place``).

    Raises:
        NoSuchCase: it is gone.
        OfferNotOpen: there is nothing to answer (any more).
    """

    def also(connection: Connection, row: Row[*tuple[Any, ...]]) -> None:
        now = clock.now()
        answered = connection.execute(
            update(Decision)
            .where(*_open_offer(row.id), Decision.reply_by >= now)
            .values(answer="accepted" if accepted else "declined", answered_at=now)
        )
        if answered.rowcount != 1:
            raise OfferNotOpen
        set_stage(connection, row.id, "accepted" if accepted else "offer_declined")
        if not accepted:
            free_place(connection, row.id, now)

    def letters(row: Row[*tuple[Any, ...]]) -> Letters:
        confirmation: Letters = [("offer_confirmed", sender_of(row))] if accepted else []
        return [*confirmation, *told_about(row)]

    event = Change("settle", "offer_accepted" if accepted else "offer_declined", letters=letters, also=also)
    act_as_sender(submission_id, token, event)


def withdraw_application(*, submission_id: int, token: str) -> None:
    """The applicant leaves, and is asked nothing. What is prepared is dropped; an open offer counts as declined.

    A place that was offered or accepted is free. It is confirmed to the applicant, with what happens to the data;
    holder and lead are told.

    Raises:
        NoSuchCase: it is gone, or no application.
        AlreadyEnded: it was withdrawn, replaced or declined before.
    """
    process = find_process(submission_id)
    if process is None:
        raise NoSuchCase

    def also(connection: Connection, row: Row[*tuple[Any, ...]]) -> None:
        stage = connection.scalars(select(Application.stage).where(Application.submission_id == row.id)).one()
        if stage not in WITHDRAWABLE:
            raise AlreadyEnded(stage)
        now = clock.now()
        set_stage(connection, row.id, "withdrawn")
        close_requests(connection, row.id, now)
        end_decisions(connection, row.id, now)
        if stage == "accepted":
            free_place(connection, row.id, now)

    act_as_sender(
        submission_id,
        token,
        Change(
            "settle",
            "withdrawn",
            data={"retention_months": process.call.retention_months},
            letters=lambda row: [("application_withdrawn", sender_of(row)), *told_about(row)],
            also=also,
        ),
    )


def lapse_offers(*, limit: int = 50) -> int:
    """End the offers whose deadline passed without an answer, each by itself; returns how many were.

    The applicant is told, its place is free, and the lead is told. Writes nothing when nothing is due.
    """
    due = db.session.execute(overdue_offers().order_by(Decision.reply_by, Decision.id).limit(limit)).all()
    db.session.commit()
    lapsed = 0
    for row in due:
        try:
            lapsed += _lapse(row.id, row.submission_id)
        except OperationalError:  # the database is away: the others would fare no better
            raise
        except Exception:
            db.session.rollback()
            log.exception("offer_not_lapsed", decision=row.id)
    return lapsed


def overdue_offers() -> Select[*tuple[Any, ...]]:
    """The offers whose deadline has passed unanswered, each with its submission's id."""
    return select(Decision.id, Decision.submission_id).where(*_open_offer(), Decision.reply_by < clock.now())


def _lapse(decision_id: int, submission_id: int) -> bool:
    get_directory()
    with transaction() as connection:
        row = connection.execute(select(*COLUMNS).where(Submission.id == submission_id).with_for_update()).one()
        now = clock.now()
        reply_by = connection.scalar(
            update(Decision)
            .where(*_open_offer(submission_id), Decision.id == decision_id, Decision.reply_by < now)
            .values(answer="lapsed", answered_at=now)
            .returning(Decision.reply_by)
        )
        if reply_by is None:  # answered a moment before, or another worker was faster
            return False

        def also(connection: Connection, row: Row[*tuple[Any, ...]]) -> None:
            set_stage(connection, row.id, "offer_lapsed")
            free_place(connection, row.id, now)

        change = Change(
            "settle",
            "offer_lapsed",
            data={"reply_by": reply_by.isoformat()},
            letters=lambda row: [("offer_lapsed", sender_of(row))],
            also=also,
        )
        write_change(connection, row, change, actor=CLOCK, account_id=None, token=None, at=now)
    return True


def _open_offer(submission_id: int | None = None) -> list[Any]:
    """The condition of an offer that waits for its applicant."""
    waits: list[Any] = [text(WAITS)]
    return waits if submission_id is None else [Decision.submission_id == submission_id, *waits]
