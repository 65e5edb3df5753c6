"""Making a call for interns and writing it: new, copied from an earlier one, saved."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import exists, insert, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from portal import clock
from portal.content.calls import CallDocument, said
from portal.database import transaction
from portal.models import Account, Application, Call, CallReviewer, Review
from portal.operations.call_door import (
    CallChange,
    CallNotPossible,
    NotPublishable,
    SeenCall,
    act_on_call,
    has_applications,
    known_act,
    note,
)
from portal.queries.calls import NoSuchCall, StoredCall, get_led_call
from portal.queries.editions import content
from portal.rules.policy import Permission, Viewer
from portal.rules.publishing import changed_parts, document_faults, keeps_criteria, keeps_questions
from portal.rules.text import slug_of, unique_among

R = TypeVar("R")


@dataclass(frozen=True)
class CallCommand:
    """A call as a manager wrote it. The moments count in a draft alone: later they have acts of their own."""

    document: CallDocument
    opens_at: datetime | None
    closes_at: datetime | None
    blind: bool
    retention_months: int


def create_call(viewer: Viewer, *, title: dict[str, str], token: str) -> str:
    """Begin a draft and return its address (slug). Repeated with the same ``token`` it is the same draft.

    Raises:
        NoSuchCall: the viewer leads no calls.
    """
    return _add(viewer, token, document=CallDocument(title=title), blind=False, months=None, source=None)


def duplicate_call(viewer: Viewer, *, slug: str, token: str) -> str:
    """Make a draft from an earlier call and return its address: all but the dates, with the same reviewers.

    Raises:
        NoSuchCall: unknown, or somebody else's.
    """
    source = get_led_call(viewer, slug)
    document = source.document.model_copy(update={"starts_on": None, "ends_on": None, "answer_by": None})
    months = source.retention_months
    return _add(viewer, token, document=document, blind=source.blind, months=months, source=source)


def save_call(viewer: Viewer, *, call: SeenCall, command: CallCommand) -> None:
    """Keep what was written. A published call stays complete; what people answered to stays as it was.

    Raises:
        NoSuchCall, CallChanged.
        NotPublishable: the call is published, and something that it needs would be missing.
        CallNotPossible: decided; or questions, criteria or blindness would change under those who used them.
    """
    _save(viewer, call, lambda _stored: command)


def save_document(viewer: Viewer, *, call: SeenCall, edit: Callable[[CallDocument], CallDocument]) -> None:
    """Change a part of what a call says: a question, a criterion. Refuses as ``save_call`` does."""

    def command(stored: StoredCall) -> CallCommand:
        return CallCommand(
            document=edit(stored.document),
            opens_at=stored.times.opens_at,
            closes_at=stored.times.closes_at,
            blind=stored.blind,
            retention_months=stored.retention_months,
        )

    _save(viewer, call, command)


def slug_for(connection: Connection, document: CallDocument, opens_at: datetime | None, but: int | None = None) -> str:
    """A free address from the title in the default language and the year in which the call opens."""
    organisation = content().organisation
    title = document.title.get(organisation.default_language) or said(document.title, organisation.default_language)
    year = (opens_at or clock.now()).astimezone(organisation.zone).year
    wanted = f"{slug_of(title) or 'call'}-{year}"
    taken = connection.scalars(select(Call.slug).where(Call.slug.startswith(wanted, autoescape=True), Call.id != but))
    return unique_among(wanted, set(taken))


def _save(viewer: Viewer, seen: SeenCall, make: Callable[[StoredCall], CallCommand]) -> None:
    def decide(connection: Connection, stored: StoredCall) -> CallChange | None:
        command = make(stored)
        if stored.times.status == "decided":
            raise CallNotPossible("decided")
        if stored.times.status == "published":
            _check_complete(stored.document, command.document)
        _check_frozen(connection, stored, command)
        parts = changed_parts(stored.document, command.document)
        columns = _columns(stored, command)
        parts += list(columns)
        if not parts:
            return None
        return CallChange({**columns, "document": command.document.model_dump(mode="json")}, {"parts": parts})

    act_on_call(viewer, seen, "changed", decide)


def _columns(stored: StoredCall, command: CallCommand) -> dict[str, Any]:
    wanted: dict[str, Any] = {"blind": command.blind, "retention_months": command.retention_months}
    now: dict[str, Any] = {"blind": stored.blind, "retention_months": stored.retention_months}
    if stored.times.status == "draft":
        wanted.update(opens_at=command.opens_at, closes_at=command.closes_at)
        now.update(opens_at=stored.times.opens_at, closes_at=stored.times.closes_at)
    return {name: value for name, value in wanted.items() if value != now[name]}


def _check_complete(before: CallDocument, after: CallDocument) -> None:
    """Nothing may go missing. What lacked already, since the site now speaks one more language, does not stand in
    the way of a correction.
    """
    edition = content()
    lacked, lacks = (
        document_faults(document, edition.organisation.languages, edition.topic_by_slug) for document in (before, after)
    )
    faults = [fault for fault in lacks if fault not in lacked]
    if faults:
        raise NotPublishable(faults)


def _check_frozen(connection: Connection, stored: StoredCall, command: CallCommand) -> None:
    asked = keeps_questions(stored.document, command.document)
    if (not asked or command.blind != stored.blind) and has_applications(connection, stored.id):
        raise CallNotPossible("blind_frozen" if asked else "questions_frozen")
    if not keeps_criteria(stored.document, command.document):
        of_call = select(Application.submission_id).where(Application.call_id == stored.id)
        if connection.scalar(select(exists().where(Review.submission_id.in_(of_call)))):
            raise CallNotPossible("criteria_frozen")


def _add(
    viewer: Viewer,
    token: str,
    *,
    document: CallDocument,
    blind: bool,
    months: int | None,
    source: StoredCall | None,
) -> str:
    if not viewer.may(Permission.LEAD_CALLS):
        raise NoSuchCall
    organisation = content().organisation
    values = {
        "status": "draft",
        "version": 1,
        "lead_id": viewer.account_id,
        "document": document.model_dump(mode="json"),
        "blind": blind,
        "retention_months": months or organisation.retention_months,
        "copied_from": source.id if source else None,
    }

    def add() -> str:
        with transaction() as connection:
            known = known_act(connection, viewer, token)
            if known is not None:
                return str(connection.scalar(select(Call.slug).where(Call.id == known)))
            now = clock.now()
            slug = slug_for(connection, document, None)
            call_id = connection.scalar(
                insert(Call).values(**values, slug=slug, created_at=now, changed_at=now).returning(Call.id)
            )
            assert call_id is not None
            if source is not None:
                _copy_reviewers(connection, source.id, call_id, now)
            data = {"token": token, "version": 1} | ({"from": source.slug} if source else {})
            note(connection, call_id, "copied" if source else "created", viewer, data, at=now)
            return slug

    return _once_more(add)


def _once_more(act: Callable[[], R]) -> R:
    """Two who take the same address at the same moment: the second takes the next."""
    try:
        return act()
    except IntegrityError:
        return act()


def _copy_reviewers(connection: Connection, source_id: int, call_id: int, now: datetime) -> None:
    people = connection.scalars(
        select(CallReviewer.account_id)
        .join(Account, Account.id == CallReviewer.account_id)
        .where(CallReviewer.call_id == source_id, Account.active)
    ).all()
    for account_id in people:
        connection.execute(insert(CallReviewer).values(call_id=call_id, account_id=account_id, added_at=now))
