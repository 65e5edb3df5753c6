"""JSON Resume (jsonresume.org): ``basics``, ``education`` and ``languages`` of a CV kept as JSON."""

import json
import re
from collections.abc import Iterator
from typing import Any

from portal.gateways.examiners.vocabulary import Studies, country_code, language_code, latest, level_of_study
from portal.rules.profiles import NATIVE, CvRefused

_LEVEL = re.compile(r"\b([ABC][12])\b", re.IGNORECASE)
_NATIVE = re.compile(r"\b(?:native|mother tongue|bilingual)\b", re.IGNORECASE)


def read_resume(content: bytes) -> dict[str, Any]:
    """What the CV says, as data for ``Profile.from_data``.

    Raises:
        CvRefused: ``damaged``, or ``unknown_format`` when it is other JSON.
    """
    try:
        resume = json.loads(content)
    except ValueError:  # a number too long to be read is one, too
        raise CvRefused("damaged") from None
    if not isinstance(resume, dict) or not resume.keys() & {"basics", "education", "languages"}:
        raise CvRefused("unknown_format")
    basics = _object(resume.get("basics"))
    return {
        "name": _text(basics, "name"),
        "email": _text(basics, "email"),
        "country": country_code(_text(_object(basics.get("location")), "countryCode")),
        **latest(map(_studies, _objects(resume.get("education")))),
        "languages": [
            (language_code(_text(one, "language")), _level(_text(one, "fluency")))
            for one in _objects(resume.get("languages"))
        ],
    }


def _studies(entry: dict[str, Any]) -> Studies:
    until = _text(entry, "endDate")[:10]
    return Studies(
        institution=_text(entry, "institution"),
        field=_text(entry, "area"),
        level=level_of_study("", _text(entry, "studyType")),
        until=until,
        ongoing=bool(_text(entry, "startDate")) and not until,
    )


def _level(fluency: str) -> str:
    """The level that is written; words such as 'fluent' mean too many things to be taken for one."""
    written = _LEVEL.search(fluency)
    if written:
        return written[1].upper()
    return NATIVE if _NATIVE.search(fluency) else ""


def _text(thing: dict[str, Any], key: str) -> str:
    value = thing.get(key)
    return value if isinstance(value, str) else ""


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    return (entry for entry in value if isinstance(entry, dict)) if isinstance(value, list) else iter(())
