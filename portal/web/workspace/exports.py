"""Taking applications out of the house: a call as an archive or a workbook, one application as a PDF.

Each is asked for on a page and sent as a form, since it is noted who took what.
"""

import tempfile
from typing import Any

from flask import Response, abort, current_app, make_response, render_template, request, send_file
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField

from portal.content.calls import said
from portal.gateways.pdf import PdfFailed, PdfUnavailable, check_pdf_available
from portal.i18n import gettext, language
from portal.i18n import lazy_gettext as lazy
from portal.operations.exports import NamesHidden, note_dossier, note_export
from portal.queries.calls import NoSuchCall, StoredCall, get_led_call
from portal.queries.cases import NoSuchCase
from portal.queries.directory import today
from portal.queries.dossiers import (
    Dossier,
    Extent,
    count_applications,
    get_dossier,
    is_blind_to,
    list_exports,
)
from portal.rules.policy import Permission
from portal.web.forms import Form
from portal.web.security.doors import allows, viewer
from portal.web.workspace.cases import known_reference
from portal.web.workspace.papers import Choices, dossier_pdf, extent_in_words, stream_archive
from portal.web.workspace.routes import blueprint
from portal.web.workspace.worksheets import write_applications

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ArchiveForm(Form):
    """What goes into the ZIP archive beside the answers and the files."""

    reviews = BooleanField(lazy("With the reviews: scores, reasons and the reviewers' names"))
    pdf = BooleanField(lazy("With a PDF of each application"))


class WorkbookForm(Form):
    """What goes into the workbook beside the answers."""

    means = BooleanField(lazy("With the mean score of each criterion"))


class DossierForm(Form):
    """What is printed beside the application itself."""

    reviews = BooleanField(lazy("With the reviews: scores, reasons and the reviewers' names"))
    thread = BooleanField(lazy("With the messages between the applicant and us"))


@blueprint.get("/calls/<slug>/export")
@allows(Permission.LEAD_CALLS)
def export(slug: str) -> str:
    """Choose in which form the applications of a call are taken out."""
    return _export_page(_led(slug))


@blueprint.post("/calls/<slug>/applications.zip")
@allows(Permission.LEAD_CALLS)
def export_zip(slug: str) -> AnyResponse:
    """All applications of a call with their files, streamed as a ZIP archive."""
    call, form = _led(slug), ArchiveForm()
    if not form.validate():
        return make_response(_export_page(call, archive_form=form), 400)
    what = {"form": "zip", "reviews": form.reviews.data, "pdf": form.pdf.data}
    try:
        if form.pdf.data:
            check_pdf_available()
        note_export(viewer(), slug=slug, what=what)
    except PdfUnavailable:
        return _no_pdf(call)
    except NamesHidden:
        return make_response(_export_page(call), 409)
    except NoSuchCall:
        abort(404)
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    choices = Choices(viewer(), call, language(), reviews=form.reviews.data, pdf=form.pdf.data)
    response = Response(stream_archive(app, app.extensions["yhteys.files"], choices), mimetype="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{_file_name(call)}.zip"'
    return response


@blueprint.post("/calls/<slug>/applications.xlsx")
@allows(Permission.LEAD_CALLS)
def export_xlsx(slug: str) -> AnyResponse:
    """All applications of a call as a workbook."""
    call, form = _led(slug), WorkbookForm()
    if not form.validate():
        return make_response(_export_page(call, workbook_form=form), 400)
    try:
        note_export(viewer(), slug=slug, what={"form": "xlsx", "reviews": form.means.data})
    except NamesHidden:
        return make_response(_export_page(call), 409)
    except NoSuchCall:
        abort(404)
    target = tempfile.TemporaryFile()  # noqa: SIM115  closed with the answer
    try:
        write_applications(target, Choices(viewer(), call, language(), reviews=form.means.data))
        target.seek(0)
    except BaseException:
        target.close()
        raise
    return send_file(target, mimetype=_XLSX, as_attachment=True, download_name=f"{_file_name(call)}.xlsx", max_age=0)


@blueprint.get("/applications/<reference>/dossier")
@allows(Permission.LEAD_CALLS)
def dossier(reference: str) -> str:
    """Choose what is printed of an application."""
    call, found = _application(known_reference(reference))
    form = DossierForm(formdata=None)
    form.reviews.data, form.thread.data = "reviews" in request.args, "thread" in request.args
    return _dossier_page(call, found, form)


@blueprint.post("/applications/<reference>/dossier.pdf")
@allows(Permission.LEAD_CALLS)
def print_dossier(reference: str) -> AnyResponse:
    """An application as one accessible PDF."""
    known = known_reference(reference)
    form = DossierForm()
    thread = bool(form.thread.data)
    call, found = _application(known, thread=thread)
    if not form.validate():
        return make_response(_dossier_page(call, found, form), 400)
    try:
        check_pdf_available()
        note_dossier(viewer(), reference=known, what={"reviews": form.reviews.data, "thread": thread})
        pdf = dossier_pdf(viewer(), call, found, reviews=form.reviews.data, thread=thread)
    except PdfUnavailable:
        return _no_pdf(call)
    except PdfFailed:
        return _no_pdf(call, failed=True)
    except NamesHidden:
        return make_response(_dossier_page(call, found, form), 409)
    except NoSuchCall:
        abort(404)
    response = Response(pdf, mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="{known}.pdf"'
    return response


def _led(slug: str) -> StoredCall:
    try:
        return get_led_call(viewer(), slug)
    except NoSuchCall:
        abort(404)


def _application(reference: str, *, thread: bool = False) -> tuple[StoredCall, Dossier]:
    try:
        return get_dossier(viewer(), reference, thread=thread)
    except NoSuchCase:
        abort(404)


def _file_name(call: StoredCall) -> str:
    return f"{call.slug}-{today().isoformat()}"


def _export_page(
    call: StoredCall, *, archive_form: ArchiveForm | None = None, workbook_form: WorkbookForm | None = None
) -> str:
    blind, extent = is_blind_to(viewer(), call), count_applications(viewer(), call)
    return render_template(
        "workspace/export.html",
        call=call,
        said=said,
        blind=blind,
        extent=extent_in_words(Extent(extent.all, extent.all) if blind else extent),
        exports=list_exports(call),
        archive_form=archive_form or ArchiveForm(formdata=None),
        workbook_form=workbook_form or WorkbookForm(formdata=None),
        problems=_problems(archive_form or workbook_form),
    )


def _dossier_page(call: StoredCall, found: Dossier, form: DossierForm) -> str:
    return render_template(
        "workspace/dossier.html",
        call=call,
        dossier=found,
        row=found.row,
        said=said,
        blind=is_blind_to(viewer(), call),
        form=form,
        problems=_problems(form),
    )


def _problems(form: Any) -> list[str]:
    if form is None or not form.errors:
        return []
    return [gettext("The page had been open for too long. Nothing was done; press the button again.")]


def _no_pdf(call: StoredCall, *, failed: bool = False) -> AnyResponse:
    return make_response(render_template("workspace/no_pdf.html", call=call, failed=failed), 503)
