"""Europass XML: the present ``Candidate`` and the older ``SkillsPassport`` with its ``LearnerInfo``.

No entity, document type or address in a file is ever followed: a document type is refused before its first
declaration is used, and the parser has neither disk nor network.
"""

from collections.abc import Callable, Iterator
from typing import Any

from lxml import etree

from portal.gateways.examiners.vocabulary import Studies, country_code, language_code, latest, level_of_study
from portal.rules.profiles import NATIVE, CvRefused, common_level

MAX_ELEMENTS = 100_000
MAX_DEPTH = 60

_SAFE: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "attribute_defaults": False,
    "huge_tree": False,
}


def read_europass(content: bytes) -> dict[str, Any]:
    """What the CV says, as data for ``Profile.from_data``.

    Raises:
        CvRefused: ``unsafe_xml``, ``too_complex``, ``damaged``, or ``unknown_format`` when it is other XML.
    """
    try:
        etree.fromstring(content, etree.XMLParser(target=_Guard(), **_SAFE))
        root = etree.fromstring(content, etree.XMLParser(remove_comments=True, remove_pis=True, **_SAFE))
    except etree.XMLSyntaxError:
        raise CvRefused("damaged") from None
    reader = _DIALECTS.get(root.tag)
    if reader is None:
        raise CvRefused("unknown_format")
    return reader(root)


class _Guard:
    """Looks at a document as it streams by, before anything is built from it."""

    def __init__(self) -> None:
        self._depth = self._elements = 0

    def doctype(self, *_names: Any) -> None:
        raise CvRefused("unsafe_xml")

    def start(self, _tag: str, _attributes: Any) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise CvRefused("too_complex")

    def end(self, _tag: str) -> None:
        self._depth -= 1

    def close(self) -> None:
        """Nothing was built."""


def _said(element: Any, path: str) -> str:
    """The text at a path of element names, whatever their namespaces; empty when there is none."""
    found = _first(element, path)
    return "" if found is None else (found.text or "").strip()


def _first(element: Any, path: str) -> Any:
    return element.find(_anywhere(path))


def _all(element: Any, path: str) -> Iterator[Any]:
    return iter(element.findall(_anywhere(path)))


def _anywhere(path: str) -> str:
    return "/".join(f"{{*}}{step}" for step in path.split("/"))


# ------------------------------------------------------------------------------------------------------ Candidate


def _candidate(root: Any) -> dict[str, Any]:
    person = _first(root, "CandidatePerson")
    profile = _first(root, "CandidateProfile")  # a CV in several languages has several; the first is the main one
    found: dict[str, Any] = {"languages": []}
    if person is not None:
        found |= {
            "name": f"{_said(person, 'PersonName/GivenName')} {_said(person, 'PersonName/FamilyName')}",
            "email": _candidate_email(person),
            "country": next(
                (code for home in _all(person, "Communication/Address/CountryCode") if (code := _country(home))), ""
            ),
            "languages": [(code, NATIVE) for one in _all(person, "PrimaryLanguageCode") if (code := _language(one))],
        }
    if profile is not None:
        found |= latest(map(_candidate_studies, _all(profile, "EducationHistory/EducationOrganizationAttendance")))
        found["languages"] += _candidate_languages(profile)
    return found


def _candidate_email(person: Any) -> str:
    for way in _all(person, "Communication"):
        if _said(way, "ChannelCode").lower() == "email":
            return _said(way, "URI")
    return ""


def _candidate_studies(entry: Any) -> Studies:
    degree = _said(entry, "EducationDegree/DegreeName") or _said(entry, "DegreeType/DegreeName")
    return Studies(
        institution=_said(entry, "OrganizationName"),
        field=degree,
        level=level_of_study(_said(entry, "EducationLevelCode"), degree),
        until=_said(entry, "AttendancePeriod/EndDate/FormattedDateTime"),
        ongoing=_said(entry, "AttendancePeriod/Ongoing") == "true",
    )


def _candidate_languages(profile: Any) -> list[tuple[str, str]]:
    found = []
    for skill in _all(profile, "PersonQualifications/PersonCompetency"):
        scores = [
            _said(dimension, "Score/ScoreText").upper()
            for dimension in _all(skill, "CompetencyDimension")
            if _said(dimension, "CompetencyDimensionTypeCode").startswith("CEF")
        ]
        if _said(skill, "TaxonomyID").lower() == "language":
            found.append((language_code(_said(skill, "CompetencyID")), common_level(scores)))
    return found


def _country(element: Any) -> str:
    return country_code(element.text or "")


def _language(element: Any) -> str:
    return language_code(element.text or "")


# ---------------------------------------------------------------------------------------------------- LearnerInfo


def _skills_passport(root: Any) -> dict[str, Any]:
    learner = _first(root, "LearnerInfo")
    if learner is None:
        return {}
    name = "Identification/PersonName"
    contact = "Identification/ContactInfo"
    return {
        "name": f"{_said(learner, f'{name}/FirstName')} {_said(learner, f'{name}/Surname')}",
        "email": _said(learner, f"{contact}/Email/Contact"),
        "country": country_code(_said(learner, f"{contact}/Address/Contact/Country/Code")),
        **latest(map(_learner_studies, _all(learner, "EducationList/Education"))),
        "languages": [
            *_learner_languages(learner, "MotherTongueList/MotherTongue", lambda _: NATIVE),
            *_learner_languages(learner, "ForeignLanguageList/ForeignLanguage", _learner_level),
        ],
    }


def _learner_studies(entry: Any) -> Studies:
    title = _said(entry, "Title")
    end = _first(entry, "Period/To")
    return Studies(
        institution=_said(entry, "Organisation/Name"),
        field=_said(entry, "Field/Label") or title,
        level=level_of_study(_said(entry, "Level/Code"), title),
        # The schema writes a month as '--03' and a day as '---10'.
        until="-".join(part.strip("-") for part in map(end.get, ("year", "month", "day")) if part)
        if end is not None
        else "",
        ongoing=_said(entry, "Period/Current") == "true",
    )


def _learner_languages(learner: Any, path: str, level: Callable[[Any], str]) -> list[tuple[str, str]]:
    found = []
    for entry in _all(learner, f"Skills/Linguistic/{path}"):
        named = _said(entry, "Description/Code") or _said(entry, "Description/Label")
        found.append((language_code(named), level(entry)))
    return found


def _learner_level(entry: Any) -> str:
    skills = _first(entry, "ProficiencyLevel")
    return "" if skills is None else common_level((skill.text or "").strip().upper() for skill in skills)


_DIALECTS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "{http://www.europass.eu/1.0}Candidate": _candidate,
    "{http://europass.cedefop.europa.eu/Europass}SkillsPassport": _skills_passport,
}
