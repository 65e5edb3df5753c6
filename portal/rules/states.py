"""The life of a submission: its states and what may be done in each."""

from typing import Literal

Status = Literal["new", "in_progress", "answered", "closed"]
STATUSES: tuple[Status, ...] = ("new", "in_progress", "answered", "closed")

Act = Literal["take", "reply", "note", "hand_over", "close", "reopen", "sender_reply"]

_NEXT: dict[Act, dict[Status, Status]] = {
    "take": {"new": "in_progress", "in_progress": "in_progress", "answered": "answered"},
    "reply": {"new": "answered", "in_progress": "answered", "answered": "answered"},
    "note": {"new": "new", "in_progress": "in_progress", "answered": "answered", "closed": "closed"},
    "hand_over": {"new": "new", "in_progress": "new", "answered": "answered"},
    "close": {"new": "closed", "in_progress": "closed", "answered": "closed"},
    "reopen": {"closed": "in_progress"},
    # A sender who writes again is never turned away: the case wakes up.
    "sender_reply": {
        "new": "new",
        "in_progress": "in_progress",
        "answered": "in_progress",
        "closed": "in_progress",
    },
}


class NotPossible(Exception):
    """The act does not go with the state the case is in."""

    def __init__(self, act: Act, status: Status) -> None:
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


def possible(status: Status) -> frozenset[Act]:
    """What may be done in a state."""
    return frozenset(act for act, moves in _NEXT.items() if status in moves)
