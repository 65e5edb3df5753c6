"""Reviewing as people do it: the reviewer's ten minutes, the lead's table, and what blind mode keeps back."""

import io
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from portal import clock
from portal.database import db, transaction
from portal.models import Application, Attachment, Call, Event, Review
from portal.models.letters import LETTER_KINDS
from portal.models.submissions import EventKind
from portal.operations.attachments import stage_file
from portal.queries.calls import StoredCall
from portal.rules.policy import Viewer
from tests.conftest import CheckingClient, Outbox
from tests.integration.test_reviews import LOWER, a_call, a_reviewer, fill, review
from tests.internships import apply
from tests.people import add_people
from tests.web.browsing import form_of, forms_on, text_of, token_for
from tests.web.contents import contents
from tests.web.signing_in import browser_of, sign_in

Counting = Callable[[], AbstractContextManager[list[str]]]
FULL = {
    "fit-score": "4",
    "fit-reason": "Knows networks.",
    "languages-score": "3",
    "languages-reason": "Good English.",
}


@pytest.fixture
def people(app: Flask) -> dict[str, Viewer]:
    people = add_people(app)
    with app.app_context():
        return people | {key: a_reviewer(key) for key in ("first", "second")}


def an_application(app: Flask, call: StoredCall, **values: Any) -> str:
    with app.app_context():
        file = stage_file(stream=io.BytesIO(b"My life\n"), filename="noor-example.txt")
        return apply(call, command={"files": (file,)}, **values).reference


def a_call_for(app: Flask, people: dict[str, Viewer], *reviewers: str, **values: Any) -> StoredCall:
    with app.app_context():
        return a_call(people, *reviewers, **values)


def browser(app: Flask, key: str) -> CheckingClient:
    client = app.test_client()
    assert isinstance(client, CheckingClient)
    sign_in(client, key)
    return client


def press(client: CheckingClient, reference: str, act: str) -> None:
    """Press one of the buttons that need nothing but themselves."""
    address = f"/workspace/reviews/{reference}"
    page = client.get(address)
    assert client.post(f"{address}/{act}", data=form_of(page, f"{address}/{act}")).status_code == 303


def declared(app: Flask, key: str, reference: str) -> CheckingClient:
    client = browser(app, key)
    press(client, reference, "no-conflict")
    return client


def file_of(app: Flask) -> int:
    with app.app_context():
        return db.session.scalars(select(Attachment.id).order_by(Attachment.id)).first() or 0


# ------------------------------------------------------------------------------------------------- the reviewer


def test_a_reviewers_ten_minutes(app: Flask, people: dict[str, Viewer]) -> None:
    call = a_call_for(app, people, "first", "second")
    first, second = (an_application(app, call, email=f"{n}@example.org") for n in range(2))
    client = browser(app, "first")
    assert client.get("/workspace/").location == "/workspace/reviews"
    overview = text_of(client.get("/workspace/reviews"))
    assert "0 of 2 done" in overview
    assert "Nothing here sorts, ranks or filters applicants" in overview
    address = f"/workspace/reviews/{first}"
    closed = text_of(client.get(address))
    assert "Example University" in closed
    assert "Noor Example" in closed, "a conflict of interest is about persons"
    for hidden in ("noor-example.txt", "Because of the lakes", "@example.org"):
        assert hidden not in closed
    assert client.get(f"{address}/files/{file_of(app)}").status_code == 404
    press(client, first, "no-conflict")
    page = client.get(address)
    for shown in ("Noor Example", "noor-example.txt", "Because of the lakes.", "At the office (en)", "5: has done it"):
        assert shown in text_of(page), shown
    file = client.get(f"{address}/files/{file_of(app)}")
    assert (file.data, file.headers["Content-Disposition"]) == (b"My life\n", "attachment; filename=noor-example.txt")
    file.close()
    form = form_of(page, address)
    assert client.post(address, data={**form, "fit-score": "4", "save": "1"}).status_code == 303
    assert "Draft saved" in text_of(client.get("/workspace/reviews"))
    form = form_of(client.get(address), address)
    half = client.post(address, data={**form, "fit-score": "4", "languages-score": "3", "finish": "1"})
    assert half.status_code == 422
    assert 'href="#fit-reason"' in half.text
    assert re.search(r'value="4"[^>]* checked|checked[^>]* value="4"', half.text)
    assert "You see them when your own review is finished" in text_of(half)
    assert client.post(address, data={**form, **FULL, "finish": "1"}).status_code == 303
    done = client.get(address)
    assert "Your review is finished." in text_of(done)
    assert f'href="/workspace/reviews/{second}"' in done.text
    assert "1 of 2 done" in text_of(client.get("/workspace/reviews"))
    press(client, first, "reopen")
    assert form_of(client.get(address), address)["fit-reason"].strip() == "Knows networks."


