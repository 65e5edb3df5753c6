"""Reading CVs: both Europass dialects, plain and inside a PDF, JSON Resume, and everything that must not be read."""

import io
import json
import os
import signal
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pikepdf
import pytest

from portal.gateways import cvs as gateway
from portal.gateways import judge as judge_module
from portal.gateways.cvs import read_cv
from portal.gateways.judge import ANSWER_SECONDS
from portal.rules.profiles import CvKind, CvReason, CvRefused, Profile
from portal.rules.uploads import ALLOWED, MAX_BYTES
from tests import cvs, samples


def read(content: bytes, kind: CvKind) -> Profile:
    return read_cv(io.BytesIO(content), kind)


def refusal(content: bytes, kind: CvKind) -> CvReason | None:
    try:
        read(content, kind)
    except CvRefused as refused:
        return refused.reason
    return None


# ------------------------------------------------------------------------------------------------------ good files

GOOD: dict[str, tuple[CvKind, Callable[[], bytes], Profile]] = {
    "candidate": ("xml", cvs.candidate, cvs.FROM_CANDIDATE),
    "candidate in utf-16": ("xml", lambda: cvs.candidate(encoding="utf-16"), cvs.FROM_CANDIDATE),
    "candidate in latin-1": ("xml", lambda: cvs.candidate(encoding="iso-8859-1"), cvs.FROM_CANDIDATE),
    "learner": ("xml", cvs.learner, cvs.FROM_LEARNER),
    "resume": ("json", cvs.resume, cvs.FROM_RESUME),
    "candidate in a pdf": ("pdf", lambda: cvs.pdf(cvs.candidate()), cvs.FROM_CANDIDATE),
    "learner in a pdf": ("pdf", lambda: cvs.pdf(cvs.learner()), cvs.FROM_LEARNER),
    "not packed": ("pdf", lambda: cvs.pdf(cvs.candidate(), packed=False), cvs.FROM_CANDIDATE),
    "beside the document": ("pdf", lambda: cvs.pdf(cvs.candidate(), associated=True), cvs.FROM_CANDIDATE),
    "in a pdf that forbids printing": ("pdf", lambda: cvs.pdf(cvs.learner(), locked=True), cvs.FROM_LEARNER),
    "behind an invoice": ("pdf", lambda: cvs.pdf(b"<Invoice/>", cvs.candidate()), cvs.FROM_CANDIDATE),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_a_cv_says_is_read(name: str) -> None:
    kind, make, expected = GOOD[name]
    profile = read(make(), kind)
    assert profile == expected
    said = json.dumps(profile.as_data())
    assert not [private for private in cvs.PRIVATE if private in said]


@pytest.mark.parametrize(
    "content",
    [
        samples.pdf(),
        samples.pdf(pages=50),
        cvs.pdf(b"<Invoice/>"),
        cvs.pdf(b"plain text", name="notes.txt"),
        cvs.pdf(cvs.candidate(), name="picture.png"),
    ],
)
def test_a_pdf_without_data_says_nothing(content: bytes) -> None:
    assert read(content, "pdf") == Profile()


def test_a_cv_that_says_little_is_read_as_far_as_it_goes() -> None:
    bare = b'<Candidate xmlns="http://www.europass.eu/1.0"/>'
    assert read(bare, "xml") == Profile()
    assert read(b'<SkillsPassport xmlns="http://europass.cedefop.europa.eu/Europass"/>', "xml") == Profile()
    assert read(b'{"basics": {"name": "Ana", "location": []}, "education": 3, "languages": [[], {}]}', "json") == (
        Profile(name="Ana")
    )


@pytest.mark.parametrize(("year", "stage"), [("2999", "studying"), ("2020-05", "graduated"), ("soon", "")])
def test_the_stage_follows_from_the_last_day(year: str, stage: str) -> None:
    content = cvs.resume(education=[{"institution": "School", "startDate": "2019", "endDate": year}])
    assert read(content, "json").study_stage == stage


# --------------------------------------------------------------------------------------------------- hostile files


def deep(levels: int) -> bytes:
    return b'<Candidate xmlns="http://www.europass.eu/1.0">' + b"<a>" * levels + b"</a>" * levels + b"</Candidate>"


def wide(elements: int) -> bytes:
    return b'<Candidate xmlns="http://www.europass.eu/1.0">' + b"<a/>" * elements + b"</Candidate>"


def bomb() -> bytes:
    """A PDF of 300 kB with a file of 300 MB inside."""
    return cvs.pdf(b'<Candidate xmlns="http://www.europass.eu/1.0">' + bytes(300_000_000))


def doubly_packed() -> bytes:
    document = cvs.pdf(zlib.compress(cvs.candidate()), associated=True)
    with pikepdf.open(io.BytesIO(document)) as pdf:
        stream = pdf.Root.AF[0].EF.UF
        stream.Filter = pikepdf.Array([pikepdf.Name.FlateDecode, pikepdf.Name.FlateDecode])
        target = io.BytesIO()
        pdf.save(target, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
        return target.getvalue()


HOSTILE: dict[str, tuple[CvKind, Callable[[], bytes], CvReason]] = {
    "billion laughs": ("xml", cvs.laughing, "unsafe_xml"),
    "billion laughs in a pdf": ("pdf", lambda: cvs.pdf(cvs.laughing()), "unsafe_xml"),
    "a file": ("xml", lambda: cvs.with_doctype('[<!ENTITY x SYSTEM "file:///etc/passwd">]', "&x;"), "unsafe_xml"),
    "a bare doctype": ("xml", lambda: cvs.with_doctype(""), "unsafe_xml"),
    "a doctype in utf-16": ("xml", lambda: cvs.with_doctype("", encoding="utf-16"), "unsafe_xml"),
    "a public doctype": ("xml", lambda: cvs.with_doctype('PUBLIC "-//X" "http://127.0.0.1/x.dtd"'), "unsafe_xml"),
    "parameter entities": (
        "xml",
        lambda: cvs.with_doctype('[<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]'),
        "unsafe_xml",
    ),
    "an entity of nowhere": ("xml", lambda: cvs.candidate().replace(b"Noor", b"&nowhere;"), "damaged"),
    "deep": ("xml", lambda: deep(100_000), "too_complex"),
    "somewhat deep": ("xml", lambda: deep(60), "too_complex"),
    "wide": ("xml", lambda: wide(2_000_000), "too_complex"),
    "cut off": ("xml", lambda: cvs.candidate()[:-20], "damaged"),
    "said to be utf-16": ("xml", lambda: cvs.candidate().replace(b"utf-8", b"utf-16"), "damaged"),
    "in no encoding": ("xml", lambda: cvs.candidate().replace(b"Noor", b"No\xff\xfer"), "damaged"),
    "in an unknown encoding": ("xml", lambda: cvs.candidate().replace(b"utf-8", b"klingon"), "damaged"),
    "other xml": ("xml", lambda: b"<Invoice xmlns='urn:example'/>", "unknown_format"),
    "a candidate of elsewhere": ("xml", lambda: b"<Candidate/>", "unknown_format"),
    "json as xml": ("xml", cvs.resume, "damaged"),
    "pdf as xml": ("xml", samples.pdf, "damaged"),
    "nothing": ("xml", lambda: b"", "empty"),
    "too many bytes": ("xml", lambda: cvs.candidate() + b" " * MAX_BYTES, "too_large"),
    "other json": ("json", lambda: b'{"SkillsPassport": {}}', "unknown_format"),
    "a list": ("json", lambda: b"[]", "unknown_format"),
    "cut off json": ("json", lambda: cvs.resume()[:-5], "damaged"),
    "xml as json": ("json", cvs.candidate, "damaged"),
    "deep json": ("json", lambda: b'{"basics": ' + b"[" * 4_000_000, "too_complex"),
    "a long number": ("json", lambda: b'{"basics": ' + b"9" * 8_000_000 + b"}", "damaged"),
    "no bytes of text": ("json", lambda: b'{"basics": {"name": "\xff"}}', "damaged"),
    "a huge file inside": ("pdf", bomb, "too_complex"),
    "packed twice": ("pdf", doubly_packed, "too_complex"),
    "10,000 files inside": ("pdf", lambda: cvs.pdf(*[b"<a/>"] * 10_000), "too_complex"),
    "10,000 files beside": ("pdf", lambda: cvs.pdf(*[b"<a/>"] * 10_000, associated=True), "too_complex"),
    "deep in a pdf": ("pdf", lambda: cvs.pdf(deep(500)), "too_complex"),
    "password": ("pdf", samples.encrypted_pdf, "encrypted"),
    "a script": ("pdf", samples.pdf_with_javascript, "active_content"),
    "a cut-off pdf": ("pdf", lambda: cvs.pdf(cvs.candidate())[:900], "damaged"),
    "xml as pdf": ("pdf", cvs.candidate, "content_mismatch"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_or_strange_is_refused_with_its_reason(name: str) -> None:
    kind, make, reason = HOSTILE[name]
    content = make()
    begun = time.monotonic()
    assert refusal(content, kind) == reason
    assert time.monotonic() - begun < ANSWER_SECONDS
    assert read(cvs.candidate(), "xml") == cvs.FROM_CANDIDATE, "the next file is read as if nothing had been"


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


REACHING = {
    "entity": ('[<!ENTITY x SYSTEM "{place}">]', "&x;"),
    "document type": ('SYSTEM "{place}"', "Noor"),
    "parameter entity": ('[<!ENTITY % x SYSTEM "{place}">%x;]', "Noor"),
}


@pytest.mark.parametrize("way", REACHING)
def test_nothing_is_fetched_and_no_file_is_opened(tmp_path: Path, listening: socket.socket, way: str) -> None:
    declaration, name = REACHING[way]
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # Whoever opened the pipe to read would wait for a writer, and the answer would not come in time.
    for place in (f"http://127.0.0.1:{listening.getsockname()[1]}/x", pipe.as_uri(), str(pipe)):
        content = cvs.with_doctype(declaration.format(place=place), name)
        begun = time.monotonic()
        assert refusal(content, "xml") == "unsafe_xml"
        assert refusal(cvs.pdf(content), "pdf") == "unsafe_xml"
        assert time.monotonic() - begun < ANSWER_SECONDS / 2
    with pytest.raises(BlockingIOError):
        listening.accept()


def test_what_points_elsewhere_without_a_document_type_is_not_followed(
    tmp_path: Path, listening: socket.socket
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    place = f"http://127.0.0.1:{listening.getsockname()[1]}/x"
    text = cvs.candidate().decode()
    text = text.replace("http://www.europass.eu/1.0 Candidate.xsd", f"http://www.europass.eu/1.0 {place}")
    text = text.replace("<Candidate ", f'<?xml-stylesheet href="{place}"?><Candidate ')
    included = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{pipe.as_uri()}" parse="text"/>'
    text = text.replace(">Noor<", f">Noor{included}<")
    assert read(text.encode(), "xml") == cvs.FROM_CANDIDATE
    with pytest.raises(BlockingIOError):
        listening.accept()


# ----------------------------------------------------------------------------------------------------- the process


@pytest.fixture
def fresh_court() -> Iterator[None]:
    judge_module._court.close()
    yield
    judge_module._court.close()


def answering(said: bytes) -> str:
    """A process that says this of every file."""
    return ANSWERING.replace("SAID", repr(said).replace("{", "{{").replace("}", "}}"))


ANSWERING = """
import os, socket
line = socket.socket(fileno={listener})
_, (file, answer), _, _ = socket.recv_fds(line, 16, 2)
os.write(answer, b'?')
os.write(answer, SAID)
"""


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"accepted",
        b"{",
        b'{"name": "Noor"',
        b'"Noor"',
        b"[" * 50_000,
        b'{"name": "' + b"x" * 100_000 + b'"}',
        b"\xff\xfe",
        b"no such reason",
    ],
)
@pytest.mark.usefixtures("fresh_court")
def test_an_answer_that_is_none_is_no_profile(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(judge_module, "_PROGRAM", answering(said))
    assert refusal(cvs.candidate(), "xml") == "too_complex"


@pytest.mark.usefixtures("fresh_court")
def test_of_an_answer_only_what_fits_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    said = json.dumps({"name": "No\x07or", "birth": "1999", "country": "<b>", "languages": [["en", "C9"]]}).encode()
    monkeypatch.setattr(judge_module, "_PROGRAM", answering(said))
    assert read(cvs.candidate(), "xml") == Profile(name="Noor")


def test_a_reader_that_was_killed_is_replaced() -> None:
    assert read(cvs.learner(), "xml") == cvs.FROM_LEARNER
    process = judge_module._court._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    assert read(cvs.learner(), "xml") == cvs.FROM_LEARNER


def test_the_file_is_gone_when_it_has_been_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway.tempfile, "tempdir", str(tmp_path))
    assert read(cvs.learner(), "xml") == cvs.FROM_LEARNER
    assert list(tmp_path.iterdir()) == []


def test_xml_and_json_are_still_no_attachments() -> None:
    assert not {"xml", "json"} & ALLOWED.keys()
