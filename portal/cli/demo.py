"""``portal demo``: the whole portal on a developer's machine, with accounts to sign in with."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import click

from portal.settings import load_settings

ADDRESS = "127.0.0.1:8000"
_SIGN_INS = "demo-accounts.json"
_REVIEWER = "reviewer@demo.example.org"


@click.command()
@click.option("--bind", default=ADDRESS, show_default=True, help="Address and port; keep to this machine.")
def demo(bind: str) -> None:
    """Make a demonstration installation and run it until Ctrl-C: server, worker, captured mail."""
    os.environ["YHTEYS_ENVIRONMENT"] = "development"
    os.environ.setdefault("YHTEYS_PUBLIC_URL", f"http://{bind}")
    _check_free(bind)
    data_dir = load_settings().data_dir.resolve()
    os.environ["YHTEYS_DATA_DIR"] = str(data_dir)
    accounts = _prepare(data_dir)
    _greet(bind, accounts)
    _run(bind)


def _check_free(bind: str) -> None:
    host, _, port = bind.rpartition(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            raise click.ClickException(
                f"something already answers at {bind}; stop it, or give another address with --bind"
            ) from None


def _prepare(data_dir: Path) -> dict[str, str]:
    """Database, content and accounts; what is there already is kept. Returns e-mail addresses and passwords."""
    from flask_migrate import upgrade

    from portal import create_app
    from portal.operations.editions import publish_edition

    app = create_app()
    with app.app_context():
        upgrade()
        publish_edition(content=app.extensions["yhteys.content"])
        accounts = _accounts(data_dir)
        _calls(accounts)
        return accounts


def _accounts(data_dir: Path) -> dict[str, str]:
    """Demo accounts: the content's managers, a coordinator and a reviewer, with passwords made on this machine."""
    from portal.operations.accounts import AccountExists, add_account
    from portal.queries.editions import content
    from portal.rules.policy import Role

    kept = data_dir / _SIGN_INS
    known: dict[str, str] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    language = content().organisation.default_language
    people: list[tuple[str, str, Role]] = [(manager.key, manager.name, "manager") for manager in content().managers]
    people += [("coordinator", "Demo Coordinator", "coordinator"), ("reviewer", "Demo Reviewer", "reviewer")]
    for key, name, role in people:
        email = f"{key}@demo.example.org"
        if email in known:
            continue
        password = "-".join(secrets.token_hex(2) for _ in range(4))
        try:
            add_account(
                email=email,
                name=name,
                role=role,
                manager_key=key if role == "manager" else None,
                language=language,
                password=password,
            )
        except AccountExists:
            continue
        known[email] = password
        kept.touch(mode=0o600)
        kept.write_text(json.dumps(known, indent=2), "utf-8")
    return known


def _calls(accounts: dict[str, str]) -> None:
    """Sample calls for interns, led by the first manager, once."""
    from portal.operations.sample_calls import add_sample_calls
    from portal.queries.accounts import find_account
    from portal.settings import data_root

    lead, reviewer = find_account(next(iter(accounts), "")), find_account(_REVIEWER)
    if lead is not None and reviewer is not None:
        samples = tomllib.loads((data_root() / "config" / "samples" / "calls.toml").read_text("utf-8"))
        add_sample_calls(lead.viewer, samples=samples["calls"], reviewer_id=reviewer.id)


def _greet(bind: str, accounts: dict[str, str]) -> None:
    click.echo(f"\n  The portal          http://{bind}/")
    click.echo(f"  The workspace       http://{bind}/workspace/")
    click.echo(f"  Captured mail       http://{bind}/_mail/   (no letter leaves this machine)\n")
    for number, (email, password) in enumerate(accounts.items()):
        role = next((role for role in ("coordinator", "reviewer") if email.startswith(role)), None)
        title = "Demo manager" if number == 0 else f"Demo {role}" if role else None
        if title:
            click.echo(f"  {title:<18}  {email}   password: {password}")
    click.echo("\n  Ctrl-C stops everything.\n")


def _run(bind: str) -> None:
    command = [sys.executable, "-m", "portal.cli"]
    # In a session of their own, so that Ctrl-C reaches them once, through us, and in order.
    apart: dict[str, Any] = {"start_new_session": True}
    processes = [
        subprocess.Popen([*command, "serve", "--bind", bind, "--grace", "2"], **apart),  # noqa: S603
        subprocess.Popen([*command, "worker"], **apart),  # noqa: S603
    ]
    # Ctrl-C too: a shell that starts a program in the background has it ignore that.
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    try:
        while all(process.poll() is None for process in processes):
            time.sleep(0.3)
        ended = "the server" if processes[0].poll() is not None else "the letter worker"
        raise click.ClickException(f"{ended} has ended by itself; everything is stopped")
    except KeyboardInterrupt:
        pass
    finally:
        _stop(processes)
    click.echo("Stopped.")


def _stop(processes: list["subprocess.Popen[bytes]"]) -> None:
    """End both, politely first; a second Ctrl-C must not leave them behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for process in processes:
        if process.poll() is None:
            process.terminate()
    for process in processes:
        try:
            process.wait(timeout=25)
        except subprocess.TimeoutExpired:
            process.kill()


def register(group: click.Group) -> None:
    """Add the command."""
    group.add_command(demo)