def test_stepping_aside_closes_the_application(app: Flask, people: dict[str, Viewer]) -> None:
    call = a_call_for(app, people, "first")
    reference = an_application(app, call)
    client = declared(app, "first", reference)
    address = f"/workspace/reviews/{reference}"
    form = form_of(client.get(address), address)
    press(client, reference, "step-aside")
    said = client.get(address)
    assert "You have stepped aside" in text_of(said)
    assert "Noor" not in said.text
    assert list(forms_on(said, reference)) == []
    assert client.get(f"{address}/files/{file_of(app)}").status_code == 404
    late = client.post(address, data={**form, **FULL, "finish": "1"})
    assert late.status_code == 409
    assert "Noor" not in late.text
    lead = browser(app, "koponen")
    assert "Demo First Stepped aside" in text_of(lead.get(f"/workspace/applications/{reference}"))


def test_a_second_window_is_told_and_loses_no_text(app: Flask, people: dict[str, Viewer]) -> None:
    reference = an_application(app, a_call_for(app, people, "first"))
    client = declared(app, "first", reference)
    address = f"/workspace/reviews/{reference}"
    form = form_of(client.get(address), address)
    assert client.post(address, data={**form, **FULL, "save": "1"}).status_code == 303
    late = client.post(address, data={**form, **FULL, "fit-reason": "Another thought", "save": "1"})
    assert late.status_code == 409
    again = form_of(late, address)
    assert again["fit-reason"].strip() == "Another thought"
    assert client.post(address, data={**again, **FULL, "fit-reason": "Another thought", "save": "1"}).status_code == 303


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ({"fit-score": "6"}, 422),
        ({"fit-score": "four"}, 422),
        ({"fit-reason": "x" * 5_001}, 422),
        ({"fit-reason": "nul \0 here"}, 422),
        ({"csrf_token": "old"}, 400),
        ({"seen": "yesterday", "fit-score": "1"}, 409),
    ],
)
def test_nonsense_in_a_review_is_refused_and_kept(
    app: Flask, people: dict[str, Viewer], typed: dict[str, str], status: int
) -> None:
    reference = an_application(app, a_call_for(app, people, "first"))
    client = declared(app, "first", reference)
    address = f"/workspace/reviews/{reference}"
    form = form_of(client.get(address), address)
    answer = client.post(address, data={**form, "languages-reason": "Still here", **typed, "save": "1"})
    assert answer.status_code == status
    assert form_of(answer, address)["languages-reason"].strip() == "Still here"
    with app.app_context():
        assert db.session.scalars(select(Review.scores)).all() == [{}]


# --------------------------------------------------------------------------------------------------- blind mode

PERSON = ("Noor", "noor@example.org", "Netherlands", "noor-example.txt")


