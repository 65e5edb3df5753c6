"""What is not yours: every form and every address of one manager's cases, tried by another."""

import io
import re
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from portal.database import db, transaction
from portal.models import Absence, Attachment, Letter
from portal.operations.absences import record_absence
from portal.operations.attachments import stage_file
from portal.operations.cases import close_case
from portal.operations.door import SeenCase
from portal.queries.directory import today
from portal.queries.receipts import find_receipt
from portal.rules.policy import Viewer
from tests.conftest import CheckingClient
from tests.people import add_everybody, receive
from tests.talks import ask_applicants
from tests.web.browsing import form_of, forms_on, text_of, token_for
from tests.web.contents import contents
from tests.web.doors_of_decisions import DecidedCall, decide_a_call
from tests.web.signing_in import browser_of, keys_of, open_own_page

INTRUDERS = ["pirinen", "reviewer", "administrator", "anonymous"]
TYPED = {"reply-body": "Mine now", "note-body": "Mine now", "hand_over-target": "topic:tci", "send": "1"}


@pytest.fixture
def people(app: Flask) -> dict[str, Viewer]:
    return add_everybody(app)


@pytest.fixture
def koponens(app: Flask, people: dict[str, Viewer]) -> str:
    """A case of Koponen's with a file, and a letter that could not be delivered."""
    return a_case(app, "errin", "ada@example.org")


@pytest.fixture
def pirinens(app: Flask, people: dict[str, Viewer], koponens: str) -> str:
    return a_case(app, "tci", "second@example.org")


def a_case(app: Flask, topic: str, email: str) -> str:
    with app.app_context():
        file = stage_file(stream=io.BytesIO(b"Hello\n"), filename="plan.txt")
        received = receive(topic=topic, email=email, files=(file,))
        with transaction() as connection:
            connection.execute(
                update(Letter)
                .where(Letter.submission_id == received.submission_id, Letter.kind == "inquiry_received")
                .values(status="failed", error="550 no such user")
            )
    return received.reference


def with_token(fields: dict[str, Any], token: str) -> dict[str, Any]:
    return {**fields, **TYPED, **{name: token for name in fields if name.endswith("csrf_token")}}


def pages_of(app: Flask, owner: CheckingClient, viewer: Viewer, reference: str) -> list[TestResponse]:
    """The owner's case as it is shown when it is new, before a reply is sent, and when it is closed."""
    address = f"/workspace/cases/{reference}"
    page = owner.get(address)
    reply = form_of(page, f"{address}/reply")
    preview = owner.post(f"{address}/reply", data={**reply, "reply-body": "A text"})
    assert preview.status_code == 200
    with app.app_context():
        close_case(viewer, case=SeenCase(reference, 1, "closing"), tell_sender=False)
    closed = owner.get(address)
    assert (page.status_code, closed.status_code) == (200, 200)
    return [page, preview, closed]


@pytest.mark.parametrize("intruder", INTRUDERS)
def test_every_form_of_a_case_is_no_page_for_another(
    app: Flask, people: dict[str, Viewer], koponens: str, pirinens: str, intruder: str
) -> None:
    pages = pages_of(app, browser_of(app, "koponen"), people["koponen"], koponens)
    browser = browser_of(app, intruder)
    token = token_for(browser)
    before = contents(app)
    tried = set()
    for page in pages:
        for action, fields in forms_on(page, koponens):
            response = browser.post(action, data=with_token(fields, token))
            assert response.status_code == (404 if intruder != "anonymous" else 403), action
            assert koponens not in response.text
            assert browser.get(action).status_code in (404, 405)
            tried.add(re.sub(r"\d+", "N", action.removeprefix(f"/workspace/cases/{koponens}/")))
    assert tried == {"reply", "note", "hand-over", "close", "reopen", "letters/N/retry"}
    assert contents(app) == before


