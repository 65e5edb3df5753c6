"""Calls, as pages and operations read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from portal import clock
from portal.content.calls import CallDocument
from portal.database import db
from portal.models import Account, Call
from portal.queries.scope import leads
from portal.rules.calls import Phase, Times, phase
from portal.rules.policy import Viewer


class NoSuchCall(LookupError):
    """There is no such call, or it is not the viewer's to keep: the same answer."""


@dataclass(frozen=True)
class StoredCall:
    """A call with what it says. ``lead_name`` is the account's that keeps it."""

    id: int
    slug: str
    version: int
    lead_id: int
    lead_name: str
    document: CallDocument
    times: Times
    blind: bool
    retention_months: int
    published_at: datetime | None
    revealed_at: datetime | None
    decided_at: datetime | None
    changed_at: datetime

    @property
    def phase(self) -> Phase:
        """Where it stands at this moment."""
        return phase(self.times, clock.now())

    @property
    def hides_people(self) -> bool:
        """Whether reviewers must not see who an applicant is."""
        return self.blind and self.revealed_at is None


CALL_COLUMNS = (
    Call.id,
    Call.slug,
    Call.version,
    Call.lead_id,
    Account.name.label("lead_name"),
    Call.document,
    Call.status,
    Call.opens_at,
    Call.closes_at,
    Call.extended_to,
    Call.blind,
    Call.retention_months,
    Call.published_at,
    Call.revealed_at,
    Call.decided_at,
    Call.changed_at,
)
_CALLS = select(*CALL_COLUMNS).join(Account, Account.id == Call.lead_id)


def find_call(slug: str) -> StoredCall | None:
    """A call by its address, in whatever phase; whoever shows it to the public checks that it is no draft."""
    row = db.session.execute(_CALLS.where(Call.slug == slug)).one_or_none()
    return as_stored(row) if row is not None else None


def find_call_by_id(call_id: int) -> StoredCall | None:
    """A call by its id."""
    row = db.session.execute(_CALLS.where(Call.id == call_id)).one_or_none()
    return as_stored(row) if row is not None else None


def get_led_call(viewer: Viewer, slug: str) -> StoredCall:
    """A call that the viewer keeps.

    Raises:
        NoSuchCall: unknown, or somebody else's.
    """
    row = db.session.execute(_CALLS.where(Call.slug == slug, leads(viewer))).one_or_none()
    if row is None:
        raise NoSuchCall
    return as_stored(row)


def list_led_calls(viewer: Viewer) -> Sequence[StoredCall]:
    """The calls that the viewer keeps, newest first."""
    return [as_stored(row) for row in db.session.execute(_CALLS.where(leads(viewer)).order_by(Call.id.desc()))]


def list_public_calls() -> Sequence[StoredCall]:
    """Every call that was published, the one that closes first on top, standing ones before those that closed."""
    rows = db.session.execute(_CALLS.where(Call.status != "draft").order_by(Call.closes_at, Call.id))
    return [as_stored(row) for row in rows]


def as_stored(row: Row[*tuple[Any, ...]]) -> StoredCall:
    """A row of ``CALL_COLUMNS`` as a call."""
    return StoredCall(
        id=row.id,
        slug=row.slug,
        version=row.version,
        lead_id=row.lead_id,
        lead_name=row.lead_name,
        document=CallDocument.model_validate(row.document),
        times=Times(row.status, row.opens_at, row.closes_at, row.extended_to),
        blind=row.blind,
        retention_months=row.retention_months,
        published_at=row.published_at,
        revealed_at=row.revealed_at,
        decided_at=row.decided_at,
        changed_at=row.changed_at,
    )
