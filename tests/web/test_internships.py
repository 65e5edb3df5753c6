"""Calls for interns, as everybody may see them: before they open, while they are open, and after."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask, render_template
from icalendar import Calendar
from justhtml import JustHTML
from justhtml.dom import Element
from lxml import etree
from werkzeug.test import TestResponse

from portal import clock
from portal.i18n import speaking
from portal.queries.calls import StoredCall, find_call
from portal.queries.public_calls import forget_public_calls
from portal.rules.policy import Viewer
from tests.conftest import CheckingClient
from tests.internships import a_document, in_three_languages, make_call
from tests.people import add_people
from tests.web.browsing import form_of
from tests.web.browsing import text_of as words_of

Make = Callable[..., StoredCall]
Counting = Callable[[], AbstractContextManager[list[str]]]

LIST = "/en/internships"
OPENS = datetime(2027, 1, 4, 7, 0, tzinfo=UTC)
CLOSES = datetime(2027, 1, 31, 14, 0, tzinfo=UTC)
ATOM = {"a": "http://www.w3.org/2005/Atom"}


@pytest.fixture
def lead(app: Flask) -> Viewer:
    return add_people(app)["koponen"]


@pytest.fixture
def make(app: Flask, lead: Viewer) -> Make:
    """Store a call; the next page knows it."""

    def make(**values: Any) -> StoredCall:
        with app.app_context():
            call = make_call(lead.account_id, **{"slug": "bioeconomy", **values})
            forget_public_calls()
            return call

    return make


@pytest.fixture
def timed(make: Make) -> StoredCall:
    """A call with an opening and a closing moment of its own."""
    return make(opens_at=OPENS, closes_at=CLOSES)


def text_of(page: TestResponse) -> str:
    """What a person reads; a comma after marked-up words stands close to them."""
    return re.sub(r" ([,.])", r"\1", words_of(page))


def elements(html: str, selector: str) -> list[Element]:
    return [node for node in JustHTML(html, sanitize=False).query(selector) if isinstance(node, Element)]


def posting_of(html: str) -> dict[str, Any] | None:
    found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
    return json.loads(found[0]) if found else None


def section(html: str, heading: str) -> str:
    """What stands under a heading of the list, up to the next one."""
    parts = re.split(r"<h2[^>]*>(.*?)</h2>", html)
    return parts[parts.index(heading) + 1] if heading in parts else ""


# --------------------------------------------------------------------------------------------------------- phases


@pytest.mark.parametrize(
    ("moment", "heading", "said"),
    [
        (OPENS - timedelta(seconds=1), "Opening later", "You can't apply yet"),
        (OPENS, "Open now", "Apply by 31 January 2027 at 16:00, Helsinki time (UTC+2)"),
        (CLOSES - timedelta(seconds=1), "Open now", "Apply by 31 January 2027 at 16:00, Helsinki time (UTC+2)"),
        (CLOSES, "Past calls", "This call is closed. You can no longer apply to it."),
    ],
)
def test_the_clock_moves_a_call_from_list_to_list(
    client: CheckingClient, timed: StoredCall, moment: datetime, heading: str, said: str
) -> None:
    with time_machine.travel(moment, tick=False):
        shown = client.get(LIST).text
        page = client.get(f"{LIST}/bioeconomy")
    where = {h: f'href="{LIST}/bioeconomy"' in section(shown, h) for h in ("Open now", "Opening later", "Past calls")}
    assert where == {h: h == heading for h in where}
    assert page.status_code == 200
    assert said in text_of(page)


def test_a_decided_call_stays_and_says_that_it_is_closed(client: CheckingClient, make: Make) -> None:
    make(status="decided", decided_at=clock.now(), closes_at=None)
    assert "bioeconomy" in section(client.get(LIST).text, "Past calls")
    said = text_of(client.get(f"{LIST}/bioeconomy"))
    assert "Closed and decided" in said
    assert "No deadline" not in said


def test_a_draft_is_no_page(client: CheckingClient, make: Make) -> None:
    make(status="draft", opens_at=None, closes_at=None, published_at=None)
    assert "bioeconomy" not in client.get(LIST).text
    assert "bioeconomy" not in client.get(f"{LIST}/feed.atom").text
    for path in ("bioeconomy", "bioeconomy/deadline.ics", "nothing", "nothing/deadline.ics"):
        assert client.get(f"{LIST}/{path}").status_code == 404


def test_a_list_without_calls_says_what_to_do(client: CheckingClient) -> None:
    page = client.get(LIST)
    assert "No call is open just now." in text_of(page)
    assert 'href="/en/contacts"' in section(page.text, "Open now")


def test_a_standing_call_is_offered_when_nothing_else_is_open(client: CheckingClient, make: Make) -> None:
    make(slug="any-time", closes_at=None)
    shown = section(client.get(LIST).text, "Open now")
    assert "You can send an open application at any time." in shown
    assert 'href="/en/internships/any-time"' in shown
    assert "No deadline: you can apply at any time" in text_of(client.get(f"{LIST}/any-time"))
    assert client.get(f"{LIST}/any-time/deadline.ics").status_code == 404


def test_what_closes_first_stands_first(client: CheckingClient, make: Make) -> None:
    now = clock.now()
    make(slug="any-time", closes_at=None)
    make(slug="later", closes_at=now + timedelta(days=9))
    make(slug="sooner", closes_at=now + timedelta(days=2))
    make(slug="long-past", closes_at=now - timedelta(days=90))
    make(slug="past", closes_at=now - timedelta(days=9))
    order = re.findall(r'href="/en/internships/([\w-]+)"', client.get(LIST).text.partition("Open now")[2])
    assert order == ["sooner", "later", "any-time", "past", "long-past"]


# ---------------------------------------------------------------------------------------------- what a call says


def test_the_page_says_all_that_an_applicant_must_know(client: CheckingClient, make: Make) -> None:
    make(
        document=a_document(
            paid=True,
            amount=in_three_languages("1,200 euros a month"),
            answer_by=date(2027, 2, 28),
            required_documents=("cv", "transcript"),
        ),
        closes_at=CLOSES,
        retention_months=18,
        blind=True,
    )
    with time_machine.travel(OPENS):
        page = client.get(f"{LIST}/bioeconomy")
    said = text_of(page)
    for fact in (
        "Intern for bioeconomy networks (en)",
        "Come and help us. (en)",
        "Mapping partners. (en)",
        "Jyväskylä (en)",
        "1 February 2027 – 30 June 2027",
        "8–16 weeks",
        "36 hours a week",
        "Paid: 1,200 euros a month (en)",
        "Students and recent graduates. (en)",
        "CV",
        "Transcript of records",
        "Other document (optional)",
        "within 72 hours of sending",
        "Why us? (en)",
        "without seeing names",
        "No software scores",
        "by 28 February 2027 at the latest",
        "becomes public when it arrives",
        "stays secret",
        "for 18 months after the decision",
        "Hannu Koponen",
    ):
        assert fact in said, fact
    assert 'href="/en/internships/can-i-come?pay=paid"' in page.text
    assert 'href="/en/contact?topic=errin"' in page.text
    [about] = [e for e in elements(page.text, "meta") if (e.attrs or {}).get("name") == "description"]
    assert (about.attrs or {})["content"] == (
        "Jyväskylä (en) · 1 February 2027 – 30 June 2027 · Paid · "
        "Apply by 31 January 2027 at 16:00, Helsinki time (UTC+2)"
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"weeks_min": 12, "weeks_max": 12}, "Length 12 weeks"),
        ({"weeks_min": 1, "weeks_max": None}, "Length At least 1 week"),
        ({"weeks_min": None, "weeks_max": 20}, "Length At most 20 weeks"),
        ({"starts_on": None, "ends_on": None}, "When As we agree with you"),
        ({"starts_on": date(2027, 3, 1), "ends_on": None}, "When From 1 March 2027"),
        ({"paid": False, "amount": in_three_languages("nothing")}, "Pay Unpaid"),
        ({"paid": True, "amount": {}}, "Pay Paid"),
        ({"answer_by": None}, "as soon as we have decided after the closing time"),
    ],
)
def test_facts_are_said_as_far_as_they_are_known(
    client: CheckingClient, make: Make, values: dict[str, Any], said: str
) -> None:
    make(document=a_document(**values))
    assert said in text_of(client.get(f"{LIST}/bioeconomy"))


def test_an_outage_is_told_with_its_minutes_and_its_reason(client: CheckingClient, make: Make) -> None:
    make(closes_at=CLOSES, extended_to=CLOSES + timedelta(minutes=42, seconds=10))
    with time_machine.travel(CLOSES + timedelta(minutes=30)):
        said = text_of(client.get(f"{LIST}/bioeconomy"))
        assert "Apply by 31 January 2027 at 16:42" in text_of(client.get(LIST))
    assert "The closing time was moved by 43 minutes." in said
    assert "this site was out of order" in said
    assert "The first closing time was 31 January 2027 at 16:00." in said
    assert "Open" in said and "You can no longer apply" not in said


def test_the_closing_time_is_there_for_the_script_that_tells_it_in_own_time(
    client: CheckingClient, timed: StoredCall
) -> None:
    for code, word in (("en", "In your time: {}"), ("fi", "{}")):
        with time_machine.travel(OPENS):
            page = client.get(f"/{code}/internships/bioeconomy").text
        [place] = elements(page, "[data-own-time]")
        assert word in str((place.attrs or {})["data-own-time"])
        assert (place.attrs or {})["data-zone"] == "Europe/Helsinki"
        [moment] = place.query("time")
        assert isinstance(moment, Element)
        assert datetime.fromisoformat(str((moment.attrs or {})["datetime"])) == CLOSES


def test_in_summer_the_clock_is_another(client: CheckingClient, make: Make) -> None:
    make(closes_at=datetime(2027, 6, 30, 13, 0, tzinfo=UTC))
    assert "30 June 2027 at 16:00, Helsinki time (UTC+3)" in text_of(client.get(f"{LIST}/bioeconomy"))


# ------------------------------------------------------------------------------------------------------ languages


def test_a_call_without_the_pages_language_is_shown_in_one_that_it_has(client: CheckingClient, make: Make) -> None:
    words = {name: {"fi": f"Suomeksi: {name}"} for name in ("title", "text", "tasks", "place", "who", "languages")}
    make(document=a_document(**words, questions=()))
    shown = client.get(LIST)
    assert '<span lang="fi">Suomeksi: title</span>' in shown.text
    assert "Language of the call: Finnish" in text_of(shown)
    page = client.get(f"{LIST}/bioeconomy")
    assert "This call is not available in the language that you chose." in text_of(page)
    assert '<h1 class="ds-heading"><span lang="fi">Suomeksi: title</span></h1>' in page.text
    assert [(e.attrs or {}).get("lang") for e in elements(page.text, "div.prose")] == ["fi", "fi", "fi"]
    own = client.get("/fi/internships/bioeconomy")
    assert 'lang="fi"' not in own.text.partition("<main")[2]
    assert "Language of the call" not in own.text


@pytest.mark.parametrize("code", ["fi", "sv", "en"])
def test_pages_are_offered_in_every_language(client: CheckingClient, timed: StoredCall, code: str) -> None:
    for path in ("internships", "internships/bioeconomy", "internships/can-i-come"):
        page = client.get(f"/{code}/{path}")
        assert page.status_code == 200
        assert "%(" not in page.text
        for other in ("fi", "sv", "en"):
            assert f'href="/{other}/{path}"' in page.text


def test_the_body_speaks_its_own_language_whatever_the_page_speaks(app: Flask, make: Make) -> None:
    """As in the preview in the workspace, for a draft that lacks almost everything."""
    make(slug="a-draft", status="draft", opens_at=None, closes_at=None, published_at=None, document=a_document())
    make(slug="bare", status="draft", opens_at=None, closes_at=None, published_at=None, document=type(a_document())())
    bodies = {}
    for page_language in ("fi", "en"):
        with app.test_request_context(f"/{page_language}/"), speaking(page_language):
            bodies[page_language] = [
                render_template("public/call_body.html", call=find_call(slug), language="sv")
                for slug in ("a-draft", "bare")
            ]
    assert bodies["fi"] == bodies["en"]
    assert "Come and help us. (sv)" in bodies["fi"][0]
    assert "/sv/internships/can-i-come" in bodies["fi"][0]


# ------------------------------------------------------------------------------------------------ other programs


def test_search_engines_read_a_job_posting(client: CheckingClient, make: Make) -> None:
    document = a_document(title=in_three_languages("</script><script>alert(1)</script>"))
    make(closes_at=CLOSES, document=document)
    with time_machine.travel(OPENS):
        html = client.get(f"{LIST}/bioeconomy").text
    posting = posting_of(html)
    assert posting is not None
    assert "<script>alert" not in html
    assert posting["@type"] == "JobPosting"
    assert posting["title"] == "</script><script>alert(1)</script> (en)"
    assert "<p>Mapping partners. (en)</p>" in posting["description"]
    assert posting["datePosted"] == "2026-01-01"
    assert datetime.fromisoformat(posting["validThrough"]) == CLOSES
    assert posting["employmentType"] == "INTERN"
    assert posting["directApply"] is True
    assert posting["hiringOrganization"]["name"] == "Regional Council of Central Finland"
    assert posting["jobLocation"]["address"]["addressCountry"] == "FI"
    assert not {"educationRequirements", "baseSalary"} & posting.keys()


def test_what_cannot_be_applied_to_is_no_posting(client: CheckingClient, timed: StoredCall) -> None:
    for moment in (OPENS - timedelta(days=1), CLOSES):
        with time_machine.travel(moment):
            assert posting_of(client.get(f"{LIST}/bioeconomy").text) is None


def feed_of(client: CheckingClient, code: str = "en") -> Any:
    response = client.get(f"/{code}/internships/feed.atom")
    assert response.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    return etree.fromstring(response.data)


def test_news_readers_follow_the_feed(client: CheckingClient, make: Make) -> None:
    early, late = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    make(slug="first", published_at=early, changed_at=early)
    make(
        slug="second",
        published_at=late,
        changed_at=late,
        document=a_document(title={"fi": "Nimi & <b>"}, text={"fi": "Rivi\x0bjako <i>"}),
    )
    feed = feed_of(client)
    said = {name: feed.findtext(f"a:{name}", namespaces=ATOM) for name in ("id", "title", "updated")}
    assert said["id"] == "http://localhost/en/internships/feed.atom"
    assert datetime.fromisoformat(said["updated"]) == late
    entries = feed.findall("a:entry", ATOM)
    assert [entry.findtext("a:id", namespaces=ATOM) for entry in entries] == [
        "http://localhost/en/internships/second",
        "http://localhost/en/internships/first",
    ]
    assert entries[0].findtext("a:title", namespaces=ATOM) == "Nimi & <b>"
    assert entries[0].get("{http://www.w3.org/XML/1998/namespace}lang") == "fi"
    assert entries[0].findtext("a:content", namespaces=ATOM) == "<p>Rivi jako &lt;i&gt;</p>"
    assert "Unpaid · Apply by" in entries[1].findtext("a:summary", namespaces=ATOM)
    for entry in entries:
        assert datetime.fromisoformat(entry.findtext("a:published", namespaces=ATOM))
        assert entry.find("a:link", ATOM).get("href").startswith("http://localhost/en/internships/")


def test_a_feed_tells_anew_when_a_call_has_closed(client: CheckingClient, timed: StoredCall) -> None:
    def updated() -> datetime:
        return datetime.fromisoformat(feed_of(client).findtext("a:entry/a:updated", namespaces=ATOM))

    with time_machine.travel(OPENS - timedelta(days=1)):
        assert updated() == timed.changed_at
    with time_machine.travel(OPENS + timedelta(days=1)):
        assert updated() == OPENS
    with time_machine.travel(CLOSES + timedelta(days=1)):
        assert updated() == CLOSES


def test_an_empty_feed_is_a_feed(client: CheckingClient) -> None:
    feed = feed_of(client, "fi")
    assert feed.findtext("a:updated", namespaces=ATOM)
    assert feed.findall("a:entry", ATOM) == []


def test_pages_name_the_feed(client: CheckingClient, timed: StoredCall) -> None:
    for path in ("/sv/internships", "/sv/internships/bioeconomy"):
        links = [e.attrs or {} for e in elements(client.get(path).text, "link")]
        [feed] = [link for link in links if link.get("type") == "application/atom+xml"]
        assert (feed["rel"], feed["href"]) == ("alternate", "/sv/internships/feed.atom")


def test_the_deadline_goes_into_a_calendar(client: CheckingClient, timed: StoredCall) -> None:
    entries = {}
    for code in ("en", "fi"):
        response = client.get(f"/{code}/internships/bioeconomy/deadline.ics")
        assert response.headers["Content-Type"] == "text/calendar; charset=utf-8"
        assert response.headers["Content-Disposition"] == "attachment; filename=bioeconomy.ics"
        [entries[code]] = Calendar.from_ical(response.data).walk("VEVENT")
    entry = entries["en"]
    assert entry["DTSTART"].dt == CLOSES
    assert str(entry["SUMMARY"]) == "Last time to apply: Intern for bioeconomy networks (en)"
    assert str(entry["URL"]) == "http://localhost/en/internships/bioeconomy"
    assert "31 January 2027 at 16:00, Helsinki time (UTC+2)" in str(entry["DESCRIPTION"])
    [alarm] = entry.walk("VALARM")
    assert alarm["TRIGGER"].dt == timedelta(days=-1)
    assert str(entries["fi"]["UID"]) == str(entry["UID"]) == f"call-{timed.id}-deadline@localhost"


def test_a_calendar_gets_the_extended_deadline(client: CheckingClient, make: Make) -> None:
    make(closes_at=CLOSES, extended_to=CLOSES + timedelta(hours=1))
    [entry] = Calendar.from_ical(client.get(f"{LIST}/bioeconomy/deadline.ics").data).walk("VEVENT")
    assert entry["DTSTART"].dt == CLOSES + timedelta(hours=1)


# ---------------------------------------------------------------------------------------------------------- speed

SHARED = ("internships", "internships/bioeconomy", "internships/feed.atom", "internships/bioeconomy/deadline.ics")


@pytest.mark.parametrize("path", SHARED)
def test_what_is_the_same_for_all_may_be_kept_for_a_minute(
    client: CheckingClient, timed: StoredCall, path: str, count_statements: Counting
) -> None:
    with count_statements() as statements:
        first = client.get(f"/en/{path}")
        again = client.get(f"/en/{path}", headers={"If-None-Match": first.headers["ETag"]})
    assert len(statements) == 1, "the second is answered from what the first has read"
    assert first.headers["Cache-Control"] == "public, max-age=60"
    assert not first.headers["ETag"].startswith("W/")
    assert "Set-Cookie" not in first.headers
    assert (again.status_code, again.data) == (304, b"")
    assert client.get(f"/fi/{path}", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_the_number_of_calls_does_not_count(client: CheckingClient, make: Make, count_statements: Counting) -> None:
    for number in range(20):
        make(slug=f"call-{number}")
    with count_statements() as statements:
        for path in (LIST, f"{LIST}/call-7", f"{LIST}/feed.atom"):
            client.get(path)
    assert len(statements) == 1


def test_a_page_is_not_kept_beyond_its_phase(client: CheckingClient, timed: StoredCall) -> None:
    with time_machine.travel(CLOSES - timedelta(seconds=1), tick=False):
        before = client.get(f"{LIST}/bioeconomy")
    with time_machine.travel(CLOSES, tick=False):
        after = client.get(f"{LIST}/bioeconomy", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.headers["ETag"] != before.headers["ETag"]


# ------------------------------------------------------------------------------------------------------ precheck

PRECHECK = f"{LIST}/can-i-come"


def ask(client: CheckingClient, **answers: str) -> Any:
    form = form_of(client.get(PRECHECK), PRECHECK)
    for name in ("citizenship", "background", "pay", "length"):
        form.pop(name, None)
    return client.post(PRECHECK, data={**form, **answers})


@pytest.mark.parametrize(
    ("citizenship", "background", "pay", "length", "heading", "facts"),
    [
        ("nordic", "neither", "unpaid", "long", "You can probably come", ["Digital and Population Data Services"]),
        ("eu", "student", "unpaid", "medium", "You can probably come", ["more than three months", "Erasmus+"]),
        ("other", "student", "unpaid", "short", "Probably not like this", ["none is granted", "Erasmus+"]),
        ("other", "graduated_2", "paid", "medium", "on conditions", ["visa-free", "within two years", "18 months"]),
    ],
)
def test_the_precheck_says_what_is_possible_and_who_says_so(
    client: CheckingClient,
    citizenship: str,
    background: str,
    pay: str,
    length: str,
    heading: str,
    facts: list[str],
) -> None:
    page = ask(client, citizenship=citizenship, background=background, pay=pay, length=length)
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    said = text_of(page)
    assert heading in said
    assert all(fact in said for fact in facts), said
    assert "This is information, not a decision." in said
    advice = elements(page.text, ".advice > li")
    assert advice
    for item in advice:
        assert "Checked on 24 November 2026." in item.to_text()
        assert str((item.query("a")[0].attrs or {})["href"]).startswith("https://")  # type: ignore[union-attr]
    assert elements(page.text, "h2[data-focus]"), "whoever does not see the page is taken to the answer"
    checked = [(e.attrs or {})["value"] for e in elements(page.text, "input[checked]")]
    assert checked == [citizenship, background, pay, length]


def test_a_precheck_with_gaps_says_which(client: CheckingClient) -> None:
    page = ask(client, citizenship="eu", pay="gold")
    assert page.status_code == 422
    said = text_of(page)
    for question in ("Do you study?", "Is the internship paid?", "How long would you stay?"):
        assert f"“{question}”: choose an answer." in said
    assert "“What is your citizenship?”" not in said
    assert elements(page.text, 'input[value="eu"][checked]')


def test_a_precheck_from_elsewhere_is_refused(client: CheckingClient) -> None:
    answers = {"citizenship": "eu", "background": "student", "pay": "paid", "length": "short"}
    assert client.post(PRECHECK, data=answers).status_code == 400


def test_a_call_answers_one_question_beforehand(client: CheckingClient) -> None:
    for asked, checked in (("paid", ["paid"]), ("unpaid", ["unpaid"]), ("gold", [])):
        page = client.get(f"{PRECHECK}?pay={asked}").text
        assert [(e.attrs or {})["value"] for e in elements(page, "input[checked]")] == checked
    assert elements(client.get(f"{PRECHECK}?citizenship=eu").text, "input[checked]") == []
