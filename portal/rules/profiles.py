"""What a CV file says that the application form asks, and what of it could be taken over.

Only what the form has a field for: nothing about birth, sex, looks, nationality or address is in a ``Profile``,
so none of it can leave the process in which the file is read.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, NamedTuple

from portal.rules.applications import CEFR, MAX_LANGUAGES, STUDY_LEVELS, STUDY_STAGES, Answers
from portal.rules.uploads import Reason

CvKind = Literal["pdf", "xml", "json"]
CV_KINDS: tuple[CvKind, ...] = ("pdf", "xml", "json")

CvReason = (
    Reason
    | Literal[
        "unsafe_xml",  # XML with a document type, which may name entities and files
        "unknown_format",  # well-formed, but neither Europass nor JSON Resume
    ]
)

NATIVE = CEFR[-1]

_LENGTHS = {"name": 100, "email": 254, "institution": 150, "study_field": 150}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_COUNTRY = re.compile(r"[A-Z]{2}")
_LANGUAGE = re.compile(r"[a-z]{2}")


class CvRefused(Exception):
    """A CV file cannot be read, and the applicant can do something about it."""

    def __init__(self, reason: CvReason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Profile:
    """What a CV says; empty where it says nothing. Fields are named and meant as in ``Answers``."""

    name: str = ""
    email: str = ""
    country: str = ""
    institution: str = ""
    study_field: str = ""
    study_level: str = ""
    study_stage: str = ""
    languages: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_data(cls, data: Any) -> "Profile":
        """From what a stranger's file says: what does not fit is left out, what is too long is cut.

        Raises:
            ValueError: this is not a JSON object.
        """
        if not isinstance(data, dict):
            raise ValueError("not an object")
        said = {name: _line(data.get(name), limit) for name, limit in _LENGTHS.items()}
        return cls(
            name=said["name"],
            email=said["email"] if _EMAIL.fullmatch(said["email"]) else "",
            country=_matching(data.get("country"), _COUNTRY),
            institution=said["institution"],
            study_field=said["study_field"],
            study_level=_one_of(data.get("study_level"), STUDY_LEVELS),
            study_stage=_one_of(data.get("study_stage"), STUDY_STAGES),
            languages=_languages(data.get("languages")),
        )

    def as_data(self) -> dict[str, Any]:
        """For JSON; ``from_data`` reads it back."""
        return asdict(self)


class Proposal(NamedTuple):
    """A field of the form that the CV would fill: what is there now, and what the CV says."""

    field: str
    present: Any
    proposed: Any


def proposals(profile: Profile, answers: Answers) -> list[Proposal]:
    """Of every field of which the CV says something else than the answers do, both values, in the form's order."""
    compared = [
        Proposal(entry.name, getattr(answers, entry.name), getattr(profile, entry.name)) for entry in fields(profile)
    ]
    return [one for one in compared if one.proposed and one.proposed != one.present]


def common_level(levels: Iterable[str]) -> str:
    """One level for several skills: the one that most skills share, else the lower middle one; empty for none."""
    ranked = sorted((level for level in levels if level in CEFR), key=CEFR.index)
    if not ranked:
        return ""
    (level, often), *others = Counter(ranked).most_common()
    return level if all(often > count for _, count in others) else ranked[(len(ranked) - 1) // 2]


def _line(value: Any, limit: int) -> str:
    """One line of visible text: no controls, no marks that hide or turn text round."""
    if not isinstance(value, str):
        return ""
    seen = (
        " " if character.isspace() else character
        for character in value[: limit * 10]
        if character.isspace() or unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs", "Cn")
    )
    return " ".join("".join(seen).split())[:limit].rstrip()


def _matching(value: Any, pattern: re.Pattern[str]) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""


def _one_of(value: Any, known: tuple[str, ...]) -> str:
    return value if isinstance(value, str) and value in known else ""


def _languages(value: Any) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for pair in value if isinstance(value, list | tuple) else ():
        code, level = pair if isinstance(pair, list | tuple) and len(pair) == 2 else ("", "")
        if _matching(code, _LANGUAGE) and _one_of(level, CEFR):
            found.setdefault(code, level)  # the mother tongues come first, and a language has one level
    return tuple(found.items())[:MAX_LANGUAGES]
