"""The rules of calls: phases, what an outage earns, what is missing, and what may not change."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from portal.content.calls import CallDocument, Question
from portal.rules.calls import Times, extension, is_late_but_kept, phase
from portal.rules.publishing import (
    Fault,
    changed_parts,
    document_faults,
    keeps_criteria,
    keeps_questions,
    moment_of,
    time_faults,
)
from portal.rules.text import slug_of, unique_among
from tests.internships import a_document, in_three_languages

HELSINKI = ZoneInfo("Europe/Helsinki")
LANGUAGES = ("fi", "sv", "en")
OPENS = datetime(2026, 12, 1, 7, 0, tzinfo=UTC)
CLOSES = datetime(2026, 12, 15, 13, 0, tzinfo=UTC)
OPEN = Times("published", OPENS, CLOSES)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def whole(**values: Any) -> CallDocument:
    return a_document(**{"answer_by": date(2027, 1, 15), **values})


# ----------------------------------------------------------------------------------------------------- phases


@pytest.mark.parametrize(
    ("times", "now", "expected"),
    [
        (Times("draft", OPENS, CLOSES), OPENS, "draft"),
        (OPEN, OPENS - MINUTE, "scheduled"),
        (OPEN, OPENS, "open"),
        (OPEN, CLOSES - timedelta(microseconds=1), "open"),
        (OPEN, CLOSES, "closed"),
        (Times("published", OPENS, CLOSES, CLOSES + HOUR), CLOSES, "open"),
        (Times("published", OPENS, CLOSES, CLOSES + HOUR), CLOSES + HOUR, "closed"),
        (Times("published", OPENS, None), CLOSES + timedelta(days=3650), "open"),
        (Times("decided", OPENS, CLOSES), OPENS, "decided"),
    ],
)
def test_the_clock_says_where_a_call_stands(times: Times, now: datetime, expected: str) -> None:
    assert phase(times, now) == expected


def test_a_late_application_is_kept_for_half_an_hour() -> None:
    assert is_late_but_kept(OPEN, CLOSES)
    assert is_late_but_kept(OPEN, CLOSES + timedelta(minutes=29, seconds=59))
    assert not is_late_but_kept(OPEN, CLOSES + timedelta(minutes=30))
    assert not is_late_but_kept(OPEN, CLOSES - MINUTE)


# ---------------------------------------------------------------------------------------------------- outages


@pytest.mark.parametrize(
    ("down_from", "up_again", "later_by"),
    [
        (CLOSES - 8 * HOUR, CLOSES - 7 * HOUR, None),  # before the window
        (CLOSES - 7 * HOUR, CLOSES - 5 * HOUR, HOUR),  # into the window: only that part counts
        (CLOSES - 2 * HOUR, CLOSES - HOUR, HOUR),
        (CLOSES - HOUR, CLOSES + 2 * HOUR, 3 * HOUR),  # across closing: an hour was lost, given from the return on
        (CLOSES - 10 * HOUR, CLOSES + HOUR, 7 * HOUR),
        (CLOSES + MINUTE, CLOSES + HOUR, None),  # after closing
        (CLOSES, CLOSES + HOUR, None),
        (CLOSES - HOUR, CLOSES - HOUR + 2 * MINUTE, None),  # a restart
        (CLOSES - HOUR, CLOSES - HOUR + 3 * MINUTE, 3 * MINUTE),
    ],
)
def test_what_an_outage_earns(down_from: datetime, up_again: datetime, later_by: timedelta | None) -> None:
    expected = None if later_by is None else CLOSES + later_by
    assert extension(OPEN, down_from=down_from, up_again=up_again) == expected


def test_two_outages_add_up() -> None:
    first = extension(OPEN, down_from=CLOSES - 3 * HOUR, up_again=CLOSES - 2 * HOUR)
    assert first == CLOSES + HOUR
    extended = Times("published", OPENS, CLOSES, first)
    assert extension(extended, down_from=CLOSES - HOUR, up_again=CLOSES) == CLOSES + 2 * HOUR


def test_the_window_moves_with_the_extended_end() -> None:
    """What was too early before the first closing moment is still too early before the later one."""
    extended = Times("published", OPENS, CLOSES, CLOSES + HOUR)
    assert extension(extended, down_from=CLOSES - 6 * HOUR, up_again=CLOSES - 5 * HOUR) is None


@pytest.mark.parametrize(
    "times",
    [Times("draft", OPENS, CLOSES), Times("decided", OPENS, CLOSES), Times("published", OPENS, None)],
)
def test_only_a_published_call_with_a_deadline_is_extended(times: Times) -> None:
    assert extension(times, down_from=CLOSES - HOUR, up_again=CLOSES) is None


def test_before_it_opens_nobody_lost_anything() -> None:
    short = Times("published", CLOSES - 2 * HOUR, CLOSES)
    assert extension(short, down_from=CLOSES - 4 * HOUR, up_again=CLOSES - 3 * HOUR) is None
    assert extension(short, down_from=CLOSES - 4 * HOUR, up_again=CLOSES - HOUR) == CLOSES + HOUR


# ---------------------------------------------------------------------------------------- what must be there


def test_a_whole_call_lacks_nothing() -> None:
    assert document_faults(whole(), LANGUAGES, {"errin"}) == []


def test_every_missing_text_is_named_with_its_language() -> None:
    document = whole(
        title={"fi": "Harjoittelija", "sv": " ", "en": "Intern"},
        paid=True,
        amount={"fi": "1 300 euroa"},
        questions=(Question(key="why", kind="short_text", label={"fi": "Miksi?"}, hint={"en": "Short"}),),
    )
    assert document_faults(document, LANGUAGES, {"errin"}) == [
        Fault("title", "sv"),
        Fault("amount", "sv"),
        Fault("amount", "en"),
        Fault("questions.why.label", "sv"),
        Fault("questions.why.label", "en"),
        Fault("questions.why.hint", "fi"),
        Fault("questions.why.hint", "sv"),
    ]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"topics": ()}, Fault("topics")),
        ({"topics": ("gone",)}, Fault("topics")),
        ({"weeks_min": None}, Fault("weeks_min")),
        ({"hours_per_week": None}, Fault("hours_per_week")),
        ({"weeks_min": 20, "weeks_max": 10}, Fault("weeks_max", problem="longest_below_shortest")),
        ({"starts_on": None}, Fault("starts_on")),
        ({"answer_by": None}, Fault("answer_by")),
        ({"ends_on": date(2027, 1, 1)}, Fault("ends_on", problem="ends_before_start")),
        (
            {"questions": (Question(key="where", kind="choice", label=in_three_languages("Where?")),)},
            Fault("questions.where", problem="too_few_choices"),
        ),
    ],
)
def test_every_missing_fact_is_named(values: dict[str, Any], fault: Fault) -> None:
    assert document_faults(whole(**values), LANGUAGES, {"errin"}) == [fault]


def test_a_standing_call_needs_no_period_and_no_day_of_answer() -> None:
    document = whole(starts_on=None, ends_on=None, answer_by=None, standing=True)
    assert document_faults(document, LANGUAGES, {"errin"}) == []
    assert time_faults(document, opens_at=OPENS, closes_at=None, now=OPENS, zone=HELSINKI) == []


@pytest.mark.parametrize(
    ("opens_at", "closes_at", "now", "faults"),
    [
        (OPENS, CLOSES, OPENS - HOUR, []),
        (None, CLOSES, OPENS, [Fault("opens_at")]),
        (OPENS, None, OPENS, [Fault("closes_at")]),
        (CLOSES, OPENS, OPENS - HOUR, [Fault("closes_at", problem="closes_before_opening")]),
        (OPENS, CLOSES, CLOSES, [Fault("closes_at", problem="closing_has_passed")]),
        (
            OPENS,
            datetime(2027, 1, 20, 13, tzinfo=UTC),
            OPENS,
            [Fault("answer_by", problem="answer_before_closing")],
        ),
    ],
)
def test_moments_that_do_not_fit(
    opens_at: datetime | None, closes_at: datetime | None, now: datetime, faults: list[Fault]
) -> None:
    assert time_faults(whole(), opens_at=opens_at, closes_at=closes_at, now=now, zone=HELSINKI) == faults


# ----------------------------------------------------------------------------------------- what may not change


def test_words_of_a_question_may_be_corrected_and_nothing_else() -> None:
    before = whole()
    why, remote = before.questions
    corrected = why.model_copy(update={"label": in_three_languages("Why you?")})
    assert keeps_questions(before, before.model_copy(update={"questions": (remote, corrected)}))
    for changed in (
        (why,),
        (why.model_copy(update={"required": False}), remote),
        (why.model_copy(update={"kind": "short_text"}), remote),
        (why, remote.model_copy(update={"choices": remote.choices[:1]})),
    ):
        assert not keeps_questions(before, before.model_copy(update={"questions": changed}))


def test_words_of_a_criterion_may_be_corrected_and_nothing_else() -> None:
    before = whole()
    fit, languages = before.criteria
    renamed = fit.model_copy(update={"title": "Fits"})
    assert keeps_criteria(before, before.model_copy(update={"criteria": (renamed, languages)}))
    heavier = fit.model_copy(update={"weight": 9})
    assert not keeps_criteria(before, before.model_copy(update={"criteria": (heavier, languages)}))


def test_what_changed_is_named() -> None:
    before = whole()
    after = before.model_copy(update={"title": {**before.title, "sv": "Praktikant"}, "topics": ("tci",)})
    assert changed_parts(before, after) == ["title.sv", "topics"]
    assert changed_parts(before, before) == []


# ------------------------------------------------------------------------------------------ moments, addresses


def test_a_local_moment_in_winter_in_summer_and_in_the_hour_that_is_skipped() -> None:
    assert moment_of(date(2026, 12, 15), time(15), HELSINKI) == datetime(2026, 12, 15, 13, tzinfo=UTC)
    assert moment_of(date(2026, 7, 15), time(15), HELSINKI) == datetime(2026, 7, 15, 12, tzinfo=UTC)
    assert moment_of(date(2027, 3, 28), time(3, 30), HELSINKI) is None


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Harjoittelija: EU-rahoitus ja verkostot", "harjoittelija-eu-rahoitus-ja-verkostot"),
        ("Työ ÄÖÅ 2 & muuta!", "tyo-aoa-2-muuta"),
        ("Стажёр", ""),
        ("x" * 50, "x" * 40),
        ("a" * 30 + " " + "b" * 30, "a" * 30),
    ],
)
def test_an_address_from_a_title(text: str, slug: str) -> None:
    assert slug_of(text) == slug


def test_an_address_is_never_given_twice() -> None:
    assert unique_among("call-2027", {"call-2026"}) == "call-2027"
    assert unique_among("call-2027", {"call-2027", "call-2027-2"}) == "call-2027-3"
