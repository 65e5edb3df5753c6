"""Mapped classes and constraints. Importing this package registers every table."""

from portal.models.accounts import Account, Session
from portal.models.editions import Edition
from portal.models.letters import Letter
from portal.models.staffing import Absence
from portal.models.submissions import Attachment, Event, Submission

__all__ = ["Absence", "Account", "Attachment", "Edition", "Event", "Letter", "Session", "Submission"]
