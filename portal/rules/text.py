"""Text that people type: kept exactly, shown honestly, harmless in a header."""

import re
import unicodedata
from collections.abc import Collection
from itertools import count

# Direction marks, invisible characters, and all controls but newline and tab.
_HIDDEN = re.compile(
    "[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u00ad\u200b\u2060\ufeff\u180e\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\U000e0000-\U000e007f]"
)
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
# Every character at which str.splitlines would split, since that is what mail software does.
_LINE_BREAK = re.compile(r"[\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]")


def normalise_newlines(text: str) -> str:
    """Browsers send CRLF; one newline is one character, as the person counted it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def forbidden_characters(text: str, *, single_line: bool) -> bool:
    """Whether the text holds what cannot be stored (NUL, lone surrogates) or, in a line, what breaks lines."""
    return _UNSTORABLE.search(text) is not None or (single_line and _LINE_BREAK.search(text) is not None)


def without_forbidden(text: str) -> str:
    """The text with what cannot be stored left out, to be shown again in a form."""
    return _UNSTORABLE.sub("", text)


def reveal(text: str) -> str:
    """The text with characters that hide or reorder other text made visible, e.g. ``‹U+202E›``."""
    return _HIDDEN.sub(lambda found: f"‹U+{ord(found.group()):04X}›", text)


_NO_WORD = re.compile(r"[^a-z0-9]+")


def slug_of(text: str, *, longest: int = 40) -> str:
    """The text as a part of an address: ``Työ 2 & muuta`` → ``tyo-2-muuta``; empty when nothing of it is left."""
    plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    words = _NO_WORD.sub("-", plain).strip("-")
    if len(words) <= longest:
        return words
    return words[: longest + 1].rpartition("-")[0] or words[:longest]


def unique_among(wanted: str, taken: Collection[str]) -> str:
    """``wanted``, or the first of ``wanted-2``, ``wanted-3``… that is not taken."""
    candidates = (wanted if number == 1 else f"{wanted}-{number}" for number in count(1))
    return next(name for name in candidates if name not in taken)


_ENCODED_WORD = re.compile(r"=\?")


def header_safe(text: str) -> str:
    """Text fit for a mail header: no line breaks of any kind, no encoded words of the sender's own making.

    Some releases of Python's ``email`` let an encoded word in a subject smuggle in headers (CVE-2024-6923).
    """
    joined = " ".join(text.splitlines())
    return _ENCODED_WORD.sub("= ?", "".join(c for c in joined if unicodedata.category(c) != "Cc")).strip()


def direction(text: str) -> str:
    """``rtl`` when the first letter that has a direction is written from right to left, else ``ltr``.

    For writing on paper, where nothing else works it out.
    """
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind in ("L", "R", "AL"):
            return "ltr" if kind == "L" else "rtl"
    return "ltr"
