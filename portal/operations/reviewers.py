"""Who reviews the applications of a call. They are told when it is published, or at once if it is already."""

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.engine import Connection

from portal import clock
from portal.models import Account, Application, CallReviewer, Letter, Review
from portal.operations.call_door import CallChange, CallNotPossible, SeenCall, act_on_call
from portal.operations.outgoing import enqueue_letters
from portal.queries.calls import StoredCall
from portal.queries.directory import Mailbox
from portal.rules.policy import PERMISSIONS, Permission, Viewer


def add_reviewer(viewer: Viewer, *, call: SeenCall, account_id: int) -> None:
    """Ask somebody to review a call. Who reviews it already is not asked twice.

    Raises:
        NoSuchCall, CallChanged.
        CallNotPossible: the account is closed or reviews nothing, or the call is decided.
    """

    def decide(connection: Connection, stored: StoredCall) -> CallChange | None:
        if stored.times.status == "decided":
            raise CallNotPossible("decided")
        person = connection.execute(
            select(Account.name, Account.role, Account.email, Account.language).where(
                Account.id == account_id, Account.active
            )
        ).one_or_none()
        if person is None or Permission.REVIEW not in PERMISSIONS[person.role]:
            raise CallNotPossible("no_reviewer")
        if account_id in _reviewers(connection, stored.id):
            return None
        now = clock.now()
        connection.execute(insert(CallReviewer).values(call_id=stored.id, account_id=account_id, added_at=now))
        if stored.times.status == "published":
            _invite(connection, stored.id, [Mailbox(person.email, person.language)])
        return CallChange(data={"account_id": account_id, "name": person.name})

    act_on_call(viewer, call, "reviewer_added", decide)


def remove_reviewer(viewer: Viewer, *, call: SeenCall, account_id: int) -> None:
    """Take somebody off a call. What they have written about applications stays.

    Raises:
        NoSuchCall, CallChanged.
        CallNotPossible: the call is decided, or names are hidden in it and open to that person once off the list,
            who has begun to review.
    """

    def decide(connection: Connection, stored: StoredCall) -> CallChange | None:
        if stored.times.status == "decided":
            raise CallNotPossible("decided")
        if account_id not in _reviewers(connection, stored.id):
            return None
        if stored.hides_people and _would_see_names(connection, stored.id, account_id):
            raise CallNotPossible("reviews_blind")
        connection.execute(
            delete(CallReviewer).where(CallReviewer.call_id == stored.id, CallReviewer.account_id == account_id)
        )
        name = connection.scalar(select(Account.name).where(Account.id == account_id))
        return CallChange(data={"account_id": account_id, "name": name})

    act_on_call(viewer, call, "reviewer_removed", decide)


def invite_all(connection: Connection, call_id: int) -> None:
    """Tell the reviewers of a call that is being published; who was told before is not told again."""
    told = select(Letter.recipient).where(Letter.call_id == call_id, Letter.kind == "review_invited")
    people = connection.execute(
        select(Account.email, Account.language)
        .join(CallReviewer, CallReviewer.account_id == Account.id)
        .where(CallReviewer.call_id == call_id, Account.active, Account.email.not_in(told))
        .order_by(Account.id)
    ).all()
    _invite(connection, call_id, [Mailbox(person.email, person.language) for person in people])


def _invite(connection: Connection, call_id: int, people: list[Mailbox]) -> None:
    letters = [("review_invited", mailbox) for mailbox in people]
    enqueue_letters(connection, letters=letters, at=clock.now(), call_id=call_id)  # type: ignore[arg-type]


def _reviewers(connection: Connection, call_id: int) -> set[int]:
    return set(connection.scalars(select(CallReviewer.account_id).where(CallReviewer.call_id == call_id)))


def _would_see_names(connection: Connection, call_id: int, account_id: int) -> bool:
    """Whether somebody has begun to review a call who may open cases, and so reads of whom once no longer asked."""
    role = connection.scalar(select(Account.role).where(Account.id == account_id))
    if role is None or Permission.HANDLE_CASES not in PERMISSIONS[role]:
        return False
    begun = exists().where(
        Review.submission_id == Application.submission_id,
        Application.call_id == call_id,
        Review.account_id == account_id,
    )
    return bool(connection.scalar(select(begun)))
