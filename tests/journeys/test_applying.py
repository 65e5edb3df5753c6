"""An application from the front page to the receipt, from a prepared CV; a draft that goes on elsewhere."""

import re
import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from portal.settings import data_root
from tests import cvs
from tests.journeys.conftest import OpenContext
from tests.journeys.hands import Hands, Keys, Pointer
from tests.journeys.looking import check, picture
from tests.journeys.steps import CODE, PROGRAMME, REFERENCE, Mail, press, words_of

NARROW = {"width": 320, "height": 640}
CALL = tomllib.loads((data_root() / "config/samples/calls.toml").read_text("utf-8"))["calls"][0]["document"]
"""The sample call that is open, as its file has it."""

NEXT_YEAR = datetime.now(UTC).year + 1
MOTIVATION = "Hyvät lukijat,\n\njag vill lära mig hur regioner – maakunnat – work together."

Look = Callable[[Page, str], None]


def a_cv(email: str) -> FilePayload:
    """A Europass CV of Noor van Voorbeeld with this address: a PDF that carries its data."""
    data = cvs.candidate().replace(b"noor@example.org", email.encode())
    return FilePayload(name="Europass Noor.pdf", mimeType="application/pdf", buffer=cvs.pdf(data))


def look_on_scripts(page: Page, name: str) -> None:
    """See whether the page is free of barriers, and keep a picture of it."""
    check(page)
    picture(page, name)


@pytest.fixture
def look_without_scripts(open_context: OpenContext) -> Look:
    """The same for a page whose browser runs no scripts, not even the examiner's: another browser shows its text."""
    examiner = open_context(viewport=NARROW).new_page()

    def look(page: Page, name: str) -> None:
        text = page.content()

        def answer(route: Route) -> None:
            route.fulfill(body=text, content_type="text/html; charset=utf-8")

        examiner.route(page.url, answer)
        examiner.goto(page.url)
        examiner.unroute(page.url, answer)
        check(examiner)
        picture(page, name)

    return look


def test_an_application_by_touch_with_the_cv_later(open_context: OpenContext, mail: Mail) -> None:
    """The CV fills in the form but is not sent: it comes afterwards, on the applicant's own page."""
    page = open_context(viewport=NARROW, has_touch=True, is_mobile=True).new_page()
    hands = Pointer()
    reference, code = apply(page, "fi", hands, look_on_scripts, mail, sends_cv=False)
    say = words_of("fi")

    page.set_input_files("#file-cv", [a_cv("noor-fi@example.org")])
    press(page, say("Send the documents"))
    expect(page.get_by_role("status")).to_contain_text(say("Your documents have arrived. Thank you."))
    expect(page.locator(".own-documents")).to_contain_text("Europass Noor.pdf")
    expect(page.locator(".own-now")).to_have_count(0)
    look_on_scripts(page, "apply-fi-own-page-complete")
    mail.wait_for("hannu.koponen@", reference, count=2)
    assert code not in "".join(mail.find("hannu.koponen@", reference))


def test_an_application_without_scripts(no_js: Page, look_without_scripts: Look, mail: Mail) -> None:
    no_js.set_viewport_size(NARROW)
    apply(no_js, "sv", Pointer(), look_without_scripts, mail)


def test_an_application_by_keyboard(open_context: OpenContext, mail: Mail) -> None:
    page = open_context(viewport=NARROW).new_page()
    page.emulate_media(reduced_motion="reduce")
    apply(page, "en", Keys(page), look_on_scripts, mail)


