"""A case and its timeline, for the manager and for the sender."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import JSON, BigInteger, Row, Select, String, Text, bindparam, literal, null, select, union_all
from sqlalchemy import cast as sql_cast

from portal.database import db
from portal.models import Application, Attachment, CallReviewer, Event, Letter, Submission
from portal.models.submissions import EventKind
from portal.queries.scope import closed_to, led_by, readable_by, visible_to
from portal.rules.delivery import LetterStatus
from portal.rules.policy import Viewer

HISTORY_SHOWN = 200
HISTORY_LIMIT = 5_000

PUBLIC_EVENTS: tuple[EventKind, ...] = (
    *("received", "replied", "sender_replied", "handed_over", "closed", "reopened"),
    *("admitted", "documents_added", "correction_asked", "correction_cancelled", "corrected"),
    *("interview_invited", "interview_chosen", "interview_cancelled"),
    *("decided", "offer_accepted", "offer_declined", "offer_lapsed", "withdrawn", "replaced"),
)
"""What the sender may see; notes, who took what, and all that belongs to the review stay inside."""

WRITTEN_TO_SENDER = frozenset(
    {"replied", "sender_replied", "correction_asked", "interview_invited", "interview_cancelled"}
)
"""Events whose text was written to or by the sender; the text of any other stays inside."""

TOLD_TO_SENDER = frozenset({"topic", "fields", "due_at", "kinds", "slot", "slots", "minutes", "place", "reply_by"})
"""Facts of events that the sender may know."""


class NoSuchCase(LookupError):
    """There is no such case, or it is not the viewer's to see: the same answer."""


class UnderReview(NoSuchCase):
    """An application that the viewer reviews, and may see as its reviewer alone."""


@dataclass(frozen=True)
class LetterLine:
    """How a letter stands."""

    id: int
    kind: str
    recipient: str
    status: LetterStatus
    at: datetime
    error: str | None


@dataclass(frozen=True)
class FileLine:
    """A file that can be downloaded."""

    id: int
    name: str
    mime: str
    size_bytes: int


@dataclass(frozen=True)
class Entry:
    """One event of the timeline, with the letters that it caused."""

    id: int
    kind: EventKind
    at: datetime
    actor: str
    by_staff: bool
    body: str | None
    data: dict[str, Any]
    letters: list[LetterLine] = field(default_factory=list)


@dataclass(frozen=True)
class Case:
    """A submission (all its columns, as ``row``) with its history, oldest first.

    For the staff ``row`` also has ``led`` and ``reviewing``: whether it is an application that the viewer decides
    about, and one that the viewer was asked to review; and ``stage``, of an application.
    """

    row: Row[*tuple[Any, ...]]
    entries: list[Entry]
    files: list[FileLine]
    shortened: bool


CASE = bindparam("case", type_=BigInteger)
COLUMNS = [column for column in Submission.__table__.c if column.name not in ("token", "code_hash")]


def get_case(viewer: Viewer, reference: str, *, whole_history: bool = False) -> Case:
    """The case with its timeline: two statements, however long the history.

    Raises:
        NoSuchCase: unknown, or not the viewer's to see.
        UnderReview: the viewer may see it as its reviewer alone.
    """
    row = db.session.execute(_visible_case(viewer), {"reference": reference}).one_or_none()
    if row is None:
        raise NoSuchCase
    if row.closed:
        raise UnderReview
    limit = HISTORY_LIMIT if whole_history else HISTORY_SHOWN
    return _case(row, _history(row.id, limit, inside=True), limit)


def get_sender_case(submission_id: int) -> Case:
    """The case as its sender may see it: no notes, no letters.

    Raises:
        NoSuchCase: it is gone.
    """
    row = db.session.execute(select(*COLUMNS).where(Submission.id == submission_id)).one_or_none()
    if row is None:
        raise NoSuchCase
    case = _case(row, _history(row.id, HISTORY_LIMIT, inside=False), HISTORY_LIMIT)
    return replace(case, entries=[_as_sender_sees(entry) for entry in case.entries])


def _as_sender_sees(entry: Entry) -> Entry:
    """What was written to or by the sender; the reason of a hand-over and what decisions rest on stay inside."""
    told = {name: value for name, value in entry.data.items() if name in TOLD_TO_SENDER}
    return replace(entry, body=entry.body if entry.kind in WRITTEN_TO_SENDER else None, data=told)


