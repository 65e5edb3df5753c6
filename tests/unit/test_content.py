"""The content of the first installation loads; any other content is judged as a whole, every fault at once."""

import copy
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from portal.content.loader import LISTS, OPTIONAL, ContentFault, load_content
from portal.content.schema import Citizenship, Content, PartialDate, Pay, Programme, Topic

CONFIG = Path(__file__).resolve().parents[2] / "config"
KNOWN = frozenset({"fi", "sv", "en"})
FILES = ("organisation", *(name for name in LISTS if name not in OPTIONAL))

Tables = dict[str, dict[str, Any]]
Write = Callable[[Tables], Path]

# Who answers what, as the council has published it; a change here is a change of what the public was told.
ANSWERS = {
    "wfeo": "koponen",
    "fedarene": "koponen",
    "errin": "koponen",
    "berst": "koponen",
    "bea-app": "koponen",
    "education-export": "pirinen",
    "tci": "pirinen",
    "interregional": "pirinen",
    "creative-economy": "partanen",
    "creadis3": "partanen",
    "frcc": "paivanen",
}
PEOPLE = {
    "koponen": ("Hannu Koponen", "+358 40 595 0009", "hannu.koponen@keskisuomi.fi"),
    "pirinen": ("Kari Pirinen", "+358 40 595 0008", "kari.pirinen@keskisuomi.fi"),
    "partanen": ("Raija Partanen", "+358 40 595 0139", "raija.partanen@keskisuomi.fi"),
    "paivanen": ("Veli-Pekka Päivänen", "+358 40 595 0005", "veli-pekka.paivanen@keskisuomi.fi"),
}


