"""The applicant's page: where the application stands, what happens next, and what to do now."""

from datetime import datetime

from flask import render_template

from portal import clock
from portal.queries.cases import Case
from portal.queries.documents import list_documents
from portal.queries.process import Process
from portal.rules.applications import IN_REVIEW, WITHDRAWABLE
from portal.rules.calls import phase
from portal.rules.documents import OpenDocuments, missing, open_documents
from portal.web.answers import answer_sections
from portal.web.forms import ActionForm, Form
from portal.web.public.application_forms import ChooseForm, choose_form, later_documents_form
from portal.web.public.apply_documents import DocumentsForm
from portal.web.public.inquiry_form import new_token
from portal.web.public.own_case import SenderReplyForm


def show_application(
    case: Case,
    process: Process,
    *,
    reply_form: SenderReplyForm | None = None,
    documents_form: DocumentsForm | None = None,
    chosen: ChooseForm | None = None,
    problem: str | None = None,
) -> str:
    """Render the page. A form that is given is shown as it was typed, with what is wrong with it."""
    now = clock.now()
    documents = list_documents(process.submission_id)
    opened = open_documents_of(process, [document.purpose for document in documents], now)
    faulty: Form | None = documents_form or chosen or reply_form
    if documents_form is None and opened.all:
        documents_form = later_documents_form(process, opened, formdata=None)
    in_review = process.stage in IN_REVIEW
    interview = process.interview if in_review else None
    correction = process.correction if in_review else None
    can_choose = interview is not None and now <= interview.reply_by
    if chosen is None and interview is not None and can_choose:
        chosen = choose_form(process, interview, formdata=None)
    return render_template(
        "public/application_page.html",
        case=case,
        process=process,
        where=where(process, now),
        in_review=in_review,
        can_withdraw=process.stage in WITHDRAWABLE,
        now=now,
        correction=correction,
        interview=interview,
        choose_form=chosen if can_choose else None,
        documents=documents,
        replaced=replaced_documents(process),
        opened=opened,
        missing=missing(process.call.document, [document.purpose for document in documents]) if in_review else (),
        documents_form=documents_form if opened.all else None,
        sections=answer_sections(process.answers, process.call.document),
        form=reply_form or SenderReplyForm(formdata=None, token=new_token(), case=str(process.submission_id)),
        faulty=faulty,
        problem=problem,
        leave_form=ActionForm(formdata=None),
    )


def where(process: Process, now: datetime) -> str:
    """Where the application stands, as its applicant may know it: a word that the page has sentences for.

    Whether it is on the short list, what reviewers said and what is being decided show in no word.
    """
    if process.stage not in IN_REVIEW:
        return process.stage
    interview = process.interview
    if interview is None:
        waits = process.call.times.ends_at is not None and phase(process.call.times, now) == "open"
        return "waiting" if waits else "reviewing"
    if interview.chosen_slot is None:
        return "invited" if now <= interview.reply_by else "not_chosen"
    return "agreed" if now < interview.chosen_slot else "interviewed"


def open_documents_of(process: Process, there: list[str], now: datetime) -> OpenDocuments:
    """The kinds of documents that the applicant may send now."""
    return open_documents(process.call.document, there, stage=process.stage, due_at=process.documents_due_at, now=now)


def replaced_documents(process: Process) -> frozenset[int]:
    """Ids of documents in whose place a correction brought another."""
    return frozenset(
        number
        for correction in process.corrections
        if correction.answered_at
        for name, before in correction.before.items()
        if name.startswith("documents.")
        for number in before
    )
