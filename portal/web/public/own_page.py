"""The sender's own page: reference and access code open it, no account is needed."""

from collections.abc import Iterable

import structlog
from flask import abort, make_response, redirect, render_template, request, session, url_for
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField

from portal.i18n import gettext
from portal.i18n import lazy_gettext as lazy
from portal.operations.cases import add_sender_reply
from portal.operations.door import SaidAlready
from portal.queries.cases import Case, NoSuchCase, get_sender_case
from portal.queries.process import find_process
from portal.queries.receipts import find_submission_of
from portal.rules.references import parse_reference
from portal.rules.text import without_forbidden
from portal.web.forms import ActionForm, Form
from portal.web.public.application_page import show_application
from portal.web.public.inquiry import RECEIPT_COOKIE
from portal.web.public.inquiry_form import new_token, token_of
from portal.web.public.own_case import KEY as _KEY
from portal.web.public.own_case import SenderReplyForm
from portal.web.public.routes import blueprint
from portal.web.security import cookies, limits
from portal.web.security.doors import public
from portal.web.validators import MaxLength, Required

log = structlog.get_logger()


class TrackForm(Form):
    """Reference and access code, as the receipt gave them."""

    reference = StringField(lazy("Reference"), validators=[Required(), MaxLength(40)])
    code = StringField(lazy("Access code"), validators=[Required(), MaxLength(40)])


@blueprint.get("/<language:lang>/track")
@public
def track() -> str:
    """Where reference and code are typed; a letter's link fills in the reference."""
    form = TrackForm()
    form.reference.data = request.args.get("reference", "")[:40]
    return render_template("public/track.html", form=form, problem=None)


@blueprint.post("/<language:lang>/track")
@public
def open_own_page() -> AnyResponse:
    """Open the page; a wrong pair says the same whichever half is wrong."""
    form = TrackForm()
    if not form.validate():
        return _track_again(form, 400 if form.csrf_failed else 422, None)
    if not _may_try(form.reference.data or ""):
        return _track_again(form, 429, gettext("Too many tries. Wait a quarter of an hour and try again."))
    submission_id = find_submission_of(form.reference.data or "", form.code.data or "")
    if submission_id is None:
        return _track_again(
            form,
            422,
            gettext("Reference and access code do not belong together. Check both: you find them in the receipt."),
        )
    session[_KEY] = submission_id
    session.rotate()  # type: ignore[attr-defined]
    return redirect(url_for("public.own_page"), 303)


@blueprint.get("/<language:lang>/track/case")
@public
def own_page() -> str | AnyResponse:
    """How the inquiry or the application stands, and all that was written."""
    if session.get(_KEY) is None:
        return redirect(url_for("public.track"), 302)
    return _own_page(SenderReplyForm(token=new_token(), case=str(session[_KEY])))


@blueprint.post("/<language:lang>/track/case")
@public
def reply() -> AnyResponse:
    """Add a message to the thread."""
    submission_id = session.get(_KEY)
    form = SenderReplyForm()
    valid = form.validate()
    if submission_id is None:
        problem = gettext(
            "You have been signed out. Open the page again with reference and access code; your text is kept below."
        )
        return _kept_text(form, 403, problem)
    if not valid:
        form.drop_unstorable()
        return make_response(_own_page(form), 400 if form.csrf_failed else 422)
    if form.case.data != str(submission_id):
        problem = gettext(
            "Another inquiry or application was opened in this browser meanwhile. Open the right one; "
            "your text is kept below."
        )
        return _kept_text(form, 409, problem)
    if not limits.allow("sender_reply", str(submission_id)):
        return make_response(
            _own_page(form, gettext("Too many messages in a short time. Wait a few minutes and send again.")), 429
        )
    try:
        add_sender_reply(submission_id=submission_id, body=form.body.data or "", token=token_of(form.token.data))
    except SaidAlready:
        form.token.data = new_token()
        problem = gettext(
            "You have already sent this, with another text. To send the text below as well, press “Send” again."
        )
        return make_response(_own_page(form, problem), 409)
    except SQLAlchemyError as error:
        log.error("message_not_stored", error=type(error).__name__)
        problem = gettext(
            "Your message could not be stored just now. Your text is kept below; try again in a few minutes."
        )
        return _kept_text(form, 503, problem)
    return redirect(url_for("public.own_page", _anchor="latest"), 303)


@blueprint.post("/<language:lang>/track/leave")
@public
def leave() -> AnyResponse:
    """Close the page on this device."""
    if not ActionForm().validate():
        abort(400)
    session.pop(_KEY, None)
    response = make_response(redirect(url_for("public.track"), 303))
    cookies.take_back(response, RECEIPT_COOKIE)
    return response


def _own_page(form: SenderReplyForm, problem: str | None = None) -> str:
    process = find_process(session[_KEY])
    if process is not None:
        return show_application(_case(), process, reply_form=form, problem=problem)
    return render_template(
        "public/own_page.html", case=_case(), form=form, problem=problem, leave_form=ActionForm(formdata=None)
    )


def _kept_text(form: SenderReplyForm, status: int, problem: str) -> AnyResponse:
    """The way back in, with what was typed; words that another site sent here are not shown."""
    kept = None if form.csrf_failed else form.body.data
    return make_response(
        render_template("public/track.html", form=TrackForm(formdata=None), problem=problem, kept=kept), status
    )


def signed_out(typed: Iterable[str] = ()) -> AnyResponse:
    """The way back in for whoever acts on a page that this browser has not open any more; nothing was done.

    Args:
        typed: the texts of the form that was sent; the form must have been this site's own.
    """
    problem = gettext(
        "You have been signed out; nothing was done. Open the page again with reference and access code, "
        "then do it once more."
    )
    kept = "\n\n".join(without_forbidden(text) for text in typed)
    page = render_template("public/track.html", form=TrackForm(formdata=None), problem=problem, kept=kept)
    return make_response(page, 403)


def _case() -> Case:
    try:
        return get_sender_case(session[_KEY])
    except NoSuchCase:
        session.pop(_KEY)
        abort(404)


def _track_again(form: TrackForm, status: int, problem: str | None) -> AnyResponse:
    return make_response(render_template("public/track.html", form=form, problem=problem), status)


def _may_try(reference: str) -> bool:
    address = request.remote_addr or ""
    return limits.allow("track_address", address) and limits.allow(
        "track_reference", parse_reference(reference) or reference, address
    )
