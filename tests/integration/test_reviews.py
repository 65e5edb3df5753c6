"""Reviewing applications: who sees what and when, what a review must have, and the table at size."""

import io
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, update

from portal import clock
from portal.database import db, transaction
from portal.models import Application, Attachment, Call, Decision, Event, Review, Submission
from portal.operations import reviews as operations
from portal.operations.accounts import add_account
from portal.operations.attachments import stage_file
from portal.operations.call_door import CallNotPossible, SeenCall
from portal.operations.cases import add_note
from portal.operations.door import CaseChanged, SeenCase
from portal.operations.reviewers import remove_reviewer
from portal.operations.reviews import WrittenReview, declare_no_conflict, finish_review, save_review, step_aside
from portal.operations.shortlist import WrongStage, shortlist_application, unshortlist_application
from portal.queries.arrival import PAGE_SIZE
from portal.queries.calls import StoredCall, get_led_call
from portal.queries.cases import NoSuchCase, UnderReview, find_file, get_case
from portal.queries.inbox import list_cases
from portal.queries.led_applications import find_led_file, get_led_application
from portal.queries.review_duties import find_next, list_duties, list_to_review
from portal.queries.review_table import list_applications, summarise_call
from portal.queries.reviews import Reviewable, find_review_file, get_reviewable
from portal.rules.applications import Stage
from portal.rules.policy import Viewer
from tests.integration.test_inbox import plan, sorts
from tests.internships import answers, apply, make_call
from tests.people import PASSWORD, add_people

Counting = Callable[[], AbstractContextManager[list[str]]]
SCORES = {"fit": {"score": 5, "why": "Has done it."}, "languages": {"score": 2, "why": "Little Finnish."}}
LOWER = {"fit": {"score": 2, "why": "New to it."}, "languages": {"score": 2, "why": "Little Finnish."}}
START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def people(app: Flask) -> dict[str, Viewer]:
    """Two managers, a coordinator, and two reviewers from outside: ``first`` and ``second``."""
    people = add_people(app)
    with app.app_context():
        return people | {key: a_reviewer(key) for key in ("first", "second")}


def a_reviewer(key: str) -> Viewer:
    from portal.models import Account

    email = f"{key}@demo.example.org"
    add_account(
        email=email,
        name=f"Demo {key.title()}",
        role="reviewer",
        manager_key=None,
        language="en",
        password=PASSWORD,
    )
    return db.session.scalars(select(Account).where(Account.email == email)).one().viewer


def a_call(people: dict[str, Viewer], *reviewers: str, **values: Any) -> StoredCall:
    return make_call(
        people["koponen"].account_id, reviewers=tuple(people[key].account_id for key in reviewers), **values
    )


def written(seen: Reviewable, scores: dict[str, Any] | None = None, comment: str = "") -> WrittenReview:
    assert seen.mine is not None
    return WrittenReview(SCORES if scores is None else scores, comment, seen.mine.changed_at)


def review(viewer: Viewer, reference: str, scores: dict[str, Any] | None = None) -> None:
    """Declare, score and finish."""
    declare_no_conflict(viewer, reference=reference)
    finish_review(viewer, reference=reference, written=written(get_reviewable(viewer, reference), scores))


def with_a_file(call: StoredCall, **values: Any) -> tuple[str, int]:
    file = stage_file(stream=io.BytesIO(b"My life\n"), filename="noor-example.txt")
    received = apply(call, command={"files": (file,)}, **values)
    found = select(Attachment.id).where(Attachment.submission_id == received.submission_id)
    return received.reference, db.session.scalars(found).one()


# ------------------------------------------------------------------------------------------------- declaration