def test_the_owner_can_send_each_of_them(app: Flask, people: dict[str, Viewer], koponens: str) -> None:
    """Else the test above would pass on forms that nobody can send."""
    owner = browser_of(app, "koponen")
    pages = pages_of(app, owner, people["koponen"], koponens)
    token = token_for(owner)
    answers: dict[str, set[int]] = defaultdict(set)
    for page in reversed(pages):
        for action, fields in sorted(forms_on(page, koponens), key=lambda form: "reopen" not in form[0]):
            answers[action.rpartition("/")[2]].add(owner.post(action, data=with_token(fields, token)).status_code)
    assert answers.pop("reopen") == {303}
    assert answers.pop("retry") == {303, 404}, "the second time it has been sent again already"
    assert set(answers) == {"reply", "note", "hand-over", "close"}
    assert set().union(*answers.values()) == {409}, "the case was reopened since those were shown"


def test_every_link_of_a_case_is_no_page_for_another(app: Flask, koponens: str, pirinens: str) -> None:
    page = browser_of(app, "koponen").get(f"/workspace/cases/{koponens}")
    links = set(re.findall(rf'href="([^"]*{koponens}[^"]*)"', page.text))
    assert any("/files/" in link for link in links)
    other = browser_of(app, "pirinen")
    for link in {*links, f"/workspace/cases/{koponens}?history=all"}:
        assert other.get(link).status_code == 404, link
    for spelling in (koponens.lower(), koponens.replace("-", ""), f" {koponens} ", koponens.replace("-", " ")):
        assert other.get(f"/workspace/cases/{spelling}").status_code == 404


