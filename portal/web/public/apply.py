"""Filling in an application: its start, and a page for each step, saved whenever one is sent."""

import structlog
from flask import Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.database import db
from portal.i18n import gettext, language
from portal.operations.drafts import (
    DraftChanged,
    DraftGone,
    begin_draft,
    discard_draft,
    mail_draft_link,
    save_draft,
)
from portal.queries.calls import StoredCall, list_public_calls
from portal.queries.drafts import StoredDraft, find_draft, find_draft_by_token
from portal.queries.earlier import find_sent
from portal.queries.process import find_process
from portal.rules.applications import Answers
from portal.rules.calls import LATE_GRACE
from portal.rules.documents import MAX_SENT_AT_FIRST
from portal.rules.text import without_forbidden
from portal.web.answers import STEPS
from portal.web.forms import ActionForm
from portal.web.public.apply_documents import DocumentsForm, documents_form
from portal.web.public.apply_forms import StepForm, form_of_step, shown_form
from portal.web.public.applying import (
    GRACE_MINUTES,
    can_be_filled_in,
    draft_here,
    forget,
    kept_page,
    known_call,
    next_step,
    remember,
    state_of,
    step_address,
)
from portal.web.public.inquiry import OUT_OF_ORDER, find_receipt_here
from portal.web.public.routes import blueprint
from portal.web.security import limits
from portal.web.security.doors import public

log = structlog.get_logger()

STEP = f"/<language:lang>/internships/<slug>/apply/<any({', '.join(STEPS)}):step>"


@blueprint.get("/<language:lang>/internships/<slug>/apply")
@public
def apply(slug: str) -> str:
    """Where an application starts, or goes on; for a call that is closed, what can still be done."""
    return _start(known_call(slug))


def _start(call: StoredCall, problem: str | None = None) -> str:
    draft = draft_here(call)
    state = state_of(call)
    return render_template(
        "public/apply_start.html",
        call=call,
        draft=draft,
        state=state,
        next_step=next_step(draft) if draft is not None else None,
        open_calls=[other for other in list_public_calls() if other.phase == "open"] if state == "closed" else [],
        late_until=call.times.ends_at + LATE_GRACE if call.times.ends_at is not None else None,
        sent=_sent_just_now(call),
        lost_way=draft is None and "lost" in request.args,
        problem=problem,
        form=ActionForm(formdata=None),
    )


def _sent_just_now(call: StoredCall) -> str | None:
    """The reference of what this browser has sent to the call within the hour."""
    found = find_receipt_here()
    process = find_process(found.row.id) if found is not None else None
    if found is None or process is None or process.call.id != call.id:
        return None
    return str(found.row.reference)


@blueprint.post("/<language:lang>/internships/<slug>/apply/forget")
@public
def forget_draft(slug: str) -> AnyResponse:
    """Close the draft on this device, or (``delete``) delete it for good once the box that says so is ticked."""
    call = known_call(slug)
    if not ActionForm().validate():
        abort(400)
    draft = draft_here(call)
    if draft is not None and "delete" in request.form and "sure" not in request.form:
        return make_response(_start(call, gettext("Tick the box if you want to delete the draft.")), 422)
    if draft is not None and "delete" in request.form:
        discard_draft(draft_id=draft.id)
    forget(call)
    return redirect(url_for("public.apply", slug=call.slug), 303)


@blueprint.get("/<language:lang>/internships/<slug>/apply/saved")
@public
def draft_saved(slug: str) -> str | AnyResponse:
    """How to come back later."""
    call = known_call(slug)
    draft = draft_here(call)
    if draft is None:
        return redirect(url_for("public.apply", slug=call.slug), 302)
    form = ActionForm(formdata=None)
    return render_template("public/apply_saved.html", call=call, draft=draft, next_step=next_step(draft), form=form)


@blueprint.get(STEP)
@public
def apply_step(slug: str, step: str) -> str | AnyResponse:
    """One step, with what was filled in before."""
    call = known_call(slug)
    draft = draft_here(call)
    if not can_be_filled_in(call, draft):
        return redirect(url_for("public.apply", slug=call.slug), 302)
    answers = draft.answers if draft is not None else Answers(contact_language=language())
    token = draft.token if draft is not None else None
    if step != "documents":
        return _page(step, shown_form(step, call.document, answers, token), call, draft)
    made = documents_form(call.document)
    files = draft.files if draft is not None else ()
    return _page(step, made(formdata=None, document=call.document, files=files, data={"token": token}), call, draft)


@blueprint.post(STEP)
@public
def save_step(slug: str, step: str) -> AnyResponse:
    """Save a step: 303 to the next, or the step again with what to mend. What is good is kept either way."""
    try:
        return _save(slug, step)
    except OUT_OF_ORDER as error:
        log.error("draft_not_saved", step=step, error=type(error).__name__)
        db.session.rollback()
        problem = gettext(
            "This page could not be saved just now. Everything you typed is below. Wait a few minutes, then press "
            "“Try again”. If you had chosen files, you will have to choose them again."
        )
        return kept_page(503, problem, typed=_all_typed(), again=True)


