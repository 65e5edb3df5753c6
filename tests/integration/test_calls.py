"""Calls from draft to decided: what is kept, what is refused, who is told."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, update

from portal import clock
from portal.content.calls import CallDocument, Question
from portal.database import db, transaction
from portal.models import Account, Application, Call, CallEvent, CallReviewer, Draft, Letter, Review
from portal.operations.accounts import add_account, close_account
from portal.operations.call_door import CallChanged, CallNotPossible, NotPublishable, SeenCall
from portal.operations.call_life import (
    change_closing,
    close_call,
    mark_decided,
    publish_call,
    reveal_names,
    unpublish_call,
)
from portal.operations.calls import CallCommand, create_call, duplicate_call, save_call, save_document
from portal.operations.drafts import begin_draft, mail_draft_link, save_draft
from portal.operations.late import hand_in_late, refuse_late
from portal.operations.outbox import retry_call_letter
from portal.operations.reviewers import add_reviewer, remove_reviewer
from portal.queries.call_page import Waiting, get_call, get_call_page, list_calls
from portal.queries.calls import NoSuchCall, StoredCall, find_call
from portal.queries.drafts import find_draft
from portal.rules.policy import Viewer
from portal.rules.publishing import Fault
from tests.conftest import Outbox
from tests.internships import a_document, answers, apply, in_three_languages, make_call
from tests.people import PASSWORD, add_people

OPENS = datetime(2036, 12, 1, 7, 0, tzinfo=UTC)
CLOSES = datetime(2036, 12, 15, 13, 0, tzinfo=UTC)
WHOLE = a_document(answer_by=date(2037, 1, 20))


@pytest.fixture
def people(app: Flask) -> Iterator[dict[str, Viewer]]:
    people = add_people(app)
    with app.app_context():
        add_account(
            email="reviewer@demo.example.org",
            name="Demo Reviewer",
            role="reviewer",
            manager_key=None,
            language="sv",
            password=PASSWORD,
        )
        account = db.session.scalars(select(Account).where(Account.role == "reviewer")).one()
        yield {**people, "reviewer": account.viewer}


def seen(slug: str, token: str | None = None) -> SeenCall:
    """The call as it is now."""
    db.session.rollback()
    call = find_call(slug)
    assert call is not None
    return SeenCall(slug, call.version, token or f"token-{call.id}-{call.version}-{clock.now().timestamp()}")


def stored(slug: str) -> StoredCall:
    db.session.rollback()
    call = find_call(slug)
    assert call is not None
    return call


def command(**values: Any) -> CallCommand:
    return CallCommand(
        **{
            "document": WHOLE,
            "opens_at": OPENS,
            "closes_at": CLOSES,
            "blind": False,
            "retention_months": 18,
            **values,
        }
    )


def a_draft(viewer: Viewer, **values: Any) -> str:
    slug = create_call(viewer, title={"fi": "Harjoittelija: EU-rahoitus"}, token=f"new-{clock.now().timestamp()}")
    save_call(viewer, call=seen(slug), command=command(**values))
    return slug


def kinds(slug: str) -> list[str]:
    db.session.rollback()
    return list(
        db.session.scalars(
            select(CallEvent.kind)
            .join(Call, Call.id == CallEvent.call_id)
            .where(Call.slug == slug)
            .order_by(CallEvent.id)
        )
    )


def letters() -> list[tuple[str, str, str]]:
    db.session.rollback()
    rows = db.session.execute(
        select(Letter.recipient, Letter.language, Call.slug).join(Call, Call.id == Letter.call_id).order_by(Letter.id)
    )
    return [(row.recipient, row.language, row.slug) for row in rows]


# ------------------------------------------------------------------------------------------- made and written


def test_a_call_begins_as_a_draft_once(people: dict[str, Viewer]) -> None:
    title = {"fi": "Harjoittelija: Työ & muuta"}
    slug = create_call(people["koponen"], title=title, token="one")
    assert create_call(people["koponen"], title=title, token="one") == slug
    other = create_call(people["koponen"], title=title, token="two")
    year = clock.now().year
    assert (slug, other) == (f"harjoittelija-tyo-muuta-{year}", f"harjoittelija-tyo-muuta-{year}-2")
    call = stored(slug)
    assert (call.phase, call.version, call.lead_id) == ("draft", 1, people["koponen"].account_id)
    assert kinds(slug) == ["created"]


def test_who_leads_no_calls_makes_none(people: dict[str, Viewer]) -> None:
    with pytest.raises(NoSuchCall):
        create_call(people["reviewer"], title={"fi": "x"}, token="one")


def test_what_is_saved_is_kept_and_noted(people: dict[str, Viewer]) -> None:
    slug = a_draft(people["koponen"], blind=True)
    call = stored(slug)
    assert call.document == WHOLE
    assert (call.times.opens_at, call.times.closes_at) == (OPENS, CLOSES)
    assert (call.blind, call.retention_months, call.version) == (True, 18, 2)
    save_call(people["koponen"], call=seen(slug), command=command(blind=True))  # nothing new, nothing noted
    assert kinds(slug) == ["created", "changed"]


def test_the_second_editor_is_told_who_was_first(people: dict[str, Viewer]) -> None:
    slug = a_draft(people["koponen"])
    both = seen(slug)
    document = WHOLE.model_copy(update={"title": {**WHOLE.title, "sv": "Praktikant"}})
    save_call(people["coordinator"], call=replace(both, token="hers"), command=command(document=document))
    with pytest.raises(CallChanged) as refusal:
        save_call(people["koponen"], call=replace(both, token="his"), command=command(retention_months=3))
    assert (refusal.value.actor, refusal.value.kind) == ("Demo Coordinator", "changed")
    assert refusal.value.parts == ["title.sv"]
    assert stored(slug).retention_months == 18


def test_a_button_pressed_twice_saves_once(people: dict[str, Viewer]) -> None:
    slug = a_draft(people["koponen"])
    once = seen(slug, "pressed")
    for _ in range(2):
        save_call(people["koponen"], call=once, command=command(retention_months=6))
    assert (stored(slug).retention_months, stored(slug).version) == (6, 3)


def test_a_call_is_its_leads_alone(people: dict[str, Viewer]) -> None:
    slug = a_draft(people["koponen"])
    for name in ("pirinen", "reviewer"):
        with pytest.raises(NoSuchCall):
            save_call(people[name], call=seen(slug), command=command())
        with pytest.raises(NoSuchCall):
            publish_call(people[name], call=seen(slug))
        with pytest.raises(NoSuchCall):
            duplicate_call(people[name], slug=slug, token="copy")
        with pytest.raises(NoSuchCall):
            get_call_page(people[name], slug)
        assert list_calls(people[name]) == []
    assert [call.slug for call, _waiting in list_calls(people["coordinator"])] == [slug]


def test_a_copy_has_all_but_the_dates(people: dict[str, Viewer]) -> None:
    with pytest.raises(NoSuchCall):
        duplicate_call(people["koponen"], slug="nothing", token="copy")
    source = make_call(
        people["koponen"].account_id,
        reviewers=(people["reviewer"].account_id, people["pirinen"].account_id),
        document=WHOLE,
        blind=True,
        retention_months=7,
    )
    close_account(email="pirinen@demo.example.org")
    slug = duplicate_call(people["koponen"], slug=source.slug, token="copy")
    assert duplicate_call(people["koponen"], slug=source.slug, token="copy") == slug
    call = stored(slug)
    cleared = {"starts_on": None, "ends_on": None, "answer_by": None}
    assert call.document == WHOLE.model_copy(update=cleared)
    assert (call.phase, call.times.opens_at, call.times.closes_at) == ("draft", None, None)
    assert (call.blind, call.retention_months) == (True, 7)
    page = get_call_page(people["koponen"], slug)
    assert [person.name for person in page.reviewers] == ["Demo Reviewer"]
    assert page.copied_from is not None
    assert page.copied_from[0] == source.slug
    assert letters() == [], "nobody is asked to review what is not published"


# -------------------------------------------------------------------------------------- published, taken back


def test_publishing_names_all_that_is_missing(people: dict[str, Viewer]) -> None:
    document = WHOLE.model_copy(update={"text": {"fi": "Tule!"}, "topics": ()})
    slug = a_draft(people["koponen"], document=document, opens_at=None)
    with pytest.raises(NotPublishable) as refusal:
        publish_call(people["koponen"], call=seen(slug))
    assert refusal.value.faults == [Fault("text", "sv"), Fault("text", "en"), Fault("topics"), Fault("opens_at")]
    assert stored(slug).phase == "draft"


def test_a_published_call_gets_its_lasting_address(people: dict[str, Viewer]) -> None:
    draft = a_draft(people["koponen"])
    publish_call(people["koponen"], call=seen(draft))
    slug = "intern-for-bioeconomy-networks-fi-2036"
    call = stored(slug)
    assert (call.phase, call.published_at is not None) == ("scheduled", True)
    assert get_call(people["koponen"], draft).slug == slug, "the draft's address leads to it"
    with pytest.raises(NoSuchCall):
        get_call(people["pirinen"], draft)
    document = WHOLE.model_copy(update={"title": in_three_languages("Another title")})
    save_call(people["koponen"], call=seen(slug), command=command(document=document))
    unpublish_call(people["koponen"], call=seen(slug))
    assert stored(slug).phase == "draft"
    publish_call(people["koponen"], call=seen(slug))
    assert stored(slug).document.title == in_three_languages("Another title")
    assert kinds(slug)[-4:] == ["published", "changed", "unpublished", "published"]
    with pytest.raises(CallNotPossible):
        publish_call(people["koponen"], call=seen(slug))


def test_a_published_call_stays_whole_and_keeps_its_times(people: dict[str, Viewer]) -> None:
    call = make_call(people["koponen"].account_id, document=WHOLE)
    broken = WHOLE.model_copy(update={"tasks": {"fi": "Kartoitus"}})
    with pytest.raises(NotPublishable) as refusal:
        save_call(people["koponen"], call=seen(call.slug), command=command(document=broken))
    assert refusal.value.faults == [Fault("tasks", "sv"), Fault("tasks", "en")]
    save_call(people["koponen"], call=seen(call.slug), command=command(opens_at=None, closes_at=None))
    assert stored(call.slug).times == call.times


def test_what_lacked_before_does_not_stop_a_correction(people: dict[str, Viewer]) -> None:
    lacking = WHOLE.model_copy(update={"tasks": {"fi": "Kartoitus"}})
    call = make_call(people["koponen"].account_id, document=lacking)
    better = lacking.model_copy(update={"tasks": {"fi": "Kartoitus", "sv": "Kartläggning"}})
    save_call(people["koponen"], call=seen(call.slug), command=command(document=better))
    assert stored(call.slug).document.tasks["sv"] == "Kartläggning"


def test_no_way_back_once_somebody_has_begun(people: dict[str, Viewer]) -> None:
    call = make_call(people["koponen"].account_id)
    now = clock.now()
    with transaction() as connection:
        connection.execute(
            insert(Draft).values(
                call_id=call.id,
                token="draft",
                link_hash="link",
                code_hash="code",
                language="en",
                answers={},
                files=[],
                steps=[],
                version=1,
                created_at=now,
                changed_at=now,
                expires_at=now + timedelta(days=30),
            )
        )
    with pytest.raises(CallNotPossible) as refusal:
        unpublish_call(people["koponen"], call=seen(call.slug))
    assert refusal.value.reason == "has_applications"
    assert {c.slug: w for c, w in list_calls(people["koponen"])} == {call.slug: Waiting(drafts=1)}


# -------------------------------------------------------------------------------- what people have answered to


def test_what_people_answered_to_stays_as_it_was(people: dict[str, Viewer]) -> None:
    call = make_call(people["koponen"].account_id, document=WHOLE)
    apply(call)

    def with_questions(*questions: Question) -> Any:
        return lambda document: document.model_copy(update={"questions": questions})

    why, remote = WHOLE.questions
    with pytest.raises(CallNotPossible) as refusal:
        save_document(people["koponen"], call=seen(call.slug), edit=with_questions(why))
    assert refusal.value.reason == "questions_frozen"
    with pytest.raises(CallNotPossible) as refusal:
        save_call(people["koponen"], call=seen(call.slug), command=command(blind=True))
    assert refusal.value.reason == "blind_frozen"
    corrected = why.model_copy(update={"label": in_three_languages("Why you?")})
    save_document(people["koponen"], call=seen(call.slug), edit=with_questions(corrected, remote))
    assert stored(call.slug).document.questions == (corrected, remote)
    with pytest.raises(CallNotPossible):
        unpublish_call(people["koponen"], call=seen(call.slug))


def test_criteria_stay_once_a_review_has_begun(people: dict[str, Viewer]) -> None:
    call = make_call(people["koponen"].account_id, document=WHOLE)
    received = apply(call)

    def first_weighs(weight: int) -> Any:
        def edit(document: CallDocument) -> CallDocument:
            first, *others = document.criteria
            return document.model_copy(update={"criteria": (first.model_copy(update={"weight": weight}), *others)})

        return edit

    save_document(people["koponen"], call=seen(call.slug), edit=first_weighs(5))
    now = clock.now()
    with transaction() as connection:
        connection.execute(
            insert(Review).values(
                submission_id=received.submission_id,
                account_id=people["reviewer"].account_id,
                conflict="none",
                declared_at=now,
                scores={},
                comment="",
                changed_at=now,
            )
        )
    with pytest.raises(CallNotPossible) as refusal:
        save_document(people["koponen"], call=seen(call.slug), edit=first_weighs(6))
    assert refusal.value.reason == "criteria_frozen"


# ------------------------------------------------------------------------------------------ closing, deciding


def test_closing_early_and_later_again_with_reasons(people: dict[str, Viewer]) -> None:
    call = make_call(people["koponen"].account_id)
    close_call(people["koponen"], call=seen(call.slug), reason="Enough applications")
    assert stored(call.slug).phase == "closed"
    with pytest.raises(CallNotPossible):
        close_call(people["koponen"], call=seen(call.slug), reason="Again")
    with pytest.raises(CallNotPossible) as refusal:
        change_closing(people["koponen"], call=seen(call.slug), closes_at=clock.now(), reason="Now")
    assert refusal.value.reason == "too_early"
    change_closing(people["koponen"], call=seen(call.slug), closes_at=CLOSES, reason="A holiday")
    again = stored(call.slug)
    assert (again.phase, again.times.ends_at) == ("open", CLOSES)
    events = get_call_page(people["koponen"], call.slug).events
    assert [(event.kind, event.data["reason"]) for event in events] == [
        ("closing_changed", "A holiday"),
        ("closed_early", "Enough applications"),
    ]
    assert events[0].data["after"] == CLOSES.isoformat()


def test_a_new_closing_time_takes_the_place_of_an_extension(people: dict[str, Viewer]) -> None:
    now = clock.now()
    call = make_call(
        people["koponen"].account_id, closes_at=now + timedelta(hours=1), extended_to=now + timedelta(hours=2)
    )
    change_closing(people["koponen"], call=seen(call.slug), closes_at=now + timedelta(minutes=90), reason="Shorter")
    times = stored(call.slug).times
    assert (times.closes_at, times.extended_to) == (now + timedelta(minutes=90), None)


def test_a_call_is_decided_when_nobody_waits(people: dict[str, Viewer]) -> None:
    call = make_call(people["koponen"].account_id, document=WHOLE)
    received = apply(call)
    with pytest.raises(CallNotPossible) as refusal:
        mark_decided(people["koponen"], call=seen(call.slug))
    assert refusal.value.reason == "not_closed"
    close_call(people["koponen"], call=seen(call.slug), reason="Full")
    with pytest.raises(CallNotPossible) as refusal:
        mark_decided(people["koponen"], call=seen(call.slug))
    assert refusal.value.reason == "undecided"
    assert get_call_page(people["koponen"], call.slug).waiting == Waiting(applications=1, undecided=1)
    with transaction() as connection:
        connection.execute(
            update(Application).where(Application.submission_id == received.submission_id).values(stage="declined")
        )
    mark_decided(people["koponen"], call=seen(call.slug))
    decided = stored(call.slug)
    assert (decided.phase, decided.decided_at is not None) == ("decided", True)
    for act in (
        lambda: save_call(people["koponen"], call=seen(call.slug), command=command(retention_months=1)),
        lambda: change_closing(people["koponen"], call=seen(call.slug), closes_at=CLOSES, reason="x"),
        lambda: add_reviewer(people["koponen"], call=seen(call.slug), account_id=people["pirinen"].account_id),
    ):
        with pytest.raises(CallNotPossible) as refusal:
            act()
        assert refusal.value.reason == "decided"


def test_a_call_is_not_decided_while_a_late_application_waits(people: dict[str, Viewer]) -> None:
    lead = people["koponen"]
    call = make_call(lead.account_id, document=WHOLE, closes_at=clock.now() - timedelta(minutes=1))
    draft = find_draft(begin_draft(call_id=call.id, language="en"))
    assert draft is not None
    save_draft(draft_id=draft.id, answers=answers(), files=())
    draft = find_draft(draft.id)
    assert draft is not None
    hand_in_late(draft=draft)
    with pytest.raises(CallNotPossible) as refusal:
        mark_decided(lead, call=seen(call.slug))
    assert refusal.value.reason == "late_waits"
    refuse_late(lead, slug=call.slug, draft_id=draft.id)
    mark_decided(lead, call=seen(call.slug))
    assert stored(call.slug).phase == "decided"


def test_names_are_revealed_once_and_it_is_noted(people: dict[str, Viewer]) -> None:
    call = make_call(people["koponen"].account_id, blind=True)
    assert call.hides_people
    reveal_names(people["koponen"], call=seen(call.slug))
    assert not stored(call.slug).hides_people
    assert stored(call.slug).revealed_at is not None
    assert kinds(call.slug) == ["revealed"]
    with pytest.raises(CallNotPossible):
        reveal_names(people["koponen"], call=seen(call.slug))


# -------------------------------------------------------------------------------------------------- reviewers


def test_a_reviewer_is_told_in_their_language(app: Flask, people: dict[str, Viewer], outbox: Outbox) -> None:
    call = make_call(people["koponen"].account_id)
    person = people["reviewer"].account_id
    for _ in range(2):
        add_reviewer(people["koponen"], call=seen(call.slug), account_id=person)
    assert letters() == [("reviewer@demo.example.org", "sv", call.slug)]
    assert kinds(call.slug) == ["reviewer_added"]
    if "workspace.reviews" not in app.view_functions:  # the page to which the letter leads
        app.add_url_rule("/workspace/reviews", "workspace.reviews", lambda: "")
    db.session.rollback()
    [message] = outbox.deliver()
    assert message["To"] == "reviewer@demo.example.org"
    assert message["Content-Language"] == "sv"
    assert "Intern for bioeconomy networks (sv)" in message["Subject"]
    assert "http://localhost/workspace/reviews" in message.get_content()


def test_reviewers_of_a_draft_are_told_when_it_is_published_and_never_twice(people: dict[str, Viewer]) -> None:
    slug = a_draft(people["koponen"])
    add_reviewer(people["koponen"], call=seen(slug), account_id=people["reviewer"].account_id)
    assert letters() == []
    publish_call(people["koponen"], call=seen(slug))
    slug = get_call(people["koponen"], slug).slug
    assert [recipient for recipient, _language, _slug in letters()] == ["reviewer@demo.example.org"]
    unpublish_call(people["koponen"], call=seen(slug))
    publish_call(people["koponen"], call=seen(slug))
    assert len(letters()) == 1


def test_only_open_accounts_that_may_review_are_asked(people: dict[str, Viewer]) -> None:
    call = make_call(people["koponen"].account_id)
    admin = add_account(
        email="admin@demo.example.org",
        name="Demo Admin",
        role="administrator",
        manager_key=None,
        language="en",
        password=PASSWORD,
    )
    close_account(email="pirinen@demo.example.org")
    for account_id in (admin, people["pirinen"].account_id, 99_999):
        with pytest.raises(CallNotPossible) as refusal:
            add_reviewer(people["koponen"], call=seen(call.slug), account_id=account_id)
        assert refusal.value.reason == "no_reviewer"
    offered = [person.name for person in get_call_page(people["koponen"], call.slug).candidates]
    assert offered == ["Demo Coordinator", "Demo Koponen", "Demo Reviewer"]


def test_a_reviewer_is_taken_off_once(people: dict[str, Viewer]) -> None:
    person = people["reviewer"].account_id
    call = make_call(people["koponen"].account_id, reviewers=(person,))
    for _ in range(2):
        remove_reviewer(people["koponen"], call=seen(call.slug), account_id=person)
    db.session.rollback()
    assert db.session.scalars(select(CallReviewer.account_id)).all() == []
    assert kinds(call.slug) == ["reviewer_removed"]


# ---------------------------------------------------------------------------------------------- letters that failed


def test_a_letter_about_a_call_or_a_draft_is_sent_again_by_who_keeps_the_call(people: dict[str, Viewer]) -> None:
    lead, call = people["koponen"], make_call(people["koponen"].account_id)
    add_reviewer(lead, call=seen(call.slug), account_id=people["reviewer"].account_id)
    draft = find_draft(begin_draft(call_id=call.id, language="en"))
    assert draft is not None
    save_draft(draft_id=draft.id, answers=answers(), files=())
    draft = find_draft(draft.id)
    assert draft is not None
    mail_draft_link(draft=draft)
    apply(call)  # its letters count with the case
    with transaction() as connection:
        connection.execute(update(Letter).values(status="failed", error="550 noor@example.org"))
    page = get_call_page(lead, call.slug)
    assert [(letter.kind, letter.recipient, letter.error) for letter in page.failed] == [
        ("review_invited", "reviewer@demo.example.org", "550 noor@example.org"),
        ("draft_saved", None, None),
    ]
    assert page.waiting.failed == 2
    [(_call, waiting)] = list_calls(lead)
    assert waiting.failed == 2
    of_case = db.session.scalars(select(Letter.id).where(Letter.submission_id.is_not(None))).first()
    assert of_case is not None
    db.session.rollback()
    for letter in page.failed:
        with pytest.raises(NoSuchCall):
            retry_call_letter(people["pirinen"], slug=call.slug, letter_id=letter.id)
        retry_call_letter(people["coordinator"], slug=call.slug, letter_id=letter.id)
        with pytest.raises(NoSuchCall):
            retry_call_letter(lead, slug=call.slug, letter_id=letter.id)
    with pytest.raises(NoSuchCall):
        retry_call_letter(lead, slug=call.slug, letter_id=of_case)
    assert list(get_call_page(lead, call.slug).failed) == []