def apply(page: Page, language: str, hands: Hands, look: Look, mail: Mail, *, sends_cv: bool = True) -> tuple[str, str]:
    """From the front page to the receipt, and by its letter to the own page. Returns reference and access code."""
    say = words_of(language)
    email = f"noor-{language}@example.org"
    name = f"apply-{language}"

    def begun(step: str) -> None:
        expect(page.get_by_role("heading", level=1)).to_have_text(say(step))
        look(page, f"{name}-{step.lower().replace(' ', '-')}")

    def go_on() -> None:
        hands.press(page.get_by_role("button", name=say("Save and continue"), exact=True))

    # From the front page to the call, and to the beginning of its form.
    page.goto(f"/{language}/")
    hands.press(page.locator("nav.main-nav").get_by_role("link", name=say("Internships")))
    expect(page.get_by_role("heading", level=1)).to_have_text(say("Internships"))
    look(page, f"{name}-internships")
    hands.press(page.locator("main").get_by_role("link", name=CALL["title"][language]).first)
    expect(page.get_by_role("heading", level=1)).to_have_text(CALL["title"][language])
    look(page, f"{name}-call")
    hands.press(page.get_by_role("link", name=say("Apply"), exact=True).first)
    begun("Apply")

    # The CV: what it says is shown first, and taken over when the applicant says so.
    hands.press(page.get_by_role("link", name=say("Fill in from Europass")))
    begun("Fill in from your CV")
    hands.attach(page.locator("#cv"), a_cv(email))
    hands.press(page.get_by_role("button", name=say("Read the file"), exact=True))
    expect(page.get_by_role("cell").filter(has_text="Example University & Friends")).to_be_visible()
    assert not [word for word in cvs.PRIVATE if word in page.content()]
    look(page, f"{name}-found-in-cv")
    if not sends_cv:
        hands.untick(page.locator("#use-cv"))
    hands.press(page.get_by_role("button", name=say("Use these"), exact=True))

    begun("About you")
    expect(page.locator("#name")).to_have_value("Noor van Voorbeeld")
    expect(page.locator("#email")).to_have_value(email)
    expect(page.locator(f"input[name=contact_language][value={language}]")).to_be_checked()
    hands.write(page.locator("#address_as"), "Noor")
    expect(page.locator("#country")).to_have_value("NL")
    go_on()

    begun("Your studies")
    assert CODE.fullmatch(page.locator("#draft-code").inner_text())
    expect(page.locator("#institution")).to_have_value("Example University & Friends")
    expect(page.locator("#study_level")).to_have_value("master")
    go_on()

    # Sent too early: what is missing is said, and what was typed is still there.
    begun("The internship")
    hands.choose(page.locator("#topic"), "wfeo")
    go_on()
    expect(page.get_by_role("alert").get_by_role("link")).to_have_count(3)
    expect(page.locator("#topic")).to_have_value("wfeo")
    look(page, f"{name}-too-early")
    hands.set_day(page.locator("#available_from"), date(NEXT_YEAR, 2, 2))
    hands.set_day(page.locator("#available_to"), date(NEXT_YEAR, 6, 6))
    hands.write(page.locator("#weeks"), "12")
    go_on()

    begun("Languages and funding")
    expect(page.locator("#language_2")).to_have_value("en")
    expect(page.locator("#level_2")).to_have_value("C1")
    hands.answer(page.locator("input[name=funding][value=erasmus]"))
    go_on()

    begun("Motivation")
    hands.write(page.locator("#motivation"), MOTIVATION)
    hands.write(page.locator("#q-interest"), "Interreg.")
    hands.answer(page.locator("input[name=q-place][value=both]"))
    go_on()

    begun("Documents")
    expect(page.locator(".apply-files").filter(has_text="Europass Noor.pdf")).to_have_count(1 if sends_cv else 0)
    if sends_cv:
        hands.attach(page.locator("#file-transcript"), PROGRAMME)
    go_on()

    # Everything at a glance, and what becomes public, before it is sent.
    begun("Check and send")
    expect(page.locator(".before-sending")).to_contain_text(
        say(
            "An application to us becomes a public document when it arrives. Anybody may ask to see it and its "
            "attachments. We don’t put it on the web."
        )
    )
    for given in ("Noor van Voorbeeld", "Environmental policy", "work together.", "Interreg."):
        expect(page.locator(".apply-section").filter(has_text=given)).to_have_count(1)
    missing = page.get_by_text(
        say(
            "Still missing. You can send now and add it within %(num)s hour on your own page.",
            "Still missing. You can send now and add it within %(num)s hours on your own page.",
            num=72,
        )
    )
    expect(missing).to_have_count(0 if sends_cv else 1)
    hands.press(page.get_by_role("button", name=say("Send the application"), exact=True))

    page.wait_for_url("**/internships/receipt")
    begun("Your application has arrived")
    reference, code = page.locator("#reference").inner_text(), page.locator("#access-code").inner_text()
    assert REFERENCE.fullmatch(reference)
    expect(page.get_by_text(say("Still to come"), exact=True)).to_have_count(0 if sends_cv else 1)

    # The letter says the same; its link and the code open the applicant's page.
    (receipt,) = mail.wait_for(email, reference)
    assert code in receipt
    assert MOTIVATION.splitlines()[-1] in receipt
    assert (PROGRAMME["name"] in receipt) is sends_cv
    (notice,) = mail.wait_for("hannu.koponen@", reference)
    assert not [word for word in ("Noor", "noor", "Voorbeeld", code) if word in notice]
    page.goto(next(word for word in receipt.split() if "/track" in word))
    assert urlsplit(page.url).path == f"/{language}/track"
    expect(page.get_by_label(say("Reference"))).to_have_value(reference)
    hands.write(page.get_by_label(say("Access code")), code)
    hands.press(page.get_by_role("button", name=say("Open"), exact=True))
    page.wait_for_url("**/track/case")
    expect(page.get_by_role("heading", level=1)).to_have_text(CALL["title"][language])
    expect(page.get_by_role("heading", name=say("Send the missing document"))).to_have_count(0 if sends_cv else 1)
    look(page, f"{name}-own-page")
    return reference, code


