"""What an installation says and who answers what: the shape of an edition.

An edition is one frozen document. It is read from ``config/``, validated as a whole and stored under a
number; the running program holds one. Texts that people read are given in every language of the
installation (``Text``: language code → text).
"""

import hashlib
import json
from datetime import date
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, EmailStr, Field, HttpUrl, StringConstraints, TypeAdapter

TRIAGE = "triage"
"""The key of the triage queue, where every manager looks; reserved among topics and managers."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)]
Prose = Annotated[str, StringConstraints(min_length=1, max_length=20_000, strip_whitespace=True)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Text = dict[Language, Line]
LongText = dict[Language, Prose]


_http_url = TypeAdapter(HttpUrl)


def _is_address(value: str) -> str:
    return str(_http_url.validate_python(value))


def _is_in_the_calendar(value: str) -> str:
    date.fromisoformat((value + "-01-01")[:10])
    return value


Address = Annotated[str, AfterValidator(_is_address)]
PartialDate = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"), AfterValidator(_is_in_the_calendar)
]
"""A year, a month or a day, as exactly as it is known: ``2015``, ``2015-11``, ``2015-11-30``."""

Status = Literal["active", "ended", "renamed"]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Successor(Frozen):
    """What took over from something that ended or changed its name."""

    name: Text
    url: Address | None = None


class LifeCycle(Frozen):
    """Whether a network, project or programme still runs, and when somebody last made sure."""

    status: Status = "active"
    started: PartialDate | None = None
    ended: PartialDate | None = None
    successor: Successor | None = None
    note: LongText | None = None
    checked_on: date


class Topic(LifeCycle):
    """Something people ask about. Its page says what it is; its manager answers."""

    slug: Slug
    kind: Literal["network", "project", "theme"]
    priority: Slug
    manager: Slug
    title: Text
    summary: LongText
    body: LongText | None = None
    url: Address | None = None


class Programme(LifeCycle):
    """A funding programme, company or association shown under a priority; its questions go to ``topic``."""

    slug: Slug
    kind: Literal["programme", "company"]
    priority: Slug
    topic: Slug
    title: Text
    summary: LongText
    url: Address | None = None


class Priority(Frozen):
    """One of the body's international priorities."""

    slug: Slug
    title: Text
    summary: LongText
    body: LongText


class Manager(Frozen):
    """A person who answers. ``deputy`` is internal: it is never shown to the public."""

    key: Slug
    name: Line
    title: Text
    phone: Annotated[str, StringConstraints(pattern=r"^\+[0-9 ]{6,24}$")]
    email: EmailStr
    language: Language
    deputy: Slug | None = None


class Examples(Frozen):
    """Words and messages by which a topic is recognised; under ``triage`` stands what nobody here answers."""

    topic: Slug
    keywords: dict[Language, tuple[Line, ...]] = Field(default_factory=dict)
    sentences: dict[Language, tuple[Line, ...]] = Field(default_factory=dict)


class Section(Frozen):
    """A heading and its text; blank lines part paragraphs, lines that begin with ``- `` are a list."""

    heading: Text
    body: LongText


class Page(Frozen):
    """A page of running text, such as the privacy notice."""

    slug: Slug
    title: Text
    updated_on: date
    sections: tuple[Section, ...]


Citizenship = Literal["nordic", "eu", "other"]
Background = Literal["student", "graduated_1", "graduated_2", "neither"]
Pay = Literal["paid", "unpaid"]
Length = Literal["short", "medium", "long"]
"""Up to 13 weeks, 14 to 52, more."""

Outlook = Literal["yes", "conditions", "no"]


class Advice(Frozen):
    """Something that an intern from abroad should know before applying, with the authority that says so.

    It is for those whose answers are all named; an empty list stands for any answer. ``outlook`` says what it
    means for coming at all; advice without one only informs.
    """

    slug: Slug
    citizenships: tuple[Citizenship, ...] = ()
    backgrounds: tuple[Background, ...] = ()
    pay: tuple[Pay, ...] = ()
    lengths: tuple[Length, ...] = ()
    outlook: Outlook | None = None
    title: Text
    body: LongText
    authority: Text
    url: Address
    checked_on: date

    def covers(self, citizenship: Citizenship, background: Background, pay: Pay, length: Length) -> bool:
        """Whether it is for somebody with these answers."""
        return (
            citizenship in (self.citizenships or (citizenship,))
            and background in (self.backgrounds or (background,))
            and pay in (self.pay or (pay,))
            and length in (self.lengths or (length,))
        )


class Organisation(Frozen):
    """The body itself."""

    reference_prefix: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,4}$")]
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = "FI"
    """ISO 3166-1 alpha-2; editions from before it are Finnish."""
    time_zone: str
    time_zone_name: Text
    languages: tuple[Language, ...] = Field(min_length=1)
    name: Text
    site_name: Text
    tagline: LongText
    introduction: LongText
    home_url: Address
    answer_within_working_days: int = Field(ge=1, le=60)
    retention_months: int = Field(ge=1, le=240)

    @property
    def default_language(self) -> str:
        return self.languages[0]

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Content(Frozen):
    """All of it. Look things up by slug with ``topic_by_slug`` and its like."""

    organisation: Organisation
    priorities: tuple[Priority, ...]
    topics: tuple[Topic, ...]
    programmes: tuple[Programme, ...]
    managers: tuple[Manager, ...]
    pages: tuple[Page, ...]
    examples: tuple[Examples, ...] = ()
    precheck: tuple[Advice, ...] = ()
    """What ``Can I come?`` knows; editions from before it have none."""

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def topic_by_slug(self) -> dict[str, Topic]:
        return {topic.slug: topic for topic in self.topics}

    @cached_property
    def manager_by_key(self) -> dict[str, Manager]:
        return {manager.key: manager for manager in self.managers}

    @cached_property
    def priority_by_slug(self) -> dict[str, Priority]:
        return {priority.slug: priority for priority in self.priorities}

    @cached_property
    def page_by_slug(self) -> dict[str, Page]:
        return {page.slug: page for page in self.pages}

    @cached_property
    def document(self) -> str:
        """The edition as canonical JSON: equal contents give equal bytes."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the document, in hex."""
        return hashlib.sha256(self.document.encode()).hexdigest()
