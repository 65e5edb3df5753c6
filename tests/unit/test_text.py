"""What people type, shown honestly and harmless in a header."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules.text import forbidden_characters, header_safe, normalise_newlines, reveal, without_forbidden

BREAKS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("line_break", BREAKS)
def test_a_line_has_no_break_of_any_kind(line_break: str) -> None:
    for text in (f"a{line_break}Bcc: x@example.org", f"a{line_break}", f"{line_break}a"):
        assert forbidden_characters(text, single_line=True)
    assert not forbidden_characters(f"a{line_break}b", single_line=False)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "x\udfff"])
def test_what_cannot_be_stored_is_noticed_and_can_be_left_out(text: str) -> None:
    assert forbidden_characters(text, single_line=False)
    assert not forbidden_characters(without_forbidden(text), single_line=False)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
def test_ordinary_text_is_kept(text: str) -> None:
    assert without_forbidden(text) == text


def test_newlines_count_as_one() -> None:
    assert normalise_newlines("a\r\nb\rc\nd") == "a\nb\nc\nd"


def test_hidden_characters_are_shown() -> None:
    assert reveal("invoice\u202efdp.exe") == "invoice‹U+202E›fdp.exe"
    assert reveal("a\u200bb\x07c") == "a‹U+200B›b‹U+0007›c"
    assert reveal("שלום\nmoi\t") == "שלום\nmoi\t"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_no_text_can_bend_a_header(text: str) -> None:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = header_safe(text)
    message["To"] = "a@example.org"
    message.set_content("x")
    raw = message.as_bytes()
    names = [line.split(b":")[0].lower() for line in raw.split(b"\r\n\r\n")[0].split(b"\r\n") if line[:1] not in b" \t"]
    assert set(names) <= {b"subject", b"to", b"content-type", b"content-transfer-encoding", b"mime-version"}
    assert "=?" not in header_safe(text)
