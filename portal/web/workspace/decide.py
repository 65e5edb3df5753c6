"""Deciding about one application: the form, the letter as it will be read, and what is prepared."""

from typing import Any

from flask import abort, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField

from portal.i18n import gettext
from portal.operations import preparing as operations
from portal.operations.preparing import DecisionChanged, NotDecidable
from portal.queries.cases import NoSuchCase
from portal.queries.decisions import get_led_application, mark_of, name_of_preparer
from portal.queries.process import Process, find_process
from portal.rules.applications import DECIDABLE
from portal.rules.policy import Permission
from portal.web.forms import Form
from portal.web.security.doors import allows, viewer
from portal.web.workspace.cases import known_reference
from portal.web.workspace.decision_form import DecisionForm, language_of, write_decision_letter
from portal.web.workspace.routes import blueprint


class DropForm(Form):
    """Throwing a prepared decision away."""

    seen = HiddenField()


@blueprint.get("/applications/<reference>/decision")
@allows(Permission.LEAD_CALLS)
def decide(reference: str) -> str:
    """What is to be decided, or what was prepared and can still be changed."""
    row, process = _application(reference)
    return _page(row, process, DecisionForm(formdata=None).bind(process.pending))


@blueprint.post("/applications/<reference>/decision")
@allows(Permission.LEAD_CALLS)
def save_decision(reference: str) -> AnyResponse:
    """Show the letter, then keep the decision: nothing is prepared before its letter was seen."""
    row, process = _application(reference)
    form = DecisionForm()
    if not form.validate():
        form.drop_unstorable()
        return make_response(_page(row, process, form), 400 if form.csrf_failed else 422)
    if "edit" in request.form:
        return make_response(_page(row, process, form))
    if "save" not in request.form:
        return make_response(_preview(row, process, form))
    try:
        operations.prepare_decision(viewer(), reference=row.reference, seen=form.seen.data or "", **form.values())
    except NoSuchCase:
        abort(404)
    except (DecisionChanged, NotDecidable) as refused:
        row, process = _application(reference)
        return make_response(_page(row, process, form, refused=refused), 409)
    flash(gettext("The decision is prepared. Nothing has been sent yet."), "success")
    return redirect(url_for("workspace.decisions", slug=process.call.slug), 303)


@blueprint.get("/applications/<reference>/decision/letter")
@allows(Permission.LEAD_CALLS)
def decision_letter(reference: str) -> str:
    """The letter of a prepared decision, as the applicant will read it."""
    row, process = _application(reference)
    pending = process.pending or abort(404)
    letter = write_decision_letter(
        row,
        process,
        kind=pending.kind,
        message=pending.message,
        reply_by=pending.reply_by,
        actor=name_of_preparer(pending),
    )
    return render_template(
        "workspace/decision_letter.html", row=row, process=process, letter=letter, language=language_of(row), form=None
    )


@blueprint.post("/applications/<reference>/decision/drop")
@allows(Permission.LEAD_CALLS)
def drop_decision(reference: str) -> AnyResponse:
    """Throw a prepared decision away."""
    row, process = _application(reference)
    form = DropForm()
    if not form.validate():
        abort(400)
    try:
        operations.withdraw_decision(viewer(), reference=row.reference, seen=form.seen.data or "")
    except NoSuchCase:
        abort(404)
    except DecisionChanged as refused:
        row, process = _application(reference)
        form_again = DecisionForm(formdata=None).bind(process.pending)
        return make_response(_page(row, process, form_again, refused=refused), 409)
    flash(gettext("The prepared decision is thrown away. Nothing was sent."), "success")
    return redirect(url_for("workspace.decisions", slug=process.call.slug), 303)


def _application(reference: str) -> tuple[Any, Process]:
    try:
        row = get_led_application(viewer(), known_reference(reference))
    except NoSuchCase:
        abort(404)
    return row, find_process(row.id) or abort(404)


def _page(row: Any, process: Process, form: DecisionForm, *, refused: Exception | None = None) -> str:
    """``refused`` says why nothing was kept; the form then holds what was typed, bound to what stands now."""
    pending = process.pending
    if isinstance(refused, DecisionChanged):
        form.seen.data = mark_of(pending)
    return render_template(
        "workspace/decide.html",
        row=row,
        process=process,
        pending=pending,
        decidable=process.stage in DECIDABLE,
        form=form,
        drop_form=DropForm(formdata=None, seen=mark_of(pending)),
        language=language_of(row),
        changed=refused if isinstance(refused, DecisionChanged) else None,
        problem=_sentence(refused) if isinstance(refused, NotDecidable) else None,
    )


def _preview(row: Any, process: Process, form: DecisionForm) -> str:
    values = form.values()
    letter = write_decision_letter(
        row,
        process,
        kind=values["kind"],
        message=values["message"],
        reply_by=values["reply_by"],
        actor=viewer().name,
    )
    return render_template(
        "workspace/decision_letter.html", row=row, process=process, letter=letter, language=language_of(row), form=form
    )


def _sentence(refused: NotDecidable) -> str:
    if refused.stage == "reserve":
        return gettext("The applicant is on the reserve list already. The order of the list is changed on its page.")
    return gettext("This can't be decided any more: the application has moved on. Nothing was prepared.")
