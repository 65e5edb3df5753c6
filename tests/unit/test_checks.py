"""The checks themselves: each fault they exist for is found."""

from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.pofile import read_po, write_po

from tests import catalogues
from tests.pages import faults_of

PAGE = (
    '<!doctype html><html lang="fi"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>Otsikko</title></head><body><main><h1>Otsikko</h1>{}</main></body></html>"
)


@pytest.mark.parametrize(
    "inside",
    [
        "",
        '<p id="a">A &amp; B</p><a href="#a">there</a>',
        '<ul><li><label>Name <input name="name"></label></li></ul>',
        '<svg viewBox="0 0 1 1" aria-hidden="true"><title>x</title><path d=""/></svg>',
        "<table><thead><tr><th>A</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>",
        '<script type="application/ld+json">{"name": "</b>"}</script>',
        "<details><summary>More</summary><p>Text</p></details>",
        "<template><p>x</p></template>",
    ],
)
def test_a_good_page_has_no_faults(inside: str) -> None:
    assert faults_of(PAGE.format(inside), "/fi/") == []


@pytest.mark.parametrize(
    ("inside", "fault"),
    [
        ("<p>a<div>b</div></p>", "a browser does not read"),
        ("<div><span>a</div>", "closes while"),
        ("<div>", "closes while"),
        ("</p>", "closes nothing"),
        ("<div/>", "does not close itself"),
        ('<form><p><form action="/"></form></p></form>', "a browser does not read|are written"),
        ("<table><tr><td>1</td></tr></table>", "a browser does not read"),
        ('<p class="a" class="b">x</p>', "twice"),
        ("<ul><p>x</p></ul>", "stands directly in"),
        ("<span><ul><li>x</li></ul></span>", "stands in <span>"),
        ("<h1>again</h1>", "2 <h1>"),
        ("<h3>x</h3>", "follows a heading"),
        ('<input id="x">', "no label"),
        ("<textarea></textarea>", "no label"),
        ('<label for="x"> </label><input id="x">', "no label"),
        ("<fieldset><p>x</p></fieldset>", "no legend"),
        ('<p id="a">x</p><p id="a">x</p>', "2 times"),
        ('<a href="#gone">x</a>', "leads to nothing"),
        ('<p aria-describedby="gone">x</p>', "points to nothing"),
        ('<img src="/a.png">', "no alt"),
        ('<a href="/a"></a>', "says nothing"),
        ('<p style="color: red">x</p>', "style="),
        ('<p onclick="x()">x</p>', "onclick="),
        ("<style>p {}</style>", "<style>"),
        ("<script>x()</script>", "<script>"),
        ('<script src="https://elsewhere.example/x.js"></script>', "another host"),
        ('<a href="javascript:x()">x</a>', "runs what it links to"),
    ],
)
def test_a_bad_page_has_its_fault_named(inside: str, fault: str) -> None:
    said = "\n".join(faults_of(PAGE.format(inside), "/fi/"))
    assert any(part in said for part in fault.split("|")), said


def test_the_page_must_speak_the_language_of_its_address() -> None:
    assert faults_of(PAGE.format(""), "/sv/") == ["the language said is 'fi', the address asks for 'sv'"]


# ------------------------------------------------------------------------------------------------- catalogues


@pytest.fixture
def texts(tmp_path: Path) -> Catalog:
    (tmp_path / "portal").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "portal" / "said.py").write_text(
        'gettext("Hello %(name)s", name=1)\nngettext("%(num)s file", "%(num)s files", 2)\npgettext("verb", "File")\n'
        'N_("Later")\n'
    )
    (tmp_path / "templates" / "page.html").write_text("{{ _('On a page') }}{% trans %}In a block{% endtrans %}")
    return catalogues.extract(tmp_path)


@pytest.fixture
def translations(texts: Catalog, tmp_path: Path) -> Path:
    folder = tmp_path / "translations"
    catalogues.update(texts, folder)
    for language in catalogues.LANGUAGES:
        file = folder / language / "LC_MESSAGES" / "messages.po"
        with file.open("rb") as source:
            catalogue = read_po(source, locale=language)
        for message in catalogue:
            message.string = message.id
        with file.open("wb") as target:
            write_po(target, catalogue, width=0)
    return folder


def change(translations: Path, old: str, new: str) -> None:
    file = translations / "sv" / "LC_MESSAGES" / "messages.po"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_texts_are_found_in_code_and_templates(texts: Catalog) -> None:
    found = {message.id for message in texts if message.id}
    plural = ("%(num)s file", "%(num)s files")
    assert found == {"Hello %(name)s", plural, "File", "Later", "On a page", "In a block"}


def test_complete_catalogues_pass(texts: Catalog, translations: Path) -> None:
    assert catalogues.faults(texts, translations) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('msgstr "Later"', 'msgstr ""', "is not translated"),
        ('msgid "Later"', 'msgid "Sooner"', "is missing"),
        ('msgid "Later"', 'msgid "Sooner"', "is said nowhere any more"),
        ('msgstr "Hello %(name)s"', 'msgstr "Hej %(namn)s"', "other placeholders"),
        ('msgstr[1] "%(num)s files"', 'msgstr[1] "filer"', "other placeholders"),
        ('msgstr[1] "%(num)s files"', 'msgstr[1] ""', "is not translated"),
        ('msgctxt "verb"', 'msgctxt "noun"', "is missing"),
        ('msgid "Later"', '#, fuzzy\nmsgid "Later"', "fuzzy"),
        ('msgstr "Later"', 'msgstr "Later', "quotation mark"),
    ],
)
def test_a_gap_in_a_catalogue_is_named(texts: Catalog, translations: Path, old: str, new: str, fault: str) -> None:
    change(translations, old, new)
    assert fault in "\n".join(catalogues.faults(texts, translations))


def test_a_text_that_comes_back_finds_its_translation(texts: Catalog, translations: Path) -> None:
    catalogues.update(Catalog(), translations)
    catalogues.update(texts, translations)
    assert catalogues.faults(texts, translations) == []