def test_blind_leaks_nothing_on_any_page_of_somebody_who_reviews(app: Flask, people: dict[str, Viewer]) -> None:
    call = a_call_for(app, people, "koponen", "coordinator", "first", blind=True)
    reference = an_application(app, call)
    number = file_of(app)
    for key in ("koponen", "coordinator", "first"):
        client = declared(app, key, reference)
        pages = [
            "/workspace/mine?status=any",
            "/workspace/all?status=any",
            "/workspace/reviews",
            f"/workspace/reviews/{reference}",
            f"/workspace/calls/{call.slug}/applications",
            f"/workspace/calls/{call.slug}/summary",
            f"/workspace/cases/{reference}",
            f"/workspace/cases/{reference}?history=all",
            f"/workspace/applications/{reference}",
            *(f"/workspace/{room}/{reference}/files/{number}" for room in ("cases", "applications", "reviews")),
        ]
        for path in pages:
            answer = client.get(path, follow_redirects=True)
            said = answer.get_data(as_text=True)
            assert not [word for word in PERSON if word in said], (key, path)
            assert "My life" not in said
            if "/files/" in path:
                assert answer.status_code == 404
        if key != "first":
            assert client.get(f"/workspace/cases/{reference}").location == f"/workspace/reviews/{reference}"
            assert "Applicant 1" in text_of(client.get(f"/workspace/calls/{call.slug}/applications"))
        assert "Because of the lakes." in text_of(client.get(f"/workspace/reviews/{reference}"))
    with app.app_context(), transaction() as connection:
        connection.execute(update(Call).values(revealed_at=clock.now()))
    assert "Noor Example" in text_of(browser(app, "first").get(f"/workspace/reviews/{reference}"))
    assert "Noor Example" in text_of(browser(app, "koponen").get(f"/workspace/cases/{reference}"))


def test_no_form_of_a_case_works_for_who_reviews_it_blind(app: Flask, people: dict[str, Viewer]) -> None:
    """The forms were opened before the holder was asked to review."""
    call = a_call_for(app, people, blind=True)
    reference = an_application(app, call)
    client = browser(app, "koponen")
    pages = [client.get(f"/workspace/cases/{reference}"), client.get(f"/workspace/applications/{reference}")]
    with app.app_context(), transaction() as connection:
        from portal.models import CallReviewer

        connection.execute(
            CallReviewer.__table__.insert().values(  # type: ignore[attr-defined]
                call_id=call.id, account_id=people["koponen"].account_id, added_at=clock.now()
            )
        )
    before = contents(app)
    tried = 0
    for page in pages:
        for action, fields in forms_on(page, reference):
            typed = {"reply-body": "Hello", "note-body": "Hello", "hand_over-target": "topic:tci"}
            answer = client.post(action, data={**fields, **typed})
            assert answer.status_code == 404, action
            assert "Noor" not in answer.text
            tried += 1
    assert tried >= 4
    assert contents(app) == before


# ------------------------------------------------------------------------------------------------------ the lead


def test_the_lead_reads_everything_and_shortlists(app: Flask, people: dict[str, Viewer]) -> None:
    call = a_call_for(app, people, "first", "second")
    earlier = an_application(app, call)
    reference = an_application(app, call)
    with app.app_context():
        review(people["first"], reference)
        review(people["second"], reference, LOWER)
    client = browser(app, "koponen")
    table = client.get(f"/workspace/calls/{call.slug}/applications")
    assert "Nothing here sorts, ranks or filters applicants" in text_of(table)
    assert "2/2 3.0" in text_of(table)
    assert "sort" not in "".join(re.findall(r'href="([^"]*)"', table.text))
    address = f"/workspace/applications/{reference}"
    page = client.get(address)
    for shown in (
        "Noor Example",
        "Has done it.",
        "New to it.",
        "4.0 2.0 3.0 2.0–4.0",
        earlier,
        "Because of the lakes.",
    ):
        assert shown in text_of(page), shown
    file = client.get(re.findall(rf'href="({address}/files/\d+)"', page.text)[0])
    assert file.data == b"My life\n"
    file.close()
    form = form_of(page, f"{address}/shortlist")
    assert client.post(f"{address}/shortlist", data={**form, "reason": "Knows lakes"}).status_code == 303
    listed = client.get(address)
    assert "On the short list" in text_of(listed)
    stale = client.post(f"{address}/shortlist", data={**form, "token": "another", "reason": "Me too"})
    assert stale.status_code == 409
    assert "Demo Koponen did something" in text_of(stale)
    assert form_of(stale, f"{address}/unshortlist")["reason"].strip() == "Me too"
    case = client.get(f"/workspace/cases/{reference}")
    assert "Demo Koponen put the application on the short list" in text_of(case)
    assert "Knows lakes" in text_of(case)
    assert f'href="{address}"' in case.text
    off = form_of(listed, f"{address}/unshortlist")
    assert client.post(f"{address}/unshortlist", data=off).status_code == 303
    only = client.get(f"/workspace/calls/{call.slug}/applications?stage=received")
    assert text_of(only).count("Noor Example") == 2


