"""What leaves the house: an application as a page for print or for reading, a call as an archive and as a workbook."""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

import structlog
from flask import Flask, current_app

from portal import clock
from portal.content.calls import said
from portal.gateways.archives import Archive
from portal.gateways.pdf import PdfFailed, print_pdf
from portal.gateways.storage import BadKey, Files, StorageUnavailable
from portal.i18n import format_moment, gettext, language, ngettext, speaking
from portal.models import Attachment
from portal.queries.calls import StoredCall
from portal.queries.dossiers import Dossier, Extent, count_applications, list_dossiers
from portal.queries.editions import content
from portal.rules.applications import Answer
from portal.rules.exports import Names, folder_name, inert
from portal.rules.policy import Viewer
from portal.rules.text import direction, reveal
from portal.web import vocabulary
from portal.web.answers import answer_text, field_labels, spoken_in_words
from portal.web.vocabulary import document_name, stage_name

BATCH = 20
PAGE, PAPER, INDEX = "answers.html", "dossier.pdf", "index.csv"
_READABLE_TYPES = ("text/",)

log = structlog.get_logger()


@dataclass(frozen=True)
class Choices:
    """What of a call is taken out, by whom and in which language."""

    viewer: Viewer
    call: StoredCall
    language: str
    reviews: bool = False
    pdf: bool = False


def dossier_page(
    viewer: Viewer,
    call: StoredCall,
    dossier: Dossier,
    *,
    reviews: bool,
    thread: bool = False,
    printed: bool = False,
    file_names: Sequence[str] | None = None,
) -> str:
    """An application as a whole page that needs nothing else, in the language in force.

    Args:
        viewer: who prints it.
        call: the application's call.
        dossier: the application.
        reviews: with the reviews.
        thread: with the messages.
        printed: for paper, with our fonts.
        file_names: names of the files that lie beside the page, in the order of the dossier's.
    """
    questions = {question.key: question for question in call.document.questions}
    template = current_app.jinja_env.get_template("dossier/dossier.html")
    return template.render(
        lang=language(),
        viewer=viewer,
        call=call,
        title=said(call.document.title, language()),
        dossier=dossier,
        row=dossier.row,
        answers=dossier.answers,
        own_answers=[(questions.get(key), key, value) for key, value in _own_answers(call, dossier)],
        reviews=reviews,
        thread=thread,
        printed=printed,
        file_names=file_names,
        now=clock.now(),
        words=vocabulary,
        languages=spoken_in_words(dossier.answers),
        labels=field_labels(call.document),
        answer_text=answer_text,
        said=said,
        direction=direction,
        slot_moment=slot_moment,
        earlier=_earlier,
    )


def dossier_pdf(viewer: Viewer, call: StoredCall, dossier: Dossier, *, reviews: bool, thread: bool = False) -> bytes:
    """An application as an accessible PDF, in the language in force.

    Raises:
        PdfUnavailable, PdfFailed: it cannot be printed here, or this one cannot.
    """
    return print_pdf(dossier_page(viewer, call, dossier, reviews=reviews, thread=thread, printed=True))


def extent_in_words(extent: Extent) -> str:
    """How many applications are taken out, and when the rest opens to a viewer who reviews the call as well."""
    if extent.open == extent.all:
        return ngettext("%(num)s application", "%(num)s applications", extent.all)
    return gettext(
        "%(open)s of %(all)s applications. The rest open to you after you have declared on the review page of each "
        "that you have no conflict of interest. Those from which you stepped aside stay closed to you.",
        open=extent.open,
        all=extent.all,
    )


def slot_moment(slot: Any) -> str:
    """A proposed time of an interview, in words."""
    try:
        return format_moment(datetime.fromisoformat(str(slot)), content().organisation.zone)
    except (TypeError, ValueError):
        return str(slot)


def _own_answers(call: StoredCall, dossier: Dossier) -> list[tuple[str, Answer]]:
    """Every question of the call with its answer; then answers to questions that the call no longer asks."""
    given = dossier.answers.questions
    asked = [(question.key, given.get(question.key)) for question in call.document.questions]
    known = {key for key, _value in asked}
    return [*asked, *((key, value) for key, value in given.items() if key not in known)]


def _earlier(value: Any) -> str:
    """An answer that was corrected, as it was before."""
    if isinstance(value, list | tuple):
        return ", ".join(_earlier(entry) for entry in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_earlier(entry)}" for key, entry in value.items())
    return "" if value is None else str(value)


# --------------------------------------------------------------------------------------------------- the archive


