"""Who gets what, and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.content.loader import load_content
from portal.content.schema import TRIAGE, Content
from portal.rules.routing import Route, UnknownTopic, because, route
from portal.settings import data_root

CONTENT: Content = load_content(data_root() / "config", frozenset({"fi", "sv", "en"}))
MANAGERS = [manager.key for manager in CONTENT.managers]

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


@pytest.mark.parametrize(("topic", "manager"), ANSWERS.items())
def test_each_topic_of_the_first_installation_reaches_its_manager(topic: str, manager: str) -> None:
    assert route(CONTENT, topic=topic, absent=frozenset()) == Route(topic, manager, "topic")


def test_there_is_no_other_topic() -> None:
    assert {topic.slug for topic in CONTENT.topics} == set(ANSWERS)


@pytest.mark.parametrize("topic", [None, TRIAGE])
def test_not_sure_goes_to_triage(topic: str | None) -> None:
    assert route(CONTENT, topic=topic, absent=frozenset()) == Route(TRIAGE, TRIAGE, "no_topic")


def test_an_absent_manager_is_stood_in_for() -> None:
    deputy = CONTENT.manager_by_key["koponen"].deputy
    assert deputy is not None
    assert route(CONTENT, topic="errin", absent={"koponen"}) == Route("errin", deputy, "deputy", ("koponen",))


def test_when_deputies_are_away_too_it_goes_to_triage() -> None:
    decision = route(CONTENT, topic="errin", absent=set(MANAGERS))
    assert (decision.holder, decision.reason) == (TRIAGE, "nobody_in")
    assert decision.skipped[0] == "koponen"


def test_a_topic_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownTopic):
        route(CONTENT, topic="weather", absent=frozenset())


@given(st.sampled_from([None, TRIAGE, *ANSWERS]), st.frozensets(st.sampled_from(MANAGERS)))
def test_routing_ends_at_somebody_who_is_there_or_at_triage(topic: str | None, absent: frozenset[str]) -> None:
    decision = route(CONTENT, topic=topic, absent=absent)
    assert decision.holder == TRIAGE or (decision.holder in MANAGERS and decision.holder not in absent)
    assert set(decision.skipped) <= absent
    for language in CONTENT.organisation.languages:
        sentence = because(CONTENT, decision, language)
        assert sentence.endswith(".")
        assert "%(" not in sentence


def test_because_names_the_topic_and_the_people() -> None:
    sentence = because(CONTENT, route(CONTENT, topic="errin", absent={"koponen"}), "en")
    assert CONTENT.topic_by_slug["errin"].title["en"] in sentence
    assert "Hannu Koponen" in sentence
    assert "Kari Pirinen" in sentence


def test_because_survives_an_edition_that_forgot_the_names() -> None:
    sentence = because(CONTENT, Route("gone", "nobody", "deputy", ("left",)), "en")
    assert "gone" in sentence
    assert "nobody" in sentence