def test_the_call_in_numbers_has_each_chart_beside_its_table(app: Flask, people: dict[str, Viewer]) -> None:
    call = a_call_for(app, people, "first")
    client = browser(app, "koponen")
    address = f"/workspace/calls/{call.slug}/summary"
    assert "No applications have come yet." in text_of(client.get(address))
    reference = an_application(app, call)
    with app.app_context():
        review(people["first"], reference)
    page = client.get(address)
    said = text_of(page)
    assert "Demo First 1 0 0" in said
    assert "Fit with the tasks 0 0 0 0 1" in said
    assert page.text.count('<div class="chart" role="img" aria-label="') == page.text.count("<svg") == 3
    assert "style=" not in page.text
    assert "<script>" not in page.text


@pytest.mark.parametrize(
    "query", ["stage=weird", "stage=", "before=x", "after=-1", "after=99999999999999999999999", "before=٣"]
)
def test_nonsense_in_the_tables_address_is_no_page(app: Flask, people: dict[str, Viewer], query: str) -> None:
    call = a_call_for(app, people)
    assert browser(app, "koponen").get(f"/workspace/calls/{call.slug}/applications?{query}").status_code == 404


def test_the_table_at_size_is_small_and_asks_little(
    app: Flask, people: dict[str, Viewer], count_statements: Counting
) -> None:
    call = a_call_for(app, people, "first", "second", "pirinen")
    with app.app_context():
        fill(call, [people[key] for key in ("first", "second", "pirinen")], 2_000)
    client = browser(app, "koponen")
    path = f"/workspace/calls/{call.slug}/applications"
    page = client.get(path)
    with count_statements() as statements:
        client.get(path)
    # One of them looks up who is signed in.
    assert len([s for s in statements if "FROM absences" not in s]) == 5
    assert len(page.data) <= 24 * 1024
    following = page.text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "Applicant 25" in text_of(client.get(following))


# --------------------------------------------------------------------------------------------- case page, letters


def test_every_event_and_letter_has_its_words(app: Flask, people: dict[str, Viewer]) -> None:
    call = a_call_for(app, people)
    reference = an_application(app, call)
    with app.app_context(), transaction() as connection:
        row = connection.execute(select(Event.submission_id, Event.at)).first()
        assert row is not None
        for kind in EventKind.__args__:  # type: ignore[attr-defined]
            connection.execute(
                Event.__table__.insert().values(  # type: ignore[attr-defined]
                    submission_id=row.submission_id, at=row.at, kind=kind, actor=f"Who {kind}", data={}
                )
            )
    page = browser(app, "koponen").get(f"/workspace/cases/{reference}")
    said = text_of(page)
    for kind in EventKind.__args__:  # type: ignore[attr-defined]
        assert f"Who {kind}" in said or kind == "offer_lapsed", kind
    assert "The deadline of the offer passed" in said
    source, _name, _current = app.jinja_env.loader.get_source(app.jinja_env, "workspace/letter_words.html")  # type: ignore[union-attr]
    for letter in LETTER_KINDS:
        assert f'"{letter}":' in source, letter


def test_a_letter_about_an_application_says_so(app: Flask, people: dict[str, Viewer], outbox: Outbox) -> None:
    call = a_call_for(app, people)
    reference = an_application(app, call)
    outbox.deliver()
    client = browser(app, "koponen")
    address = f"/workspace/cases/{reference}"
    page = client.get(address)
    assert "Write to the applicant" in text_of(page)
    form = form_of(page, f"{address}/reply")
    preview = client.post(f"{address}/reply", data={**form, "reply-body": "Please wait a week."})
    about = "This is about your application “Intern for bioeconomy networks (en)”."
    assert about in text_of(preview)
    assert "inquiry" not in text_of(preview)
    sent = form_of(preview, f"{address}/reply")
    assert client.post(f"{address}/reply", data={**sent, "send": "1"}).status_code == 303
    [letter] = [message for message in outbox.deliver() if message["To"] == "noor@example.org"]
    text = letter.get_content()
    assert about in text
    assert "Hello Noor," in text
    assert "inquiry" not in text + letter["Subject"]


