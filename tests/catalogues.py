"""The catalogues of translated texts: bring them up to date, and see that nothing is missing in them.

``check`` collects the texts anew from the code and the templates, so one that was added, changed or removed since
``update`` (``make messages``) shows as a fault.
"""

import contextlib
import io
import re
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import PoFileError, read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
TRANSLATIONS = ROOT / "portal" / "translations"
LANGUAGES = ("fi", "sv")
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
KEYWORDS = ("_", "gettext", "lazy", "ngettext:1,2", "pgettext:1c,2", "N_")

_PLACEHOLDER = re.compile(
    r"%\((\w+)\)[#0\- +]*\d*(?:\.\d+)?([a-zA-Z])|%(?!%)[#0\- +]*\d*(?:\.\d+)?([a-zA-Z])|\{(\w*)\}"
)
_TAG = re.compile(r"</?[a-z][^<>]*>")


def extract(sources: Path = ROOT) -> Catalog:
    """Collect the texts of ``portal/`` and ``templates/`` under ``sources``."""
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "messages.pot"
        command = ["pybabel", "-q", "extract", f"--mapping-file={TRANSLATIONS / 'babel.cfg'}", "--no-default-keywords"]
        command += [f"--keyword={keyword}" for keyword in KEYWORDS]
        command += ["--add-location=file", "--add-comments=TRANSLATORS:", "--strip-comments", "--no-wrap"]
        command += [f"--output-file={template}", "portal", "templates"]
        # From there, so that the catalogues name files as everybody has them.
        with contextlib.chdir(sources), contextlib.redirect_stderr(io.StringIO()):
            CommandLineInterface().run(command)
        with template.open("rb") as file:
            return read_po(file)


def update(texts: Catalog, translations: Path = TRANSLATIONS) -> None:
    """Write the texts into the catalogues. A text that is said no more is kept as a comment, and comes back from it."""
    for language in LANGUAGES:
        file = translations / language / "LC_MESSAGES" / "messages.po"
        catalogue = _read(file, language) if file.exists() else _new(language)
        for gone in catalogue.obsolete.values():
            catalogue.add(gone.id, gone.string, context=gone.context)
        catalogue.obsolete.clear()
        # No guesses: a text that resembles another is still another.
        catalogue.update(texts, no_fuzzy_matching=True, update_creation_date=False)
        # Without these a merge of two branches would conflict in lines that say nothing.
        catalogue.creation_date = catalogue.revision_date = _SOME_DAY
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        with part.open("wb") as text:
            write_po(text, catalogue, width=0, sort_output=True, include_lineno=False)
        part.replace(file)


def _new(language: str) -> Catalog:
    return Catalog(
        language,
        header_comment="# The English texts are the keys. `make messages` adds what is missing.",
        project="Yhteys",
        version="1",
        msgid_bugs_address="",
        last_translator="",
        language_team=language,
        fuzzy=False,
    )


def _read(file: Path, language: str) -> Catalog:
    with file.open("rb") as text:
        return read_po(text, locale=language, abort_invalid=True)


def faults(texts: Catalog, translations: Path = TRANSLATIONS) -> list[str]:
    """All that is wrong with the catalogues, a line each."""
    found = []
    for language in LANGUAGES:
        file = translations / language / "LC_MESSAGES" / "messages.po"
        name = f"{language}/messages.po"
        if not file.exists():
            found.append(f"{name} is not there: run `make messages` and translate it")
            continue
        try:
            catalogue = _read(file, language)
        except (PoFileError, UnicodeDecodeError) as error:
            found.append(f"{name}: {error}")
            continue
        # Babel reads past a quotation mark that is not closed, and loses a letter.
        found += [
            f"{name}:{number}: a quotation mark is missing"
            for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
            if line.startswith(("msg", '"')) and not re.fullmatch(r'[^"]*"([^"\\]|\\.)*"', line)
        ]
        found += [f"{name}: {fault}" for fault in _faults_of_catalogue(texts, catalogue)]
    return found


def _faults_of_catalogue(texts: Catalog, catalogue: Catalog) -> list[str]:
    found = []
    known = {(_first(message), message.context) for message in texts if message.id}
    for message in texts:
        if not message.id:
            continue
        translated = catalogue.get(_first(message), message.context)
        said = _shorten(message)
        if translated is None:
            found.append(f"{said} is missing: run `make messages`")
        elif isinstance(message.id, tuple) != isinstance(translated.id, tuple):
            found.append(f"{said} has a plural in one place only: run `make messages`")
        elif translated.fuzzy:
            found.append(f"{said} is marked fuzzy: look at it and take the mark away")
        else:
            found += [f"{said} {fault}" for fault in _faults_of_message(message, translated, catalogue.num_plurals)]
    for message in catalogue:
        if message.id and (_first(message), message.context) not in known:
            found.append(f"{_shorten(message)} is said nowhere any more: run `make messages`")
    return found


def _faults_of_message(source: Message, translated: Message, plurals: int) -> list[str]:
    strings = translated.string if isinstance(translated.string, tuple) else (translated.string,)
    if not strings or not all(text and text.strip() for text in strings):
        return ["is not translated"]
    if isinstance(source.id, tuple) and len(strings) != plurals:
        return [f"has {len(strings)} plural forms, not {plurals}"]
    ids = source.id if isinstance(source.id, tuple) else (source.id,)
    found = []
    for text in strings:
        # The singular may leave the number out ('one file'), so any form of the source will do.
        if all(_placeholders(text) != _placeholders(one) for one in ids):
            found.append(f"has other placeholders in {text!r}")
        if all(Counter(_TAG.findall(text)) != Counter(_TAG.findall(one)) for one in ids):
            found.append(f"has other tags in {text!r}")
        if any(one[:1].isspace() != text[:1].isspace() or one[-1:].isspace() != text[-1:].isspace() for one in ids):
            found.append(f"begins or ends with other blanks in {text!r}")
    return found


def _placeholders(text: str) -> Counter[str]:
    return Counter(match[0] for match in _PLACEHOLDER.finditer(text.replace("%%", "")))


def _first(message: Message) -> str:
    return message.id[0] if isinstance(message.id, tuple) else message.id


def _shorten(message: Message) -> str:
    text = _first(message)
    short = text if len(text) <= 60 else text[:57] + "…"
    where = f" ({message.locations[0][0]})" if message.locations else ""
    return f"{short!r}{f' [{message.context}]' if message.context else ''}{where}"


def main(arguments: list[str]) -> int:
    texts = extract()
    if arguments == ["update"]:
        update(texts)
    elif arguments != ["check"]:
        print("say 'check' or 'update'", file=sys.stderr)
        return 2
    found = faults(texts)
    number = sum(1 for message in texts if message.id)
    print("\n".join(found) or f"All {number} texts are there in {' and '.join(LANGUAGES)}.")
    return 1 if found and arguments == ["check"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
