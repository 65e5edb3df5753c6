"""What every template can use: texts, dates, addresses of pages and files, and safe ways to show them."""

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from urllib.parse import urlencode

from babel import dates
from flask import Flask, g, request, url_for
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape

from portal import i18n
from portal.content.calls import said, spoken
from portal.content.schema import TRIAGE, Content
from portal.gateways.links import public_link
from portal.i18n import gettext
from portal.queries.editions import content
from portal.rules.calls import DOCUMENTS_GRACE
from portal.rules.text import reveal
from portal.settings import PACKAGE
from portal.web.forms import ActionForm


def init_app(app: Flask) -> None:
    """Give templates their globals and filters."""
    loaded: Content = app.extensions["yhteys.content"]
    environment = app.jinja_env
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        i18n.gettext, i18n.ngettext, newstyle=True, pgettext=i18n.pgettext
    )
    environment.globals["_"] = _translated
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.globals.update(
        asset=asset,
        content=loaded,
        organisation=loaded.organisation,
        languages=loaded.organisation.languages,
        language_names={code: i18n.own_name(code) for code in loaded.organisation.languages},
        text=text_in_language,
        switch=switch,
        holder_name=holder_name,
        holder_names=holder_names,
        topic_title=topic_title,
        topic_titles=topic_titles,
        country_options=country_options,
        country_name=country_name,
        today=_today,
        zone_name=zone_name,
        public_link=public_link,
        said=said,
        spoken=spoken,
        spoken_in=spoken_in,
        documents_grace_hours=int(DOCUMENTS_GRACE.total_seconds() // 3600),
    )
    environment.filters.update(
        prose=prose,
        lines=lines,
        address=address,
        phone=phone,
        day=i18n.format_day,
        moment=moment,
        moment_text=moment_text,
        exact_moment=exact_moment,
        exact_moment_text=exact_moment_text,
        short_moment=short_moment,
        zoned=zoned,
        zoned_text=zoned_text,
        iso=lambda value: value.isoformat(),
        from_iso=datetime.fromisoformat,
        partial_date=partial_date,
        utc_offset=utc_offset,
        language_name=i18n.language_name,
        filesize=i18n.format_size,
        reveal=reveal,
    )
    app.context_processor(_of_this_request)


def _of_this_request() -> dict[str, object]:
    """The language, and in the workspace who is signed in."""
    said: dict[str, object] = {"lang": i18n.language()}
    if "viewer" in g:
        said.update(viewer=g.viewer, sign_out_form=ActionForm(formdata=None))
    return said


@pass_eval_context
def _translated(evaluation: EvalContext, message: str, /, **values: object) -> str:
    """``_`` in templates, as the extension's own but without its two detours through the context at each call."""
    text = i18n.gettext(message)
    if evaluation.autoescape:
        text = Markup(text)  # noqa: S704  catalogues are ours
    return text % values if values else text


def asset(name: str) -> str:
    """The address of a built file, with its content's hash in its name."""
    return url_for("static", filename=_manifest().get(name, name))


@lru_cache
def _manifest() -> dict[str, str]:
    loaded: dict[str, str] = json.loads((PACKAGE / "static" / "manifest.json").read_text("utf-8"))
    return loaded


def text_in_language(texts: dict[str, str]) -> str:
    """The text in the language in force; an edition of another language set falls back to its first."""
    return texts.get(i18n.language()) or next(iter(texts.values()))


def spoken_in(code: str, caller: Callable[[], str]) -> str:
    """Render a part of a page in a language of its own, which the page around it need not speak.

    In a template: ``{% call spoken_in("sv") %}…{% endcall %}``.
    """
    with i18n.speaking(code):
        return caller()


def switch(code: str) -> str:
    """This page's address in another language; where there is none, the front page."""
    if request.endpoint is None or not request.endpoint.startswith("public."):
        return url_for("public.front", lang=code)
    address = url_for(request.endpoint, **{**(request.view_args or {}), "lang": code})
    query = urlencode([(name, value) for name, value in request.args.items(multi=True) if name != "lang"])
    return f"{address}?{query}" if query else address


def holder_name(key: str) -> str:
    """Who has a case, by name; a key that the content no longer knows is shown as it is."""
    return holder_names().get(key, key)


def topic_title(slug: str) -> str:
    """A topic's title in the language in force; a slug that the content no longer knows is shown as it is."""
    return topic_titles().get(slug, slug)


def holder_names() -> dict[str, str]:
    """Everybody who can have a case, by key."""
    return _holder_names(content(), i18n.language())


def topic_titles() -> dict[str, str]:
    """Every topic's title in the language in force, by slug."""
    return _topic_titles(content(), i18n.language())


@lru_cache
def _holder_names(edition: Content, _code: str) -> dict[str, str]:
    return {TRIAGE: gettext("Triage"), **{manager.key: manager.name for manager in edition.managers}}


@lru_cache
def _topic_titles(edition: Content, _code: str) -> dict[str, str]:
    return {TRIAGE: gettext("I am not sure"), **{topic.slug: text_in_language(topic.title) for topic in edition.topics}}


def country_options() -> Markup:
    """All countries as options, in the order of the language's alphabet; made once a language."""
    return _country_options(i18n.language())


@lru_cache
def _country_options(code: str) -> Markup:
    return Markup("").join(
        Markup('<option value="{}">{}</option>').format(key, name) for key, name in i18n.countries(code)
    )


def country_name(key: str) -> str:
    """A country's name in the language in force."""
    return dict(i18n.countries(i18n.language())).get(key, key)


def prose(text: str) -> Markup:
    """Plain text as paragraphs and lists: blank lines part blocks, lines that begin with ``- `` are items."""
    return Markup("\n").join(_block(block) for block in re.split(r"\n\s*\n", text.strip()))


def _block(block: str) -> Markup:
    rows = block.splitlines()
    if all(row.lstrip().startswith("- ") for row in rows):
        items = Markup("").join(Markup("<li>{}</li>").format(row.lstrip()[2:]) for row in rows)
        return Markup("<ul>{}</ul>").format(items)
    return Markup("<p>{}</p>").format(" ".join(row.strip() for row in rows))


def lines(text: str) -> Markup:
    """What a person typed: its line breaks kept, hidden characters made visible, nothing else changed."""
    return Markup("<br>\n").join(escape(row) for row in reveal(text).split("\n"))


def address(email: str) -> Markup:
    """A mail link that people and screen readers use as any other, while plain harvesters find no address.

    Every character is written as a numeric reference, which a browser reads and a pattern search does not.
    """
    return Markup('<a href="{}">{}</a>').format(_as_references("mailto:" + email), _as_references(email))


def _as_references(text: str) -> Markup:
    return Markup("").join(Markup("&#{};").format(ord(character)) for character in text)


def phone(number: str) -> Markup:
    """A telephone link; the number is shown as it is written."""
    return Markup('<a href="tel:{}">{}</a>').format(number.replace(" ", ""), number.replace(" ", "\u00a0"))


def moment(value: datetime) -> Markup:
    """Day and time in the installation's time zone, for people and machines."""
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(timespec="minutes"), moment_text(value))


