"""The life of a submission: its states and what may be done in each.

The acts of an internship application come last; which of them go with its stage is for
``portal.rules.applications``, while here they say whose turn it is afterwards.
"""

from typing import Literal

Status = Literal["new", "in_progress", "answered", "closed"]
STATUSES: tuple[Status, ...] = ("new", "in_progress", "answered", "closed")

CaseAct = Literal["take", "reply", "note", "hand_over", "close", "reopen", "sender_reply"]
CASE_ACTS: tuple[CaseAct, ...] = CaseAct.__args__  # type: ignore[attr-defined]
ApplicationAct = Literal[
    "assess",  # shortlist, reveal, a review, an interview's invitation: the house is at work
    "ask",  # a correction, an interview: the applicant's turn
    "respond",  # the applicant added documents, corrected, chose a time
    "decide",  # a decision reached the applicant
    "settle",  # the last word: accepted, declined, lapsed, withdrawn, replaced
]
Act = Literal[CaseAct, ApplicationAct]

_UNCHANGED: dict[Status, Status] = {status: status for status in STATUSES}
_WAKES: dict[Status, Status] = {
    "new": "new",
    "in_progress": "in_progress",
    "answered": "in_progress",
    "closed": "in_progress",
}

_NEXT: dict[Act, dict[Status, Status]] = {
    "take": {"new": "in_progress", "in_progress": "in_progress", "answered": "answered"},
    "reply": {"new": "answered", "in_progress": "answered", "answered": "answered"},
    "note": _UNCHANGED,
    "hand_over": {"new": "new", "in_progress": "new", "answered": "answered"},
    "close": {"new": "closed", "in_progress": "closed", "answered": "closed"},
    "reopen": {"closed": "in_progress"},
    # A sender who writes again is never turned away: the case wakes up.
    "sender_reply": _WAKES,
    "assess": {"new": "in_progress", "in_progress": "in_progress", "answered": "answered", "closed": "closed"},
    "ask": {"new": "answered", "in_progress": "answered", "answered": "answered"},
    "respond": _WAKES,
    "decide": dict.fromkeys(STATUSES, "answered"),
    "settle": dict.fromkeys(STATUSES, "closed"),
}


class NotPossible(Exception):
    """The act does not go with the state the case is in."""

    def __init__(self, act: str, status: str) -> None:
        super().__init__(f"{act} is not possible when the case is {status}")
        self.act = act
        self.status = status


def after(act: Act, status: Status) -> Status:
    """The state that follows.

    Raises:
        NotPossible: the act does not go with the state.
    """
    try:
        return _NEXT[act][status]
    except KeyError:
        raise NotPossible(act, status) from None


def possible(status: Status) -> frozenset[CaseAct]:
    """What may be done with a case in a state; what goes with an application's stage is another question."""
    return frozenset(act for act in CASE_ACTS if status in _NEXT[act])