def test_the_inbox_marks_applications(app: Flask, people: dict[str, Viewer]) -> None:
    an_application(app, a_call_for(app, people))
    assert "Application" in text_of(browser(app, "koponen").get("/workspace/mine"))


# ------------------------------------------------------------------------------------------------ what is not yours


@pytest.mark.parametrize("intruder", ["pirinen", "second", "anonymous"])
def test_every_form_of_a_review_and_of_a_lead_is_no_page_for_another(
    app: Flask, people: dict[str, Viewer], intruder: str
) -> None:
    call = a_call_for(app, people, "first")
    finished, begun, fresh, led = (an_application(app, call, email=f"{n}@example.org") for n in range(4))
    with app.app_context():
        review(people["first"], finished)
    reviewer, lead = declared(app, "first", begun), browser(app, "koponen")
    pages = [reviewer.get(f"/workspace/reviews/{reference}") for reference in (finished, begun, fresh)]
    pages.append(lead.get(f"/workspace/applications/{led}"))
    with app.app_context(), transaction() as connection:
        connection.execute(
            update(Application).where(Application.email_key == "2@example.org").values(stage="shortlisted")
        )
    pages.append(lead.get(f"/workspace/applications/{fresh}"))
    other = browser_of(app, intruder)
    token = token_for(other)
    before = contents(app)
    tried = set()
    for page in pages:
        for action, fields in forms_on(page, "KS-"):
            answer = other.post(action, data={**fields, **FULL, "finish": "1", "csrf_token": token})
            assert answer.status_code in ((404,) if intruder != "anonymous" else (303, 403)), action
            assert other.get(action).status_code in ((404, 405) if intruder != "anonymous" else (302, 405)), action
            tried.add(re.sub(r"KS-[\w-]{14}", "R", action.removeprefix("/workspace/")))
    assert tried == {
        "reviews/R",
        "reviews/R/no-conflict",
        "reviews/R/step-aside",
        "reviews/R/reopen",
        "applications/R/shortlist",
        "applications/R/unshortlist",
    }
    assert contents(app) == before


def test_a_reviewer_finds_the_leads_doors_closed(app: Flask, people: dict[str, Viewer]) -> None:
    call = a_call_for(app, people, "first")
    reference = an_application(app, call)
    lead = browser(app, "koponen")
    forms = dict(forms_on(lead.get(f"/workspace/applications/{reference}"), reference))
    client = declared(app, "first", reference)
    token = token_for(client)
    for path in (
        f"/workspace/applications/{reference}",
        f"/workspace/applications/{reference}/files/{file_of(app)}",
        f"/workspace/calls/{call.slug}/applications",
        f"/workspace/calls/{call.slug}/summary",
        f"/workspace/cases/{reference}",
        "/workspace/mine",
    ):
        assert client.get(path).status_code == 404, path
    before = contents(app)
    for action, fields in forms.items():
        assert client.post(action, data={**fields, "csrf_token": token}).status_code == 404
    assert contents(app) == before


def test_files_are_reached_through_ones_own_review_alone(app: Flask, people: dict[str, Viewer]) -> None:
    mine, other = an_application(app, a_call_for(app, people, "first")), an_application(app, a_call_for(app, people))
    client = declared(app, "first", mine)
    with app.app_context():
        known = list(db.session.scalars(select(Attachment.id).order_by(Attachment.id)))
    opened = []
    for reference in (mine, other):
        for number in range(1, max(known) + 3):
            answer = client.get(f"/workspace/reviews/{reference}/files/{number}")
            assert answer.status_code in (200, 404)
            if answer.status_code == 200:
                opened.append((reference, number))
            answer.close()
    assert opened == [(mine, known[0])]
