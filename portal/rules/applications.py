"""The life of an internship application: its stages, what may be done in each, and what was answered.

The stage says how the review stands; the submission's status (``portal.rules.states``) says whose turn it is.
No function here weighs, ranks or filters a person: every stage follows from what somebody decided.
"""

from dataclasses import asdict, dataclass, field, fields
from datetime import date
from typing import Any, Literal

Stage = Literal[
    "received",  # waits for its reviewers
    "shortlisted",  # a person put it on the short list
    "interview",  # invited to an interview
    "offered",  # an offer was sent and waits for the applicant
    "reserve",  # on the reserve list
    "accepted",  # the applicant accepted the offer
    "offer_declined",  # the applicant declined the offer
    "offer_lapsed",  # the deadline of the offer passed
    "declined",  # not chosen
    "withdrawn",  # the applicant took it back
    "replaced",  # the applicant sent a new one in its place
]
STAGES: tuple[Stage, ...] = Stage.__args__  # type: ignore[attr-defined]

IN_REVIEW: frozenset[Stage] = frozenset({"received", "shortlisted", "interview"})
ENDED: frozenset[Stage] = frozenset({"accepted", "offer_declined", "offer_lapsed", "declined", "withdrawn", "replaced"})
"""Stages after which the applicant hears no more, unless somebody writes."""

WITHDRAWABLE: frozenset[Stage] = frozenset(STAGES) - {"declined", "withdrawn", "replaced"}
"""Stages in which the applicant can still leave; who had accepted gives the place back."""

DECIDABLE: frozenset[Stage] = IN_REVIEW | {"reserve", "offer_declined", "offer_lapsed"}
"""Stages in which a decision may be prepared; a reserve moves up by a new one."""

Decision = Literal["offer", "reserve", "decline"]
DECISIONS: tuple[Decision, ...] = ("offer", "reserve", "decline")

STAGE_AFTER: dict[Decision, Stage] = {"offer": "offered", "reserve": "reserve", "decline": "declined"}

Funding = Literal["erasmus", "institution", "other", "none"]
FUNDINGS: tuple[Funding, ...] = ("erasmus", "institution", "other", "none")

StudyLevel = Literal["vocational", "bachelor", "master", "doctoral", "other"]
STUDY_LEVELS: tuple[StudyLevel, ...] = ("vocational", "bachelor", "master", "doctoral", "other")

StudyStage = Literal["studying", "graduated"]
STUDY_STAGES: tuple[StudyStage, ...] = ("studying", "graduated")

CEFR = ("A1", "A2", "B1", "B2", "C1", "C2", "native")
"""Levels of the Common European Framework, and the mother tongue."""

MAX_LANGUAGES = 8

Answer = str | bool | int | float | None
"""What is stored of a call's own question: a text or a choice's key, yes or no, a number, a date as ISO text."""


@dataclass(frozen=True)
class Answers:
    """An application as it was filled in; a draft may lack anything.

    ``languages`` are pairs of a language code (ISO 639-1) and a level of ``CEFR``. ``topic`` is a slug of the
    edition, or empty: then the call's own topic decides. There is deliberately nothing here about a person's
    birth, sex, looks, health or family.
    """

    name: str = ""
    address_as: str = ""
    contact_language: str = ""
    country: str = ""
    email: str = ""
    institution: str = ""
    study_field: str = ""
    study_level: str = ""
    study_stage: str = ""
    topic: str = ""
    available_from: date | None = None
    available_to: date | None = None
    weeks: int | None = None
    languages: tuple[tuple[str, str], ...] = ()
    funding: str = ""
    motivation: str = ""
    questions: dict[str, Answer] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """For a JSON column."""
        data = asdict(self)
        for name in ("available_from", "available_to"):
            data[name] = data[name].isoformat() if data[name] else None
        data["languages"] = [list(pair) for pair in self.languages]
        return data

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> "Answers":
        """From a JSON column; names that this release does not know are left out."""
        known = {entry.name for entry in fields(cls)}
        values = {name: value for name, value in data.items() if name in known and value is not None}
        for name in ("available_from", "available_to"):
            if name in values:
                values[name] = date.fromisoformat(values[name])
        if "languages" in values:
            values["languages"] = tuple((str(code), str(level)) for code, level in values["languages"])
        return cls(**values)


HIDDEN_WHEN_BLIND: frozenset[str] = frozenset({"name", "address_as", "country", "email"})
"""Answers that a reviewer does not see while a call is reviewed blind; files are hidden altogether."""
