"""What a manager does with a case, on both engines."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select, update

from portal.database import db, transaction
from portal.models import Letter, Submission
from portal.operations import cases
from portal.operations.cases import NothingChanges, UnknownHolder
from portal.operations.door import CaseChanged, SeenCase
from portal.queries.cases import NoSuchCase, find_file, get_case, get_sender_case
from portal.queries.inbox import list_cases
from portal.rules.policy import Viewer
from portal.rules.states import NotPossible
from tests.people import add_people, receive


@pytest.fixture
def people(app: Flask) -> dict[str, Viewer]:
    return add_people(app)


def seen(viewer: Viewer, reference: str, token: str = "") -> SeenCase:
    version = get_case(viewer, reference).row.version
    return SeenCase(reference, version, token or f"act-{version}-{viewer.account_id}")


def letters(reference: str) -> list[tuple[str, str]]:
    statement = select(Letter.kind, Letter.recipient).join(Submission, Submission.id == Letter.submission_id)
    return [
        tuple(row) for row in db.session.execute(statement.where(Submission.reference == reference).order_by(Letter.id))
    ]


def test_a_reply_answers_and_is_sent_once_however_often_it_is_pressed(app: Flask, people: dict[str, Viewer]) -> None:
    viewer = people["koponen"]
    with app.app_context():
        reference = receive().reference
        case = seen(viewer, reference)
        cases.reply_to_sender(viewer, case=case, body="We would like to join.")
        cases.reply_to_sender(viewer, case=case, body="We would like to join.")
        found = get_case(viewer, reference)
        assert found.row.status == "answered"
        assert [entry.kind for entry in found.entries] == ["received", "replied"]
        assert letters(reference)[-1] == ("inquiry_answered", "ada@example.org")
        assert len(letters(reference)) == 3


def test_reply_and_close_in_one(app: Flask, people: dict[str, Viewer]) -> None:
    viewer = people["koponen"]
    with app.app_context():
        reference = receive().reference
        cases.reply_to_sender(viewer, case=seen(viewer, reference), body="Done.", closing=True)
        row = get_case(viewer, reference).row
        assert row.status == "closed"
        assert row.closed_at is not None
        with pytest.raises(NotPossible):
            cases.reply_to_sender(viewer, case=seen(viewer, reference), body="More.")
        cases.reopen_case(viewer, case=seen(viewer, reference, "reopening"))
        row = get_case(viewer, reference).row
        assert (row.status, row.closed_at) == ("in_progress", None)


def test_the_second_of_two_is_told_who_was_first(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        reference = receive(topic="triage").reference
        first = SeenCase(reference, 1, "first")
        second = SeenCase(reference, 1, "second")
        cases.take_case(people["pirinen"], case=first)
        with pytest.raises(CaseChanged) as changed:
            cases.add_note(people["coordinator"], case=second, body="A note")
        assert (changed.value.actor, changed.value.kind) == ("Demo Pirinen", "taken")


def test_of_two_at_the_same_time_one_wins(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        reference = receive(topic="triage").reference

    def take(name: str) -> str:
        with app.app_context():
            try:
                cases.take_case(people[name], case=SeenCase(reference, 1, f"by-{name}"))
            except (CaseChanged, NoSuchCase):  # the other has it: it is changed, or gone from triage
                return "late"
            return name

    with ThreadPoolExecutor(2) as pool:
        outcome = sorted(pool.map(take, ["koponen", "pirinen"]))
    assert outcome in (["koponen", "late"], ["late", "pirinen"])


def test_another_topic_moves_it_and_tells_both(app: Flask, people: dict[str, Viewer]) -> None:
    viewer = people["koponen"]
    with app.app_context():
        reference = receive().reference
        cases.move_to_topic(viewer, case=seen(viewer, reference), topic="tci", reason="About clusters")
        assert ("inquiry_moved", "ada@example.org") in letters(reference)
        assert ("inquiry_handed_over", "kari.pirinen@keskisuomi.fi") in letters(reference)
        with pytest.raises(NoSuchCase):
            get_case(viewer, reference)
        found = get_case(people["pirinen"], reference)
        assert (found.row.topic, found.row.holder, found.row.status) == ("tci", "pirinen", "new")
        assert (found.row.routed_topic, found.row.routed_holder) == ("errin", "koponen")
        with pytest.raises(NothingChanges):
            cases.move_to_topic(people["pirinen"], case=seen(people["pirinen"], reference), topic="tci", reason="")


def test_another_person_gets_it_and_the_sender_is_not_bothered(app: Flask, people: dict[str, Viewer]) -> None:
    viewer = people["koponen"]
    with app.app_context():
        reference = receive().reference
        with pytest.raises(UnknownHolder):
            cases.hand_to_manager(viewer, case=seen(viewer, reference), manager_key="nobody", reason="")
        cases.hand_to_manager(viewer, case=seen(viewer, reference), manager_key="pirinen", reason="Yours, I think")
        assert letters(reference)[2:] == [("inquiry_handed_over", "kari.pirinen@keskisuomi.fi")]


def test_the_sender_sees_no_note_and_no_reason(app: Flask, people: dict[str, Viewer]) -> None:
    viewer = people["koponen"]
    with app.app_context():
        received = receive()
        cases.add_note(viewer, case=seen(viewer, received.reference), body="secret note")
        cases.move_to_topic(viewer, case=seen(viewer, received.reference), topic="tci", reason="secret reason")
        own = get_sender_case(received.submission_id)
        assert [entry.kind for entry in own.entries] == ["received", "handed_over"]
        assert "secret" not in repr(own)


def test_a_sender_who_writes_again_wakes_the_case(app: Flask, people: dict[str, Viewer]) -> None:
    viewer = people["koponen"]
    with app.app_context():
        received = receive()
        cases.close_case(viewer, case=seen(viewer, received.reference), tell_sender=False)
        for _ in range(2):
            cases.add_sender_reply(submission_id=received.submission_id, body="One more thing", token="again")
        found = get_case(viewer, received.reference)
        assert found.row.status == "in_progress"
        assert [entry.kind for entry in found.entries] == ["received", "closed", "sender_replied"]
        assert letters(received.reference)[2:] == [("sender_answered", "hannu.koponen@keskisuomi.fi")]


ACTS: list[Callable[[Viewer, SeenCase], None]] = [
    lambda viewer, case: cases.reply_to_sender(viewer, case=case, body="x"),
    lambda viewer, case: cases.add_note(viewer, case=case, body="x"),
    lambda viewer, case: cases.take_case(viewer, case=case),
    lambda viewer, case: cases.move_to_topic(viewer, case=case, topic="tci", reason=""),
    lambda viewer, case: cases.hand_to_manager(viewer, case=case, manager_key="pirinen", reason=""),
    lambda viewer, case: cases.close_case(viewer, case=case, tell_sender=True),
    lambda viewer, case: cases.reopen_case(viewer, case=case),
]


@pytest.mark.parametrize("act", ACTS)
def test_nothing_can_be_done_to_what_is_not_yours(
    app: Flask, people: dict[str, Viewer], act: Callable[[Viewer, SeenCase], None]
) -> None:
    with app.app_context():
        reference = receive().reference
        with pytest.raises(NoSuchCase):
            act(people["pirinen"], SeenCase(reference, 1, "token"))
        assert find_file(people["pirinen"], reference, 1) is None
        assert get_case(people["koponen"], reference).row.version == 1


def test_an_administrator_reads_nobodys_letters(app: Flask) -> None:
    administrator = Viewer(99, "Admin", "administrator", None, "en")
    with app.app_context():
        reference = receive(topic="triage").reference
        with pytest.raises(NoSuchCase):
            get_case(administrator, reference)
        assert not list_cases(administrator, box="all", status="any").rows


def test_who_has_left_the_content_leaves_no_case_without_a_reader(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        received = receive()
        with transaction() as connection:
            connection.execute(update(Submission).values(holder="left-long-ago"))
        cases.add_sender_reply(submission_id=received.submission_id, body="Anybody there?", token="t")
        assert letters(received.reference)[-1] == ("sender_answered", "coordinator@demo.example.org")
        assert get_case(people["coordinator"], received.reference).row.holder == "left-long-ago"
