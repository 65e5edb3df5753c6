"""Documents of word processors and spreadsheets: zips whose listing says what they are and what they carry.

Only the listing and the short parts that name the kind are read; nothing is unpacked.
"""

import re
import stat
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Callable
from typing import BinaryIO, Literal

from portal.rules.uploads import AttachmentRejected

MAX_ENTRIES = 5_000
MAX_UNPACKED_BYTES = 300 * 1024 * 1024
MAX_RATIO = 100
RATIO_FREE_BYTES = 20 * 1024 * 1024
"""Up to here any ratio is fine: a small spreadsheet of blank rows packs very well."""
MAX_PART_BYTES = 2 * 1024 * 1024
"""Of a part that is read here."""

_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAIN_PART = {
    "docx": (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
        re.compile(r"word/document\d*\.xml"),
    ),
    "xlsx": (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
        re.compile(r"xl/workbook\d*\.xml"),
    ),
}
_MIMETYPE = {
    "odt": b"application/vnd.oasis.opendocument.text",
    "ods": b"application/vnd.oasis.opendocument.spreadsheet",
}
_ACTIVE_TYPE = re.compile(r"macroenabled|vbaproject|macrosheet|activex|oleobject", re.IGNORECASE)
_ACTIVE_PART = re.compile(
    r"(?:^|/)vbaproject\.bin$|/(?:macrosheets|activex)/|/embeddings/(?!$|.*\.(?:docx|xlsx|pptx)$)"
    r"|^scripts/.*[^/]$|^basic/(?!(?:.*/)?(?:script|dialog)-l[bc]\.xml$).*[^/]$"
)


def openxml_examiner(kind: Literal["docx", "xlsx"]) -> Callable[[BinaryIO], None]:
    """A function that refuses what is not such a document, or carries macros, controls or embedded objects."""
    main_type, main_part = _MAIN_PART[kind]

    def examine_openxml(file: BinaryIO) -> None:
        with _listed(file) as archive:
            names = _part_names(archive)
            if "[content_types].xml" not in names:
                raise AttachmentRejected("content_mismatch")
            listed = ET.fromstring(_read_part(archive, names["[content_types].xml"]))  # noqa: S314 (limits)
            types = {element.get("ContentType", "") for element in listed}
            if any(map(_ACTIVE_TYPE.search, types)) or any(map(_ACTIVE_PART.search, names)):
                raise AttachmentRejected("active_content")
            if main_type not in types or not any(map(main_part.fullmatch, names)):
                raise AttachmentRejected("content_mismatch")

    return examine_openxml


def opendocument_examiner(kind: Literal["odt", "ods"]) -> Callable[[BinaryIO], None]:
    """A function that refuses what is not such a document, or carries macros or embedded objects."""

    def examine_opendocument(file: BinaryIO) -> None:
        with _listed(file) as archive:
            names = _part_names(archive)
            if "mimetype" not in names or _read_part(archive, names["mimetype"]).strip() != _MIMETYPE[kind]:
                raise AttachmentRejected("content_mismatch")
            if "encrypted-package" in names:
                raise AttachmentRejected("encrypted")
            if not {"content.xml", "meta-inf/manifest.xml"} <= names.keys():
                raise AttachmentRejected("damaged")
            manifest = _read_part(archive, names["meta-inf/manifest.xml"])
            if b"encryption-data" in manifest:
                raise AttachmentRejected("encrypted")
            if b"sun.star.oleobject" in manifest or any(map(_ACTIVE_PART.search, names)):
                raise AttachmentRejected("active_content")

    return examine_opendocument


def _listed(file: BinaryIO) -> zipfile.ZipFile:
    """The archive, its listing within bounds and free of tricks; nothing is unpacked."""
    head = file.read(8)
    if head == _COMPOUND_FILE:  # Word 97, or what Word makes of a document with a password
        protected = "EncryptedPackage".encode("utf-16-le") in file.read()
        raise AttachmentRejected("encrypted" if protected else "content_mismatch")
    if not head.startswith(b"PK\x03\x04"):
        raise AttachmentRejected("content_mismatch")
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile:
        raise AttachmentRejected("damaged") from None
    entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if len(entries) > MAX_ENTRIES or unpacked > MAX_UNPACKED_BYTES:
        raise AttachmentRejected("too_complex")
    if unpacked > RATIO_FREE_BYTES and unpacked > packed * MAX_RATIO:
        raise AttachmentRejected("too_complex")
    for entry in entries:
        _check_entry(entry)
    return archive


def _check_entry(entry: zipfile.ZipInfo) -> None:
    if entry.flag_bits & (0x1 | 0x40 | 0x2000):
        raise AttachmentRejected("encrypted")
    name = entry.orig_filename
    outside = name.startswith("/") or "\\" in name or ":" in name[:2] or "\x00" in name or ".." in name.split("/")
    if outside or stat.S_ISLNK(entry.external_attr >> 16):
        raise AttachmentRejected("damaged")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise AttachmentRejected("damaged")


def _part_names(archive: zipfile.ZipFile) -> dict[str, str]:
    """The parts' names in small letters, each with its spelling; offices do not tell capitals apart."""
    names = {name.lower(): name for name in archive.namelist()}
    if len(names) != len(archive.namelist()):  # two parts of one name: two readers may see two documents
        raise AttachmentRejected("damaged")
    return names


def _read_part(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        with archive.open(name) as part:
            content = part.read(MAX_PART_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise AttachmentRejected("damaged") from None
    if len(content) > MAX_PART_BYTES:
        raise AttachmentRejected("too_complex")
    return content
