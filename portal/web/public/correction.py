"""Correcting an application: only the named answers reopen, with what was sent in them."""

import structlog
from flask import abort, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal import clock
from portal.i18n import gettext
from portal.models import Correction
from portal.operations.corrections import NothingAsked, TooLate, UnknownField, answer_correction
from portal.operations.documents import TooManyDocuments
from portal.queries.cases import NoSuchCase
from portal.queries.process import Process
from portal.rules.applications import IN_REVIEW
from portal.rules.documents import MAX_DOCUMENTS
from portal.web.forms import ActionForm
from portal.web.public.correction_form import CorrectionForm, Reopened
from portal.web.public.inquiry import OUT_OF_ORDER
from portal.web.public.inquiry_form import new_token, token_of
from portal.web.public.own_case import find_own_application, opened_here
from portal.web.public.own_page import signed_out
from portal.web.public.routes import blueprint
from portal.web.security import limits
from portal.web.security.doors import public

log = structlog.get_logger()


@blueprint.get("/<language:lang>/track/correct")
@public
def correct() -> str | AnyResponse:
    """The reopened answers as they were sent."""
    process = find_own_application()
    asked = process.correction if process is not None and process.stage in IN_REVIEW else None
    if process is None or asked is None or clock.now() > asked.due_at:
        return redirect(url_for("public.own_page"), 302)
    form = CorrectionForm(formdata=None, token=new_token(), case=str(process.submission_id), correction=str(asked.id))
    return _page(process, asked, form, Reopened(process, asked, typed=False))


@blueprint.post("/<language:lang>/track/correct")
@public
def send_correction() -> AnyResponse:
    """Take the correction: 303 to the own page, or the form again with what to mend."""
    process = find_own_application()
    form = CorrectionForm()
    asked = _asked(process, form.correction.data)
    if process is None or asked is None or form.case.data != str(process.submission_id):
        if not ActionForm().validate():
            abort(400)
        if opened_here() is None:
            return signed_out(_typed())
        flash(gettext("This correction is not asked for here. Nothing was changed."), "warning")
        return redirect(url_for("public.own_page"), 303)
    reopened = Reopened(process, asked, typed=True, more="more" in request.form)
    try:
        reopened.take_files(kept=request.form.getlist("staged"), removed=request.form.get("remove", ""))
        valid = form.validate()
        if "remove" in request.form or "more" in request.form:
            return _again(process, asked, form, reopened, 200 if valid else 400)
        if not reopened.validate() or not valid:
            return _again(process, asked, form, reopened, 422 if valid else 400)
        if not limits.allow("sender_reply", str(process.submission_id)):
            problem = gettext("Too many corrections in a short time. Wait a few minutes and send again.")
            return _again(process, asked, form, reopened, 429, problem)
        answer_correction(
            submission_id=process.submission_id,
            token=token_of(form.token.data),
            values=reopened.values(),
            files=reopened.files(),
        )
    except NoSuchCase:
        abort(404)
    except (NothingAsked, TooLate, UnknownField) as refused:
        return _closed(process, reopened, refused)
    except TooManyDocuments:
        problem = gettext("An application can have %(count)s files at most. Nothing was stored.", count=MAX_DOCUMENTS)
        return _again(process, asked, form, reopened, 422, problem)
    except OUT_OF_ORDER as error:
        log.error("correction_not_stored", error=type(error).__name__)
        problem = gettext("Your correction could not be stored just now. Try again in a few minutes.")
        return _again(process, asked, form, reopened, 503, problem)
    flash(gettext("Your correction has arrived. Thank you."), "success")
    return redirect(url_for("public.own_page"), 303)


def _asked(process: Process | None, number: str | None) -> Correction | None:
    """The correction that the form was shown for: also one that is answered, so that a repeated sending is known."""
    found = process.corrections if process is not None else ()
    return next((row for row in found if str(row.id) == number), None)


def _typed() -> list[str]:
    """The texts of a correction whose questions can't be known now: none of what a button or a list sends."""
    texts = {"name", "address_as", "email", "institution", "study_field", "motivation"}
    return [text for name, text in request.form.items() if text and (name in texts or name.startswith("q-"))]


def _page(
    process: Process, asked: Correction, form: CorrectionForm, reopened: Reopened, problem: str | None = None
) -> str:
    return render_template(
        "public/correct.html", process=process, correction=asked, form=form, reopened=reopened, problem=problem
    )


def _again(
    process: Process,
    asked: Correction,
    form: CorrectionForm,
    reopened: Reopened,
    status: int,
    problem: str | None = None,
) -> AnyResponse:
    reopened.drop_unstorable()
    return make_response(_page(process, asked, form, reopened, problem), status)


def _closed(process: Process, reopened: Reopened, refused: Exception) -> AnyResponse:
    """Why nothing was changed, with every text that was typed, so that none is lost."""
    problem = (
        gettext("The time for this correction has passed. Nothing was changed.")
        if isinstance(refused, TooLate)
        else gettext("This correction has been sent already, or is not needed any more. Nothing was changed.")
    )
    reopened.drop_unstorable()
    page = render_template("public/correction_closed.html", process=process, problem=problem, typed=reopened.typed())
    return make_response(page, 409)
