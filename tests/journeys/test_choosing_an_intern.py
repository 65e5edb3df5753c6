"""What happens to a call behind its public page: from an earlier call's copy to an offer that is accepted."""

import io
import zipfile
from datetime import date, timedelta
from pathlib import Path

from openpyxl import load_workbook
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select, update

from portal import clock, create_app
from portal.database import transaction
from portal.models import Decision, Submission
from tests.installation import make_settings, release
from tests.journeys.conftest import OpenContext, Portal, SignIn
from tests.journeys.looking import check, picture
from tests.journeys.steps import Mail, Sent, press, send_application

PHONE = {"width": 320, "height": 640}
EARLIER = "Open application for an internship"
"""The sample call that is copied."""

TITLES = {
    "fi": "Harjoittelija: alueiden yhteistyö",
    "sv": "Praktikant: samarbete mellan regioner",
    "en": "Intern: cooperation of regions",
}
IN_THREE_WEEKS, IN_TWO_MONTHS = (date.today() + timedelta(days=days) for days in (21, 60))  # noqa: DTZ011


def look(page: Page, name: str) -> None:
    check(page)
    picture(page, f"choosing-{name}")


def expect_told(page: Page, text: str) -> None:
    expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()


def test_from_a_copied_call_to_an_accepted_offer(
    open_context: OpenContext, sign_in: SignIn, portal: Portal, mail: Mail
) -> None:
    lead = sign_in("koponen")
    slug = publish_a_copy(lead, mail)
    alma = send_application(open_context(), slug, name="Alma Applicant", email="alma@example.org", own=OWN)
    bo = send_application(
        open_context(), slug, language="sv", name="Bo Bortvald", email="bo@example.org", topic="tci", own=OWN
    )

    review(sign_in("reviewer", viewport=PHONE), alma, bo)
    applicant = open_context(viewport=PHONE, has_touch=True, is_mobile=True).new_page()
    talk(lead, applicant, slug, alma, mail)
    decide(lead, slug, alma, bo)
    five_minutes_pass(portal, alma, bo)
    accept(applicant, mail)
    assert "Warm regards" not in "".join(mail.wait_for("bo@example.org", bo.reference, TITLES["sv"], count=2))
    take_out(lead, slug, alma, bo)


OWN = {"idea": "Compare how regions tell about themselves."}


def publish_a_copy(page: Page, mail: Mail) -> str:
    """Copy a call, mend what it lacks, ask the reviewer, publish. Returns the address's part for the call."""
    page.locator("nav.main-nav").get_by_role("link", name="Internships").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Internships")
    look(page, "calls")
    page.get_by_role("row").filter(has_text=EARLIER).get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Edit the call")

    # Without its Swedish title, and with dates that are not set yet, it cannot be published.
    for language, title in TITLES.items():
        page.fill(f"#title_{language}", title if language != "sv" else "")
    page.check("input[name=deadline][value=closing]")
    press(page, "Save")
    slug = page.url.split("/calls/")[1].split("/")[0].split("?")[0]
    page.goto(f"/workspace/calls/{slug}")
    missing = page.locator(".missing")
    expect(missing).to_contain_text("Svenska")
    expect(page.get_by_role("button", name="Publish")).to_have_count(0)
    look(page, "call-lacking")
    missing.get_by_role("link").filter(has_text="Svenska").click()
    expect(page.locator("#title_sv")).to_be_in_viewport()
    look(page, "edit-lacking")
    page.fill("#title_sv", TITLES["sv"])
    page.fill("#starts_on", (IN_TWO_MONTHS + timedelta(days=30)).isoformat())
    page.fill("#ends_on", (IN_TWO_MONTHS + timedelta(days=200)).isoformat())
    page.fill("#opens_day", (date.today() - timedelta(days=1)).isoformat())  # noqa: DTZ011
    page.fill("#closes_day", IN_THREE_WEEKS.isoformat())
    page.fill("#answer_by", IN_TWO_MONTHS.isoformat())
    press(page, "Save")
    page.goto(f"/workspace/calls/{slug}")
    expect(page.get_by_role("heading", name="Nothing is missing")).to_be_visible()

    # The copy brought the reviewer along; removed and asked again, the letter comes with the publication.
    press(page, "Remove Demo Reviewer")
    expect(page.get_by_text("Nobody has been asked to review yet.")).to_be_visible()
    page.select_option("#person", label="Demo Reviewer")
    press(page, "Add a reviewer")
    expect(page.locator(".reviewers")).to_contain_text("Demo Reviewer")
    look(page, "call-ready")
    assert not mail.find("reviewer@demo.example.org", TITLES["en"])
    assert not mail.find("reviewer@demo.example.org", TITLES["fi"])

    for language, title in TITLES.items():
        page.goto(f"/workspace/calls/{slug}/preview?language={language}")
        expect(page.locator(".as-seen").get_by_role("heading", level=1)).to_have_text(title)
    look(page, "preview")
    page.goto(f"/workspace/calls/{slug}")
    press(page, "Publish")
    expect_told(page, "published")
    mail.wait_for("reviewer@demo.example.org", "/workspace/")
    page.get_by_role("link", name="The public page").click()
    expect(page.get_by_role("link", name="Apply", exact=True).first).to_be_visible()
    return page.url.rsplit("/", 1)[1]  # which publishing has made anew, from the title


