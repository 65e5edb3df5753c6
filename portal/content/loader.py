"""Reads ``config/`` and finds every fault in it before anything starts."""

import tomllib
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, TypeVar, get_args
from zoneinfo import available_timezones

from pydantic import BaseModel, ValidationError

from portal.content.schema import (
    TRIAGE,
    Advice,
    Background,
    Citizenship,
    Content,
    Examples,
    Length,
    LifeCycle,
    Manager,
    Organisation,
    Page,
    Pay,
    Priority,
    Programme,
    Topic,
)

M = TypeVar("M", bound=BaseModel)

LISTS: dict[str, type[BaseModel]] = {
    "priorities": Priority,
    "topics": Topic,
    "programmes": Programme,
    "managers": Manager,
    "pages": Page,
    "examples": Examples,
    "precheck": Advice,
}
OPTIONAL = frozenset({"examples"})
"""Lists whose file need not be there."""
REQUIRED_PAGES = ("privacy", "accessibility")


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where it stands and why it cannot be used."""

    file: str
    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.reason}" if self.key else f"{self.file}: {self.reason}"


class ContentFault(Exception):
    """The content cannot be used; ``faults`` holds all of what is wrong, in the order of the files."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


def load_content(folder: Path, known_languages: frozenset[str]) -> Content:
    """Read and validate the content of an installation.

    Args:
        folder: holds ``organisation.toml`` and one file for each list (``topics.toml`` and so on).
        known_languages: the languages that the program's own texts exist in.

    Raises:
        ContentFault: with every fault found.
    """
    reader = _Reader(folder)
    organisation = reader.single("organisation", Organisation)
    rows = {name: reader.rows(name, model) for name, model in LISTS.items()}
    faults = reader.faults
    faults += _organisation_faults(organisation, known_languages)
    # Without a usable organisation nobody knows the languages, and every text would seem to be at fault.
    if organisation:
        for name, items in rows.items():
            for place, item in items:
                faults += _language_faults(f"{name}.toml", place, item, organisation.languages)
        faults += _language_faults("organisation.toml", "", organisation, organisation.languages)
    faults += _Crossings(reader.raw, rows).faults()
    if faults or organisation is None:
        files = ["organisation.toml", *(f"{name}.toml" for name in LISTS)]
        raise ContentFault(sorted(faults, key=lambda fault: files.index(fault.file)))
    return Content.model_validate(
        {"organisation": organisation, **{name: [item for _, item in items] for name, items in rows.items()}}
    )


