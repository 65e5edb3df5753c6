"""What CVs say, in the words of our form: languages, countries, levels of study, and which studies count.

Runs in the judge's separate process, as all of this package does.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.core import get_global

from portal import clock
from portal.rules.applications import StudyLevel

# Languages in which people name languages; a file may name any of its own as well.
_NAMED_IN = ("en", "fi", "sv", "de", "fr", "es", "it", "pt", "nl", "pl")
# The Union's own codes for two of its countries.
_COUNTRIES = {"UK": "GB", "EL": "GR"}
# Levels of the European Qualifications Framework; those below are schools of many kinds.
_EQF: dict[str, StudyLevel] = {"6": "bachelor", "7": "master", "8": "doctoral"}
_DEGREES: tuple[tuple[StudyLevel, re.Pattern[str]], ...] = (
    ("doctoral", re.compile(r"\b(?:ph\.?\s?d|doctor\w*|doktor\w*|tohtor\w*)\b", re.IGNORECASE)),
    ("master", re.compile(r"\b(?:master\w*|m\.?sc|m\.?a|maisteri\w*|magister\w*|mestrado)\b", re.IGNORECASE)),
    ("bachelor", re.compile(r"\b(?:bachelor\w*|b\.?sc|b\.?a|kandidaa?t\w*|licenciatura)\b", re.IGNORECASE)),
)
_DAY = re.compile(r"\d{4}(?:-\d{2}){0,2}")


@dataclass(frozen=True)
class Studies:
    """One entry of a CV's education. ``until`` is a day, month or year as ISO text; ``ongoing`` is what it says."""

    institution: str = ""
    field: str = ""
    level: str = ""
    until: str = ""
    ongoing: bool = False

    def last_day(self) -> str:
        """The last day it may mean, for comparing; of studies that go on the end of time."""
        if self.ongoing:
            return "9999"
        return self.until + "-12-31"[len(self.until) - 4 :] if _DAY.fullmatch(self.until) else ""


def latest(studies: Iterable[Studies]) -> dict[str, Any]:
    """The fields of a profile for the studies that go on, or else ended last; the first of equals."""
    best = max(studies, key=Studies.last_day, default=None)
    if best is None:
        return {}
    last_day = best.last_day()
    stage = "" if not last_day else "studying" if last_day >= clock.now().date().isoformat() else "graduated"
    return {
        "institution": best.institution,
        "study_field": best.field,
        "study_level": best.level,
        "study_stage": stage,
    }


def level_of_study(eqf: str, degree: str) -> str:
    """The level by the framework's number, else by a word in the degree's name; empty when neither says it."""
    if eqf.strip():
        return _EQF.get(eqf.strip(), "")
    return next((level for level, pattern in _DEGREES if pattern.search(degree)), "")


def language_code(text: str) -> str:
    """ISO 639-1 for a code of two or three letters or a language's name; empty for a language without such a code."""
    word = text.strip().lower()
    code = str(get_global("language_aliases").get(word, word)).partition("_")[0]
    if code in _codes():
        return code
    return _named().get(word, "")


def country_code(text: str) -> str:
    """ISO 3166-1 alpha-2 in capitals; empty for what is no country."""
    code = text.strip().upper()
    code = _COUNTRIES.get(code, code)
    return code if code in Locale("en").territories else ""


@lru_cache
def _codes() -> frozenset[str]:
    return frozenset(code for code in map(str, Locale("en").languages) if len(code) == 2)


@lru_cache
def _named() -> dict[str, str]:
    names: dict[str, str] = {}
    for spoken in _NAMED_IN:
        names |= {
            str(name).lower(): str(code) for code, name in Locale(spoken).languages.items() if code in _codes()
        } | names
    return names
