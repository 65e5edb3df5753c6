"""A call as an archive and as a workbook, and an application as a PDF, asked for as a person does."""

import csv
import io
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pikepdf
import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from portal.content.calls import Question
from portal.database import db, transaction
from portal.gateways import pdf
from portal.gateways.archives import CHUNK_BYTES, Archive
from portal.gateways.pdf import PdfUnavailable
from portal.gateways.storage import Files
from portal.models import Attachment, CallEvent
from portal.operations.reviews import declare_no_conflict, step_aside
from portal.queries.calls import StoredCall
from portal.queries.dossiers import get_dossier
from portal.rules.exports import Names, folder_name, inert
from portal.rules.policy import Viewer
from portal.web.workspace import papers
from portal.web.workspace.papers import Choices, stream_archive
from tests.conftest import CheckingClient
from tests.dossiers import PDF, a_file, add_review, apply_with
from tests.internships import a_document, apply, in_three_languages, make_call
from tests.people import add_people
from tests.web.browsing import form_of, text_of
from tests.web.contents import contents
from tests.web.signing_in import sign_in


@pytest.fixture
def people(app: Flask) -> dict[str, Viewer]:
    return add_people(app)


@pytest.fixture
def koponen(client: CheckingClient, people: dict[str, Viewer]) -> CheckingClient:
    sign_in(client, "koponen")
    return client


def a_call(app: Flask, people: dict[str, Viewer], **values: Any) -> StoredCall:
    with app.app_context():
        reviewers = values.pop("reviewers", (people["pirinen"].account_id,))
        return make_call(people["koponen"].account_id, reviewers=reviewers, **values)


def ask(browser: CheckingClient, call: StoredCall, form: str, **boxes: str) -> TestResponse:
    """Open the page of the exports, tick boxes, send the form."""
    page = browser.get(f"/workspace/calls/{call.slug}/export")
    assert page.status_code == 200
    action = f"/workspace/calls/{call.slug}/applications.{form}"
    return browser.post(action, data={**form_of(page, action), **boxes})


def archive_in(response: TestResponse) -> zipfile.ZipFile:
    assert response.status_code == 200
    assert response.mimetype == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(response.get_data()))
    assert archive.testzip() is None
    return archive


