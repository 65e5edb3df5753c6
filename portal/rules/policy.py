"""Who may do what. A role is a set of permissions; whose cases one sees is the scope of a viewer."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Role = Literal["manager", "coordinator", "administrator", "reviewer"]
ROLES: tuple[Role, ...] = ("manager", "coordinator", "administrator", "reviewer")


class Permission(StrEnum):
    """What a view or an act asks for."""

    HANDLE_CASES = "handle_cases"
    SEE_ALL_CASES = "see_all_cases"
    KEEP_ABSENCES = "keep_absences"
    KEEP_OTHERS_ABSENCES = "keep_others_absences"
    OWN_ACCOUNT = "own_account"
    LEAD_CALLS = "lead_calls"
    LEAD_ALL_CALLS = "lead_all_calls"
    REVIEW = "review"


_REVIEWER = frozenset({Permission.REVIEW, Permission.OWN_ACCOUNT})
_MANAGER = _REVIEWER | {Permission.HANDLE_CASES, Permission.KEEP_ABSENCES, Permission.LEAD_CALLS}
_COORDINATOR = _MANAGER | {Permission.SEE_ALL_CASES, Permission.KEEP_OTHERS_ABSENCES, Permission.LEAD_ALL_CALLS}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    "manager": _MANAGER,
    "coordinator": _COORDINATOR,
    # An administrator keeps the set-up; people's letters are not theirs to read.
    "administrator": frozenset({Permission.OWN_ACCOUNT, Permission.KEEP_ABSENCES, Permission.KEEP_OTHERS_ABSENCES}),
    # Somebody from outside the team who weighs applications of the calls they were asked to.
    "reviewer": _REVIEWER,
}


@dataclass(frozen=True)
class Viewer:
    """The signed-in person on whose behalf something is read or done."""

    account_id: int
    name: str
    role: Role
    manager_key: str | None
    language: str

    def may(self, permission: Permission) -> bool:
        return permission in PERMISSIONS[self.role]
