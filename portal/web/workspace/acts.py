"""What is done with a case. A second person is told who was first, and keeps the text."""

from collections.abc import Callable

import structlog
from flask import abort, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse
from wtforms import TextAreaField

from portal.database import db
from portal.gateways.letters import write_letter
from portal.i18n import gettext
from portal.operations import cases as operations
from portal.operations.cases import NotDecidedYet, NothingChanges, UnknownHolder
from portal.operations.door import CaseChanged, SeenCase
from portal.operations.outbox import facts_of_reply, retry_letter
from portal.queries.cases import NoSuchCase, get_case
from portal.queries.editions import content
from portal.rules.policy import Permission
from portal.rules.routing import UnknownTopic
from portal.rules.states import NotPossible
from portal.web.forms import ActionForm
from portal.web.security.doors import allows, viewer
from portal.web.workspace.cases import known_reference, make_form, show_case
from portal.web.workspace.forms import CaseForm
from portal.web.workspace.routes import blueprint

log = structlog.get_logger()


@blueprint.post("/cases/<reference>/reply")
@allows(Permission.HANDLE_CASES)
def reply(reference: str) -> AnyResponse:
    """Preview the letter, then send it: nothing goes before the preview was seen."""
    form = make_form("reply")
    if not form.validate() or "edit" in request.form:
        return _again(reference, "reply", form)
    if "send" not in request.form:
        return _preview(reference, form)
    return _act(
        reference,
        "reply",
        form,
        lambda seen: operations.reply_to_sender(viewer(), case=seen, body=form.body.data, closing=form.closing.data),
        gettext("Your reply is on its way to the sender."),
    )


@blueprint.post("/cases/<reference>/note")
@allows(Permission.HANDLE_CASES)
def note(reference: str) -> AnyResponse:
    """Keep a note that the sender never sees."""
    form = make_form("note")
    return _validated(
        reference,
        "note",
        form,
        lambda seen: operations.add_note(viewer(), case=seen, body=form.body.data),
        gettext("The note is saved."),
    )


@blueprint.post("/cases/<reference>/hand-over")
@allows(Permission.HANDLE_CASES)
def hand_over(reference: str) -> AnyResponse:
    """Hand the case to another topic or person; whoever gets it is told."""
    form = make_form("hand_over")

    def act(seen: SeenCase) -> None:
        kind, _, key = form.target.data.partition(":")
        reason = (form.reason.data or "").strip()
        if kind == "topic":
            operations.move_to_topic(viewer(), case=seen, topic=key, reason=reason)
        else:
            operations.hand_to_manager(viewer(), case=seen, manager_key=key, reason=reason)

    return _validated(
        reference, "hand_over", form, act, gettext("The case is handed over, and the new holder is told.")
    )


@blueprint.post("/cases/<reference>/take")
@allows(Permission.HANDLE_CASES)
def take(reference: str) -> AnyResponse:
    """Make the case one's own."""
    return _validated(
        reference,
        "take",
        make_form("take"),
        lambda seen: operations.take_case(viewer(), case=seen),
        gettext("The case is yours now."),
    )


@blueprint.post("/cases/<reference>/close")
@allows(Permission.HANDLE_CASES)
def close(reference: str) -> AnyResponse:
    """Close the case."""
    form = make_form("close")
    return _validated(
        reference,
        "close",
        form,
        lambda seen: operations.close_case(viewer(), case=seen, tell_sender=form.tell_sender.data),
        gettext("The case is closed. You can reopen it at any time."),
    )


@blueprint.post("/cases/<reference>/reopen")
@allows(Permission.HANDLE_CASES)
def reopen(reference: str) -> AnyResponse:
    """Open the case again."""
    return _validated(
        reference,
        "reopen",
        make_form("reopen"),
        lambda seen: operations.reopen_case(viewer(), case=seen),
        gettext("The case is open again."),
    )


@blueprint.post("/cases/<reference>/letters/<id:letter_id>/retry")
@allows(Permission.HANDLE_CASES)
def retry(reference: str, letter_id: int) -> AnyResponse:
    """Send a letter that failed once more."""
    if not ActionForm().validate():
        return _stale(reference)
    try:
        retry_letter(viewer(), reference=known_reference(reference), letter_id=letter_id)
    except NoSuchCase:
        abort(404)
    flash(gettext("The letter will be tried again now."), "success")
    return _to_case(reference)


def _validated(reference: str, name: str, form: CaseForm, act: Callable[[SeenCase], None], done: str) -> AnyResponse:
    if not form.validate():
        return _again(reference, name, form)
    return _act(reference, name, form, act, done)


def _act(reference: str, name: str, form: CaseForm, act: Callable[[SeenCase], None], done: str) -> AnyResponse:
    """Do it, or show the case as it is now with what was typed and why it was not done."""
    try:
        act(form.seen(known_reference(reference)))
    except NoSuchCase:
        return _gone(form)
    except SQLAlchemyError as error:
        log.error("act_not_stored", act=name, error=type(error).__name__)
        db.session.rollback()
        return _kept_text(form, 503)
    except CaseChanged as conflict:
        return make_response(show_case(reference, filled=(name, form), conflict=conflict), 409)
    except NotDecidedYet:
        problem = gettext(
            "An application ends when a decision is sent or the applicant withdraws; "
            "its case can't be closed before that."
        )
        return make_response(show_case(reference, filled=(name, form), problem=problem), 409)
    except NotPossible:
        problem = gettext("This can't be done in the state the case is in now. Nothing was changed.")
        return make_response(show_case(reference, filled=(name, form), problem=problem), 409)
    except (NothingChanges, UnknownTopic, UnknownHolder):
        problem = gettext("The case is there already. Choose another topic or person.")
        return make_response(show_case(reference, filled=(name, form), problem=problem), 422)
    flash(done, "success")
    return _to_case(reference)


def _preview(reference: str, form: CaseForm) -> AnyResponse:
    try:
        found = get_case(viewer(), known_reference(reference))
    except NoSuchCase:
        return _gone(form)
    spoken = content().organisation.languages
    code = found.row.language if found.row.language in spoken else spoken[0]
    facts = facts_of_reply(found.row, body=form["body"].data, actor=viewer().name)
    letter = write_letter("inquiry_answered", code, facts, content())
    return make_response(render_template("workspace/preview.html", case=found, form=form, letter=letter, language=code))


def _again(reference: str, name: str, form: CaseForm) -> AnyResponse:
    status = 200 if "edit" in request.form and not form.errors else 400 if form.csrf_failed else 422
    form.drop_unstorable()
    try:
        return make_response(show_case(reference, filled=(name, form)), status)
    except NotFound:
        return _gone(form)


def _gone(form: CaseForm) -> AnyResponse:
    """The case is not the viewer's, or not any more; the same page either way, with what was typed."""
    return _kept_text(form, 404)


def _kept_text(form: CaseForm, status: int) -> AnyResponse:
    texts = [field.data for field in form if isinstance(field, TextAreaField) and field.data]
    if form.csrf_failed or not texts:
        abort(status)
    return make_response(render_template("workspace/gone.html", typed=texts[0], status=status), status)


def _stale(reference: str) -> AnyResponse:
    problem = gettext("The page had been open for too long. Nothing was done; press the button again.")
    return make_response(show_case(reference, problem=problem), 400)


def _to_case(reference: str) -> AnyResponse:
    """To the case, or to the inbox when the case has gone to somebody else."""
    try:
        get_case(viewer(), known_reference(reference))
    except NoSuchCase:
        return redirect(url_for("workspace.home"), 303)
    return redirect(url_for("workspace.case", reference=reference), 303)