def find_file(viewer: Viewer, reference: str, file_id: int) -> Attachment | None:
    """A file of a case that the viewer may see; it is reached through its case alone."""
    return db.session.scalar(
        select(Attachment)
        .join(Submission, Submission.id == Attachment.submission_id)
        .where(Attachment.id == file_id, Submission.reference == reference, readable_by(viewer))
    )


# One statement fetches the history. Its columns carry, by source:
#   source, id, event, at, kind, who, body, state, number, staff, data
#   event   id  id     at  kind  actor     body   -      -     account?  data
#   letter  id  event  at  kind  recipient error  status tries -         -
#   file    id  -      at  mime  name      -      -      bytes -         -


def _events() -> Select[*tuple[Any, ...]]:
    return select(
        literal("event", String).label("source"),
        Event.id.label("id"),
        Event.id.label("event"),
        Event.at.label("at"),
        Event.kind.label("kind"),
        Event.actor.label("who"),
        Event.body.label("body"),
        _nothing(String).label("state"),
        _nothing(BigInteger).label("number"),
        Event.account_id.label("staff"),
        Event.data.label("data"),
    ).where(Event.submission_id == CASE)


def _letters() -> Select[*tuple[Any, ...]]:
    return select(
        literal("letter", String),
        Letter.id,
        Letter.event_id,
        Letter.created_at,
        Letter.kind,
        Letter.recipient,
        Letter.error,
        Letter.status,
        sql_cast(Letter.attempts, BigInteger),
        _nothing(BigInteger),
        _nothing(JSON),
    ).where(Letter.submission_id == CASE)


def _files() -> Select[*tuple[Any, ...]]:
    return select(
        literal("file", String),
        Attachment.id,
        _nothing(BigInteger),
        Attachment.stored_at,
        Attachment.mime,
        Attachment.name,
        _nothing(Text),
        _nothing(String),
        Attachment.size_bytes,
        _nothing(BigInteger),
        _nothing(JSON),
    ).where(Attachment.submission_id == CASE)


def _nothing(kind: Any) -> Any:
    """NULL of a type: the parts of a union must agree on PostgreSQL."""
    return sql_cast(null(), kind)


def _history(submission_id: int, limit: int, *, inside: bool) -> list[Row[*tuple[Any, ...]]]:
    return list(db.session.execute(_newest_first(limit, inside), {"case": submission_id}))


# Statements are built once; building this one takes longer than running it.


@lru_cache
def _newest_first(limit: int, inside: bool) -> Select[*tuple[Any, ...]]:
    """A case's history, ``inside`` the house or as far as its sender may see it."""
    outside = [_events().where(Event.kind.in_(PUBLIC_EVENTS)), _files()]
    whole = union_all(*([_events(), _letters(), _files()] if inside else outside)).subquery()
    return select(whole).order_by(whole.c.at.desc(), whole.c.id.desc()).limit(limit + 1)


@lru_cache(maxsize=1024)
def _visible_case(viewer: Viewer) -> Select[*tuple[Any, ...]]:
    asked = (
        select(Application.submission_id)
        .join(CallReviewer, CallReviewer.call_id == Application.call_id)
        .where(Application.submission_id == Submission.id, CallReviewer.account_id == viewer.account_id)
    )
    stage = select(Application.stage).where(Application.submission_id == Submission.id).scalar_subquery()
    return select(
        *COLUMNS,
        closed_to(viewer).label("closed"),
        led_by(viewer).label("led"),
        asked.exists().label("reviewing"),
        stage.label("stage"),
    ).where(Submission.reference == bindparam("reference"), visible_to(viewer))


def _case(row: Row[*tuple[Any, ...]], history: list[Row[*tuple[Any, ...]]], limit: int) -> Case:
    letters: dict[int, list[LetterLine]] = defaultdict(list)
    files, events = [], []
    for line in reversed(history[:limit]):
        if line.source == "letter":
            letters[line.event].append(
                LetterLine(line.id, line.kind, line.who, cast(LetterStatus, line.state), line.at, line.body)
            )
        elif line.source == "file":
            files.append(FileLine(line.id, line.who, line.kind, line.number))
        else:
            events.append(line)
    entries = [
        Entry(
            line.id,
            cast(EventKind, line.kind),
            line.at,
            line.who,
            line.staff is not None,
            line.body,
            line.data or {},
            letters[line.id],
        )
        for line in events
    ]
    return Case(row, entries, files, len(history) > limit)
