"""Invented calls and applications for tests."""

import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from portal import clock
from portal.content.calls import CallDocument, Choice, Criterion, Question
from portal.database import transaction
from portal.models import Call, CallReviewer
from portal.operations.applications import ApplicationCommand, receive_application
from portal.operations.receiving import Received
from portal.queries.calls import StoredCall, find_call_by_id
from portal.rules.applications import Answers

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def in_three_languages(text: str) -> dict[str, str]:
    return {code: f"{text} ({code})" for code in ("fi", "sv", "en")}


def a_document(**values: Any) -> CallDocument:
    """A complete call for one topic, with two questions of its own and two criteria."""
    return CallDocument(
        **{
            "title": in_three_languages("Intern for bioeconomy networks"),
            "text": in_three_languages("Come and help us."),
            "tasks": in_three_languages("Mapping partners."),
            "place": in_three_languages("Jyväskylä"),
            "who": in_three_languages("Students and recent graduates."),
            "languages": in_three_languages("English"),
            "topics": ("errin",),
            "starts_on": date(2027, 2, 1),
            "ends_on": date(2027, 6, 30),
            "weeks_min": 8,
            "weeks_max": 16,
            "hours_per_week": 36,
            "required_documents": ("cv",),
            "questions": (
                Question(key="why", kind="long_text", label=in_three_languages("Why us?"), required=True),
                Question(
                    key="remote",
                    kind="choice",
                    label=in_three_languages("Where would you work?"),
                    choices=(
                        Choice(key="office", label=in_three_languages("At the office")),
                        Choice(key="home", label=in_three_languages("From home")),
                    ),
                ),
            ),
            "criteria": (
                Criterion(key="fit", title="Fit with the tasks", guidance="5: has done it before", weight=2),
                Criterion(key="languages", title="Languages", weight=1),
            ),
            **values,
        }
    )


def make_call(lead_id: int, *, reviewers: tuple[int, ...] = (), **values: Any) -> StoredCall:
    """Store a call that is open now, closing in a week; needs an application context.

    ``values`` are columns of ``Call``; ``document`` may be a ``CallDocument``.
    """
    now = clock.now()
    document = values.pop("document", None) or a_document()
    with transaction() as connection:
        call_id = connection.scalar(
            insert(Call)
            .values(
                **{
                    "slug": f"call-{secrets.token_hex(4)}",
                    "status": "published",
                    "version": 1,
                    "lead_id": lead_id,
                    "document": document.model_dump(mode="json"),
                    "blind": False,
                    "opens_at": LONG_AGO,
                    "closes_at": now + timedelta(days=7),
                    "retention_months": 12,
                    "created_at": LONG_AGO,
                    "changed_at": LONG_AGO,
                    "published_at": LONG_AGO,
                    **values,
                }
            )
            .returning(Call.id)
        )
        assert call_id is not None
        for account_id in reviewers:
            connection.execute(insert(CallReviewer).values(call_id=call_id, account_id=account_id, added_at=now))
    stored = find_call_by_id(call_id)
    assert stored is not None
    return stored


def answers(**values: Any) -> Answers:
    """A complete application's answers."""
    return Answers(
        **{
            "name": "Noor Example",
            "address_as": "Noor",
            "contact_language": "en",
            "country": "NL",
            "email": "noor@example.org",
            "institution": "Example University",
            "study_field": "Environmental policy",
            "study_level": "master",
            "study_stage": "studying",
            "available_from": date(2027, 2, 1),
            "available_to": date(2027, 5, 31),
            "weeks": 12,
            "languages": (("en", "C1"), ("nl", "native")),
            "funding": "erasmus",
            "motivation": "I want to learn how regions work together.",
            "questions": {"why": "Because of the lakes.", "remote": "office"},
            **values,
        }
    )


def apply(call: StoredCall, *, command: dict[str, Any] | None = None, **values: Any) -> Received:
    """Send an application to a call; ``values`` are answers. Needs an application context."""
    return receive_application(
        command=ApplicationCommand(
            **{
                "token": secrets.token_urlsafe(18),
                "language": "en",
                "call_id": call.id,
                "answers": answers(**values),
                **(command or {}),
            }
        )
    )
