"""Writing a letter: from a case and an event to a subject and a text, in the recipient's language."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import current_app

from portal.content.calls import CallDocument, said
from portal.content.schema import TRIAGE, Content, Manager
from portal.gateways.links import public_link
from portal.i18n import speaking
from portal.models.letters import LetterKind
from portal.rules.applications import Answers

TO_STAFF: frozenset[LetterKind] = frozenset(
    {"inquiry_assigned", "inquiry_handed_over", "sender_answered", "application_assigned", "application_updated"}
)


@dataclass(frozen=True)
class LetterFacts:
    """All that a letter can say. Letters to staff use the reference alone: nothing of the sender leaves.

    ``data`` are the facts of the event. A letter about a draft or a call has no case, and so no reference.
    ``answers`` and documents are an application's: those that came, as pairs of a kind and a name, and those that
    are still to come.
    """

    reference: str
    topic: str
    holder: str
    received_at: datetime
    sender_name: str
    subject: str
    message: str
    file_names: tuple[str, ...]
    code: str
    body: str = ""
    actor: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    address_as: str = ""
    call: CallDocument | None = None
    call_slug: str = ""
    draft_key: str = ""
    expires_at: datetime | None = None
    closes_at: datetime | None = None
    answers: Answers | None = None
    documents: tuple[tuple[str, str], ...] = ()
    missing_documents: tuple[str, ...] = ()
    documents_due_at: datetime | None = None

    @property
    def greeted(self) -> str:
        """What to call the person: as they asked to be addressed, else by name."""
        return self.address_as or self.sender_name


@dataclass(frozen=True)
class WrittenLetter:
    """A letter as it will be read: plain text."""

    subject: str
    body: str


def write_letter(kind: LetterKind, language: str, facts: LetterFacts, content: Content) -> WrittenLetter:
    """Write a letter from the templates in ``templates/email/<kind>/``.

    Raises:
        jinja2.TemplateError: the letter cannot be built.
    """
    with speaking(language):
        values = {
            "facts": facts,
            "lang": language,
            "organisation": content.organisation,
            "topic": None if facts.topic == TRIAGE else content.topic_by_slug.get(facts.topic),
            "manager": _manager(facts, content),
            "call_title": said(facts.call.title, language) if facts.call else "",
            "link": _link(kind, language, facts),
        }
        environment = current_app.jinja_env
        subject = environment.get_template(f"email/{kind}/subject.txt").render(values)
        body = environment.get_template(f"email/{kind}/body.txt").render(values)
    return WrittenLetter(" ".join(subject.split()), body.strip() + "\n")


def _manager(facts: LetterFacts, content: Content) -> Manager | None:
    return content.manager_by_key.get(facts.holder)


def _link(kind: LetterKind, language: str, facts: LetterFacts) -> str:
    if kind in TO_STAFF:
        return public_link("workspace.case", reference=facts.reference)
    match kind:
        case "late_arrived":
            return public_link("workspace.late_applications", slug=facts.call_slug)
        case "reserve_moves_up":
            return public_link("workspace.decisions", slug=facts.call_slug)
        case "review_invited":
            return public_link("workspace.reviews")
        case "draft_saved" | "draft_reminded":
            return public_link("public.resume_draft", lang=language, key=facts.draft_key)
        case "late_refused":
            return public_link("public.contact", lang=language)
        case _:
            return public_link("public.track", lang=language, reference=facts.reference)
