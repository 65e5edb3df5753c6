"""``portal route --json``: an answer a line, in order."""

import json
from typing import Any

from portal.cli.route import route_lines
from portal.content.loader import load_content
from portal.settings import data_root

CONTENT = load_content(data_root() / "config", frozenset({"fi", "sv", "en"}))


def answers(*lines: str | bytes, absent: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
    encoded = [line if isinstance(line, bytes) else line.encode() for line in lines]
    return list(route_lines(encoded, CONTENT, absent))


def ask(**values: object) -> str:
    return json.dumps({"topic": "errin", "lang": "en", "text": "hello", "kind": "inquiry", **values})


def test_a_topic_gives_the_managers_key() -> None:
    (answer,) = answers(ask())
    assert (answer["topic"], answer["manager"]) == ("errin", "koponen")
    assert "Hannu Koponen" in answer["because"]


def test_no_topic_is_triage_for_both_kinds() -> None:
    for answer in answers(ask(topic=None), ask(topic="triage", kind="internship")):
        assert (answer["topic"], answer["manager"]) == ("triage", "triage")


def test_the_reason_is_in_the_language_asked_for() -> None:
    said = {answer["because"] for answer in answers(*(ask(lang=code) for code in ("fi", "sv", "en")))}
    assert len(said) == 3


def test_absences_count() -> None:
    (answer,) = answers(ask(), absent=frozenset({"koponen"}))
    assert answer["manager"] == "pirinen"


def test_bad_lines_get_an_error_in_their_place() -> None:
    lines = [
        ask(),
        "not json",
        b"\xff\xfe",
        "[]",
        "null",
        "",
        ask(topic="weather"),
        ask(topic=5),
        ask(lang="de"),
        ask(lang=None),
        ask(kind="complaint"),
        ask(kind=[]),
        ask(text=7),
        "[" * 100_000,
        ask(topic=None),
    ]
    found = answers(*lines)
    assert len(found) == len(lines)
    assert [("error" in answer) for answer in found] == [False, *[True] * 13, False]