def test_answers_and_files_open_with_the_declaration_and_not_before(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        reference, file_id = with_a_file(a_call(people, "first"))
        me = people["first"]
        before = get_reviewable(me, reference)
        assert before.answers == type(before.answers)(
            name="Noor Example", institution="Example University", study_field="Environmental policy"
        )
        assert (before.files, before.declared, find_review_file(me, reference, file_id)) == ((), False, None)
        declare_no_conflict(me, reference=reference)
        declare_no_conflict(me, reference=reference)  # a button that is pressed twice
        after = get_reviewable(me, reference)
        assert after.answers == answers()
        assert [file.id for file in after.files] == [file_id]
        assert find_review_file(me, reference, file_id) is not None
        kinds = select(Event.kind, Event.actor).where(Event.kind != "received")
        assert [tuple(row) for row in db.session.execute(kinds)] == [("conflict_cleared", "Demo First")]


def test_nothing_is_scored_before_the_declaration(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        reference = apply(a_call(people, "first")).reference
        for act in (save_review, finish_review):
            with pytest.raises(operations.NotDeclared):
                act(people["first"], reference=reference, written=WrittenReview(SCORES, "", None))
        assert db.session.scalars(select(Review.id)).all() == []


def test_who_steps_aside_sees_nothing_more_and_the_lead_sees_that(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        reference, file_id = with_a_file(a_call(people, "first", "second"))
        review(people["second"], reference)
        me = people["first"]
        declare_no_conflict(me, reference=reference)
        save_review(me, reference=reference, written=written(get_reviewable(me, reference)))
        step_aside(me, reference=reference)
        step_aside(me, reference=reference)
        seen = get_reviewable(me, reference)
        assert seen.answers == type(seen.answers)()
        assert (seen.files, seen.others, seen.stepped_aside) == ((), [], True)
        assert seen.mine is not None
        assert (seen.mine.scores, seen.mine.comment) == ({}, ""), "the draft is gone"
        assert find_review_file(me, reference, file_id) is None
        for act in (
            lambda: declare_no_conflict(me, reference=reference),
            lambda: save_review(me, reference=reference, written=written(seen)),
            lambda: finish_review(me, reference=reference, written=written(seen)),
            lambda: operations.reopen_review(me, reference=reference),
        ):
            with pytest.raises(operations.SteppedAside):
                act()
        led = get_led_application(people["koponen"], reference)
        assert {person.name: person.state for person in led.standings} == {
            "Demo First": "stepped_aside",
            "Demo Second": "done",
        }


def test_a_finished_review_must_be_taken_up_before_stepping_aside(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        reference = apply(a_call(people, "first")).reference
        review(people["first"], reference)
        with pytest.raises(operations.ReviewFinished):
            step_aside(people["first"], reference=reference)


# ------------------------------------------------------------------------------------------------------ scoring


@pytest.mark.parametrize(
    "scores",
    [
        {},
        {"fit": SCORES["fit"]},
        {**SCORES, "fit": {"score": 5, "why": "  "}},
        {**SCORES, "fit": {"score": None, "why": "Good"}},
        {**SCORES, "fit": {"score": 6, "why": "More than good"}},
    ],
)
def test_each_score_needs_its_reason(app: Flask, people: dict[str, Viewer], scores: dict[str, Any]) -> None:
    with app.app_context():
        reference = apply(a_call(people, "first")).reference
        me = people["first"]
        declare_no_conflict(me, reference=reference)
        typed = written(get_reviewable(me, reference), scores)
        with pytest.raises(operations.ReviewIncomplete):
            finish_review(me, reference=reference, written=typed)
        save_review(me, reference=reference, written=typed)
        mine = get_reviewable(me, reference).mine
        assert mine is not None
        assert (mine.scores, mine.finished_at) == (scores, None)


def test_a_draft_from_another_window_is_not_lost(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        reference = apply(a_call(people, "first")).reference
        me = people["first"]
        declare_no_conflict(me, reference=reference)
        opened = get_reviewable(me, reference)
        save_review(me, reference=reference, written=written(opened))
        save_review(me, reference=reference, written=written(opened))  # the same once more
        for act in (save_review, finish_review):
            with pytest.raises(operations.ReviewChanged):
                act(me, reference=reference, written=written(opened, LOWER))
        finish_review(me, reference=reference, written=written(get_reviewable(me, reference)))
        finish_review(me, reference=reference, written=written(opened))
        with pytest.raises(operations.ReviewFinished):
            save_review(me, reference=reference, written=written(get_reviewable(me, reference), LOWER))
        assert db.session.scalars(select(Event.kind).where(Event.kind == "reviewed")).all() == ["reviewed"]


def test_a_finished_review_can_be_changed_until_a_decision_is_sent(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        received = apply(a_call(people, "first"))
        me = people["first"]
        review(me, received.reference)
        operations.reopen_review(me, reference=received.reference)
        operations.reopen_review(me, reference=received.reference)
        finish_review(me, reference=received.reference, written=written(get_reviewable(me, received.reference), LOWER))
        now = clock.now()
        values = {"submission_id": received.submission_id, "kind": "decline", "reason": "", "message": ""}
        values |= {"prepared_at": now, "prepared_by": people["koponen"].account_id}
        with transaction() as connection:
            connection.execute(insert(Decision).values(values))
        operations.reopen_review(me, reference=received.reference)
        finish_review(me, reference=received.reference, written=written(get_reviewable(me, received.reference)))
        with transaction() as connection:
            connection.execute(update(Decision).values(released_at=now, effective_at=now + timedelta(minutes=5)))
        with pytest.raises(operations.ReviewClosed):
            operations.reopen_review(me, reference=received.reference)
        assert not get_reviewable(me, received.reference).writable


@pytest.mark.parametrize("stage", ["withdrawn", "replaced", "offered", "declined"])
def test_what_has_left_the_review_is_reviewed_no_more(app: Flask, people: dict[str, Viewer], stage: Stage) -> None:
    with app.app_context():
        received = apply(a_call(people, "first"))
        declare_no_conflict(people["first"], reference=received.reference)
        with transaction() as connection:
            connection.execute(update(Application).values(stage=stage))
        seen = get_reviewable(people["first"], received.reference)
        with pytest.raises(operations.ReviewClosed):
            save_review(people["first"], reference=received.reference, written=written(seen))


# --------------------------------------------------------------------------------------------------- visibility


def test_others_reviews_open_when_ones_own_is_finished(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        reference = apply(a_call(people, "first", "second")).reference
        first, second, lead = people["first"], people["second"], people["koponen"]
        declare_no_conflict(first, reference=reference)
        save_review(first, reference=reference, written=written(get_reviewable(first, reference), LOWER))
        assert get_led_application(lead, reference).reviews == [], "a draft is its writer's own"
        review(second, reference)
        assert get_reviewable(first, reference).others == []
        assert [r.reviewer for r in get_led_application(lead, reference).reviews] == ["Demo Second"]
        finish_review(first, reference=reference, written=written(get_reviewable(first, reference), LOWER))
        assert [r.reviewer for r in get_reviewable(first, reference).others] == ["Demo Second"]
        assert [r.reviewer for r in get_reviewable(second, reference).others] == ["Demo First"]
        operations.reopen_review(second, reference=reference)
        assert get_reviewable(second, reference).others == []
        assert [r.reviewer for r in get_led_application(lead, reference).reviews] == ["Demo First"]


def test_a_lead_who_reviews_waits_for_the_own_review_too(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        call = a_call(people, "first", "koponen")
        reference = apply(call).reference
        lead = people["koponen"]
        review(people["first"], reference)
        with pytest.raises(UnderReview):
            get_led_application(lead, reference)
        declare_no_conflict(lead, reference=reference)
        led = get_led_application(lead, reference)
        assert (led.reviews, led.waits_for_viewer) == ([], True)
        [line] = list_applications(lead, call).rows
        assert (line.mean, line.waits_for_viewer, line.done, line.asked) == (None, True, 1, 2)
        assert summarise_call(lead, call).scores["fit"] == (0, 0, 0, 0, 0)
        finish_review(lead, reference=reference, written=written(get_reviewable(lead, reference), LOWER))
        assert len(get_led_application(lead, reference).reviews) == 2
        assert list_applications(lead, call).rows[0].mean == pytest.approx((4 + 2) / 2)
        assert summarise_call(lead, call).scores["fit"] == (0, 1, 0, 0, 1)


def test_strangers_find_nothing(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        call = a_call(people, "first")
        reference, file_id = with_a_file(call)
        for key in ("second", "pirinen", "coordinator", "koponen"):
            other = people[key]
            with pytest.raises(NoSuchCase):
                get_reviewable(other, reference)
            assert find_review_file(other, reference, file_id) is None
            for act in (declare_no_conflict, step_aside):
                with pytest.raises(NoSuchCase):
                    act(other, reference=reference)
            assert list_duties(other) == []
        for key in ("first", "second", "pirinen"):
            with pytest.raises(NoSuchCase):
                get_led_application(people[key], reference)
            assert find_led_file(people[key], reference, file_id) is None
            with pytest.raises(NoSuchCase):
                shortlist_application(people[key], case=SeenCase(reference, 1, "a"))
            assert list_applications(people[key], call).rows == []
        assert get_led_application(people["coordinator"], reference).row.sender_name == "Noor Example"


def test_a_draft_call_is_nobodys_to_review(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        call = a_call(people, "first")
        reference = apply(call).reference
        with transaction() as connection:
            connection.execute(update(Call).values(status="draft"))
        assert list_duties(people["first"]) == []
        with pytest.raises(NoSuchCase):
            get_reviewable(people["first"], reference)


# -------------------------------------------------------------------------------------------------------- blind

SECRETS = ("Noor", "noor@example.org", "NL", "noor-example.txt")


def test_blind_shows_neither_person_nor_files_until_it_is_revealed(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        call = a_call(people, "first", blind=True)
        apply(call, email="other@example.org")
        reference, file_id = with_a_file(call)
        me = people["first"]
        before = get_reviewable(me, reference)
        assert before.answers == type(before.answers)(study_field="Environmental policy", study_level="master")
        declare_no_conflict(me, reference=reference)
        seen = get_reviewable(me, reference)
        assert seen.number == 2
        assert seen.answers.motivation
        assert not [secret for secret in SECRETS if repr(secret)[1:-1] in repr(seen)]
        assert find_review_file(me, reference, file_id) is None
        with transaction() as connection:
            connection.execute(update(Call).values(revealed_at=clock.now()))
        assert get_reviewable(me, reference).answers.name == "Noor Example"
        assert find_review_file(me, reference, file_id) is not None


def test_blind_holds_for_holders_coordinators_and_leads_who_review(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        call = a_call(people, "koponen", "coordinator", blind=True)
        reference, file_id = with_a_file(call)
        for key in ("koponen", "coordinator"):
            me = people[key]
            declare_no_conflict(me, reference=reference)
            version = db.session.scalars(select(Submission.version)).one()
            with pytest.raises(UnderReview):
                get_case(me, reference)
            with pytest.raises(UnderReview):
                get_led_application(me, reference)
            assert (find_file(me, reference, file_id), find_led_file(me, reference, file_id)) == (None, None)
            with pytest.raises(NoSuchCase):
                add_note(me, case=SeenCase(reference, version, "n"), body="I know this one")
            [row] = list_cases(me, box="mine" if key == "koponen" else "all", status="any").rows
            assert row.hidden
            assert list_applications(me, call).rows[0].row.closed
        with transaction() as connection:
            connection.execute(update(Call).values(revealed_at=clock.now()))
        for key in ("koponen", "coordinator"):
            assert get_case(people[key], reference).row.led
            assert not list_cases(people[key], box="all", status="any").rows[0].hidden


def test_a_lead_who_does_not_review_sees_names(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        call = a_call(people, "first", blind=True)
        reference, file_id = with_a_file(call)
        lead = people["koponen"]
        assert get_case(lead, reference).row.sender_name == "Noor Example"
        assert get_led_application(lead, reference).process.answers.name == "Noor Example"
        assert find_led_file(lead, reference, file_id) is not None
        assert not list_applications(lead, call).rows[0].row.closed


def test_a_holder_who_reviews_declares_before_reading_the_case(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        reference, file_id = with_a_file(a_call(people, "koponen"))
        me = people["koponen"]
        with pytest.raises(UnderReview):
            get_case(me, reference)
        assert find_file(me, reference, file_id) is None
        declare_no_conflict(me, reference=reference)
        assert get_case(me, reference).row.reviewing
        assert find_file(me, reference, file_id) is not None
        step_aside(me, reference=reference)
        with pytest.raises(UnderReview):
            get_case(me, reference)


def taken_off(viewer: Viewer, slug: str, person: Viewer) -> None:
    db.session.rollback()
    call = get_led_call(viewer, slug)
    remove_reviewer(viewer, call=SeenCall(slug, call.version, secrets.token_hex(8)), account_id=person.account_id)


def test_stepping_aside_is_for_good_whoever_reviews_the_call(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        call = a_call(people, "koponen", "coordinator")
        reference, file_id = with_a_file(call)
        other = apply(call, email="other@example.org").reference
        for key in ("koponen", "coordinator"):
            me = people[key]
            step_aside(me, reference=reference)
            taken_off(me, call.slug, me)
            with pytest.raises(UnderReview):
                get_case(me, reference)
            with pytest.raises(UnderReview):
                get_led_application(me, reference)
            assert (find_file(me, reference, file_id), find_led_file(me, reference, file_id)) == (None, None)
            hidden = {row.reference: row.hidden for row in list_cases(me, box="all", status="any").rows}
            assert hidden[reference] and not hidden[other]
            assert get_led_application(me, other).process.answers.name == "Noor Example"
            db.session.rollback()


def test_who_has_begun_to_review_blind_stays_until_names_are_revealed(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        call = a_call(people, "koponen", "pirinen", "first", blind=True)
        reference = apply(call).reference
        lead, coordinator = people["koponen"], people["coordinator"]
        taken_off(lead, call.slug, people["pirinen"])  # has not begun
        for key in ("koponen", "first"):
            declare_no_conflict(people[key], reference=reference)
        for viewer in (lead, coordinator):
            with pytest.raises(CallNotPossible) as refusal:
                taken_off(viewer, call.slug, lead)
            assert refusal.value.reason == "reviews_blind"
        with pytest.raises(UnderReview):
            get_case(lead, reference)
        taken_off(lead, call.slug, people["first"])  # who opens no case in any event
        with transaction() as connection:
            connection.execute(update(Call).values(revealed_at=clock.now()))
        taken_off(lead, call.slug, lead)
        assert get_case(lead, reference).row.led


# ---------------------------------------------------------------------------------------------------- short list


def test_the_short_list_is_a_persons_act_with_its_reason(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        received = apply(a_call(people))
        lead = people["koponen"]
        seen = SeenCase(received.reference, 1, "once")
        shortlist_application(lead, case=seen, reason="Knows lakes")
        shortlist_application(lead, case=seen, reason="Knows lakes")
        with pytest.raises(CaseChanged):
            shortlist_application(people["coordinator"], case=SeenCase(received.reference, 1, "other"))
        with pytest.raises(WrongStage):
            shortlist_application(lead, case=SeenCase(received.reference, 2, "again"))
        assert get_led_application(lead, received.reference).process.stage == "shortlisted"
        unshortlist_application(lead, case=SeenCase(received.reference, 2, "off"))
        assert get_led_application(lead, received.reference).process.stage == "received"
        done = db.session.execute(select(Event.kind, Event.body).order_by(Event.id)).all()
        assert [tuple(row) for row in done[1:]] == [("shortlisted", "Knows lakes"), ("unshortlisted", None)]


# ------------------------------------------------------------------------------------------------------- at size


def fill(call: StoredCall, reviewers: list[Viewer], number: int) -> None:
    """Applications to a call, each with a finished review of every reviewer."""
    with transaction() as connection:
        rows = [_submission(n) for n in range(number)]
        ids = list(connection.scalars(insert(Submission).returning(Submission.id), rows))
        stages = ("received", "received", "received", "shortlisted", "withdrawn")
        connection.execute(
            insert(Application),
            [
                {
                    "submission_id": id_,
                    "call_id": call.id,
                    "stage": stages[n % 5],
                    "answers": answers(email=f"a{n}@example.org").as_data(),
                    "email_key": f"a{n}@example.org",
                    "late": False,
                }
                for n, id_ in enumerate(sorted(ids))
            ],
        )
        done = {"conflict": "none", "comment": "", "declared_at": START, "changed_at": START, "finished_at": START}
        if reviewers:
            connection.execute(
                insert(Review),
                [
                    {"submission_id": id_, "account_id": reviewer.account_id, "scores": SCORES, **done}
                    for id_ in ids
                    for reviewer in reviewers
                ],
            )


def _submission(number: int) -> dict[str, Any]:
    at = START + timedelta(minutes=number)
    return {
        "reference": f"KS-2026-R{number:08d}",
        "token": secrets.token_hex(12),
        "code_hash": "0" * 64,
        "kind": "internship",
        "language": "en",
        "topic": "errin",
        "holder": "koponen",
        "status": "new",
        "version": 1,
        "edition": 1,
        "routed_topic": "errin",
        "routed_holder": "koponen",
        "routed_reason": "topic",
        "routed_skipped": "",
        "sender_name": f"Applicant {number}",
        "sender_email": f"a{number}@example.org",
        "sender_organisation": "Example University",
        "sender_telephone": "",
        "sender_country": "NL",
        "subject": "Intern",
        "message": "Text",
        "received_at": at,
        "changed_at": at,
    }


def test_the_table_at_2_000_applications(app: Flask, people: dict[str, Viewer], count_statements: Counting) -> None:
    with app.app_context():
        call = a_call(people, "first", "second", "pirinen")
        lead, me = people["koponen"], people["first"]
        apply(call)

        def statements() -> list[int]:
            counts = []
            for read in (
                lambda: list_applications(lead, get_led_call(lead, call.slug)),
                lambda: summarise_call(lead, call),
                lambda: list_duties(me),
                lambda: list_to_review(me, list_duties(me)[0]),
            ):
                with count_statements() as found:
                    read()
                counts.append(len(found))
            return counts

        at_one = statements()
        fill(call, [people[key] for key in ("first", "second", "pirinen")], 2_000)
        assert statements() == at_one == [4, 3, 2, 3]
        with db.engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE")
        from portal.queries import review_duties, review_table

        for stage in (None, "shortlisted"):
            for back in (False, True):
                said = plan(review_table._page(lead, stage, back).params(call=call.id, key=1_000, stage=stage))  # type: ignore[arg-type]
                assert "ix_applications_call_id" in said, said
                assert "Seq Scan on submissions" not in said, said
        assert not sorts(plan(review_duties._to_review(me, False).params(call=call.id, key=1_000)))


def test_pages_of_the_table_meet_everybody_once_in_order_of_arrival(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        call = a_call(people, "first")
        lead, me = people["koponen"], people["first"]
        fill(call, [], 120)
        ids = list(db.session.scalars(select(Application.submission_id).order_by(Application.submission_id)))

        def walk(stage: Stage | None) -> list[tuple[int, int]]:
            found, key = [], None
            while True:
                table = list_applications(lead, call, stage=stage, after=key)
                found += [(line.row.id, line.row.number) for line in table.rows]
                key = table.later
                if key is None:
                    return found

        assert walk(None) == list(zip(ids, range(1, 121), strict=True))
        assert [number for _id, number in walk("shortlisted")] == list(range(4, 121, 5))
        second = list_applications(lead, call, after=ids[PAGE_SIZE - 1])
        back = list_applications(lead, call, before=second.earlier)
        assert ([line.row.id for line in back.rows], back.earlier) == (ids[:PAGE_SIZE], None)
        assert list_applications(lead, call).by_stage == {"received": 72, "shortlisted": 24, "withdrawn": 24}
        # The reviewer's list leaves out what was withdrawn, and counts it nowhere.
        [duty] = list_duties(me)
        assert (duty.total, duty.done, duty.waiting) == (96, 0, 96)
        page = list_to_review(me, duty)
        assert [row.number for row in page.rows][:6] == [1, 2, 3, 4, 6, 7]
        assert page.later is not None
        assert list_to_review(me, duty, before=page.later + 1).rows[0].id == page.rows[0].id


def test_the_next_one_is_the_next_to_arrive_that_waits(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        call = a_call(people, "first")
        me = people["first"]
        first, second, third = [apply(call, email=f"{n}@example.org") for n in range(3)]
        assert find_next(me, call.id, 0) == first.reference
        assert find_next(me, call.id, first.submission_id) == second.reference
        assert find_next(me, call.id, third.submission_id) == first.reference, "then from the beginning"
        review(me, first.reference)
        step_aside(me, reference=third.reference)
        assert find_next(me, call.id, third.submission_id) == second.reference
        assert find_next(me, call.id, second.submission_id) is None
        [duty] = list_duties(me)
        assert (duty.done, duty.total, duty.stepped_aside) == (1, 2, 1)


def test_applications_of_the_same_address_are_linked(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        call = a_call(people)
        first = apply(call)
        second = apply(call, email="NOOR@example.org", command={"replaces": first.submission_id})
        apply(call, email="other@example.org")
        lead = people["koponen"]
        assert [row.reference for row in get_led_application(lead, second.reference).related] == [first.reference]
        assert [row.reference for row in get_led_application(lead, first.reference).related] == [second.reference]
        assert [line.row.repeated for line in list_applications(lead, call).rows] == [True, True, False]