def test_what_was_taken_from_triage_is_gone_for_the_other(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        reference = receive(topic="triage").reference
    koponen, pirinen = browser_of(app, "koponen"), browser_of(app, "pirinen")
    address = f"/workspace/cases/{reference}"
    page = pirinen.get(address)
    assert koponen.post(f"{address}/take", data=form_of(koponen.get(address), f"{address}/take")).status_code == 303
    before = contents(app)
    forms = dict(forms_on(page, reference))
    assert f"{address}/take" in forms
    for action, fields in forms.items():
        assert pirinen.post(action, data=with_token(fields, token_for(pirinen))).status_code == 404, action
    assert contents(app) == before


# ----------------------------------------------------------------------------------------------- another's decisions


def pages_about_decisions(owner: CheckingClient, decided: DecidedCall) -> list[TestResponse]:
    """The pages on which a lead decides, with every form that they have."""
    call, application = f"/workspace/calls/{decided.slug}", f"/workspace/applications/{decided.prepared.reference}"
    pages = [owner.get(f"{call}/decisions"), owner.get(f"{application}/decision")]
    whole = f"{application}/decision"
    pages.append(owner.post(whole, data={**form_of(pages[1], whole), "reason": "Another reason"}))
    pages.append(owner.get(f"{application}/decision/letter"))
    chosen = f"{call}/decisions/send"
    pages.append(owner.post(chosen, data=form_of(pages[0], chosen)))
    assert [page.status_code for page in pages] == [200] * 5
    return pages


@pytest.mark.parametrize("intruder", INTRUDERS)
def test_every_form_and_link_of_a_decision_is_no_page_for_another(
    app: Flask, people: dict[str, Viewer], intruder: str
) -> None:
    with app.app_context():
        decided = decide_a_call(people["koponen"])
    pages = pages_about_decisions(browser_of(app, "koponen"), decided)
    secrets = ("Noor", "Intern for bioeconomy", decided.prepared.reference)
    told = " ".join(page.text for page in pages)
    assert [secret for secret in secrets if secret not in told] == []
    browser = browser_of(app, intruder)
    token = token_for(browser)
    before = contents(app)
    tried = set()
    for page in pages:
        inside = [*forms_on(page, "/workspace/calls/"), *forms_on(page, "/workspace/applications/")]
        for action, fields in inside:
            data = with_token(fields, token) | {
                "save": "1",
                "confirm": "1",
                "down": fields.get("order", "").split(",")[0],
            }
            response = browser.post(action, data=data)
            assert response.status_code == (404 if intruder != "anonymous" else response.status_code), action
            assert response.status_code in (303, 403, 404), action
            for secret in (*secrets, "decided"):  # with which the applicants' addresses begin
                assert secret not in response.text, action
            tried.add(action.rpartition("/")[2])
        for link in re.findall(r'href="(/workspace/(?:calls|applications)/[^"]*)"', page.text):
            assert browser.get(link).status_code == (404 if intruder != "anonymous" else 302), link
    assert tried == {"decision", "drop", "send", "recall", "reserve"}
    assert contents(app) == before


def test_a_button_shown_for_another_application_does_nothing(app: Flask, people: dict[str, Viewer]) -> None:
    """Whoever opened another application in the same browser meanwhile neither answers nor leaves for that one."""
    with app.app_context():
        decided = decide_a_call(people["koponen"])
        offered, another = keys_of(decided.offered), keys_of(decided.prepared)
    browser = browser_of(app, "anonymous")
    open_own_page(browser, offered)
    forms = {address: form_of(browser.get(address), address) for address in ("/en/track/offer", "/en/track/withdraw")}
    open_own_page(browser, another)
    before = contents(app)
    for address, data in forms.items():
        assert browser.post(address, data={**data, "answer": "accept"}).status_code == 409, address
    assert contents(app) == before


# --------------------------------------------------------------------------------------------------- by numbers

NO_IDS = ["0", "-1", "1.0", "01", "+1", "1e0", "0x1", "%31%20", "٣", "²", str(2**63), "9" * 40, "1%00", "null", ""]


def ids(app: Flask, column: Any) -> list[int]:
    with app.app_context():
        return list(db.session.scalars(select(column)))


def test_files_are_reached_through_ones_own_case_alone(app: Flask, koponens: str, pirinens: str) -> None:
    browser = browser_of(app, "pirinen")
    known = ids(app, Attachment.id)
    assert len(known) == 2
    opened = []
    for reference in (koponens, pirinens):
        for number in [*map(str, range(1, max(known) + 3)), *NO_IDS]:
            response = browser.get(f"/workspace/cases/{reference}/files/{number}")
            assert response.status_code in (200, 404), number
            if response.status_code == 200:
                opened.append((reference, int(number)))
            response.close()
    assert opened == [(pirinens, known[1])]


def test_letters_are_reached_through_ones_own_case_alone(app: Flask, koponens: str, pirinens: str) -> None:
    browser = browser_of(app, "pirinen")
    token = token_for(browser)
    with app.app_context():
        rows = {
            letter.id: (letter.status, letter.recipient)
            for letter in db.session.scalars(select(Letter).order_by(Letter.id))
        }
    done = []
    for reference in (koponens, pirinens):
        for number in [*map(str, range(1, max(rows) + 3)), *NO_IDS]:
            answer = browser.post(f"/workspace/cases/{reference}/letters/{number}/retry", data={"csrf_token": token})
            assert answer.status_code in (303, 404), number
            if answer.status_code == 303:
                done.append((reference, rows[int(number)]))
    assert done == [(pirinens, ("failed", "second@example.org"))]
    with app.app_context():
        changed = [
            letter.recipient
            for letter in db.session.scalars(select(Letter))
            if (letter.status, letter.recipient) != rows[letter.id]
        ]
    assert changed == ["second@example.org"]


def test_nobody_takes_back_anothers_absence(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        for key in ("koponen", "pirinen"):
            first_day = today() + timedelta(days=10)
            record_absence(people[key], manager_key=key, first_day=first_day, last_day=first_day)
    browser = browser_of(app, "pirinen")
    token = token_for(browser)
    known = ids(app, Absence.id)
    page = browser.get("/workspace/absences")
    assert [action for action, _fields in forms_on(page, "/remove")] == [f"/workspace/absences/{known[1]}/remove"]
    answers = {
        number: browser.post(f"/workspace/absences/{number}/remove", data={"csrf_token": token}).status_code
        for number in [*map(str, range(1, max(known) + 3)), *NO_IDS]
    }
    assert {number for number, status in answers.items() if status != 404} == {str(known[1])}
    assert ids(app, Absence.id) == [known[0]]


def test_no_page_of_the_inbox_shows_anothers_case(app: Flask, koponens: str, pirinens: str) -> None:
    browser = browser_of(app, "pirinen")
    for box in ("mine", "triage"):
        for query in ("", "?status=any", "?status=new", "?before=9999999", "?after=0", "?status=any&holder=koponen"):
            page = browser.get(f"/workspace/{box}{query}")
            assert page.status_code == 200
            assert koponens not in page.text
            assert "ada@example.org" not in page.text
    assert "1 letter could not be delivered" in browser.get("/workspace/mine").text, "one's own alone is counted"
    assert browser.get("/workspace/all").status_code == 404


def test_a_sender_reaches_no_case_but_the_one_that_was_opened(app: Flask, koponens: str, pirinens: str) -> None:
    """The code of one case opens no other, and nothing that is sent along chooses another."""
    with app.app_context():
        receipts = [find_receipt(number) for number in (1, 2)]
        codes = {receipt.row.reference: receipt.code for receipt in receipts if receipt is not None}
    browser = browser_of(app, "anonymous")

    def try_to_open(reference: str, code: str) -> int:
        form = form_of(browser.get("/en/track"), "/en/track")
        return browser.post("/en/track", data={**form, "reference": reference, "code": code}).status_code

    assert try_to_open(koponens, codes[pirinens]) == 422
    assert try_to_open(pirinens, codes[pirinens]) == 303
    page = browser.get(f"/en/track/case?reference={koponens}&submission_id=1&id=1")
    assert pirinens in text_of(page)
    assert koponens not in text_of(page)
    form = form_of(page, "/en/track/case")
    data = {**form, "body": "One more word", "reference": koponens, "submission_id": "1", "own_case": "1"}
    before = contents(app)
    assert browser.post("/en/track/case", data=data).status_code == 303
    after = contents(app)
    assert after["events"][0] == before["events"][0] + 1
    koponen = browser_of(app, "koponen")
    assert "One more word" not in koponen.get(f"/workspace/cases/{koponens}").text


# ---------------------------------------------------------------------------- what another's applicant is asked


@pytest.mark.parametrize("intruder", INTRUDERS)
def test_every_form_and_link_to_ask_an_applicant_is_no_page_for_another(
    app: Flask, people: dict[str, Viewer], intruder: str
) -> None:
    with app.app_context():
        asked = ask_applicants(people["koponen"])
    owner, browser = browser_of(app, "koponen"), browser_of(app, intruder)
    addresses = [f"/workspace/applications/{received.reference}" for received in (asked.fresh, asked.booked)]
    pages = [owner.get(f"{address}/{act}") for address in addresses for act in ("correction", "interview")]
    assert {page.status_code for page in pages} == {200}
    token = token_for(browser)
    before = contents(app)
    tried = set()
    for page in pages:
        for action, fields in forms_on(page, "/workspace/applications/"):
            response = browser.post(action, data=with_token(fields, token) | {"reason": "Mine", "answers": "weeks"})
            assert response.status_code in ((404,) if intruder != "anonymous" else (303, 403)), action
            tried.add(action.partition("KS-")[2].partition("/")[2])
        for link in re.findall(r'href="(/workspace/applications/[^"]*)"', page.text):
            assert browser.get(link).status_code == (404 if intruder != "anonymous" else 302), link
    assert tried == {"correction", "correction/cancel", "interview", "interview/cancel"}
    assert contents(app) == before
