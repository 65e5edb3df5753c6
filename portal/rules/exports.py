"""What folders, files and cells are called and hold when applications leave the house. Pure."""

import unicodedata

from portal.rules.uploads import clean_name

_LABEL_LENGTH = 40
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")


def folder_name(number: int, reference: str, name: str) -> str:
    """The folder of an application, e.g. ``007-KS-2026-7F3K-9QXD-Example``; the last word of the name is the label."""
    label = clean_name(name.split()[-1]) if name.split() else ""
    if label == clean_name(""):  # nothing that can be seen was left of it
        label = ""
    label = label.strip("._- ").replace(" ", "-").replace(".", "-")[:_LABEL_LENGTH].rstrip("-\u200c\u200d")
    return f"{number:03d}-{reference}-{label}" if label else f"{number:03d}-{reference}"


class Names:
    """Names of one folder, each given out once, whether the file system minds large and small letters or not."""

    def __init__(self, *taken: str) -> None:
        self._taken = {_folded(name) for name in taken}

    def distinct(self, filename: str) -> str:
        """A clean name that was not given out yet: ``cv.pdf``, then ``cv (2).pdf``."""
        name = clean_name(filename)
        stem, dot, extension = name.rpartition(".")
        if not dot:
            stem, extension = name, ""
        number = 1
        while _folded(name) in self._taken:
            number += 1
            name = f"{stem} ({number}){dot}{extension}"
        self._taken.add(_folded(name))
        return name


def inert(text: str) -> str:
    """A cell of a CSV file that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_SIGNS) else text


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