def toml(value: Any) -> str:
    """A value as TOML: JSON's strings, numbers and lists are TOML's too."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(part) for part in value) + "]"
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)


def texts(value: Any, place: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    """Every text that people read, with where it stands: ``topics[errin].title`` → language → text."""
    if isinstance(value, dict):
        if value and value.keys() <= KNOWN:
            yield place, value
        else:
            for key, part in value.items():
                yield from texts(part, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for position, part in enumerate(value):
            label = position
            if isinstance(part, dict):
                label = part.get("slug") or part.get("key") or position
            yield from texts(part, f"{place}[{label}]")


@pytest.fixture(scope="module")
def content() -> Content:
    return load_content(CONFIG, KNOWN)


@pytest.fixture(scope="module")
def original() -> Tables:
    return {name: tomllib.loads((CONFIG / f"{name}.toml").read_text("utf-8")) for name in FILES}


@pytest.fixture
def tables(original: Tables) -> Tables:
    """The content of the first installation, to be broken."""
    return copy.deepcopy(original)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(tables: Tables) -> Path:
        for name, table in tables.items():
            lines = [f"{key} = {toml(value)}\n" for key, value in table.items()]
            (tmp_path / f"{name}.toml").write_text("".join(lines), "utf-8")
        return tmp_path

    return write


def row(tables: Tables, name: str, slug: str) -> dict[str, Any]:
    return next(item for item in tables[name][name] if slug in (item.get("slug"), item.get("key")))


def faults(folder: Path, known: frozenset[str] = KNOWN) -> set[tuple[str, str]]:
    """File and key of each fault found in the folder."""
    with pytest.raises(ContentFault) as caught:
        load_content(folder, known)
    told = str(caught.value).splitlines()
    assert told == [str(fault) for fault in caught.value.faults]
    files = [fault.file for fault in caught.value.faults]
    assert files == sorted(files, key=[f"{name}.toml" for name in FILES].index)
    return {(fault.file, fault.key) for fault in caught.value.faults}


# --- the first installation ---


def test_each_topic_is_answered_by_the_person_the_council_named(content: Content) -> None:
    assert {topic.slug: topic.manager for topic in content.topics} == ANSWERS


def test_people_are_shown_as_the_council_published_them(content: Content) -> None:
    assert {who.key: (who.name, who.phone, who.email) for who in content.managers} == PEOPLE


def test_every_manager_has_a_deputy(content: Content) -> None:
    assert all(who.deputy in content.manager_by_key for who in content.managers)


def test_every_priority_leads_to_a_topic(content: Content) -> None:
    assert [priority.slug for priority in content.priorities] == [
        "business-and-innovation",
        "eu-advocacy",
        "good-practices",
    ]
    assert {topic.priority for topic in content.topics} == set(content.priority_by_slug)


def test_what_is_over_says_so(content: Content) -> None:
    items: list[Topic | Programme] = [*content.topics, *content.programmes]
    over = [item for item in items if item.status != "active"]
    assert {item.slug: (item.status, item.ended) for item in over} == {
        "berst": ("ended", "2015-11"),
        "bea-app": ("ended", "2019"),
        "creadis3": ("ended", "2021"),
        "comenius-regio": ("ended", "2013"),
        "frcc": ("renamed", None),
    }
    assert not [item.slug for item in over if not item.note], "these do not say what remains"
    successor = content.topic_by_slug["frcc"].successor
    assert successor and successor.name["fi"] == "EastCham Finland" and successor.url == "https://www.eastcham.fi/"


@pytest.mark.parametrize("language", sorted(KNOWN))
def test_the_privacy_notice_promises_what_is_set(content: Content, language: str) -> None:
    notice = "\n".join(section.body[language] for section in content.page_by_slug["privacy"].sections)
    assert re.search(rf"\b{content.organisation.retention_months} (kuukau|månad|month)", notice)
    assert content.organisation.name[language] in notice
    assert "621/1999" in notice and "1050/2018" in notice


@pytest.mark.parametrize("language", sorted(KNOWN))
def test_the_accessibility_statement_says_what_the_law_asks_for(content: Content, language: str) -> None:
    page = content.page_by_slug["accessibility"]
    statement = "\n".join(section.body[language] for section in page.sections)
    day = page.updated_on
    assert f"{day.day}.{day.month}.{day.year}" in statement or re.search(rf"\b{day.day} \w+ {day.year}\b", statement)
    for duty in ("306/2019", "EN 301 549", "WCAG 2.1", "Traficom", "14"):
        assert duty in statement
    assert content.organisation.site_name[language] in statement


def test_can_i_come_says_what_the_authorities_say(content: Content) -> None:
    """Who needs a permit, and that an unpaid internship earns none: the facts that others lean on."""
    outlooks = {
        (citizenship, pay): {
            item.outlook
            for item in content.precheck
            if item.outlook and item.covers(citizenship, "graduated_1", pay, "medium")
        }
        for citizenship in get_args(Citizenship)
        for pay in get_args(Pay)
    }
    assert outlooks == {
        ("nordic", "paid"): {"yes"},
        ("nordic", "unpaid"): {"yes"},
        ("eu", "paid"): {"yes"},
        ("eu", "unpaid"): {"yes"},
        ("other", "paid"): {"conditions"},
        ("other", "unpaid"): {"no"},
    }
    hosts = {urlsplit(item.url).hostname for item in content.precheck}
    assert hosts == {"dvv.fi", "migri.fi", "www.oph.fi"}, "every fact leads to an authority"


def test_texts_are_clean_and_plain(original: Tables) -> None:
    """They are shown as they are: no markup, no stray blanks, no line broken in the middle of a paragraph."""
    unclean = []
    for name, table in original.items():
        for place, text in texts(table):
            for code, words in text.items():
                lines = words.strip().split("\n")
                broken = any(first and second and not second.startswith("- ") for first, second in pairwise(lines))
                if broken or re.search(r"  |[ \t]$|[<>*`\\\t]|\n{3}|\]\(", words, re.MULTILINE):
                    unclean.append(f"{name}.toml: {place}.{code}")
    assert not unclean


def test_titles_are_short(original: Tables) -> None:
    long = [
        (place, words)
        for table in original.values()
        for place, text in texts(table)
        if place.rpartition(".")[2] in ("title", "heading", "site_name")
        for words in text.values()
        if len(words) > 60
    ]
    assert not long


def test_nothing_was_left_untranslated(original: Tables) -> None:
    same = [
        place
        for table in original.values()
        for place, text in texts(table)
        if place.rpartition(".")[2] in ("summary", "body", "note", "heading", "tagline", "introduction")
        and len(set(text.values())) < len(KNOWN)
    ]
    assert not same


# --- an edition ---


def test_an_edition_survives_being_stored(content: Content) -> None:
    again = Content.model_validate_json(content.document)
    assert again.digest == content.digest
    assert again.organisation == content.organisation


def test_comments_and_layout_do_not_make_another_edition(content: Content, tables: Tables, write: Write) -> None:
    assert (
        load_content(write(tables), KNOWN).digest
        == Content.model_validate(content.model_dump() | {"examples": ()}).digest
    )


def test_a_letter_makes_another_edition(content: Content, tables: Tables, write: Write) -> None:
    row(tables, "topics", "errin")["title"]["sv"] += "."
    assert load_content(write(tables), KNOWN).digest != content.digest


def test_content_cannot_be_changed_once_loaded(content: Content) -> None:
    field = "manager"
    with pytest.raises(ValidationError):
        setattr(content.topics[0], field, "pirinen")


def test_another_body_speaks_other_languages(tables: Tables, write: Write) -> None:
    """Nothing is tied to three languages or to their order."""
    tables["organisation"]["languages"] = ["sv", "fi"]
    for table in tables.values():
        for _, text in texts(table):
            del text["en"]
    content = load_content(write(tables), KNOWN)
    assert content.organisation.default_language == "sv"
    assert content.topic_by_slug["errin"].title.keys() == {"fi", "sv"}


# --- faults ---


def test_every_kind_of_fault_is_found_at_once(tables: Tables, write: Write) -> None:
    del row(tables, "topics", "errin")["title"]["sv"]
    row(tables, "topics", "tci")["manager"] = "nobody"
    row(tables, "topics", "wfeo")["slug"] = "triage"
    row(tables, "topics", "fedarene")["slug"] = "interregional"
    row(tables, "topics", "frcc").pop("successor")
    row(tables, "topics", "berst").pop("ended")
    row(tables, "topics", "bea-app")["colour"] = "green"
    row(tables, "topics", "creadis3")["started"] = "2022"
    row(tables, "topics", "education-export")["ended"] = "2020"
    row(tables, "topics", "creative-economy")["url"] = "javascript:alert(1)"
    row(tables, "programmes", "comenius-regio")["topic"] = "nothing"
    row(tables, "managers", "koponen")["deputy"] = "koponen"
    row(tables, "managers", "pirinen")["email"] = "kari.pirinen[at]keskisuomi.fi"
    row(tables, "managers", "partanen")["language"] = "de"
    tables["organisation"]["time_zone"] = "Europe/Jyvaskyla"
    folder = write(tables)
    (folder / "pages.toml").unlink()
    (folder / "priorities.toml").write_text("[[priorities]\n", "utf-8")

    found = faults(folder)

    # With no priorities, every reference to one leads nowhere; and a file that is missing lacks its pages.
    assert {(file, key) for file, key in found if not key.endswith(".priority")} == {
        ("organisation.toml", "time_zone"),
        ("priorities.toml", ""),
        ("priorities.toml", "priorities"),
        ("topics.toml", "topics[errin].title.sv"),
        ("topics.toml", "topics[tci].manager"),
        ("topics.toml", "topics[triage]"),
        ("topics.toml", "topics[interregional]"),
        ("topics.toml", "topics[frcc].successor"),
        ("topics.toml", "topics[berst].ended"),
        ("topics.toml", "topics[bea-app].colour"),
        ("topics.toml", "topics[creadis3].ended"),
        ("topics.toml", "topics[education-export].ended"),
        ("topics.toml", "topics[creative-economy].url"),
        ("programmes.toml", "programmes[comenius-regio].topic"),
        ("managers.toml", "managers[koponen].deputy"),
        ("managers.toml", "managers[pirinen].email"),
        ("managers.toml", "managers[partanen].language"),
        ("pages.toml", ""),
        ("pages.toml", "privacy"),
        ("pages.toml", "accessibility"),
    }


@pytest.mark.parametrize("code", sorted(KNOWN))
def test_no_text_may_lack_a_language(tables: Tables, write: Write, code: str) -> None:
    lacking = set()
    for name, table in tables.items():
        for place, text in texts(table):
            del text[code]
            lacking.add((f"{name}.toml", f"{place}.{code}"))
    assert len(lacking) > 100
    assert faults(write(tables)) == lacking


def test_a_country_is_its_two_letters(tables: Tables, write: Write) -> None:
    tables["organisation"]["country"] = "Suomi"
    assert ("organisation.toml", "country") in faults(write(tables))


def test_a_text_in_an_unspoken_language_is_a_fault(tables: Tables, write: Write) -> None:
    row(tables, "pages", "privacy")["sections"][2]["body"]["de"] = "Warum wir das dürfen"
    assert faults(write(tables)) == {("pages.toml", "pages[privacy].sections[2].body.de")}


def test_a_language_without_catalogue_is_a_fault(tables: Tables, write: Write) -> None:
    assert faults(write(tables), frozenset({"fi", "en"})) == {("organisation.toml", "languages")}


def test_a_broken_organisation_does_not_put_every_text_at_fault(tables: Tables, write: Write) -> None:
    tables["organisation"]["retention_months"] = 0
    tables["organisation"].pop("home_url")
    assert faults(write(tables)) == {
        ("organisation.toml", "retention_months"),
        ("organisation.toml", "home_url"),
    }


def test_a_topic_with_a_fault_can_still_be_pointed_to(tables: Tables, write: Write) -> None:
    """One mistake gives one fault, not one for each that leans on it."""
    row(tables, "topics", "interregional").pop("title")
    assert faults(write(tables)) == {("topics.toml", "topics[interregional].title")}


def test_rows_without_a_name_are_told_apart_by_position(tables: Tables, write: Write) -> None:
    row(tables, "topics", "errin").pop("slug")
    row(tables, "topics", "tci").pop("slug")
    assert faults(write(tables)) == {("topics.toml", "topics[0].slug"), ("topics.toml", "topics[1].slug")}


def test_a_misspelt_heading_is_told_by_name(tables: Tables, write: Write) -> None:
    tables["programmes"] = {"programs": tables["programmes"]["programmes"]}
    assert faults(write(tables)) == {("programmes.toml", "programs")}


def test_programmes_are_optional_but_their_file_is_not(tables: Tables, write: Write) -> None:
    tables["programmes"] = {}
    folder = write(tables)
    assert load_content(folder, KNOWN).programmes == ()
    (folder / "programmes.toml").unlink()
    assert faults(folder) == {("programmes.toml", "")}


def test_advice_for_every_answer_is_needed(tables: Tables, write: Write) -> None:
    row(tables, "precheck", "eu")["lengths"] = ["short", "medium"]
    folder = write(tables)
    assert faults(folder) == {("precheck.toml", "precheck")}
    with pytest.raises(ContentFault, match="for 8 combinations of answers, the first: eu, student, paid, long"):
        load_content(folder, KNOWN)


def test_advice_that_only_informs_answers_nobody(tables: Tables, write: Write) -> None:
    del row(tables, "precheck", "unpaid")["outlook"]
    assert faults(write(tables)) == {("precheck.toml", "precheck")}


def test_each_fault_in_advice_is_told_by_its_key(tables: Tables, write: Write) -> None:
    """And not once more as an answer that is missing."""
    row(tables, "precheck", "eu")["outlook"] = "maybe"
    row(tables, "precheck", "nordic")["citizenships"] = ["nordic", "baltic"]
    row(tables, "precheck", "permit")["url"] = "migri.fi"
    del row(tables, "precheck", "unpaid")["checked_on"]
    row(tables, "precheck", "erasmus-student")["slug"] = "permit-length"
    assert faults(write(tables)) == {
        ("precheck.toml", "precheck[eu].outlook"),
        ("precheck.toml", "precheck[nordic].citizenships.1"),
        ("precheck.toml", "precheck[permit].url"),
        ("precheck.toml", "precheck[unpaid].checked_on"),
        ("precheck.toml", "precheck[permit-length]"),
    }


def test_an_edition_from_before_the_precheck_can_still_be_read(content: Content) -> None:
    document = json.loads(content.document)
    del document["precheck"]
    assert Content.model_validate(document).precheck == ()


def test_a_file_that_is_not_utf_8_is_a_fault(tables: Tables, write: Write) -> None:
    folder = write(tables)
    (folder / "programmes.toml").write_bytes("# Itämeri".encode("latin-1"))
    assert faults(folder) == {("programmes.toml", "")}


def test_the_empty_folder_names_every_file(tmp_path: Path) -> None:
    assert {(f"{name}.toml", "") for name in FILES} <= faults(tmp_path)


@pytest.mark.parametrize("phone", ["040 595 0009", "+358 (0)40 595 0009", "+358"])
def test_a_telephone_number_is_written_for_callers_from_abroad(tables: Tables, write: Write, phone: str) -> None:
    row(tables, "managers", "koponen")["phone"] = phone
    assert faults(write(tables)) == {("managers.toml", "managers[koponen].phone")}


@pytest.mark.parametrize(
    ("started", "ended", "right"),
    [
        ("2015", "2015-11", True),
        ("2015-11", "2015", True),
        ("2015-12", "2015-11", False),
        ("2015-11-30", "2015-11", True),
        ("2016", "2015-11-30", False),
    ],
)
def test_dates_are_compared_as_far_as_they_are_known(
    tables: Tables, write: Write, started: str, ended: str, right: bool
) -> None:
    row(tables, "topics", "berst").update(started=started, ended=ended)
    folder = write(tables)
    if right:
        assert load_content(folder, KNOWN).topic_by_slug["berst"].ended == ended
    else:
        assert faults(folder) == {("topics.toml", "topics[berst].ended")}


@given(day=st.dates(), length=st.sampled_from([4, 7, 10]))
def test_any_part_of_a_day_is_a_partial_date(day: date, length: int) -> None:
    known = day.isoformat()[:length]
    assert TypeAdapter(PartialDate).validate_python(known) == known


@pytest.mark.parametrize(
    "written", ["2015-13", "2015-02-30", "2015-00", "0000", "15", "2015-1", "2015-11-", "November 2015"]
)
def test_a_day_that_does_not_exist_is_no_partial_date(written: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(PartialDate).validate_python(written)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.binary(max_size=200), name=st.sampled_from(FILES))
def test_no_file_whatever_it_holds_gets_past_the_faults(
    tmp_path: Path, original: Tables, junk: bytes, name: str
) -> None:
    """Junk is told as a fault of its file; it never breaks the reader."""
    for other in FILES:
        (tmp_path / f"{other}.toml").write_bytes((CONFIG / f"{other}.toml").read_bytes())
    (tmp_path / f"{name}.toml").write_bytes(junk)
    try:
        load_content(tmp_path, KNOWN)
    except ContentFault as fault:
        assert fault.faults
    else:
        assert name == "programmes"


# --- examples ---


def test_examples_are_optional_and_may_lack_a_language(tables: Tables, write: Write) -> None:
    assert load_content(write(tables), KNOWN).examples == ()
    tables["examples"] = {"examples": [{"topic": "errin", "sentences": {"en": ["We look for a partner."]}}]}
    (found,) = load_content(write(tables), KNOWN).examples
    assert found.sentences == {"en": ("We look for a partner.",)}


def test_examples_name_a_topic_and_speak_a_language_of_the_installation(tables: Tables, write: Write) -> None:
    tables["examples"] = {
        "examples": [
            {"topic": "weather", "keywords": {"en": ["rain"]}},
            {"topic": "triage", "keywords": {"de": ["Regen"]}},
            {"topic": "errin", "keywords": {"en": [""]}},
        ]
    }
    folder = write(tables)
    with pytest.raises(ContentFault) as caught:
        load_content(folder, KNOWN)
    assert {(fault.file, fault.key) for fault in caught.value.faults} == {
        ("examples.toml", "examples[weather].topic"),
        ("examples.toml", "examples[triage].keywords.de"),
        ("examples.toml", "examples[errin].keywords.en.0"),
    }


def test_the_first_installations_examples_speak_of_every_topic(content: Content) -> None:
    assert {found.topic for found in content.examples} == {*ANSWERS, "triage"}
