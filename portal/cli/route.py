"""``portal route``: who would get a message, for scripts and for trying out a set-up."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from portal.cli.evaluation import judge_lines, read_line, report
from portal.content.schema import Content
from portal.rules.routing import KINDS, UnknownTopic, because, route
from portal.rules.suggestion import clear_choice, suggester


@click.group("route", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Read and write JSON lines.")
@click.pass_context
@with_appcontext
def route_command(context: click.Context, as_json: bool) -> None:
    """Read JSON lines {"topic", "lang", "text", "kind"} on standard input; write who gets each, and why.

    Without a topic the text decides, when it is clear what it is about; "suggestions" are what it may be about.
    A bad line gets an {"error"} line in its place, and the exit status is 1 at the end.
    """
    if context.invoked_subcommand is not None:
        return
    if not as_json:
        raise click.UsageError("say --json, or name a command", context)
    content: Content = current_app.extensions["yhteys.content"]
    absent, bad = _absent(), False
    for answer in route_lines(sys.stdin.buffer, content, absent):
        bad = bad or "error" in answer
        click.echo(json.dumps(answer, ensure_ascii=False))
    if bad:
        raise SystemExit(1)


@route_command.command("evaluate")
@click.argument("file", type=click.File("rb"))
@with_appcontext
def evaluate(file: BinaryIO) -> None:
    """Say how often the text alone leads to the right manager, for a FILE of JSON lines.

    Each line holds {"text", "topic", "lang"}; the topic is the right one, or "triage" for a message about something
    else. Nobody is taken for absent. The exit status is 1 when a line cannot be used.
    """
    content: Content = current_app.extensions["yhteys.content"]
    judged, bad = judge_lines(file, content)
    for line in report(judged, content):
        click.echo(line)
    for line in bad:
        click.echo(line, err=True)
    if bad:
        raise SystemExit(1)


def route_lines(lines: Iterable[bytes], content: Content, absent: frozenset[str]) -> Iterator[dict[str, Any]]:
    """An answer to each line, in order."""
    for line in lines:
        try:
            yield _answer(line, content, absent)
        except ValueError as error:
            yield {"error": str(error)}


def _answer(line: bytes, content: Content, absent: frozenset[str]) -> dict[str, Any]:
    asked = read_line(line)
    topic, language = asked.get("topic"), asked.get("lang")
    if topic is not None and not isinstance(topic, str):
        raise ValueError("topic must be a string or null")
    if language not in content.organisation.languages:
        raise ValueError(f"lang must be one of {', '.join(content.organisation.languages)}")
    if asked.get("kind", "inquiry") not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}")
    if not isinstance(asked.get("text", ""), str):
        raise ValueError("text must be a string")
    if topic is None:
        return _from_text(asked.get("text", ""), content, absent, language)
    try:
        decision = route(content, topic=topic, absent=absent)
    except UnknownTopic:
        raise ValueError(f"there is no topic {topic!r}") from None
    return {"topic": decision.topic, "manager": decision.holder, "because": because(content, decision, language)}


def _from_text(text: str, content: Content, absent: frozenset[str], language: str) -> dict[str, Any]:
    suggestions = suggester(content).suggest(text)
    decision = route(content, topic=clear_choice(suggestions), absent=absent)
    if decision.reason == "topic":
        decision = replace(decision, reason="suggested")
    return {
        "topic": decision.topic,
        "manager": decision.holder,
        "because": because(content, decision, language),
        "suggestions": [
            {"topic": found.topic, "score": found.score, "words": list(found.words)} for found in suggestions
        ],
    }


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
