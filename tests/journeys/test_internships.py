"""Somebody abroad looks for an internship: on a phone, in another time zone, with and without scripts."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from portal import clock, create_app
from portal.database import db
from portal.models import Account
from tests.installation import make_settings, release
from tests.internships import a_document, make_call
from tests.journeys.conftest import PHONE, OpenContext, Portal
from tests.journeys.looking import check_everywhere, check_large_text
from tests.journeys.steps import LANGUAGES, press, words_of

LONG = "Maakuntayhteisohankevalmisteluasiantuntijaverkostokokousharjoittelija"
CLOSES = datetime(2031, 1, 8, 14, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def calls(portal: Portal) -> list[str]:
    """Calls in every phase, with words that are hard to fit; one was extended, one is in Finnish alone."""
    app = create_app(make_settings(portal.data_dir, f"sqlite:///{portal.data_dir / 'portal.sqlite'}"))
    now = clock.now()
    finnish = {name: {"fi": f"{LONG} {name}"} for name in ("title", "text", "tasks", "who")}
    with app.app_context():
        lead = db.session.scalars(select(Account.id).where(Account.manager_key == "koponen")).one()
        db.session.rollback()
        made = [
            make_call(lead, slug="open-to-2031", closes_at=CLOSES),
            make_call(
                lead,
                slug="in-finnish",
                document=a_document(**finnish, answer_by=None),
                closes_at=now + timedelta(hours=9),
                extended_to=now + timedelta(hours=10),
            ),
            make_call(lead, slug="standing", closes_at=None),
            make_call(lead, slug="later", opens_at=now + timedelta(days=3), closes_at=now + timedelta(days=30)),
            make_call(lead, slug="past", closes_at=now - timedelta(days=3)),
        ]
    release(app)
    return [call.slug for call in made]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_the_calls(language: str, calls: list[str], open_context: OpenContext) -> None:
    """Nor does any of them break the security policy: what search engines read is data, not a script."""
    page = open_context().new_page()
    page.goto(f"/{language}/internships")
    for slug in calls:
        expect(page.locator(f"main a[href='/{language}/internships/{slug}']")).to_be_visible()
    check_everywhere(page, f"internships-{language}")
    for slug in calls:
        page.goto(f"/{language}/internships/{slug}")
        posting = page.locator("script[type='application/ld+json']")
        expect(posting).to_have_count(0 if slug in ("later", "past") else 1)
        check_everywhere(page, f"call-{slug}-{language}")
    check_large_text(page)


@pytest.mark.parametrize(
    ("language", "zone", "told"),
    [
        ("en", "Asia/Tokyo", "Wed, 8 January 2031 at 23:00 GMT+9"),
        ("sv", "America/New_York", "8 januari 2031 kl. 09:00 GMT−5"),
        ("fi", "Asia/Kathmandu", "8. tammikuuta 2031 klo 19.45 UTC+5.45"),
    ],
)
def test_the_deadline_is_told_in_own_time(
    language: str, zone: str, told: str, calls: list[str], open_context: OpenContext
) -> None:
    page = open_context(timezone_id=zone, viewport=PHONE, locale="ja-JP").new_page()
    for path in ("internships", "internships/open-to-2031"):
        page.goto(f"/{language}/{path}")
        place = page.locator("[data-own-time]").filter(has=page.locator(f"time[datetime^='{CLOSES:%Y-%m-%dT%H:%M}']"))
        expect(place.locator(".own-time")).to_contain_text(told)
        expect(place).to_contain_text("(UTC+2)")


def test_who_is_in_finnish_time_is_told_once(calls: list[str], open_context: OpenContext) -> None:
    page = open_context(timezone_id="Europe/Tallinn").new_page()
    page.goto("/en/internships/open-to-2031")
    expect(page.locator("[data-own-time]")).to_contain_text("8 January 2031 at 16:00, Helsinki time (UTC+2)")
    expect(page.locator(".own-time")).to_have_count(0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_can_i_come_without_scripts(language: str, no_js: Page) -> None:
    no_js.goto(f"/{language}/internships/can-i-come?pay=paid")
    press(no_js, words_of(language)("See what is possible"))
    expect(no_js.get_by_role("alert").get_by_role("link")).to_have_count(3)
    for choice in ("citizenship-2", "background-1", "length-1"):
        no_js.check(f"#{choice}")
    press(no_js, words_of(language)("See what is possible"))
    expect(no_js.locator(".advice > li")).to_have_count(3)


@pytest.mark.parametrize("language", LANGUAGES)
def test_can_i_come_by_keyboard(language: str, open_context: OpenContext) -> None:
    page = open_context(viewport=PHONE).new_page()
    page.goto(f"/{language}/internships/can-i-come")
    page.locator("#citizenship-0").focus()
    keys = page.keyboard
    for down in (2, 0, 0, 1):
        keys.press("Space")
        for _ in range(down):
            keys.press("ArrowDown")
        keys.press("Tab")
    keys.press("Enter")
    expect(page.locator("#answer")).to_be_focused()
    expect(page.locator("#answer")).to_have_text(words_of(language)("You may be able to come, on conditions"))
    expect(page.locator(".advice a[href^='https://migri.fi/']").first).to_be_visible()
    check_everywhere(page, f"precheck-answer-{language}")
