"""When something goes wrong, a person is told what to do, and what was typed is still there."""

import http.client
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from tests.journeys.conftest import OpenContext, Portal, SignIn, type_password
from tests.journeys.looking import check, picture
from tests.journeys.steps import LANGUAGES, LARGE, PROGRAMME, Mail, press, send_inquiry, words_of


def test_an_address_that_leads_nowhere(desktop: Page) -> None:
    for path, language in [*((f"/{code}/nowhere", code) for code in LANGUAGES), ("/de/contact", "fi")]:
        answer = desktop.goto(path)
        assert answer is not None
        assert answer.status == 404
        expect(desktop.locator("html")).to_have_attribute("lang", language)
        expect(desktop.get_by_role("heading", level=1)).to_have_text(words_of(language)("The page was not found"))
        desktop.locator("main").get_by_role("link").first.click()
        expect(desktop.locator("#topic")).to_be_visible()


def test_a_file_that_is_too_large(phone: Page, mail: Mail) -> None:
    page = phone
    page.goto("/fi/contact?topic=errin")
    say = words_of("fi")
    page.fill("#subject", "Iso tiedosto")
    page.fill("#message", "Tämä teksti säilyy.")
    page.fill("#name", "Iida Iso")
    page.fill("#email", "iida@example.org")
    page.set_input_files("#files", [LARGE, PROGRAMME])
    told = page.locator(".ds-validation-message", has_text="huge.txt")
    expect(told).to_be_visible()
    expect(page.locator("#files")).to_have_attribute("aria-invalid", "true")
    check(page)
    picture(page, "too-large-fi-390")

    # Sent all the same, the server says it too, and keeps the text and the other file.
    press(page, say("Send"))
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("huge.txt")
    expect(page.locator("#message")).to_have_value("Tämä teksti säilyy.")
    expect(page.get_by_text("programme.pdf")).to_be_visible()
    press(page, say("Send"))
    page.wait_for_url("**/receipt")
    mail.wait_for("iida@example.org", "programme.pdf")


def test_more_than_the_server_takes(desktop: Page, portal: Portal) -> None:
    """A form of far too many parts, and a request of gigabytes: a page that says so; the form still has the text."""
    page = desktop
    page.goto("/en/contact?topic=errin")
    page.fill("#message", "Kept")
    page.set_input_files("#files", [PROGRAMME])
    page.locator("main form").evaluate(
        """form => form.addEventListener("formdata", (event) => {
          for (let count = 0; count < 250; count++) event.formData.append("more", "x");
        })"""
    )
    press(page, "Send")
    expect(page.locator("h1")).not_to_have_text("Send an inquiry")
    check(page)
    picture(page, "413-en-1280")
    title = page.locator("h1").inner_text()
    page.go_back()
    expect(page.locator("#message")).to_have_value("Kept")

    server = urlsplit(portal.url)
    assert server.hostname
    line = http.client.HTTPConnection(server.hostname, server.port or 80, timeout=10)
    line.putrequest("POST", "/en/contact")
    line.putheader("Content-Type", "multipart/form-data; boundary=x")
    line.putheader("Content-Length", "3000000000")
    line.endheaders(b"--x\r\n")
    answer = line.getresponse()
    assert answer.status == 413
    assert title in answer.read().decode()
    line.close()


def test_a_session_that_ended_in_another_tab(open_context: OpenContext, sign_in: SignIn, portal: Portal) -> None:
    subject = "Signed out meanwhile"
    sent = send_inquiry(open_context(), subject=subject)
    page = sign_in("koponen")
    page.goto(f"/workspace/cases/{sent.reference}")
    page.get_by_text("Make an internal note").click()
    page.fill("#note-body", "A note that took\nhalf an hour to write.")
    other = page.context.new_page()
    other.goto("/workspace/account")
    press(other, "Sign out")

    # The note is not made, and not lost: it can be copied from the page that asks for the password.
    press(page, "Save the note")
    expect(page.get_by_role("status")).to_contain_text("You had been signed out")
    expect(page.locator("#typed")).to_have_value("A note that took\nhalf an hour to write.")
    check(page)
    picture(page, "signed-out-text-en-1280")
    text = page.locator("#typed").input_value()
    type_password(page, portal, "koponen")
    page.goto(f"/workspace/cases/{sent.reference}")
    expect(page.locator(".timeline")).not_to_contain_text("half an hour")
    page.get_by_text("Make an internal note").click()
    page.fill("#note-body", text)
    press(page, "Save the note")
    expect(page.locator(".timeline")).to_contain_text("half an hour")


def test_an_own_page_that_was_closed_in_another_tab(open_context: OpenContext) -> None:
    context = open_context()
    sent = send_inquiry(context, language="sv")
    page = context.new_page()
    page.goto("/sv/track")
    page.fill("#reference", sent.reference)
    page.fill("#code", sent.code)
    page.keyboard.press("Enter")
    page.wait_for_url("**/track/case")
    page.fill("#body", "\nEn lång text.")
    other = context.new_page()
    other.goto("/sv/track/case")
    press(other, words_of("sv")("Close the page on this device"))
    press(page, words_of("sv")("Send"))
    expect(page.locator("#kept")).to_have_value("\nEn lång text.")
    check(page)
    picture(page, "own-page-closed-sv-1280")


def test_a_wrong_password(desktop: Page) -> None:
    page = desktop
    page.goto("/workspace/sign-in?lang=en")
    page.fill("#email", "koponen@demo.example.org")
    page.fill("#password", "wrong-wrong-wrong")
    press(page, "Sign in")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.locator("#email")).to_have_value("koponen@demo.example.org")
    expect(page.locator("#password")).to_have_value("")
    check(page)