def review(page: Page, alma: Sent, bo: Sent) -> None:
    """The reviewer declares, justifies each score, and steps aside from the other."""
    page.goto("/workspace/reviews")
    page.get_by_role("link", name=TITLES["en"]).first.click()
    expect(page.get_by_role("heading", name=TITLES["en"])).to_be_visible()
    look(page, "reviews")
    page.goto(f"/workspace/reviews/{alma.reference}")
    expect(page.get_by_role("heading", name="My review")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_have_text("Alma Applicant")
    for closed in ("I want to learn", "alma@example.org", "programme.pdf"):
        assert closed not in page.content()
    look(page, "review-before")
    press(page, "I have no conflict of interest: open the application")
    expect(page.get_by_text("I want to learn how regions work together.")).to_be_visible()
    expect(page.get_by_role("link", name="programme.pdf")).to_be_visible()

    # A score alone is not enough.
    page.locator(".criterion").get_by_label("4").check()
    press(page, "Finish the review")
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(page.locator(".criterion").get_by_label("4")).to_be_checked()
    look(page, "review-errors")
    page.locator(".criterion textarea").fill("Knows both regions, and says what would come of it.")
    press(page, "Finish the review")
    expect(page.locator(".judge .review")).to_contain_text("Knows both regions")
    look(page, "review-finished")

    page.goto(f"/workspace/reviews/{bo.reference}")
    press(page, "I step aside")
    expect(page.get_by_text("You have stepped aside from this application.")).to_be_visible()
    assert "I want to learn" not in page.content()
    look(page, "review-aside")


def talk(lead: Page, applicant: Page, slug: str, alma: Sent, mail: Mail) -> None:
    """The lead reads the review, puts the application on the short list, invites; the applicant takes a time."""
    lead.goto(f"/workspace/calls/{slug}")
    lead.get_by_role("link", name="Applications and reviews").click()
    rows = lead.locator("table.applications tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="Alma Applicant")).to_contain_text("4.0")
    look(lead, "applications")
    lead.get_by_role("link", name="The call in numbers").click()
    expect(lead.locator("#progress")).to_contain_text("Demo Reviewer")
    expect(lead.locator("figure svg")).to_have_count(1)
    look(lead, "numbers")
    lead.go_back()
    lead.get_by_role("link", name="Alma Applicant").click()
    expect(lead.locator(".scores")).to_contain_text("Demo Reviewer")
    expect(lead.get_by_text("Knows both regions, and says what would come of it.")).to_be_visible()
    look(lead, "application")
    lead.get_by_label("Reason").fill("A good idea.")
    press(lead, "Put on the short list")
    expect(lead.get_by_role("button", name="Take off the short list")).to_be_visible()

    lead.get_by_role("link", name="Invite to an interview").click()
    for row, (days, time) in enumerate(((10, "09:00"), (11, "13:30")), start=1):
        lead.fill(f"#day_{row}", (date.today() + timedelta(days=days)).isoformat())  # noqa: DTZ011
        lead.fill(f"#time_{row}", time)
    lead.fill("#place", "https://video.example.org/yhteys")
    lead.fill("#message", "We would like to hear more of your idea.")
    look(lead, "invite")
    press(lead, "Invite the applicant")
    expect_told(lead, "invit")
    (letter,) = mail.wait_for("alma@example.org", "We would like to hear more of your idea.")
    assert "13:30" in letter

    open_own_page(applicant, letter, alma)
    expect(applicant.get_by_role("heading", name="Choose a time for your interview")).to_be_visible()
    look(applicant, "own-invited")
    press(applicant, "Book this time")
    expect(applicant.get_by_role("alert")).to_be_focused()
    applicant.locator("#slot-1").check()
    press(applicant, "Book this time")
    expect_told(applicant, "The time is booked.")
    look(applicant, "own-booked")
    with applicant.expect_download() as download:
        applicant.get_by_role("link", name="Add it to your calendar").click()
    event = Path(download.value.path()).read_text("utf-8")
    assert download.value.suggested_filename == "interview.ics"
    assert "BEGIN:VEVENT" in event
    assert "video.example.org/yhteys" in event
    mail.wait_for("hannu.koponen@", alma.reference, "/workspace/", count=2)
    lead.goto(f"/workspace/applications/{alma.reference}/interview")
    expect(lead.get_by_text("The applicant has chosen a time.")).to_be_visible()
    look(lead, "interview-agreed")


def decide(lead: Page, slug: str, alma: Sent, bo: Sent) -> None:
    """An offer and a decline: prepared, sent together, taken back in time, and sent again."""
    prepare(lead, alma, "offer", "The best idea.", "Warm regards from the lake.")
    prepare(lead, bo, "decline", "The place went to somebody else.", "")
    expect(lead.get_by_role("heading", level=1)).to_contain_text("Decisions")
    look(lead, "decisions")
    send(lead, 2)
    look(lead, "decisions-on-their-way")
    press(lead, "Take back")
    expect_told(lead, "2 letters were taken back.")
    expect(lead.get_by_role("checkbox")).to_have_count(2)
    lead.get_by_role("checkbox", name="Bo Bortvald").uncheck()
    send(lead, 1)
    lead.get_by_role("checkbox", name="Bo Bortvald").check()
    send(lead, 1)
    expect(lead.locator(".batch")).to_have_count(2)


def prepare(lead: Page, sent: Sent, kind: str, reason: str, message: str) -> None:
    lead.goto(f"/workspace/applications/{sent.reference}/decision")
    lead.check(f"input[name=kind][value={kind}]")
    lead.fill("#reason", reason)
    lead.fill("#message", message)
    press(lead, "Preview the letter")
    expect(lead.locator("pre.letter")).to_contain_text(message)
    expect(lead.locator("pre.letter")).not_to_contain_text(reason)
    look(lead, f"letter-{kind}")
    press(lead, "Keep this decision")


def send(lead: Page, count: int) -> None:
    """Send what is ticked: asked once more, then on its way."""
    press(lead, "Send the chosen letters")
    before = lead.locator(".batch").count()
    letters = f"{count} letter" + ("s" if count > 1 else "")
    expect(lead.get_by_role("heading", level=1)).to_have_text(f"Send {letters}?")
    look(lead, f"confirm-{count}-{before}")
    press(lead, f"Send {letters}")
    expect(lead.get_by_role("button", name="Take back").first).to_be_visible()


def five_minutes_pass(portal: Portal, *sent: Sent) -> None:
    """The time in which what was sent can be taken back is over."""
    app = create_app(make_settings(portal.data_dir, f"sqlite:///{portal.data_dir / 'portal.sqlite'}"))
    with app.app_context(), transaction() as connection:
        those = select(Submission.id).where(Submission.reference.in_([one.reference for one in sent]))
        waiting = Decision.released_at.is_not(None) & Decision.applied_at.is_(None)
        passed = update(Decision).where(Decision.submission_id.in_(those), waiting).values(effective_at=clock.now())
        assert connection.execute(passed).rowcount == len(sent)
    release(app)


def accept(applicant: Page, mail: Mail) -> None:
    """The letter's link alone changes nothing; the applicant's button does."""
    (letter,) = mail.wait_for("alma@example.org", "Warm regards from the lake.")
    assert "The best idea." not in letter
    applicant.goto("/en/track/case")
    expect(applicant.get_by_role("heading", name="We offer you the place")).to_be_visible()
    look(applicant, "own-offered")
    press(applicant, "Accept the offer")
    expect(applicant.get_by_role("heading", name="You have accepted the place")).to_be_visible()
    look(applicant, "own-accepted")


def open_own_page(page: Page, letter: str, sent: Sent) -> None:
    page.goto(next(word for word in letter.split() if "/track" in word))
    page.get_by_label("Access code").fill(sent.code)
    press(page, "Open")
    page.wait_for_url("**/track/case")


def take_out(lead: Page, slug: str, alma: Sent, bo: Sent) -> None:
    """The lead sees the answer, and takes the applications out as a workbook, an archive and a printed one."""
    lead.goto(f"/workspace/calls/{slug}/decisions")
    expect(lead.get_by_role("row").filter(has_text="Alma Applicant")).to_contain_text("Accepted")
    look(lead, "decisions-answered")
    lead.get_by_role("link", name=TITLES["en"]).click()
    lead.get_by_role("link", name="Take out the applications").click()
    expect(lead.get_by_role("heading", level=1)).to_have_text("Take out the applications")
    look(lead, "export")
    workbook = load_workbook(io.BytesIO(downloaded(lead, lead.get_by_role("button", name="Download the workbook"))))
    cells = {str(cell) for row in workbook.worksheets[0].iter_rows(values_only=True) for cell in row}
    assert {alma.reference, bo.reference, "Alma Applicant", "Bo Bortvald"} <= cells
    archive = downloaded(lead, lead.get_by_role("button", name="Download the archive"))
    names = zipfile.ZipFile(io.BytesIO(archive)).namelist()
    for sent in (alma, bo):
        assert any(sent.reference in name and name.endswith("programme.pdf") for name in names), names
    lead.goto(f"/workspace/applications/{alma.reference}")
    lead.get_by_role("link", name="Dossier (PDF)").click()
    look(lead, "dossier")
    assert downloaded(lead, lead.get_by_role("button", name="Download the PDF")).startswith(b"%PDF-")


def downloaded(page: Page, button: Locator) -> bytes:
    with page.expect_download(timeout=30_000) as download:
        button.click()
    return Path(download.value.path()).read_bytes()
