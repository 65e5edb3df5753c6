"""'Can I come?': what is known for a situation, and which of it weighs most."""

from datetime import date
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest

from portal.content.loader import load_content
from portal.content.schema import Advice, Background, Citizenship, Length, Pay
from portal.rules.precheck import Situation, look_up

CONFIG = Path(__file__).resolve().parents[2] / "config"
EVERYBODY = [
    Situation(*answers)
    for answers in product(get_args(Citizenship), get_args(Background), get_args(Pay), get_args(Length))
]
KNOWN = load_content(CONFIG, frozenset({"fi", "sv", "en"})).precheck


def advice(slug: str, **values: Any) -> Advice:
    words = {"en": slug}
    return Advice(
        **{
            "slug": slug,
            "title": words,
            "body": words,
            "authority": words,
            "url": "https://example.org/",
            "checked_on": date(2026, 11, 24),
            **values,
        }
    )


def slugs(situation: Situation) -> list[str]:
    return [item.slug for item in look_up(KNOWN, situation).advice]


@pytest.mark.parametrize(
    ("outlooks", "weighs"),
    [
        (["yes"], "yes"),
        (["yes", "conditions"], "conditions"),
        (["no", "yes", "conditions"], "no"),
        (["yes", None], "yes"),
        ([None], "conditions"),
        ([], "conditions"),
    ],
)
def test_the_strictest_outlook_weighs_most(outlooks: list[Any], weighs: str) -> None:
    known = [advice(f"advice-{number}", outlook=outlook) for number, outlook in enumerate(outlooks)]
    found = look_up(known, Situation("eu", "student", "paid", "short"))
    assert found.outlook == weighs
    assert found.advice == tuple(known), "all of it is told, in its order"


def test_advice_is_for_those_whose_every_answer_it_names() -> None:
    item = advice("a", citizenships=("eu", "other"), backgrounds=("student",), pay=("paid",), lengths=("short",))
    reached = [situation for situation in EVERYBODY if look_up([item], situation).advice]
    assert reached == [Situation("eu", "student", "paid", "short"), Situation("other", "student", "paid", "short")]


def test_a_list_that_is_left_out_stands_for_any_answer() -> None:
    item = advice("a")
    assert all(look_up([item], situation).advice for situation in EVERYBODY)


def test_everybody_is_told_something_with_an_outlook() -> None:
    """Silence would read as a yes or as a no."""
    for situation in EVERYBODY:
        assert any(item.outlook for item in look_up(KNOWN, situation).advice), situation


@pytest.mark.parametrize("situation", EVERYBODY, ids=str)
def test_who_can_come_follows_citizenship_and_pay_alone(situation: Situation) -> None:
    expected = {"nordic": "yes", "eu": "yes"}.get(
        situation.citizenship, "conditions" if situation.pay == "paid" else "no"
    )
    assert look_up(KNOWN, situation).outlook == expected


def test_erasmus_is_for_students_and_for_graduates_of_a_year() -> None:
    for situation in EVERYBODY:
        told = [slug for slug in slugs(situation) if slug.startswith("erasmus")]
        expected = {"student": "erasmus-student", "graduated_1": "erasmus-graduate"}.get(situation.background)
        if expected is not None and situation.length == "long":
            expected = "erasmus-too-long"
        assert told == ([expected] if expected else [])


def test_only_those_who_need_a_permit_hear_of_its_grounds() -> None:
    assert slugs(Situation("eu", "graduated_2", "paid", "long")) == ["eu"]
    assert slugs(Situation("nordic", "neither", "unpaid", "short")) == ["nordic"]
    assert slugs(Situation("other", "graduated_2", "paid", "long")) == ["permit", "permit-graduate", "permit-length"]
    assert slugs(Situation("other", "neither", "unpaid", "long")) == ["unpaid"]
    assert slugs(Situation("other", "neither", "paid", "short")) == ["permit", "permit-other-grounds"]
