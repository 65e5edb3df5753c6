"""Doors of what leaves the house: an application as paper, and all of a call as workbook and archive."""

from dataclasses import dataclass
from typing import Any

from portal.rules.policy import Permission
from tests.internships import apply, make_call
from tests.web.doors import People, Places, Table

DOORS: Table = {
    "workspace.dossier": Permission.LEAD_CALLS,
    "workspace.export": Permission.LEAD_CALLS,
    "workspace.export_xlsx": Permission.LEAD_CALLS,
    "workspace.export_zip": Permission.LEAD_CALLS,
    "workspace.print_dossier": Permission.LEAD_CALLS,
}


@dataclass(frozen=True)
class Exports:
    """A call of Koponen's with an application."""

    slug: str
    reference: str

    def places(self) -> Places:
        call, application = {"slug": self.slug}, {"reference": self.reference}
        return {
            "workspace.dossier": application,
            "workspace.export": call,
            "workspace.export_xlsx": call,
            "workspace.export_zip": call,
            "workspace.print_dossier": application,
        }

    def filled(self, _endpoint: str, _token: str) -> dict[str, Any]:
        return {}


def furnish(people: People) -> Exports:
    """Needs an application context."""
    call = make_call(people["koponen"].account_id)
    return Exports(call.slug, apply(call).reference)
