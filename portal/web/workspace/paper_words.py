"""What the parts of an application are called in the language in force."""

from datetime import date

from portal.content.calls import CallDocument, Question, said
from portal.i18n import format_day, gettext, language, locale
from portal.i18n import lazy_gettext as lazy
from portal.rules.applications import Answer, Answers

STAGES: dict[str, str] = {
    "received": lazy("Waits for its reviewers"),
    "shortlisted": lazy("On the short list"),
    "interview": lazy("Invited to an interview"),
    "offered": lazy("An offer was sent"),
    "reserve": lazy("On the reserve list"),
    "accepted": lazy("The offer was accepted"),
    "offer_declined": lazy("The applicant declined the offer"),
    "offer_lapsed": lazy("The offer was not answered in time"),
    "declined": lazy("Not chosen"),
    "withdrawn": lazy("The applicant withdrew"),
    "replaced": lazy("The applicant sent a new application instead"),
}
DECISIONS: dict[str, str] = {
    "offer": lazy("Offer"),
    "reserve": lazy("Place on the reserve list"),
    "decline": lazy("Not chosen"),
}
OFFER_ANSWERS: dict[str, str] = {
    "accepted": lazy("Accepted"),
    "declined": lazy("Declined"),
    "lapsed": lazy("Not answered in time"),
}
DOCUMENTS: dict[str, str] = {
    "cv": lazy("CV"),
    "letter": lazy("Cover letter"),
    "transcript": lazy("Transcript of studies"),
    "certificate": lazy("Certificate"),
    "agreement": lazy("Learning agreement"),
    "other": lazy("Other document"),
}
FIELDS: dict[str, str] = {
    "name": lazy("Name"),
    "address_as": lazy("How to address the person"),
    "contact_language": lazy("Contact language"),
    "country": lazy("Country"),
    "email": lazy("E-mail"),
    "institution": lazy("Place of study"),
    "study_field": lazy("Field of study"),
    "study_level": lazy("Level of study"),
    "study_stage": lazy("Stage of studies"),
    "topic": lazy("Topic of interest"),
    "available_from": lazy("Available from"),
    "available_to": lazy("Available until"),
    "weeks": lazy("Length in weeks"),
    "languages": lazy("Languages"),
    "funding": lazy("Funding"),
    "motivation": lazy("Motivation"),
}
STUDY_LEVELS: dict[str, str] = {
    "vocational": lazy("Vocational"),
    "bachelor": lazy("Bachelor's"),
    "master": lazy("Master's"),
    "doctoral": lazy("Doctoral"),
    "other": lazy("Other"),
}
STUDY_STAGES: dict[str, str] = {"studying": lazy("Student"), "graduated": lazy("Graduated")}
FUNDINGS: dict[str, str] = {
    "erasmus": lazy("Erasmus+"),
    "institution": lazy("Own institution"),
    "other": lazy("Other funding"),
    "none": lazy("No funding"),
}

FREE_TEXTS = frozenset({"short_text", "long_text"})


def word(words: dict[str, str], key: str) -> str:
    """The word for a key; a key that this release does not know is shown as it is."""
    return str(words.get(key, key))


def language_name(code: str) -> str:
    """A language by its name, e.g. ``Dutch``."""
    name = str(locale(language()).languages.get(code, code))
    return name[:1].upper() + name[1:]


def languages_text(answers: Answers) -> list[str]:
    """What the applicant speaks, and how well, e.g. ``English: C1``."""
    return [
        f"{language_name(code)}: {gettext('mother tongue') if level == 'native' else level}"
        for code, level in answers.languages
    ]


def answer_text(question: Question | None, value: Answer) -> str:
    """An answer to a question of the call's own, in words; a choice as the call names it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    kind = question.kind if question else "short_text"
    if kind == "choice" and question:
        labels = {choice.key: said(choice.label, language()) for choice in question.choices}
        return labels.get(str(value)) or str(value)
    if kind == "date" and (day := answer_day(value)):
        return format_day(day)
    return str(value)


def answer_day(value: Answer) -> date | None:
    """The day that was answered, if it is one."""
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def field_label(document: CallDocument, path: str) -> str:
    """What a correction asked for, by its name: an answer, a question of the call, a document."""
    room, _, key = path.rpartition(".")
    if room == "documents":
        return word(DOCUMENTS, key)
    question = next((one for one in document.questions if room == "questions" and one.key == key), None)
    if question is not None:
        return said(question.label, language()) or key
    return word(FIELDS, path)
