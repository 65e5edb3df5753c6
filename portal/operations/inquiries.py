"""Receiving an inquiry."""

from portal.operations.receiving import Received, SubmissionCommand, receive
from portal.queries.directory import get_directory
from portal.queries.editions import get_live_edition
from portal.rules.routing import route


def receive_inquiry(*, command: SubmissionCommand) -> Received:
    """Store, route and acknowledge an inquiry; the receipt and the notice are in the same commit.

    A repeated sending is answered with the first one's reference.

    Raises:
        UnknownTopic: the topic is not in the edition in force.
        AlreadySent: the sending is known and its text differs.
    """
    edition = get_live_edition()
    return receive(
        command=command,
        edition=edition,
        decision=route(edition.content, topic=command.topic, absent=get_directory().absent),
        receipt="inquiry_received",
        notice="inquiry_assigned",
    )
