"""What the codes of an application are called in the language in force: the one place for these words.

The tables hold lazy texts; ``name_of`` turns a code into its word. A code that this release does not know is shown
as it is.
"""

from collections.abc import Mapping

from portal.i18n import gettext, pgettext
from portal.i18n import lazy_gettext as lazy

FIELDS: dict[str, str] = {
    "name": lazy("Full name"),
    "address_as": lazy("Form of address"),
    "contact_language": lazy("Contact language"),
    "country": lazy("Country"),
    "email": lazy("E-mail"),
    "institution": lazy("School or university"),
    "study_field": lazy("Field of study"),
    "study_level": lazy("Level of studies"),
    "study_stage": lazy("Stage of studies"),
    "topic": lazy("Topic of interest"),
    "available_from": lazy("Earliest start"),
    "available_to": lazy("Latest end"),
    "weeks": lazy("Length in weeks"),
    "languages": lazy("Languages"),
    "funding": lazy("Funding"),
    "motivation": lazy("Motivation"),
}
"""The answers that every application has, by their names in ``Answers``, in the order of the form."""

DOCUMENTS: dict[str, str] = {
    "cv": lazy("CV"),
    "letter": lazy("Cover letter"),
    "transcript": lazy("Transcript of records"),
    "certificate": lazy("Certificate of studies"),
    "agreement": lazy("Learning agreement"),
    "other": lazy("Other document"),
}
STUDY_LEVELS: dict[str, str] = {
    "vocational": lazy("Vocational education"),
    "bachelor": lazy("Bachelor’s degree"),
    "master": lazy("Master’s degree"),
    "doctoral": lazy("Doctoral degree"),
    "other": lazy("Other studies"),
}
STUDY_STAGES: dict[str, str] = {"studying": lazy("Studying now"), "graduated": lazy("Graduated")}
FUNDINGS: dict[str, str] = {
    "erasmus": lazy("Erasmus+"),
    "institution": lazy("My own school or university"),
    "other": lazy("Other funding"),
    "none": lazy("No funding, or I don’t know yet"),
}
CEFR_LEVELS: dict[str, str] = {
    "A1": lazy("A1: a few words"),
    "A2": lazy("A2: simple everyday things"),
    "B1": lazy("B1: I manage in most situations"),
    "B2": lazy("B2: I can work in it"),
    "C1": lazy("C1: I use it with ease"),
    "C2": lazy("C2: nearly as a first language"),
    "native": lazy("First language"),
}


def stage_names() -> dict[str, str]:
    """Every stage of an application, as the house calls it."""
    return {
        "received": pgettext("application", "In review"),
        "shortlisted": pgettext("application", "On the short list"),
        "interview": pgettext("application", "Interview"),
        "offered": pgettext("application", "Offer sent"),
        "reserve": pgettext("application", "On the reserve list"),
        "accepted": pgettext("application", "Offer accepted"),
        "offer_declined": pgettext("application", "Offer declined"),
        "offer_lapsed": pgettext("application", "Offer lapsed"),
        "declined": pgettext("application", "Not chosen"),
        "withdrawn": pgettext("application", "Withdrawn"),
        "replaced": pgettext("application", "Replaced by a newer one"),
    }


def stage_name(stage: str) -> str:
    """A stage of an application, as the house calls it."""
    return name_of(stage_names(), stage)


def decision_name(kind: str) -> str:
    """A kind of decision."""
    names = {
        "offer": pgettext("decision", "Offer"),
        "reserve": pgettext("decision", "Reserve list"),
        "decline": pgettext("decision", "Not chosen"),
    }
    return name_of(names, kind)


def offer_answer(answer: str) -> str:
    """How an offer ended."""
    names = {
        "accepted": pgettext("offer", "accepted"),
        "declined": pgettext("offer", "declined"),
        "lapsed": pgettext("offer", "not answered in time"),
    }
    return name_of(names, answer)


def level_name(level: str) -> str:
    """A level of studies."""
    return name_of(STUDY_LEVELS, level)


def document_name(kind: str) -> str:
    """What a kind of document is called; a kind that is not known is 'other'."""
    return str(DOCUMENTS.get(kind, DOCUMENTS["other"]))


def yes_or_no(value: object) -> str:
    """``Yes`` or ``No``."""
    return gettext("Yes") if value else gettext("No")


def name_of(names: Mapping[str, str], code: str) -> str:
    """The word for a code."""
    return str(names.get(code, code))


def as_choices(names: Mapping[str, str]) -> list[tuple[str, str]]:
    """A table as the choices of a field."""
    return [(code, str(name)) for code, name in names.items()]
