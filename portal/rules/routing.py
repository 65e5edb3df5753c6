"""Who gets a submission, and why. Pure: the same content, absences and day give the same answer."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

from portal.content.schema import TRIAGE, Content
from portal.i18n import gettext, speaking

Kind = Literal["inquiry", "internship"]
KINDS: tuple[Kind, ...] = ("inquiry", "internship")

Reason = Literal["topic", "suggested", "deputy", "nobody_in", "no_topic"]
"""``suggested``: nobody chose the topic, but the message is clearly about it (``portal.rules.suggestion``)."""


class UnknownTopic(ValueError):
    """The topic named is not in the edition."""


@dataclass(frozen=True)
class Route:
    """Where a submission goes.

    ``holder`` is a manager's key or ``triage``. ``skipped`` are the managers who would have come first and
    are away, in the order they were tried.
    """

    topic: str
    holder: str
    reason: Reason
    skipped: tuple[str, ...] = ()


def route(content: Content, *, topic: str | None, absent: AbstractSet[str]) -> Route:
    """Decide who gets a submission on ``topic``; ``None`` or ``triage`` is 'I am not sure'.

    Args:
        content: the edition in force.
        topic: the topic's slug.
        absent: keys of the managers who are away on the day.

    Raises:
        UnknownTopic: the slug is not in the edition.
    """
    if topic is None or topic == TRIAGE:
        return Route(TRIAGE, TRIAGE, "no_topic")
    try:
        first = content.topic_by_slug[topic].manager
    except KeyError:
        raise UnknownTopic(topic) from None
    skipped: list[str] = []
    candidate: str | None = first
    while candidate is not None and candidate in absent and candidate not in skipped:
        skipped.append(candidate)
        candidate = content.manager_by_key[candidate].deputy
    if candidate is None or candidate in skipped:
        return Route(topic, TRIAGE, "nobody_in", tuple(skipped))
    return Route(topic, candidate, "deputy" if skipped else "topic", tuple(skipped))


def because(content: Content, decision: Route, language: str) -> str:
    """The reason in one sentence, in ``language``; an edition that no longer knows a name shows its key."""
    with speaking(language):
        if decision.reason == "no_topic":
            return gettext("No topic was chosen, so it went to the triage queue.")
        topic = content.topic_by_slug.get(decision.topic)
        title = topic.title[language] if topic else decision.topic
        people = [_name(content, key) for key in (*decision.skipped, decision.holder)]
        if decision.reason == "suggested":
            return gettext(
                "No topic was chosen; the message speaks of “%(topic)s”, which %(person)s answers.",
                topic=title,
                person=people[0],
            )
        if decision.reason == "topic":
            return gettext("%(person)s answers the topic “%(topic)s”.", topic=title, person=people[0])
        if decision.reason == "deputy":
            return gettext(
                "The topic “%(topic)s”: away when the message arrived: %(away)s. Standing in: %(person)s.",
                topic=title,
                away=", ".join(people[:-1]),
                person=people[-1],
            )
        return gettext(
            "The topic “%(topic)s”: away when the message arrived: %(away)s, and nobody stands in. "
            "It went to the triage queue.",
            topic=title,
            away=", ".join(people[:-1]),
        )


def _name(content: Content, key: str) -> str:
    manager = content.manager_by_key.get(key)
    return manager.name if manager else key
