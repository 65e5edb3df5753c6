"""Receiving an inquiry: one commit, routed, acknowledged, repeated without harm."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.database import db
from portal.models import Attachment, Event, Letter, Submission
from portal.operations import receiving
from portal.operations.absences import record_absence
from portal.operations.inquiries import receive_inquiry
from portal.operations.receiving import AlreadySent
from portal.queries.directory import forget_directory, today
from portal.rules.references import parse_reference
from portal.rules.routing import UnknownTopic
from portal.rules.uploads import StagedFile
from tests.people import add_people, an_inquiry, receive


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_an_inquiry_is_stored_with_its_routing_receipt_and_its_letters(app: Flask) -> None:
    with app.app_context():
        received = receive(organisation="Region of Examples", country="SE")
        row = db.session.get_one(Submission, received.submission_id)
        assert parse_reference(row.reference) == row.reference
        assert (row.holder, row.routed_reason, row.status, row.edition) == ("koponen", "topic", "new", 1)
        assert row.message == "Dear colleagues,\nwe look for a region to join us."
        letters = db.session.scalars(select(Letter).order_by(Letter.id)).all()
        assert [(letter.kind, letter.recipient, letter.language, letter.status) for letter in letters] == [
            ("inquiry_received", "ada@example.org", "en", "waiting"),
            ("inquiry_assigned", "hannu.koponen@keskisuomi.fi", "fi", "waiting"),
        ]


def test_a_repeated_sending_is_answered_with_the_first_reference(app: Flask) -> None:
    command = an_inquiry()
    with app.app_context():
        first = receive_inquiry(command=command)
        again = receive_inquiry(command=command)
        assert (again.reference, again.first) == (first.reference, False)
        assert (count(Submission), count(Event), count(Letter)) == (1, 1, 2)


def test_the_same_sending_at_the_same_time_makes_one_submission(app: Flask) -> None:
    command = an_inquiry()

    def send(_number: int) -> str:
        with app.app_context():
            return receive_inquiry(command=command).reference

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(send, range(12)))) == 1
    with app.app_context():
        assert (count(Submission), count(Letter)) == (1, 2)


def test_many_at_once_all_arrive(app: Flask) -> None:
    def send(number: int) -> str:
        with app.app_context():
            return receive(subject=f"Number {number}").reference

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(send, range(60)))) == 60
    with app.app_context():
        assert (count(Submission), count(Letter)) == (60, 120)


def test_another_text_under_a_known_sending_is_not_swallowed(app: Flask) -> None:
    with app.app_context():
        first = receive(token="t" * 24)
        with pytest.raises(AlreadySent) as known:
            receive(token="t" * 24, message="Something else")
        assert known.value.reference == first.reference


def test_a_reference_that_exists_is_drawn_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        taken = receive().reference
        drawn = iter([taken, taken, "KS-2026-2222-2222"])
        monkeypatch.setattr(receiving, "new_reference", lambda *_: next(drawn))
        assert receive().reference == "KS-2026-2222-2222"


def test_an_unknown_topic_is_refused_and_nothing_is_stored(app: Flask) -> None:
    with app.app_context():
        with pytest.raises(UnknownTopic):
            receive(topic="weather")
        assert count(Submission) == 0


def test_the_deputy_gets_it_while_the_manager_is_away(app: Flask) -> None:
    people = add_people(app)
    with app.app_context():
        day = today()
        record_absence(people["koponen"], manager_key="koponen", first_day=day, last_day=day)
        row = db.session.get_one(Submission, receive().submission_id)
        assert (row.holder, row.routed_reason, row.routed_skipped) == ("pirinen", "deputy", "koponen")
        record_absence(people["pirinen"], manager_key="pirinen", first_day=day, last_day=day + timedelta(days=3))
        row = db.session.get_one(Submission, receive().submission_id)
        assert (row.holder, row.routed_reason) == ("triage", "nobody_in")


def test_triage_tells_the_coordinator_and_without_one_everybody(app: Flask) -> None:
    with app.app_context():
        receive(topic="triage")
        told = set(db.session.scalars(select(Letter.recipient).where(Letter.kind == "inquiry_assigned")))
        assert told == {manager.email for manager in app.extensions["yhteys.content"].managers}
    add_people(app)
    with app.app_context():
        forget_directory()
        received = receive(topic="triage")
        statement = select(Letter.recipient).where(
            Letter.kind == "inquiry_assigned", Letter.submission_id == received.submission_id
        )
        assert db.session.scalars(statement).all() == ["coordinator@demo.example.org"]


def test_files_are_rows_of_the_same_commit(app: Flask) -> None:
    file = StagedFile("ab/" + "c" * 30, "plan.pdf", "application/pdf", 1234, "0" * 64)
    with app.app_context():
        receive(files=(file,))
        assert db.session.scalars(select(Attachment.name)).all() == ["plan.pdf"]


def test_the_code_is_stored_as_a_hash_alone(app: Flask) -> None:
    from portal.queries.receipts import find_receipt, find_submission_of

    with app.app_context():
        received = receive()
        receipt = find_receipt(received.submission_id)
        assert receipt is not None
        row = db.session.get_one(Submission, received.submission_id)
        stored = " ".join(str(getattr(row, column.key)) for column in Submission.__table__.c)
        assert receipt.code not in stored
        assert receipt.code.replace("-", "") not in stored
        assert find_submission_of(received.reference, receipt.code) == received.submission_id
        assert find_submission_of(received.reference.lower(), receipt.code.lower().replace("-", " ")) is not None
        assert find_submission_of(received.reference, "2222-2222-2222") is None
        assert find_submission_of("KS-2026-2222-2222", receipt.code) is None
