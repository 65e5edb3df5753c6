"""Writing a call: its texts in every language, and the facts. A second editor is told who was first."""

from flask import abort, flash, make_response, redirect, render_template, url_for
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from portal.i18n import gettext
from portal.operations.call_door import CallChanged, CallNotPossible, NotPublishable
from portal.operations.call_life import faults_of
from portal.operations.calls import save_call as save
from portal.queries.calls import NoSuchCall, StoredCall
from portal.rules.policy import Permission
from portal.rules.publishing import Fault
from portal.web.security.doors import allows, viewer
from portal.web.workspace.call_forms import EditForm, edit_form, text_fields
from portal.web.workspace.call_words import HINTS, REASONS, TEXTS, fault_lines, part_name
from portal.web.workspace.calls import call_here, call_title, not_stored
from portal.web.workspace.routes import blueprint


@blueprint.get("/calls/<slug>/edit")
@allows(Permission.LEAD_CALLS)
def edit_call(slug: str) -> AnyResponse:
    """The texts side by side, and everything else that the call says."""
    call = call_here(slug)
    if call.slug != slug:
        return redirect(url_for("workspace.edit_call", slug=call.slug), 302)
    form = edit_form(call, formdata=None).fill(call)
    form.bind(call.version)
    return make_response(_page(call, form))


@blueprint.post("/calls/<slug>/edit")
@allows(Permission.LEAD_CALLS)
def save_call(slug: str) -> AnyResponse:
    """Keep what was written."""
    call = call_here(slug)
    form = edit_form(call)
    if not form.validate():
        form.drop_unstorable()
        return make_response(_page(call, form), 400 if form.csrf_failed else 422)
    try:
        save(viewer(), call=form.seen(call.slug), command=form.to_command(call))
    except NoSuchCall:
        abort(404)
    except CallChanged as conflict:
        call = call_here(slug)
        form.bind(call.version)
        return make_response(_page(call, form, conflict=conflict), 409)
    except NotPublishable as refusal:
        return make_response(_page(call, form, refused=refusal.faults), 422)
    except CallNotPossible as refusal:
        return make_response(_page(call, form, problem=str(REASONS[refusal.reason])), 409)
    except SQLAlchemyError as error:
        return make_response(_page(call, form, problem=not_stored(error)), 503)
    flash(gettext("The call is saved."), "success")
    return redirect(url_for("workspace.call", slug=call.slug), 303)


def _page(
    call: StoredCall,
    form: EditForm,
    *,
    conflict: CallChanged | None = None,
    refused: list[Fault] | None = None,
    problem: str | None = None,
) -> str:
    faults = fault_lines(faults_of(call) if form.is_draft else [], call.document)
    lines = fault_lines(refused or [], call.document)
    return render_template(
        "workspace/edit_call.html",
        call=call,
        title=call_title(call),
        form=form,
        texts=TEXTS,
        hints=HINTS,
        faults=faults,
        refused=[(line.anchor, line.text) if line.page == "edit" else line.text for line in lines],
        conflict=conflict,
        others=_others(call, form) if conflict else {},
        problem=problem,
        part_name=part_name,
    )


def _others(call: StoredCall, form: EditForm) -> dict[str, str]:
    """Texts that are stored now and differ from what is typed: what somebody else wrote must not be lost either."""
    found = {}
    for name, code in text_fields():
        field = f"{name}_{code}"
        stored = getattr(call.document, name).get(code, "")
        if stored != (form[field].data or "").strip():
            found[field] = stored
    return found
