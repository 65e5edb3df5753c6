"""Applications that came within half an hour after closing: whoever leads the call admits or refuses them."""

from flask import abort, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.i18n import gettext
from portal.operations import late as operations
from portal.operations.applications import CallClosed
from portal.operations.late import AnsweredAlready
from portal.queries.calls import NoSuchCall, get_led_call
from portal.queries.drafts import list_late_drafts
from portal.rules.policy import Permission
from portal.web.forms import ActionForm
from portal.web.security.doors import allows, viewer
from portal.web.workspace.routes import blueprint


@blueprint.get("/calls/<slug>/late")
@allows(Permission.LEAD_CALLS)
def late_applications(slug: str) -> str:
    """Late applications that wait for an answer: when each came, and nothing of what it says."""
    return _page(slug)


@blueprint.post("/calls/<slug>/late/<id:draft_id>/admit")
@allows(Permission.LEAD_CALLS)
def admit_late(slug: str, draft_id: int) -> AnyResponse:
    """Take a late application in, marked as late."""
    if not ActionForm().validate():
        return make_response(_page(slug, stale=True), 400)
    try:
        received = operations.admit_late(viewer(), slug=slug, draft_id=draft_id)
    except NoSuchCall:
        abort(404)
    except AnsweredAlready:
        return _answered(slug)
    except CallClosed:
        flash(gettext("The call has been decided, so nothing can be admitted any more."), "danger")
    else:
        flash(
            gettext("The application is admitted. Its reference is %(reference)s.", reference=received.reference),
            "success",
        )
    return redirect(url_for("workspace.late_applications", slug=slug), 303)


@blueprint.post("/calls/<slug>/late/<id:draft_id>/refuse")
@allows(Permission.LEAD_CALLS)
def refuse_late(slug: str, draft_id: int) -> AnyResponse:
    """Refuse a late application; the applicant is told by letter."""
    if not ActionForm().validate():
        return make_response(_page(slug, stale=True), 400)
    try:
        operations.refuse_late(viewer(), slug=slug, draft_id=draft_id)
    except NoSuchCall:
        abort(404)
    except AnsweredAlready:
        return _answered(slug)
    flash(gettext("The application is refused. The applicant is told by e-mail."), "success")
    return redirect(url_for("workspace.late_applications", slug=slug), 303)


def _answered(slug: str) -> AnyResponse:
    flash(gettext("Somebody has answered this application already. Nothing was changed."), "warning")
    return redirect(url_for("workspace.late_applications", slug=slug), 303)


def _page(slug: str, *, stale: bool = False) -> str:
    try:
        call = get_led_call(viewer(), slug)
    except NoSuchCall:
        abort(404)
    return render_template(
        "workspace/late.html",
        call=call,
        rows=list_late_drafts(call.id),
        form=ActionForm(formdata=None),
        stale=stale,
    )
