"""Receiving an inquiry."""

from dataclasses import replace
from typing import Any

from portal.content.schema import TRIAGE, Content
from portal.operations.receiving import Received, SubmissionCommand, receive
from portal.queries.directory import get_directory
from portal.queries.editions import get_live_edition
from portal.rules.routing import Route, route
from portal.rules.suggestion import clear_choice, suggester


def receive_inquiry(*, command: SubmissionCommand) -> Received:
    """Store, route and acknowledge an inquiry; the receipt and the notice are in the same commit.

    Whoever is not sure of the topic gets the one that the text is clearly about, else triage. A repeated sending
    is answered with the first one's reference.

    Raises:
        UnknownTopic: the topic is not in the edition in force.
        AlreadySent: the sending is known and its text differs.
    """
    edition = get_live_edition()
    decision, noted = _decide(command, edition.content)
    return receive(
        command=replace(command, data=noted),
        edition=edition,
        decision=decision,
        receipt="inquiry_received",
        notice="inquiry_assigned",
    )


def _decide(command: SubmissionCommand, content: Content) -> tuple[Route, dict[str, Any]]:
    """Where an inquiry goes, and what the timeline keeps when its own words decided."""
    absent = get_directory().absent
    if command.topic == TRIAGE:
        suggestions = suggester(content).suggest(command.text)
        found = clear_choice(suggestions)
        if found != TRIAGE:
            decision = route(content, topic=found, absent=absent)
            reason = "suggested" if decision.reason == "topic" else decision.reason
            return replace(decision, reason=reason), {"suggested": found, "words": list(suggestions[0].words)}
    return route(content, topic=command.topic, absent=absent), {}
