"""Receiving internship applications."""

from flask import Flask
from sqlalchemy import select

from portal.database import db
from portal.models import Application, Letter, Submission
from portal.operations.absences import record_absence
from portal.queries.directory import today
from tests.conftest import Outbox
from tests.internships import a_document, apply, make_call
from tests.people import add_people


def test_an_application_is_stored_routed_and_acknowledged(app: Flask, outbox: Outbox) -> None:
    people = add_people(app)
    with app.app_context():
        call = make_call(people["koponen"].account_id)
        received = apply(call)
        row = db.session.execute(
            select(Submission, Application).join(Application, Application.submission_id == Submission.id)
        ).one()
        assert (row.Submission.kind, row.Submission.topic, row.Submission.routed_reason) == (
            "internship",
            "errin",
            "topic",
        )
        assert row.Application.call_id == call.id
        assert row.Application.documents_due_at is not None, "the CV has not come yet"
        assert db.session.scalars(select(Letter.kind).order_by(Letter.id)).all() == [
            "application_received",
            "application_assigned",
        ]
        db.session.rollback()
    receipt, notice = outbox.deliver()
    assert received.reference in receipt["Subject"]
    assert "Intern for bioeconomy networks (en)" in receipt.get_content()
    assert "Noor" not in notice.get_content() + notice["Subject"]


def routed(app: Flask) -> tuple[str, str, str]:
    columns = (Submission.topic, Submission.holder, Submission.routed_reason)
    row = db.session.execute(select(*columns).order_by(Submission.id.desc()).limit(1)).one()
    db.session.rollback()
    return tuple(row)


def test_the_applicants_topic_comes_first_then_the_calls_then_triage(app: Flask) -> None:
    people = add_people(app)
    with app.app_context():
        lead = people["koponen"].account_id
        apply(make_call(lead), topic="tci")
        assert routed(app) == ("tci", "pirinen", "topic")
        apply(make_call(lead), topic="")
        assert routed(app) == ("errin", "koponen", "topic")
        apply(make_call(lead, document=a_document(topics=())), topic="")
        assert routed(app) == ("triage", "triage", "no_topic")
        apply(make_call(lead, document=a_document(topics=("left-the-edition", "frcc"))), topic="also-gone")
        assert routed(app) == ("frcc", "paivanen", "topic")


def test_a_deputy_gets_the_applications_of_somebody_who_is_away(app: Flask) -> None:
    people = add_people(app)
    with app.app_context():
        record_absence(people["koponen"], manager_key="koponen", first_day=today(), last_day=today())
        apply(make_call(people["koponen"].account_id))
        assert routed(app) == ("errin", "pirinen", "deputy")
