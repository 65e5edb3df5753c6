"""Answering an offer and leaving, on the applicant's own page. Only a button does it: a link that is followed by
a mail scanner changes nothing.
"""

from typing import cast

from flask import abort, make_response, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField

from portal import clock
from portal.i18n import gettext
from portal.operations import offers as operations
from portal.operations.offers import AlreadyEnded, OfferNotOpen
from portal.queries.cases import NoSuchCase
from portal.queries.process import Process, find_process
from portal.rules.applications import WITHDRAWABLE
from portal.web.forms import Form
from portal.web.public.inquiry_form import new_token, token_of
from portal.web.public.own_case import KEY as OWN_CASE
from portal.web.public.own_page import signed_out
from portal.web.public.routes import blueprint
from portal.web.security.doors import public

ANSWERS = {"accept": True, "decline": False}


class OwnApplicationForm(Form):
    """A button of the applicant's. ``case`` is the application it was shown for, ``token`` names this one act."""

    token = HiddenField()
    case = HiddenField()


@blueprint.app_template_global("offer_form")
def offer_form(process: Process) -> OwnApplicationForm:
    """The form behind the buttons of ``public/application/offer.html``."""
    return OwnApplicationForm(formdata=None, token=new_token(), case=str(process.submission_id))


@blueprint.app_template_global("offer_is_open")
def offer_is_open(process: Process) -> bool:
    """Whether the applicant can answer an offer now."""
    offer = process.decision
    return (
        process.stage == "offered"
        and offer is not None
        and offer.answer is None
        and offer.reply_by is not None
        and offer.reply_by >= clock.now()
    )


@blueprint.get("/<language:lang>/track/offer")
@public
def offer() -> str | AnyResponse:
    """The offer and its two buttons, by themselves."""
    process = _own_application()
    if process is None or process.decision is None or process.decision.kind != "offer":
        return redirect(url_for("public.own_page" if OWN_CASE in session else "public.track"), 302)
    return _offer_page(process)


@blueprint.post("/<language:lang>/track/offer")
@public
def answer_offer() -> AnyResponse:
    """Accept the offer, or decline it."""
    form, process = OwnApplicationForm(), _own_application()
    answer = request.form.get("answer", "")
    if answer not in ANSWERS:
        abort(400)
    valid = form.validate()
    if process is None:
        return _nothing_open(valid=valid)
    if not valid:
        return _not_done(process, form.hidden_problems()[0], 400)
    if form.case.data != str(process.submission_id):
        return _not_done(process, _other_application())
    try:
        operations.answer_offer(
            submission_id=process.submission_id, token=token_of(form.token.data), accepted=ANSWERS[answer]
        )
    except NoSuchCase:
        abort(404)
    except OfferNotOpen:
        problem = gettext("There is no offer that you can answer now. If something went wrong, write to us.")
        return _not_done(_own_application() or abort(404), problem)
    return redirect(url_for("public.own_page"), 303)


@blueprint.get("/<language:lang>/track/withdraw")
@public
def withdraw() -> str | AnyResponse:
    """What leaving means, and the one button that does it."""
    process = _own_application()
    if process is None:
        return redirect(url_for("public.own_page" if OWN_CASE in session else "public.track"), 302)
    return _withdraw_page(process)


@blueprint.post("/<language:lang>/track/withdraw")
@public
def send_withdrawal() -> AnyResponse:
    """Take the application back; nothing is asked."""
    form, process = OwnApplicationForm(), _own_application()
    valid = form.validate()
    if process is None:
        return _nothing_open(valid=valid)
    if not valid:
        return make_response(_withdraw_page(process, form.hidden_problems()[0]), 400)
    if form.case.data != str(process.submission_id):
        return make_response(_withdraw_page(process, _other_application()), 409)
    try:
        operations.withdraw_application(submission_id=process.submission_id, token=token_of(form.token.data))
    except NoSuchCase:
        abort(404)
    except AlreadyEnded:
        return make_response(_withdraw_page(_own_application() or abort(404)), 409)
    return redirect(url_for("public.own_page"), 303)


def _own_application() -> Process | None:
    """The application that this browser has open; ``None`` for an inquiry, or when none is."""
    submission_id = cast(int | None, session.get(OWN_CASE))
    return find_process(submission_id) if submission_id is not None else None


def _offer_page(process: Process, problem: str | None = None) -> str:
    return render_template("public/offer.html", process=process, problem=problem)


def _withdraw_page(process: Process, problem: str | None = None) -> str:
    return render_template(
        "public/withdraw.html",
        process=process,
        ended=process.stage not in WITHDRAWABLE,
        form=offer_form(process),
        problem=problem,
    )


def _not_done(process: Process, problem: str, status: int = 409) -> AnyResponse:
    return make_response(_offer_page(process, problem), status)


def _nothing_open(*, valid: bool) -> AnyResponse:
    """To the way back in, or to the inquiry that is open; a forged form gets no further."""
    if not valid:
        abort(400)
    return redirect(url_for("public.own_page"), 303) if OWN_CASE in session else signed_out()


def _other_application() -> str:
    return gettext("Another application was opened in this browser meanwhile. Nothing was done. This is that one.")
