"""Asking an applicant to correct named answers."""

from datetime import timedelta
from typing import Any

from flask import flash, make_response, render_template
from werkzeug.wrappers import Response as AnyResponse
from wtforms import DateField, SelectMultipleField, TextAreaField, ValidationError
from wtforms.validators import Optional
from wtforms.widgets import CheckboxInput, ListWidget

from portal import clock
from portal.content.calls import CallDocument
from portal.i18n import gettext
from portal.i18n import lazy_gettext as lazy
from portal.operations import corrections as operations
from portal.queries.directory import today
from portal.queries.editions import content
from portal.queries.led_cases import LedCase
from portal.rules.applications import IN_REVIEW
from portal.rules.corrections import DOCUMENT, QUESTION, correctable
from portal.rules.interviews import end_of_day
from portal.rules.policy import Permission
from portal.rules.text import normalise_newlines
from portal.web.answers import field_labels
from portal.web.security.doors import allows, viewer
from portal.web.validators import MaxLength, Required, Storable
from portal.web.workspace.forms import CaseForm
from portal.web.workspace.led_acts import Problem, attempt, back_to_application, language_of, led_case, rebind
from portal.web.workspace.routes import blueprint

REASON_LENGTH = 3_000
USUAL_DAYS = 7
LONGEST_DAYS = 180


class _Boxes(SelectMultipleField):
    """Several of many, each a box."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class AskCorrectionForm(CaseForm):
    """Which answers, why, and until when."""

    answers = _Boxes(lazy("Answers"))
    questions = _Boxes(lazy("Questions of this call"))
    documents = _Boxes(lazy("Documents"))
    reason = TextAreaField(
        lazy("What is wrong, and what do you need?"),
        filters=[lambda text: normalise_newlines(text or "")],
        validators=[Required(), Storable(), MaxLength(REASON_LENGTH)],
    )
    due_on = DateField(lazy("Until the end of the day"), validators=[Optional()])

    def offer(self, document: CallDocument) -> "AskCorrectionForm":
        """Fill in what can be named."""
        every = field_labels(document)
        labels = {name: every[name] for name in correctable(document)}
        groups = {QUESTION: self.questions, DOCUMENT: self.documents}
        for field in (self.answers, self.questions, self.documents):
            field.choices = []
        for name, label in labels.items():
            prefix = f"{name.partition('.')[0]}."
            groups.get(prefix, self.answers).choices.append((name, label))
        return self

    @property
    def names(self) -> list[str]:
        """All that was ticked, in the order of the application."""
        return [*self.answers.data, *self.questions.data, *self.documents.data]

    def validate_due_on(self, field: DateField) -> None:
        if field.data is None or not today() < field.data <= today() + timedelta(days=LONGEST_DAYS):
            raise ValidationError(gettext("Give a day from tomorrow on, within half a year."))

    def validate(self, extra_validators: Any = None) -> bool:
        valid: bool = super().validate(extra_validators)
        if not self.names:
            self.answers.errors = [*self.answers.errors, gettext("Tick at least one answer, question or document.")]
            return False
        return valid


class CancelForm(CaseForm):
    """Taking the request back."""


@blueprint.get("/applications/<reference>/correction")
@allows(Permission.LEAD_CALLS)
def ask_correction(reference: str) -> str:
    """What can be asked, or what was asked and waits for an answer."""
    found = led_case(reference)
    form = AskCorrectionForm(formdata=None).offer(found.process.call.document)
    form.due_on.data = today() + timedelta(days=USUAL_DAYS)
    form.bind(found.row.version)
    return _page(found, form)


@blueprint.post("/applications/<reference>/correction")
@allows(Permission.LEAD_CALLS)
def request_correction(reference: str) -> AnyResponse:
    """Ask; the applicant gets a letter at once."""
    found = led_case(reference)
    form = AskCorrectionForm().offer(found.process.call.document)
    if not form.validate():
        form.drop_unstorable()
        return make_response(_page(found, form), 400 if form.csrf_failed else 422)
    problem = attempt(
        lambda: operations.ask_correction(
            viewer(),
            case=form.seen(found.row.reference),
            fields=form.names,
            reason=form.reason.data or "",
            due_at=end_of_day(form.due_on.data, content().organisation.zone),
        )
    )
    if problem is not None:
        found = led_case(reference)
        rebind(form, problem, found)
        return make_response(_page(found, form, problem), problem[1])
    flash(gettext("The applicant is asked for a correction, and gets a letter now."), "success")
    return back_to_application(found.row.reference)


@blueprint.post("/applications/<reference>/correction/cancel")
@allows(Permission.LEAD_CALLS)
def cancel_correction(reference: str) -> AnyResponse:
    """Take the request back."""
    found = led_case(reference)
    form = CancelForm()
    problem = (
        attempt(lambda: operations.cancel_correction(viewer(), case=form.seen(found.row.reference)))
        if form.validate()
        else (gettext("The page had been open for too long. Nothing was done; press the button again."), 400)
    )
    if problem is not None:
        found = led_case(reference)
        fresh = AskCorrectionForm(formdata=None).offer(found.process.call.document)
        fresh.due_on.data = today() + timedelta(days=USUAL_DAYS)
        fresh.bind(found.row.version)
        return make_response(_page(found, fresh, problem), problem[1])
    flash(gettext("The request is taken back. The applicant’s page says so."), "success")
    return back_to_application(found.row.reference)


def _page(found: LedCase, form: AskCorrectionForm, problem: Problem | None = None) -> str:
    cancel = CancelForm(formdata=None)
    cancel.bind(found.row.version)
    return render_template(
        "workspace/ask_correction.html",
        row=found.row,
        process=found.process,
        open=found.process.correction,
        in_review=found.process.stage in IN_REVIEW,
        now=clock.now(),
        form=form,
        cancel_form=cancel,
        problem=problem[0] if problem else None,
        language=language_of(found.row),
    )
