"""Doors of the pages on which calls are kept, each with a call in the state that it wants."""

from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select

from portal import clock
from portal.database import transaction
from portal.models import Call, Letter
from portal.rules.policy import Permission, Viewer
from portal.web.security.doors import Door
from tests.internships import a_document, make_call

DOORS: dict[str, Door | None] = dict.fromkeys(
    (
        "workspace.add_call_part",
        "workspace.add_reviewer",
        "workspace.arrange_call_part",
        "workspace.call",
        "workspace.call_parts",
        "workspace.calls",
        "workspace.change_closing",
        "workspace.close_call",
        "workspace.create",
        "workspace.duplicate",
        "workspace.edit_call",
        "workspace.edit_call_part",
        "workspace.mark_decided",
        "workspace.new_call",
        "workspace.new_call_part",
        "workspace.preview_call",
        "workspace.publish_call",
        "workspace.remove_reviewer",
        "workspace.retry_call_letter",
        "workspace.reveal_names",
        "workspace.save_call",
        "workspace.save_call_part",
        "workspace.unpublish_call",
    ),
    Permission.LEAD_CALLS,
)


def places(lead: Viewer, reviewer: Viewer) -> dict[str, dict[str, Any]]:
    """A call of the lead's for every door; needs an application context."""
    now = clock.now()
    draft = {"status": "draft", "published_at": None, "opens_at": now + timedelta(days=1)}
    closed = {"closes_at": now - timedelta(days=1)}
    whole = a_document(answer_by=(now + timedelta(days=90)).date())

    def call(**values: Any) -> dict[str, Any]:
        return {"slug": make_call(lead.account_id, reviewers=(reviewer.account_id,), **values).slug}

    shown, written, item, new = call(), call(**draft), call(), call(**draft)
    questions = {"part": "questions"}
    return {
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


def filled(endpoint: str, lead: Viewer) -> dict[str, str]:
    """What a person would type there."""
    return {
        "workspace.add_call_part": {"kind": "short_text", "label_en": "Which city?"},
        "workspace.add_reviewer": {"person": str(lead.account_id)},
        "workspace.arrange_call_part": {"down": "1"},
        "workspace.change_closing": {"day": "2040-01-02", "clock": "15:00", "reason": "More time"},
        "workspace.close_call": {"why": "Enough"},
        "workspace.create": {"title": "Harjoittelija"},
        "workspace.save_call": {"title_en": "Another title", "deadline": "closing", "retention_months": "12"},
        "workspace.save_call_part": {"title": "Fits the tasks", "weight": "2"},
    }.get(endpoint, {})