def test_a_draft_goes_on_elsewhere(open_context: OpenContext, mail: Mail) -> None:
    """Begun on a phone, gone on with at a desk by the letter's link and the code; neither opens it by itself."""
    phone = open_context(viewport=NARROW, has_touch=True, is_mobile=True).new_page()
    phone.goto("/en/internships")
    phone.get_by_role("link", name=CALL["title"]["en"]).first.click()
    phone.get_by_role("link", name="Apply", exact=True).first.click()
    phone.get_by_role("link", name="Start", exact=True).click()
    phone.fill("#name", "Dana Draft")
    phone.fill("#email", "dana@example.org")
    press(phone, "Save and continue")
    phone.fill("#institution", "Half a univ")
    press(phone, "Save and finish later")
    expect(phone.get_by_role("heading", level=1)).to_have_text("Your draft is saved")
    code = phone.locator("#draft-code").inner_text()
    look_on_scripts(phone, "draft-saved")
    (letter,) = mail.wait_for("dana@example.org", "/internships/resume/")
    assert code not in letter
    link = next(word for word in letter.split() if "/internships/resume/" in word)
    press(phone, "Close the draft on this device")
    expect(phone.get_by_role("heading", level=1)).to_have_text("Apply")
    expect(phone.get_by_role("link", name="Start", exact=True)).to_be_visible()

    # Whoever has the letter alone sees nothing of the draft.
    desk = open_context().new_page()
    desk.goto(link)
    look_on_scripts(desk, "draft-resume")
    assert "Dana" not in desk.content()
    desk.get_by_label("Code").fill("7F3K-9QXD-2MPT")
    press(desk, "Open the draft")
    expect(desk.get_by_role("alert")).to_be_focused()
    look_on_scripts(desk, "draft-resume-errors")
    desk.get_by_label("Code").fill(code.lower().replace("-", " "))
    press(desk, "Open the draft")
    expect(desk.get_by_role("heading", level=1)).to_have_text("Your studies")
    expect(desk.locator("#institution")).to_have_value("Half a univ")
    desk.fill("#institution", "A whole university")
    desk.fill("#study_field", "Geography")
    desk.select_option("#study_level", "bachelor")
    desk.check("input[name=study_stage][value=studying]")
    press(desk, "Save and continue")
    expect(desk.get_by_role("heading", level=1)).to_have_text("The internship")

    # The check page says what is still missing, and leads there.
    desk.get_by_text(re.compile("^Step 3 of 7")).click()
    desk.get_by_role("link", name="Check and send").click()
    expect(desk.get_by_text("A whole university")).to_be_visible()
    expect(desk.get_by_role("heading", name="Before you can send")).to_be_visible()
    press(desk, "Send the application")
    expect(desk.get_by_role("heading", level=1)).to_have_text("Check and send")
    look_on_scripts(desk, "draft-check-unfinished")

    # The other device still has the code, and then the same draft, as it is now.
    phone.goto(link)
    phone.get_by_label("Code").fill(code)
    press(phone, "Open the draft")
    expect(phone.get_by_role("heading", level=1)).to_have_text("The internship")
    phone.get_by_text(re.compile("^Step 3 of 7")).click()
    phone.get_by_role("link", name="Your studies").first.click()
    expect(phone.locator("#institution")).to_have_value("A whole university")
    assert not mail.find("dana@example.org", "KS-")
