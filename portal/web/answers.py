"""An application in words, for its check page, its receipt and the letter: the same everywhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from flask import Flask

from portal import i18n
from portal.content.calls import CallDocument, Question, said
from portal.i18n import gettext, language
from portal.queries.editions import content
from portal.rules.applications import Answer, Answers
from portal.rules.corrections import DOCUMENT, QUESTION
from portal.web.vocabulary import (
    CEFR_LEVELS,
    DOCUMENTS,
    FIELDS,
    FUNDINGS,
    STUDY_LEVELS,
    STUDY_STAGES,
    decision_name,
    document_name,
    level_name,
    name_of,
    offer_answer,
    stage_name,
    stage_names,
    yes_or_no,
)

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
        decision_name=decision_name,
        document_name=document_name,
        level_name=level_name,
        offer_answer=offer_answer,
        stage_name=stage_name,
        stage_names=stage_names,
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
    known, spoken = content().organisation.languages, answers.contact_language
    return (
        _named("name", answers.name),
        _named("address_as", answers.address_as),
        _named("email", answers.email),
        _named("contact_language", i18n.own_name(spoken) if spoken in known else ""),
        _named("country", _one_of(answers.country, i18n.countries(language()))),
    )


def _studies(answers: Answers) -> tuple[tuple[str, str], ...]:
    return (
        _named("institution", answers.institution),
        _named("study_field", answers.study_field),
        _named("study_level", name_of(STUDY_LEVELS, answers.study_level)),
        _named("study_stage", name_of(STUDY_STAGES, answers.study_stage)),
    )


def _internship(answers: Answers) -> tuple[tuple[str, str], ...]:
    return (
        _named("topic", _one_of(answers.topic, topic_choices())),
        _named("available_from", _day(answers.available_from)),
        _named("available_to", _day(answers.available_to)),
        _named("weeks", str(answers.weeks) if answers.weeks is not None else ""),
    )


def _skills(answers: Answers) -> tuple[tuple[str, str], ...]:
    return (
        *((i18n.language_name(code), name_of(CEFR_LEVELS, level)) for code, level in answers.languages),
        _named("funding", name_of(FUNDINGS, answers.funding)),
    )


def _motivation(answers: Answers, document: CallDocument) -> tuple[tuple[str, str], ...]:
    own = (
        (said(question.label, language()), answer_text(question, answers.questions.get(question.key)))
        for question in document.questions
    )
    return (_named("motivation", answers.motivation), *own)


def spoken_in_words(answers: Answers) -> list[str]:
    """What the applicant speaks, and how well, e.g. ``English (C1: I use it with ease)``."""
    return [f"{i18n.language_name(code)} ({name_of(CEFR_LEVELS, level)})" for code, level in answers.languages]


def field_labels(document: CallDocument) -> dict[str, str]:
    """Everything that an application holds, by the name that corrections use, in the order of the form."""
    questions = {f"{QUESTION}{question.key}": said(question.label, language()) for question in document.questions}
    documents = {f"{DOCUMENT}{kind}": document_name(kind) for kind in DOCUMENTS}
    return {**{name: str(label) for name, label in FIELDS.items()}, **questions, **documents}


def answer_text(question: Question | None, answer: Answer) -> str:
    """An answer to a question of the call's own, in words; empty when it was not answered.

    ``question`` is ``None`` for an answer whose question the call no longer asks.
    """
    if answer is None or answer == "":
        return ""
    if isinstance(answer, bool):
        return yes_or_no(answer)
    if question is not None and question.kind == "choice":
        labels = {choice.key: said(choice.label, language()) for choice in question.choices}
        return labels.get(str(answer)) or str(answer)
    if question is not None and question.kind == "date" and (day := answer_day(answer)):
        return i18n.format_day(day)
    return str(answer)


def answer_day(answer: Answer) -> date | None:
    """The day that was answered, if it is one."""
    try:
        return date.fromisoformat(str(answer))
    except ValueError:
        return None


def _named(field: str, value: str) -> tuple[str, str]:
    return str(FIELDS[field]), value


def _one_of(key: str, choices: Iterable[tuple[str, str]]) -> str:
    return dict(choices).get(key, key)


def _day(day: date | None) -> str:
    return i18n.format_day(day) if day is not None else ""
