"""Interviews: times are proposed, one is chosen, changed or cancelled; the calendar file says so."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
import time_machine
from flask import Flask
from sqlalchemy import insert, select

from portal import clock
from portal.database import db, transaction
from portal.gateways.interview_calendar import Appointment, write_appointment
from portal.models import Application, Event, Interview, Letter, Submission
from portal.operations.applications import set_stage
from portal.operations.corrections import NotInReview, RequestStands, TooLate
from portal.operations.door import CaseChanged
from portal.operations.interviews import (
    NoInvitation,
    NotOffered,
    cancel_interview,
    choose_slot,
    invite_to_interview,
)
from portal.operations.receiving import Received
from portal.queries.cases import NoSuchCase, get_sender_case
from portal.queries.process import find_process
from portal.rules.interviews import check_invitation, end_of_day, local_moment
from portal.rules.policy import Viewer
from tests.internships import apply, make_call
from tests.people import add_people
from tests.talks import invite, seen, slots

HELSINKI = ZoneInfo("Europe/Helsinki")


@pytest.fixture
def people(app: Flask) -> dict[str, Viewer]:
    return add_people(app)


@pytest.fixture
def received(app: Flask, people: dict[str, Viewer]) -> Received:
    with app.app_context():
        return apply(make_call(people["koponen"].account_id))


def stage(received: Received) -> str:
    db.session.rollback()
    found = db.session.scalar(select(Application.stage).where(Application.submission_id == received.submission_id))
    assert found is not None
    return found


def standing(received: Received) -> Interview:
    db.session.rollback()
    process = find_process(received.submission_id)
    assert process is not None
    assert process.interview is not None
    return process.interview


def letters(kind: str) -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Letter.recipient).where(Letter.kind == kind)))


def count(kind: str) -> int:
    db.session.rollback()
    return len(db.session.scalars(select(Event.id).where(Event.kind == kind)).all())


def move_to(received: Received, where: Any) -> None:
    with transaction() as connection:
        set_stage(connection, received.submission_id, where)


def test_an_invitation_is_sent_and_a_time_chosen_once(
    app: Flask, people: dict[str, Viewer], received: Received
) -> None:
    with app.app_context():
        proposed = invite(people["koponen"], received)
        assert stage(received) == "interview"
        assert letters("interview_invited") == ["noor@example.org"]
        for _ in range(2):
            choose_slot(submission_id=received.submission_id, slot=proposed[1])
        assert standing(received).chosen_slot == proposed[1]
        assert count("interview_chosen") == 1
        assert letters("interview_confirmed") == ["noor@example.org"]
        assert len(letters("application_updated")) == 1
        status = db.session.scalar(select(Submission.status))
        assert status == "in_progress"


def test_a_mind_can_be_changed_until_the_deadline_and_not_after(
    app: Flask, people: dict[str, Viewer], received: Received
) -> None:
    with app.app_context():
        proposed = invite(people["koponen"], received)
        for number in (0, 1, 0):
            choose_slot(submission_id=received.submission_id, slot=proposed[number])
        assert standing(received).chosen_slot == proposed[0]
        assert count("interview_chosen") == 3
        with time_machine.travel(clock.now() + timedelta(days=3, minutes=1)):
            with pytest.raises(TooLate):
                choose_slot(submission_id=received.submission_id, slot=proposed[1])
            choose_slot(submission_id=received.submission_id, slot=proposed[0])
        assert standing(received).chosen_slot == proposed[0]
        assert count("interview_chosen") == 3


def test_only_offered_times_of_a_standing_invitation_are_taken(
    app: Flask, people: dict[str, Viewer], received: Received
) -> None:
    with app.app_context():
        with pytest.raises(NoInvitation):
            choose_slot(submission_id=received.submission_id, slot=slots(5)[0])
        proposed = invite(people["koponen"], received)
        with pytest.raises(NotOffered):
            choose_slot(submission_id=received.submission_id, slot=proposed[0] + timedelta(minutes=1))
        move_to(received, "declined")
        with pytest.raises(NoInvitation):
            choose_slot(submission_id=received.submission_id, slot=proposed[0])
        assert standing(received).chosen_slot is None


def test_only_the_lead_invites_and_one_invitation_stands(
    app: Flask, people: dict[str, Viewer], received: Received
) -> None:
    with app.app_context():
        before = seen(received)
        with pytest.raises(NoSuchCase):
            invite(people["pirinen"], received)
        invite(people["coordinator"], received)
        with pytest.raises(RequestStands):
            invite(people["koponen"], received)
        with pytest.raises(CaseChanged):
            cancel_interview(people["koponen"], case=before)
        assert count("interview_invited") == 1
        move_to(received, "declined")
        with pytest.raises(NotInReview):
            cancel_interview(people["koponen"], case=seen(received))


def test_a_cancelled_interview_leaves_the_stage_as_it_was(
    app: Flask, people: dict[str, Viewer], received: Received
) -> None:
    with app.app_context():
        with pytest.raises(NoInvitation):
            cancel_interview(people["koponen"], case=seen(received))
        proposed = invite(people["koponen"], received)
        choose_slot(submission_id=received.submission_id, slot=proposed[0])
        cancel_interview(people["koponen"], case=seen(received), message="I am ill.")
        assert stage(received) == "received"
        assert letters("interview_cancelled") == ["noor@example.org"]
        with pytest.raises(NoInvitation):
            choose_slot(submission_id=received.submission_id, slot=proposed[0])
        with transaction() as connection:
            connection.execute(
                insert(Event).values(
                    submission_id=received.submission_id, kind="shortlisted", at=clock.now(), actor="x", data={}
                )
            )
        move_to(received, "shortlisted")
        invite(people["koponen"], received)
        cancel_interview(people["koponen"], case=seen(received))
        assert stage(received) == "shortlisted"
        kinds = [entry.kind for entry in get_sender_case(received.submission_id).entries]
        assert "shortlisted" not in kinds
        assert kinds.count("interview_cancelled") == 2


def test_letters_say_the_times_as_clocks_in_finland_show_them(
    app: Flask, people: dict[str, Viewer], received: Received, outbox: Any
) -> None:
    start = datetime.combine(date(2027, 1, 14), time(9, 30), tzinfo=HELSINKI).astimezone(UTC)
    with app.app_context(), time_machine.travel(datetime(2027, 1, 4, 10, tzinfo=UTC)):
        invite_to_interview(
            people["koponen"],
            case=seen(received),
            slots=[start, start + timedelta(hours=1)],
            minutes=45,
            place="https://meet.example.org/noor",
            message="Please bring questions.",
            reply_by=end_of_day(date(2027, 1, 8), HELSINKI),
        )
        choose_slot(submission_id=received.submission_id, slot=start)
        cancel_interview(people["koponen"], case=seen(received), message="The line is down.")
    with time_machine.travel(datetime(2027, 1, 4, 11, tzinfo=UTC)):
        mail = {
            str(message["Subject"]): " ".join(message.get_content().split())
            for message in outbox.deliver()
            if "noor@example.org" in str(message["To"])
        }
    [invited] = [body for subject, body in mail.items() if "Choose a time" in subject]
    for words in ("14 January 2027 at 09:30", "14 January 2027 at 10:30", "by 8 January 2027 at 23:59, Helsinki time"):
        assert words in invited
    assert "45 minutes" in invited
    assert "Please bring questions." in invited
    assert "/en/track?reference=" in invited
    [confirmed] = [body for subject, body in mail.items() if "Your interview on 14 January 2027 at 09:30" in subject]
    assert "https://meet.example.org/noor" in confirmed
    assert "calendar" in confirmed
    [cancelled] = [body for subject, body in mail.items() if "cancelled" in subject]
    assert "The line is down." in cancelled


# ---------------------------------------------------------------------------------------------------------- rules


def test_an_invitation_that_cannot_be_kept_is_refused() -> None:
    now = datetime(2027, 1, 4, 10, tzinfo=UTC)
    first, reply_by = now + timedelta(days=4), now + timedelta(days=2)
    check_invitation([first], 30, reply_by, now)
    for proposed, minutes, deadline in (
        ([], 30, reply_by),
        ([first + timedelta(hours=hour) for hour in range(9)], 30, reply_by),
        ([first, now], 30, reply_by),
        ([first], 4, reply_by),
        ([first], 481, reply_by),
        ([first], 30, now),
        ([first], 30, first),
    ):
        with pytest.raises(ValueError, match=r".+"):
            check_invitation(proposed, minutes, deadline, now)


def test_local_times_are_those_that_clocks_show() -> None:
    assert local_moment(date(2027, 1, 14), time(9, 0), HELSINKI) == datetime(2027, 1, 14, 7, 0, tzinfo=UTC)
    assert local_moment(date(2027, 7, 14), time(9, 0), HELSINKI) == datetime(2027, 7, 14, 6, 0, tzinfo=UTC)
    assert local_moment(date(2027, 3, 28), time(3, 30), HELSINKI) is None, "the clocks leap from 3 to 4"
    assert local_moment(date(2027, 10, 31), time(3, 30), HELSINKI) == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert end_of_day(date(2027, 1, 14), HELSINKI) == datetime(2027, 1, 14, 21, 59, 59, tzinfo=UTC)


def test_the_calendar_file_is_in_utc_with_a_name_that_stays_and_a_sequence_that_grows() -> None:
    asked = datetime(2027, 1, 4, 10, tzinfo=UTC)
    start = datetime(2027, 1, 14, 9, 30, tzinfo=HELSINKI)

    def event(changed: datetime, *, cancelled: bool = False) -> tuple[Any, Any]:
        written = write_appointment(
            Appointment(
                uid="abc@portal.example.org",
                start=start,
                minutes=45,
                summary="Interview: Äänekoski; lakes, and forests",
                description="Application KS-2027-2222-2222",
                place="Sepänkatu 4,\nJyväskylä",
                asked_at=asked,
                changed_at=changed,
                cancelled=cancelled,
            )
        )
        assert all(len(line) <= 75 for line in written.split(b"\r\n"))
        calendar = icalendar.Calendar.from_ical(written)
        [found] = calendar.walk("VEVENT")
        return calendar, found

    calendar, first = event(asked + timedelta(minutes=5))
    assert calendar["METHOD"] == "PUBLISH"
    assert first["DTSTART"].to_ical() == b"20270114T073000Z"
    assert first["DTEND"].to_ical() == b"20270114T081500Z"
    assert first["SUMMARY"] == "Interview: Äänekoski; lakes, and forests"
    assert first["LOCATION"] == "Sepänkatu 4, Jyväskylä"
    _calendar, second = event(asked + timedelta(minutes=6))
    calendar, last = event(asked + timedelta(days=1), cancelled=True)
    assert first["UID"] == second["UID"] == last["UID"]
    assert first["SEQUENCE"] < second["SEQUENCE"] < last["SEQUENCE"]
    assert (calendar["METHOD"], last["STATUS"]) == ("CANCEL", "CANCELLED")
