"""PDF: no password, no script, nothing that starts by itself, no programs inside."""

import os
import re
from collections.abc import Iterator
from typing import BinaryIO

import pikepdf

from portal.rules.uploads import AttachmentRejected

MAX_PAGES = 2_000

_ACTIVE_ACTIONS = frozenset({"/JavaScript", "/Launch", "/ImportData", "/Rendition", "/RichMediaExecute"})
_HARMLESS_BY_ITSELF = frozenset({"/GoTo", "/Named"})
# Europass and e-invoices carry their data so, LaTeX the source of its formulas.
_DATA_EXTENSIONS = ("xml", "json", "csv", "txt", "xmp", "tex", "bib", "css", "png", "jpg", "jpeg")
_SUSPECT = re.compile(rb"/(?:JavaScript|JS|Launch|ImportData|Rendition|RichMedia\w*|XFA|AA|EF)\b")
_TAIL_BYTES = 2048


def examine_pdf(file: BinaryIO) -> None:
    """Refuse what is no PDF, or more than a document.

    Raises:
        AttachmentRejected: with the reason.
    """
    if file.read(5) != b"%PDF-":  # anything before it makes the file a second thing to another program
        raise AttachmentRejected("content_mismatch")
    file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
    if b"startxref" not in file.read():  # cut off: a reader would mend it, and nobody would know of the pages missing
        raise AttachmentRejected("damaged")
    file.seek(0)
    try:
        # A PDF that only forbids printing opens without a password: certificates of universities are often made so.
        # Small faults are mended, as every reader does; a script behind a wrong offset must be found here, too.
        with pikepdf.open(file, suppress_warnings=True) as pdf:
            _check_pages(pdf)
            _check_actions(pdf)
    except pikepdf.PasswordError:
        raise AttachmentRejected("encrypted") from None
    except pikepdf.PdfError as error:
        raise AttachmentRejected("encrypted" if "encrypt" in str(error).lower() else "damaged") from None


def _check_pages(pdf: pikepdf.Pdf) -> None:
    pages = len(pdf.pages)
    if pages == 0:
        raise AttachmentRejected("damaged")
    if pages > MAX_PAGES:
        raise AttachmentRejected("too_complex")


def _check_actions(pdf: pikepdf.Pdf) -> None:
    opening = pdf.Root.get("/OpenAction")
    if isinstance(opening, pikepdf.Dictionary) and not _harmless_by_itself(opening):
        raise AttachmentRejected("active_content")
    for thing in pdf.objects:
        written = thing.stream_dict if isinstance(thing, pikepdf.Stream) else thing
        # Written out by the parser, a name has one spelling: '/J#61vaScript' is '/JavaScript' here.
        if not isinstance(written, pikepdf.Object) or not _SUSPECT.search(written.unparse(resolved=True)):
            continue
        if isinstance(written, pikepdf.Name):  # somebody hides an action's kind behind a reference
            raise AttachmentRejected("active_content")
        for dictionary in _dictionaries(written):
            _check_dictionary(dictionary)


def _dictionaries(root: pikepdf.Object) -> Iterator[pikepdf.Dictionary]:
    """The dictionaries written out inside ``root``; what it refers to comes up as an object of its own."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        children: list[object] = []
        if isinstance(node, pikepdf.Dictionary):
            yield node
            children = [value for _, value in node.items()]
        elif isinstance(node, pikepdf.Array):
            children = list(node)
        waiting.extend(child for child in children if isinstance(child, pikepdf.Object) and not child.is_indirect)


def _check_dictionary(dictionary: pikepdf.Dictionary) -> None:
    automatic = dictionary.get("/AA")
    embedded = dictionary.get("/EF")
    active = (
        _name(dictionary, "/S") in _ACTIVE_ACTIONS
        or _name(dictionary, "/Subtype") == "/RichMedia"
        or "/XFA" in dictionary
        or (isinstance(automatic, pikepdf.Dictionary) and not all(_quiet(value) for _, value in automatic.items()))
        or (isinstance(embedded, pikepdf.Dictionary) and not _mere_data(dictionary))
    )
    if active:
        raise AttachmentRejected("active_content")


def _quiet(value: object) -> bool:
    # A font may be called 'AA' as well; only what has a kind of action is an action.
    return not isinstance(value, pikepdf.Dictionary) or not _name(value, "/S") or _harmless_by_itself(value)


def _harmless_by_itself(action: pikepdf.Dictionary) -> bool:
    return _name(action, "/S") in _HARMLESS_BY_ITSELF and "/Next" not in action


def _name(dictionary: pikepdf.Dictionary, key: str) -> str:
    value = dictionary.get(key)
    return str(value) if isinstance(value, pikepdf.Name) else ""


def _mere_data(specification: pikepdf.Dictionary) -> bool:
    spellings = [str(specification[key]) for key in ("/F", "/UF", "/DOS", "/Unix", "/Mac") if key in specification]
    return bool(spellings) and all(
        name.isprintable() and name.lower().rpartition(".")[2] in _DATA_EXTENSIONS for name in spellings
    )
