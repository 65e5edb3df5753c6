"""Mapped classes and constraints. Importing this package registers every table."""

from portal.models.accounts import Account, Session
from portal.models.applications import Application, Correction, Decision, Draft, Interview, Review
from portal.models.calls import Call, CallEvent, CallReviewer, Uptime
from portal.models.editions import Edition
from portal.models.letters import Letter
from portal.models.staffing import Absence
from portal.models.submissions import Attachment, Event, Submission

__all__ = [
    "Absence",
    "Account",
    "Application",
    "Attachment",
    "Call",
    "CallEvent",
    "CallReviewer",
    "Correction",
    "Decision",
    "Draft",
    "Edition",
    "Event",
    "Interview",
    "Letter",
    "Review",
    "Session",
    "Submission",
    "Uptime",
]
