"""What of a CV is believed, and what is proposed."""

import json

import pytest

from portal.rules.applications import Answers
from portal.rules.profiles import Profile, Proposal, common_level, proposals
from tests.cvs import FROM_CANDIDATE
from tests.internships import answers


def test_a_profile_comes_back_from_json_as_it_was() -> None:
    assert Profile.from_data(json.loads(json.dumps(FROM_CANDIDATE.as_data()))) == FROM_CANDIDATE


@pytest.mark.parametrize("data", [None, [], "name", 3, [["name", "Noor"]]])
def test_what_is_no_object_is_no_profile(data: object) -> None:
    with pytest.raises(ValueError):
        Profile.from_data(data)


def test_what_does_not_fit_is_left_out() -> None:
    assert (
        Profile.from_data(
            {
                "name": ["Noor"],
                "email": "not an address",
                "country": "Finland",
                "institution": 3,
                "study_field": None,
                "study_level": "professor",
                "study_stage": {"studying": True},
                "languages": [["en", "fluent"], ["eng", "C1"], "fi", ["sv"], [["x"], "C1"], None, ["sv", "B1", "C1"]],
                "birth": "1999-09-09",
                "motivation": "Hire me",
            }
        )
        == Profile()
    )


def test_texts_are_one_short_visible_line() -> None:
    profile = Profile.from_data(
        {
            "name": " Noor\x00\x07\n\tvan \u202eVoorbeeld\u202c\ud800\u200b\u2028",
            "institution": "x" * 5_000_000,
            "study_field": "e\u0301tudes   🎓",
        }
    )
    assert profile.name == "Noor van Voorbeeld"
    assert profile.institution == "x" * 150
    assert profile.study_field == "e\u0301tudes 🎓"


def test_a_language_is_named_once_and_the_list_is_short() -> None:
    pairs = [["en", "native"], ["en", "A1"], *([f"{letter}a", "B1"] for letter in "abcdefghijklmnop")]
    languages = Profile.from_data({"languages": pairs}).languages
    assert languages[0] == ("en", "native")
    assert len(languages) == len(dict(languages)) == 8


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ("", ""),
        ("nonsense", ""),
        ("B2", "B2"),
        ("C1 C2 C1 C1 B2", "C1"),
        ("B1 B1 A2 A2 A1", "A2"),  # two levels as often as each other: the lower middle one
        ("C1 C2 B2 B1 A2", "B2"),
        ("C2 A1", "A1"),
        ("A1 A1 C2 C2 C2", "C2"),
    ],
)
def test_one_level_stands_for_several(levels: str, expected: str) -> None:
    assert common_level(levels.split()) == expected


def test_an_empty_form_is_offered_all_that_the_cv_says_and_no_more() -> None:
    proposed = proposals(FROM_CANDIDATE, Answers())
    assert {one.field: one.proposed for one in proposed} == FROM_CANDIDATE.as_data()
    assert not any(one.present for one in proposed)
    assert proposals(Profile(), Answers()) == []
    assert [one.field for one in proposals(Profile(country="FI"), Answers())] == ["country"]


def test_only_what_differs_is_proposed_and_nothing_is_taken_away() -> None:
    filled = answers()
    assert proposals(Profile(name=filled.name, country=filled.country, languages=filled.languages), filled) == []
    assert proposals(Profile(name="Noor B.", languages=(("fi", "A1"),)), filled) == [
        Proposal("name", filled.name, "Noor B."),
        Proposal("languages", filled.languages, (("fi", "A1"),)),
    ]
