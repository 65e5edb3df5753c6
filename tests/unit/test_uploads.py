"""Names that strangers give to files, and the kinds that are taken in."""

import subprocess
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal.rules.uploads import (
    ACCEPT,
    ALLOWED,
    MAX_BYTES,
    NAME_LENGTH,
    AttachmentRejected,
    Reason,
    clean_name,
    kind_of,
)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("cv.pdf", "cv.pdf"),
        ("Ääkköset ja välilyönnit.odt", "Ääkköset ja välilyönnit.odt"),
        ("سيرة ذاتية.pdf", "سيرة ذاتية.pdf"),
        ("履歴書.docx", "履歴書.docx"),
        ("می\u200cخواهم.pdf", "می\u200cخواهم.pdf"),
        ("😀 👩\u200d💻.png", "😀 👩\u200d💻.png"),
        ("A\u0308iti.txt", "Äiti.txt"),
        ("../../etc/passwd", "passwd"),
        (r"C:\fakepath\cv.PDF", "cv.PDF"),
        ("a\u202efdp.exe", "afdp.exe"),
        ("cv\u200b\u2066\ufeff.pdf", "cv.pdf"),
        ("e\u200dxe.pdf", "exe.pdf"),
        ("cv.pdf\x00.exe", "cv.pdf.exe"),
        ("cv\r\nContent-Type: text/html.pdf", "html.pdf"),
        ("two\u2028lines.pdf", "two lines.pdf"),
        ("cv\udce4.pdf", "cv.pdf"),
        ("cv.pdf.", "cv.pdf"),
        ("cv.pdf . ", "cv.pdf"),
        ("cv.pdf::$DATA", "cv.pdf__$DATA"),
        ('why "?" <me>*|.pdf', "why ___ _me___.pdf"),
        ("CON.pdf", "_CON.pdf"),
        ("com1.tar.pdf", "_com1.tar.pdf"),
        ("Congress.pdf", "Congress.pdf"),
        (".pdf", "file.pdf"),
        ("...hidden.pdf", "hidden.pdf"),
        (".htaccess", "file.htaccess"),
        ("", "file"),
        ("...", "file"),
        ("folder/", "file"),
        ("\u202e\u200b", "file"),
    ],
)
def test_names_are_kept_readable_and_made_harmless(sent: str, kept: str) -> None:
    assert clean_name(sent) == kept


def test_long_names_keep_their_extension() -> None:
    assert clean_name("x" * 300 + ".docx") == "x" * (NAME_LENGTH - 5) + ".docx"
    assert clean_name("x." + "y" * 300) == "x." + "y" * (NAME_LENGTH - 2)


@given(st.text(max_size=300) | st.text(alphabet=st.characters(max_codepoint=0x7F), max_size=300))
@example("\u212aon.pdf")
@example("NUL" + " " * 200 + ".pdf")
def test_a_cleaned_name_is_safe_whatever_was_sent(sent: str) -> None:
    name = clean_name(sent)
    assert 0 < len(name) <= NAME_LENGTH
    assert clean_name(name) == name
    assert unicodedata.is_normalized("NFC", name)
    assert not set(name) & set('<>:"|?*/\\')
    assert not name.startswith((".", " "))
    assert not name.endswith((".", " "))
    assert not {unicodedata.category(character) for character in name} & {"Cc", "Cs", "Co", "Zl", "Zp"}
    assert not set(name) & set("\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
    name.encode()


@given(st.text(max_size=200), st.sampled_from(sorted(ALLOWED)))
def test_cleaning_does_not_change_the_kind(stem: str, extension: str) -> None:
    sent = f"{stem}.{extension}"
    assert clean_name(sent).endswith(f".{extension}")
    assert kind_of(sent) == kind_of(clean_name(sent)) == ALLOWED[extension]


@pytest.mark.parametrize(
    ("filename", "mime"),
    [
        ("cv.PDF", "application/pdf"),
        ("photo.JPEG", "image/jpeg"),
        ("photo.jpg", "image/jpeg"),
        (".pdf", "application/pdf"),
        ("setup.exe.pdf", "application/pdf"),  # what is in it, the judge says
        ("table.ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ],
)
def test_the_extension_names_the_kind(filename: str, mime: str) -> None:
    assert kind_of(filename).mime == mime


@pytest.mark.parametrize(
    ("filename", "reason", "called"),
    [
        ("setup.exe", "type_not_allowed", "setup.exe"),
        ("cv.pdf.exe", "type_not_allowed", "cv.pdf.exe"),
        ("a\u202efdp.exe", "type_not_allowed", "afdp.exe"),
        ("macro.docm", "type_not_allowed", "macro.docm"),
        ("cv.pdf::$DATA", "type_not_allowed", "cv.pdf__$DATA"),
        ("cv.ｐｄｆ", "type_not_allowed", "cv.ｐｄｆ"),
        ("page.svg", "type_not_allowed", "page.svg"),
        ("../../etc/passwd", "type_not_allowed", "passwd"),
        ("", "unreadable_name", "file"),
        ("..", "unreadable_name", "file"),
    ],
)
def test_other_kinds_are_rejected_under_their_cleaned_name(filename: str, reason: Reason, called: str) -> None:
    with pytest.raises(AttachmentRejected) as rejected:
        kind_of(filename)
    assert (rejected.value.reason, rejected.value.filename) == (reason, called)


def test_the_name_stays_out_of_the_text_of_the_exception() -> None:
    assert "Matti" not in str(AttachmentRejected("damaged", "CV Matti Meikäläinen.pdf"))


def test_the_limit_lets_through_what_any_system_calls_ten_megabytes() -> None:
    assert MAX_BYTES >= 10_000_000
    assert MAX_BYTES >= 10 * 2**20


def test_the_control_offers_every_kind() -> None:
    assert set(ACCEPT.split(",")) == {f".{extension}" for extension in ALLOWED}


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("portal.gateways.judge", ("pikepdf", "PIL", "flask", "sqlalchemy")),
        ("portal.gateways.examiners", ("flask", "sqlalchemy", "wtforms")),
    ],
)
def test_parsers_and_web_server_stay_out_of_each_others_process(module: str, absent: tuple[str, ...]) -> None:
    program = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not set(absent) & set(loaded)
