"""What the workspace shows of calls: the list of those one keeps, and one call with all that was done with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, case, exists, func, or_, select

from portal.content.calls import CallDocument, Words
from portal.database import db
from portal.models import Account, Application, Call, CallEvent, CallReviewer, Draft, Letter, Review
from portal.queries.calls import NoSuchCall, StoredCall, get_led_call, list_led_calls
from portal.queries.drafts import is_late_unanswered
from portal.queries.inbox import FAILED
from portal.queries.scope import leads
from portal.rules.applications import IN_REVIEW
from portal.rules.policy import ROLES, Permission, Viewer

FAILED_SHOWN = 50

REVIEWING_ROLES = tuple(role for role in ROLES if Viewer(0, "", role, None, "").may(Permission.REVIEW))


@dataclass(frozen=True)
class Waiting:
    """How much there is of a call: applications, those without a decision, late ones and drafts.

    ``failed`` letters are those about the call or a draft; a letter about an application counts with its case.
    """

    applications: int = 0
    undecided: int = 0
    late: int = 0
    drafts: int = 0
    failed: int = 0


@dataclass(frozen=True)
class CallPage:
    """One call. ``late`` are the moments at which drafts came after closing that wait for a yes or no.

    ``failed`` are letters about the call or its drafts that were not delivered: ``id, kind, created_at, recipient,
    error``, the last two of letters to the staff alone, since a draft is nobody's to see. ``candidates`` are accounts
    that could review and do not yet; ``copied_from`` is address and title.
    """

    call: StoredCall
    events: Sequence[Row[*tuple[Any, ...]]]
    reviewers: Sequence[Row[*tuple[Any, ...]]]
    candidates: Sequence[Row[*tuple[Any, ...]]]
    late: Sequence[datetime | None]
    failed: Sequence[Row[*tuple[Any, ...]]]
    waiting: Waiting
    reviews_begun: bool
    copied_from: tuple[str, Words] | None


def get_call(viewer: Viewer, slug: str) -> StoredCall:
    """A call that the viewer keeps, by its address or by the one that it had as a draft.

    Raises:
        NoSuchCall: unknown, or somebody else's.
    """
    try:
        return get_led_call(viewer, slug)
    except NoSuchCall:
        current = db.session.scalar(
            select(Call.slug)
            .join(CallEvent, CallEvent.call_id == Call.id)
            .where(leads(viewer), CallEvent.kind == "published", CallEvent.data["former_slug"].as_string() == slug)
            .limit(1)
        )
        if current is None:
            raise
        return get_led_call(viewer, current)


def list_calls(viewer: Viewer) -> list[tuple[StoredCall, Waiting]]:
    """The calls that the viewer keeps, newest first, with what waits in each; four statements."""
    waiting = _waiting(leads(viewer))
    return [(call, waiting.get(call.id, Waiting())) for call in list_led_calls(viewer)]


def get_call_page(viewer: Viewer, slug: str) -> CallPage:
    """All that the call's own page shows; a constant number of statements.

    Raises:
        NoSuchCall: unknown, or somebody else's.
    """
    call = get_call(viewer, slug)
    people = _people(call.id)
    source = db.session.execute(
        select(Call.slug, Call.document).where(
            Call.id == select(Call.copied_from).where(Call.id == call.id).scalar_subquery()
        )
    ).one_or_none()
    of_call = select(Application.submission_id).where(Application.call_id == call.id)
    return CallPage(
        call=call,
        events=db.session.execute(
            select(CallEvent.kind, CallEvent.at, CallEvent.actor, CallEvent.data)
            .where(CallEvent.call_id == call.id)
            .order_by(CallEvent.id.desc())
        ).all(),
        reviewers=[person for person in people if person.reviews],
        candidates=[person for person in people if not person.reviews and person.active],
        late=db.session.scalars(
            select(Draft.late_at).where(Draft.call_id == call.id, is_late_unanswered()).order_by(Draft.late_at)
        ).all(),
        failed=_failed_letters(call.id),
        waiting=_waiting(Call.id == call.id).get(call.id, Waiting()),
        reviews_begun=db.session.scalar(select(Review.id).where(Review.submission_id.in_(of_call)).limit(1))
        is not None,
        copied_from=(source.slug, CallDocument.model_validate(source.document).title) if source else None,
    )


def _people(call_id: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """Everybody who reviews the call or could, by name; ``reviews`` says which."""
    reviews = CallReviewer.account_id.is_not(None)
    return db.session.execute(
        select(Account.id, Account.name, Account.role, Account.active, reviews.label("reviews"))
        .outerjoin(CallReviewer, (CallReviewer.account_id == Account.id) & (CallReviewer.call_id == call_id))
        .where(reviews | Account.role.in_(REVIEWING_ROLES))
        .order_by(Account.name, Account.id)
    ).all()


def _failed_letters(call_id: int) -> Sequence[Row[*tuple[Any, ...]]]:
    to_staff = Letter.draft_id.is_(None)
    return db.session.execute(
        select(
            Letter.id,
            Letter.kind,
            Letter.created_at,
            case((to_staff, Letter.recipient)).label("recipient"),
            case((to_staff, Letter.error)).label("error"),
        )
        .outerjoin(Draft, Draft.id == Letter.draft_id)
        .where(FAILED, Letter.submission_id.is_(None), or_(Letter.call_id == call_id, Draft.call_id == call_id))
        .order_by(Letter.id)
        .limit(FAILED_SHOWN)
    ).all()


def _waiting(which: Any) -> dict[int, Waiting]:
    in_review = func.sum(case((Application.stage.in_(IN_REVIEW), 1), else_=0))
    sent = db.session.execute(
        select(Application.call_id, func.count(), in_review)
        .join(Call, Call.id == Application.call_id)
        .where(which)
        .group_by(Application.call_id)
    ).all()
    is_late = Draft.late_at.is_not(None)
    late = func.sum(case((is_late_unanswered(), 1), else_=0))
    begun = func.sum(case((is_late, 0), else_=1))
    drafts = db.session.execute(
        select(Draft.call_id, late, begun).join(Call, Call.id == Draft.call_id).where(which).group_by(Draft.call_id)
    ).all()
    of_call = func.coalesce(Letter.call_id, Draft.call_id)
    failed = db.session.execute(
        select(Call.id, func.count())
        .select_from(Letter)
        .outerjoin(Draft, Draft.id == Letter.draft_id)
        .join(Call, Call.id == of_call)
        .where(FAILED, Letter.submission_id.is_(None), which)
        .group_by(Call.id)
    ).all()
    counts: dict[int, dict[str, int]] = {}
    for call_id, applications, undecided in sent:
        counts.setdefault(call_id, {}).update(applications=applications, undecided=int(undecided))
    for call_id, waiting, begun_now in drafts:
        counts.setdefault(call_id, {}).update(late=int(waiting), drafts=int(begun_now))
    for call_id, letters in failed:
        counts.setdefault(call_id, {}).update(failed=letters)
    return {call_id: Waiting(**values) for call_id, values in counts.items()}


def find_frozen(call_id: int) -> tuple[bool, bool]:
    """Whether a call's questions are fixed, since somebody applied, and its criteria, since somebody reviewed."""
    of_call = select(Application.submission_id).where(Application.call_id == call_id)
    row = db.session.execute(select(of_call.exists(), exists().where(Review.submission_id.in_(of_call)))).one()
    return bool(row[0]), bool(row[1])
