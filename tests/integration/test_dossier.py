"""An application as one PDF, and the notes of who took what."""

import io
import re
from typing import Any

import pikepdf
import pytest
from flask import Flask
from justhtml import JustHTML
from sqlalchemy import select

from portal.database import db
from portal.gateways import pdf
from portal.gateways.pdf import PdfFailed, PdfUnavailable, font_file, print_pdf
from portal.i18n import speaking
from portal.models import CallEvent
from portal.operations.exports import NamesHidden, note_dossier, note_export
from portal.operations.reviews import WrittenReview, declare_no_conflict, finish_review
from portal.queries.calls import NoSuchCall, StoredCall
from portal.queries.cases import NoSuchCase
from portal.queries.dossiers import get_dossier, list_dossiers
from portal.queries.reviews import get_reviewable
from portal.rules.policy import Viewer
from portal.web.workspace.papers import dossier_page, dossier_pdf
from tests.dossiers import a_file, add_message, add_review, apply_with, let_all_happen
from tests.internships import apply, make_call
from tests.pages import faults_of
from tests.people import add_people


@pytest.fixture
def people(app: Flask) -> dict[str, Viewer]:
    return add_people(app)


def a_full_application(people: dict[str, Viewer], **values: Any) -> str:
    """Everything has happened to it; Pirinen has reviewed it. Needs an application context."""
    call = make_call(people["koponen"].account_id, reviewers=(people["pirinen"].account_id,))
    received = apply_with(call, a_file(), **values)
    let_all_happen(received.submission_id, people["koponen"].account_id)
    add_review(received.submission_id, people["pirinen"].account_id)
    add_message(received.submission_id, "Is there a sauna?")
    add_message(received.submission_id, "There is.", account_id=people["koponen"].account_id, actor="Demo Koponen")
    return received.reference


def page_of(viewer: Viewer, reference: str, *, reviews: bool = False, thread: bool = False) -> str:
    call, dossier = get_dossier(viewer, reference, thread=thread)
    return dossier_page(viewer, call, dossier, reviews=reviews, thread=thread)


def text_of(page: str) -> str:
    return " ".join(JustHTML(page, sanitize=False).query("body")[0].to_text().split())


# ------------------------------------------------------------------------------------------------- what it says


