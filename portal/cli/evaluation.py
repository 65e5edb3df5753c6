"""How well messages are recognised by their text: accuracy, what is taken for what, and what nobody was sure of."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from portal.content.schema import TRIAGE, Content
from portal.rules.suggestion import clear_choice, suggester


@dataclass(frozen=True)
class Judged:
    """A message, where it belongs, and where its text leads; topics and managers are keys, or ``triage``."""

    language: str
    topic: str
    manager: str
    found_topic: str
    found_manager: str

    @property
    def right(self) -> bool:
        """Whether it reaches the right person; two topics of one manager are as good as one."""
        return self.manager == self.found_manager


def judge_lines(lines: Iterable[bytes], content: Content) -> tuple[list[Judged], list[str]]:
    """The messages of a file, judged, and a sentence for each line that cannot be used."""
    judged, bad = [], []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            judged.append(_judge(read_line(line), content))
        except ValueError as error:
            bad.append(f"line {number}: {error}")
    return judged, bad


def _judge(asked: dict[str, Any], content: Content) -> Judged:
    topic, text, language = asked.get("topic"), asked.get("text"), asked.get("lang")
    if topic != TRIAGE and topic not in content.topic_by_slug:
        raise ValueError(f"there is no topic {topic!r}")
    if not isinstance(text, str) or not isinstance(language, str):
        raise ValueError("text and lang must be strings")
    holders = {found.slug: found.manager for found in content.topics} | {TRIAGE: TRIAGE}
    found = clear_choice(suggester(content).suggest(text))
    return Judged(language, topic, holders[topic], found, holders[found])


def report(judged: list[Judged], content: Content) -> Iterator[str]:
    """The report's lines."""
    ours = [message for message in judged if message.topic != TRIAGE]
    others = [message for message in judged if message.topic == TRIAGE]
    yield f"right manager        {_share(ours)}"
    yield f"unrelated to triage  {_share(others)}"
    yield f"not sure of          {sum(message.found_topic == TRIAGE for message in ours)} of {len(ours)}"
    groups: dict[str, tuple[Iterable[str], Callable[[Judged], str]]] = {
        "language": (content.organisation.languages, lambda message: message.language),
        "topic": ((*content.topic_by_slug, TRIAGE), lambda message: message.topic),
        "manager": ((*content.manager_by_key, TRIAGE), lambda message: message.manager),
    }
    for title, (names, name_of) in groups.items():
        yield f"\nby {title}"
        for name in names:
            yield f"  {name:<20} {_share([message for message in judged if name_of(message) == name])}"
    yield from _confusion(judged, [*content.manager_by_key, TRIAGE])


def _confusion(judged: list[Judged], names: list[str]) -> Iterator[str]:
    """A row for each right manager, a column for each that the text led to."""
    times = Counter((message.manager, message.found_manager) for message in judged)
    width = max(len(name) for name in names) + 2
    yield "\nright manager (rows), found (columns)"
    yield " " * (width + 2) + "".join(f"{name:>{width}}" for name in names)
    for right in names:
        yield f"  {right:<{width}}" + "".join(f"{times[right, found]:>{width}}" for found in names)


def _share(messages: list[Judged]) -> str:
    right = sum(message.right for message in messages)
    return f"{right} of {len(messages)}" + (f"  {right / len(messages):.1%}" if messages else "")


def read_line(line: bytes) -> dict[str, Any]:
    """A line of JSON as an object.

    Raises:
        ValueError: with the reason why it cannot be used.
    """
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
