"""Deciding about applications: the undo window, its race, offers, the reserve list, and leaving; on both engines."""

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import OperationalError

from portal import clock
from portal.cli.serve import run_worker
from portal.database import db, transaction
from portal.gateways.letters import write_letter
from portal.models import Application, CallEvent, Correction, Decision, Event, Interview, Letter, Submission
from portal.operations import decisions, offers
from portal.operations.applications import EarlierStays
from portal.operations.cases import NotDecidedYet, add_sender_reply, close_case, reopen_case, reply_to_sender
from portal.operations.decisions import (
    NothingChosen,
    TooLittleTime,
    apply_due_decisions,
    recall_decisions,
    release_decisions,
)
from portal.operations.door import SeenCase, write_change
from portal.operations.offers import AlreadyEnded, OfferNotOpen, answer_offer, lapse_offers, withdraw_application
from portal.operations.outbox import facts_of_reply
from portal.operations.preparing import DecisionChanged, NotDecidable, prepare_decision, withdraw_decision
from portal.operations.receiving import Received
from portal.operations.reserves import ReserveChanged, move_reserve
from portal.queries.calls import NoSuchCall, StoredCall
from portal.queries.cases import NoSuchCase, get_case, get_sender_case
from portal.queries.decisions import list_decisions, mark_of
from portal.queries.directory import mailboxes_of
from portal.queries.editions import content
from portal.queries.process import find_process
from portal.rules.applications import DECIDABLE, ENDED, STAGES, WITHDRAWABLE, Stage
from portal.rules.decisions import end_of_day, usual_deadline
from portal.rules.policy import Viewer
from tests.conftest import Outbox
from tests.internships import apply, make_call
from tests.people import add_people

WINDOW = timedelta(minutes=5, seconds=1)


@pytest.fixture
def people(app: Flask) -> dict[str, Viewer]:
    return add_people(app)


@pytest.fixture
def lead(people: dict[str, Viewer]) -> Viewer:
    return people["koponen"]


@pytest.fixture
def call(app: Flask, lead: Viewer) -> StoredCall:
    with app.app_context():
        return make_call(lead.account_id)


def applicants(call: StoredCall, count: int) -> list[Received]:
    return [apply(call, name=f"Applicant {n}", address_as="", email=f"a{n}@example.org") for n in range(count)]


def prepare(lead: Viewer, received: Received, kind: Any = "offer", **values: Any) -> None:
    if kind == "offer":
        values.setdefault("reply_by", usual_deadline(clock.now(), content().organisation.zone))
    prepare_decision(
        lead, reference=received.reference, **{"seen": mark(received), "kind": kind, "reason": "Because.", **values}
    )


def pending(received: Received) -> Decision | None:
    process = find_process(received.submission_id)
    assert process is not None
    return process.pending


def mark(received: Received) -> str:
    return mark_of(pending(received))


def marks(lead: Viewer, call: StoredCall) -> list[str]:
    return [mark_of(row) for row in list_decisions(lead, call).prepared]


def send_all(lead: Viewer, call: StoredCall, token: str = "") -> decisions.Released:
    return release_decisions(lead, slug=call.slug, seen=marks(lead, call), token=token or secrets.token_hex(8))


@contextmanager
def later(delay: timedelta) -> Iterator[None]:
    with time_machine.travel(clock.now() + delay, tick=True):
        yield


def decide_now(lead: Viewer, call: StoredCall) -> None:
    """Send everything that is prepared, and let the undo window pass."""
    effective_at = send_all(lead, call).effective_at
    with later(effective_at - clock.now() + timedelta(seconds=1)):
        while apply_due_decisions():
            pass


def stage_of(received: Received) -> str:
    return db.session.scalars(
        select(Application.stage).where(Application.submission_id == received.submission_id)
    ).one()


def status_of(received: Received) -> str:
    return db.session.scalars(select(Submission.status).where(Submission.id == received.submission_id)).one()


def letters_to(received: Received) -> list[str]:
    """Kinds of the letters about a case, in order, but for those of its arrival."""
    kinds = db.session.scalars(
        select(Letter.kind).where(Letter.submission_id == received.submission_id).order_by(Letter.id)
    )
    return [kind for kind in kinds if kind not in ("application_received", "application_assigned")]


def letters_about(call: StoredCall) -> list[tuple[str, str]]:
    rows = db.session.execute(
        select(Letter.kind, Letter.recipient).where(Letter.call_id == call.id).order_by(Letter.id)
    )
    return [(row.kind, row.recipient) for row in rows]


def events_of(received: Received) -> list[str]:
    return list(
        db.session.scalars(select(Event.kind).where(Event.submission_id == received.submission_id).order_by(Event.id))
    )


# ---------------------------------------------------------------------------------------------------- preparing


def test_what_is_prepared_reaches_nobody(app: Flask, lead: Viewer, call: StoredCall, outbox: Outbox) -> None:
    with app.app_context():
        received = applicants(call, 1)[0]
        before = get_sender_case(received.submission_id)
        prepare(lead, received, message="Welcome!")
        assert get_sender_case(received.submission_id) == before
        process = find_process(received.submission_id)
        assert process is not None
        assert (process.stage, process.decision) == ("received", None)
        assert process.pending is not None
        assert (process.pending.kind, process.pending.message) == ("offer", "Welcome!")
        assert letters_to(received) == []
        with later(timedelta(days=1)):
            assert apply_due_decisions() == 0
        assert stage_of(received) == "received"


