"""Calls for interns: the list, a new one, a call's own page, and how applicants will see it."""

from datetime import datetime
from typing import Any

import structlog
from flask import abort, flash, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from portal.content.calls import said
from portal.database import db
from portal.i18n import gettext, language, speaking
from portal.operations.call_door import CallChanged
from portal.operations.call_life import faults_of
from portal.operations.calls import create_call
from portal.queries.call_page import CallPage, get_call, get_call_page, list_calls
from portal.queries.calls import NoSuchCall, StoredCall
from portal.queries.editions import content
from portal.rules.calls import Phase
from portal.rules.policy import Permission
from portal.web.security.doors import allows, viewer
from portal.web.workspace.call_forms import CallForm, CloseNowForm, ClosingForm, NewCallForm, ReviewerForm
from portal.web.workspace.call_words import fault_lines, part_name
from portal.web.workspace.routes import blueprint

log = structlog.get_logger()

ORDER: tuple[Phase, ...] = ("open", "scheduled", "draft", "closed", "decided")


@blueprint.get("/calls")
@allows(Permission.LEAD_CALLS)
def calls() -> str:
    """The calls that one keeps, by phase, and what waits in each."""
    rows = list_calls(viewer())
    by_phase = {phase: [row for row in rows if row[0].phase == phase] for phase in ORDER}
    faults = {call.id: len(fault_lines(faults_of(call), call.document)) for call, _waiting in by_phase["draft"]}
    form = CallForm(formdata=None).bind(0)
    return render_template("workspace/calls.html", by_phase=by_phase, faults=faults, duplicate_form=form)


@blueprint.get("/calls/new")
@allows(Permission.LEAD_CALLS)
def new_call() -> str:
    """Begin a call, or copy an earlier one."""
    form = NewCallForm(formdata=None)
    form.bind(0)
    return _new_page(form)


@blueprint.post("/calls/new")
@allows(Permission.LEAD_CALLS)
def create() -> AnyResponse:
    """Begin a draft with its title."""
    form = NewCallForm()
    if not form.validate():
        form.drop_unstorable()
        return make_response(_new_page(form), 400 if form.csrf_failed else 422)
    title = {content().organisation.default_language: form.title.data}
    slug = create_call(viewer(), title=title, token=form.seen("").token)
    flash(gettext("The draft is made. Nobody sees it until you publish it."), "success")
    return redirect(url_for("workspace.edit_call", slug=slug), 303)


@blueprint.get("/calls/<slug>")
@allows(Permission.LEAD_CALLS)
def call(slug: str) -> AnyResponse:
    """A call with all that was done with it, and what can be done now."""
    found = call_here(slug)
    if found.slug != slug:  # the address that it had as a draft
        return redirect(url_for("workspace.call", slug=found.slug), 302)
    return make_response(show_call(slug))


@blueprint.get("/calls/<slug>/preview")
@allows(Permission.LEAD_CALLS)
def preview_call(slug: str) -> str:
    """The call as applicants see it, in each language."""
    found = call_here(slug)
    spoken = content().organisation.languages
    code = request.args.get("language", language() if language() in spoken else spoken[0])
    if code not in spoken:
        abort(404)
    with speaking(code):
        body = Markup(render_template("public/call_body.html", call=found, language=code))  # noqa: S704  a template of ours
    missing = [code for _path, code in found.document.missing(spoken)]
    return render_template("workspace/preview_call.html", call=found, code=code, body=body, missing=missing)


def call_here(slug: str) -> StoredCall:
    """The viewer's call of this address, also of the one that it had as a draft; else there is no such page."""
    try:
        return get_call(viewer(), slug)
    except NoSuchCall:
        abort(404)


def show_call(
    slug: str,
    *,
    filled: tuple[str, CallForm] | None = None,
    conflict: CallChanged | None = None,
    problem: str | None = None,
) -> str:
    """Render the call's page. ``filled`` is one of its forms to show again as it was typed.

    ``conflict`` tells who acted first; ``problem`` is any other reason why nothing was done.
    """
    try:
        page = get_call_page(viewer(), slug)
    except NoSuchCall:
        abort(404)
    forms = _forms(page)
    if filled is not None:
        forms[filled[0]] = filled[1]
    for name, form in forms.items():
        # A form that is shown again keeps the version that was really seen, until a conflict has been told.
        if filled is None or name != filled[0] or conflict is not None:
            form.bind(page.call.version)
    faults = faults_of(page.call) if page.call.phase == "draft" else []
    return render_template(
        "workspace/call.html",
        page=page,
        call=page.call,
        title=call_title(page.call),
        faults=fault_lines(faults, page.call.document),
        forms=forms,
        filled=filled[0] if filled else None,
        conflict=conflict,
        problem=problem,
        part_name=part_name,
        moment_of_text=datetime.fromisoformat,
    )


def reviewer_form(page: CallPage, **values: Any) -> ReviewerForm:
    """The form for asking another reviewer, with those who can be asked."""
    form = ReviewerForm(**values)
    form.person.choices = [("", gettext("Choose a person"))]
    form.person.choices += [(str(person.id), person.name) for person in page.candidates]
    return form


def call_title(found: StoredCall) -> str:
    """The title in the viewer's language, or that there is none yet."""
    return said(found.document.title, language()) or gettext("A call without a title")


def not_stored(error: SQLAlchemyError) -> str:
    """What to say when the database does not take it just now; the page is shown again with what was typed."""
    log.error("call_not_stored", error=type(error).__name__)
    db.session.rollback()
    return gettext("The service is out of order just now, and nothing was saved. Try again in a few minutes.")


def _forms(page: CallPage) -> dict[str, CallForm]:
    return {
        "act": CallForm(formdata=None),
        "closing": ClosingForm(formdata=None),
        "close": CloseNowForm(formdata=None),
        "reviewer": reviewer_form(page, formdata=None),
    }


def _new_page(form: NewCallForm) -> str:
    rows = [found for found, _waiting in list_calls(viewer())]
    copy_form = CallForm(formdata=None).bind(0)
    return render_template("workspace/new_call.html", form=form, rows=rows, copy_form=copy_form)
