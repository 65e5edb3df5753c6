"""The life of a submission, and of a letter."""

from datetime import timedelta
from itertools import pairwise, product
from typing import get_args

import pytest

from portal.rules.delivery import MAX_ATTEMPTS, delay_after
from portal.rules.states import STATUSES, CaseAct, NotPossible, after, possible

ACTS = get_args(CaseAct)


def test_a_sender_is_never_turned_away() -> None:
    for status in STATUSES:
        assert after("sender_reply", status) in ("new", "in_progress")


def test_a_closed_case_is_only_reopened_noted_or_woken() -> None:
    assert possible("closed") == {"reopen", "note", "sender_reply"}


def test_every_state_can_be_left_and_every_move_ends_in_a_state() -> None:
    for status in STATUSES:
        assert any(after(act, status) != status for act in possible(status))
    for act, status in product(ACTS, STATUSES):
        if act in possible(status):
            assert after(act, status) in STATUSES
        else:
            with pytest.raises(NotPossible):
                after(act, status)


def test_a_reply_answers_and_handing_over_makes_it_new_for_the_next() -> None:
    assert after("reply", "new") == "answered"
    assert after("hand_over", "in_progress") == "new"


def test_attempts_grow_apart_and_end() -> None:
    delays = [delay_after(attempt) for attempt in range(1, MAX_ATTEMPTS)]
    assert all(earlier < later for earlier, later in pairwise(delays))  # type: ignore[operator]
    assert delay_after(MAX_ATTEMPTS) is None
    assert timedelta(hours=40) < sum(delays, timedelta()) < timedelta(hours=72)  # type: ignore[arg-type]