def test_preparing_twice_is_once_and_what_changed_is_told(
    app: Flask, people: dict[str, Viewer], lead: Viewer, call: StoredCall
) -> None:
    with app.app_context():
        received = applicants(call, 1)[0]
        prepare(lead, received, "decline")
        seen = mark(received)
        prepare(lead, received, "decline", seen="")
        assert mark(received) == seen
        prepare(people["coordinator"], received, "reserve", rank=2, seen=seen)
        with pytest.raises(DecisionChanged) as changed:
            prepare(lead, received, "offer", seen=seen)
        assert changed.value.actor == "Demo Coordinator"
        with pytest.raises(DecisionChanged):
            withdraw_decision(lead, reference=received.reference, seen=seen)
        now_there = pending(received)
        assert now_there is not None
        assert (now_there.kind, now_there.rank, now_there.reply_by) == ("reserve", 2, None)
        withdraw_decision(lead, reference=received.reference, seen=mark(received))
        withdraw_decision(lead, reference=received.reference, seen="gone")
        assert pending(received) is None
        with pytest.raises(DecisionChanged):
            prepare(lead, received, "offer", seen=seen)


def test_whose_call_it_is_not_decides_nothing(
    app: Flask, people: dict[str, Viewer], lead: Viewer, call: StoredCall
) -> None:
    with app.app_context():
        received = applicants(call, 1)[0]
        prepare(lead, received, "reserve")
        [seen] = marks(lead, call)
        for viewer in (people["pirinen"], Viewer(99, "Admin", "administrator", None, "en")):
            with pytest.raises(NoSuchCase):
                prepare(viewer, received, "decline")
            with pytest.raises(NoSuchCase):
                withdraw_decision(viewer, reference=received.reference, seen=seen)
            with pytest.raises(NoSuchCall):
                release_decisions(viewer, slug=call.slug, seen=[seen], token="t")
            with pytest.raises(NoSuchCall):
                recall_decisions(viewer, slug=call.slug, effective_at=clock.now())
            with pytest.raises(NoSuchCall):
                move_reserve(viewer, slug=call.slug, order=[1], decision_id=1, up=True)
        assert marks(lead, call) == [seen]


@pytest.mark.parametrize("stage", STAGES)
def test_at_which_stages_a_decision_can_be_prepared(app: Flask, lead: Viewer, call: StoredCall, stage: Stage) -> None:
    with app.app_context():
        received = applicants(call, 1)[0]
        put(received, stage)
        if stage in DECIDABLE:
            prepare(lead, received, "decline")
            assert pending(received) is not None
        else:
            with pytest.raises(NotDecidable):
                prepare(lead, received, "decline")
        if stage == "reserve":
            with pytest.raises(NotDecidable):
                prepare(lead, received, "reserve")


def put(received: Received, stage: Stage) -> None:
    with transaction() as connection:
        connection.execute(
            update(Application).where(Application.submission_id == received.submission_id).values(stage=stage)
        )


# ------------------------------------------------------------------------------------------------------ sending


def test_sent_together_after_the_undo_window(app: Flask, lead: Viewer, call: StoredCall, outbox: Outbox) -> None:
    with app.app_context():
        first, second, third = applicants(call, 3)
        prepare(lead, first, "offer", message="Come by on Monday.", reason="The best fit, between us")
        prepare(lead, second, "reserve")
        prepare(lead, third, "decline", message="Your German was fine.")
        released = send_all(lead, call)
        assert released.count == 3
        assert apply_due_decisions() == 0
        with later(timedelta(minutes=4, seconds=50)):
            assert apply_due_decisions() == 0
        for received in (first, second, third):
            assert (stage_of(received), letters_to(received), events_of(received)) == ("received", [], ["received"])
            assert status_of(received) == "new"
        with later(WINDOW):
            assert apply_due_decisions() == 3
            assert apply_due_decisions() == 0
        assert [stage_of(received) for received in (first, second, third)] == ["offered", "reserve", "declined"]
        assert [status_of(received) for received in (first, second, third)] == ["answered", "answered", "closed"]
        assert [letters_to(received) for received in (first, second, third)] == [
            ["decision_offer"],
            ["decision_reserve"],
            ["decision_decline"],
        ]
        event = db.session.scalars(select(Event).where(Event.kind == "decided").order_by(Event.id)).first()
        assert event is not None
        assert (event.data["kind"], event.data["message"]) == ("offer", "Come by on Monday.")
        assert event.data["reply_by"]
        assert "between us" not in repr(event.data) + str(event.body)
        db.session.rollback()
    with later(WINDOW):
        messages = {message["To"]: message for message in outbox.deliver()}
    offer = messages["a0@example.org"]
    assert "Come by on Monday." in offer.get_content()
    assert "Please answer by" in offer.get_content()
    assert first.reference in offer.get_content()
    assert "between us" not in offer.get_content()
    assert "Your German was fine." in messages["a2@example.org"].get_content()


def test_sending_twice_is_once_and_after_a_recall_it_stays_taken_back(
    app: Flask, lead: Viewer, call: StoredCall
) -> None:
    with app.app_context():
        for received in applicants(call, 2):
            prepare(lead, received, "decline")
        seen = marks(lead, call)
        released = release_decisions(lead, slug=call.slug, seen=seen, token="one")
        assert release_decisions(lead, slug=call.slug, seen=seen, token="one") == released
        recalled = recall_decisions(lead, slug=call.slug, effective_at=released.effective_at)
        assert (recalled.count, recalled.gone) == (2, 0)
        again = recall_decisions(lead, slug=call.slug, effective_at=released.effective_at)
        assert (again.count, again.gone) == (0, 0)
        assert release_decisions(lead, slug=call.slug, seen=seen, token="one") == released
        assert marks(lead, call) == seen
        with later(timedelta(hours=1)):
            assert apply_due_decisions() == 0
        kinds = db.session.scalars(select(CallEvent.kind).order_by(CallEvent.id)).all()
        assert kinds == ["decisions_released", "decisions_recalled"]


