"""Being away."""

from flask import abort, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import DateField, SelectField, ValidationError

from portal.i18n import gettext
from portal.i18n import lazy_gettext as lazy
from portal.operations.absences import AbsenceRejected, NotYours, record_absence, remove_absence
from portal.queries.absences import list_absences
from portal.queries.directory import today
from portal.queries.editions import content
from portal.rules.policy import Permission
from portal.web.forms import ActionForm, Form
from portal.web.security.doors import allows, viewer
from portal.web.workspace.routes import blueprint


class AbsenceForm(Form):
    """Who is away, and on which days; both ends count."""

    manager = SelectField(lazy("Who"), validate_choice=False)
    first_day = DateField(lazy("First day away"), validators=[])
    last_day = DateField(lazy("Last day away"), validators=[])

    def validate_manager(self, field: SelectField) -> None:
        if field.data not in dict(field.choices):
            raise ValidationError(gettext("Choose a person."))

    def validate_first_day(self, field: DateField) -> None:
        if field.data is None:
            field.errors = []
            raise ValidationError(gettext("Give the first day as a date."))

    def validate_last_day(self, field: DateField) -> None:
        if field.data is None:
            field.errors = []
            raise ValidationError(gettext("Give the last day as a date."))
        if self.first_day.data and field.data < self.first_day.data:
            raise ValidationError(gettext("The last day must not come before the first."))
        if field.data < today():
            raise ValidationError(gettext("The last day has already passed."))


@blueprint.get("/absences")
@allows(Permission.KEEP_ABSENCES)
def absences() -> str:
    """Who is away, now and later."""
    return _page(_form())


@blueprint.post("/absences")
@allows(Permission.KEEP_ABSENCES)
def add_absence() -> AnyResponse:
    """Mark somebody away."""
    form = _form()
    if not form.validate():
        return make_response(_page(form), 400 if form.csrf_failed else 422)
    try:
        record_absence(
            viewer(), manager_key=form.manager.data, first_day=form.first_day.data, last_day=form.last_day.data
        )
    except (NotYours, AbsenceRejected):
        abort(404)
    flash(
        gettext("The absence is saved. Meanwhile new messages go to the deputy, or to triage if there is none."),
        "success",
    )
    return redirect(url_for("workspace.absences"), 303)


@blueprint.post("/absences/<id:absence_id>/remove")
@allows(Permission.KEEP_ABSENCES)
def drop_absence(absence_id: int) -> AnyResponse:
    """Take an absence back."""
    if not ActionForm().validate():
        return make_response(_page(_form(), stale=True), 400)
    try:
        remove_absence(viewer(), absence_id=absence_id)
    except NotYours:
        abort(404)
    flash(gettext("The absence is removed."), "success")
    return redirect(url_for("workspace.absences"), 303)


def _form() -> AbsenceForm:
    form = AbsenceForm()
    person = viewer()
    everybody = person.may(Permission.KEEP_OTHERS_ABSENCES)
    form.manager.choices = [
        (manager.key, manager.name) for manager in content().managers if everybody or manager.key == person.manager_key
    ]
    return form


def _page(form: AbsenceForm, *, stale: bool = False) -> str:
    return render_template(
        "workspace/absences.html",
        form=form,
        rows=list_absences(viewer()),
        remove_form=ActionForm(formdata=None),
        stale=stale,
    )