def moment_text(value: datetime) -> str:
    """Day and time in the installation's time zone, as text."""
    return i18n.format_moment(value, content().organisation.zone)


def zone_name() -> str:
    """What the installation's time is called, e.g. ``Helsinki time``."""
    return text_in_language(content().organisation.time_zone_name)


def zoned(value: datetime) -> Markup:
    """Day and time with the name of the installation's time, for readers who may live by another."""
    return Markup("{}, {}").format(moment(value), zone_name())


def zoned_text(value: datetime) -> str:
    """The same as text."""
    return f"{moment_text(value)}, {zone_name()}"


def utc_offset(value: datetime) -> str:
    """How far the installation's clock is from UTC at a moment, e.g. ``UTC+2``."""
    offset = value.astimezone(content().organisation.zone).utcoffset()
    minutes = round(offset.total_seconds() / 60) if offset else 0
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}{f':{rest:02d}' if rest else ''}"


def exact_moment(value: datetime) -> Markup:
    """Day and time to the second with the time zone named, for what counts by the minute."""
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(timespec="seconds"), exact_moment_text(value))


def exact_moment_text(value: datetime) -> str:
    """The same as text, e.g. ``24 November 2026 at 14:05:09 (Helsinki time)``."""
    zone = content().organisation.zone
    separator = "." if i18n.language() in ("fi", "sv") else ":"
    seconds = f"{separator}{value.astimezone(zone).second:02d}"
    return f"{i18n.format_moment(value, zone)}{seconds} ({zone_name()})"


def short_moment(value: datetime) -> str:
    """For lists: the time today, else the day, e.g. ``14:05`` or ``24.11.2026``."""
    local = value.astimezone(content().organisation.zone)
    if local.date() == _today():
        return i18n.format_time(local)
    return _short_day(i18n.language(), local.date())


@lru_cache(maxsize=2048)
def _short_day(code: str, day: date) -> str:
    return dates.format_date(day, "d.M.y" if code in ("fi", "sv") else "d MMM y", locale=i18n.locale(code))


def _today() -> date:
    from portal.queries.directory import today

    return today()


def partial_date(value: str) -> str:
    """A year, month or day as exactly as it is known."""
    parts = [int(part) for part in value.split("-")]
    if len(parts) == 1:
        return str(parts[0])
    if len(parts) == 3:
        return i18n.format_day(date(*parts))
    return dates.format_skeleton("yMMMM", date(parts[0], parts[1], 1), locale=i18n.locale(i18n.language()))
