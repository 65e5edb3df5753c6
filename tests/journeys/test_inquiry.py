"""A visitor asks, mends a form, gets a receipt, follows the letter's link and writes again."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from tests.journeys.conftest import OpenContext
from tests.journeys.keyboard import choose_by_key, tab_to, type_into
from tests.journeys.looking import check, picture
from tests.journeys.steps import (
    CODE,
    LANGUAGES,
    LIAR,
    PICTURE,
    PROGRAMME,
    REFERENCE,
    Mail,
    press,
    words_of,
)

NARROW = {"width": 320, "height": 640}
MESSAGE = "Hyvä yhteyshenkilö,\n\nwe look for a partner – kumppania – for a “proposal”.\nRegards & <greetings>"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_visitor_asks_and_writes_again(language: str, open_context: OpenContext, mail: Mail) -> None:
    say = words_of(language)
    page = open_context(viewport=NARROW, has_touch=True, is_mobile=True).new_page()

    # From the question on the front page to the form, which knows the topic already.
    page.goto(f"/{language}/")
    expect(page.get_by_role("heading", level=1, name=say("Who can help me?"))).to_be_visible()
    page.get_by_label(say("What is it about?")).select_option("tci")
    press(page, say("Continue"))
    expect(page.get_by_label(say("Topic"))).to_have_value("tci")
    expect(page.get_by_text("Kari Pirinen").first).to_be_visible()

    # Sent too early, and with a file that is not what its name says.
    page.fill("#subject", "Klusteriyhteistyö – kluster")
    page.fill("#name", "Åsa Öberg-Example")
    page.fill("#email", f"visitor-{language}@example.org")
    page.set_input_files("#files", [LIAR, PICTURE])
    press(page, say("Send"))
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_be_in_viewport()
    expect(page).to_have_title(re.compile(re.escape(say("Error: %(title)s", title=say("Send an inquiry")))))
    check(page)
    picture(page, f"form-errors-{language}-320")
    links = summary.get_by_role("link")
    expect(links).to_have_count(2)
    for field in ("message", "files"):
        summary.locator(f"a[href='#{field}']").click()
        expect(page.locator(f"#{field}")).to_be_focused()
        expect(page.locator(f"#{field}")).to_be_in_viewport()
        expect(page.locator(f"#{field}")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#files-error")).to_contain_text("budget.xlsx")

    # Nothing typed is lost, and the good file need not be chosen again.
    expect(page.locator("#subject")).to_have_value("Klusteriyhteistyö – kluster")
    expect(page.get_by_text(PICTURE["name"])).to_be_visible()
    page.fill("#message", MESSAGE)
    press(page, say("Send"))
    expect(page.get_by_role("heading", level=1, name=say("Your message has arrived"))).to_be_visible()
    reference, code = page.locator("#reference").inner_text(), page.locator("#access-code").inner_text()
    assert REFERENCE.fullmatch(reference)
    expect(page.locator(".sent-text")).to_have_text(MESSAGE, use_inner_text=True)
    expect(page.get_by_text(PICTURE["name"])).to_be_visible()
    check(page)
    picture(page, f"receipt-{language}-320")

    # The same by mail, to the sender; the manager's letter has the reference and nothing of the person.
    (receipt,) = mail.wait_for(f"visitor-{language}@example.org", reference)
    assert code in receipt
    assert MESSAGE in receipt
    assert PICTURE["name"] in receipt
    (notice,) = mail.wait_for("kari.pirinen@", reference)
    assert not [word for word in ("Öberg", "visitor-", "Kluster", code) if word in notice]

    # The letter's link leads to the page where its reference is filled in already.
    link = next(word for word in receipt.split() if "/track" in word)
    page.goto(link)
    assert urlsplit(page.url).path == f"/{language}/track"
    expect(page.get_by_label(say("Reference"))).to_have_value(reference)
    page.get_by_label(say("Access code")).fill("7F3K-9QXD-2MPT")
    press(page, say("Open"))
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label(say("Reference"))).to_have_value(reference)
    page.get_by_label(say("Access code")).fill(code.lower().replace("-", " "))
    press(page, say("Open"))
    page.wait_for_url("**/track/case")
    expect(page.locator("#latest")).to_contain_text("Hyvä yhteyshenkilö")
    expect(page.get_by_text("Kari Pirinen")).to_be_visible()
    check(page)
    picture(page, f"own-page-{language}-320")

    # An empty word, then a real one.
    press(page, say("Send"))
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_label(say("Your message")).fill("P.S. One thing more.")
    press(page, say("Send"))
    expect(page.locator("#latest")).to_contain_text("P.S. One thing more.")
    mail.wait_for("kari.pirinen@", reference, count=2)
    press(page, say("Close the page on this device"))
    page.goto(f"/{language}/track/case")
    assert urlsplit(page.url).path == f"/{language}/track"


# ------------------------------------------------------------------------------------------------- by keyboard


def test_the_whole_way_by_keyboard(open_context: OpenContext, mail: Mail) -> None:
    page = open_context().new_page()
    page.emulate_media(reduced_motion="reduce")
    page.goto("/en/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the main content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the main content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()

    topic = page.locator("#topic")
    tab_to(page, topic)
    for _ in range(20):
        page.keyboard.press("ArrowDown")
        if topic.input_value() == "creative-economy":
            break
    tab_to(page, page.get_by_role("button", name="Continue"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/contact?topic=creative-economy")

    type_into(page, page.locator("#subject"), "Festival partners")
    tab_to(page, page.locator("#files"))
    choose_by_key(page, PROGRAMME)
    type_into(page, page.locator("#name"), "Kay Keyboard")
    type_into(page, page.locator("#email"), "kay@example.org")
    page.keyboard.press("Enter")

    # The summary has the keyboard; its first link leads into the field to mend.
    expect(page.get_by_role("alert")).to_be_focused()
    tab_to(page, page.locator("a[href='#message']"))
    page.keyboard.press("Enter")
    expect(page.locator("#message")).to_be_focused()
    page.keyboard.type("Dear colleagues,\nwe look for a festival.")
    tab_to(page, page.get_by_role("button", name="Send"))
    page.keyboard.press("Space")
    page.wait_for_url("**/receipt")
    code = page.locator("#access-code").inner_text()
    mail.wait_for("kay@example.org", "programme.pdf")

    tab_to(page, page.locator("main").get_by_role("link", name="Follow your inquiry"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/track?reference=*")
    type_into(page, page.locator("#code"), code)
    page.keyboard.press("Enter")
    page.wait_for_url("**/track/case")
    type_into(page, page.locator("#body"), "Written without a mouse.")
    tab_to(page, page.get_by_role("button", name="Send", exact=True))
    page.keyboard.press("Enter")
    expect(page.locator("#latest")).to_contain_text("Written without a mouse.")


# ---------------------------------------------------------------------------------- without scripts, and with


def test_the_whole_way_without_scripts(no_js: Page, mail: Mail) -> None:
    page = no_js
    page.goto("/sv/")
    say = words_of("sv")
    page.select_option("#topic", "triage")
    press(page, say("Continue"))
    expect(page.locator("#topic")).to_have_value("triage")
    page.get_by_text(say("Who gets my message?")).click()
    expect(page.get_by_text("Raija Partanen").first).to_be_visible()
    expect(page.locator("#message-limit")).to_have_text(
        say("You can write up to %(number)s characters.", number=10_000)
    )

    page.fill("#subject", "Utan skript")
    page.fill("#name", "Nils Noscript")
    page.fill("#email", "nils@example.org")
    page.set_input_files("#files", [PROGRAMME, LIAR])
    press(page, say("Send"))
    expect(page.get_by_role("alert")).to_contain_text("budget.xlsx")
    page.locator("a[href='#message']").click()
    assert page.url.endswith("#message")
    page.fill("#message", "Hej!\nEn fråga.")
    page.get_by_label(re.compile(re.escape("programme.pdf"))).check()
    press(page, say("Send"))
    page.wait_for_url("**/receipt")
    expect(page.get_by_text("programme.pdf")).to_have_count(0)

    reference, code = page.locator("#reference").inner_text(), page.locator("#access-code").inner_text()
    (receipt,) = mail.wait_for("nils@example.org", reference)
    assert "programme.pdf" not in receipt
    page.goto(next(word for word in receipt.split() if "/track" in word))
    page.fill("#code", code)
    press(page, say("Open"))
    page.fill("#body", "En sak till.")
    press(page, say("Send"))
    expect(page.locator("#latest")).to_contain_text("En sak till.")


def test_helps_of_the_form(open_context: OpenContext, mail: Mail) -> None:
    """The counter counts, and a double click sends once."""
    page = open_context().new_page()
    page.goto("/en/contact?topic=errin")
    counter = page.locator("#message-limit")
    expect(counter).to_have_text("Characters left: 10000")
    page.fill("#message", "Hei! 👋\nab")
    expect(counter).to_have_text("Characters left: 9991")
    page.fill("#message", "x" * 10_003)
    expect(counter).to_have_text("Characters too many: 3")
    expect(counter).to_have_attribute("data-state", "over")
    expect(page.locator("#message-limit + [aria-live]")).to_have_text("Characters too many: 3")
    page.fill("#message", "Once, please.")

    page.fill("#subject", "A double click")
    page.fill("#name", "Dora Double")
    page.fill("#email", "dora@example.org")
    sent: list[Request] = []
    page.on("request", lambda asked: sent.append(asked) if asked.method == "POST" else None)
    page.get_by_role("button", name="Send").dblclick()
    page.wait_for_url("**/receipt")
    assert len(sent) == 1
    # Without a file, the form went in the plain way.
    assert sent[0].headers["content-type"] == "application/x-www-form-urlencoded"

    # Back, and the same form once more: it is the same message, with the same reference.
    reference = page.locator("#reference").inner_text()
    mail.wait_for("dora@example.org")
    page.go_back()
    page.wait_for_url("**/contact?topic=errin")
    page.goto("/en/contact/receipt")
    expect(page.locator("#reference")).to_have_text(reference)
    assert len(mail.find("dora@example.org")) == 1


@pytest.mark.parametrize(
    "path",
    ["/", "/contacts", "/topics/errin", "/pages/privacy", "/track", "/internships", "/internships/can-i-come"],
)
def test_another_language_of_the_same_page(path: str, open_context: OpenContext) -> None:
    page = open_context().new_page()
    page.goto(f"/fi{path}")
    for name, language in (("Svenska", "sv"), ("English", "en"), ("Suomi", "fi")):
        page.locator("nav.languages").get_by_role("link", name=re.compile(name, re.IGNORECASE)).click()
        page.wait_for_selector(f"html[lang={language}]")
        parts = urlsplit(page.url)
        assert parts.path + (f"?{parts.query}" if parts.query else "") == f"/{language}{path}"


@pytest.mark.parametrize(("locale", "language"), [("sv-FI", "sv"), ("en-GB", "en"), ("ja-JP", "fi")])
def test_the_first_page_is_in_the_visitors_language(locale: str, language: str, open_context: OpenContext) -> None:
    page = open_context(locale=locale).new_page()
    page.goto("/")
    assert urlsplit(page.url).path == f"/{language}/"


def test_an_own_page_says_how_things_stand_without_an_account(open_context: OpenContext, tmp_path: Path) -> None:
    """A wrong code and an unknown reference say the same."""
    page = open_context().new_page()
    said = []
    for reference in ("KS-2026-7F3K-9QXD", "nonsense"):
        page.goto("/en/track")
        page.fill("#reference", reference)
        page.fill("#code", "7F3K-9QXD-2MPT")
        press(page, "Open")
        said.append(page.get_by_role("alert").inner_text())
    assert said[0] == said[1]
    assert not CODE.search(said[0])


def test_changing_the_language_keeps_the_text_and_enter_sends(no_js: Page) -> None:
    no_js.goto("/en/contact?topic=errin")
    no_js.fill("#subject", "Half written")
    no_js.get_by_role("button", name="Svenska").click()
    expect(no_js.locator("html")).to_have_attribute("lang", "sv")
    expect(no_js.locator("#topic")).to_have_value("errin")
    expect(no_js.locator("#subject")).to_have_value("Half written")
    expect(no_js.get_by_role("alert")).to_have_count(0)
    no_js.locator("#subject").press("Enter")
    expect(no_js.get_by_role("alert")).to_be_visible()
    expect(no_js.locator("html")).to_have_attribute("lang", "sv")
