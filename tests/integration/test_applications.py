"""Receiving internship applications."""

from flask import Flask
from sqlalchemy import select

from portal.database import db
from portal.models import Application, Letter, Submission
from tests.conftest import Outbox
from tests.internships import apply, make_call
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
