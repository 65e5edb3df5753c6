"""Staff accounts and sessions in the database, by operation and by command."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.cli.accounts import accounts
from portal.database import db
from portal.gateways.passwords import verify_password
from portal.models import Account, Session
from portal.operations.accounts import (
    AccountExists,
    AccountRejected,
    NoSuchAccount,
    PasswordRejected,
    WrongPassword,
    add_account,
    change_password,
    close_account,
    reopen_account,
    set_language,
    set_password,
)
from portal.operations.sessions import begin_session, end_sessions_of, save_session
from portal.queries.accounts import find_account, find_credentials, list_accounts
from portal.queries.directory import get_directory
from portal.queries.sessions import find_session

EMAIL = "hannu@demo.example.org"
PASSWORD = "correct-horse-7-battery"
OTHER = "another fine horse 8"


@pytest.fixture(autouse=True)
def _context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def add(**values: Any) -> int:
    return add_account(
        **{
            "email": EMAIL,
            "name": "Hannu Example",
            "role": "manager",
            "manager_key": "koponen",
            "language": "fi",
            "password": PASSWORD,
            **values,
        }
    )


def begin(account_id: int | None) -> str:
    token_hash = secrets.token_hex(32)
    begin_session(token_hash=token_hash, data={"a": 1}, account_id=account_id)
    return token_hash


def sessions() -> int:
    return db.session.scalar(select(func.count()).select_from(Session)) or 0


# ------------------------------------------------------------------------------------------------------- opening


def test_an_account_is_kept_in_one_spelling() -> None:
    account_id = add(email="  Hannu@Demo.Example.ORG ", name="  Hannu \n Example ")
    found = find_account("HANNU@demo.example.org")
    assert found is not None
    assert (found.id, found.email, found.name, found.active) == (account_id, EMAIL, "Hannu Example", True)
    assert (found.viewer.manager_key, found.viewer.role, found.viewer.language) == ("koponen", "manager", "fi")


def test_the_password_is_kept_as_a_hash() -> None:
    add()
    stored = db.session.scalars(select(Account.password)).one()
    assert PASSWORD not in stored
    assert verify_password(stored, PASSWORD)


@pytest.mark.parametrize("values", [{"manager_key": "pirinen"}, {"email": "second@demo.example.org"}])
def test_an_address_and_a_manager_have_one_account(values: dict[str, Any]) -> None:
    add()
    with pytest.raises(AccountExists):
        add(**values)
    close_account(email=EMAIL)
    with pytest.raises(AccountExists):
        add(**values)
    assert [account.email for account in list_accounts()] == [EMAIL]


@pytest.mark.parametrize(
    "values",
    [
        {"role": "king"},
        {"manager_key": None},
        {"manager_key": "nobody"},
        {"language": "xx"},
        {"email": "hannu"},
        {"email": "hännu@example.org"},
        {"email": "a@example.org\nBcc: b@example.org"},
        {"name": "  "},
    ],
)
def test_an_account_that_could_not_work_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(AccountRejected):
        add(**values)
    assert list_accounts() == []


@pytest.mark.parametrize("password", ["short", "hannu@demo.example.org", "salasana123456", "x" * 300])
def test_a_password_that_is_guessed_is_refused(password: str) -> None:
    with pytest.raises(PasswordRejected):
        add(password=password)
    assert list_accounts() == []


def test_a_coordinator_gets_letters_from_now_on() -> None:
    assert get_directory().coordinators == ()
    add(role="coordinator", manager_key=None)
    assert [mailbox.address for mailbox in get_directory().coordinators] == [EMAIL]
    set_language(account_id=list_accounts()[0].id, language="sv")
    assert [mailbox.language for mailbox in get_directory().coordinators] == ["sv"]
    close_account(email=EMAIL)
    assert get_directory().coordinators == ()


# ------------------------------------------------------------------------------------------- closing and passwords


def test_closing_ends_sessions_and_reopening_brings_none_back() -> None:
    account_id = add()
    mine, senders = begin(account_id), begin(None)
    close_account(email=EMAIL)
    assert find_session(mine) is None
    assert find_session(senders) is not None
    assert find_credentials(EMAIL) is None
    reopen_account(email=EMAIL)
    assert find_session(mine) is None
    assert find_credentials(EMAIL) is not None


def test_changing_the_password_keeps_one_session() -> None:
    account_id = add()
    here, elsewhere = begin(account_id), begin(account_id)
    before = find_account(EMAIL)
    uniquifier = change_password(email=EMAIL, old=PASSWORD, new=OTHER, keeps=here)
    assert find_session(here) is not None
    assert find_session(elsewhere) is None
    known = find_credentials(EMAIL)
    assert known is not None
    assert before is not None
    assert known.account.fs_uniquifier == uniquifier != before.fs_uniquifier
    assert verify_password(known.password_hash, OTHER)
    assert not verify_password(known.password_hash, PASSWORD)


def test_changing_the_password_needs_the_old_one() -> None:
    session = begin(add())
    for old, email in (("wrong password 1", EMAIL), (PASSWORD, "nobody@demo.example.org")):
        with pytest.raises(WrongPassword):
            change_password(email=email, old=old, new=OTHER, keeps=None)
    with pytest.raises(PasswordRejected):
        change_password(email=EMAIL, old=PASSWORD, new=PASSWORD, keeps=None)
    assert find_session(session) is not None


def test_a_new_password_from_the_command_line_ends_all_sessions() -> None:
    session = begin(add())
    set_password(email=EMAIL, password=OTHER)
    assert find_session(session) is None
    with pytest.raises(PasswordRejected):
        set_password(email=EMAIL, password="hannu example")


def test_an_account_that_is_not_there() -> None:
    for act in (close_account, reopen_account):
        with pytest.raises(NoSuchAccount):
            act(email=EMAIL)
    with pytest.raises(NoSuchAccount):
        set_password(email=EMAIL, password=PASSWORD)


def test_a_language_that_is_not_spoken_is_refused() -> None:
    account_id = add()
    with pytest.raises(AccountRejected):
        set_language(account_id=account_id, language="xx")


# ------------------------------------------------------------------------------------------------------- sessions


def test_sessions_of_an_account_end_together_or_but_one() -> None:
    account_id = add()
    first, second, senders = begin(account_id), begin(account_id), begin(None)
    assert end_sessions_of(account_id=account_id, except_token_hash=second) == 1
    assert [find_session(token) is not None for token in (first, second, senders)] == [False, True, True]
    assert end_sessions_of(account_id=account_id) == 1
    assert sessions() == 1


def test_a_session_replaces_another_at_one_moment() -> None:
    before = begin(None)
    begin_session(token_hash="b" * 64, data={"ä": ["🙂", None, 1.5]}, replaces=before)
    found = find_session("b" * 64)
    assert found is not None
    assert found.data == {"ä": ["🙂", None, 1.5]}
    assert found.account is None
    assert sessions() == 1


def test_a_session_that_ended_is_not_saved() -> None:
    token_hash = begin(None)
    found = find_session(token_hash)
    assert found is not None
    assert save_session(token_hash=token_hash, data={"a": 2}, created_at=found.created_at)
    assert not save_session(token_hash="c" * 64, data={"a": 2}, created_at=found.created_at)
    assert sessions() == 1


# ------------------------------------------------------------------------------------------------------- commands


def run(app: Flask, *words: str, typed: str | None = None) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(accounts, list(words), input=typed)
    return result.exit_code, result.output


def test_accounts_are_kept_from_the_command_line(app: Flask) -> None:
    manager = ("--name", "Hannu Example", "--role", "manager", "--manager", "koponen")
    code, said = run(app, "add", EMAIL, *manager, "--generate")
    assert code == 0
    password = said.rsplit(" ", 1)[1].strip()
    known = find_credentials(EMAIL)
    assert known is not None
    assert verify_password(known.password_hash, password)

    assert run(app, "add", EMAIL, *manager, "--generate")[0] == 1
    assert run(app, "add", "x@example.org", "--name", "X", "--role", "king", "--generate")[0] == 2
    assert run(app, "list") == (0, f"{EMAIL}\tHannu Example\tmanager\tkoponen\tfi\topen\n")
    assert run(app, "close", EMAIL)[0] == 0
    assert run(app, "list")[1].endswith("\tclosed\n")
    assert run(app, "reopen", EMAIL)[0] == 0
    assert run(app, "close", "nobody@example.org") == (1, "Error: there is no account nobody@example.org\n")


def test_a_password_comes_from_the_input_and_never_from_the_command_line(app: Flask) -> None:
    person = ("--name", "Hannu Example", "--role", "coordinator")
    assert run(app, "add", EMAIL, *person, typed=f"{PASSWORD}\n{PASSWORD}\n")[0] == 0
    assert run(app, "password", EMAIL, "--password-stdin", typed=f"{OTHER}\n")[0] == 0
    known = find_credentials(EMAIL)
    assert known is not None
    assert verify_password(known.password_hash, OTHER)
    code, said = run(app, "password", EMAIL, "--password-stdin", typed="short\n")
    assert (code, said) == (1, "Error: the password is too short\n")
    assert run(app, "password", EMAIL, "--password-stdin", "--generate", typed="x\n")[0] == 2
