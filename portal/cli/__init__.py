"""The ``portal`` command."""

import sys

import click
from flask.cli import FlaskGroup


def _make_app() -> object:
    from portal import create_app

    return create_app()


@click.group(cls=FlaskGroup, create_app=_make_app, add_default_commands=False, add_version_option=False)
def group() -> None:
    """Runs and looks after an installation of Yhteys. Settings come from YHTEYS_… in the environment."""


def main() -> None:
    """Run the command; faults of settings or content are shown whole, without a traceback."""
    from portal.cli import accounts, content, demo, route, serve
    from portal.content.loader import ContentFault
    from portal.logs import configure
    from portal.settings import SettingsFault

    configure()
    for module in (accounts, content, demo, route, serve):
        module.register(group)
    try:
        group(standalone_mode=True)
    except (ContentFault, SettingsFault) as fault:
        click.echo(str(fault), err=True)
        sys.exit(2)
