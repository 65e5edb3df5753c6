"""``portal content``: check and publish what the installation says; ``portal check``: is it fit to run."""

import click
from flask import current_app
from flask.cli import with_appcontext


@click.group()
def content() -> None:
    """What the installation says and who answers what."""


@content.command("check")
@with_appcontext
def check_content() -> None:
    """Validate the content; every fault is shown with its file and key."""
    edition = current_app.extensions["yhteys.content"]
    click.echo(f"{len(edition.topics)} topics, {len(edition.managers)} managers: no faults")


@content.command("publish")
@with_appcontext
def publish() -> None:
    """Store the content as the edition that submissions are routed by."""
    from portal.operations.editions import publish_edition

    click.echo(f"edition {publish_edition(content=current_app.extensions['yhteys.content'])} is live")


@click.command()
@with_appcontext
def check() -> None:
    """Check that this installation can keep its promises: content, database, durability, files."""
    from portal.cli.checks import faults

    found = faults()
    for fault in found:
        click.echo(fault, err=True)
    if found:
        raise SystemExit(1)
    click.echo("all is well")


def register(group: click.Group) -> None:
    """Add the commands."""
    group.add_command(content)
    group.add_command(check)
