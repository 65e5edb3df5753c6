"""Corrections of named answers, and documents that come later: what changes, who is told, what is refused."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from portal import clock
from portal.database import db, transaction
from portal.models import Application, Attachment, Correction, Event, Letter, Submission
from portal.operations.corrections import (
    NothingAsked,
    NotInReview,
    RequestStands,
    TooLate,
    UnknownField,
    answer_correction,
    ask_correction,
    cancel_correction,
)
from portal.operations.documents import DocumentsClosed, TooManyDocuments, add_documents
from portal.operations.door import CaseChanged
from portal.operations.receiving import Received
from portal.queries.cases import NoSuchCase, get_sender_case
from portal.queries.process import find_process
from portal.rules.corrections import correctable
from portal.rules.documents import MAX_DOCUMENTS
from portal.rules.policy import Viewer
from tests.internships import a_document, apply, make_call
from tests.people import add_people
from tests.talks import a_file, ask, seen

TOKEN = "a-name-of-one-sending"


@pytest.fixture
def people(app: Flask) -> dict[str, Viewer]:
    return add_people(app)


def applied(lead: Viewer, **values: Any) -> Received:
    return apply(make_call(lead.account_id), **values)


def submission(received: Received) -> Submission:
    db.session.rollback()
    return db.session.execute(select(Submission).where(Submission.id == received.submission_id)).scalar_one()


def application(received: Received) -> Application:
    db.session.rollback()
    return db.session.execute(
        select(Application).where(Application.submission_id == received.submission_id)
    ).scalar_one()


def letters(kind: str) -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Letter.recipient).where(Letter.kind == kind)))


def events(kind: str) -> list[Event]:
    db.session.rollback()
    return list(db.session.scalars(select(Event).where(Event.kind == kind)))


def set_stage(received: Received, stage: str) -> None:
    with transaction() as connection:
        connection.execute(
            update(Application).where(Application.submission_id == received.submission_id).values(stage=stage)
        )


def test_a_correction_is_asked_for_once_and_told_to_the_applicant(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        received = applied(people["koponen"])
        ask(people["koponen"], received, "weeks", "questions.why", reason="How long?")
        assert submission(received).status == "answered"
        [event] = events("correction_asked")
        assert (event.body, event.data["fields"]) == ("How long?", ["weeks", "questions.why"])
        assert letters("correction_requested") == ["noor@example.org"]
        process = find_process(received.submission_id)
        assert process is not None
        assert process.correction is not None
        assert process.correction.fields == ["weeks", "questions.why"]
        with pytest.raises(RequestStands):
            ask(people["koponen"], received, "motivation")
        assert len(events("correction_asked")) == 1


def test_only_the_lead_asks_and_the_second_is_told_who_was_first(app: Flask, people: dict[str, Viewer]) -> None:
    due_at = clock.now() + timedelta(days=7)
    with app.app_context():
        received = applied(people["koponen"])
        before = seen(received)
        with pytest.raises(NoSuchCase):
            ask_correction(people["pirinen"], case=before, fields=["weeks"], reason="x", due_at=due_at)
        ask(people["coordinator"], received, "weeks")
        with pytest.raises(CaseChanged) as first:
            ask_correction(people["koponen"], case=before, fields=["weeks"], reason="x", due_at=due_at)
        assert (first.value.actor, first.value.kind) == ("Demo Coordinator", "correction_asked")


def test_only_known_answers_can_be_named_and_only_in_review(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        received = applied(people["koponen"])
        for wrong in ((), ("stage",), ("questions.other",), ("documents.letter",), ("weeks", "id"), ("questions",)):
            with pytest.raises(UnknownField):
                ask(people["koponen"], received, *wrong)
        set_stage(received, "declined")
        with pytest.raises(NotInReview):
            ask(people["koponen"], received, "weeks")
        assert not events("correction_asked")
        assert submission(received).version == 1


def test_the_answer_changes_what_was_asked_and_keeps_what_was_there(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        received = applied(people["koponen"])
        asked = ("name", "email", "country", "institution", "motivation", "questions.why", "languages")
        ask(people["koponen"], received, *asked)
        first = application(received).answers
        values = {
            "name": "Noor van Example",
            "email": "New.Noor@example.org",
            "country": "BE",
            "institution": "Another University",
            "motivation": "Better words.",
            "questions.why": "For the forests.",
            "languages": [["en", "C2"]],
        }
        answer_correction(submission_id=received.submission_id, token=TOKEN, values=values)

        now = application(received)
        expected = {**first, **{name: value for name, value in values.items() if "." not in name}}
        assert now.answers == {**expected, "questions": {**first["questions"], "why": "For the forests."}}
        assert now.email_key == "new.noor@example.org"
        row = submission(received)
        assert (row.sender_name, row.sender_email) == ("Noor van Example", "New.Noor@example.org")
        assert (row.sender_country, row.sender_organisation, row.message) == (
            "BE",
            "Another University",
            "Better words.",
        )
        assert row.status == "in_progress"
        [correction] = db.session.scalars(select(Correction))
        assert correction.answered_at is not None
        assert correction.before["questions.why"] == "Because of the lakes."
        assert correction.before["languages"] == [["en", "C1"], ["nl", "native"]]
        assert events("corrected")[0].data["fields"] == list(values)
        assert "hannu.koponen" in letters("application_updated")[0]


def test_nothing_else_reopens(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        received = applied(people["koponen"])
        with pytest.raises(NothingAsked):
            answer_correction(submission_id=received.submission_id, token=TOKEN, values={"weeks": 3})
        ask(people["koponen"], received, "weeks")
        before = application(received).answers
        for values in ({"motivation": "x"}, {"weeks": 9, "name": "x"}, {"questions.why": "x"}):
            with pytest.raises(UnknownField):
                answer_correction(submission_id=received.submission_id, token=TOKEN, values=values)
        with pytest.raises(UnknownField):
            answer_correction(
                submission_id=received.submission_id, token=TOKEN, values={"weeks": 9}, files=(a_file("cv"),)
            )
        assert application(received).answers == before
        assert db.session.scalars(select(Attachment)).all() == []


def test_the_same_sending_is_done_once_and_another_is_refused(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        received = applied(people["koponen"])
        ask(people["koponen"], received, "weeks")
        for _ in range(2):
            answer_correction(submission_id=received.submission_id, token=TOKEN, values={"weeks": 9})
        with pytest.raises(NothingAsked):
            answer_correction(submission_id=received.submission_id, token=TOKEN, values={"weeks": 10})
        assert application(received).answers["weeks"] == 9
        assert len(events("corrected")) == 1


def test_a_late_answer_is_refused_and_nothing_changes(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        received = applied(people["koponen"])
        ask(people["koponen"], received, "weeks", days=2)
        with time_machine.travel(clock.now() + timedelta(days=2, minutes=1)), pytest.raises(TooLate):
            answer_correction(submission_id=received.submission_id, token=TOKEN, values={"weeks": 9})
        assert application(received).answers["weeks"] == 12
        answer_correction(submission_id=received.submission_id, token=TOKEN, values={"weeks": 9})
        assert application(received).answers["weeks"] == 9


def test_an_application_that_was_decided_is_not_corrected(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        received = applied(people["koponen"])
        ask(people["koponen"], received, "weeks")
        set_stage(received, "offered")
        with pytest.raises(NothingAsked):
            answer_correction(submission_id=received.submission_id, token=TOKEN, values={"weeks": 9})


def test_a_request_is_taken_back_and_another_can_be_made(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        received = applied(people["koponen"])
        with pytest.raises(NothingAsked):
            cancel_correction(people["koponen"], case=seen(received))
        ask(people["koponen"], received, "weeks")
        with pytest.raises(NoSuchCase):
            cancel_correction(people["pirinen"], case=seen(received))
        cancel_correction(people["koponen"], case=seen(received))
        assert submission(received).status == "in_progress"
        with pytest.raises(NothingAsked):
            answer_correction(submission_id=received.submission_id, token=TOKEN, values={"weeks": 9})
        ask(people["koponen"], received, "motivation")
        kinds = [entry.kind for entry in get_sender_case(received.submission_id).entries]
        assert kinds == ["received", "correction_asked", "correction_cancelled", "correction_asked"]


def test_a_corrected_document_comes_beside_the_first(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        call = make_call(people["koponen"].account_id)
        received = apply(call, command={"files": (a_file("cv"),)})
        ask(people["koponen"], received, "documents.cv")
        with pytest.raises(UnknownField):
            answer_correction(submission_id=received.submission_id, token=TOKEN, values={}, files=(a_file("other"),))
        answer_correction(submission_id=received.submission_id, token=TOKEN, values={}, files=(a_file("cv", "New\n"),))
        first, second = db.session.scalars(select(Attachment).order_by(Attachment.id))
        assert (first.purpose, second.purpose) == ("cv", "cv")
        [correction] = db.session.scalars(select(Correction))
        assert correction.before == {"documents.cv": [first.id]}
        assert letters("documents_received") == [], "all was there before"


def test_every_answer_has_a_name(app: Flask) -> None:
    names = correctable(a_document(optional_documents=("other", "cv")))
    assert len(set(names)) == len(names)
    assert {"name", "motivation", "questions.why", "questions.remote", "documents.cv", "documents.other"} <= set(names)


# ------------------------------------------------------------------------------------------------ later documents


def test_documents_come_within_72_hours_and_the_applicant_hears_when_all_are_there(
    app: Flask, people: dict[str, Viewer]
) -> None:
    with app.app_context():
        call = make_call(people["koponen"].account_id, document=a_document(required_documents=("cv", "transcript")))
        received = apply(call)
        for _ in range(2):
            add_documents(submission_id=received.submission_id, token=TOKEN, files=(a_file("cv"),))
        assert [file.purpose for file in db.session.scalars(select(Attachment))] == ["cv"], "sent twice, kept once"
        assert letters("documents_received") == []
        assert application(received).documents_due_at is not None
        with time_machine.travel(clock.now() + timedelta(hours=71)):
            add_documents(submission_id=received.submission_id, token=TOKEN, files=(a_file("transcript"),))
        assert letters("documents_received") == ["noor@example.org"]
        assert application(received).documents_due_at is None
        assert [event.data["kinds"] for event in events("documents_added")] == [["cv"], ["transcript"]]
        assert len(letters("application_updated")) == 2


def test_after_72_hours_a_required_document_is_refused_and_the_application_stays(
    app: Flask, people: dict[str, Viewer]
) -> None:
    with app.app_context():
        received = applied(people["koponen"])
        with time_machine.travel(clock.now() + timedelta(hours=72, minutes=1)):
            with pytest.raises(DocumentsClosed):
                add_documents(submission_id=received.submission_id, token=TOKEN, files=(a_file("cv"),))
            add_documents(submission_id=received.submission_id, token=TOKEN, files=(a_file("other"),))
            assert application(received).stage == "received"
            process = find_process(received.submission_id)
            assert process is not None
            assert process.documents_due_at is not None


def test_other_kinds_second_copies_and_ended_applications_are_refused(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        received = applied(people["koponen"])
        cv = a_file("cv")
        for wrong in (a_file("letter"), replace(cv, purpose=""), replace(cv, purpose="photo")):
            with pytest.raises(DocumentsClosed):
                add_documents(submission_id=received.submission_id, token=TOKEN, files=(wrong,))
        add_documents(submission_id=received.submission_id, token=TOKEN, files=(cv,))
        with pytest.raises(DocumentsClosed):
            add_documents(submission_id=received.submission_id, token=TOKEN, files=(a_file("cv", "Again\n"),))
        many = tuple(a_file("other", f"{number}\n") for number in range(MAX_DOCUMENTS))
        with pytest.raises(TooManyDocuments):
            add_documents(submission_id=received.submission_id, token=TOKEN, files=many)
        set_stage(received, "withdrawn")
        with pytest.raises(DocumentsClosed):
            add_documents(submission_id=received.submission_id, token=TOKEN, files=(a_file("other"),))
        assert [file.purpose for file in db.session.scalars(select(Attachment))] == ["cv"]
