"""A CV file as the little that the application form asks: a PDF with Europass inside, XML, or JSON Resume."""

import itertools
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import pikepdf

from portal.gateways.examiners.europass import read_europass
from portal.gateways.examiners.pdf import examine_pdf
from portal.gateways.examiners.resumes import read_resume
from portal.rules.profiles import CvKind, CvRefused, Profile
from portal.rules.uploads import MAX_BYTES, AttachmentRejected

MAX_EMBEDDED = 100
"""Files that a PDF may carry. Europass puts in one, a portfolio a handful."""


def read_cv(file: BinaryIO, kind: CvKind) -> bytes:
    """The profile in the file as a JSON object, or the one word why there is none.

    Never raises: what a parser cannot cope with is refused.
    """
    try:
        said = Profile.from_data(_READERS[kind](file)).as_data()
    except (AttachmentRejected, CvRefused) as refusal:
        return refusal.reason.encode()
    except (MemoryError, RecursionError):
        return b"too_complex"
    except Exception:  # as in ``examine``
        return b"damaged"
    return json.dumps(said).encode()


def _read_pdf(file: BinaryIO) -> dict[str, Any]:
    """What the first Europass document inside says; nothing when there is none."""
    examine_pdf(file)
    file.seek(0)
    with pikepdf.open(file, suppress_warnings=True) as pdf:
        for content in _embedded_xml(pdf):
            try:
                return read_europass(content)
            except CvRefused as refusal:
                if refusal.reason != "unknown_format":  # an invoice, say, is no reason to refuse the PDF
                    raise
    return {}


def _embedded_xml(pdf: pikepdf.Pdf) -> Iterator[bytes]:
    listed: Iterator[Any] = (spec.obj for spec in pdf.attachments.values())
    associated = pdf.Root.get("/AF")
    if isinstance(associated, pikepdf.Array):
        listed = itertools.chain(listed, associated)
    for number, specification in enumerate(listed):
        if number >= MAX_EMBEDDED:
            raise CvRefused("too_complex")
        streams = specification.get("/EF") if isinstance(specification, pikepdf.Dictionary) else None
        if not isinstance(streams, pikepdf.Dictionary):
            continue
        stream = streams.get("/UF", streams.get("/F"))
        if isinstance(stream, pikepdf.Stream) and _claims_xml(specification, stream):
            yield _unpacked(stream)


def _claims_xml(specification: pikepdf.Dictionary, stream: pikepdf.Stream) -> bool:
    names = (str(specification[key]) for key in ("/UF", "/F") if key in specification)
    return str(stream.get("/Subtype", "")) in ("/text/xml", "/application/xml") or any(
        name.lower().endswith(".xml") for name in names
    )


def _unpacked(stream: pikepdf.Stream) -> bytes:
    """The stream's bytes, unpacked no further than its limit."""
    packed = stream.read_raw_bytes()
    filters = stream.get("/Filter")
    if isinstance(filters, pikepdf.Array) and len(filters) == 1:
        filters = filters[0]
    if filters is None or (isinstance(filters, pikepdf.Array) and not len(filters)):
        content = packed
    elif filters == pikepdf.Name.FlateDecode and "/DecodeParms" not in stream:
        try:
            content = zlib.decompressobj().decompress(packed, MAX_BYTES + 1)
        except zlib.error:
            raise CvRefused("damaged") from None
    else:  # packed in a way that no writer of CVs packs, and that could multiply
        raise CvRefused("too_complex")
    if len(content) > MAX_BYTES:
        raise CvRefused("too_complex")
    return content


_READERS: Mapping[CvKind, Callable[[BinaryIO], dict[str, Any]]] = {
    "pdf": _read_pdf,
    "xml": lambda file: read_europass(file.read()),
    "json": lambda file: read_resume(file.read()),
}
