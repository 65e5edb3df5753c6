"""The forms of the applicant's page beside the thread's: documents that come later, and the choice of a time."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from babel import dates
from wtforms import HiddenField, RadioField, ValidationError

from portal.i18n import gettext, language, locale
from portal.i18n import lazy_gettext as lazy
from portal.models import Interview
from portal.queries.editions import content
from portal.queries.process import Process
from portal.rules.documents import OpenDocuments
from portal.web.forms import Form
from portal.web.public.apply_documents import DocumentsForm, documents_form
from portal.web.public.routes import blueprint
from portal.web.rendering import moment_text


@blueprint.app_template_filter("weekday")
def weekday(moment: datetime) -> str:
    """The day of the week of a moment, in the installation's time zone."""
    return dates.format_date(moment.astimezone(content().organisation.zone), "EEEE", locale=locale(language()))


class ChooseForm(Form):
    """One of the proposed times. ``case`` is the application that the form was shown for."""

    slot = RadioField(lazy("Which time suits you?"), validate_choice=False)
    case = HiddenField()

    def offer(self, slots: Iterable[str]) -> "ChooseForm":
        """Fill in the times, given as ISO texts."""
        self.slot.choices = [(slot, moment_text(datetime.fromisoformat(slot))) for slot in slots]
        return self

    def validate_slot(self, field: RadioField) -> None:
        if field.data not in {value for value, _label in field.choices}:
            raise ValidationError(gettext("Choose one of the times."))


def choose_form(process: Process, interview: Interview, **values: Any) -> ChooseForm:
    """The form of an invitation; ``formdata=None`` shows it with the time that was chosen."""
    form = ChooseForm(**values).offer(interview.slots)
    if "formdata" in values:
        form.case.data = str(process.submission_id)
        chosen = interview.chosen_slot
        form.slot.data = next((slot for slot in interview.slots if datetime.fromisoformat(slot) == chosen), None)
    return form


def later_documents_form(process: Process, opened: OpenDocuments, **values: Any) -> DocumentsForm:
    """The form for the kinds of documents that may come now; ``formdata=None`` shows it empty."""
    document = process.call.document.model_copy(
        update={"required_documents": opened.required, "optional_documents": opened.optional}
    )
    made = type("LaterDocumentsForm", (documents_form(document),), {"case": HiddenField()})
    form: DocumentsForm = made(document=document, **values)
    if "formdata" in values:
        form["case"].data = str(process.submission_id)
    return form
