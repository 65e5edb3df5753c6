"""Every page, in every language, narrow and wide, light and dark: no barrier, nothing sideways, nothing strange.

That no page reports an error, breaks its security policy or asks another host is seen to by ``open_context``.
"""

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import OpenContext, SignIn
from tests.journeys.looking import check_everywhere, check_large_text, check_width
from tests.journeys.steps import LANGUAGES, LIAR, PICTURE, PROGRAMME, Mail, press, send_inquiry, words_of

PAGES = {
    "front": "/",
    "contacts": "/contacts",
    "contact": "/contact",
    "contact-topic": "/contact?topic=frcc",
    "internships": "/internships",
    "precheck": "/internships/can-i-come",
    "track": "/track",
    "privacy": "/pages/privacy",
    "accessibility": "/pages/accessibility",
    "nowhere": "/nowhere",
}
LONG = "Maakuntayhteisohankevalmisteluasiantuntijaverkostokokousjärjestelytoimikunta"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_public_pages(name: str, language: str, open_context: OpenContext) -> None:
    page = open_context().new_page()
    page.goto(f"/{language}{PAGES[name]}")
    expect(page.locator("html")).to_have_attribute("lang", language)
    check_everywhere(page, f"{name}-{language}")
    if name in ("front", "contact"):
        check_everywhere(page, f"{name}-{language}", widths=[768])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["priorities", "topics"])
def test_pages_of_the_content(kind: str, language: str, open_context: OpenContext) -> None:
    """The first two in every look; whether a text fits is seen for all."""
    page = open_context().new_page()
    page.goto(f"/{language}/")
    found = page.locator(f"main a[href*='/{kind}/']").evaluate_all("links => links.map(link => link.pathname)")
    if kind == "topics":
        page.goto(f"/{language}/contacts")
        found += page.locator("main a[href*='/topics/']").evaluate_all("links => links.map(link => link.pathname)")
    paths = sorted(set(found))
    assert len(paths) >= 3
    for number, path in enumerate(paths):
        page.goto(path)
        if number < 2:
            check_everywhere(page, path.strip("/").replace("/", "-"))
        check_width(page, 320)


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_an_inquiry(language: str, open_context: OpenContext) -> None:
    say = words_of(language)
    page = open_context().new_page()
    page.goto(f"/{language}/contact?topic=berst")
    page.fill("#subject", f"A word of length: {LONG}")
    page.fill("#name", LONG)
    page.fill("#email", f"{LONG[:50]}@{LONG[:30]}.{LONG[30:60]}.example.org".lower())
    page.fill("#telephone", "none")
    page.set_input_files("#files", [LIAR, PROGRAMME, PICTURE])
    press(page, say("Send"))
    expect(page.get_by_role("alert")).to_be_focused()
    check_everywhere(page, f"contact-errors-{language}")
    page.fill("#message", f"{LONG * 3}\n\nhttps://example.org/{'path/' * 30}")
    page.fill("#email", f"long-{language}@example.org")
    page.fill("#telephone", "")
    page.select_option("#country", "IS")
    press(page, say("Send"))
    page.wait_for_url("**/receipt")
    check_everywhere(page, f"receipt-{language}")
    code = page.locator("#access-code").inner_text()
    page.locator("main").get_by_role("link", name=say("Follow your inquiry")).click()
    press(page, say("Open"))
    expect(page.get_by_role("alert")).to_be_focused()
    check_everywhere(page, f"track-errors-{language}")
    page.fill("#code", code)
    press(page, say("Open"))
    page.wait_for_url("**/track/case")
    page.fill("#body", "More.")
    press(page, say("Send"))
    expect(page.locator("#latest")).to_contain_text("More.")
    check_everywhere(page, f"own-page-{language}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_the_workspace(language: str, open_context: OpenContext, sign_in: SignIn) -> None:
    say = words_of(language)
    visitor = open_context()
    sent = send_inquiry(visitor, language=language, subject=f"{LONG} {language}", organisation=LONG, files=PROGRAMME)
    send_inquiry(visitor, language=language, topic="triage", subject=f"Triage {language}", name=LONG)

    page = open_context().new_page()
    page.goto(f"/workspace/sign-in?lang={language}")
    check_everywhere(page, f"sign-in-{language}")
    press(page, say("Sign in"))
    expect(page.get_by_role("alert")).to_be_focused()
    check_everywhere(page, f"sign-in-errors-{language}", widths=[320])

    # No journey closes a case of this person.
    empty = sign_in("paivanen", language)
    empty.goto("/workspace/mine?status=closed")
    expect(empty.get_by_text(say("There are no cases in this state."))).to_be_visible()
    check_everywhere(empty, f"inbox-empty-{language}")
    empty.goto("/workspace/account")
    press(empty, say("Change the password"))
    expect(empty.get_by_role("alert")).to_be_focused()
    check_everywhere(empty, f"account-errors-{language}")

    page = sign_in("koponen", language)
    for path, name in (("mine", "inbox"), ("absences", "absences"), ("nowhere", "nowhere"), ("account", "account")):
        page.goto(f"/workspace/{path}")
        check_everywhere(
            page, f"workspace-{name}-{language}", widths=[320, 768, 1280] if path == "mine" else [320, 1280]
        )
    page.goto(f"/workspace/cases/{sent.reference}")
    press(page, say("Preview the letter"))
    expect(page.get_by_role("alert")).to_be_focused()
    check_everywhere(page, f"case-errors-{language}", widths=[320])
    page.fill("#reply-body", f"Hei!\n\n{LONG}")
    press(page, say("Preview the letter"))
    expect(page.locator("pre.letter")).to_be_visible()
    check_everywhere(page, f"preview-{language}")
    press(page, say("Send"))
    page.wait_for_url("**/cases/*")
    page.locator("summary").evaluate_all("all => all.forEach(one => { one.parentElement.open = true; })")
    check_everywhere(page, f"case-{language}", widths=[320, 768, 1280])

    page = sign_in("coordinator", language)
    for path in ("triage", "all"):
        page.goto(f"/workspace/{path}?status=any")
        check_everywhere(page, f"workspace-{path}-{language}", widths=[320])


def test_pages_of_captured_mail(open_context: OpenContext, mail: Mail) -> None:
    context = open_context()
    page = context.new_page()
    sent = send_inquiry(context, email="mailbox@example.org", subject="Captured")
    page.goto("/_mail/")
    mail.wait_for("mailbox@example.org")
    page.reload()
    receipt = page.get_by_role("row").filter(has_text="mailbox@example.org").get_by_role("link")
    check_everywhere(page, "mailbox")
    receipt.first.click()
    expect(page.locator("pre.letter")).to_contain_text(sent.reference)
    expect(page.locator("pre.letter a[href*='/en/track']")).to_be_visible()
    check_everywhere(page, "letter")


def test_letters_twice_as_large(open_context: OpenContext, sign_in: SignIn) -> None:
    sent = send_inquiry(open_context(), subject="Large letters", files=PROGRAMME)
    page: Page = open_context().new_page()
    for path in ("/fi/", "/fi/contact?topic=tci", "/sv/contacts", "/sv/track"):
        page.goto(path)
        check_large_text(page)
    page = sign_in("koponen", "fi")
    for path in (f"cases/{sent.reference}", "mine", "absences"):
        page.goto(f"/workspace/{path}")
        check_large_text(page)
