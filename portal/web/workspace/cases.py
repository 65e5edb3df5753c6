"""The case page and its files."""

from typing import Any

from flask import Response, abort, redirect, render_template, request, url_for

from portal.i18n import language
from portal.operations.door import CaseChanged
from portal.queries.cases import Case, NoSuchCase, UnderReview, find_file, get_case
from portal.queries.directory import get_directory
from portal.queries.editions import content
from portal.queries.led_cases import is_led
from portal.rules.applications import ENDED
from portal.rules.policy import Permission
from portal.rules.references import parse_reference
from portal.rules.routing import Route, because
from portal.rules.states import possible
from portal.web.forms import ActionForm
from portal.web.security.doors import allows, viewer
from portal.web.workspace.files import hand_out
from portal.web.workspace.forms import CaseForm, CloseForm, HandOverForm, NoteForm, ReopenForm, ReplyForm, TakeForm
from portal.web.workspace.routes import blueprint

FORMS: dict[str, type[CaseForm]] = {
    "reply": ReplyForm,
    "note": NoteForm,
    "hand_over": HandOverForm,
    "close": CloseForm,
    "take": TakeForm,
    "reopen": ReopenForm,
}


@blueprint.get("/cases/<reference>")
@allows(Permission.HANDLE_CASES)
def case(reference: str) -> str:
    """The case: who wrote what, what was done, and what can be done now."""
    return show_case(reference)


@blueprint.get("/cases/<reference>/files/<id:file_id>")
@allows(Permission.HANDLE_CASES)
def file(reference: str, file_id: int) -> Response:
    """A file, always as a download: nothing a stranger sent is opened inside the portal."""
    return hand_out(find_file(viewer(), known_reference(reference), file_id))


def known_reference(typed: str) -> str:
    """A reference in its one spelling; what cannot be one is no case."""
    return parse_reference(typed) or abort(404)


def make_form(name: str, **values: Any) -> Any:
    """One of the case page's forms, with names of its own on the page."""
    return FORMS[name](prefix=f"{name}-", **values)


def show_case(
    reference: str,
    *,
    filled: tuple[str, CaseForm] | None = None,
    conflict: CaseChanged | None = None,
    problem: str | None = None,
) -> str:
    """Render the case page. ``filled`` is a form to show again as it was typed, bound to the case as it is now.

    ``conflict`` tells who acted first; ``problem`` is any other reason why nothing was done.
    """
    try:
        found = get_case(viewer(), known_reference(reference), whole_history=request.args.get("history") == "all")
    except UnderReview:
        if request.method == "GET":
            abort(redirect(url_for("workspace.review", reference=known_reference(reference)), 302))
        abort(404)
    except NoSuchCase:
        if request.method == "GET" and is_led(viewer(), known_reference(reference)):
            # Letters link here: a lead who does not hold the application has a page of their own for it.
            abort(redirect(url_for("workspace.application", reference=known_reference(reference)), 302))
        abort(404)
    forms = {name: make_form(name, formdata=None) for name in FORMS}
    forms["close"].tell_sender.data = True
    if filled is not None:
        forms[filled[0]] = filled[1]
    for name, form in forms.items():
        # A form that is shown again keeps the version that was really seen, until a conflict has been told.
        if filled is None or name != filled[0] or conflict is not None:
            form.bind(found.row.version)
    return render_template(
        "workspace/case.html",
        case=found,
        because=_because(found),
        possible=possible(found.row.status),
        may_close=found.row.stage is None or found.row.stage in ENDED,
        forms=forms,
        retry_form=ActionForm(formdata=None),
        filled=filled[0] if filled else None,
        conflict=conflict,
        problem=problem,
        mine=found.row.holder == viewer().manager_key,
        holder_away=found.row.holder in get_directory().absent,
    )


def _because(found: Case) -> str:
    row = found.row
    skipped = tuple(row.routed_skipped.split(",")) if row.routed_skipped else ()
    arrival = next((entry.data for entry in found.entries if entry.kind == "received"), {})
    decision = Route(arrival.get("suggested", row.routed_topic), row.routed_holder, row.routed_reason, skipped)
    return because(content(), decision, language())
