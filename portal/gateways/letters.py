"""Writing a letter: from a case and an event to a subject and a text, in the recipient's language."""

from dataclasses import dataclass
from datetime import datetime

from flask import current_app

from portal.content.schema import TRIAGE, Content, Manager
from portal.gateways.links import public_link
from portal.i18n import speaking
from portal.models.letters import LetterKind

TO_STAFF: frozenset[LetterKind] = frozenset({"inquiry_assigned", "inquiry_handed_over", "sender_answered"})


@dataclass(frozen=True)
class LetterFacts:
    """All that a letter can say. Letters to staff use the reference alone: nothing of the sender leaves."""

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
    return public_link("public.track", lang=language, reference=facts.reference)