class _Reader:
    """Reads files and keeps what was wrong with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[Fault] = []
        self.raw: dict[str, list[dict[str, Any]]] = {}

    def _table(self, name: str) -> dict[str, Any] | None:
        file = f"{name}.toml"
        try:
            return tomllib.loads((self.folder / file).read_text("utf-8"))
        except FileNotFoundError:
            if name not in OPTIONAL:
                self.faults.append(Fault(file, "", "the file is missing"))
        except tomllib.TOMLDecodeError as error:
            self.faults.append(Fault(file, "", f"is not valid TOML: {error}"))
        except UnicodeDecodeError:
            self.faults.append(Fault(file, "", "is not UTF-8 text"))
        except OSError as error:
            self.faults.append(Fault(file, "", f"cannot be read: {error.strerror}"))
        except RecursionError:
            self.faults.append(Fault(file, "", "is nested too deeply"))
        return None

    def single(self, name: str, model: type[M]) -> M | None:
        table = self._table(name)
        return None if table is None else self._item(f"{name}.toml", "", table, model)

    def rows(self, name: str, model: type[M]) -> list[tuple[str, M]]:
        """The valid items of a list with their places, e.g. ``topics[errin]``."""
        table = self._table(name) or {name: []}
        file = f"{name}.toml"
        for key in sorted(table.keys() - {name}):
            self.faults.append(Fault(file, key, f"unknown key; the file holds only [[{name}]]"))
        rows = table.get(name, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            self.faults.append(Fault(file, name, f"must be a list of tables, [[{name}]]"))
            rows = []
        self.raw[name] = rows
        found = []
        for position, row in enumerate(rows):
            label = row.get("slug") or row.get("key") or row.get("topic") or position
            item = self._item(file, f"{name}[{label}]", row, model)
            if item is not None:
                found.append((f"{name}[{label}]", item))
        return found

    def _item(self, file: str, place: str, table: dict[str, Any], model: type[M]) -> M | None:
        try:
            return model.model_validate(table)
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_input=False):
                key = ".".join([place, *map(str, fault["loc"])] if place else map(str, fault["loc"]))
                self.faults.append(Fault(file, key, str(fault["msg"])))
            return None


def _organisation_faults(organisation: Organisation | None, known: frozenset[str]) -> list[Fault]:
    if organisation is None:
        return []
    file = "organisation.toml"
    faults = [
        Fault(file, "languages", f"the program has no texts in {code!r}; it knows {', '.join(sorted(known))}")
        for code in organisation.languages
        if code not in known
    ]
    if len(set(organisation.languages)) != len(organisation.languages):
        faults.append(Fault(file, "languages", "a language is named twice"))
    if organisation.time_zone not in available_timezones():
        faults.append(Fault(file, "time_zone", f"there is no time zone {organisation.time_zone!r}"))
    return faults


def _language_faults(file: str, place: str, item: BaseModel, languages: tuple[str, ...]) -> list[Fault]:
    """Texts that lack a language of the installation, or have one that it does not speak."""
    faults: list[Fault] = []
    for name, value in item:
        here = f"{place}.{name}" if place else name
        if isinstance(item, Manager) and name == "language" and value not in languages:
            faults.append(Fault(file, here, f"the installation does not speak {value!r}"))
        elif isinstance(value, dict):
            absent, foreign = set(languages) - value.keys(), value.keys() - set(languages)
            if isinstance(item, Examples):  # whoever has none in a language is recognised by the others
                absent = set()
            faults += [Fault(file, f"{here}.{code}", "the text is missing in this language") for code in sorted(absent)]
            faults += [
                Fault(file, f"{here}.{code}", "the installation does not speak this language")
                for code in sorted(foreign)
            ]
        elif isinstance(value, BaseModel):
            faults += _language_faults(file, here, value, languages)
        elif isinstance(value, tuple):
            for position, part in enumerate(value):
                if isinstance(part, BaseModel):
                    faults += _language_faults(file, f"{here}[{position}]", part, languages)
    return faults


def _in_order(started: str, ended: str) -> bool:
    """Compare partial dates as far as both are known: ``2015-11`` may well end in ``2015``."""
    known = min(len(started), len(ended))
    return started[:known] <= ended[:known]


class _Crossings:
    """What one file says about another: references that lead nowhere, names used twice, circles."""

    def __init__(self, raw: dict[str, list[dict[str, Any]]], rows: dict[str, list[tuple[str, Any]]]) -> None:
        # Names come from the raw rows: a topic with a bad title still exists for those who point to it.
        self.names = {
            name: [str(key) for row in items if (key := row.get("key" if name == "managers" else "slug")) is not None]
            for name, items in raw.items()
        }
        self.rows = rows

    def faults(self) -> list[Fault]:
        return [
            *self._twice(),
            *self._nowhere(),
            *self._life_cycles(),
            *self._circles(),
            *self._absent(),
            *self._unanswered(),
        ]

    def _twice(self) -> list[Fault]:
        faults = []
        for name, keys in self.names.items():
            faults += [
                Fault(f"{name}.toml", f"{name}[{key}]", "the name is used twice")
                for key in sorted({key for key in keys if keys.count(key) > 1})
            ]
            if name in ("topics", "managers") and TRIAGE in keys:
                faults.append(Fault(f"{name}.toml", f"{name}[{TRIAGE}]", "the name is reserved for the triage queue"))
        return faults

    def _nowhere(self) -> list[Fault]:
        checks = (
            ("topics", "manager", "managers"),
            ("topics", "priority", "priorities"),
            ("programmes", "priority", "priorities"),
            ("programmes", "topic", "topics"),
            ("managers", "deputy", "managers"),
        )
        return [
            Fault(f"{source}.toml", f"{place}.{field}", f"{target}.toml has no {getattr(item, field)!r}")
            for source, field, target in checks
            for place, item in self.rows[source]
            if getattr(item, field) is not None and getattr(item, field) not in self.names[target]
        ] + [
            Fault("examples.toml", f"{place}.topic", f"topics.toml has no {item.topic!r}")
            for place, item in self.rows["examples"]
            if item.topic not in (*self.names["topics"], TRIAGE)
        ]

    def _life_cycles(self) -> list[Fault]:
        faults = []
        for name in ("topics", "programmes"):
            for place, item in self.rows[name]:
                assert isinstance(item, LifeCycle)
                if item.status == "active" and item.ended:
                    faults.append(Fault(f"{name}.toml", f"{place}.ended", "an active one has no end"))
                if item.status == "ended" and not item.ended:
                    faults.append(Fault(f"{name}.toml", f"{place}.ended", "say when it ended"))
                if item.status == "renamed" and item.successor is None:
                    faults.append(Fault(f"{name}.toml", f"{place}.successor", "say what it is called now"))
                if item.started and item.ended and not _in_order(item.started, item.ended):
                    faults.append(Fault(f"{name}.toml", f"{place}.ended", "ends before it starts"))
        return faults

    def _circles(self) -> list[Fault]:
        """A manager may be the deputy of their deputy (two people cover each other), but never their own."""
        return [
            Fault("managers.toml", f"{place}.deputy", "nobody is their own deputy")
            for place, item in self.rows["managers"]
            if item.deputy == item.key
        ]

    def _absent(self) -> list[Fault]:
        faults = [
            Fault("pages.toml", slug, "the page is required by law and is missing")
            for slug in REQUIRED_PAGES
            if slug not in self.names["pages"]
        ]
        faults += [
            Fault(f"{name}.toml", name, "at least one is needed")
            for name in ("priorities", "topics", "managers")
            if not self.names[name]
        ]
        return faults

    def _unanswered(self) -> list[Fault]:
        """Whoever asks 'Can I come?' is told something, whatever they answer."""
        advice = [item for _, item in self.rows["precheck"]]
        if len(advice) < len(self.names["precheck"]):
            return []  # advice with a fault of its own may be what seems to be missing
        unanswered = [
            ", ".join(answers)
            for answers in product(*map(get_args, (Citizenship, Background, Pay, Length)))
            if not any(item.outlook and item.covers(*answers) for item in advice)
        ]
        if not unanswered:
            return []
        reason = f"nothing with an outlook for {len(unanswered)} combinations of answers, the first: {unanswered[0]}"
        return [Fault("precheck.toml", "precheck", reason)]
