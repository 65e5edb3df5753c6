"""The inbox: my cases, triage, and for a coordinator all."""

from flask import abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.database import LARGEST_ID
from portal.queries.inbox import Box, Filter, count_waiting, list_cases
from portal.rules.policy import Permission
from portal.rules.states import STATUSES
from portal.web.security.doors import allows, viewer
from portal.web.workspace.routes import blueprint

FILTERS: tuple[Filter, ...] = ("open", *STATUSES, "any")


@blueprint.get("/")
@allows(Permission.OWN_ACCOUNT)
def home() -> AnyResponse:
    """Where each role begins: a manager with own cases, a coordinator with triage, a reviewer with the reviews."""
    person = viewer()
    if not person.may(Permission.HANDLE_CASES):
        if person.may(Permission.REVIEW):
            return redirect(url_for("workspace.reviews"), 302)
        return redirect(url_for("account.account"), 302)
    return redirect(url_for("workspace.inbox", box="mine" if person.manager_key else "triage"), 302)


@blueprint.get("/<any(mine, triage, all):box>")
@allows(Permission.HANDLE_CASES)
def inbox(box: Box) -> str:
    """One of the boxes; ``all`` is a coordinator's."""
    if box == "all" and not viewer().may(Permission.SEE_ALL_CASES):
        abort(404)
    status = request.args.get("status", "open")
    if status not in FILTERS:
        abort(404)
    page = list_cases(viewer(), box=box, status=status, before=page_key("before"), after=page_key("after"))
    return render_template(
        "workspace/inbox.html", box=box, status=status, filters=FILTERS, page=page, counts=count_waiting(viewer())
    )


def page_key(name: str) -> int | None:
    """A page's key from the address; what cannot be one is no page."""
    typed = request.args.get(name)
    if typed is None:
        return None
    if not typed.isascii() or not typed.isdigit() or len(typed) > 19 or int(typed) > LARGEST_ID:
        abort(404)
    return int(typed)
