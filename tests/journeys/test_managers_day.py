"""What managers do: the morning's inbox, an answer, a hand-over; two at one case; being away."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import OpenContext, Portal, SignIn, type_password
from tests.journeys.looking import check, picture
from tests.journeys.steps import LANGUAGES, PROGRAMME, Mail, press, send_inquiry, words_of

WIDTHS = [("en", 1280), ("fi", 320)]


def open_case(page: Page, subject: str, box: str = "mine") -> None:
    """From the inbox to a case by its subject."""
    page.goto(f"/workspace/{box}")
    page.get_by_role("link", name=subject).click()
    page.wait_for_url("**/workspace/cases/*")


def answer(page: Page, text: str, language: str = "en") -> None:
    """Write an answer and look at the letter, without sending it."""
    page.fill("#reply-body", text)
    press(page, words_of(language)("Preview the letter"))
    expect(page.locator("pre.letter")).to_contain_text(text)


def expect_told(page: Page, text: str) -> None:
    expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()


@pytest.mark.parametrize(("language", "width"), WIDTHS)
def test_a_managers_morning(
    language: str, width: int, open_context: OpenContext, sign_in: SignIn, mail: Mail, portal: Portal, tmp_path: Path
) -> None:
    say = words_of(language)
    name = f"{language}-{width}"
    sender = f"morning-{name}@example.org"
    subject = f"A research proposal {name}"
    visitor = open_context()
    sent = send_inquiry(
        visitor, language="sv", subject=subject, email=sender, organisation="Example Labs", files=PROGRAMME
    )
    (notice,) = mail.wait_for("hannu.koponen@", sent.reference)

    # The letter's link leads through the sign-in page to the case.
    page = sign_in("koponen", language, viewport={"width": width, "height": 900})
    page.context.clear_cookies()
    page.goto(next(word for word in notice.split() if "/workspace/" in word))
    type_password(page, portal, "koponen")
    assert page.url.endswith(f"/workspace/cases/{sent.reference}")
    page.locator("nav.main-nav").get_by_role("link", name=re.compile(f"^{say('Inbox')}")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(say("My inbox"))
    expect(page.get_by_role("row").filter(has_text=subject)).to_contain_text("Ada Example")
    expect(page.get_by_role("row").filter(has_text=subject)).to_contain_text(say("New"))
    page.get_by_role("link", name=subject).click()

    # Why it came here, what was said, and the file as it was sent.
    expect(page.get_by_role("heading", name=say("Why it came here"))).to_be_visible()
    assert "ERRIN" in page.locator("#because").inner_text()
    expect(page.locator("[lang=sv].said")).to_contain_text("we look for a region")
    with page.expect_download() as download:
        page.get_by_role("link", name="programme.pdf").click()
    download.value.save_as(tmp_path / "file")
    assert download.value.suggested_filename == "programme.pdf"
    assert (tmp_path / "file").read_bytes() == PROGRAMME["buffer"]

    # A note for colleagues.
    page.get_by_text(say("Make an internal note")).click()
    page.fill("#note-body", "I know them from Brussels.")
    press(page, say("Save the note"))
    expect_told(page, say("The note is saved."))
    expect(page.locator("[data-kind=note]")).to_contain_text("I know them from Brussels.")

    # The answer: looked at, mended, sent, delivered.
    answer(page, "Tack! We would like to join.", language)
    picture(page, f"preview-{name}")
    press(page, say("Back to editing"))
    expect(page.locator("#reply-body")).to_have_value("Tack! We would like to join.")
    answer(page, "Tack!\n\nWe would like to join you.", language)
    check(page)
    assert not mail.find(sender, "join you")
    press(page, say("Send"))
    expect_told(page, say("Your reply is on its way to the sender."))
    (letter,) = mail.wait_for(sender, "We would like to join you.")
    assert "I know them" not in letter
    assert sent.code in letter
    page.reload()
    reply = page.locator("[data-kind=reply]")
    expect(reply.locator("[data-state=sent]")).to_contain_text(sender)
    expect(reply.locator("[data-state=sent]")).to_contain_text(say("sent"))
    picture(page, f"case-answered-{name}")
    check(page)

    # Closed, and opened again.
    page.locator("summary", has_text=say("Close the case")).click()
    page.locator("#close-tell_sender").uncheck()
    press(page, say("Close the case"))
    expect_told(page, say("The case is closed. You can reopen it at any time."))
    expect(page.locator("#reply-body")).to_have_count(0)
    press(page, say("Reopen the case"))
    expect_told(page, say("The case is open again."))

    # To a colleague, who is told by mail and finds it.
    page.locator("summary", has_text=say("Hand over")).click()
    page.select_option("#hand_over-target", "manager:pirinen")
    page.fill("#hand_over-reason", "You know clusters better.")
    press(page, say("Hand over"))
    page.wait_for_url("**/workspace/mine")
    expect_told(page, say("The case is handed over, and the new holder is told."))
    expect(page.get_by_role("link", name=subject)).to_have_count(0)
    mail.wait_for("kari.pirinen@", sent.reference)
    page.goto(f"/workspace/cases/{sent.reference}")
    expect(page.get_by_role("heading", level=1)).to_have_text(words_of(language)("The page was not found"))

    colleague = sign_in("pirinen", language, viewport={"width": width, "height": 900})
    open_case(colleague, subject)
    expect(colleague.get_by_text("You know clusters better.")).to_be_visible()
    expect(colleague.locator(".timeline")).to_contain_text("Hannu Koponen")
    press(colleague, say("Sign out"))
    expect_told(colleague, say("You have signed out."))
    colleague.go_back()
    colleague.reload()
    expect(colleague.locator("#password")).to_be_visible()

    # The sender reads the answer, and nothing that was meant for colleagues.
    own = visitor.new_page()
    own.goto("/sv/track")
    own.fill("#reference", sent.reference)
    own.fill("#code", sent.code)
    own.keyboard.press("Enter")
    expect(own.locator(".timeline")).to_contain_text("We would like to join you.")
    assert not [word for word in ("Brussels", "clusters better") if word in own.content()]


def test_two_managers_at_one_case(open_context: OpenContext, sign_in: SignIn, mail: Mail) -> None:
    subject = "Two at once"
    sent = send_inquiry(open_context(), topic="triage", subject=subject, email="twice@example.org")
    first, second = sign_in("koponen"), sign_in("pirinen")
    open_case(first, subject, "triage")
    open_case(second, subject, "triage")
    answer(first, "The first answer.")
    answer(second, "The second answer, which took long to write.")
    press(first, "Send")
    expect_told(first, "on its way")

    press(second, "Send")
    told = second.get_by_role("alert")
    expect(told).to_be_focused()
    expect(told).to_contain_text("Hannu Koponen answered")
    expect(second.locator(".timeline")).to_contain_text("The first answer.")
    expect(second.locator("#reply-body")).to_have_value("The second answer, which took long to write.")
    check(second)
    picture(second, "conflict-en-1280")
    mail.wait_for("twice@example.org", "The first answer.")
    assert not mail.find("twice@example.org", "The second answer")

    # Having read it, the second decides to send all the same; and a note made meanwhile is kept as well.
    first.reload()
    first.get_by_text("Make an internal note").click()
    first.fill("#note-body", "I have answered already.")
    answer(second, "The second answer, made short.")
    press(second, "Send")
    expect_told(second, "on its way")
    press(first, "Save the note")
    expect(first.get_by_role("alert")).to_contain_text("Kari Pirinen answered")
    expect(first.locator("#note-body")).to_be_visible()
    expect(first.locator("#note-body")).to_have_value("I have answered already.")
    press(first, "Save the note")
    expect_told(first, "The note is saved.")
    mail.wait_for("twice@example.org", "made short")
    assert sent.reference in first.url


def test_a_note_beside_a_half_written_answer(open_context: OpenContext, sign_in: SignIn) -> None:
    sent = send_inquiry(open_context(), subject="Two forms", email="forms@example.org")
    page = sign_in("koponen")
    page.goto(f"/workspace/cases/{sent.reference}")
    page.fill("#reply-body", "Half an answer")
    page.get_by_text("Make an internal note").click()
    page.fill("#note-body", "Ask Kari first.")
    press(page, "Save the note")
    expect_told(page, "The note is saved.")
    expect(page.locator("#reply-body")).to_have_value("Half an answer")
    press(page, "Sign out")
    expect_told(page, "You have signed out.")
    assert page.evaluate("sessionStorage.length") == 0


@pytest.fixture
def away(sign_in: SignIn) -> Iterator[Page]:
    """The page on which Raija Partanen has marked herself away from today on."""
    page = sign_in("partanen")
    page.get_by_role("link", name="Absences").click()
    expect(page.get_by_text("Nobody is marked away.")).to_be_visible()
    page.get_by_label("First day away").fill(date.today().isoformat())  # noqa: DTZ011  (as the person's calendar says)
    page.get_by_label("Last day away").fill((date.today() + timedelta(days=7)).isoformat())  # noqa: DTZ011
    press(page, "Save")
    expect_told(page, "The absence is saved.")
    check(page)
    picture(page, "absences-en-1280")
    yield page
    page.goto("/workspace/absences")
    page.get_by_role("button", name=re.compile("Remove")).click()
    expect_told(page, "The absence is removed.")
    expect(page.get_by_text("Nobody is marked away.")).to_be_visible()


def test_a_deputy_stands_in(away: Page, open_context: OpenContext, sign_in: SignIn, mail: Mail) -> None:
    sent = send_inquiry(open_context(), topic="creative-economy", subject="While you are away")
    mail.wait_for("veli-pekka.paivanen@", sent.reference)
    assert not mail.find("raija.partanen@", sent.reference)
    away.goto("/workspace/mine")
    expect(away.get_by_role("link", name="While you are away")).to_have_count(0)
    for language in LANGUAGES:
        deputy = sign_in("paivanen", language)
        open_case(deputy, "While you are away")
        sentence = deputy.locator("#because").inner_text()
        assert "Partanen" in sentence
        assert "Päivänen" in sentence
