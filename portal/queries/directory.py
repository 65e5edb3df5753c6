"""Who is away and who is to be told: read at every submission, so kept for a second in each process."""

import threading
import time
from dataclasses import dataclass
from datetime import date

from flask import current_app
from sqlalchemy import select

from portal import clock
from portal.content.schema import Manager
from portal.database import db
from portal.models import Absence, Account, Application, Call
from portal.queries.editions import content

_KEPT_SECONDS = 1.0


@dataclass(frozen=True)
class Mailbox:
    """Where a member of the staff gets letters, and in which language."""

    address: str
    language: str


@dataclass(frozen=True)
class Directory:
    """The staff on one day: keys of those away, the coordinators' mailboxes, languages by manager's key."""

    day: date
    absent: frozenset[str]
    coordinators: tuple[Mailbox, ...]
    languages: dict[str, str]


_lock = threading.Lock()


def get_directory() -> Directory:
    """Today's directory, at most a second old; the day is that of the installation's time zone."""
    kept: tuple[float, Directory] | None = current_app.extensions.get("yhteys.directory")
    if kept is not None and time.monotonic() - kept[0] < _KEPT_SECONDS:
        return kept[1]
    with _lock:
        fresh = _read()
        current_app.extensions["yhteys.directory"] = (time.monotonic(), fresh)
    return fresh


def forget_directory() -> None:
    """Read anew at the next question: absences or accounts have changed."""
    current_app.extensions.pop("yhteys.directory", None)


def mailboxes_of(holder: str) -> tuple[Mailbox, ...]:
    """Who is told about a case of ``holder``.

    Triage is the coordinators', and so are the cases of somebody who has left the content; without a coordinator
    they are everybody's.
    """
    managers = content().manager_by_key
    if holder in managers:
        return (_mailbox(managers[holder]),)
    return get_directory().coordinators or tuple(_mailbox(manager) for manager in managers.values())


def mailboxes_of_lead(submission_id: int) -> tuple[Mailbox, ...]:
    """Who is told as the lead of an application's call: a manager at the public address, others by their account.

    The calls of somebody who has left are the coordinators'.
    """
    lead = db.session.execute(
        select(Account.email, Account.language, Account.manager_key, Account.active)
        .join(Call, Call.lead_id == Account.id)
        .join(Application, Application.call_id == Call.id)
        .where(Application.submission_id == submission_id)
    ).one()
    if lead.manager_key in content().manager_by_key or not lead.active:
        return mailboxes_of(lead.manager_key or "")
    return (Mailbox(lead.email, lead.language),)


def today() -> date:
    """The day in the installation's time zone."""
    return clock.now().astimezone(content().organisation.zone).date()


def _read() -> Directory:
    day = today()
    away = select(Absence.manager_key).where(Absence.first_day <= day, Absence.last_day >= day)
    people = db.session.execute(
        select(Account.email, Account.language, Account.role, Account.manager_key)
        .where(Account.active)
        .order_by(Account.id)
    ).all()
    return Directory(
        day,
        frozenset(db.session.scalars(away)),
        tuple(Mailbox(person.email, person.language) for person in people if person.role == "coordinator"),
        {person.manager_key: person.language for person in people if person.manager_key is not None},
    )


def _mailbox(manager: Manager) -> Mailbox:
    """The public address of a manager, in the language chosen for the workspace if there is an account."""
    return Mailbox(manager.email, get_directory().languages.get(manager.key, manager.language))