def stream_archive(app: Flask, store: Files, choices: Choices) -> Iterator[bytes]:
    """All applications of a call with their files, as a ZIP archive that is made while it is sent.

    The database is read in batches, and no transaction is open between them. A file that is not there, or not as
    it came, is noted in the index, which comes last.
    """
    archive = Archive()
    index = _Index()
    after = number = 0
    while batch := _batch(app, choices, after):
        for dossier in batch:
            number += 1
            yield from _folder(app, store, archive, index, choices, dossier, number)
        after = batch[-1].row.id
    with _speaking_in(app, choices):
        now = clock.now().astimezone(content().organisation.zone)
        there = count_applications(choices.viewer, choices.call)
        list_of_all = index.as_csv(Extent(number, max(number, there.all)))
    yield from archive.add(INDEX, now, list_of_all)
    yield from archive.end()


def _folder(
    app: Flask, store: Files, archive: Archive, index: "_Index", choices: Choices, dossier: Dossier, number: int
) -> Iterator[bytes]:
    row = dossier.row
    folder = folder_name(number, row.reference, row.sender_name)
    names = Names(PAGE, PAPER)
    file_names = [names.distinct(file.name) for file in dossier.files]
    with _speaking_in(app, choices):
        at = row.received_at.astimezone(content().organisation.zone)
        pages = _pages(choices, dossier, file_names)
    index.add(folder, dossier, PAGE)
    for name, page in pages:
        if page is None:
            index.add(folder, dossier, name, state="not_made")
        else:
            yield from archive.add(f"{folder}/{name}", at, page)
    for file, name in zip(dossier.files, file_names, strict=True):
        stream = _opened(store, file)
        if stream is None:
            index.add(folder, dossier, name, file, state="missing")
            continue
        with stream:
            packed = file.mime.startswith(_READABLE_TYPES)
            found = yield from archive.add_file(f"{folder}/{name}", at, stream, packed=packed)
        index.add(folder, dossier, name, file, state="sound" if found == file.sha256 else "differs")


def _batch(app: Flask, choices: Choices, after: int) -> list[Dossier]:
    """The next applications; reading them ends before anything is sent."""
    with app.app_context():
        return list_dossiers(choices.viewer, choices.call, after=after, limit=BATCH)


def _pages(choices: Choices, dossier: Dossier, file_names: Sequence[str]) -> list[tuple[str, bytes | None]]:
    viewer, call, reviews = choices.viewer, choices.call, choices.reviews
    page = dossier_page(viewer, call, dossier, reviews=reviews, file_names=file_names)
    pages: list[tuple[str, bytes | None]] = [(PAGE, page.encode())]
    if choices.pdf:
        try:
            pages.append((PAPER, dossier_pdf(viewer, call, dossier, reviews=reviews)))
        except PdfFailed as error:
            log.error("dossier_not_printed", reference=dossier.row.reference, error=str(error))
            pages.append((PAPER, None))
    return pages


def _opened(store: Files, file: Attachment) -> BinaryIO | None:
    try:
        return store.open(file.key)
    except (StorageUnavailable, BadKey):
        return None


@contextmanager
def _speaking_in(app: Flask, choices: Choices) -> Iterator[None]:
    with app.app_context(), speaking(choices.language):
        yield


class _Index:
    """The list of everything in the archive, for a spreadsheet."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, tuple[str, datetime, str, str], str, Attachment | None, str]] = []

    def add(self, folder: str, dossier: Dossier, name: str, file: Attachment | None = None, state: str = "") -> None:
        row = dossier.row
        facts = (row.reference, row.received_at, row.stage, row.sender_name)
        self._rows.append((folder, facts, name, file, state))

    def as_csv(self, extent: Extent) -> bytes:
        """With a byte order mark and semicolons, as the spreadsheets of Finland expect them.

        The last line says what is left out, if anything is.
        """
        zone = content().organisation.zone
        states = {
            "": "",
            "sound": gettext("As it came"),
            "missing": gettext("Missing: the file was not found"),
            "differs": gettext("Damaged: the file is not as it came"),
            "not_made": gettext("Missing: the PDF could not be made"),
        }
        written = io.StringIO()
        table = csv.writer(written, delimiter=";", lineterminator="\r\n")
        table.writerow(
            (
                *(gettext("Folder"), gettext("Reference"), gettext("Arrived"), gettext("Stage"), gettext("Name")),
                *(gettext("File"), gettext("Document"), gettext("Size in bytes"), "SHA-256", gettext("State")),
            )
        )
        for folder, (reference, received_at, stage, person), name, file, state in self._rows:
            cells = (
                folder,
                reference,
                received_at.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
                stage_name(stage),
                person,
                name,
                document_name(file.purpose) if file else "",
                str(file.size_bytes) if file else "",
                file.sha256 if file else "",
                states[state],
            )
            table.writerow([inert(reveal(cell)) for cell in cells])
        if extent.open < extent.all:
            table.writerow([extent_in_words(extent)])
        return b"\xef\xbb\xbf" + written.getvalue().encode()
