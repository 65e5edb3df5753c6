"""The judge: good files of every kind pass, and each lie is seen through."""

import io
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest

from portal.gateways.judge import ANSWER_SECONDS, judge
from portal.rules.uploads import ALLOWED, AttachmentRejected, Reason
from tests import samples

Verdict = Callable[[bytes, str], Reason | None]


@pytest.fixture
def verdict(tmp_path: Path) -> Verdict:
    """Judge bytes as if they came under that extension: the reason, or ``None`` when they are taken in."""

    def judged(content: bytes, extension: str) -> Reason | None:
        path = tmp_path / "file"
        path.write_bytes(content)
        try:
            judge(path, ALLOWED[extension])
        except AttachmentRejected as rejection:
            return rejection.reason
        return None

    return judged


def action(kind: str, **keys: object) -> pikepdf.Dictionary:
    return pikepdf.Dictionary({"/S": pikepdf.Name(kind), **{f"/{key}": value for key, value in keys.items()}})


# ------------------------------------------------------------------------------------------------------ good files


GOOD = {
    "a pdf that only forbids printing": ("pdf", samples.encrypted_pdf(owner_only=True)),
    "pdf": ("pdf", samples.pdf()),
    "pdf of many pages": ("pdf", samples.pdf(pages=2000)),
    "pdf opening at a place": (
        "pdf",
        samples.pdf(root={"/OpenAction": action("/GoTo", D=pikepdf.Array([0, pikepdf.Name.Fit]))}),
    ),
    "pdf opening at a bare place": ("pdf", samples.pdf(root={"/OpenAction": pikepdf.Array([0, pikepdf.Name.Fit])})),
    "pdf with a link": ("pdf", samples.pdf(root={"/Linked": action("/URI", URI="https://example.org/JavaScript")})),
    "pdf that speaks of scripts": ("pdf", samples.pdf(root={"/Title": pikepdf.String("On /JavaScript and /Launch")})),
    "pdf with a font called AA": ("pdf", samples.pdf(root={"/Font": {"/AA": {"/Type": pikepdf.Name.Font}}})),
    "europass": ("pdf", samples.pdf(attachment="attachment.xml")),
    "e-invoice data": ("pdf", samples.pdf(attachment="Invoice.JSON")),
    "source of a formula": ("pdf", samples.pdf(attachment="formula-1.tex")),
    "docx": ("docx", samples.docx()),
    "docx with a chart": (
        "docx",
        samples.docx({"word/embeddings/": "", "word/embeddings/Sheet1.xlsx": samples.xlsx()}),
    ),
    "odt": ("odt", samples.odt()),
    "odt with an empty library": ("odt", samples.odt({"Basic/Standard/script-lb.xml": "<library/>"})),
    "xlsx": ("xlsx", samples.xlsx()),
    "ods": ("ods", samples.ods()),
    "png": ("png", samples.png()),
    "png of 24 megapixels": ("png", samples.png((6000, 4000))),
    "jpg": ("jpg", samples.jpg()),
    "jpeg": ("jpeg", samples.jpg()),
    "jpg of a telephone": ("jpg", samples.phone_jpg()),
    "txt": ("txt", samples.txt()),
    "txt with a mark": ("txt", "Hei ä\r\n".encode("utf-8-sig")),
    "txt in utf-16": ("txt", "Hei ä\r\n".encode("utf-16")),
    "txt of Windows": ("txt", "Hei ä – “€”\r\n".encode("cp1252")),
    "txt in Japanese": ("txt", "履歴書、こんにちは。\n".encode("shift-jis") * 50),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_files_are_taken_in(verdict: Verdict, name: str) -> None:
    extension, content = GOOD[name]
    assert verdict(content, extension) is None


def test_a_main_part_with_a_number_is_taken_in(verdict: Verdict) -> None:
    parts = parts_of(samples.docx())
    parts["word/document2.xml"] = parts.pop("word/document.xml")
    assert verdict(samples.zipped(parts), "docx") is None


def parts_of(document: bytes) -> dict[str, str | bytes]:
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


# ------------------------------------------------------------------------------------------------------ mere lies

EXE = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff" + bytes(200)
WORD_97 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
PROTECTED_DOCX = WORD_97 + "EncryptedPackage".encode("utf-16-le") + bytes(480)

MISMATCHED = {
    "exe as pdf": ("pdf", EXE),
    "html and then pdf": ("pdf", b"<script>alert(1)</script>\n" + samples.pdf()),
    "jpg as pdf": ("pdf", samples.jpg()),
    "exe as docx": ("docx", EXE),
    "docx as xlsx": ("xlsx", samples.docx()),
    "xlsx as docx": ("docx", samples.xlsx()),
    "odt as docx": ("docx", samples.odt()),
    "odt as ods": ("ods", samples.odt()),
    "docx as odt": ("odt", samples.docx()),
    "zip as docx": ("docx", samples.zipped({"readme.txt": "hello"})),
    "zip as odt": ("odt", samples.zipped({"readme.txt": "hello"})),
    "exe and then docx": ("docx", EXE + samples.docx()),
    "template as docx": ("docx", samples.docx(main_type=f"{samples.OPENXML}.wordprocessingml.template.main+xml")),
    "Word 97 as docx": ("docx", WORD_97),
    "jpg as png": ("png", samples.jpg()),
    "png as jpg": ("jpg", samples.png()),
    "pdf as txt": ("txt", samples.pdf()),
    "exe as txt": ("txt", EXE),
    "png as txt": ("txt", samples.png()),
    "text with a zero": ("txt", b"hello\x00world"),
    "text of controls": ("txt", b"\x01\x02 hello"),
    "half of utf-16": ("txt", b"\xff\xfeh\x00e"),
}


@pytest.mark.parametrize("name", MISMATCHED)
def test_what_is_not_what_it_says_is_seen(verdict: Verdict, name: str) -> None:
    extension, content = MISMATCHED[name]
    assert verdict(content, extension) == "content_mismatch"


# ----------------------------------------------------------------------------------------------------- what acts


def with_field_script() -> bytes:
    annotation = {"/Subtype": pikepdf.Name.Widget, "/AA": {"/K": action("/JavaScript", JS="AFDate()")}}
    return samples.pdf(root={"/Annotation": annotation})


def with_hidden_kind() -> bytes:
    with pikepdf.new() as document:
        document.add_blank_page()
        document.Root.OpenAction = document.make_indirect(
            pikepdf.Dictionary(S=document.make_indirect(pikepdf.Name.JavaScript), F="calc.exe")
        )
        return saved(document)


def with_script_in_object_stream() -> bytes:
    with pikepdf.new() as document:
        document.add_blank_page()
        document.Root.Names = document.make_indirect(
            pikepdf.Dictionary(JavaScript={"/Names": ["a", document.make_indirect(action("/JavaScript", JS="a()"))]})
        )
        return saved(document, pikepdf.ObjectStreamMode.generate)


def saved(document: pikepdf.Pdf, packing: pikepdf.ObjectStreamMode = pikepdf.ObjectStreamMode.disable) -> bytes:
    target = io.BytesIO()
    document.save(target, object_stream_mode=packing)
    return target.getvalue()


ACTIVE = {
    "script at opening": ("pdf", samples.pdf_with_javascript()),
    "script in another spelling": ("pdf", samples.pdf_with_javascript().replace(b"/JavaScript", b"/Java#53cript")),
    "script in a field": ("pdf", with_field_script()),
    "script behind a reference": ("pdf", with_hidden_kind()),
    "script packed away": ("pdf", with_script_in_object_stream()),
    "program at opening": ("pdf", samples.pdf(root={"/OpenAction": action("/Launch", F="calc.exe")})),
    "program by a link": ("pdf", samples.pdf(root={"/Linked": action("/Launch", F="calc.exe")})),
    "calling home at opening": ("pdf", samples.pdf(root={"/OpenAction": action("/URI", URI="https://example.org")})),
    "calling home at a page": (
        "pdf",
        samples.pdf(root={"/Paged": {"/AA": {"/O": action("/URI", URI="https://example.org")}}}),
    ),
    "a second thing after a place": (
        "pdf",
        samples.pdf(root={"/OpenAction": action("/GoTo", Next=action("/URI", URI="https://example.org"))}),
    ),
    "form with its own program": ("pdf", samples.pdf(root={"/AcroForm": {"/XFA": "<xdp/>"}})),
    "film": ("pdf", samples.pdf(root={"/Annotation": {"/Subtype": pikepdf.Name.RichMedia}})),
    "program inside": ("pdf", samples.pdf(attachment="setup.exe")),
    "document inside": ("pdf", samples.pdf(attachment="macro.docm")),
    "page inside": ("pdf", samples.pdf(attachment="invoice.html")),
    "program under a double name": ("pdf", samples.pdf(attachment="cv.xml\u202egpj.exe")),
    "docm as docx": ("docx", samples.docx(main_type="application/vnd.ms-word.document.macroEnabled.main+xml")),
    "macros in docx": ("docx", samples.docx({"word/vbaProject.bin": "x"})),
    "macros elsewhere in docx": ("docx", samples.docx({"word/other/VBAPROJECT.BIN": "x"})),
    "macros in xlsx": ("xlsx", samples.xlsx({"xl/vbaProject.bin": "x"})),
    "old macros in xlsx": ("xlsx", samples.xlsx({"xl/macrosheets/sheet1.xml": "<x/>"})),
    "control in docx": ("docx", samples.docx({"word/activeX/activeX1.bin": "x"})),
    "packed object in docx": ("docx", samples.docx({"word/embeddings/oleObject1.bin": "x"})),
    "macros in odt": ("odt", samples.odt({"Basic/Standard/Module1.xml": "<x/>"})),
    "python in ods": ("ods", samples.ods({"Scripts/python/evil.py": "x"})),
    "packed object in odt": (
        "odt",
        samples.odt(manifest='<manifest:file-entry manifest:media-type="application/vnd.sun.star.oleobject"/>'),
    ),
}


@pytest.mark.parametrize("name", ACTIVE)
def test_what_acts_by_itself_is_refused(verdict: Verdict, name: str) -> None:
    extension, content = ACTIVE[name]
    assert verdict(content, extension) == "active_content"


# ------------------------------------------------------------------------------- passwords, damage, too much, nothing


def flagged_as_encrypted(document: bytes) -> bytes:
    content = bytearray(document)
    content[document.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("extension", "content"),
    [
        ("pdf", samples.encrypted_pdf()),
        ("docx", PROTECTED_DOCX),
        ("docx", flagged_as_encrypted(samples.docx())),
        ("odt", samples.odt(manifest="<manifest:encryption-data/>")),
        ("odt", samples.odt({"encrypted-package": "x"})),
    ],
)
def test_what_has_a_password_is_refused(verdict: Verdict, extension: str, content: bytes) -> None:
    assert verdict(content, extension) == "encrypted"


def twice(document: bytes) -> bytes:
    target = io.BytesIO(document)
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("WORD/document.xml", "<another/>")
    return target.getvalue()


def broken_png() -> bytes:
    content = bytearray(samples.png((64, 64)))
    content[content.index(b"IDAT") + 8] ^= 0xFF
    return bytes(content)


PDF_50 = samples.pdf(pages=50)
JPG = samples.jpg((640, 480))


@pytest.mark.parametrize(
    ("extension", "content"),
    [
        *(("pdf", PDF_50[: len(PDF_50) * tenths // 10]) for tenths in range(1, 10)),
        ("pdf", b"%PDF-1.7\n" + bytes(2000)),
        ("pdf", samples.pdf(pages=0)),
        ("docx", samples.docx()[:-40]),
        ("docx", samples.docx({"word/../../evil.xml": "x"})),
        ("docx", samples.docx({"/etc/cron.d/evil": "x"})),
        ("docx", samples.docx({"word\\..\\evil.xml": "x"})),
        ("docx", samples.docx({"c:/evil.xml": "x"})),
        ("docx", twice(samples.docx())),
        ("odt", samples.zipped({"mimetype": f"{samples.OPENDOCUMENT}.text"})),
        ("png", samples.png((640, 480))[:-30]),
        ("png", broken_png()),
        ("jpg", JPG[: len(JPG) // 2]),
    ],
)
def test_what_is_broken_or_cut_off_is_refused(verdict: Verdict, extension: str, content: bytes) -> None:
    assert verdict(content, extension) == "damaged"


def misplaced(content: bytes, start: bytes) -> bytes:
    """The PDF with a wrong place in its table for the object that begins so."""
    place = b"%010d" % (content.index(start))
    assert content.count(place) == 1
    return content.replace(place, b"%010d" % (content.index(start) + 3))


def test_a_pdf_with_small_faults_in_its_table_is_mended_as_readers_do(verdict: Verdict) -> None:
    content = samples.pdf(pages=3)
    assert verdict(content.replace(b"startxref\n6", b"startxref\n5"), "pdf") is None
    assert verdict(misplaced(content, b"1 0 obj"), "pdf") is None
    assert verdict(misplaced(content, b"4 0 obj"), "pdf") is None


def test_a_script_at_a_wrong_place_in_the_table_is_found(verdict: Verdict) -> None:
    with pikepdf.new() as document:
        document.add_blank_page()
        document.Root.OpenAction = document.make_indirect(action("/JavaScript", JS="app.alert(1)"))
        content = saved(document)
    script = content[: content.index(b"/JavaScript")].rindex(b" 0 obj") - 1
    assert verdict(misplaced(content, content[script : script + 7]), "pdf") == "active_content"


def huge_png() -> bytes:
    """A picture of 2.5 thousand million points, in a hundred bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def laughing_docx() -> bytes:
    """A list of parts whose entities multiply to a thousand million characters."""
    levels = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 10))
    parts = parts_of(samples.docx())
    parts["[Content_Types].xml"] = f'<!DOCTYPE x [<!ENTITY e0 "ha">{levels}]><x ContentType="&e9;">&e9;</x>'
    return samples.zipped(parts)


def numberless_docx() -> bytes:
    return samples.docx({f"word/media/{number}.png": "" for number in range(5_001)})


@pytest.mark.parametrize(
    ("extension", "make"),
    [
        ("docx", samples.zip_bomb_docx),
        ("docx", numberless_docx),
        ("png", huge_png),
        ("png", lambda: samples.png((10_000, 6_001))),
        ("pdf", lambda: samples.pdf(pages=2_001)),
    ],
)
def test_what_is_too_much_is_refused(verdict: Verdict, extension: str, make: Callable[[], bytes]) -> None:
    assert verdict(make(), extension) == "too_complex"


def test_entities_that_multiply_are_refused_in_time(verdict: Verdict) -> None:
    begun = time.monotonic()
    assert verdict(laughing_docx(), "docx") in ("damaged", "too_complex")
    assert time.monotonic() - begun < ANSWER_SECONDS


@pytest.mark.parametrize("extension", ALLOWED)
def test_no_bytes_are_no_file(verdict: Verdict, extension: str) -> None:
    assert verdict(b"", extension) == "empty"
