"""Languages: the one in force, its catalogue, and dates and numbers said in it.

The language is chosen once a request (or once a letter) and kept in a context variable; a message
costs one dictionary look-up. English texts are the message ids, so English needs no catalogue.
"""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from functools import lru_cache
from gettext import NullTranslations
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, dates
from babel.support import Translations
from markupsafe import escape

CATALOGUES = Path(__file__).resolve().parent / "translations"
SOURCE_LANGUAGE = "en"
# Finnish rules of writing hold for every language of the installation: an English page still says
# 24 November 2026, and Swedish is that of Finland.
_LOCALES = {"en": "en_GB", "sv": "sv_FI", "fi": "fi_FI"}

_language: ContextVar[str] = ContextVar("language", default=SOURCE_LANGUAGE)


def language() -> str:
    """The language in force, e.g. ``fi``."""
    return _language.get()


def set_language(code: str) -> None:
    """Choose the language for the rest of this request."""
    _language.set(code)


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak ``code`` inside the block."""
    mark = _language.set(code)
    try:
        yield
    finally:
        _language.reset(mark)


@lru_cache
def catalogue(code: str) -> NullTranslations:
    """The compiled catalogue of a language; English, the source, needs none.

    Raises:
        FileNotFoundError: the catalogue was not compiled (``make build``).
    """
    if code == SOURCE_LANGUAGE:
        return NullTranslations()
    path = CATALOGUES / code / "LC_MESSAGES" / "messages.mo"
    with path.open("rb") as compiled:
        return Translations(compiled)


def known_languages() -> frozenset[str]:
    """Languages that the program's own texts exist in."""
    return frozenset({SOURCE_LANGUAGE, *(p.name for p in CATALOGUES.iterdir() if p.is_dir())})


def gettext(message: str, /, **values: object) -> str:
    """``message`` in the language in force."""
    text = catalogue(_language.get()).gettext(message)
    return text % values if values else text


def ngettext(singular: str, plural: str, number: int, /, **values: object) -> str:
    """The form of the message that ``number`` asks for, with ``%(num)s`` filled in."""
    text = catalogue(_language.get()).ngettext(singular, plural, number)
    return text % {"num": number, **values}


def pgettext(context: str, message: str, /, **values: object) -> str:
    """``message`` as meant in ``context``, for words that other languages say in several ways."""
    text = catalogue(_language.get()).pgettext(context, message)
    return text % values if values else text


def N_(message: str) -> str:
    """Mark a message for the catalogue; it is translated where it is shown."""
    return message


class LazyText:
    """A message that is translated each time it is shown: for labels of forms, which are made once."""

    def __init__(self, message: str) -> None:
        self.message = message

    def __str__(self) -> str:
        return gettext(self.message)

    def __html__(self) -> str:
        return str(escape(str(self)))


def lazy_gettext(message: str) -> str:
    """``message``, translated when it is shown. It stands where a text is expected, so it says it is one."""
    return LazyText(message)  # type: ignore[return-value]


@lru_cache
def locale(code: str) -> Locale:
    """Babel's locale of a language."""
    return Locale.parse(_LOCALES.get(code, code))


def own_name(code: str) -> str:
    """What a language calls itself, e.g. ``Suomi``."""
    return (locale(code).get_language_name(code) or code).capitalize()


def format_moment(moment: datetime, zone: ZoneInfo) -> str:
    """Day and time to the minute, e.g. ``24 November 2026 at 14:05``, in the installation's time zone."""
    local = moment.astimezone(zone)
    return gettext("%(day)s at %(time)s", day=format_day(local.date()), time=format_time(local))


def format_time(local: datetime) -> str:
    """Hours and minutes; Finnish and the Swedish of Finland write them with a full stop, as in ``9.05``."""
    if _language.get() in ("fi", "sv"):
        return f"{local.hour}.{local.minute:02d}"
    return f"{local.hour:02d}:{local.minute:02d}"


def format_day(day: date) -> str:
    """A day written out, e.g. ``24 November 2026``."""
    return dates.format_date(day, "long", locale=locale(_language.get()))


def format_size(size_bytes: int) -> str:
    """A file's size in the unit that reads best, e.g. ``1.4 MB``."""
    if size_bytes < 1000:
        return ngettext("%(num)s byte", "%(num)s bytes", size_bytes)
    large = size_bytes >= 1_000_000
    number = f"{size_bytes / (1_000_000 if large else 1000):.1f}".removesuffix(".0")
    size = number.replace(".", locale(_language.get()).number_symbols["latn"]["decimal"])
    return gettext("%(size)s MB", size=size) if large else gettext("%(size)s kB", size=size)


@lru_cache
def countries(code: str) -> tuple[tuple[str, str], ...]:
    """Country codes (ISO 3166-1 alpha-2) and their names, in the order of the language's alphabet."""
    names = {str(key): str(name) for key, name in locale(code).territories.items()}
    rows = [(key, names[key]) for key in names if len(key) == 2 and key.isalpha() and key not in _NOT_COUNTRIES]
    return tuple(sorted(rows, key=lambda row: _alphabetical(row[1], code)))


@lru_cache
def spoken_languages(code: str) -> tuple[tuple[str, str], ...]:
    """Language codes (ISO 639-1) and their names, in the order of the language's alphabet."""
    names = {str(key): str(name) for key, name in locale(code).languages.items() if len(key) == 2}
    rows = [(key, name[:1].upper() + name[1:]) for key, name in names.items()]
    return tuple(sorted(rows, key=lambda row: _alphabetical(row[1], code)))


_NOT_COUNTRIES = frozenset({"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"})
_NORDIC_ORDER = str.maketrans({"å": "z1", "ä": "z2", "ö": "z3"})


def _alphabetical(name: str, code: str) -> str:
    """Å, Ä and Ö close the alphabet in Finnish and Swedish; elsewhere they sort as A and O."""
    lowered = name.lower()
    if code in ("fi", "sv"):
        lowered = lowered.translate(_NORDIC_ORDER)
    return "".join(c for c in unicodedata.normalize("NFD", lowered) if not unicodedata.combining(c))
