"""A call as other programs read it: search engines (schema.org) and calendars (iCalendar)."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from portal import settings
from portal.content.calls import said
from portal.gateways.links import public_link
from portal.i18n import gettext, language
from portal.queries.calls import StoredCall
from portal.queries.editions import content
from portal.queries.public_calls import last_change
from portal.web.rendering import prose, utc_offset, zoned_text

REMIND_BEFORE = timedelta(days=1)


def address_of(call: StoredCall) -> str:
    """The full address of a call's page in the language in force."""
    return public_link("public.call", lang=language(), slug=call.slug)


def job_posting(call: StoredCall) -> dict[str, Any]:
    """A ``JobPosting`` of schema.org in the language in force.

    What is paid is only said in words, and so has no place here.
    """
    code, document, organisation = language(), call.document, content().organisation
    texts = [said(words, code) for words in (document.text, document.tasks, document.who)]
    posting: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "JobPosting",
        "title": said(document.title, code),
        "description": "".join(prose(text) for text in texts if text),
        "identifier": {"@type": "PropertyValue", "name": organisation.name[code], "value": call.slug},
        "url": address_of(call),
        "datePosted": (call.published_at or call.changed_at).astimezone(organisation.zone).date().isoformat(),
        "employmentType": "INTERN",
        "hiringOrganization": {
            "@type": "GovernmentOrganization",
            "name": organisation.name[code],
            "sameAs": organisation.home_url,
        },
        "jobLocation": {
            "@type": "Place",
            "address": {"@type": "PostalAddress", "addressCountry": organisation.country},
        },
        "directApply": True,
    }
    if place := said(document.place, code):
        posting["jobLocation"]["address"]["addressLocality"] = place
    if call.times.ends_at:
        posting["validThrough"] = call.times.ends_at.astimezone(organisation.zone).isoformat(timespec="seconds")
    if document.starts_on:
        posting["jobStartDate"] = document.starts_on.isoformat()
    return posting


def deadline_calendar(call: StoredCall) -> bytes | None:
    """The closing moment as a calendar with one entry and a reminder a day before; ``None`` without a deadline.

    The entry has the same UID in every language and after every change, so that a calendar replaces it.
    """
    # Imported here: few ask for a calendar, and each process would read it at its start.
    from icalendar import Alarm, Calendar, Event

    ends_at = call.times.ends_at
    if ends_at is None:
        return None
    summary = gettext("Last time to apply: %(title)s", title=said(call.document.title, language()))
    where = address_of(call)
    when = zoned_text(ends_at)
    entry, alarm, calendar = Event(), Alarm(), Calendar()
    entry.add("uid", f"call-{call.id}-deadline@{urlsplit(settings.current().public_url).hostname}")
    entry.add("sequence", call.version)
    entry.add("dtstamp", last_change(call))
    entry.add("dtstart", ends_at)
    entry.add("summary", summary)
    entry.add("description", f"{when} ({utc_offset(ends_at)})\n{where}")
    entry.add("url", where)
    entry.add("transp", "TRANSPARENT")
    alarm.add("action", "DISPLAY")
    alarm.add("description", summary)
    alarm.add("trigger", -REMIND_BEFORE)
    entry.add_component(alarm)
    calendar.add("prodid", f"-//{content().organisation.name[language()]}//Yhteys//{language().upper()}")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(entry)
    return bytes(calendar.to_ical())
