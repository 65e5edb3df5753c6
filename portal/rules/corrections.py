"""Which answers of an application can be corrected, by name, and what a correction does to them. Pure.

A name is that of an answer (``motivation``), of a question of the call (``questions.why``) or of a document
(``documents.cv``). Values are those of ``Answers.as_data``: plain JSON.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from portal.content.calls import CallDocument
from portal.rules.applications import Answers

ANSWERS: tuple[str, ...] = tuple(entry.name for entry in fields(Answers) if entry.name != "questions")
QUESTION, DOCUMENT = "questions.", "documents."

MIRRORED: dict[str, str] = {
    "name": "sender_name",
    "email": "sender_email",
    "institution": "sender_organisation",
    "country": "sender_country",
    "motivation": "message",
    "contact_language": "language",
}
"""Answers that the submission repeats in a column of its own."""


def correctable(document: CallDocument) -> tuple[str, ...]:
    """Every name that an applicant to this call can be asked to correct, in the order of the application."""
    kinds = dict.fromkeys((*document.required_documents, *document.optional_documents))
    return (
        *ANSWERS,
        *(f"{QUESTION}{question.key}" for question in document.questions),
        *(f"{DOCUMENT}{kind}" for kind in kinds),
    )


def kinds_in(names: Iterable[str]) -> tuple[str, ...]:
    """The kinds of documents among the names."""
    return tuple(name.removeprefix(DOCUMENT) for name in names if name.startswith(DOCUMENT))


def answers_in(names: Iterable[str]) -> tuple[str, ...]:
    """The names that are answers, and not documents."""
    return tuple(name for name in names if not name.startswith(DOCUMENT))


def value_of(data: Mapping[str, Any], name: str) -> Any:
    """The stored answer of a name; ``None`` where there is none."""
    if name.startswith(QUESTION):
        return (data.get("questions") or {}).get(name.removeprefix(QUESTION))
    return data.get(name)


def corrected(data: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The stored answers with the values in their places."""
    changed = {**data, "questions": dict(data.get("questions") or {})}
    for name, value in values.items():
        if name.startswith(QUESTION):
            changed["questions"][name.removeprefix(QUESTION)] = value
        else:
            changed[name] = value
    return changed


def mirrored(values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of the submission that repeat these answers."""
    return {MIRRORED[name]: value for name, value in values.items() if name in MIRRORED}
