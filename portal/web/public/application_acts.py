"""What an applicant does on the own page: sends documents later, chooses a time for the interview.

Everything is done by a button alone: a mail scanner that follows links changes nothing.
"""

from datetime import datetime

import structlog
from flask import Response, abort, flash, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal import clock
from portal.gateways.interview_calendar import MIME
from portal.i18n import gettext
from portal.operations.corrections import TooLate
from portal.operations.documents import DocumentsClosed, TooManyDocuments, add_documents
from portal.operations.interviews import NoInvitation, NotOffered, choose_slot
from portal.queries.cases import NoSuchCase, get_sender_case
from portal.queries.documents import list_documents
from portal.queries.process import Process
from portal.rules.documents import MAX_DOCUMENTS
from portal.web.forms import ActionForm
from portal.web.interview_file import interview_file
from portal.web.public.application_forms import ChooseForm, choose_form, later_documents_form
from portal.web.public.application_page import open_documents_of, show_application
from portal.web.public.apply_documents import DocumentsForm
from portal.web.public.inquiry import OUT_OF_ORDER
from portal.web.public.own_case import find_own_application, opened_here
from portal.web.public.own_page import signed_out
from portal.web.public.routes import blueprint
from portal.web.security import limits
from portal.web.security.doors import public

log = structlog.get_logger()


@blueprint.get("/<language:lang>/track/documents")
@public
def documents() -> AnyResponse:
    """The documents' place on the own page."""
    return redirect(url_for("public.own_page", _anchor="documents"), 302)


@blueprint.post("/<language:lang>/track/documents")
@public
def send_documents() -> AnyResponse:
    """Take documents in: 303 to the page, or the page again with the files that were good."""
    process = find_own_application()
    if process is None:
        return _nothing_open()
    there = [document.purpose for document in list_documents(process.submission_id)]
    form = later_documents_form(process, open_documents_of(process, there, clock.now()))
    try:
        form.keep_files(kept=request.form.getlist("staged"), removed=request.form.get("remove", ""))
        form.take_uploads()
        if not form.validate():
            return _again(process, 400 if form.csrf_failed else 422, documents_form=form)
        if "remove" in request.form:
            return _again(process, 200, documents_form=form)
        if form["case"].data != str(process.submission_id):
            return _again(process, 409, problem=_other_application())
        if not form.unsaved:
            return _again(process, 422, documents_form=form, problem=gettext("Choose a file first."))
        if not limits.allow("sender_reply", str(process.submission_id)):
            problem = gettext("Too many files in a short time. Wait a few minutes and send again.")
            return _again(process, 429, documents_form=form, problem=problem)
        add_documents(submission_id=process.submission_id, token=form.token.data or "", files=tuple(form.unsaved))
    except NoSuchCase:
        abort(404)
    except DocumentsClosed:
        problem = gettext("This document can't be sent any more. Nothing was stored. If it matters, write to us below.")
        return _again(_own_again(), 409, problem=problem)
    except TooManyDocuments:
        problem = gettext("An application can have %(count)s files at most. Nothing was stored.", count=MAX_DOCUMENTS)
        return _again(process, 422, documents_form=form, problem=problem)
    except OUT_OF_ORDER as error:
        log.error("documents_not_stored", error=type(error).__name__)
        problem = gettext("Your documents could not be stored just now. Try again in a few minutes.")
        return _again(process, 503, documents_form=form, problem=problem)
    flash(gettext("Your documents have arrived. Thank you."), "success")
    return redirect(url_for("public.own_page"), 303)


@blueprint.get("/<language:lang>/track/interview")
@public
def interview() -> AnyResponse:
    """The interview's place on the own page."""
    return redirect(url_for("public.own_page", _anchor="interview"), 302)


@blueprint.post("/<language:lang>/track/interview")
@public
def choose_interview() -> AnyResponse:
    """Choose a time, or another one."""
    process = find_own_application()
    if process is None:
        return _nothing_open()
    invitation = process.interview
    if invitation is None:
        if not ActionForm().validate():
            abort(400)
        return _again(process, 409, problem=_no_invitation())
    form = choose_form(process, invitation)
    if not form.validate():
        return _again(process, 400 if form.csrf_failed else 422, chosen=form)
    if form.case.data != str(process.submission_id):
        return _again(process, 409, problem=_other_application())
    if not limits.allow("sender_reply", str(process.submission_id)):
        problem = gettext("Too many changes in a short time. Wait a few minutes and choose again.")
        return _again(process, 429, chosen=form, problem=problem)
    try:
        choose_slot(submission_id=process.submission_id, slot=datetime.fromisoformat(form.slot.data))
    except NoSuchCase:
        abort(404)
    except TooLate:
        problem = gettext("The time to choose has passed, and nothing was changed. Write to us below.")
        return _again(_own_again(), 409, problem=problem)
    except (NoInvitation, NotOffered):
        return _again(_own_again(), 409, problem=_no_invitation())
    flash(gettext("The time is booked. We have sent you a confirmation by e-mail."), "success")
    return redirect(url_for("public.own_page", _anchor="interview"), 303)


@blueprint.get("/<language:lang>/track/interview.ics")
@public
def interview_calendar() -> AnyResponse:
    """The chosen time as a calendar file; cancelled, it takes itself out of the calendar."""
    process = find_own_application()
    file = interview_file(process, get_sender_case(process.submission_id).row) if process is not None else None
    if file is None:
        return redirect(url_for("public.own_page"), 302)
    return Response(file, content_type=MIME, headers={"Content-Disposition": 'attachment; filename="interview.ics"'})


def _nothing_open() -> AnyResponse:
    """To where reference and code are typed, or to the inquiry that is open; a forged form gets no further."""
    if not ActionForm().validate():
        abort(400)
    if opened_here() is None:
        return signed_out()
    return redirect(url_for("public.own_page"), 303)


def _own_again() -> Process:
    return find_own_application() or abort(404)


def _again(
    process: Process,
    status: int,
    *,
    documents_form: DocumentsForm | None = None,
    chosen: ChooseForm | None = None,
    problem: str | None = None,
) -> AnyResponse:
    try:
        case = get_sender_case(process.submission_id)
    except NoSuchCase:
        abort(404)
    page = show_application(case, process, documents_form=documents_form, chosen=chosen, problem=problem)
    return make_response(page, status)


def _other_application() -> str:
    return gettext("Another application was opened in this browser meanwhile. Nothing was done. This is that one.")


def _no_invitation() -> str:
    return gettext("This invitation does not stand any more. Nothing was changed. See below how things are now.")
