"""Doors of calls: what everybody reads of them, and the pages on which they are kept."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select

from portal import clock
from portal.database import transaction
from portal.models import Call, Letter
from portal.rules.policy import Permission, Viewer
from tests.internships import a_document, make_call
from tests.web.doors import People, Places, Table

DOORS: Table = {
    "public.answer_precheck": "public",
    "public.call": "public",
    "public.call_deadline": "public",
    "public.internships": "public",
    "public.internships_feed": "public",
    "public.precheck": "public",
    "workspace.add_call_part": Permission.LEAD_CALLS,
    "workspace.add_reviewer": Permission.LEAD_CALLS,
    "workspace.arrange_call_part": Permission.LEAD_CALLS,
    "workspace.call": Permission.LEAD_CALLS,
    "workspace.call_parts": Permission.LEAD_CALLS,
    "workspace.calls": Permission.LEAD_CALLS,
    "workspace.change_closing": Permission.LEAD_CALLS,
    "workspace.close_call": Permission.LEAD_CALLS,
    "workspace.create": Permission.LEAD_CALLS,
    "workspace.duplicate": Permission.LEAD_CALLS,
    "workspace.edit_call": Permission.LEAD_CALLS,
    "workspace.edit_call_part": Permission.LEAD_CALLS,
    "workspace.mark_decided": Permission.LEAD_CALLS,
    "workspace.new_call": Permission.LEAD_CALLS,
    "workspace.new_call_part": Permission.LEAD_CALLS,
    "workspace.preview_call": Permission.LEAD_CALLS,
    "workspace.publish_call": Permission.LEAD_CALLS,
    "workspace.remove_reviewer": Permission.LEAD_CALLS,
    "workspace.retry_call_letter": Permission.LEAD_CALLS,
    "workspace.reveal_names": Permission.LEAD_CALLS,
    "workspace.save_call": Permission.LEAD_CALLS,
    "workspace.save_call_part": Permission.LEAD_CALLS,
    "workspace.unpublish_call": Permission.LEAD_CALLS,
}


@dataclass(frozen=True)
class Calls:
    """For every door a call of the lead's in the state that it wants."""

    lead: Viewer
    prepared: Places

    def places(self) -> Places:
        return self.prepared

    def filled(self, endpoint: str, token: str) -> dict[str, Any]:
        if endpoint == "public.answer_precheck":
            return {"citizenship": "eu", "background": "student", "pay": "paid", "length": "short"}
        typed: dict[str, Any] = {
            "workspace.add_call_part": {"kind": "short_text", "label_en": "Which city?"},
            "workspace.add_reviewer": {"person": str(self.lead.account_id)},
            "workspace.arrange_call_part": {"down": "1"},
            "workspace.change_closing": {"day": "2040-01-02", "clock": "15:00", "reason": "More time"},
            "workspace.close_call": {"why": "Enough"},
            "workspace.create": {"title": "Harjoittelija"},
            "workspace.save_call": {"title_en": "Another title", "deadline": "closing", "retention_months": "12"},
            "workspace.save_call_part": {"title": "Fits the tasks", "weight": "2"},
        }.get(endpoint, {})
        return {**typed, "version": "1", "token": token}


def a_failed_letter(place: dict[str, Any]) -> dict[str, Any]:
    """An invitation to review that was not delivered; needs an application context."""
    now = clock.now()
    with transaction() as connection:
        letter_id = connection.scalar(
            insert(Letter)
            .values(
                call_id=connection.scalar(select(Call.id).where(Call.slug == place["slug"])),
                kind="review_invited",
                recipient="first@demo.example.org",
                language="en",
                status="failed",
                attempts=9,
                next_attempt_at=now,
                message_id=f"<{place['slug']}@example.org>",
                created_at=now,
                error="550 no such user",
            )
            .returning(Letter.id)
        )
    return {**place, "letter_id": letter_id}


def furnish(people: People) -> Calls:
    """Calls of Koponen's that the coordinator reviews; needs an application context."""
    lead, reviewer = people["koponen"], people["coordinator"]
    now = clock.now()
    draft = {"status": "draft", "published_at": None, "opens_at": now + timedelta(days=1)}
    closed = {"closes_at": now - timedelta(days=1)}
    whole = a_document(answer_by=(now + timedelta(days=90)).date())

    def call(**values: Any) -> dict[str, Any]:
        return {"slug": make_call(lead.account_id, reviewers=(reviewer.account_id,), **values).slug}

    shown, written, item, new = call(), call(**draft), call(), call(**draft)
    questions = {"part": "questions"}
    places = {
        "public.call": shown,
        "public.call_deadline": shown,
        "workspace.add_call_part": {**new, **questions},
        "workspace.add_reviewer": call(),
        "workspace.arrange_call_part": {**call(), **questions, "key": "why"},
        "workspace.call": shown,
        "workspace.call_parts": {**shown, **questions},
        "workspace.change_closing": call(),
        "workspace.close_call": call(),
        "workspace.duplicate": call(),
        "workspace.edit_call": written,
        "workspace.edit_call_part": {**item, "part": "criteria", "key": "fit"},
        "workspace.mark_decided": call(**closed),
        "workspace.new_call_part": {**new, **questions},
        "workspace.preview_call": shown,
        "workspace.publish_call": call(**draft, document=whole),
        "workspace.remove_reviewer": {**call(), "account_id": reviewer.account_id},
        "workspace.retry_call_letter": a_failed_letter(call()),
        "workspace.reveal_names": call(blind=True),
        "workspace.save_call": written,
        "workspace.save_call_part": {**item, "part": "criteria", "key": "fit"},
        "workspace.unpublish_call": call(),
    }
    return Calls(lead, places)
