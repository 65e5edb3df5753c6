"""Doors of decisions: preparing, sending and recalling them, an applicant's answer to an offer, and withdrawing."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import time_machine
from sqlalchemy import update

from portal import clock
from portal.database import db, transaction
from portal.models import Application, Decision
from portal.operations.decisions import Released, apply_due_decisions, release_decisions
from portal.operations.preparing import prepare_decision
from portal.operations.receiving import Received
from portal.queries.calls import StoredCall
from portal.queries.decisions import list_decisions, mark_of
from portal.rules.policy import Permission, Viewer
from tests.internships import apply, make_call
from tests.web.doors import Places, Table

DOORS: Table = {
    "public.answer_offer": "public",
    "public.offer": "public",
    "public.send_withdrawal": "public",
    "public.withdraw": "public",
    "workspace.decide": Permission.LEAD_CALLS,
    "workspace.decision_letter": Permission.LEAD_CALLS,
    "workspace.decisions": Permission.LEAD_CALLS,
    "workspace.drop_decision": Permission.LEAD_CALLS,
    "workspace.move_reserve": Permission.LEAD_CALLS,
    "workspace.recall": Permission.LEAD_CALLS,
    "workspace.save_decision": Permission.LEAD_CALLS,
    "workspace.send_decisions": Permission.LEAD_CALLS,
}

OFFERED = ("public.answer_offer", "public.send_withdrawal")
"""Forms of the applicant who has an offer."""


@dataclass(frozen=True)
class DecidedCall:
    """A call with a decision for each thing that can be done with one, and an applicant who has an offer."""

    lead: Viewer
    call: StoredCall
    prepared: Received
    on_the_list: str
    on_its_way: Released
    offered: Received

    @property
    def slug(self) -> str:
        return self.call.slug

    def places(self) -> Places:
        about, whole = {"reference": self.prepared.reference}, {"slug": self.slug}
        return {
            "workspace.decide": about,
            "workspace.decision_letter": about,
            "workspace.decisions": whole,
            "workspace.drop_decision": about,
            "workspace.move_reserve": whole,
            "workspace.recall": whole,
            "workspace.save_decision": about,
            "workspace.send_decisions": whole,
        }

    def filled(self, endpoint: str, token: str) -> dict[str, Any]:
        """The fields of a form, as its page has them now."""
        rows = list_decisions(self.lead, self.call)
        db.session.rollback()
        marks = {row.reference: mark_of(row) for row in rows.prepared}
        mark, case = marks.get(self.prepared.reference, ""), str(self.offered.submission_id)
        return {
            "public.answer_offer": {"answer": "accept", "token": token, "case": case},
            "public.send_withdrawal": {"token": token, "case": case},
            "workspace.drop_decision": {"seen": mark},
            "workspace.move_reserve": {
                "order": ",".join(str(row.id) for row in rows.reserve),
                "down": str(rows.reserve[0].id),
            },
            "workspace.recall": {"effective_at": self.on_its_way.effective_at.isoformat()},
            "workspace.save_decision": {
                "kind": "decline",
                "reason": "Another reason",
                "message": "",
                "seen": mark,
                "save": "1",
            },
            "workspace.send_decisions": {"chosen": marks.get(self.on_the_list, ""), "token": token, "confirm": "1"},
        }.get(endpoint, {})

    def make_open_again(self) -> None:
        """As if the offer had not been answered; needs an application context."""
        offered = self.offered.submission_id
        with transaction() as connection:
            connection.execute(
                update(Decision).where(Decision.submission_id == offered).values(answer=None, answered_at=None)
            )
            connection.execute(update(Application).where(Application.submission_id == offered).values(stage="offered"))


def decide_a_call(lead: Viewer) -> DecidedCall:
    """A call of the lead's with decisions of every kind; needs an application context."""
    call = make_call(lead.account_id)
    everybody = [apply(call, email=f"decided{number}@example.org") for number in range(5)]
    prepared, first, second, waiting, offered = everybody
    deadline = clock.now() + timedelta(days=14)

    def prepare(received: Received, kind: Any) -> None:
        prepare_decision(lead, reference=received.reference, seen="", kind=kind, reason="Why", reply_by=deadline)

    def send() -> Released:
        seen = [mark_of(row) for row in list_decisions(lead, call).prepared]
        return release_decisions(lead, slug=call.slug, seen=seen, token=secrets.token_hex(8))

    prepare(offered, "offer")
    with time_machine.travel(clock.now() - timedelta(hours=1)):
        send()
    assert apply_due_decisions() == 1
    prepare(waiting, "decline")
    on_its_way = send()
    prepare(prepared, "decline")
    prepare(first, "reserve")
    prepare(second, "reserve")
    return DecidedCall(lead, call, prepared, first.reference, on_its_way, offered)
