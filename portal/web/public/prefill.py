"""Filling in an application from a CV file: what it says is shown beside the draft, and only what is ticked is used."""

from dataclasses import replace

import structlog
from flask import make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from portal.database import db
from portal.i18n import gettext, language
from portal.operations.drafts import DraftChanged, DraftGone, begin_draft, save_draft
from portal.queries.calls import StoredCall
from portal.queries.drafts import StoredDraft, find_draft
from portal.rules.applications import Answers
from portal.rules.documents import MAX_SENT_AT_FIRST
from portal.rules.profiles import CvRefused, proposals
from portal.rules.uploads import MAX_BYTES, StagedFile, clean_name
from portal.web.public.apply_documents import kinds_of
from portal.web.public.applying import can_be_filled_in, draft_here, forget, known_call, next_step, remember
from portal.web.public.applying import step_address as address_of
from portal.web.public.cv_form import ACCEPT, CvForm, Found, explain_cv, rows_of, take_in
from portal.web.public.inquiry import OUT_OF_ORDER
from portal.web.public.routes import blueprint
from portal.web.security import limits
from portal.web.security.doors import public

log = structlog.get_logger()


@blueprint.get("/<language:lang>/internships/<slug>/apply/import")
@public
def prefill(slug: str) -> str | AnyResponse:
    """Where a CV file is chosen."""
    call = known_call(slug)
    draft = draft_here(call)
    if not can_be_filled_in(call, draft):
        return redirect(url_for("public.apply", slug=call.slug), 302)
    return _page(call, draft, CvForm())


@blueprint.post("/<language:lang>/internships/<slug>/apply/import")
@public
def take_cv(slug: str) -> AnyResponse:
    """Show what a CV says; or take over what was ticked, and lead on to the form with 303."""
    call = known_call(slug)
    draft = draft_here(call)
    form = CvForm()
    if not form.validate():
        return make_response(_page(call, draft, form), 400)
    if not can_be_filled_in(call, draft):
        return redirect(url_for("public.apply", slug=call.slug), 303)
    try:
        return _use(call, draft, form) if form.seal.data else _read(call, draft, form)
    except (*OUT_OF_ORDER, OSError) as error:
        log.error("cv_not_read", error=type(error).__name__)
        db.session.rollback()
        problem = gettext(
            "This could not be done just now, and your application has not changed. Try again in a few minutes, "
            "or fill in the form yourself."
        )
        found = Found.unsealed(form.seal.data) if form.seal.data else None
        return make_response(_page(call, draft, form, found, _ticked(), problem), 503)


def _read(call: StoredCall, draft: StoredDraft | None, form: CvForm) -> AnyResponse:
    upload = form.cv.data
    if not isinstance(upload, FileStorage) or not upload.filename:
        form.cv.errors = [gettext("Choose the file of your CV first.")]
        return make_response(_page(call, draft, form), 422)
    if not limits.allow("cv_address", request.remote_addr or ""):
        problem = gettext("Too many files have come from your network. Wait a few minutes and try again.")
        return make_response(_page(call, draft, form, problem=problem), 429)
    try:
        found = take_in(upload, as_document=_takes_cv(call, draft), draft=draft)
    except CvRefused as refused:
        form.cv.errors = [explain_cv(refused.reason, clean_name(upload.filename))]
        return make_response(_page(call, draft, form), 422)
    return make_response(_page(call, draft, form, found))


def _use(call: StoredCall, draft: StoredDraft | None, form: CvForm) -> AnyResponse:
    found = Found.unsealed(form.seal.data or "")
    if found is None:
        problem = gettext("What we had read is no longer here. Choose the file again.")
        return make_response(_page(call, draft, form, problem=problem), 422)
    ticked = _ticked()
    answers = _answers(draft)
    chosen = {one.field: one.proposed for one in proposals(found.profile, answers) if one.field in ticked}
    there = draft.files if draft is not None else ()
    cv = found.file if "cv" in ticked and found.file not in there else None
    if not chosen and cv is None:  # nothing to do, or sent twice and done the first time
        return redirect(address_of(call, "you"), 303)
    try:
        if draft is None:
            draft = find_draft(begin_draft(call_id=call.id, language=language(), token=found.token))
            found = found.beside(draft)
        if draft is None:
            raise DraftGone
        if draft.version != found.version:
            raise DraftChanged
        save_draft(
            draft_id=draft.id,
            answers=replace(answers, **chosen),
            files=_files(there, cv),
            version=draft.version,
        )
    except DraftGone:
        forget(call)
        problem = gettext("Your application has been sent or deleted meanwhile, so nothing was taken over.")
        return make_response(_page(call, None, form, problem=problem), 409)
    except DraftChanged:
        problem = gettext("Your application has changed meanwhile. Look again at what to use.")
        draft = draft_here(call)
        return make_response(_page(call, draft, form, found.beside(draft), ticked, problem), 409)
    remember(draft.id, call)
    return redirect(address_of(call, "you"), 303)


def _ticked() -> set[str]:
    return set(request.form.getlist("use"))


def _answers(draft: StoredDraft | None) -> Answers:
    return draft.answers if draft is not None else Answers(contact_language=language())


def _files(there: tuple[StagedFile, ...], cv: StagedFile | None) -> list[StagedFile]:
    """The draft's files, with the CV in the place of an earlier one."""
    return list(there) if cv is None else [cv, *(file for file in there if file.purpose != "cv")]


def _takes_cv(call: StoredCall, draft: StoredDraft | None) -> bool:
    others = [file for file in (draft.files if draft is not None else ()) if file.purpose != "cv"]
    return "cv" in dict(kinds_of(call.document)) and len(others) < MAX_SENT_AT_FIRST


def _page(
    call: StoredCall,
    draft: StoredDraft | None,
    form: CvForm,
    found: Found | None = None,
    ticked: set[str] | None = None,
    problem: str | None = None,
) -> str:
    files = draft.files if draft is not None else ()
    present = [file.name for file in files if file.purpose == "cv"]
    return render_template(
        "public/prefill.html",
        call=call,
        form=form,
        found=found,
        rows=rows_of(found, _answers(draft), ticked) if found is not None else [],
        cv_ticked=not present if ticked is None else "cv" in ticked,
        present_cv=present,
        problem=problem,
        accept=ACCEPT,
        max_bytes=MAX_BYTES,
        go_on=address_of(call, next_step(draft) if draft is not None else "you"),
    )
