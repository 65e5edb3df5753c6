"""Calls for interns, as everybody may see them: the list, the page of a call, the feed, the deadline for a calendar."""

import re

from flask import Response, abort, render_template

from portal.queries.calls import StoredCall
from portal.queries.public_calls import find_public_call, get_public_calls, last_change, list_latest_calls
from portal.web.pages import same_for_a_minute
from portal.web.public.call_formats import deadline_calendar, job_posting
from portal.web.public.routes import blueprint
from portal.web.security.doors import public

FEED_LENGTH = 50

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@blueprint.get("/<language:lang>/internships")
@public
@same_for_a_minute
def internships() -> str:
    """Open, upcoming and past calls."""
    return render_template("public/internships.html", calls=get_public_calls())


@blueprint.get("/<language:lang>/internships/<slug>")
@public
@same_for_a_minute
def call(slug: str) -> str:
    """All that a call says, until when to apply, and how."""
    found = _find(slug)
    # A posting that nobody can apply to is none: search engines show it as open.
    posting = job_posting(found) if found.phase == "open" else None
    return render_template("public/call.html", call=found, posting=posting)


@blueprint.get("/<language:lang>/internships/feed.atom")
@public
@same_for_a_minute
def internships_feed() -> Response:
    """The latest calls for news readers."""
    entries = [(found, last_change(found)) for found in list_latest_calls(FEED_LENGTH)]
    updated = max((changed for _call, changed in entries), default=None)
    feed = render_template("public/internships.atom", entries=entries, updated=updated)
    return Response(_NOT_XML.sub("", feed), content_type="application/atom+xml; charset=utf-8")


@blueprint.get("/<language:lang>/internships/<slug>/deadline.ics")
@public
@same_for_a_minute
def call_deadline(slug: str) -> Response:
    """The closing moment of a call as a calendar entry; a standing call has none."""
    found = _find(slug)
    calendar = deadline_calendar(found) or abort(404)
    response = Response(calendar, content_type="text/calendar; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=f"{found.slug}.ics")
    return response


def _find(slug: str) -> StoredCall:
    return find_public_call(slug) or abort(404)