def test_what_was_not_seen_is_not_sent(app: Flask, people: dict[str, Viewer], lead: Viewer, call: StoredCall) -> None:
    with app.app_context():
        first, second = applicants(call, 2)
        prepare(lead, first, "decline")
        prepare(lead, second, "decline")
        seen = marks(lead, call)
        with pytest.raises(NothingChosen):
            release_decisions(lead, slug=call.slug, seen=[], token="none")
        prepare(people["coordinator"], second, "reserve")
        with pytest.raises(DecisionChanged):
            release_decisions(lead, slug=call.slug, seen=seen, token="two")
        assert not list_decisions(lead, call).batches
        release_decisions(lead, slug=call.slug, seen=[mark(first)], token="three")
        assert [row.reference for row in list_decisions(lead, call).prepared] == [second.reference]
        with pytest.raises(DecisionChanged) as released:
            prepare(lead, first, "offer")
        assert released.value.released


def test_an_offer_that_leaves_no_time_is_not_sent(app: Flask, lead: Viewer, call: StoredCall) -> None:
    with app.app_context():
        received = applicants(call, 1)[0]
        prepare(lead, received)
        with later(timedelta(days=14)), pytest.raises(TooLittleTime) as short:
            send_all(lead, call)
        assert short.value.references == [received.reference]


def test_another_call_is_left_alone(app: Flask, lead: Viewer, call: StoredCall) -> None:
    with app.app_context():
        other = make_call(lead.account_id)
        mine, theirs = applicants(call, 1)[0], applicants(other, 1)[0]
        prepare(lead, mine, "decline")
        prepare(lead, theirs, "decline")
        with pytest.raises(DecisionChanged):
            release_decisions(lead, slug=call.slug, seen=marks(lead, other), token="x")
        effective_at = send_all(lead, call).effective_at
        assert recall_decisions(lead, slug=other.slug, effective_at=effective_at).count == 0
        assert len(list_decisions(lead, call).batches) == 1


def test_recall_and_application_at_the_same_moment_one_wins_for_each(
    app: Flask, lead: Viewer, call: StoredCall
) -> None:
    """Workers apply while the manager takes back: each decision either went, with one letter, or is prepared again."""
    count = 12
    with app.app_context():
        everybody = applicants(call, count)
        for received in everybody:
            prepare(lead, received, "decline")
        effective_at = send_all(lead, call).effective_at
    with time_machine.travel(effective_at + timedelta(seconds=1), tick=True):
        start = threading.Barrier(3)

        def work() -> int:
            with app.app_context():
                start.wait()
                return sum(apply_due_decisions(limit=1) for _ in range(count))

        def take_back() -> decisions.Recalled:
            with app.app_context():
                start.wait()
                return recall_decisions(lead, slug=call.slug, effective_at=effective_at)

        with ThreadPoolExecutor(3) as pool:
            workers, recall = [pool.submit(work), pool.submit(work)], pool.submit(take_back)
            applied, recalled = sum(worker.result() for worker in workers), recall.result()
    with app.app_context():
        assert recalled.count + recalled.gone == count
        assert applied == recalled.gone
        for received in everybody:
            waits = pending(received)
            if waits is None:
                assert (stage_of(received), letters_to(received)) == ("declined", ["decision_decline"])
            else:
                assert waits.released_at is None
                assert (stage_of(received), letters_to(received)) == ("received", [])
        assert sum(pending(received) is not None for received in everybody) == recalled.count


def test_workers_beside_each_other_send_each_letter_once(app: Flask, lead: Viewer, call: StoredCall) -> None:
    with app.app_context():
        everybody = applicants(call, 8)
        for received in everybody:
            prepare(lead, received, "decline")
        effective_at = send_all(lead, call).effective_at
    with time_machine.travel(effective_at + timedelta(seconds=1), tick=True):
        start = threading.Barrier(3)

        def work(_number: int) -> int:
            with app.app_context():
                start.wait()
                return apply_due_decisions()

        with ThreadPoolExecutor(3) as pool:
            assert sum(pool.map(work, range(3))) == 8
    with app.app_context():
        assert [letters_to(received) for received in everybody] == [["decision_decline"]] * 8


