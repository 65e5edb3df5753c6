"""The life of a draft: its letters, its end, and the files that wait in it."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update

from portal import clock
from portal.cli.serve import _sweep
from portal.database import db, transaction
from portal.models import Application, Call, Draft, Event, Letter, Submission
from portal.operations.applications import CallClosed
from portal.operations.attachments import is_staged, stage_file, sweep_files
from portal.operations.drafts import (
    DraftChanged,
    DraftGone,
    begin_draft,
    delete_expired_drafts,
    discard_draft,
    mail_draft_link,
    remind_drafts,
    save_draft,
    submit,
)
from portal.operations.late import AnsweredAlready, TooLate, admit_late, hand_in_late, refuse_late
from portal.queries.calls import NoSuchCall, StoredCall
from portal.queries.drafts import StoredDraft, find_draft, find_draft_of, list_late_drafts
from portal.queries.earlier import find_earlier, find_sent
from portal.rules.applications import Answers
from portal.rules.policy import Viewer
from portal.rules.uploads import StagedFile
from tests.conftest import Outbox
from tests.internships import answers, apply, make_call
from tests.people import add_people


@pytest.fixture
def people(app: Flask) -> dict[str, Viewer]:
    return add_people(app)


@pytest.fixture
def call(app: Flask, people: dict[str, Viewer]) -> StoredCall:
    """A standing call, so that time may pass."""
    with app.app_context():
        return make_call(people["koponen"].account_id, closes_at=None)


def a_draft(call: StoredCall, *, files: tuple[StagedFile, ...] = (), **values: object) -> StoredDraft:
    """A saved draft whose owner got the letter; needs an application context."""
    draft_id = begin_draft(call_id=call.id, language="en")
    save_draft(draft_id=draft_id, answers=answers(**values), files=files, step="you")
    draft = find_draft(draft_id)
    assert draft is not None
    mail_draft_link(draft=draft)
    again = find_draft(draft_id)
    assert again is not None
    return again


def kinds() -> list[str]:
    found = list(db.session.scalars(select(Letter.kind).order_by(Letter.id)))
    db.session.rollback()
    return found


def close(call: StoredCall, ago: timedelta) -> None:
    with transaction() as connection:
        connection.execute(update(Call).where(Call.id == call.id).values(closes_at=clock.now() - ago))


def test_link_and_code_open_a_draft_and_the_database_holds_neither(app: Flask, call: StoredCall) -> None:
    with app.app_context():
        draft = a_draft(call)
        row = db.session.execute(select(Draft.link_hash, Draft.code_hash)).one()
        assert draft.key not in row
        assert draft.code not in row
        found = find_draft_of(draft.key, draft.code)
        assert found is not None
        assert found.answers == answers()
        assert find_draft_of(draft.key, "2222-2222-2222") is None
        assert find_draft_of(draft.key[:-1], draft.code) is None


def test_a_draft_is_saved_by_one_of_two_who_read_the_same(app: Flask, call: StoredCall) -> None:
    with app.app_context():
        draft = a_draft(call)
        save_draft(draft_id=draft.id, answers=answers(name="First"), files=(), step="studies", version=draft.version)
        with pytest.raises(DraftChanged):
            save_draft(draft_id=draft.id, answers=answers(name="Second"), files=(), version=draft.version)
        kept = find_draft(draft.id)
        assert kept is not None
        assert (kept.answers.name, kept.steps) == ("First", ("you", "studies"))
        with pytest.raises(DraftChanged):
            submit(draft=draft)
        assert db.session.scalar(select(func.count()).select_from(Submission)) == 0


def test_the_same_form_begins_one_draft(app: Flask, call: StoredCall, people: dict[str, Viewer]) -> None:
    with app.app_context():
        first = begin_draft(call_id=call.id, language="en", token="a-name-of-its-own-123456")
        assert begin_draft(call_id=call.id, language="en", token="a-name-of-its-own-123456") == first
        other = make_call(people["koponen"].account_id)
        with pytest.raises(DraftGone):
            begin_draft(call_id=other.id, language="en", token="a-name-of-its-own-123456")


def test_a_letter_goes_to_each_address_once(app: Flask, call: StoredCall, outbox: Outbox) -> None:
    with app.app_context():
        draft = a_draft(call)
        assert not mail_draft_link(draft=draft), "it has its letter"
        shouted = replace(draft, answers=replace(draft.answers, email=draft.answers.email.upper()))
        assert not mail_draft_link(draft=shouted), "capital letters make no other address"
    [letter] = outbox.deliver()
    with app.app_context():
        assert draft.key in letter.get_content()
        assert draft.code not in letter.get_content()
        save_draft(draft_id=draft.id, answers=answers(email="new@example.org"), files=())
        changed = find_draft(draft.id)
        assert changed is not None
        assert mail_draft_link(draft=changed)
    [second] = outbox.deliver()
    assert second["To"] == "new@example.org"


def test_an_untouched_draft_is_called_to_mind_once(app: Flask, call: StoredCall, outbox: Outbox) -> None:
    with app.app_context():
        draft = a_draft(call)
        assert remind_drafts() == 0
        outbox.deliver()
        with time_machine.travel(clock.now() + timedelta(days=23, hours=1)):
            assert remind_drafts() == 1
            assert remind_drafts() == 0
            [letter] = outbox.deliver()
            assert "not sent yet" in letter["Subject"]
            assert draft.key in letter.get_content()
            save_draft(draft_id=draft.id, answers=answers(), files=())
        with time_machine.travel(clock.now() + timedelta(days=50)):
            assert remind_drafts() == 0, "one reminder, ever"
        assert kinds() == ["draft_saved", "draft_reminded"]


def test_nobody_is_reminded_of_a_closed_call_or_without_an_address(app: Flask, call: StoredCall) -> None:
    with app.app_context():
        nameless = begin_draft(call_id=call.id, language="en")
        save_draft(draft_id=nameless, answers=Answers(motivation="Lakes"), files=())
        a_draft(call)
        close(call, timedelta(days=1))
        with time_machine.travel(clock.now() + timedelta(days=25)):
            assert remind_drafts() == 0
        assert kinds() == ["draft_saved"]


def test_an_abandoned_draft_dies_with_its_letters(app: Flask, call: StoredCall) -> None:
    with app.app_context():
        draft = a_draft(call)
        with time_machine.travel(clock.now() + timedelta(days=29, hours=23)):
            assert delete_expired_drafts() == 0
        with time_machine.travel(clock.now() + timedelta(days=30, minutes=1)):
            assert find_draft(draft.id) is None, "before it is swept, too"
            assert find_draft_of(draft.key, draft.code) is None
            with pytest.raises(DraftGone):
                save_draft(draft_id=draft.id, answers=answers(), files=())
            assert delete_expired_drafts() == 1
        assert kinds() == []
        assert db.session.scalar(select(func.count()).select_from(Draft)) == 0


def test_the_sweep_keeps_files_of_living_drafts(app: Flask, call: StoredCall) -> None:
    with app.app_context():
        staged = [stage_file(stream=io.BytesIO(b"Hello\n"), filename=f"{name}.txt") for name in ("cv", "orphan")]
        cv = replace(staged[0], purpose="cv")
        draft = a_draft(call, files=(cv,))
        with time_machine.travel(clock.now() + timedelta(days=20)):
            assert sweep_files() == 1
            assert is_staged(cv)
            assert not is_staged(staged[1])
        with time_machine.travel(clock.now() + timedelta(days=31)):
            _sweep()  # what the worker does each hour: the draft first, then its files
            assert find_draft(draft.id) is None
            assert not is_staged(cv)


def test_a_sent_draft_leaves_its_files_to_the_application(app: Flask, call: StoredCall, outbox: Outbox) -> None:
    with app.app_context():
        cv = replace(stage_file(stream=io.BytesIO(b"Hello\n"), filename="cv.txt"), purpose="cv")
        draft = a_draft(call, files=(cv,))
        received = submit(draft=draft)
        assert received.first
        assert find_draft(draft.id) is None
        assert find_sent(draft.token) == received.submission_id
        assert not submit(draft=draft).first, "sent again it is the same"
        with time_machine.travel(clock.now() + timedelta(days=31)):
            assert sweep_files() == 0
            assert is_staged(cv)
    receipt, notice = outbox.deliver()
    assert "CV: cv.txt" in receipt.get_content()
    assert "Why us? (en): Because of the lakes." in receipt.get_content()
    assert "inquiry" not in receipt.get_content()
    assert "Noor" not in notice.get_content()


def test_a_draft_that_is_discarded_is_gone(app: Flask, call: StoredCall) -> None:
    with app.app_context():
        draft = a_draft(call)
        discard_draft(draft_id=draft.id)
        discard_draft(draft_id=draft.id)
        assert find_draft(draft.id) is None
        assert kinds() == []


def test_a_late_draft_is_kept_for_half_an_hour_only(app: Flask, call: StoredCall) -> None:
    with app.app_context():
        draft = a_draft(call)
        with pytest.raises(TooLate):
            hand_in_late(draft=draft)
        close(call, timedelta(minutes=30))
        with pytest.raises(TooLate):
            hand_in_late(draft=draft)
        with pytest.raises(CallClosed):
            submit(draft=draft)
        close(call, timedelta(minutes=29))
        hand_in_late(draft=draft)
        hand_in_late(draft=draft)
        [late] = list_late_drafts(call.id)
        assert late.id == draft.id
        with pytest.raises(DraftChanged):
            save_draft(draft_id=draft.id, answers=answers(), files=())
        discard_draft(draft_id=draft.id)
        assert find_draft(draft.id) is not None, "it is the lead's to answer now"
        assert kinds().count("late_arrived") == 1


def test_one_answer_to_a_late_draft(app: Flask, call: StoredCall, people: dict[str, Viewer], outbox: Outbox) -> None:
    with app.app_context():
        drafts = [a_draft(call), a_draft(call, email="second@example.org")]
        close(call, timedelta(minutes=1))
        for draft in drafts:
            hand_in_late(draft=draft)
        lead, coordinator, other = people["koponen"], people["coordinator"], people["pirinen"]
        for act in (admit_late, refuse_late):
            with pytest.raises(NoSuchCall):
                act(other, slug=call.slug, draft_id=drafts[0].id)  # type: ignore[operator]
        received = admit_late(lead, slug=call.slug, draft_id=drafts[0].id)
        refuse_late(coordinator, slug=call.slug, draft_id=drafts[1].id)
        for draft in drafts:
            with pytest.raises(AnsweredAlready):
                admit_late(lead, slug=call.slug, draft_id=draft.id)
            with pytest.raises(AnsweredAlready):
                refuse_late(coordinator, slug=call.slug, draft_id=draft.id)
        assert find_sent(drafts[0].token) == received.submission_id
        assert list_late_drafts(call.id) == []
        with time_machine.travel(clock.now() + timedelta(days=31)):
            assert delete_expired_drafts() == 1
    subjects = [letter["Subject"] for letter in outbox.deliver()]
    assert not any("not taken" in subject for subject in subjects), "a draft that is deleted writes no more"
    assert any(received.reference in subject for subject in subjects)


def test_a_late_draft_waits_for_its_answer_however_long(
    app: Flask, call: StoredCall, people: dict[str, Viewer], outbox: Outbox
) -> None:
    with app.app_context():
        earlier = apply(call)
        admitted, refused = a_draft(call), a_draft(call, email="second@example.org")
        close(call, timedelta(minutes=1))
        hand_in_late(draft=admitted, keeps=earlier.submission_id)
        hand_in_late(draft=refused)
    outbox.deliver()
    with app.app_context(), time_machine.travel(clock.now() + timedelta(days=90)):
        assert delete_expired_drafts() == 0
        assert [draft.id for draft in list_late_drafts(call.id)] == [admitted.id, refused.id]
        received = admit_late(people["koponen"], slug=call.slug, draft_id=admitted.id)
        refuse_late(people["koponen"], slug=call.slug, draft_id=refused.id)
        assert delete_expired_drafts() == 0, "the letter that tells of the refusal goes first"
        stages = dict(db.session.execute(select(Application.submission_id, Application.stage)).all())
        assert stages == {earlier.submission_id: "received", received.submission_id: "received"}
        kept = select(Application.replaces_id).where(Application.submission_id == received.submission_id)
        assert db.session.scalar(kept) == earlier.submission_id
        admissions = select(Event.submission_id, Event.actor).where(Event.kind == "admitted")
        assert [tuple(row) for row in db.session.execute(admissions)] == [(received.submission_id, "Demo Koponen")]
        db.session.rollback()
        with time_machine.travel(clock.now() + timedelta(days=31)):
            assert delete_expired_drafts() == 1


def test_what_was_replaced_can_not_be_replaced_again(app: Flask, call: StoredCall) -> None:
    with app.app_context():
        first, second = apply(call), apply(call, email="NOOR@example.org")
        apply(call, email="other@example.org")
        apply(call, command={"replaces": first.submission_id})
        assert find_earlier(first.submission_id, call.id) is None, "it has been replaced"
        found = find_earlier(second.submission_id, call.id)
        assert found is not None
        assert (found.reference, found.email) == (second.reference, "noor@example.org")
