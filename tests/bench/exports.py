"""Applications taken out of the house: the archive of a call with large files, the workbook of a large call, one PDF.

The files of the archive are one file under many keys (hard links), so that no disk fills up; the program opens and
reads each, checks it and sends it, and what is measured beside that is the loopback, not a disk.
"""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import median

from sqlalchemy import insert, select

from portal import clock, create_app
from portal.database import db, transaction
from portal.models import Account, Application, Review
from portal.operations.receiving import StagedFile
from portal.queries.calls import StoredCall
from tests.bench.installations import Browser, Installation, installation_at
from tests.bench.report import Check
from tests.bench.servers import Server
from tests.installation import make_settings, prepare_database, release
from tests.internships import apply, make_call
from tests.people import add_people

FILE_BYTES = 5_000_000
ZIP_GROWTH_MIB = 16
"""How far the archive may let a process grow, whatever its size."""

XLSX_SECONDS = 5
TABLE_BESIDE_INBOX = 1.2
MOTIVATION = "I want to learn how regions of the north work together, and I bring two years of field work. " * 20


@dataclass(frozen=True)
class Calls:
    """An installation with a small call, one with large files, and one with many applications; a reference of it."""

    installation: Installation
    small: str
    large: str
    many: str
    reference: str
    files: int
    rows: int


def prepare_calls(data_dir: Path, database_url: str, *, files: int, rows: int) -> Calls:
    """Fill the calls: ``files`` applications with a large file each, ``rows`` without but reviewed."""
    settings = make_settings(data_dir, database_url)
    prepare_database(settings)
    app = create_app(settings)
    people = add_people(app)
    lead, reviewer = people["koponen"].account_id, people["pirinen"].account_id
    content = os.urandom(FILE_BYTES)
    original = settings.storage_dir / "original"
    original.parent.mkdir(parents=True)
    original.write_bytes(content)
    digest = sha256(content).hexdigest()
    with app.app_context():
        small, large, many = (make_call(lead, reviewers=(reviewer,)) for _ in range(3))
        for call, count in ((small, 5), (large, files)):
            for number in range(count):
                _apply(call, number, (_linked(original, digest),))
        references = [_apply(many, number, ()) for number in range(rows)]
        _review(many, reviewer)
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
    release(app)
    return Calls(
        installation_at(data_dir, database_url, references[0], 1),
        *(small.slug, large.slug, many.slug, references[0], files, rows),
    )


def measure_exports(portal: Server, calls: Calls) -> list[Check]:
    """Take out what there is, each by itself; peaks of memory are those of the process that grew most."""
    browser = Browser(portal.port)
    browser.sign_in()
    for form in ("zip", "xlsx"):  # what is imported at the first use is no growth
        browser.download(*_place(calls.small, form))
    browser.download(*_dossier(calls.reference))
    before = portal.reset_peaks()
    archive = browser.download(*_place(calls.large, "zip"), {"reviews": "y"})
    growth = _growth(before, portal.peaks_mib())
    assert archive.size_bytes > calls.files * FILE_BYTES, "the archive is not whole"
    before = portal.reset_peaks()
    workbook = browser.download(*_place(calls.many, "xlsx"), {"means": "y"})
    workbook_growth = _growth(before, portal.peaks_mib())
    pdf = min(browser.download(*_dossier(calls.reference), {"reviews": "y"}).seconds for _ in range(3))
    table, inbox = _table_beside_inbox(browser, calls.many)
    megabytes = archive.size_bytes / 1_000_000
    of_zip = f"ZIP of {calls.files} applications with {FILE_BYTES // 1_000_000} MB each"
    of_xlsx = f"XLSX of {calls.rows:,} applications with means"
    return [
        Check(
            14,
            of_zip,
            f"{megabytes:,.0f} MB in {archive.seconds:.1f} s, {megabytes / archive.seconds:.0f} MB/s, "
            f"first byte after {1000 * archive.first_byte_seconds:.0f} ms",
            "",
            None,
        ),
        Check(
            14,
            "the same: growth of resident memory to its peak",
            f"{growth:.1f} MiB",
            f"<= {ZIP_GROWTH_MIB} MiB",
            growth <= ZIP_GROWTH_MIB,
        ),
        Check(
            15,
            of_xlsx,
            f"{workbook.seconds:.1f} s, {workbook.size_bytes / 1024:.0f} KiB, grew by {workbook_growth:.1f} MiB",
            f"<= {XLSX_SECONDS} s",
            workbook.seconds <= XLSX_SECONDS,
        ),
        Check(
            16,
            f"review table of {calls.rows:,} applications beside the inbox, p50",
            f"{1000 * table:.1f} ms beside {1000 * inbox:.1f} ms, {table / inbox:.2f}",
            f"<= {TABLE_BESIDE_INBOX} of the inbox",
            table / inbox <= TABLE_BESIDE_INBOX,
        ),
        Check(15, "PDF of an application", f"{pdf:.2f} s", "", None),
    ]


def _table_beside_inbox(browser: Browser, slug: str) -> tuple[float, float]:
    """Medians of both pages in seconds, opened in turns."""
    pages = (f"/workspace/calls/{slug}/applications", "/workspace/mine")
    taken: dict[str, list[float]] = {page: [] for page in pages}
    for _ in range(10):
        for page in pages:
            taken[page] += browser.times(page, 10)
    table, inbox = (median(taken[page]) for page in pages)
    return table, inbox


def _growth(before: Sequence[float], peaks: Sequence[float]) -> float:
    return max(peak - one for one, peak in zip(before, peaks, strict=True))


def _place(slug: str, form: str) -> tuple[str, str]:
    return f"/workspace/calls/{slug}/export", f"/workspace/calls/{slug}/applications.{form}"


def _dossier(reference: str) -> tuple[str, str]:
    return f"/workspace/applications/{reference}/dossier", f"/workspace/applications/{reference}/dossier.pdf"


def _apply(call: StoredCall, number: int, files: tuple[StagedFile, ...]) -> str:
    email = f"noor-{number}@example.org"
    return apply(call, command={"files": files}, email=email, motivation=MOTIVATION).reference


def _linked(original: Path, digest: str) -> StagedFile:
    key = secrets.token_hex(16)
    folder = original.parent / key[:2]
    folder.mkdir(exist_ok=True)
    os.link(original, folder / key)
    return StagedFile(key, "cv.pdf", "application/pdf", FILE_BYTES, digest, "cv")


def _review(call: StoredCall, reviewer: int) -> None:
    now = clock.now()
    name = db.session.scalar(select(Account.name).where(Account.id == reviewer))
    given = {"score": 4, "why": f"{name} thinks so. " * 10}
    ids = db.session.scalars(select(Application.submission_id).where(Application.call_id == call.id)).all()
    with transaction() as connection:
        connection.execute(
            insert(Review),
            [
                {
                    "submission_id": submission_id,
                    "account_id": reviewer,
                    "conflict": "none",
                    "declared_at": now,
                    "scores": {"fit": given, "languages": given},
                    "comment": "",
                    "changed_at": now,
                    "finished_at": now,
                }
                for submission_id in ids
            ],
        )