def test_one_that_fails_does_not_stop_the_others(
    app: Flask, lead: Viewer, call: StoredCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        first, second = applicants(call, 2)
        prepare(lead, first, "decline")
        prepare(lead, second, "decline")
        send_all(lead, call)
        broken, real = first.submission_id, decisions.write_change

        def write(connection: Any, row: Any, *args: Any, **values: Any) -> int:
            if row.id == broken:
                raise RuntimeError("cannot be written")
            return real(connection, row, *args, **values)

        monkeypatch.setattr(decisions, "write_change", write)
        with later(WINDOW):
            assert apply_due_decisions() == 1
            assert (stage_of(first), stage_of(second)) == ("received", "declined")
            monkeypatch.undo()
            assert apply_due_decisions() == 1
        assert letters_to(first) == letters_to(second) == ["decision_decline"]


class OneRound(threading.Event):
    """Stops the worker after its first round."""

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002
        self.set()
        return True


def test_the_worker_does_it_by_itself(app: Flask, lead: Viewer, call: StoredCall, outbox: Outbox) -> None:
    with app.app_context():
        offered, declined = applicants(call, 2)
        prepare(lead, offered)
        decide_now(lead, call)
        prepare(lead, declined, "decline")
        send_all(lead, call)
        with later(timedelta(days=16)):
            run_worker(OneRound())
            assert (stage_of(offered), stage_of(declined)) == ("offer_lapsed", "declined")
    subjects = " ".join(message["Subject"] for message in outbox.messages)
    assert "The offer has ended" in subjects
    assert "Our answer to your application" in subjects


def test_a_name_that_an_applicant_chose_stops_nothing(
    app: Flask, lead: Viewer, call: StoredCall, outbox: Outbox
) -> None:
    with app.app_context():
        hostile, lapsing, other = applicants(call, 3)
        prepare(lead, lapsing)
        decide_now(lead, call)
        prepare(lead, hostile, "decline")
        prepare(lead, other, "decline")
        send_all(lead, call)
        for received in (hostile, lapsing):
            for decision in db.session.scalars(select(Decision.id)).all():
                for name in (f"decision-{decision}", f"lapse-{decision}"):
                    add_sender_reply(submission_id=received.submission_id, body="Hello.", token=name)
        with later(timedelta(days=16)):
            assert (apply_due_decisions(), lapse_offers()) == (2, 1)
        assert [stage_of(received) for received in (hostile, lapsing, other)] == [
            "declined",
            "offer_lapsed",
            "declined",
        ]


@pytest.mark.parametrize("what", ["decisions", "offers"])
def test_a_row_that_the_database_refuses_stops_neither_the_others_nor_the_letters(
    app: Flask, lead: Viewer, call: StoredCall, outbox: Outbox, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    module = {"decisions": decisions, "offers": offers}[what]
    with app.app_context():
        first, second = applicants(call, 2)
        kind = "decline" if what == "decisions" else "offer"
        prepare(lead, first, kind)
        prepare(lead, second, kind)
        send_all(lead, call) if what == "decisions" else decide_now(lead, call)
        broken, real = first.submission_id, write_change

        def write(connection: Any, row: Any, *args: Any, **values: Any) -> int:
            if row.id == broken:
                connection.execute(insert(Event).values(submission_id=row.id, kind="no such kind"))
            return real(connection, row, *args, **values)

        monkeypatch.setattr(module, "write_change", write)
        with later(timedelta(days=16)):
            run_worker(OneRound())
        ended = "declined" if what == "decisions" else "offer_lapsed"
        assert stage_of(first) != ended
        assert stage_of(second) == ended
    told = " ".join(message["Subject"] for message in outbox.messages)
    assert ("Our answer to your application" if what == "decisions" else "The offer has ended") in told


def test_when_the_database_is_away_the_worker_is_told(
    app: Flask, lead: Viewer, call: StoredCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: Any, **_values: Any) -> int:
        raise OperationalError("SELECT", {}, Exception("gone"))

    with app.app_context():
        prepare(lead, applicants(call, 1)[0], "decline")
        send_all(lead, call)
        monkeypatch.setattr(decisions, "write_change", away)
        with later(WINDOW), pytest.raises(OperationalError):
            apply_due_decisions()


def test_offers_that_wait_are_found_by_their_index(app: Flask) -> None:
    with app.app_context():
        found = offers.overdue_offers().order_by(Decision.reply_by, Decision.id).limit(50)
        dialect = db.engine.dialect
        statement = str(found.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        if dialect.name == "sqlite":
            plan = " ".join(str(row) for row in db.session.execute(text(f"EXPLAIN QUERY PLAN {statement}")))
        else:
            db.session.execute(text("SET LOCAL enable_seqscan = off"))
            plan = " ".join(str(row) for row in db.session.execute(text(f"EXPLAIN {statement}")))
    assert "ix_decisions_waiting" in plan


def test_nothing_due_writes_nothing(app: Flask, call: StoredCall, count_statements: Callable[[], Any]) -> None:
    with app.app_context(), count_statements() as statements:
        assert (apply_due_decisions(), lapse_offers()) == (0, 0)
    assert [statement.split()[0] for statement in statements] == ["SELECT", "SELECT"]


def test_a_decline_asks_nothing_more(app: Flask, lead: Viewer, call: StoredCall) -> None:
    with app.app_context():
        received = applicants(call, 1)[0]
        ask(lead, received)
        prepare(lead, received, "decline")
        decide_now(lead, call)
        process = find_process(received.submission_id)
        assert process is not None
        assert (process.correction, process.interview) == (None, None)


def ask(lead: Viewer, received: Received) -> None:
    """An open correction and a standing interview."""
    now = clock.now()
    common = {"submission_id": received.submission_id}
    with transaction() as connection:
        connection.execute(
            Correction.__table__.insert().values(  # type: ignore[attr-defined]
                **common,
                fields=["motivation"],
                reason="?",
                asked_at=now,
                asked_by=lead.account_id,
                due_at=now,
                before={},
            )
        )
        connection.execute(
            Interview.__table__.insert().values(  # type: ignore[attr-defined]
                **common,
                uid=secrets.token_hex(8),
                slots=[],
                minutes=30,
                place="Here",
                message="",
                invited_at=now,
                invited_by=lead.account_id,
                reply_by=now,
            )
        )


# ------------------------------------------------------------------------------------------------------- offers


@pytest.fixture
def offered(app: Flask, lead: Viewer, call: StoredCall) -> Received:
    with app.app_context():
        received = applicants(call, 1)[0]
        prepare(lead, received)
        decide_now(lead, call)
        assert stage_of(received) == "offered"
        return received


def test_accepting_is_confirmed_once(app: Flask, offered: Received, call: StoredCall) -> None:
    with app.app_context():
        for _ in range(2):
            answer_offer(submission_id=offered.submission_id, token="yes", accepted=True)
        assert (stage_of(offered), status_of(offered)) == ("accepted", "closed")
        assert letters_to(offered) == ["decision_offer", "offer_confirmed", "application_updated"]
        assert letters_about(call) == []
        process = find_process(offered.submission_id)
        assert process is not None
        assert process.decision is not None
        assert process.decision.answer == "accepted"
        with pytest.raises(OfferNotOpen):
            answer_offer(submission_id=offered.submission_id, token="no", accepted=False)
        with later(timedelta(days=20)):
            assert lapse_offers() == 0


def test_accept_and_decline_at_the_same_moment_one_wins(app: Flask, offered: Received) -> None:
    start = threading.Barrier(2)

    def answer(accepted: bool) -> str:
        with app.app_context():
            start.wait()
            try:
                answer_offer(submission_id=offered.submission_id, token=f"it-is-{accepted}", accepted=accepted)
            except OfferNotOpen:
                return "late"
            return "accepted" if accepted else "offer_declined"

    with ThreadPoolExecutor(2) as pool:
        outcome = set(pool.map(answer, (True, False)))
    with app.app_context():
        assert outcome == {"late", stage_of(offered)}


def test_without_an_offer_there_is_nothing_to_answer(app: Flask, lead: Viewer, call: StoredCall) -> None:
    with app.app_context():
        received = applicants(call, 1)[0]
        prepare(lead, received)
        send_all(lead, call)
        with pytest.raises(OfferNotOpen):
            answer_offer(submission_id=received.submission_id, token="early", accepted=True)
        assert (stage_of(received), events_of(received)) == ("received", ["received"])
        with pytest.raises(NoSuchCase):
            answer_offer(submission_id=9999, token="nobody", accepted=True)


def test_an_offer_lapses_at_its_deadline(app: Flask, offered: Received, call: StoredCall) -> None:
    with app.app_context():
        process = find_process(offered.submission_id)
        assert process is not None
        assert process.decision is not None
        assert process.decision.reply_by is not None
        left = process.decision.reply_by - clock.now()
        with later(left - timedelta(seconds=30)):
            assert lapse_offers() == 0
        with later(left + timedelta(seconds=1)):
            with pytest.raises(OfferNotOpen):
                answer_offer(submission_id=offered.submission_id, token="too-late", accepted=True)
            assert lapse_offers() == 1
            assert lapse_offers() == 0
        assert (stage_of(offered), status_of(offered)) == ("offer_lapsed", "closed")
        assert letters_to(offered) == ["decision_offer", "offer_lapsed"]
        assert letters_about(call) == [("reserve_moves_up", "hannu.koponen@keskisuomi.fi")]


def test_the_deadline_is_the_end_of_the_day_in_helsinki(app: Flask) -> None:
    with app.app_context():
        zone = content().organisation.zone
    assert usual_deadline(datetime(2026, 11, 24, 23, 30, tzinfo=UTC), zone) == datetime(
        2026, 12, 9, 21, 59, 59, tzinfo=UTC
    ), "it is the 25th in Helsinki already"
    assert end_of_day(date(2026, 7, 1), zone) == datetime(2026, 7, 1, 20, 59, 59, tzinfo=UTC)


# -------------------------------------------------------------------------------------------------- the reserve


def test_the_reserve_moves_up_in_the_order_a_person_wrote(
    app: Flask, lead: Viewer, call: StoredCall, outbox: Outbox
) -> None:
    with app.app_context():
        first, second, early, ranked, late = applicants(call, 5)
        prepare(lead, first)
        prepare(lead, second)
        prepare(lead, early, "reserve")
        prepare(lead, ranked, "reserve", rank=1)
        prepare(lead, late, "reserve")
        decide_now(lead, call)
        assert [row.reference for row in list_decisions(lead, call).reserve] == [
            received.reference for received in (ranked, early, late)
        ]
        answer_offer(submission_id=first.submission_id, token="no", accepted=False)
        answer_offer(submission_id=first.submission_id, token="no", accepted=False)
        assert stage_of(first) == "offer_declined"
        assert letters_to(first) == ["decision_offer", "application_updated"]
        assert letters_about(call) == [("reserve_moves_up", "hannu.koponen@keskisuomi.fi")]
        prepared = pending(ranked)
        assert prepared is not None
        assert (prepared.kind, prepared.released_at, prepared.prepared_by) == ("offer", None, lead.account_id)
        assert prepared.reply_by is not None
        assert [pending(received) for received in (early, late)] == [None, None]
        with later(timedelta(days=1)):
            assert apply_due_decisions() == 0, "a person sends it, nobody else"
        assert letters_to(ranked) == ["decision_reserve"]
        withdraw_application(submission_id=second.submission_id, token="bye")
        assert pending(early) is not None, "the first has an offer prepared already"
        assert pending(late) is None
        decide_now(lead, call)
        assert [stage_of(received) for received in (ranked, early, late)] == ["offered", "offered", "reserve"]
        db.session.rollback()
    notices = [message for message in outbox.deliver() if message["To"] == "hannu.koponen@keskisuomi.fi"]
    moved = [message for message in notices if "A place is free" in message["Subject"]]
    assert len(moved) == 2
    for message in moved:
        assert f"/workspace/calls/{call.slug}/decisions" in message.get_content()
        assert "Applicant" not in message["Subject"] + message.get_content()
        assert first.reference not in message.get_content()


def test_the_order_is_a_persons_to_change(
    app: Flask, people: dict[str, Viewer], lead: Viewer, call: StoredCall
) -> None:
    with app.app_context():
        for received in applicants(call, 3):
            prepare(lead, received, "reserve")
        a, b, c = order = [row.id for row in list_decisions(lead, call).reserve]
        for _ in range(2):
            move_reserve(lead, slug=call.slug, order=order, decision_id=c, up=True)
        assert [row.id for row in list_decisions(lead, call).reserve] == [a, c, b]
        with pytest.raises(ReserveChanged):
            move_reserve(people["coordinator"], slug=call.slug, order=order, decision_id=a, up=False)
        move_reserve(lead, slug=call.slug, order=[a, c, b], decision_id=a, up=True)
        move_reserve(lead, slug=call.slug, order=[a, c, b], decision_id=a, up=False)
        assert [row.id for row in list_decisions(lead, call).reserve] == [c, a, b]
        assert [row.rank for row in list_decisions(lead, call).reserve] == [1, 2, 3]
        with pytest.raises(ReserveChanged):
            move_reserve(lead, slug=call.slug, order=[c, a, b], decision_id=9999, up=True)


def test_two_places_that_become_free_at_once_go_to_two(app: Flask, lead: Viewer, call: StoredCall) -> None:
    with app.app_context():
        everybody = applicants(call, 4)
        for number, received in enumerate(everybody):
            prepare(lead, received, "offer" if number < 2 else "reserve")
        decide_now(lead, call)
    start = threading.Barrier(2)

    def decline(received: Received) -> None:
        with app.app_context():
            start.wait()
            answer_offer(submission_id=received.submission_id, token="no", accepted=False)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(decline, everybody[:2]))
    with app.app_context():
        assert [pending(received) is not None for received in everybody] == [False, False, True, True]


def test_who_leaves_the_reserve_list_gets_no_offer(app: Flask, lead: Viewer, call: StoredCall) -> None:
    with app.app_context():
        first, second, third = applicants(call, 3)
        prepare(lead, first)
        prepare(lead, second, "reserve")
        prepare(lead, third, "reserve")
        decide_now(lead, call)
        answer_offer(submission_id=first.submission_id, token="no", accepted=False)
        assert pending(second) is not None
        withdraw_application(submission_id=second.submission_id, token="bye")
        assert pending(second) is None
        assert pending(third) is not None, "the place is still free"
        assert [row.reference for row in list_decisions(lead, call).reserve] == [third.reference]


def test_a_place_that_becomes_free_while_the_manager_decides(app: Flask, lead: Viewer, call: StoredCall) -> None:
    """Both would prepare a decision about the first on the list: one does, nothing fails, the next is asked for."""
    with app.app_context():
        leaving, first, second = applicants(call, 3)
        prepare(lead, leaving)
        prepare(lead, first, "reserve")
        prepare(lead, second, "reserve")
        decide_now(lead, call)
    start = threading.Barrier(2)

    def decline() -> None:
        with app.app_context():
            start.wait()
            answer_offer(submission_id=leaving.submission_id, token="no", accepted=False)

    def decide() -> str:
        with app.app_context():
            start.wait()
            try:
                prepare(lead, first, "decline", seen="")
            except DecisionChanged as changed:
                return changed.actor
            return ""

    with ThreadPoolExecutor(2) as pool:
        declining, deciding = pool.submit(decline), pool.submit(decide)
        declining.result()
        told = deciding.result()
    with app.app_context():
        about_first, about_second = pending(first), pending(second)
        assert about_first is not None
        assert (about_first.kind, about_second is None) == (("decline", False) if not told else ("offer", True))
        assert told in ("", lead.name)


def test_a_lead_who_answers_no_topics_is_told_by_their_account(app: Flask, people: dict[str, Viewer]) -> None:
    coordinator = people["coordinator"]
    with app.app_context():
        call = make_call(coordinator.account_id)
        received = applicants(call, 1)[0]
        prepare(coordinator, received)
        decide_now(coordinator, call)
        answer_offer(submission_id=received.submission_id, token="no", accepted=False)
        assert letters_about(call) == [("reserve_moves_up", "coordinator@demo.example.org")]


# ------------------------------------------------------------------------------------------------------ leaving


@pytest.mark.parametrize("stage", STAGES)
def test_withdrawing_at_each_stage(app: Flask, lead: Viewer, call: StoredCall, stage: Stage) -> None:
    with app.app_context():
        received = applicants(call, 1)[0]
        if stage in ("offered", "reserve"):
            prepare(lead, received, "offer" if stage == "offered" else "reserve")
            decide_now(lead, call)
        put(received, stage)
        letters = letters_to(received)
        if stage not in WITHDRAWABLE:
            assert stage in ("declined", "withdrawn", "replaced")
            with pytest.raises(AlreadyEnded):
                withdraw_application(submission_id=received.submission_id, token="bye")
            assert (stage_of(received), letters_to(received)) == (stage, letters)
            return
        ask(lead, received)
        for _ in range(2):
            withdraw_application(submission_id=received.submission_id, token="bye")
        assert (stage_of(received), status_of(received)) == ("withdrawn", "closed")
        assert letters_to(received) == [*letters, "application_withdrawn", "application_updated"]
        assert events_of(received).count("withdrawn") == 1
        process = find_process(received.submission_id)
        assert process is not None
        assert (process.correction, process.interview, process.pending) == (None, None, None)
        if stage == "offered":
            assert process.decision is not None
            assert process.decision.answer == "declined"
        assert letters_about(call) == (
            [("reserve_moves_up", "hannu.koponen@keskisuomi.fi")] if stage in ("offered", "accepted") else []
        )


def test_a_place_that_is_given_back_goes_to_the_first_in_reserve(
    app: Flask, lead: Viewer, call: StoredCall, offered: Received
) -> None:
    with app.app_context():
        waiting = apply(call, name="Next Person", email="next@example.org")
        prepare(lead, waiting, "reserve")
        decide_now(lead, call)
        answer_offer(submission_id=offered.submission_id, token="yes", accepted=True)
        assert pending(waiting) is None
        for _ in range(2):
            withdraw_application(submission_id=offered.submission_id, token="bye")
        assert (stage_of(offered), status_of(offered)) == ("withdrawn", "closed")
        prepared = pending(waiting)
        assert prepared is not None
        assert (prepared.kind, prepared.released_at) == ("offer", None)
        assert [kind for kind, _address in letters_about(call)] == ["reserve_moves_up"]


def test_the_lead_is_told_beside_the_holder(
    app: Flask, people: dict[str, Viewer], lead: Viewer, call: StoredCall
) -> None:
    """Somebody else holds the case: both hear what the applicant does; who does both hears it once."""

    def told(received: Received) -> list[str]:
        return sorted(
            db.session.scalars(
                select(Letter.recipient).where(
                    Letter.submission_id == received.submission_id, Letter.kind == "application_updated"
                )
            )
        )

    with app.app_context():
        both = sorted({box.address for key in ("koponen", "pirinen") for box in mailboxes_of(key)})
        assert len(both) == 2
        accepting, leaving, held_by_lead = applicants(call, 3)
        for received, holder in ((accepting, "pirinen"), (leaving, "pirinen"), (held_by_lead, "koponen")):
            with transaction() as connection:
                connection.execute(
                    update(Submission).where(Submission.id == received.submission_id).values(holder=holder)
                )
        prepare(lead, accepting)
        decide_now(lead, call)
        answer_offer(submission_id=accepting.submission_id, token="yes", accepted=True)
        withdraw_application(submission_id=leaving.submission_id, token="bye")
        withdraw_application(submission_id=held_by_lead.submission_id, token="bye")
        assert told(accepting) == told(leaving) == both
        assert told(held_by_lead) == ["hannu.koponen@keskisuomi.fi"]
        coordinators = make_call(people["coordinator"].account_id)
        [received] = applicants(coordinators, 1)
        withdraw_application(submission_id=received.submission_id, token="bye")
        assert "coordinator@demo.example.org" in told(received)
        assert len(told(received)) == 2


@pytest.mark.parametrize("stage", STAGES)
def test_a_case_is_closed_only_when_the_application_has_ended(
    app: Flask, people: dict[str, Viewer], call: StoredCall, stage: Stage
) -> None:
    holder = people["coordinator"]

    def seen(received: Received) -> SeenCase:
        return SeenCase(received.reference, get_case(holder, received.reference).row.version, secrets.token_urlsafe(18))

    with app.app_context():
        closing, answering = applicants(call, 2)
        put(closing, stage)
        put(answering, stage)
        for received in (closing, answering):  # who writes again after the end wakes the case
            add_sender_reply(submission_id=received.submission_id, body="Thank you.", token=secrets.token_urlsafe(18))
        if stage not in ENDED:
            with pytest.raises(NotDecidedYet):
                close_case(holder, case=seen(closing), tell_sender=True)
            with pytest.raises(NotDecidedYet):
                reply_to_sender(holder, case=seen(answering), body="Bye.", closing=True)
            assert "closed" not in (status_of(closing), status_of(answering))
            assert "inquiry_answered" not in letters_to(answering)
            reply_to_sender(holder, case=seen(answering), body="Hello.")
            return
        close_case(holder, case=seen(closing), tell_sender=False)
        reply_to_sender(holder, case=seen(answering), body="Bye.", closing=True)
        assert status_of(closing) == status_of(answering) == "closed"
        reopen_case(holder, case=seen(closing))
        assert (stage_of(closing), status_of(closing)) == (stage, "in_progress")
        close_case(holder, case=seen(closing), tell_sender=False)
        assert (stage_of(closing), status_of(closing)) == (stage, "closed")


def test_who_left_in_the_undo_window_gets_no_decision(app: Flask, lead: Viewer, call: StoredCall) -> None:
    with app.app_context():
        leaving, staying = applicants(call, 2)
        prepare(lead, leaving, "decline")
        prepare(lead, staying, "decline")
        send_all(lead, call)
        withdraw_application(submission_id=leaving.submission_id, token="bye")
        with later(WINDOW):
            assert apply_due_decisions() == 1
        assert (stage_of(leaving), stage_of(staying)) == ("withdrawn", "declined")
        assert "decision_decline" not in letters_to(leaving)


def test_an_application_that_was_decided_about_is_not_replaced(app: Flask, lead: Viewer, call: StoredCall) -> None:
    """A newer application never ends an offer, not even one whose letter has not left yet."""
    with app.app_context():
        received = applicants(call, 1)[0]
        prepare(lead, received)
        send_all(lead, call)
        newer = {"replaces": received.submission_id}
        with pytest.raises(EarlierStays):
            apply(call, command=newer, email="a0@example.org")
        with later(WINDOW):
            assert apply_due_decisions() == 1
            with pytest.raises(EarlierStays):
                apply(call, command=newer, email="a0@example.org")
        assert stage_of(received) == "offered"
        assert db.session.scalars(select(Decision.answer)).all() == [None]
        assert len(db.session.scalars(select(Application.submission_id)).all()) == 1, "nothing of the newer is stored"


def test_a_decision_about_a_replaced_application_is_dropped(app: Flask, lead: Viewer, call: StoredCall) -> None:
    with app.app_context():
        received = applicants(call, 1)[0]
        prepare(lead, received, "decline")
        apply(call, command={"replaces": received.submission_id}, email="a0@example.org")
        assert stage_of(received) == "replaced"
        assert pending(received) is None
        with later(WINDOW):
            assert apply_due_decisions() == 0


def test_a_decision_that_was_left_behind_is_never_applied(app: Flask, lead: Viewer, call: StoredCall) -> None:
    """Whatever ended the application: the worker looks at its stage again."""
    with app.app_context():
        received = applicants(call, 1)[0]
        prepare(lead, received)
        send_all(lead, call)
        put(received, "withdrawn")
        with later(WINDOW):
            assert apply_due_decisions() == 0
        assert (stage_of(received), letters_to(received), pending(received)) == ("withdrawn", [], None)


def test_leaving_and_being_decided_at_the_same_moment(app: Flask, lead: Viewer, call: StoredCall) -> None:
    with app.app_context():
        everybody = applicants(call, 6)
        for received in everybody:
            prepare(lead, received)
        effective_at = send_all(lead, call).effective_at
    with time_machine.travel(effective_at + timedelta(seconds=1), tick=True):
        start = threading.Barrier(2)

        def leave() -> None:
            with app.app_context():
                start.wait()
                for received in everybody:
                    withdraw_application(submission_id=received.submission_id, token="bye")

        def work() -> None:
            with app.app_context():
                start.wait()
                for _ in everybody:
                    apply_due_decisions(limit=1)

        with ThreadPoolExecutor(2) as pool:
            for job in [pool.submit(leave), pool.submit(work)]:
                job.result()
    with app.app_context():
        assert Counter(map(stage_of, everybody)) == {"withdrawn": 6}
        assert not list_decisions(lead, call).batches
        for received in everybody:
            assert letters_to(received)[-2:] == ["application_withdrawn", "application_updated"]


def test_an_inquiry_cannot_be_withdrawn(app: Flask) -> None:
    with app.app_context(), pytest.raises(NoSuchCase):
        withdraw_application(submission_id=1, token="bye")


# ------------------------------------------------------------------------------------------------------ letters

LETTERS = {
    "decision_offer": {"kind": "offer", "message": "Hello.", "reply_by": "2026-12-09T21:59:59+00:00"},
    "decision_reserve": {"kind": "reserve", "message": "", "reply_by": None},
    "decision_decline": {"kind": "decline", "message": "", "reply_by": None},
    "offer_confirmed": {},
    "offer_lapsed": {"reply_by": "2026-12-09T21:59:59+00:00"},
    "application_withdrawn": {"retention_months": 12},
}


@pytest.mark.parametrize("kind", LETTERS)
def test_each_letter_says_the_call_and_the_way_back(app: Flask, lead: Viewer, call: StoredCall, kind: Any) -> None:
    with app.app_context():
        received = applicants(call, 1)[0]
        row = get_case(lead, received.reference).row
        facts = replace(
            facts_of_reply(row, body="", actor="Demo Koponen"),
            data=LETTERS[kind],
            call=call.document,
            address_as="Noor",
        )
        letter = write_letter(kind, "en", facts, content())
    assert "Intern for bioeconomy networks (en)" in letter.subject
    assert letter.body.startswith("Hello Noor,")
    for said in ("Intern for bioeconomy networks (en)", received.reference, "/en/track?reference="):
        assert said in letter.body
    if "reply_by" in LETTERS[kind] and LETTERS[kind]["reply_by"]:
        assert "9 December 2026 at 23:59" in letter.body


def test_a_letter_is_in_the_applicants_language(app: Flask, lead: Viewer, call: StoredCall) -> None:
    with app.app_context():
        received = apply(call, contact_language="fi")
        prepare(lead, received, "decline")
        decide_now(lead, call)
        language = db.session.scalars(
            select(Letter.language).where(
                Letter.submission_id == received.submission_id, Letter.kind == "decision_decline"
            )
        ).one()
        assert language == "fi"


def test_many_are_decided_in_a_constant_number_of_statements(
    app: Flask, lead: Viewer, call: StoredCall, count_statements: Callable[[], Any]
) -> None:
    with app.app_context():
        for received in applicants(call, 3):
            prepare(lead, received, "reserve")
        with count_statements() as few:
            send_all(lead, call)
            list_decisions(lead, call)
        other = make_call(lead.account_id)
        for received in applicants(other, 20):
            prepare(lead, received, "reserve")
        with count_statements() as many:
            send_all(lead, other)
            list_decisions(lead, other)
        assert len(few) == len(many)
