"""An application that is being filled in, and the ways back to it."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select

from portal import clock, settings
from portal.database import db
from portal.models import Draft
from portal.queries.calls import StoredCall, find_call_by_id
from portal.rules.applications import Answers
from portal.rules.references import code_hash, draft_code, draft_key, link_hash
from portal.rules.uploads import StagedFile


@dataclass(frozen=True)
class StoredDraft:
    """A draft with its call. ``steps`` are those that were completed; ``token`` will name its sending."""

    id: int
    call: StoredCall
    token: str
    language: str
    answers: Answers
    files: tuple[StagedFile, ...]
    steps: tuple[str, ...]
    version: int
    created_at: datetime
    changed_at: datetime
    expires_at: datetime
    mailed_to: str | None
    reminded_at: datetime | None
    late_at: datetime | None
    late_answer: str | None
    replaces_id: int | None = None
    keeps_id: int | None = None

    @property
    def key(self) -> str:
        """The part of its address that nobody can guess."""
        return draft_key(settings.current().secret_bytes, self.token)

    @property
    def code(self) -> str:
        """What opens it together with the address; only shown in the browser that fills it in."""
        return draft_code(settings.current().secret_bytes, self.token)


def find_draft(draft_id: int) -> StoredDraft | None:
    """A draft by its id; one that has expired is none."""
    return _find(Draft.id == draft_id)


def find_draft_by_token(token: str) -> StoredDraft | None:
    """The draft that a form was filled in for; the form knows its name from the first page on."""
    return _find(Draft.token == token)


_NOBODYS_HASH = "0" * 64


def find_draft_of(key: str, code: str) -> StoredDraft | None:
    """The draft that address and code open; an unknown address and a wrong code give the same answer."""
    secret = settings.current().secret_bytes
    row = db.session.execute(
        select(Draft.id, Draft.code_hash).where(Draft.link_hash == link_hash(secret, key), _living())
    ).one_or_none()
    expected = row.code_hash if row is not None else _NOBODYS_HASH
    matches = hmac.compare_digest(expected, code_hash(secret, code))
    return find_draft(row.id) if row is not None and matches else None


def list_late_drafts(call_id: int) -> Sequence[StoredDraft]:
    """Drafts that were handed in after closing and wait for the manager's word, in the order they came."""
    ids = db.session.scalars(
        select(Draft.id).where(Draft.call_id == call_id, is_late_unanswered()).order_by(Draft.late_at, Draft.id)
    )
    return [draft for draft_id in ids.all() if (draft := find_draft(draft_id)) is not None]


def is_late_unanswered() -> ColumnElement[bool]:
    """Whether a draft was handed in after closing and waits for a yes or no; it waits as long as that takes."""
    return and_(Draft.late_at.is_not(None), Draft.late_answer.is_(None))


def _living() -> ColumnElement[bool]:
    return or_(Draft.expires_at > clock.now(), is_late_unanswered())


def _find(condition: ColumnElement[bool]) -> StoredDraft | None:
    row = db.session.execute(
        select(Draft).where(condition, _living()).execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if row is None:
        return None
    call = find_call_by_id(row.call_id)
    assert call is not None
    return StoredDraft(
        id=row.id,
        call=call,
        token=row.token,
        language=row.language,
        answers=Answers.from_data(row.answers),
        files=tuple(StagedFile(**file) for file in row.files),
        steps=tuple(row.steps),
        version=row.version,
        created_at=row.created_at,
        changed_at=row.changed_at,
        expires_at=row.expires_at,
        mailed_to=row.mailed_to,
        reminded_at=row.reminded_at,
        late_at=row.late_at,
        late_answer=row.late_answer,
        replaces_id=row.replaces_id,
        keeps_id=row.keeps_id,
    )
