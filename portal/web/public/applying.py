"""What the pages of an application share: the call, the draft of this browser, and whether it can still be kept."""

from typing import Any, Literal

from flask import abort, make_response, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal import clock
from portal.queries.calls import StoredCall, find_call
from portal.queries.drafts import StoredDraft, find_draft
from portal.rules.calls import LATE_GRACE, is_late_but_kept
from portal.rules.text import without_forbidden
from portal.web.answers import STEPS
from portal.web.forms import ActionForm

_KEY = "drafts"

State = Literal["scheduled", "open", "late", "closed"]
"""How a call stands to an applicant; ``late`` is the half hour after closing."""


def known_call(slug: str) -> StoredCall:
    """A call that was published; any other is no page."""
    call = find_call(slug)
    if call is None or call.phase == "draft":
        abort(404)
    return call


def state_of(call: StoredCall) -> State:
    """How the call stands now."""
    if is_late_but_kept(call.times, clock.now()):
        return "late"
    stands: dict[str, State] = {"open": "open", "scheduled": "scheduled"}
    return stands.get(call.phase, "closed")


def can_be_filled_in(call: StoredCall, draft: StoredDraft | None) -> bool:
    """Whether a step may be saved: while the call is open, and for half an hour more what was begun before."""
    state = state_of(call)
    return state == "open" or (state == "late" and draft is not None and draft.late_at is None)


def draft_here(call: StoredCall) -> StoredDraft | None:
    """The draft for this call that this browser is filling in."""
    draft_id = session.get(_KEY, {}).get(call.slug)
    draft = find_draft(draft_id) if draft_id is not None else None
    return draft if draft is not None and draft.call.id == call.id else None


def remember(draft_id: int, call: StoredCall) -> None:
    """Let this browser go on with the draft."""
    known = session.get(_KEY, {})
    if known.get(call.slug) != draft_id:
        session[_KEY] = {**known, call.slug: draft_id}


def forget(call: StoredCall, draft_id: int | None = None) -> None:
    """Let this browser know nothing of its draft any more (of this one only); the way by letter and code stays."""
    known = session.get(_KEY, {})
    if call.slug in known and draft_id in (None, known[call.slug]):
        session[_KEY] = {slug: draft_id for slug, draft_id in known.items() if slug != call.slug}


def next_step(draft: StoredDraft) -> str:
    """The first step that is not complete yet; then the check."""
    return next((step for step in STEPS if step not in draft.steps), "check")


def step_address(call: StoredCall, step: str, **more: Any) -> str:
    """Where a step is."""
    if step == "check":
        return url_for("public.apply_check", slug=call.slug, **more)
    return url_for("public.apply_step", slug=call.slug, step=step, **more)


def kept_page(status: int, problem: str, *, typed: list[str], again: bool = False, call: Any = None) -> AnyResponse:
    """A page for what could not be kept, with everything that was typed; it asks the database nothing.

    Args:
        status: of the answer.
        problem: what happened, and what to do.
        typed: the texts, to be copied.
        again: whether the same form can be sent once more as it is.
        call: a link leads back to its page.
    """
    sent = request.form.items(multi=True) if again else ()
    carried = [(name, without_forbidden(value)) for name, value in sent if name != "csrf_token"]
    page = render_template(
        "public/apply_kept.html",
        problem=problem,
        typed=typed,
        carried=carried,
        action=request.path if again else None,
        form=ActionForm(formdata=None),
        call=call,
    )
    return make_response(page, status)


GRACE_MINUTES = int(LATE_GRACE.total_seconds() // 60)
