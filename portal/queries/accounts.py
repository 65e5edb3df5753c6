"""Staff accounts: for signing in, and for who keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, select

from portal.database import db
from portal.models import Account
from portal.rules.policy import Role, Viewer

ACCOUNT_COLUMNS = (
    Account.id,
    Account.email,
    Account.name,
    Account.role,
    Account.manager_key,
    Account.language,
    Account.active,
    Account.fs_uniquifier,
)


@dataclass(frozen=True)
class StaffAccount:
    """A person of the body who may sign in, without the password's hash."""

    id: int
    email: str
    name: str
    role: Role
    manager_key: str | None
    language: str
    active: bool
    fs_uniquifier: str

    @property
    def viewer(self) -> Viewer:
        return Viewer(self.id, self.name, self.role, self.manager_key, self.language)


@dataclass(frozen=True)
class Credentials:
    """An account with what is stored of its password."""

    account: StaffAccount
    password_hash: str


def find_credentials(email: str) -> Credentials | None:
    """The open account of an address, for signing in; a closed one is none."""
    row = db.session.execute(
        select(*ACCOUNT_COLUMNS, Account.password).where(Account.email == plain_email(email), Account.active)
    ).one_or_none()
    return Credentials(StaffAccount(*row[:-1]), row[-1]) if row is not None else None


def find_account(email: str) -> StaffAccount | None:
    """The account of an address, open or closed."""
    row = db.session.execute(select(*ACCOUNT_COLUMNS).where(Account.email == plain_email(email))).one_or_none()
    return StaffAccount(*row) if row is not None else None


def list_accounts() -> Sequence[StaffAccount]:
    """All accounts, by name."""
    rows: Sequence[Row[*tuple[object, ...]]] = db.session.execute(
        select(*ACCOUNT_COLUMNS).order_by(Account.name, Account.id)
    ).all()
    return [StaffAccount(*row) for row in rows]  # type: ignore[arg-type]


def plain_email(email: str) -> str:
    """An address as accounts keep it: without blanks around it, in small letters."""
    return email.strip().lower()
