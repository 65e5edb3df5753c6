"""Plain text, in whatever encoding a text editor of the last thirty years wrote."""

import codecs
import re
from typing import BinaryIO

from portal.rules.uploads import AttachmentRejected

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_CONTROLS_PER_CHARACTER = 1 / 200  # a log with a few escapes is text; a programme is one control in ten


def examine_text(file: BinaryIO) -> None:
    """Refuse what no text editor shows as text.

    Raises:
        AttachmentRejected: ``content_mismatch``.
    """
    content = file.read()
    text = _decoded(content)
    if content.startswith(b"%PDF-") or "\x00" in text:
        raise AttachmentRejected("content_mismatch")
    if len(_CONTROL.findall(text)) > len(text) * _CONTROLS_PER_CHARACTER:
        raise AttachmentRejected("content_mismatch")


def _decoded(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError:
            raise AttachmentRejected("content_mismatch") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Windows-1252 or another old encoding: which one, only a reader can say, so each byte counts as a character.
        return content.decode("latin-1")
