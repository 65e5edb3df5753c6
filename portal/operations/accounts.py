"""Staff accounts: opening, closing, and their passwords. A password is hashed before the transaction begins."""

import secrets
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import insert, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from portal import clock
from portal.database import transaction
from portal.gateways.passwords import hash_password, verify_password
from portal.models import Account
from portal.operations.sessions import delete_sessions_of
from portal.queries.accounts import find_account, find_credentials, plain_email
from portal.queries.directory import forget_directory
from portal.queries.editions import content
from portal.rules.passwords import Fault, password_fault
from portal.rules.policy import ROLES, Role


class AccountExists(ValueError):
    """The address or the manager has an account already; an account is closed and reopened, never added twice."""


class AccountRejected(ValueError):
    """The account cannot be as asked; the message says why."""


class NoSuchAccount(LookupError):
    """There is no account with this address."""


class PasswordRejected(ValueError):
    """The password will not do; ``fault`` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"the password is {fault.replace('_', ' ')}")
        self.fault: Fault = fault


class WrongPassword(ValueError):
    """The present password was not given right."""


def add_account(*, email: str, name: str, role: Role, manager_key: str | None, language: str, password: str) -> int:
    """Open an account and return its id.

    Raises:
        AccountExists: the address or the manager has one.
        AccountRejected: unknown role, manager or language, a manager without a key, an address mail cannot reach.
        PasswordRejected: too short, too common, or the person's own name.
    """
    address, name = _checked_address(email), " ".join(name.split())
    _check_account(name=name, role=role, manager_key=manager_key, language=language)
    _check_password(password, email=address, name=name)
    now = clock.now()
    values = {
        "email": address,
        "name": name,
        "role": role,
        "manager_key": manager_key,
        "language": language,
        "active": True,
        "password": hash_password(password),
        "fs_uniquifier": _new_uniquifier(),
        "created_at": now,
        "password_changed_at": now,
    }
    try:
        with transaction() as connection:
            account_id: int = connection.execute(insert(Account).values(values).returning(Account.id)).scalar_one()
    except IntegrityError as error:
        raise AccountExists(f"{address} or {manager_key} has an account already") from error
    forget_directory()
    return account_id


def change_password(*, email: str, old: str, new: str, keeps: str | None) -> str:
    """Change one's own password. All other sessions of the account end.

    Args:
        email: of the account, as it is kept.
        old: the present password, which is asked for again: a browser left alone must not be enough.
        new: the one from now on.
        keeps: token hash of the session that stays.

    Returns:
        The account's new ``fs_uniquifier``, which the session that stays must carry from now on.

    Raises:
        WrongPassword: the present one was not given right, or has just been changed elsewhere.
        PasswordRejected: the new one is too short, too common, the person's own name, or the old one.
    """
    known = find_credentials(email)
    if not verify_password(known.password_hash if known else None, old) or known is None:
        raise WrongPassword
    if new == old:
        raise PasswordRejected("unchanged")
    _check_password(new, email=known.account.email, name=known.account.name)
    values = _password_values(new)
    with transaction() as connection:
        done = connection.execute(
            update(Account)
            .where(Account.id == known.account.id, Account.password == known.password_hash)
            .values(values)
        )
        if done.rowcount == 0:
            raise WrongPassword
        delete_sessions_of(connection, known.account.id, keeps)
    return str(values["fs_uniquifier"])


def set_password(*, email: str, password: str) -> None:
    """Give an account a new password, for somebody who forgot theirs. All its sessions end.

    Raises:
        NoSuchAccount, PasswordRejected.
    """
    known = find_account(email)
    if known is None:
        raise NoSuchAccount(f"there is no account {email}")
    _check_password(password, email=known.email, name=known.name)
    values = _password_values(password)
    with transaction() as connection:
        delete_sessions_of(connection, _update(connection, known.email, values))


def set_language(*, account_id: int, language: str) -> None:
    """Choose the language of the workspace and of letters to this person.

    Raises:
        AccountRejected: the installation does not speak it.
    """
    _check_language(language)
    with transaction() as connection:
        connection.execute(update(Account).where(Account.id == account_id).values(language=language))
    forget_directory()


def close_account(*, email: str) -> None:
    """Close an account: nobody can sign in with it, and its sessions end. What the person did stays on record.

    Raises:
        NoSuchAccount.
    """
    values = {"active": False, "fs_uniquifier": _new_uniquifier()}
    with transaction() as connection:
        delete_sessions_of(connection, _update(connection, plain_email(email), values))
    forget_directory()


def reopen_account(*, email: str) -> None:
    """Open a closed account again, with the password that it had.

    Raises:
        NoSuchAccount.
    """
    with transaction() as connection:
        _update(connection, plain_email(email), {"active": True})
    forget_directory()


def _update(connection: Connection, email: str, values: dict[str, Any]) -> int:
    """Change the account of an address and return its id."""
    changed = update(Account).where(Account.email == email).values(values).returning(Account.id)
    account_id: int | None = connection.execute(changed).scalar_one_or_none()
    if account_id is None:
        raise NoSuchAccount(f"there is no account {email}")
    return account_id


def _password_values(password: str) -> dict[str, Any]:
    return {
        "password": hash_password(password),
        "password_changed_at": clock.now(),
        "fs_uniquifier": _new_uniquifier(),
    }


def _new_uniquifier() -> str:
    return secrets.token_hex(32)


def _check_password(password: str, *, email: str, name: str) -> None:
    fault = password_fault(password, email=email, name=name)
    if fault is not None:
        raise PasswordRejected(fault)


def _checked_address(email: str) -> str:
    try:
        return validate_email(plain_email(email), check_deliverability=False, allow_smtputf8=False).ascii_email or ""
    except EmailNotValidError as error:
        raise AccountRejected(f"{email!r} is not an e-mail address: {error}") from None


def _check_account(*, name: str, role: Role, manager_key: str | None, language: str) -> None:
    if not name:
        raise AccountRejected("the name is missing")
    if role not in ROLES:
        raise AccountRejected(f"the role must be one of {', '.join(ROLES)}")
    if role == "manager" and manager_key is None:
        raise AccountRejected("a manager's account needs the manager's key")
    if manager_key is not None and manager_key not in content().manager_by_key:
        raise AccountRejected(f"there is no manager {manager_key!r} in the content")
    _check_language(language)


def _check_language(language: str) -> None:
    if language not in content().organisation.languages:
        raise AccountRejected(f"the language must be one of {', '.join(content().organisation.languages)}")
