"""What a file really is, said by the parsers that would open it.

Runs in the judge's separate process (``portal.gateways.courtroom``), whose memory a hostile file may take over:
nothing here imports the web framework or the database.
"""

from collections.abc import Callable, Mapping
from typing import BinaryIO

from portal.gateways.examiners.images import image_examiner
from portal.gateways.examiners.offices import opendocument_examiner, openxml_examiner
from portal.gateways.examiners.pdf import examine_pdf
from portal.gateways.examiners.texts import examine_text
from portal.rules.uploads import AttachmentRejected, KindName, Reason

_EXAMINERS: Mapping[KindName, Callable[[BinaryIO], None]] = {
    "pdf": examine_pdf,
    "docx": openxml_examiner("docx"),
    "xlsx": openxml_examiner("xlsx"),
    "odt": opendocument_examiner("odt"),
    "ods": opendocument_examiner("ods"),
    "png": image_examiner(b"\x89PNG\r\n\x1a\n", ("PNG",)),
    "jpg": image_examiner(b"\xff\xd8\xff", ("JPEG", "MPO")),  # MPO: a phone's JPEG with a second picture inside
    "txt": examine_text,
}


def examine(file: BinaryIO, kind: KindName) -> Reason | None:
    """Why the file must not be taken in as ``kind``; ``None`` when it may.

    Never raises: what a parser cannot cope with is refused.
    """
    try:
        _EXAMINERS[kind](file)
    except AttachmentRejected as rejection:
        return rejection.reason
    except (MemoryError, RecursionError):
        return "too_complex"
    except Exception:  # a parser has faults of its own on strange files; no fault lets a file in
        return "damaged"
    return None
