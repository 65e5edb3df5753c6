"""Checking the answers, sending them, and the receipt."""

from dataclasses import dataclass
from datetime import timedelta

import structlog
from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField, RadioField, StringField

from portal.database import db
from portal.i18n import gettext
from portal.i18n import lazy_gettext as lazy
from portal.operations.applications import CallClosed, EarlierStays, missing_documents
from portal.operations.attachments import is_staged
from portal.operations.drafts import DraftChanged, DraftGone, submit
from portal.operations.late import TooLate, hand_in_late
from portal.operations.receiving import AlreadySent
from portal.queries.calls import StoredCall
from portal.queries.drafts import StoredDraft, find_draft, find_draft_by_token
from portal.queries.earlier import Earlier, find_earlier, find_sent
from portal.queries.outbox import list_named_files
from portal.queries.process import find_process
from portal.queries.receipts import find_submission_of
from portal.rules.references import parse_reference
from portal.web.forms import Form
from portal.web.public.apply_forms import faults_of
from portal.web.public.applying import (
    GRACE_MINUTES,
    can_be_filled_in,
    draft_here,
    forget,
    kept_page,
    known_call,
    state_of,
)
from portal.web.public.inquiry import OUT_OF_ORDER, RECEIPT_SECONDS, receipt_of_this_browser, to_receipt
from portal.web.public.own_case import opened_here
from portal.web.public.routes import blueprint
from portal.web.security import limits
from portal.web.security.doors import public

log = structlog.get_logger()


class SendForm(Form):
    """The last word. What was sent before can be replaced only by whoever proves that it is theirs."""

    token = HiddenField()
    earlier = RadioField(lazy("You have applied to this call before"), validate_choice=False)
    earlier_reference = StringField(lazy("Reference of the earlier application"))
    earlier_code = StringField(lazy("Access code of the earlier application"))

    def __init__(self, *args: object, **values: object) -> None:
        super().__init__(*args, **values)
        self.earlier.choices = [
            ("keep", gettext("Keep both applications")),
            ("replace", gettext("This one takes the place of the earlier one")),
        ]


@dataclass(frozen=True)
class _Choice:
    """What becomes of an earlier application: one of the two, or neither."""

    replaces: int | None = None
    keeps: int | None = None


@blueprint.get("/<language:lang>/internships/<slug>/apply/check")
@public
def apply_check(slug: str) -> str | AnyResponse:
    """Everything at a glance, what is missing, and what becomes public, before it is sent."""
    call = known_call(slug)
    draft = draft_here(call)
    if draft is None:
        return redirect(url_for("public.apply", slug=call.slug, lost=1), 302)
    if not can_be_filled_in(call, draft):
        return redirect(url_for("public.apply", slug=call.slug), 302)
    return _page(draft, SendForm(formdata=None, data={"token": draft.token, "earlier": "keep"}))


@blueprint.post("/<language:lang>/internships/<slug>/apply/check")
@public
def send_application(slug: str) -> AnyResponse:
    """Send: 303 to the receipt, also when the button is pressed twice; else the page again with what to mend."""
    try:
        return _send(slug)
    except OUT_OF_ORDER as error:
        log.error("application_not_stored", error=type(error).__name__)
        db.session.rollback()
        problem = gettext(
            "Your application could not be sent just now. Nothing is lost: your draft is saved. "
            "Wait a few minutes, then press “Try again”."
        )
        return kept_page(503, problem, typed=[], again=True)


def _send(slug: str) -> AnyResponse:
    call = known_call(slug)
    form = SendForm()
    valid = form.validate()
    draft = find_draft_by_token(form.token.data or "")
    if draft is None or draft.call.id != call.id:
        return _sent_or_gone(call, form)
    if form.csrf_failed or not valid:
        return _again(draft, form, 400 if form.csrf_failed else 422)
    if not limits.allow("apply_address", request.remote_addr or ""):
        problem = gettext("Too many pages have come from your network. Wait a few minutes and press the button again.")
        return _again(draft, form, 429, problem)
    if faults_of(draft.answers, call.document) or _lost_files(draft):
        return _again(draft, form, 422)
    if state_of(call) not in ("open", "late"):
        return redirect(url_for("public.apply", slug=call.slug), 303)
    choice = _choice(form, call, draft)
    if choice is None:
        return _again(draft, form, 422)
    if state_of(call) == "late":
        return _hand_in(call, draft, form, choice)
    return _submit(call, draft, form, choice)


def _submit(call: StoredCall, draft: StoredDraft, form: SendForm, choice: _Choice) -> AnyResponse:
    wanted = limits.allow("receipt_address", draft.answers.email.lower())
    try:
        received = submit(draft=draft, replaces=choice.replaces, keeps=choice.keeps, wants_receipt=wanted)
    except CallClosed:
        if state_of(call) != "late":
            return redirect(url_for("public.apply", slug=call.slug), 303)
        return _again(
            draft, form, 409, gettext("The call closed a moment ago. You can still hand it in late, see below.")
        )
    except DraftChanged:
        problem = gettext("The application was changed in another window. Check your answers again, then send.")
        return _again(draft, form, 409, problem)
    except EarlierStays:
        form.earlier.data, form.earlier_reference.data, form.earlier_code.data = "keep", "", ""
        return _again(draft, form, 409, _earlier_stays())
    except AlreadySent as known:
        problem = gettext(
            "You have sent this application already. Its reference is %(reference)s.", reference=known.reference
        )
        return kept_page(409, problem, typed=[], call=call)
    forget(call, draft.id)
    return to_receipt("public.application_receipt", received.submission_id)