def index_of(archive: zipfile.ZipFile) -> list[dict[str, str]]:
    text = archive.read("index.csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


def workbook_in(response: TestResponse) -> openpyxl.Workbook:
    assert response.status_code == 200
    assert response.mimetype.endswith("spreadsheetml.sheet")
    return openpyxl.load_workbook(io.BytesIO(response.get_data()))


# ------------------------------------------------------------------------------------------------------ archive


def test_the_pages_of_a_call_lead_to_it(app: Flask, people: dict[str, Viewer], koponen: CheckingClient) -> None:
    call = a_call(app, people)
    with app.app_context():
        apply(call)
    for path in ("", "/applications"):
        page = koponen.get(f"/workspace/calls/{call.slug}{path}").text
        address = f"/workspace/calls/{call.slug}/export"
        assert f'href="{address}"' in page
        assert ".xlsx" not in page
        assert ".zip" not in page
        assert koponen.get(address).status_code == 200


def test_an_archive_has_every_application_with_its_files(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient
) -> None:
    call = a_call(app, people)
    with app.app_context():
        first = apply_with(call, a_file(), a_file("letter.txt", b"Dear all\n", mime="text/plain", purpose="letter"))
        second = apply(call, name="Ada Lovelace-Example", email="ada@example.org")
    response = ask(koponen, call, "zip")
    assert response.headers["Content-Disposition"].startswith(f'attachment; filename="{call.slug}-20')
    assert response.headers["Cache-Control"] == "no-store"
    assert "Content-Length" not in response.headers, "it is made while it is sent"
    archive = archive_in(response)
    folders = f"001-{first.reference}-Example", f"002-{second.reference}-Lovelace-Example"
    assert archive.namelist() == [
        f"{folders[0]}/answers.html",
        f"{folders[0]}/cv.pdf",
        f"{folders[0]}/letter.txt",
        f"{folders[1]}/answers.html",
        "index.csv",
    ]
    assert archive.read(f"{folders[0]}/cv.pdf") == PDF
    assert archive.getinfo(f"{folders[0]}/cv.pdf").compress_type == zipfile.ZIP_STORED
    assert archive.getinfo(f"{folders[0]}/letter.txt").compress_type == zipfile.ZIP_DEFLATED
    page = archive.read(f"{folders[0]}/answers.html").decode()
    assert "I want to learn how regions work together." in page
    assert 'href="cv.pdf"' in page and 'href="letter.txt"' in page
    assert "url(" not in page, "it needs nothing else"
    rows = index_of(archive)
    assert [(row["Folder"], row["File"], row["State"]) for row in rows] == [
        (folders[0], "answers.html", ""),
        (folders[0], "cv.pdf", "As it came"),
        (folders[0], "letter.txt", "As it came"),
        (folders[1], "answers.html", ""),
    ]
    assert (rows[1]["Document"], rows[1]["Size in bytes"]) == ("CV", str(len(PDF)))


def test_reviews_and_pdfs_are_in_it_when_asked_for(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient
) -> None:
    call = a_call(app, people)
    with app.app_context():
        received = apply(call)
        add_review(received.submission_id, people["pirinen"].account_id)
    folder = f"001-{received.reference}-Example"
    plain = archive_in(ask(koponen, call, "zip"))
    assert "Calm and curious." not in plain.read(f"{folder}/answers.html").decode()
    full = archive_in(ask(koponen, call, "zip", reviews="y", pdf="y"))
    assert "Calm and curious." in full.read(f"{folder}/answers.html").decode()
    with pikepdf.open(io.BytesIO(full.read(f"{folder}/dossier.pdf"))) as document:
        assert document.Root.Lang == "en"
        assert bool(document.Root.MarkInfo.Marked)


def test_evil_names_stay_in_their_folder(app: Flask, people: dict[str, Viewer], koponen: CheckingClient) -> None:
    evil = [
        "../../../etc/passwd.pdf",
        "..\\..\\boot.pdf",
        "/abs.pdf",
        "C:\\x\\y.pdf",
        "CON.pdf",
        "invoice\u202efdp.exe.pdf",
        "😀 cv.pdf",
        "cv.pdf",
        "CV.PDF",
        "cv.pdf",
        "answers.html.pdf",
        "dossier.pdf",
        "...",
        "a\x00b\n.pdf",
        "=cmd|' /C calc'!A0.pdf",
        "x" * 300 + ".pdf",
    ]
    call = a_call(app, people)
    with app.app_context():
        received = apply_with(
            call, *(a_file(name[:200]) for name in evil), name='=HYPERLINK("http://x") ../../\u202eA/B'
        )
        apply_with(call, name="\u202e", email="second@example.org")
        apply_with(call, name="李 小龍 😀", email="third@example.org")
    archive = archive_in(ask(koponen, call, "zip"))
    names = archive.namelist()
    assert len({name.casefold() for name in names}) == len(names) == len(evil) + 4
    for name in names:
        assert ".." not in name.split("/") and not name.startswith("/") and "\\" not in name and ":" not in name
        assert name.count("/") <= 1
        assert name.isprintable()
        assert len(name.split("/")[-1]) <= 130
    inside = [name.partition("/")[2] for name in names if received.reference in name]
    assert {"passwd.pdf", "boot.pdf", "_CON.pdf", "invoicefdp.exe.pdf", "😀 cv.pdf"} <= set(inside)
    assert {"cv.pdf", "CV (2).PDF", "cv (3).pdf", "dossier (2).pdf"} <= set(inside)
    rows = index_of(archive)
    assert all(not value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())
    assert rows[0]["Name"] == '\'=HYPERLINK("http://x") ../../‹U+202E›A/B'
    assert names[-3].endswith("/answers.html") and names[-3].split("/")[0].count("-") == 4, "no label was left"


def test_a_file_that_is_not_there_is_noted_and_breaks_nothing(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient
) -> None:
    call = a_call(app, people)
    with app.app_context():
        lost, changed = a_file("lost.pdf"), a_file("changed.pdf")
        apply_with(call, lost, changed, a_file())
        store: Files = app.extensions["yhteys.files"]
        store.path(changed.key).write_bytes(b"%PDF-1.7 something else")
        store.delete(lost.key)
        with transaction() as connection:
            connection.execute(update(Attachment).where(Attachment.name == "cv.pdf").values(key="no-key"))
    archive = archive_in(ask(koponen, call, "zip"))
    assert [(row["File"], row["State"].partition(":")[0]) for row in index_of(archive)] == [
        ("answers.html", ""),
        ("lost.pdf", "Missing"),
        ("changed.pdf", "Damaged"),
        ("cv.pdf", "Missing"),
    ]
    assert [name.partition("/")[2] for name in archive.namelist()] == ["answers.html", "changed.pdf", ""]


def test_many_batches_make_one_archive(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(papers, "BATCH", 2)
    call, other = a_call(app, people), a_call(app, people)
    with app.app_context():
        references = [apply(call, email=f"{number}@example.org").reference for number in range(5)]
        apply(other)
    archive = archive_in(ask(koponen, call, "zip"))
    assert [name.split("/")[0][4:21] for name in archive.namelist()[:-1]] == references


def test_no_transaction_is_open_while_it_is_sent(app: Flask, people: dict[str, Viewer]) -> None:
    call = a_call(app, people)
    with app.app_context():
        for number in range(3):
            apply_with(call, a_file(content=PDF + b"x" * 2 * CHUNK_BYTES), email=f"{number}@example.org")
        choices = Choices(people["koponen"], call, "en")
        engine = db.engine
    pieces = stream_archive(app, app.extensions["yhteys.files"], choices)
    for _piece in pieces:
        assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_broken_off_download_leaves_nothing_open(app: Flask, people: dict[str, Viewer]) -> None:
    call = a_call(app, people)
    with app.app_context():
        apply_with(call, a_file(content=b"x" * 4 * CHUNK_BYTES))
        choices = Choices(people["koponen"], call, "en")
    before = open_files()
    pieces = stream_archive(app, app.extensions["yhteys.files"], choices)
    next(pieces)
    assert open_files() > before
    pieces.close()  # type: ignore[attr-defined]
    assert open_files() == before


def open_files() -> int:
    return sum("files" in str(link.resolve()) for link in Path("/proc/self/fd").iterdir())


class Endless(io.RawIOBase):
    """A file of so many bytes that takes no room."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int = -1) -> bytes:
        taken = min(size, self._left)
        self._left -= taken
        return bytes(taken)


def test_memory_does_not_grow_with_the_archive() -> None:
    def peak_of(size: int) -> int:
        tracemalloc.start()
        try:
            archive, sent = Archive(), 0
            for piece in archive.add_file("large.pdf", datetime(2026, 1, 1, tzinfo=UTC), Endless(size)):  # type: ignore[arg-type]
                sent += len(piece)
            sent += sum(map(len, archive.end()))
            assert sent >= size
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small, large = peak_of(4_000_000), peak_of(200_000_000)
    assert large < 6 * CHUNK_BYTES
    assert large < small + CHUNK_BYTES


# ----------------------------------------------------------------------------------------------------- workbook

FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", '=HYPERLINK("http://x","y")', "=cmd|' /C calc'!A0", "{=1+1}"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_what_was_typed_is_text_in_a_workbook(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient, formula: str
) -> None:
    call = a_call(app, people)
    with app.app_context():
        apply(
            call,
            name=formula,
            institution=formula,
            motivation=f"{formula}\n\x07\u202e\uffff https://example.org " + "x" * 40_000,
            questions={"why": formula, "remote": formula},
        )
    sheet = workbook_in(ask(koponen, call, "xlsx")).worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert all(cell.data_type in ("s", "n", "d", "inlineStr") for cell in cells), "and none is a formula"
    assert all(cell.hyperlink is None for cell in cells)
    assert sum(cell.value == formula for cell in cells) == 4
    motivation = next(str(cell.value) for cell in cells if "‹U+202E›" in str(cell.value))
    assert "‹U+0007›‹U+202E›‹U+FFFF›" in motivation
    assert len(motivation) == 32_767 and motivation.endswith("[…]")


def test_a_workbook_has_a_row_for_each_and_explains_itself(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient
) -> None:
    document = a_document()
    questions = (
        *document.questions,
        Question(key="number", kind="number", label=in_three_languages("How many?")),
        Question(key="day", kind="date", label=in_three_languages("From when?")),
        Question(key="sure", kind="yes_no", label=in_three_languages("Sure?")),
    )
    call = a_call(app, people, document=a_document(questions=questions))
    with app.app_context():
        given = {"why": "Lakes", "remote": "home", "number": 7, "day": "2027-02-03", "sure": False}
        first = apply_with(call, a_file(), a_file("b.pdf"), questions=given)
        add_review(first.submission_id, people["pirinen"].account_id)
        add_review(first.submission_id, people["coordinator"].account_id, scores={"fit": {"score": 5, "why": "x"}})
        apply(call, email="second@example.org", questions={}, weeks=None, available_from=None)
    book = workbook_in(ask(koponen, call, "xlsx", means="y"))
    sheet, explained = book.worksheets
    assert (sheet.freeze_panes, sheet.auto_filter.ref is not None) == ("B2", True)
    head = [str(cell.value) for cell in sheet[1]]
    one, two = (
        {title: cell.value for title, cell in zip(head, row, strict=True)} for row in sheet.iter_rows(min_row=2)
    )
    assert one["Reference"] == first.reference
    assert isinstance(one["Arrived"], datetime)
    assert one["Earliest start"].date() == date(2027, 2, 1)
    assert one["Languages"] == "English (C1: I use it with ease), Dutch (First language)"
    assert one["Where would you work? (en)"] == "From home (en)"
    assert (one["How many? (en)"], one["Sure? (en)"]) == (7, "No")
    assert one["From when? (en)"].date() == date(2027, 2, 3)
    assert (one["Documents"], one["Reviews done"]) == ("cv.pdf\nb.pdf", 2)
    assert (one["Mean: Fit with the tasks"], one["Mean: Languages"]) == (4.5, 3)
    assert (two["Reviews done"], two["Mean: Languages"], two["Length in weeks"]) == (0, None, None)
    meanings = {row[0].value: row[1].value for row in explained.iter_rows()}
    assert set(head) <= set(meanings)
    assert meanings["By"] == "Demo Koponen"
    assert "ranks nobody" in str(meanings["Mean: Fit with the tasks"])
    assert "Mean: Fit with the tasks" not in [
        cell.value for cell in workbook_in(ask(koponen, call, "xlsx")).worksheets[0][1]
    ]


def test_arrival_is_in_finnish_time_and_words_in_the_readers_language(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient
) -> None:
    call = a_call(app, people)
    with app.app_context():
        reference = apply(call).reference
        row = get_dossier(people["koponen"], reference)[1].row
        local = row.received_at.astimezone(app.extensions["yhteys.content"].organisation.zone)
    page = koponen.get("/workspace/account")
    form = form_of(page, "/workspace/account/language")
    koponen.post("/workspace/account/language", data={**form, "language": "fi"})
    sheet = workbook_in(ask(koponen, call, "xlsx")).worksheets[0]
    values = [cell.value for cell in sheet[2]]
    head = [cell.value for cell in sheet[1]]
    assert "Why us? (fi)" in head
    moment = values[1]
    assert isinstance(moment, datetime)
    assert abs((moment - local.replace(tzinfo=None)).total_seconds()) < 1


def test_a_reviewers_means_wait_for_their_own_review(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient
) -> None:
    own = people["koponen"].account_id
    call = a_call(app, people, reviewers=(own, people["pirinen"].account_id))
    with app.app_context():
        waiting, done = apply(call), apply(call, email="second@example.org")
        declare_no_conflict(people["koponen"], reference=waiting.reference)
        for received in (waiting, done):
            add_review(received.submission_id, people["pirinen"].account_id)
        add_review(done.submission_id, own)
    sheet = workbook_in(ask(koponen, call, "xlsx", means="y")).worksheets[0]
    column = [cell.value for cell in sheet[1]].index("Mean: Languages")
    assert [row[column].value for row in sheet.iter_rows(min_row=2)] == [None, 3]


def test_who_reviews_as_well_is_told_what_is_left_out(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient
) -> None:
    own = people["koponen"].account_id
    call = a_call(app, people, reviewers=(own,))
    with app.app_context():
        first, _second, third = (apply(call, email=f"{n}@example.org") for n in range(3))
        declare_no_conflict(people["koponen"], reference=first.reference)
        step_aside(people["koponen"], reference=third.reference)
    told = "1 of 3 applications. The rest open to you after you have declared"
    assert told in text_of(koponen.get(f"/workspace/calls/{call.slug}/export"))
    rows = index_of(archive_in(ask(koponen, call, "zip")))
    assert [row["Reference"] for row in rows[:-1]] == [first.reference]
    assert rows[-1]["Folder"].startswith(told)
    book = workbook_in(ask(koponen, call, "xlsx"))
    assert [row[0].value for row in book.worksheets[0].iter_rows(min_row=2)] == [first.reference]
    explained = {row[0].value: str(row[1].value) for row in book.worksheets[1].iter_rows(min_row=2)}
    assert explained["Applications"].startswith(told)


def test_a_workbook_takes_the_same_statements_for_few_and_many(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient, count_statements: Callable[[], Any]
) -> None:
    call = a_call(app, people)
    counts = []
    for more in (2, 20):
        with app.app_context():
            for number in range(more):
                apply_with(call, a_file(), email=f"{more}-{number}@example.org")
        with count_statements() as statements:
            ask(koponen, call, "xlsx", means="y")
        counts.append(len(statements))
    assert counts[0] == counts[1]


# ---------------------------------------------------------------------------------------------- names and cells


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Noor Example", "-Example"),
        ("  Ada  ", "-Ada"),
        ("", ""),
        ("\u202e\u200b", ""),
        ("../..", ""),
        ("José García", "-García"),
        ("a/b\\c", "-c"),
        ("J. R. R. T.o.l", "-T-o-l"),
        ("x" * 90, "-" + "x" * 40),
        ("con", "-con"),
    ],
)
def test_a_folder_is_named_after_number_reference_and_label(name: str, label: str) -> None:
    assert folder_name(7, "KS-2026-7F3K-9QXD", name) == f"007-KS-2026-7F3K-9QXD{label}"


def test_names_are_given_out_once() -> None:
    names = Names("index.csv")
    assert [names.distinct(name) for name in ("a.pdf", "A.pdf", "a (2).pdf", "ａ.pdf", "Index.CSV", "b", "b")] == [
        *("a.pdf", "A (2).pdf", "a (2) (2).pdf", "ａ (3).pdf", "Index (2).CSV", "b", "b (2)")
    ]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1", "\n=1"])
def test_a_cell_is_made_inert(text: str) -> None:
    assert inert(text) == f"'{text}"


def test_an_honest_cell_stays_as_it_is() -> None:
    assert inert("a=b, 1-2, x@example.org") == "a=b, 1-2, x@example.org"


# ------------------------------------------------------------------------------------------------- PDF and doors


def test_an_application_is_printed(app: Flask, people: dict[str, Viewer], koponen: CheckingClient) -> None:
    call = a_call(app, people)
    with app.app_context():
        reference = apply(call).reference
    address = f"/workspace/applications/{reference}/dossier"
    page = koponen.get(f"{address}?reviews=1")
    form = form_of(page, f"{address}.pdf")
    assert form["reviews"] == "y" and "thread" not in form, "as the link said"
    response = koponen.post(f"{address}.pdf", data=form)
    assert response.status_code == 200
    assert response.mimetype == "application/pdf"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{reference}.pdf"'
    with pikepdf.open(io.BytesIO(response.get_data())) as document:
        assert bool(document.Root.MarkInfo.Marked)
    with app.app_context():
        [event] = db.session.scalars(select(CallEvent)).all()
        assert (event.kind, event.actor) == ("dossier", "Demo Koponen")
        assert event.data == {"reference": reference, "reviews": True, "thread": False}
    said = text_of(koponen.get(f"/workspace/calls/{call.slug}/export"))
    assert f"Demo Koponen, PDF of {reference}, with reviews" in said


def test_exports_are_noted_before_anything_is_sent(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient
) -> None:
    call = a_call(app, people)
    ask(koponen, call, "zip", pdf="y").close()
    ask(koponen, call, "xlsx").close()
    with app.app_context():
        assert [(event.kind, event.data) for event in db.session.scalars(select(CallEvent).order_by(CallEvent.id))] == [
            ("exported", {"form": "zip", "reviews": False, "pdf": True}),
            ("exported", {"form": "xlsx", "reviews": False}),
        ]


@pytest.mark.parametrize("key", ["pirinen", "anonymous"])
def test_it_is_no_page_for_another(app: Flask, client: CheckingClient, people: dict[str, Viewer], key: str) -> None:
    call = a_call(app, people)
    with app.app_context():
        reference = apply(call).reference
    if key != "anonymous":
        sign_in(client, key)
    token = form_of(client.get("/en/track"), "/en/track")["csrf_token"]
    before = contents(app, but=("seen_at", "expires_at"))
    places = [f"/workspace/calls/{call.slug}/applications.zip", f"/workspace/calls/{call.slug}/applications.xlsx"]
    for place in (*places, f"/workspace/applications/{reference}/dossier.pdf"):
        response = client.post(place, data={"csrf_token": token, "pdf": "y", "reviews": "y"})
        assert response.status_code == (303 if key == "anonymous" else 404), place
    for place in (f"/workspace/calls/{call.slug}/export", f"/workspace/applications/{reference}/dossier"):
        assert client.get(place).status_code == (302 if key == "anonymous" else 404), place
    assert contents(app, but=("seen_at", "expires_at")) == before


def test_an_inquiry_has_no_dossier(app: Flask, client: CheckingClient, people: dict[str, Viewer]) -> None:
    from tests.people import receive

    with app.app_context():
        reference = receive().reference
    sign_in(client, "coordinator")
    assert client.get(f"/workspace/applications/{reference}/dossier").status_code == 404


def test_a_blind_reviewer_is_told_why_not(app: Flask, people: dict[str, Viewer], koponen: CheckingClient) -> None:
    call = a_call(app, people, blind=True, reviewers=(people["koponen"].account_id,))
    with app.app_context():
        reference = apply(call).reference
    token = form_of(koponen.get("/workspace/account"), "/workspace/account/language")["csrf_token"]
    page = koponen.get(f"/workspace/calls/{call.slug}/export")
    assert "once the names have been revealed" in text_of(page)
    assert "applications.zip" not in page.text
    for form in ("zip", "xlsx"):
        refused = koponen.post(f"/workspace/calls/{call.slug}/applications.{form}", data={"csrf_token": token})
        assert refused.status_code == 409
        assert "once the names have been revealed" in text_of(refused)
    address = f"/workspace/applications/{reference}/dossier"
    for refused in (koponen.get(address), koponen.post(f"{address}.pdf", data={"csrf_token": token})):
        assert refused.status_code == 404, "the application is closed to its reviewer"
        assert "Noor" not in refused.text
    with app.app_context():
        assert db.session.scalars(select(CallEvent)).all() == []


def test_a_machine_without_pango_says_what_to_install(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise PdfUnavailable

    monkeypatch.setattr(pdf, "_weasyprint", missing)
    call = a_call(app, people)
    with app.app_context():
        reference = apply(call).reference
    address = f"/workspace/applications/{reference}/dossier"
    printed = koponen.post(f"{address}.pdf", data=form_of(koponen.get(address), f"{address}.pdf"))
    for refused in (printed, ask(koponen, call, "zip", pdf="y")):
        assert refused.status_code == 503
        assert "libpango-1.0-0 libpangoft2-1.0-0" in text_of(refused)
        assert "XLSX" in text_of(refused) and "ZIP" in text_of(refused)
    assert archive_in(ask(koponen, call, "zip"))
    assert workbook_in(ask(koponen, call, "xlsx"))
    with app.app_context():
        forms = [event.data for event in db.session.scalars(select(CallEvent))]
        assert forms == [{"form": "zip", "reviews": False, "pdf": False}, {"form": "xlsx", "reviews": False}]


def test_an_old_page_is_shown_again(app: Flask, people: dict[str, Viewer], koponen: CheckingClient) -> None:
    call = a_call(app, people)
    for form in ("zip", "xlsx"):
        response = koponen.post(f"/workspace/calls/{call.slug}/applications.{form}", data={"csrf_token": "old"})
        assert response.status_code == 400
        assert "open for too long" in text_of(response)


def test_a_pdf_that_fails_is_noted_in_the_index(
    app: Flask, people: dict[str, Viewer], koponen: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.gateways.pdf import PdfFailed

    def broken(_html: str) -> bytes:
        raise PdfFailed("KeyError")

    monkeypatch.setattr(papers, "print_pdf", broken)
    call = a_call(app, people)
    with app.app_context():
        apply(call)
    archive = archive_in(ask(koponen, call, "zip", pdf="y"))
    assert [(row["File"], row["State"]) for row in index_of(archive)] == [
        ("answers.html", ""),
        ("dossier.pdf", "Missing: the PDF could not be made"),
    ]
    assert len(archive.namelist()) == 2
