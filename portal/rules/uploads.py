"""Which files may come with a submission, and under what name they are kept.

What a file really is, only a parser can say: see ``portal.gateways.judge``.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

MAX_FILES = 5
"""Files that one submission may carry."""

MAX_BYTES = 10 * 1024 * 1024
"""The size of one file. Ten binary megabytes, so that nothing a system shows as '10 MB' is refused."""

Reason = Literal[
    "too_large",  # more bytes than MAX_BYTES
    "too_many",  # more files than MAX_FILES
    "empty",  # no bytes at all
    "unreadable_name",  # nothing is left of the name, so its type cannot be told
    "type_not_allowed",  # the extension is not in ALLOWED
    "content_mismatch",  # it is not what its extension says
    "encrypted",  # protected by a password
    "active_content",  # macros, scripts, automatic actions, embedded programs
    "damaged",  # it is of the kind it claims, but cut off or broken
    "too_complex",  # too many pages, parts or pixels, or too costly to examine
]

KindName = Literal["pdf", "docx", "odt", "xlsx", "ods", "png", "jpg", "txt"]


@dataclass(frozen=True)
class FileKind:
    """A kind of file that is taken in. ``mime`` is what it is stored and served as, whatever the browser said."""

    name: KindName
    mime: str


_OPENXML = "application/vnd.openxmlformats-officedocument"
_OPENDOCUMENT = "application/vnd.oasis.opendocument"
_JPEG = FileKind("jpg", "image/jpeg")

ALLOWED: Mapping[str, FileKind] = MappingProxyType(
    {
        "pdf": FileKind("pdf", "application/pdf"),
        "docx": FileKind("docx", f"{_OPENXML}.wordprocessingml.document"),
        "odt": FileKind("odt", f"{_OPENDOCUMENT}.text"),
        "xlsx": FileKind("xlsx", f"{_OPENXML}.spreadsheetml.sheet"),
        "ods": FileKind("ods", f"{_OPENDOCUMENT}.spreadsheet"),
        "png": FileKind("png", "image/png"),
        "jpg": _JPEG,
        "jpeg": _JPEG,
        "txt": FileKind("txt", "text/plain"),
    }
)
"""The kind for each extension, in small letters and without its dot."""

ACCEPT = ",".join(f".{extension}" for extension in ALLOWED)
"""The ``accept`` attribute of the control that chooses files."""


@dataclass(frozen=True)
class StagedFile:
    """A file whose bytes are safe in the file store, judged, and waiting for its submission.

    ``purpose`` is what it is in an application (a ``DocumentKind``).
    """

    key: str
    name: str
    mime: str
    size_bytes: int
    sha256: str
    purpose: str = ""


class AttachmentRejected(Exception):
    """A file cannot be taken in, and the sender can do something about it.

    ``filename`` is what to call it on the page; it is empty where only the bytes were known. It stays out of the
    exception's text, since a file is often named after a person and texts of exceptions reach the logs.
    """

    def __init__(self, reason: Reason, filename: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.filename = filename


NAME_LENGTH = 120
_EXTENSION_LENGTH = 10
_NAMELESS = "file"

# Letters and symbols by category, yet nothing is seen of them.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U0001d159")
# Persian and Indic words and joined emoji cannot be written without these; between Latin letters they only hide.
_JOINERS = frozenset("\u200c\u200d")
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs"})
_RESERVED = re.compile(r'[<>:"|?*]')
_DEVICE = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])\s*(?:\.|$)", re.IGNORECASE)


def clean_name(filename: str) -> str:
    """The name a file is kept, shown and sent under: one line, in any script, safe on every file system.

    Path parts, control, bidirectional and invisible characters and leading dots go; characters that Windows
    reserves become ``_``; what is left is NFC and at most ``NAME_LENGTH`` characters with its extension. Never empty.
    """
    return _clean(filename) or _NAMELESS


def kind_of(filename: str) -> FileKind:
    """What a file claims to be, by the extension of its cleaned name.

    Raises:
        AttachmentRejected: ``unreadable_name``, ``type_not_allowed``; it carries the cleaned name.
    """
    name = _clean(filename)
    if not name:
        raise AttachmentRejected("unreadable_name", _NAMELESS)
    kind = ALLOWED.get(_split(name)[1].lower())
    if kind is None:
        raise AttachmentRejected("type_not_allowed", name)
    return kind


def _clean(filename: str) -> str:
    last_part = re.split(r"[/\\]", unicodedata.normalize("NFC", filename))[-1]
    # Composed again: what was taken out may have stood between a letter and its accent.
    seen = unicodedata.normalize("NFC", _without_unseen(last_part))
    name = _RESERVED.sub("_", seen).strip(". ")
    if name and seen.lstrip(" ").startswith(".") and "." not in name:
        name = f"{_NAMELESS}.{name}"  # '.pdf' is a PDF without a name, not a file named 'pdf'
    if _DEVICE.match(name):
        name = f"_{name}"
    return _shortened(name)


def _without_unseen(text: str) -> str:
    spaced = "".join(" " if character.isspace() else character for character in text)
    seen = "".join(character for character in spaced if character in _JOINERS or not _unseen(character))
    joined = "".join(
        character
        for before, character, after in zip(" " + seen, seen, seen[1:] + " ", strict=False)
        if character not in _JOINERS or (_may_join(before) and _may_join(after))
    )
    return re.sub(" +", " ", joined)


def _unseen(character: str) -> bool:
    point = ord(character)
    return (
        unicodedata.category(character) in _UNSEEN_CATEGORIES
        or character in _BLANK
        or (point >= 0xE0000 and not 0xE0100 <= point <= 0xE01EF)  # selectors of Japanese name variants stay
        or point & 0xFFFE == 0xFFFE
        or 0xFDD0 <= point <= 0xFDEF
    )


def _may_join(character: str) -> bool:
    return not character.isascii() and character not in _JOINERS


def _split(name: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    return (stem, extension) if dot else (name, "")


def _shortened(name: str) -> str:
    if len(name) <= NAME_LENGTH:
        return name
    stem, extension = _split(name)
    ending = f".{extension}" if 0 < len(extension) <= _EXTENSION_LENGTH else ""
    kept = stem if ending else name
    return kept[: NAME_LENGTH - len(ending)].rstrip(". \u200c\u200d") + ending