def _hand_in(call: StoredCall, draft: StoredDraft, form: SendForm, choice: _Choice) -> AnyResponse:
    """The half hour after closing: the draft is left to whoever leads the call."""
    try:
        hand_in_late(draft=draft, replaces=choice.replaces, keeps=choice.keeps)
    except (TooLate, DraftGone):
        return redirect(url_for("public.apply", slug=call.slug), 303)
    except DraftChanged:
        problem = gettext("The application was changed in another window. Check your answers again, then send.")
        return _again(draft, form, 409, problem)
    return redirect(url_for("public.apply", slug=call.slug), 303)


def _sent_or_gone(call: StoredCall, form: SendForm) -> AnyResponse:
    """The button was pressed again: the same receipt. Else the draft is not there any more."""
    hour = timedelta(seconds=RECEIPT_SECONDS)
    sent = find_sent(form.token.data or "", within=hour) if not form.csrf_failed else None
    if sent is not None:
        return to_receipt("public.application_receipt", sent)
    if form.csrf_failed:
        return kept_page(400, form.hidden_problems()[0], typed=[], again=True)
    problem = gettext("This draft is not here any more: it was sent or deleted, or its time was over.")
    return kept_page(409, problem, typed=[], call=call)


def _choice(form: SendForm, call: StoredCall, draft: StoredDraft) -> _Choice | None:
    """What becomes of an earlier application; ``None`` when what was typed proves nothing, which the form then says."""
    reference, code = form.earlier_reference.data or "", form.earlier_code.data or ""
    if reference.strip() or code.strip():
        found = _proved(form, call, reference, code)
        return _Choice(replaces=found.id) if found is not None else None
    offered = _offered(call, draft)
    if offered is None:
        return _Choice()
    replaced = offered.replaceable and form.earlier.data == "replace"
    return _Choice(replaces=offered.id) if replaced else _Choice(keeps=offered.id)


def _proved(form: SendForm, call: StoredCall, reference: str, code: str) -> Earlier | None:
    address = request.remote_addr or ""
    if not limits.allow("track_address", address) or not limits.allow(
        "track_reference", parse_reference(reference) or reference[:40], address
    ):
        form.earlier_reference.errors = [gettext("Too many tries. Wait a quarter of an hour and try again.")]
        return None
    submission_id = find_submission_of(reference, code)
    found = find_earlier(submission_id, call.id) if submission_id is not None else None
    if found is None:
        form.earlier_reference.errors = [
            gettext(
                "These don’t open an application to this call that can be replaced. Check both, "
                "or leave both empty: then this application is sent beside the earlier one."
            )
        ]
    elif not found.replaceable:
        form.earlier_reference.errors = [_earlier_stays()]
        return None
    return found


def _earlier_stays() -> str:
    return gettext(
        "The earlier application is already being decided about, or has an interview, so it stays. "
        "You can send this one beside it: leave reference and code empty."
    )


def _offered(call: StoredCall, draft: StoredDraft) -> Earlier | None:
    """An earlier application that this browser has open, of the same address. What is typed alone reveals none."""
    submission_id = opened_here()
    found = find_earlier(submission_id, call.id) if submission_id is not None else None
    return found if found is not None and found.email == draft.answers.email.lower() else None


def _lost_files(draft: StoredDraft) -> list[str]:
    return [file.name for file in draft.files if not is_staged(file)]


def _page(draft: StoredDraft, form: SendForm, problem: str | None = None) -> str:
    call = draft.call
    return render_template(
        "public/apply_check.html",
        step="check",
        call=call,
        draft=draft,
        form=form,
        problem=problem,
        faults=faults_of(draft.answers, call.document),
        lost=_lost_files(draft),
        missing=missing_documents(call.document, draft.files),
        offered=_offered(call, draft),
        state=state_of(call),
        grace_minutes=GRACE_MINUTES,
    )


def _again(draft: StoredDraft, form: SendForm, status: int, problem: str | None = None) -> AnyResponse:
    form.drop_unstorable()
    fresh = find_draft(draft.id) or draft
    return make_response(_page(fresh, form, problem), status)


@blueprint.get("/<language:lang>/internships/receipt")
@public
def application_receipt() -> str | AnyResponse:
    """What was received and when, and what happens next; only in the browser that sent it, for an hour."""
    found = receipt_of_this_browser()
    process = find_process(found.row.id) if found is not None else None
    if found is None or process is None:
        return redirect(url_for("public.track"), 302)
    files = list_named_files(found.row.id)
    there = {kind for kind, _name in files}
    return render_template(
        "public/application_receipt.html",
        receipt=found,
        case=found.row,
        process=process,
        files=files,
        missing=[kind for kind in process.call.document.required_documents if kind not in there],
    )
