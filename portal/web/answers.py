"""An application in words, for its check page, its receipt and the letter: the same everywhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from flask import Flask

from portal import i18n
from portal.content.calls import CallDocument, Question, said
from portal.i18n import gettext, language, ngettext
from portal.queries.editions import content
from portal.rules.applications import Answer, Answers

STEPS = ("you", "studies", "internship", "skills", "motivation", "documents")
"""The steps of the form, in the order in which they are offered; checking is the last."""


@dataclass(frozen=True)
class Section:
    """The answers of one step: names and values; an empty value was not given."""

    step: str
    title: str
    rows: tuple[tuple[str, str], ...]


def init_app(app: Flask) -> None:
    """Give templates the words."""
    app.jinja_env.globals.update(
        answer_sections=answer_sections,
        apply_step_title=step_title,
        apply_steps=STEPS,
        document_name=document_name,
        said=said,
    )


def step_title(step: str) -> str:
    """What a step of the form is called."""
    return {
        "you": gettext("About you"),
        "studies": gettext("Your studies"),
        "internship": gettext("The internship"),
        "skills": gettext("Languages and funding"),
        "motivation": gettext("Motivation"),
        "documents": gettext("Documents"),
        "check": gettext("Check and send"),
    }[step]


def document_name(kind: str) -> str:
    """What a kind of document is called; a kind that is not known is 'other'."""
    names = {
        "cv": gettext("CV"),
        "letter": gettext("Letter of recommendation"),
        "transcript": gettext("Transcript of records"),
        "certificate": gettext("Certificate of studies"),
        "agreement": gettext("Learning agreement"),
    }
    return names.get(kind, gettext("Other document"))


def level_choices() -> list[tuple[str, str]]:
    """Levels of study."""
    return [
        ("vocational", gettext("Vocational education")),
        ("bachelor", gettext("Bachelor’s degree")),
        ("master", gettext("Master’s degree")),
        ("doctoral", gettext("Doctoral degree")),
        ("other", gettext("Other studies")),
    ]


def stage_choices() -> list[tuple[str, str]]:
    """Where the studies stand."""
    return [("studying", gettext("I am studying now")), ("graduated", gettext("I have graduated"))]


def funding_choices() -> list[tuple[str, str]]:
    """Who pays for the applicant's stay."""
    return [
        ("erasmus", gettext("Erasmus+")),
        ("institution", gettext("My own school or university")),
        ("other", gettext("Other funding")),
        ("none", gettext("No funding, or I don’t know yet")),
    ]


def cefr_choices() -> list[tuple[str, str]]:
    """Levels of a language, each with what it means."""
    return [
        ("A1", gettext("A1: a few words")),
        ("A2", gettext("A2: simple everyday things")),
        ("B1", gettext("B1: I manage in most situations")),
        ("B2", gettext("B2: I can work in it")),
        ("C1", gettext("C1: I use it with ease")),
        ("C2", gettext("C2: nearly as a first language")),
        ("native", gettext("First language")),
    ]


def topic_choices() -> list[tuple[str, str]]:
    """Topics of the edition in force, and 'no preference' first."""
    code = language()
    topics = [(topic.slug, topic.title[code]) for topic in content().topics]
    return [("", gettext("No preference")), *topics]


def answer_sections(
    answers: Answers, document: CallDocument, files: Iterable[tuple[str, str]] | None = None
) -> list[Section]:
    """All answers by step, in the language in force.

    Args:
        answers: what was filled in.
        document: the call, whose own questions are asked in the step of motivation.
        files: pairs of a document's kind and a file's name; ``None`` leaves the step out.
    """
    rows = {
        "you": _you(answers),
        "studies": _studies(answers),
        "internship": _internship(answers),
        "skills": _skills(answers),
        "motivation": _motivation(answers, document),
    }
    if files is not None:
        rows["documents"] = tuple((document_name(kind), name) for kind, name in files)
    return [Section(step, step_title(step), found) for step, found in rows.items()]


def _you(answers: Answers) -> tuple[tuple[str, str], ...]:
    known = content().organisation.languages
    return (
        (gettext("Full name"), answers.name),
        (gettext("How we address you"), answers.address_as),
        (gettext("E-mail"), answers.email),
        (
            gettext("We write to you in"),
            i18n.own_name(answers.contact_language) if answers.contact_language in known else "",
        ),
        (gettext("Country where you live"), _named(answers.country, i18n.countries(language()))),
    )


def _studies(answers: Answers) -> tuple[tuple[str, str], ...]:
    return (
        (gettext("School or university"), answers.institution),
        (gettext("Field of study"), answers.study_field),
        (gettext("Level of studies"), _named(answers.study_level, level_choices())),
        (gettext("Stage of studies"), _named(answers.study_stage, stage_choices())),
    )


def _internship(answers: Answers) -> tuple[tuple[str, str], ...]:
    return (
        (gettext("Topic of interest"), _named(answers.topic, topic_choices())),
        (gettext("Earliest start"), _day(answers.available_from)),
        (gettext("Latest end"), _day(answers.available_to)),
        (
            gettext("Length"),
            ngettext("%(num)s week", "%(num)s weeks", answers.weeks) if answers.weeks is not None else "",
        ),
    )


def _skills(answers: Answers) -> tuple[tuple[str, str], ...]:
    names, levels = dict(i18n.spoken_languages(language())), dict(cefr_choices())
    return (
        *((names.get(code, code), levels.get(level, level)) for code, level in answers.languages),
        (gettext("Funding"), _named(answers.funding, funding_choices())),
    )


def _motivation(answers: Answers, document: CallDocument) -> tuple[tuple[str, str], ...]:
    own = ((said(question.label, language()), answer_text(question, answers)) for question in document.questions)
    return ((gettext("Motivation"), answers.motivation), *own)


def answer_text(question: Question, answers: Answers) -> str:
    """What was answered to a question of the call's own, in words; empty when it was not answered."""
    answer: Answer = answers.questions.get(question.key)
    if answer is None or answer == "":
        return ""
    if question.kind == "yes_no":
        return gettext("Yes") if answer else gettext("No")
    if question.kind == "choice":
        return next(
            (said(choice.label, language()) for choice in question.choices if choice.key == answer), str(answer)
        )
    if question.kind == "date":
        return _day(date.fromisoformat(str(answer)))
    return str(answer)


def _named(key: str, choices: Iterable[tuple[str, str]]) -> str:
    return dict(choices).get(key, key)


def _day(day: date | None) -> str:
    return i18n.format_day(day) if day is not None else ""