def _save(slug: str, step: str) -> AnyResponse:
    call = known_call(slug)
    form = _sent_form(step, call)
    draft = find_draft_by_token(form.token.data)
    if draft is not None and draft.call.id != call.id:
        abort(404)
    if isinstance(form, DocumentsForm):
        form.files = list(draft.files) if draft is not None else []
        form.keep_files(kept=request.form.getlist("staged"), removed=request.form.get("remove", ""))
        form.take_uploads()
    valid = form.validate()
    if form.csrf_failed:
        return _again(step, form, call, draft, 400)
    if not limits.allow("apply_address", request.remote_addr or ""):
        problem = gettext("Too many pages have come from your network. Wait a few minutes and press the button again.")
        return _again(step, form, call, draft, 429, problem)
    if draft is None and find_sent(form.token.data) is not None:
        return _gone(form, call)
    if not can_be_filled_in(call, draft):
        return _closed(form, call)
    try:
        draft = _keep(step if valid else None, form, call, draft)
    except DraftGone:
        return _gone(form, call)
    except DraftChanged:
        return _closed(form, call)
    if not valid and not (form.only_lacks() and _wants_less()):
        return _again(step, form, call, draft, 422)
    return redirect(_way_on(step, call, draft), 303)


def _keep(step: str | None, form: StepForm, call: StoredCall, draft: StoredDraft | None) -> StoredDraft:
    """Join what is good in a form to the draft, which is made if there is none yet; returns it as it is now.

    Raises:
        DraftGone: it was sent or deleted at this very moment.
        DraftChanged: it was handed in late at this very moment.
    """
    if draft is None:
        draft = find_draft(begin_draft(call_id=call.id, language=language(), token=form.token.data))
    for version_matters in (True, True, False):
        if draft is None:
            raise DraftGone
        try:
            save_draft(
                draft_id=draft.id,
                answers=form.applied_to(draft.answers),
                files=form.joined_to(draft.files) if isinstance(form, DocumentsForm) else draft.files,
                step=step,
                version=draft.version if version_matters else None,
            )
            break
        except DraftChanged:  # another window saved another step meanwhile: ours joins what it left
            if not version_matters:
                raise
            draft = find_draft(draft.id)
    if draft is None:
        raise DraftGone
    if isinstance(form, DocumentsForm):
        form.unsaved = []  # the draft has them now
    remember(draft.id, call)
    kept = find_draft(draft.id)
    if kept is None:
        raise DraftGone
    address = kept.answers.email.lower()
    if address and address != (kept.mailed_to or "").lower() and limits.allow("draft_letter", address):
        mail_draft_link(draft=kept)
    return kept


def _wants_less() -> bool:
    """Whether a button was pressed that saves a step without completing it."""
    return bool({"later", "more", "remove"} & request.form.keys())


def _way_on(step: str, call: StoredCall, draft: StoredDraft) -> str:
    if "more" in request.form:
        return step_address(call, step, more=1, _anchor="languages")
    if "remove" in request.form:
        return step_address(call, step)
    if "later" in request.form:
        return url_for("public.draft_saved", slug=call.slug)
    later = STEPS[STEPS.index(step) + 1 :]
    return step_address(call, next((one for one in later if one not in draft.steps), next_step(draft)))


def _sent_form(step: str, call: StoredCall) -> StepForm:
    made = documents_form(call.document) if step == "documents" else form_of_step(step, call.document)
    return made(document=call.document)


def _page(step: str, form: StepForm, call: StoredCall, draft: StoredDraft | None, problem: str | None = None) -> str:
    return render_template(
        f"public/apply_{step}.html",
        step=step,
        form=form,
        call=call,
        draft=draft,
        problem=problem,
        state=state_of(call),
        grace_minutes=GRACE_MINUTES,
        more="more" in request.values,
        max_documents=MAX_SENT_AT_FIRST,
    )


def _again(
    step: str, form: StepForm, call: StoredCall, draft: StoredDraft | None, status: int, problem: str | None = None
) -> Response:
    form.drop_unstorable()
    return make_response(_page(step, form, call, draft, problem), status)


def _gone(form: StepForm, call: StoredCall) -> AnyResponse:
    problem = gettext(
        "This application has been sent or deleted meanwhile, so this page was not saved. What you typed is below."
    )
    return kept_page(409, problem, typed=_showable(form), call=call)


def _closed(form: StepForm, call: StoredCall) -> AnyResponse:
    problem = gettext("This call does not take applications now, so this page was not saved. What you typed is below.")
    return kept_page(409, problem, typed=_showable(form), call=call)


def _showable(form: StepForm) -> list[str]:
    return [without_forbidden(text) for text in form.typed()]


def _all_typed() -> list[str]:
    """The texts of a form whose fields can't be known now."""
    hidden = {"csrf_token", "token", "staged", "later", "more", "remove"}
    return [without_forbidden(value) for name, value in request.form.items(multi=True) if value and name not in hidden]
