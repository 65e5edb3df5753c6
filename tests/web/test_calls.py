"""A manager's ten minutes: a call begun or copied, written in three languages, published, followed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, update
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from portal import clock
from portal.database import db, transaction
from portal.models import Call, CallEvent, Draft, Letter
from portal.operations.drafts import begin_draft, mail_draft_link, save_draft
from portal.queries.calls import StoredCall, find_call
from portal.queries.drafts import find_draft
from portal.rules.policy import Viewer
from tests.conftest import CheckingClient
from tests.internships import a_document, answers, apply, make_call
from tests.people import add_people
from tests.web.browsing import form_of, text_of
from tests.web.doors_of_calls import a_failed_letter
from tests.web.signing_in import a_browser, sign_in

CALLS = "/workspace/calls"
Counting = Callable[[], AbstractContextManager[list[str]]]

TEXTS = {
    "title": ("Harjoittelija: verkostot", "Praktikant: nätverk", "Intern: networks"),
    "text": ("Tule meille.", "Kom till oss.", "Come to us."),
    "tasks": ("- kartoitus\n- viestintä", "- kartläggning", "- mapping"),
    "place": ("Jyväskylä", "Jyväskylä", "Jyväskylä"),
    "who": ("Opiskelijat", "Studerande", "Students"),
    "languages": ("Englanti", "Engelska", "English"),
}
FACTS = {
    "topics": ["errin", "tci"],
    "starts_on": "2037-02-01",
    "ends_on": "2037-06-30",
    "weeks_min": "8",
    "weeks_max": "16",
    "hours_per_week": "36",
    "opens_day": "2036-12-01",
    "opens_clock": "09:00",
    "closes_day": "2036-12-15",
    "closes_clock": "15.00",
    "answer_by": "2037-01-15",
    "retention_months": "18",
}


def all_texts() -> dict[str, str]:
    return {
        f"{name}_{code}": said for name, by in TEXTS.items() for code, said in zip(("fi", "sv", "en"), by, strict=True)
    }


@pytest.fixture
def people(app: Flask) -> dict[str, Viewer]:
    return add_people(app)


@pytest.fixture
def koponen(app: Flask, people: dict[str, Viewer]) -> CheckingClient:
    return browser_of(app, "koponen")


def browser_of(app: Flask, name: str) -> CheckingClient:
    browser = a_browser(app)
    sign_in(browser, name)
    return browser


def a_call(app: Flask, people: dict[str, Viewer], **values: Any) -> str:
    with app.app_context():
        return make_call(people["koponen"].account_id, **values).slug


def stored(app: Flask, slug: str) -> StoredCall:
    with app.app_context():
        call = find_call(slug)
    assert call is not None
    return call


def page_of(browser: CheckingClient, path: str) -> TestResponse:
    page = browser.get(path)
    assert page.status_code == 200, path
    return page


def send(browser: CheckingClient, page: TestResponse, action: str, **values: Any) -> TestResponse:
    """Send a form of a page as it is there, with what is typed."""
    return browser.post(action, data={**form_of(page, action), **values})


def edit(browser: CheckingClient, slug: str, **values: Any) -> TestResponse:
    return send(browser, page_of(browser, f"{CALLS}/{slug}/edit"), f"{CALLS}/{slug}/edit", **values)


# ---------------------------------------------------------------------------------------------- from the start


def test_a_call_is_begun_written_previewed_and_published(app: Flask, koponen: CheckingClient) -> None:
    assert "You have no calls yet" in text_of(page_of(koponen, CALLS))
    made = send(koponen, page_of(koponen, f"{CALLS}/new"), f"{CALLS}/new", title="Harjoittelija: luonnos")
    assert made.status_code == 303
    draft = made.location.split("/")[3]
    page = page_of(koponen, made.location)
    assert "Missing: Title (Svenska, English)" in text_of(page)
    assert "Missing: Closing time" in text_of(page)
    assert edit(koponen, draft, **all_texts(), **FACTS).status_code == 303
    page = page_of(koponen, f"{CALLS}/{draft}")
    said = text_of(page)
    assert "Nothing is missing" in said
    assert "15 December 2036 at 15:00" in said
    preview = text_of(page_of(koponen, f"{CALLS}/{draft}/preview?language=sv"))
    assert "Praktikant: nätverk" in preview
    assert "Kom till oss." in preview
    assert "Come to us." not in preview
    published = send(koponen, page, f"{CALLS}/{draft}/publish")
    assert (published.status_code, published.location) == (303, f"{CALLS}/harjoittelija-verkostot-2036")
    assert "The call is published" in text_of(koponen.get(published.location))
    call = stored(app, "harjoittelija-verkostot-2036")
    assert call.phase == "scheduled"
    assert call.document.title["fi"] == "Harjoittelija: verkostot"
    assert call.document.topics == ("errin", "tci")
    assert call.times.closes_at is not None
    assert call.times.closes_at.isoformat() == "2036-12-15T13:00:00+00:00"
    old = koponen.get(f"{CALLS}/{draft}")
    assert (old.status_code, old.location) == (302, published.location)


def test_publishing_is_refused_while_a_language_is_missing(app: Flask, koponen: CheckingClient) -> None:
    made = send(koponen, page_of(koponen, f"{CALLS}/new"), f"{CALLS}/new", title="Harjoittelija")
    slug = made.location.split("/")[3]
    complete = page_of(koponen, f"{CALLS}/{slug}")
    assert f'action="{CALLS}/{slug}/publish"' not in complete.text
    edit(koponen, slug, **{**all_texts(), **FACTS, "tasks_sv": "  "})
    page = page_of(koponen, f"{CALLS}/{slug}")
    assert "Missing: Tasks (Svenska)" in text_of(page)
    assert f'href="{CALLS}/{slug}/edit#tasks_sv"' in page.text
    edit_page = page_of(koponen, f"{CALLS}/{slug}/edit")
    assert text_of(edit_page).count("Missing") == 2, "once in the summary, once at the field"
    form = {**form_of(page, f"{CALLS}/{slug}/duplicate")}  # any form of the page has the version and the tokens
    refused = koponen.post(f"{CALLS}/{slug}/publish", data=form)
    assert refused.status_code == 422
    assert "something is still missing" in text_of(refused)
    assert stored(app, slug).phase == "draft"


def test_last_years_call_is_copied(app: Flask, people: dict[str, Viewer], koponen: CheckingClient) -> None:
    slug = a_call(app, people, reviewers=(people["pirinen"].account_id,))
    page = page_of(koponen, f"{CALLS}/new")
    once = form_of(page, f"{CALLS}/{slug}/duplicate")
    first, second = (koponen.post(f"{CALLS}/{slug}/duplicate", data=once) for _ in range(2))
    assert first.status_code == 303
    assert first.location == second.location, "pressed twice, copied once"
    copy = page_of(koponen, first.location)
    assert "The dates are empty" in text_of(copy)
    form = form_of(copy, first.location)
    assert form["title_en"] == "Intern for bioeconomy networks (en)"
    assert (form["starts_on"], form["closes_day"], form["answer_by"]) == ("", "", "")
    page = page_of(koponen, first.location.removesuffix("/edit"))
    assert "Demo Pirinen" in text_of(page)
    assert "Copied from an earlier call: Intern for bioeconomy networks (en)" in text_of(page)


def test_a_standing_call_has_no_closing_day(app: Flask, koponen: CheckingClient) -> None:
    made = send(koponen, page_of(koponen, f"{CALLS}/new"), f"{CALLS}/new", title="Avoin hakemus")
    slug = made.location.split("/")[3]
    values = {**all_texts(), **FACTS, "opens_day": "2026-01-02", "deadline": "standing"}
    refused = edit(koponen, slug, **values)
    assert refused.status_code == 422
    assert 'href="#closes_day"' in refused.text
    assert edit(koponen, slug, **{**values, "closes_day": "", "answer_by": "", "ends_on": ""}).status_code == 303
    page = page_of(koponen, f"{CALLS}/{slug}")
    assert "stands open without a deadline" in text_of(page)
    published = send(koponen, page, f"{CALLS}/{slug}/publish")
    assert published.status_code == 303
    assert "no deadline" in text_of(page_of(koponen, CALLS))


# ------------------------------------------------------------------------------------------------ nothing lost


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"weeks_min": "many"}, "weeks_min"),
        ({"weeks_max": "1000"}, "weeks_max"),
        ({"hours_per_week": "-1"}, "hours_per_week"),
        ({"starts_on": "next week"}, "starts_on"),
        ({"opens_day": "2036-13-01"}, "opens_day"),
        ({"opens_clock": "25:00"}, "opens_clock"),
        ({"closes_clock": ""}, "closes_clock"),
        ({"closes_day": "2037-03-29", "closes_clock": "03:30"}, "closes_clock"),
        ({"topics": ["weather"]}, "topics-0"),
        ({"required_documents": ["photo"]}, "required_documents-0"),
        ({"deadline": "never"}, "deadline-0"),
        ({"retention_months": ""}, "retention_months"),
        ({"title_sv": "two\nlines"}, "title_sv"),
        ({"title_en": "x" * 151}, "title_en"),
        ({"text_fi": "x" * 10_001}, "text_fi"),
        ({"text_fi": "NUL \x00"}, "text_fi"),
    ],
)
def test_what_cannot_be_used_is_named_and_nothing_is_lost(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient, values: dict[str, Any], field: str
) -> None:
    slug = a_call(app, people, status="draft", published_at=None)
    typed = {**all_texts(), **FACTS, **values}
    response = edit(koponen, slug, **typed)
    assert response.status_code == 422
    assert f'href="#{field}"' in response.text
    form = form_of(response, f"{CALLS}/{slug}/edit")
    for name, value in typed.items():
        if isinstance(value, str) and name not in ("text_fi", "title_sv", "deadline"):
            assert form[name].strip() == value, name
    assert stored(app, slug).version == 1


def test_of_two_editors_the_second_loses_nothing(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient
) -> None:
    slug = a_call(app, people)
    path = f"{CALLS}/{slug}/edit"
    coordinator = browser_of(app, "coordinator")
    hers, his = page_of(coordinator, path), page_of(koponen, path)
    assert send(coordinator, hers, path, who_sv="Bara studerande").status_code == 303
    late = send(koponen, his, path, text_en="My long new text", hours_per_week="20")
    assert late.status_code == 409
    said = text_of(late)
    assert "Demo Coordinator changed the call" in said
    assert "Who can apply (Svenska)" in said
    assert "Saved now by somebody else" in said
    assert "Bara studerande" in said
    form = form_of(late, path)
    assert (form["text_en"].strip(), form["hours_per_week"]) == ("My long new text", "20")
    assert stored(app, slug).document.hours_per_week == 36
    assert send(koponen, late, path, who_sv="Bara studerande").status_code == 303
    document = stored(app, slug).document
    assert (document.text["en"], document.who["sv"]) == ("My long new text", "Bara studerande")


def test_a_draft_published_meanwhile_keeps_what_is_being_typed(app: Flask, koponen: CheckingClient) -> None:
    made = send(koponen, page_of(koponen, f"{CALLS}/new"), f"{CALLS}/new", title="Luonnos")
    slug = made.location.split("/")[3]
    edit(koponen, slug, **all_texts(), **FACTS)
    path = f"{CALLS}/{slug}/edit"
    open_page = page_of(koponen, path)
    send(koponen, page_of(koponen, f"{CALLS}/{slug}"), f"{CALLS}/{slug}/publish")
    late = send(koponen, open_page, path, text_en="Typed meanwhile")
    assert late.status_code == 409
    assert form_of(late, f"{CALLS}/harjoittelija-verkostot-2036/edit")["text_en"].strip() == "Typed meanwhile"


def test_a_stale_page_loses_nothing(app: Flask, people: dict[str, Viewer], koponen: CheckingClient) -> None:
    slug = a_call(app, people)
    response = edit(koponen, slug, text_en="My long new text", csrf_token="old")
    assert response.status_code == 400
    assert form_of(response, f"{CALLS}/{slug}/edit")["text_en"].strip() == "My long new text"


def test_a_published_call_is_corrected_but_never_made_incomplete(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient
) -> None:
    slug = a_call(app, people)
    refused = edit(koponen, slug, place_sv="")
    assert refused.status_code == 422
    assert "Missing: Place (Svenska)" in text_of(refused)
    assert 'href="#place_sv"' in refused.text
    assert edit(koponen, slug, place_sv="Jyväskylä och distans").status_code == 303
    assert stored(app, slug).document.place["sv"] == "Jyväskylä och distans"


# ------------------------------------------------------------------------------------- questions and criteria


def test_questions_are_added_changed_moved_and_removed(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient
) -> None:
    slug = a_call(app, people, status="draft", published_at=None, document=a_document(questions=()))
    path = f"{CALLS}/{slug}/questions"
    assert "There are none yet" in text_of(page_of(koponen, path))
    for title in ("First", "Second"):
        added = send(koponen, page_of(koponen, f"{path}/new"), f"{path}/new", kind="short_text", label_en=title)
        assert (added.status_code, added.location) == (303, path)
    choice = {"kind": "choice", "required": "y", "label_fi": "Missä?", "choices_fi": "Toimistolla\r\nEtänä"}
    send(koponen, page_of(koponen, f"{path}/new"), f"{path}/new", **choice, choices_en="At the office")
    page = page_of(koponen, path)
    assert "Missing: Suomi" in text_of(page)
    assert [question.key for question in stored(app, slug).document.questions] == ["first", "second", "missa"]
    moved = send(koponen, page, f"{path}/item/missa/arrange", up="1")
    assert moved.status_code == 303
    send(koponen, page_of(koponen, path), f"{path}/item/first/arrange", remove="1")
    first, second = stored(app, slug).document.questions
    assert (first.key, second.key) == ("missa", "second")
    assert first.required
    assert [(c.key, c.label["fi"], c.label["en"]) for c in first.choices] == [
        ("toimistolla", "Toimistolla", "At the office"),
        ("etana", "Etänä", ""),
    ]
    one = f"{path}/item/missa"
    form = form_of(page_of(koponen, one), one)
    assert form["choices_fi"].strip() == "Toimistolla\nEtänä"
    send(koponen, page_of(koponen, one), one, choices_fi="Toimistolla\nKotona", choices_en="At the office\nAt home")
    assert [(c.key, c.label["en"]) for c in stored(app, slug).document.questions[0].choices] == [
        ("toimistolla", "At the office"),
        ("etana", "At home"),
    ]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"label_fi": " ", "label_sv": "", "label_en": ""}, "label_fi"),
        ({"kind": "choice", "label_en": "Where?", "choices_fi": "Only one"}, "choices_fi"),
        ({"kind": "picture", "label_en": "A photo"}, "kind"),
        ({"label_en": "x" * 301}, "label_en"),
    ],
)
def test_a_question_that_cannot_be_asked(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient, values: dict[str, str], field: str
) -> None:
    path = f"{CALLS}/{a_call(app, people)}/questions/new"
    response = send(koponen, page_of(koponen, path), path, hint_en="My hint", **values)
    assert response.status_code == 422
    assert f'href="#{field}"' in response.text
    assert form_of(response, path)["hint_en"].strip() == "My hint"


def test_questions_that_people_answered_are_only_corrected(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient
) -> None:
    slug = a_call(app, people)
    path = f"{CALLS}/{slug}/questions"
    shown_before = page_of(koponen, path)
    with app.app_context():
        call = find_call(slug)
        assert call is not None
        apply(call)
    removed = send(koponen, shown_before, f"{path}/item/why/arrange", remove="1")
    assert removed.status_code == 409
    assert "People have applied already" in text_of(removed)
    one = f"{path}/item/why"
    refused = send(koponen, page_of(koponen, one), one, kind="number", label_en="How many?")
    assert refused.status_code == 409
    assert form_of(refused, one)["label_en"] == "How many?"
    assert send(koponen, page_of(koponen, one), one, label_en="Why here?").status_code == 303
    assert stored(app, slug).document.questions[0].label["en"] == "Why here?"


def test_a_question_written_while_somebody_changes_the_call_is_kept(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient
) -> None:
    slug = a_call(app, people, status="draft", published_at=None)
    path = f"{CALLS}/{slug}/questions/item/why"
    page = page_of(koponen, path)
    other = browser_of(app, "coordinator")
    send(other, page_of(other, f"{CALLS}/{slug}/questions"), f"{path}/arrange", remove="1")
    late = send(koponen, page, path, label_en="A better question")
    assert late.status_code == 409
    assert "Demo Coordinator changed the call" in text_of(late)
    action = next(a for a in (path, f"{CALLS}/{slug}/questions/new") if f'action="{a}"' in late.text)
    assert form_of(late, action)["label_en"] == "A better question"
    assert send(koponen, late, action).status_code == 303
    assert [question.label["en"] for question in stored(app, slug).document.questions][-1] == "A better question"


def test_criteria_have_titles_weights_and_guidance(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient
) -> None:
    slug = a_call(app, people)
    path = f"{CALLS}/{slug}/criteria"
    new = page_of(koponen, f"{path}/new")
    refused = send(koponen, new, f"{path}/new", title="Curiosity", weight="11", guidance="Asks questions")
    assert refused.status_code == 422
    assert form_of(refused, f"{path}/new")["guidance"].strip() == "Asks questions"
    assert send(koponen, refused, f"{path}/new", weight="3").status_code == 303
    criterion = stored(app, slug).document.criteria[-1]
    assert (criterion.key, criterion.title, criterion.weight) == ("curiosity", "Curiosity", 3)
    assert "Weight 3" in text_of(page_of(koponen, path))
    assert koponen.get(f"{path}/item/nothing").status_code == 404


# ---------------------------------------------------------------------------------------------- the call's page


def test_closing_time_is_changed_with_a_reason(app: Flask, people: dict[str, Viewer], koponen: CheckingClient) -> None:
    slug = a_call(app, people)
    page, action = page_of(koponen, f"{CALLS}/{slug}"), f"{CALLS}/{slug}/closing"
    empty = send(koponen, page, action, day="2036-12-15", clock="15:00", reason=" ")
    assert empty.status_code == 422
    assert form_of(empty, action)["day"] == "2036-12-15"
    past = send(koponen, page, action, day="2020-12-15", clock="15:00", reason="A holiday")
    assert past.status_code == 409
    assert "must be in the future" in text_of(past)
    assert send(koponen, page, action, day="2036-12-15", clock="15:00", reason="A holiday").status_code == 303
    said = text_of(page_of(koponen, f"{CALLS}/{slug}"))
    assert "Demo Koponen changed the closing time" in said
    assert "Closing time now: 15 December 2036 at 15:00" in said
    assert "A holiday" in said


def test_closing_deciding_and_what_the_list_says(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient
) -> None:
    slug = a_call(app, people)
    with app.app_context():
        call = find_call(slug)
        assert call is not None
        apply(call)
    page = page_of(koponen, f"{CALLS}/{slug}")
    assert "1 application has come. 1 waits for a decision." in text_of(page)
    assert f"{CALLS}/{slug}/unpublish" not in page.text
    assert send(koponen, page, f"{CALLS}/{slug}/close", why="Enough").status_code == 303
    listed = text_of(page_of(koponen, CALLS))
    assert "Closed, to be decided" in listed
    assert "1 without a decision" in listed
    page = page_of(koponen, f"{CALLS}/{slug}")
    assert "Mark as decided" not in text_of(page)
    forced = koponen.post(f"{CALLS}/{slug}/decided", data=form_of(page, f"{CALLS}/{slug}/duplicate"))
    assert forced.status_code == 409
    assert "still wait for a decision" in text_of(forced)


def test_late_applications_are_seen_and_nothing_of_them(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient
) -> None:
    now = clock.now()
    slug = a_call(app, people, closes_at=now - timedelta(minutes=10))
    with app.app_context(), transaction() as connection:
        connection.execute(
            insert(Draft).values(
                call_id=connection.scalar(select(Call.id)),
                token="draft",
                link_hash="link",
                code_hash="code",
                language="en",
                answers={"name": "Noor Verysecret"},
                files=[],
                steps=[],
                version=1,
                created_at=now,
                changed_at=now,
                expires_at=now + timedelta(days=30),
                late_at=now,
            )
        )
    assert "1 late application" in text_of(page_of(koponen, CALLS))
    page = page_of(koponen, f"{CALLS}/{slug}")
    assert "1 late application waits for your answer" in text_of(page)
    assert "Verysecret" not in page.text


def test_letters_that_failed_are_seen_and_tried_again(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient
) -> None:
    slug, foreign = a_call(app, people), a_call(app, people)
    with app.app_context():
        place = a_failed_letter({"slug": slug})
        elsewhere = a_failed_letter({"slug": foreign})
        call = find_call(slug)
        assert call is not None
        draft_id = begin_draft(call_id=call.id, language="en")
        save_draft(draft_id=draft_id, answers=answers(), files=())
        draft = find_draft(draft_id)
        assert draft is not None
        mail_draft_link(draft=draft)
        with transaction() as connection:
            of_draft = update(Letter).where(Letter.draft_id == draft_id)
            connection.execute(of_draft.values(status="failed", error="550 noor@example.org: unknown"))
    assert "2 letters were not delivered" in text_of(page_of(koponen, CALLS))
    page = page_of(koponen, f"{CALLS}/{slug}")
    shown = text_of(page)
    assert "2 letters were not delivered" in shown
    assert "Invitation to review → first@demo.example.org" in shown
    assert "550 no such user" in shown
    assert "Link to the draft, " in shown
    assert "noor" not in page.text.lower(), "a draft is nobody's to see"
    retry = f"{CALLS}/{slug}/letters/{place['letter_id']}/retry"
    form = form_of(page, retry)
    assert koponen.post(f"{CALLS}/{slug}/letters/{elsewhere['letter_id']}/retry", data=form).status_code == 404
    other = browser_of(app, "pirinen")
    token = form_of(other.get("/workspace/account"), "/workspace/account/language")["csrf_token"]
    assert other.post(retry, data={"csrf_token": token}).status_code == 404
    assert koponen.post(retry, data={}).status_code == 400
    assert koponen.post(retry, data=form).status_code == 303
    assert koponen.post(retry, data=form).status_code == 404, "it waits already"
    with app.app_context():
        of_call = db.session.get(Letter, place["letter_id"])
        assert of_call is not None
        assert (of_call.status, of_call.attempts, of_call.error) == ("waiting", 0, None)
        letter_id = db.session.scalar(select(Letter.id).where(Letter.draft_id == draft_id))
    page = page_of(koponen, f"{CALLS}/{slug}")
    assert "1 letter was not delivered" in text_of(page)
    assert send(koponen, page, f"{CALLS}/{slug}/letters/{letter_id}/retry").status_code == 303
    assert "not delivered" not in text_of(page_of(koponen, f"{CALLS}/{slug}"))


def test_reviewers_are_chosen_among_accounts(app: Flask, people: dict[str, Viewer], koponen: CheckingClient) -> None:
    slug = a_call(app, people)
    page, action = page_of(koponen, f"{CALLS}/{slug}"), f"{CALLS}/{slug}/reviewers"
    nobody = send(koponen, page, action)
    assert nobody.status_code == 422
    assert 'href="#person"' in nobody.text
    person = people["pirinen"].account_id
    assert send(koponen, page, action, person=str(person)).status_code == 303
    page = page_of(koponen, f"{CALLS}/{slug}")
    assert "Demo Koponen added the reviewer Demo Pirinen" in text_of(page)
    assert send(koponen, page, f"{CALLS}/{slug}/reviewers/{person}/remove").status_code == 303
    assert "Nobody has been asked to review yet" in text_of(page_of(koponen, f"{CALLS}/{slug}"))


def test_names_are_revealed_by_the_lead(app: Flask, people: dict[str, Viewer], koponen: CheckingClient) -> None:
    slug = a_call(app, people, blind=True)
    with app.app_context():
        call = find_call(slug)
        assert call is not None
        apply(call)
    page = page_of(koponen, f"{CALLS}/{slug}")
    assert send(koponen, page, f"{CALLS}/{slug}/reveal").status_code == 303
    assert not stored(app, slug).hides_people


def test_who_acted_first_is_said_on_the_calls_page(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient
) -> None:
    slug = a_call(app, people)
    page = page_of(koponen, f"{CALLS}/{slug}")
    coordinator = browser_of(app, "coordinator")
    send(coordinator, page_of(coordinator, f"{CALLS}/{slug}"), f"{CALLS}/{slug}/close", why="Full")
    late = send(koponen, page, f"{CALLS}/{slug}/closing", day="2036-12-15", clock="15:00", reason="More time")
    assert late.status_code == 409
    assert "Demo Coordinator closed the call" in text_of(late)
    assert form_of(late, f"{CALLS}/{slug}/closing")["reason"].strip() == "More time"


def test_an_extension_is_told(app: Flask, people: dict[str, Viewer], koponen: CheckingClient) -> None:
    now = clock.now()
    slug = a_call(app, people, extended_to=now + timedelta(days=8))
    with app.app_context(), transaction() as connection:
        connection.execute(
            insert(CallEvent).values(
                call_id=connection.scalar(select(Call.id)),
                kind="extended",
                at=now,
                actor="",
                data={"minutes": 42, "after": (now + timedelta(days=8)).isoformat()},
            )
        )
    said = text_of(page_of(koponen, f"{CALLS}/{slug}"))
    assert "extended by 42 minutes" in said
    assert "Closing time before the outage" in said


# ----------------------------------------------------------------------------------------------- not one's own


def test_another_managers_call_is_no_page(app: Flask, people: dict[str, Viewer], koponen: CheckingClient) -> None:
    slug = a_call(app, people)
    pirinen = browser_of(app, "pirinen")
    pages = ("", "/edit", "/preview", "/questions", "/questions/new", "/questions/item/why", "/criteria")
    for path in pages:
        assert koponen.get(f"{CALLS}/{slug}{path}").status_code == 200, path
        assert pirinen.get(f"{CALLS}/{slug}{path}").status_code == 404, path
    assert slug not in pirinen.get(CALLS).text
    token = form_of(pirinen.get(f"{CALLS}/new"), f"{CALLS}/new")["csrf_token"]
    for act in ("edit", "publish", "unpublish", "close", "closing", "duplicate", "reviewers", "reveal", "decided"):
        data = {"csrf_token": token, "version": "1", "token": act, "why": "x"}
        assert pirinen.post(f"{CALLS}/{slug}/{act}", data=data).status_code == 404, act
    assert stored(app, slug).version == 1


@pytest.mark.parametrize("path", ["/nothing", "/%00", "/nothing/edit", "/nothing/preview", "/nothing/questions"])
def test_a_call_that_is_not_there(koponen: CheckingClient, path: str) -> None:
    assert koponen.get(CALLS + path).status_code == 404


def test_a_language_that_is_not_spoken_has_no_preview(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient
) -> None:
    slug = a_call(app, people)
    assert koponen.get(f"{CALLS}/{slug}/preview?language=de").status_code == 404


def test_statements_are_constant(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient, count_statements: Counting
) -> None:
    slug = a_call(app, people)

    def counts() -> list[int]:
        found = []
        for path in (CALLS, f"{CALLS}/{slug}", f"{CALLS}/{slug}/edit"):
            koponen.get(path)
            with count_statements() as statements:
                koponen.get(path)
            found.append(len(statements))
        return found

    before = counts()
    for _ in range(5):
        a_call(app, people)
    with app.app_context():
        call = find_call(slug)
        assert call is not None
        for number in range(5):
            apply(call, email=f"n{number}@example.org")
        db.session.rollback()
    assert counts() == before


def test_texts_outlive_the_end_of_a_session(app: Flask, people: dict[str, Viewer], koponen: CheckingClient) -> None:
    slug = a_call(app, people)
    path = f"{CALLS}/{slug}/edit"
    form = form_of(page_of(koponen, path), path)
    stranger = a_browser(app)
    token = form_of(stranger.get("/workspace/sign-in"), "/workspace/sign-in")["csrf_token"]
    words = "A paragraph that took a quarter of an hour. " * 10
    response = stranger.post(path, data={**form, "text_en": words, "csrf_token": token})
    assert response.status_code == 403
    assert words.strip() in text_of(response)
    assert stored(app, slug).version == 1


def test_a_database_that_takes_nothing_costs_no_text(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = a_call(app, people)
    paths = {f"{CALLS}/{slug}/edit": "text_en", f"{CALLS}/{slug}/questions/item/why": "label_en"}
    pages = {path: page_of(koponen, path) for path in paths}

    def full(*_args: Any, **_values: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr("portal.operations.call_door.note", full)
    for path, field in paths.items():
        response = send(koponen, pages[path], path, **{field: "Kept"})
        assert response.status_code == 503, path
        assert "nothing was saved" in text_of(response)
        assert form_of(response, path)[field].strip() == "Kept"
    monkeypatch.undo()
    assert stored(app, slug).version == 1


def test_what_is_fixed_offers_no_buttons(app: Flask, koponen: CheckingClient, people: dict[str, Viewer]) -> None:
    with app.app_context():
        call = make_call(people["koponen"].account_id)
    address = f"/workspace/calls/{call.slug}/questions"
    assert "Add a question" in text_of(koponen.get(address))
    with app.app_context():
        apply(call)
    page = text_of(koponen.get(address))
    assert "You can still correct their wording." in page
    assert "Add a question" not in page
    assert "Remove" not in page
