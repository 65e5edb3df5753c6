"""``portal route``: who would get a message, for scripts and for trying out a set-up."""

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from portal.content.schema import Content
from portal.rules.routing import KINDS, UnknownTopic, because, route


@click.command("route")
@click.option("--json", "as_json", is_flag=True, required=True, help="Read and write JSON lines.")
@with_appcontext
def route_command(as_json: bool) -> None:  # noqa: ARG001  one form of output for now, asked for by name
    """Read JSON lines {"topic", "lang", "text", "kind"} on standard input; write who gets each, and why.

    A bad line gets an {"error"} line in its place, and the exit status is 1 at the end.
    """
    content: Content = current_app.extensions["yhteys.content"]
    absent, bad = _absent(), False
    for answer in route_lines(sys.stdin.buffer, content, absent):
        bad = bad or "error" in answer
        click.echo(json.dumps(answer, ensure_ascii=False))
    if bad:
        raise SystemExit(1)


def route_lines(lines: Iterable[bytes], content: Content, absent: frozenset[str]) -> Iterator[dict[str, str]]:
    """An answer to each line, in order."""
    for line in lines:
        try:
            yield _answer(line, content, absent)
        except ValueError as error:
            yield {"error": str(error)}


def _answer(line: bytes, content: Content, absent: frozenset[str]) -> dict[str, str]:
    asked = _read(line)
    topic, language = asked.get("topic"), asked.get("lang")
    if topic is not None and not isinstance(topic, str):
        raise ValueError("topic must be a string or null")
    if language not in content.organisation.languages:
        raise ValueError(f"lang must be one of {', '.join(content.organisation.languages)}")
    if asked.get("kind", "inquiry") not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}")
    if not isinstance(asked.get("text", ""), str):
        raise ValueError("text must be a string")
    try:
        decision = route(content, topic=topic, absent=absent)
    except UnknownTopic:
        raise ValueError(f"there is no topic {topic!r}") from None
    return {
        "topic": decision.topic,
        "manager": decision.holder,
        "because": because(content, decision, language),
    }


def _read(line: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("the line is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"the line is not JSON: {error.msg}") from None
    except RecursionError:
        raise ValueError("the line is nested too deeply") from None
    if not isinstance(asked, dict):
        raise ValueError("the line is not a JSON object")
    return asked


def _absent() -> frozenset[str]:
    """Who is away today; before there is a database, nobody."""
    from portal.database import db
    from portal.queries.directory import get_directory

    try:
        return get_directory().absent
    except SQLAlchemyError:
        db.session.rollback()
        click.echo("there is no database yet, so absences are not known", err=True)
        return frozenset()


def register(group: click.Group) -> None:
    """Add the command."""
    group.add_command(route_command)