def test_it_says_all_that_was_answered_and_done(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        reference = a_full_application(people)
        page = page_of(people["koponen"], reference)
    assert faults_of(page, "/dossier") == ["<style> stands in the page"], "it stands alone, so its style is in it"
    said = text_of(page)
    for expected in (
        "Intern for bioeconomy networks (en)",
        reference,
        "Noor Example",
        "Netherlands",
        "noor@example.org",
        "Master’s degree",
        "1 February 2027",
        "English (C1: I use it with ease), Dutch (First language)",
        "Erasmus+",
        "I want to learn how regions work together.",
        "Why us? (en) Because of the lakes.",
        "Where would you work? (en) At the office (en)",
        "cv.pdf",
        "1.7 kB",
        "To correct: Motivation, Why us? (en), CV",
        "The second page is empty.",
        "An earlier motivation.",
        "Room Päijänne, or by video",
        "45 minutes",
        "The best fit with the tasks.",
        "Welcome to us.",
        "declined",
        "by Demo Koponen.",
        "can contain parts that are secret by law",
    ):
        assert expected in said, expected
    assert re.search(r"SHA-256 [0-9a-f]{64}\b", said)
    assert "Nobody has seen this yet." not in said, "a decision that was not applied is nobody's to read"
    assert "Calm and curious." not in said
    assert "sauna" not in said


def test_reviews_and_messages_come_when_asked_for(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        reference = a_full_application(people)
        said = text_of(page_of(people["coordinator"], reference, reviews=True, thread=True))
    assert "Demo Pirinen, finished on" in said
    assert "Fit with the tasks 4 Has mapped partners before. Languages 3 No Finnish yet." in said
    assert "Calm and curious." in said
    assert said.index("Is there a sauna?") < said.index("There is.")


def test_a_reviewer_sees_others_reviews_after_their_own(app: Flask, people: dict[str, Viewer]) -> None:
    koponen, pirinen = people["koponen"], people["pirinen"]
    with app.app_context():
        call = make_call(koponen.account_id, reviewers=(koponen.account_id, pirinen.account_id))
        received = apply(call)
        add_review(received.submission_id, pirinen.account_id)
        declare_no_conflict(koponen, reference=received.reference)
        before = text_of(page_of(koponen, received.reference, reviews=True))
        mine = get_reviewable(koponen, received.reference).mine
        assert mine is not None
        scores = {key: {"score": 3, "why": "Good"} for key in ("fit", "languages")}
        written = WrittenReview(scores, "My own view.", mine.changed_at)
        finish_review(koponen, reference=received.reference, written=written)
        after = text_of(page_of(koponen, received.reference, reviews=True))
    assert "Calm and curious." not in before and "shown when you have finished yours" in before
    assert "Calm and curious." in after and "My own view." in after


def test_an_unfinished_review_is_nobody_elses(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        call = make_call(people["koponen"].account_id, reviewers=(people["pirinen"].account_id,))
        received = apply(call)
        add_review(received.submission_id, people["pirinen"].account_id, finished=False)
        said = text_of(page_of(people["koponen"], received.reference, reviews=True))
    assert "Calm and curious." not in said
    assert "Nobody has finished a review." in said


def test_texts_are_marked_with_their_language_and_hidden_characters_are_shown(
    app: Flask, people: dict[str, Viewer]
) -> None:
    with app.app_context():
        reference = a_full_application(
            people,
            contact_language="fi",
            name="Noor \u202eelpmaxE",
            motivation="Hei.\n\nمرحبا بكم.\n\n<script>alert(1)</script>",
            questions={"why": "Järvet.", "removed": "Once asked."},
        )
        with speaking("sv"):
            page = page_of(people["koponen"], reference)
    assert '<html lang="sv">' in page
    assert '<div class="said" lang="fi"><p dir="ltr">Hei.</p>' in page
    assert '<p dir="rtl">مرحبا بكم.</p>' in page
    assert "Noor ‹U+202E›elpmaxE" in page and "\u202e" not in page
    assert "&lt;script&gt;" in page and "<script" not in page
    assert "Why us? (sv)" in page, "the question in the reader's language"
    assert '<span lang="fi" dir="ltr">Why us? (fi)</span>' in page, "and as it was asked"
    assert "Once asked." in page, "an answer to a question that the call no longer asks is kept"


# ----------------------------------------------------------------------------------------------------- the PDF


def printed(app: Flask, people: dict[str, Viewer], code: str = "en", **values: Any) -> pikepdf.Pdf:
    with app.app_context():
        reference = a_full_application(people, **values)
        call, dossier = get_dossier(people["koponen"], reference, thread=True)
        with speaking(code):
            content = dossier_pdf(people["koponen"], call, dossier, reviews=True, thread=True)
    return pikepdf.open(io.BytesIO(content))


def tags_of(node: Any) -> set[str]:
    """Every kind of structure in a PDF."""
    if isinstance(node, pikepdf.Array):
        return set().union(*(tags_of(child) for child in node))
    if not isinstance(node, pikepdf.Dictionary):
        return set()
    found = {str(node["/S"])} if "/S" in node else set()
    return found | (tags_of(node["/K"]) if "/K" in node else set())


def test_it_is_an_accessible_pdf(app: Flask, people: dict[str, Viewer]) -> None:
    with printed(app, people, "fi") as document:
        root = document.Root
        assert root.Lang == "fi"
        assert bool(root.MarkInfo.Marked)
        assert bool(root.ViewerPreferences.DisplayDocTitle)
        tags = tags_of(root.StructTreeRoot.K)
        assert {"/Document", "/H1", "/H2", "/H3", "/P", "/Table", "/TH", "/TD"} <= tags
        with document.open_metadata() as metadata:
            assert metadata["pdfuaid:part"] == "1"
            assert "Noor Example" in metadata["dc:title"]
        with document.open_outline() as outline:
            [top] = outline.root
            assert top.title == "Noor Example"
            assert len(top.children) >= 8
        fonts = {str(font["/BaseFont"]) for page in document.pages for _name, font in page.Resources.Font.items()}
        assert any("Source-Sans-3" in name for name in fonts), fonts


@pytest.mark.parametrize(
    "text",
    [
        "مرحبا بكم في فنلندا",
        "你好,山田です",
        "😀🎉👩🏽‍🚀 🇫🇮",
        "Łódź ŵ ẽ\u0303\u0303 ﷽",
        "\u202e\x07\x1b \uffff",
        "W" * 3000,
    ],
)
def test_any_script_can_be_printed(app: Flask, people: dict[str, Viewer], text: str) -> None:
    with printed(app, people, name=text[:60], motivation=text) as document:
        assert len(document.pages) >= 3


def test_a_long_application_with_many_messages_stays_sane(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        call = make_call(people["koponen"].account_id)
        received = apply(call, motivation="Motivation. " * 833)
        for _ in range(200):
            add_message(received.submission_id, "A message with facts and questions. " * 10)
        call, dossier = get_dossier(people["koponen"], received.reference, thread=True)
        content = dossier_pdf(people["koponen"], call, dossier, reviews=False, thread=True)
    assert len(content) < 1_000_000
    with pikepdf.open(io.BytesIO(content)) as document:
        assert 10 < len(document.pages) < 100


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9/x.png",
        "https://example.org/x.png",
        "file:///etc/passwd",
        "data:text/plain,hello",
        "font:../settings.py",
        "font:portal.css",
        "font:/etc/passwd",
        "ftp://example.org/x",
    ],
)
def test_nothing_is_fetched(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fetcher = pdf._fetcher()
    with pytest.raises(ValueError):
        fetcher.fetch(address)
    # And the whole page is printed without it.
    page = (
        f'<html lang="en"><title>T</title><h1>T</h1><img src="{address}" alt="x"><link rel=stylesheet href="{address}">'
    )
    assert print_pdf(page).startswith(b"%PDF-")


def test_our_own_font_is_there() -> None:
    assert font_file("source-sans-3-latin.woff2").startswith(b"wOF2")


def test_a_page_that_cannot_be_printed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import weasyprint

    def broken(*_args: Any, **_values: Any) -> None:
        raise KeyError("something that somebody wrote")

    monkeypatch.setattr(weasyprint.HTML, "write_pdf", broken)
    with pytest.raises(PdfFailed) as failed:
        print_pdf("<p>x</p>")
    assert str(failed.value) == "KeyError", "not a word of the page"


@pytest.mark.parametrize("error", [OSError("cannot load library 'libpango-1.0-0'"), ImportError("weasyprint")])
def test_a_machine_without_pango_is_told_apart(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    import builtins

    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name == "weasyprint":
            raise error
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(PdfUnavailable):
        print_pdf("<p>x</p>")


# ------------------------------------------------------------------------------------------- whose it is, and notes


def test_it_is_the_leads_and_the_coordinators(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        reference = a_full_application(people)
        for key in ("koponen", "coordinator"):
            assert get_dossier(people[key], reference)[1].row.reference == reference
        with pytest.raises(NoSuchCase):
            get_dossier(people["pirinen"], reference)
        with pytest.raises(NoSuchCall):
            note_dossier(people["pirinen"], reference=reference, what={})
        db.session.rollback()
        assert notes() == []


def notes() -> list[tuple[str, str, dict[str, Any]]]:
    found = [(e.kind, e.actor, e.data) for e in db.session.scalars(select(CallEvent).order_by(CallEvent.id))]
    db.session.rollback()
    return found


def test_who_took_what_is_kept(app: Flask, people: dict[str, Viewer]) -> None:
    with app.app_context():
        call = make_call(people["koponen"].account_id)
        reference = apply(call).reference
        note_export(people["coordinator"], slug=call.slug, what={"form": "zip"})
        note_dossier(people["koponen"], reference=reference, what={"reviews": True})
        assert notes() == [
            ("exported", "Demo Coordinator", {"form": "zip"}),
            ("dossier", "Demo Koponen", {"reference": reference, "reviews": True}),
        ]


def blind_call(people: dict[str, Viewer], **values: Any) -> StoredCall:
    koponen = people["koponen"].account_id
    return make_call(koponen, reviewers=(koponen,), blind=True, **values)


def test_a_blind_reviewer_takes_nothing_out_before_names_are_revealed(app: Flask, people: dict[str, Viewer]) -> None:
    from tests.internships import LONG_AGO

    with app.app_context():
        hidden, revealed = blind_call(people), blind_call(people, revealed_at=LONG_AGO)
        for call in (hidden, revealed):
            apply(call)
        with pytest.raises(NamesHidden):
            note_export(people["koponen"], slug=hidden.slug, what={})
        note_export(people["coordinator"], slug=hidden.slug, what={"form": "xlsx"})
        note_export(people["koponen"], slug=revealed.slug, what={"form": "zip"})
        assert [data for _kind, _actor, data in notes()] == [{"form": "xlsx"}, {"form": "zip"}]


def test_a_batch_takes_the_same_statements_however_large(
    app: Flask, people: dict[str, Viewer], count_statements: Any
) -> None:
    with app.app_context():
        call = make_call(people["koponen"].account_id)
        counts = []
        for more in (1, 9):
            for number in range(more):
                received = apply_with(call, a_file(), email=f"{more}-{number}@example.org")
                let_all_happen(received.submission_id, people["koponen"].account_id)
                add_review(received.submission_id, people["pirinen"].account_id)
            with count_statements() as statements:
                found = list_dossiers(people["koponen"], call, limit=50)
            counts.append((len(found), len(statements)))
            db.session.rollback()
        first, second = counts
        assert (first[0], second[0]) == (1, 10)
        assert first[1] == second[1] <= 9
        keys = [dossier.row.id for dossier in list_dossiers(people["koponen"], call, after=found[3].row.id, limit=3)]
        assert keys == [dossier.row.id for dossier in found[4:7]]
