"""The life of a call: published, taken back, closed early or later, decided; and who an applicant is, revealed."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.engine import Connection

from portal import clock
from portal.models import Application, Draft
from portal.operations.call_door import (
    CallChange,
    CallNotPossible,
    NotPublishable,
    SeenCall,
    act_on_call,
    has_applications,
)
from portal.operations.calls import slug_for
from portal.operations.reviewers import invite_all
from portal.queries.calls import StoredCall
from portal.queries.drafts import is_late_unanswered
from portal.queries.editions import content
from portal.rules.applications import IN_REVIEW
from portal.rules.policy import Viewer
from portal.rules.publishing import Fault, document_faults, time_faults


def faults_of(call: StoredCall) -> list[Fault]:
    """All that keeps a call from being published at this moment."""
    edition = content()
    return document_faults(call.document, edition.organisation.languages, edition.topic_by_slug) + time_faults(
        call.document,
        opens_at=call.times.opens_at,
        closes_at=call.times.closes_at,
        now=clock.now(),
        zone=edition.organisation.zone,
    )


def publish_call(viewer: Viewer, *, call: SeenCall) -> None:
    """Publish a draft. It gets its lasting address, opens at its moment, and its reviewers are told.

    Raises:
        NoSuchCall, CallChanged.
        NotPublishable: with every text (by language) and every fact that is missing or wrong.
        CallNotPossible: it is published already.
    """

    def decide(connection: Connection, stored: StoredCall) -> CallChange:
        if stored.times.status != "draft":
            raise CallNotPossible("published")
        faults = faults_of(stored)
        if faults:
            raise NotPublishable(faults)
        invite_all(connection, stored.id)
        columns: dict[str, Any] = {"status": "published"}
        data: dict[str, Any] = {}
        if stored.published_at is None:  # an address that was public once is kept for good
            columns.update(
                published_at=clock.now(),
                slug=slug_for(connection, stored.document, stored.times.opens_at, but=stored.id),
            )
            data["former_slug"] = stored.slug
        return CallChange(columns, data)

    act_on_call(viewer, call, "published", decide)


def unpublish_call(viewer: Viewer, *, call: SeenCall) -> None:
    """Make a published call a draft again, as long as nobody has begun to apply.

    Raises:
        NoSuchCall, CallChanged.
        CallNotPossible: it is not published, or there is an application or a draft of one.
    """

    def decide(connection: Connection, stored: StoredCall) -> CallChange:
        _check_published(stored)
        begun = connection.scalar(select(exists().where(Draft.call_id == stored.id)))
        if begun or has_applications(connection, stored.id):
            raise CallNotPossible("has_applications")
        return CallChange({"status": "draft", "extended_to": None})

    act_on_call(viewer, call, "unpublished", decide)


def close_call(viewer: Viewer, *, call: SeenCall, reason: str) -> None:
    """Close an open call now.

    Raises:
        NoSuchCall, CallChanged.
        CallNotPossible: it is not open.
    """

    def decide(_connection: Connection, stored: StoredCall) -> CallChange:
        if stored.phase != "open":
            raise CallNotPossible("not_open")
        return _closing_at(stored, clock.now(), reason)

    act_on_call(viewer, call, "closed_early", decide)


def change_closing(viewer: Viewer, *, call: SeenCall, closes_at: datetime, reason: str) -> None:
    """Let a published call close at another moment; one that has closed opens again.

    Raises:
        NoSuchCall, CallChanged.
        CallNotPossible: it is a draft or decided, or the moment is not to come or before its opening.
    """

    def decide(_connection: Connection, stored: StoredCall) -> CallChange | None:
        _check_published(stored)
        opens_at = stored.times.opens_at
        if closes_at <= clock.now() or (opens_at is not None and closes_at <= opens_at):
            raise CallNotPossible("too_early")
        return None if closes_at == stored.times.ends_at else _closing_at(stored, closes_at, reason)

    act_on_call(viewer, call, "closing_changed", decide)


def reveal_names(viewer: Viewer, *, call: SeenCall) -> None:
    """End the blind part of a review: from now on reviewers see who the applicants are. There is no way back.

    Raises:
        NoSuchCall, CallChanged.
        CallNotPossible: nothing is hidden.
    """

    def decide(_connection: Connection, stored: StoredCall) -> CallChange:
        if not stored.hides_people:
            raise CallNotPossible("not_blind")
        return CallChange({"revealed_at": clock.now()})

    act_on_call(viewer, call, "revealed", decide)


def mark_decided(viewer: Viewer, *, call: SeenCall) -> None:
    """Say that a closed call is decided: its life ends here, and so begins the time for which it is kept.

    Raises:
        NoSuchCall, CallChanged.
        CallNotPossible: it has not closed, or somebody still waits for a decision, an offer
            for its answer, or a late application.
    """

    def decide(connection: Connection, stored: StoredCall) -> CallChange:
        if stored.phase != "closed":
            raise CallNotPossible("not_closed")
        waiting = select(func.count()).where(Application.call_id == stored.id, Application.stage.in_(IN_REVIEW))
        if connection.scalar(waiting):
            raise CallNotPossible("undecided")
        offered = exists().where(Application.call_id == stored.id, Application.stage == "offered")
        if connection.scalar(select(offered)):
            raise CallNotPossible("offer_waits")
        if connection.scalar(select(exists().where(Draft.call_id == stored.id, is_late_unanswered()))):
            raise CallNotPossible("late_waits")
        return CallChange({"status": "decided", "decided_at": clock.now()})

    act_on_call(viewer, call, "decided", decide)


def _check_published(stored: StoredCall) -> None:
    if stored.times.status != "published":
        raise CallNotPossible("decided" if stored.times.status == "decided" else "not_published")


def _closing_at(stored: StoredCall, closes_at: datetime, reason: str) -> CallChange:
    opens_at = stored.times.opens_at
    if opens_at is not None and closes_at <= opens_at:  # opened in this very instant
        closes_at = opens_at + timedelta(microseconds=1)
    before = stored.times.ends_at
    return CallChange(
        {"closes_at": closes_at, "extended_to": None},
        {
            "before": before.isoformat() if before else None,
            "after": closes_at.isoformat(),
            "reason": reason,
            "parts": ["closes_at"],
        },
    )
