"""``portal accounts``: who may sign in."""

import secrets
import sys

import click
from flask.cli import with_appcontext

from portal.rules.policy import ROLES, Role


@click.group()
def accounts() -> None:
    """Who of the staff may sign in."""


@accounts.command("add")
@click.argument("email")
@click.option("--name", required=True, help="The person's name, as colleagues and letters say it.")
@click.option("--role", default="manager", show_default=True, type=click.Choice(ROLES))
@click.option("--manager", "manager_key", help="The person's key in managers.toml; a manager needs one.")
@click.option("--language", help="Language of the workspace; by default the installation's first.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--generate", is_flag=True, help="Make a password and print it, once.")
@with_appcontext
def add(
    email: str,
    name: str,
    role: Role,
    manager_key: str | None,
    language: str | None,
    password_stdin: bool,
    generate: bool,
) -> None:
    """Open an account for EMAIL; the password is asked for unless an option says otherwise."""
    from portal.operations.accounts import AccountExists, AccountRejected, PasswordRejected, add_account
    from portal.queries.editions import content

    password = _password(password_stdin=password_stdin, generate=generate)
    try:
        add_account(
            email=email,
            name=name,
            role=role,
            manager_key=manager_key,
            language=language or content().organisation.default_language,
            password=password,
        )
    except (AccountExists, AccountRejected, PasswordRejected) as refusal:
        raise click.ClickException(str(refusal)) from None
    click.echo(f"{email} may sign in as {role}" + (f", password {password}" if generate else ""))


@accounts.command("list")
@with_appcontext
def list_them() -> None:
    """Show every account: address, name, role, manager's key, language, open or closed."""
    from portal.queries.accounts import list_accounts

    for account in list_accounts():
        state = "open" if account.active else "closed"
        key = account.manager_key or "-"
        click.echo(f"{account.email}\t{account.name}\t{account.role}\t{key}\t{account.language}\t{state}")


@accounts.command()
@click.argument("email")
@with_appcontext
def close(email: str) -> None:
    """Close the account of EMAIL and end its sessions; what the person did stays on record."""
    from portal.operations.accounts import NoSuchAccount, close_account

    try:
        close_account(email=email)
    except NoSuchAccount as refusal:
        raise click.ClickException(str(refusal)) from None
    click.echo(f"{email} is closed and signed out everywhere")


@accounts.command()
@click.argument("email")
@with_appcontext
def reopen(email: str) -> None:
    """Open the closed account of EMAIL again, with the password that it had."""
    from portal.operations.accounts import NoSuchAccount, reopen_account

    try:
        reopen_account(email=email)
    except NoSuchAccount as refusal:
        raise click.ClickException(str(refusal)) from None
    click.echo(f"{email} may sign in again")


@accounts.command("password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--generate", is_flag=True, help="Make a password and print it, once.")
@with_appcontext
def new_password(email: str, password_stdin: bool, generate: bool) -> None:
    """Give the account of EMAIL a new password, and end its sessions."""
    from portal.operations.accounts import NoSuchAccount, PasswordRejected, set_password

    password = _password(password_stdin=password_stdin, generate=generate)
    try:
        set_password(email=email, password=password)
    except (NoSuchAccount, PasswordRejected) as refusal:
        raise click.ClickException(str(refusal)) from None
    click.echo(f"{email} has a new password" + (f": {password}" if generate else ""))


def _password(*, password_stdin: bool, generate: bool) -> str:
    """From where the options say; never from the command line, where every user of the machine could read it."""
    if password_stdin and generate:
        raise click.UsageError("--password-stdin and --generate exclude each other")
    if generate:
        return "-".join(secrets.token_hex(3) for _ in range(4))
    if password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def register(group: click.Group) -> None:
    """Add the commands."""
    group.add_command(accounts)
