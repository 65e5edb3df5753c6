"""Which topic a message is about: right for people's own words, silent for other people's business, never random."""

import json
from collections.abc import Iterable

import pytest
from click.testing import CliRunner
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.cli.evaluation import judge_lines, report
from portal.cli.route import route_command, route_lines
from portal.content.loader import load_content
from portal.content.schema import TRIAGE
from portal.rules.suggestion import READ_CHARACTERS, SHOWN, clear_choice, suggester
from portal.settings import data_root

CONTENT = load_content(data_root() / "config", frozenset({"fi", "sv", "en"}))
MANAGERS = {topic.slug: topic.manager for topic in CONTENT.topics} | {TRIAGE: TRIAGE}

# Written for this test: none of it stands in the edition.
MESSAGES = [
    ("koponen", "Hakisimme teitä mukaan Horisontti-hankkeeseen, jossa tutkitaan vedyn käyttöä."),
    ("koponen", "Kuinka Brysselin-toimistonne seuraa komission lainvalmistelua?"),
    ("koponen", "Kuntaliitoksen jälkeen uusimme ilmasto-ohjelmamme, mistä löytyisi vertaistukea Euroopasta?"),
    ("koponen", "Projektet om bioekonomi i regioner, var finns slutsatserna?"),
    ("koponen", "Which planners worked on siting wind turbines around the Baltic?"),
    ("pirinen", "Meidän koulumme Perussa haluaisi ostaa opettajille koulutusta Suomesta."),
    ("pirinen", "Vi skulle vilja skriva ett avtal om samarbete mellan två regioner."),
    ("pirinen", "Could someone explain your cluster programme to our regional agency?"),
    ("pirinen", "Our province in Denmark would like to visit you in May."),
    ("partanen", "Järjestämme elokuvafestivaalin ja haluaisimme kutsua animaattoreita."),
    ("partanen", "Vem skrev handlingsplanen i Creadis3?"),
    ("partanen", "I make ceramics and wonder about support for craft businesses."),
    ("paivanen", "Tilauksemme on jumissa tullissa Venäjän rajalla, kuka neuvoo pakotteissa?"),
    ("paivanen", "Har handelskammaren råd om exporten till Ryssland?"),
]
OTHER_BUSINESS = [
    "Kissani on karannut, onko sitä näkynyt?",
    "Milloin uimahalli on auki sunnuntaisin?",
    "Min granne parkerar på min plats.",
    "När öppnar biblioteket på lördag?",
    "My parcel has not arrived yet.",
    "What time does the swimming pool open on Sundays?",
    "CONGRATULATIONS!!! claim your free phone now",
    "asdf qwerty zxcv",
]


def choice(text: str) -> str:
    return clear_choice(suggester(CONTENT).suggest(text))


def test_messages_reach_the_right_manager_in_each_language() -> None:
    wrong = [(text, suggester(CONTENT).suggest(text)[:2]) for who, text in MESSAGES if MANAGERS[choice(text)] != who]
    assert len(wrong) <= 1, wrong


def test_other_business_goes_to_triage() -> None:
    taken = [(text, suggester(CONTENT).suggest(text)[:1]) for text in OTHER_BUSINESS if choice(text) != TRIAGE]
    assert len(taken) <= 1, taken


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("KLUSTERIYHTEISTYÖSTÄMME", "tci"),  # inflected, compound, in capitals
        ("koulutusvientii", "education-export"),  # a letter too many
        ("bioekonomi strategi", "berst"),  # a compound written apart
        ("creadis 3", "creadis3"),
    ],
)
def test_inflected_compound_and_misspelt_words_are_recognised(text: str, topic: str) -> None:
    assert suggester(CONTENT).suggest(text)[0].topic == topic


def test_the_words_that_spoke_are_words_of_the_message() -> None:
    text = "Seeking partner regions for a Horizon proposal on circular construction"
    first = suggester(CONTENT).suggest(text)[0]
    assert first.topic == "errin"
    assert {"horizon", "circular"} & set(first.words)
    assert set(first.words) <= set(text.lower().split())


@settings(deadline=None)
@given(st.text(max_size=400))
def test_any_text_gets_the_same_honest_answer_twice(text: str) -> None:
    found = suggester(CONTENT).suggest(text)
    assert found == suggester(CONTENT).suggest(text)
    assert len(found) <= SHOWN
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert all(0 <= one.score <= 1.0001 and one.words for one in found)


def test_only_the_beginning_of_a_long_message_is_read() -> None:
    padding = "ja " * READ_CHARACTERS
    assert suggester(CONTENT).suggest(padding) == suggester(CONTENT).suggest(padding + "klusteri " * 100)


def test_the_command_suggests_where_no_topic_was_chosen() -> None:
    def ask(text: str, topic: str | None = None) -> dict[str, object]:
        line = json.dumps({"topic": topic, "lang": "en", "text": text, "kind": "inquiry"}).encode()
        (answer,) = route_lines([line], CONTENT, frozenset())
        return answer

    clear = ask("We look for a partner in a cluster network")
    assert (clear["topic"], clear["manager"]) == ("tci", "pirinen")
    assert "TCI" in str(clear["because"])
    assert "Kari Pirinen" in str(clear["because"])
    suggestions = clear["suggestions"]
    assert isinstance(suggestions, list)
    assert suggestions[0].keys() == {"topic", "score", "words"}
    unclear = ask("Hello, is anybody there?")
    assert (unclear["topic"], unclear["manager"]) == (TRIAGE, TRIAGE)
    assert "suggestions" not in ask("We look for a partner in a cluster network", topic="errin"), "the choice wins"


def lines(rows: Iterable[tuple[str, str]]) -> list[bytes]:
    return [json.dumps({"topic": topic, "lang": "en", "text": text}).encode() for topic, text in rows]


def test_evaluation_counts_what_is_right_wrong_and_unsure() -> None:
    rows = [
        ("tci", "our cluster network"),
        ("frcc", "our cluster network"),
        ("errin", "xyzzy"),
        ("triage", "xyzzy"),
        ("weather", "rain"),
    ]
    judged, bad = judge_lines([*lines(rows), b"not json"], CONTENT)
    text = "\n".join(report(judged, CONTENT))
    assert "right manager        1 of 3  33.3%" in text
    assert "unrelated to triage  1 of 1  100.0%" in text
    assert "not sure of          1 of 3" in text
    assert bad == ["line 5: there is no topic 'weather'", "line 6: the line is not JSON: Expecting value"]


def test_the_evaluation_command_ends_with_one_for_bad_lines(app: Flask) -> None:
    with app.app_context():
        good = CliRunner().invoke(route_command, ["evaluate", "-"], input=lines([("tci", "cluster network")])[0])
        broken = CliRunner().invoke(route_command, ["evaluate", "-"], input="nonsense")
    assert (good.exit_code, broken.exit_code) == (0, 1)
    assert "right manager        1 of 1" in good.output
