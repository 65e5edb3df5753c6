"""Invented people and inquiries for tests."""

import secrets
from typing import Any

from flask import Flask

from portal.operations.accounts import add_account
from portal.operations.inquiries import receive_inquiry
from portal.operations.receiving import Received, SubmissionCommand
from portal.rules.policy import Role, Viewer

PASSWORD = "correct-horse-7-battery"


def an_inquiry(**values: Any) -> SubmissionCommand:
    """A complete inquiry, with a name of its own for its sending. One for triage speaks of nothing in particular."""
    if values.get("topic") == "triage":
        values = {"subject": "Hello", "message": "Hello, is anybody there?", **values}
    return SubmissionCommand(
        **{
            "token": secrets.token_urlsafe(18),
            "language": "en",
            "topic": "errin",
            "subject": "Partners for a proposal",
            "message": "Dear colleagues,\nwe look for a region to join us.",
            "name": "Ada Example",
            "email": "ada@example.org",
            **values,
        }
    )


def receive(**values: Any) -> Received:
    """Send an inquiry; needs an application context."""
    return receive_inquiry(command=an_inquiry(**values))


def add_people(app: Flask) -> dict[str, Viewer]:
    """An account for each of two managers and a coordinator: ``koponen``, ``pirinen``, ``coordinator``."""
    from portal.database import db
    from portal.models import Account

    with app.app_context():
        for key, role in (("koponen", "manager"), ("pirinen", "manager"), ("coordinator", "coordinator")):
            add_account(
                email=f"{key}@demo.example.org",
                name=f"Demo {key.title()}",
                role=role,
                manager_key=key if role == "manager" else None,
                language="en",
                password=PASSWORD,
            )
        return {account.email.split("@")[0]: account.viewer for account in db.session.query(Account)}


def add_everybody(app: Flask) -> dict[str, Viewer]:
    """The same, and somebody of every other role: ``administrator``, ``reviewer``."""
    people = add_people(app)
    others: tuple[Role, ...] = ("administrator", "reviewer")
    with app.app_context():
        for role in others:
            account_id = add_account(
                email=f"{role}@demo.example.org",
                name=f"Demo {role.title()}",
                role=role,
                manager_key=None,
                language="en",
                password=PASSWORD,
            )
            people[role] = Viewer(account_id, f"Demo {role.title()}", role, None, "en")
    return people
