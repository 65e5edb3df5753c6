"""Inviting an applicant to an interview with proposed times."""

from datetime import datetime, timedelta
from typing import Any

from flask import Response, abort, flash, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse
from wtforms import DateField, HiddenField, IntegerField, StringField, TextAreaField, TimeField, ValidationError
from wtforms.validators import Optional

from portal import clock
from portal.gateways.interview_calendar import MIME
from portal.gateways.links import public_link
from portal.i18n import gettext
from portal.i18n import lazy_gettext as lazy
from portal.operations import interviews as operations
from portal.queries.directory import today
from portal.queries.editions import content
from portal.queries.led_cases import LedCase
from portal.rules.applications import IN_REVIEW
from portal.rules.interviews import LONGEST_MINUTES, MAX_SLOTS, SHORTEST_MINUTES, end_of_day, local_moment
from portal.rules.policy import Permission
from portal.rules.text import normalise_newlines
from portal.web.interview_file import interview_file
from portal.web.security.doors import allows, viewer
from portal.web.validators import MaxLength, Required, SingleLine, Storable
from portal.web.workspace.forms import CaseForm
from portal.web.workspace.led_acts import Problem, attempt, back_to_application, language_of, led_case, rebind
from portal.web.workspace.routes import blueprint

FIRST_ROWS = 3
MESSAGE_LENGTH = 3_000
USUAL_MINUTES, USUAL_DAYS = 30, 4


def _typed(text: str | None) -> str:
    return normalise_newlines(text or "")


class InviteForm(CaseForm):
    """Times, how long, where, and until when to choose. Days and times are those of the installation's zone.

    The rows are fields ``day_1``, ``time_1`` to ``day_8``, ``time_8``; ``rows`` says how many are shown.
    """

    rows = HiddenField()
    minutes = IntegerField(lazy("How long, in minutes"))
    place = StringField(lazy("Place"), validators=[Required(), SingleLine(), MaxLength(300)])
    message = TextAreaField(
        lazy("Message to the applicant"), filters=[_typed], validators=[Storable(), MaxLength(MESSAGE_LENGTH)]
    )
    reply_on = DateField(lazy("To be chosen by the end of the day"), validators=[Optional()])

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.slots: list[datetime] = []

    @property
    def shown(self) -> int:
        """How many rows are shown."""
        typed = self.rows.data or ""
        return min(MAX_SLOTS, max(FIRST_ROWS, int(typed) if typed.isascii() and typed.isdigit() else 0))

    def pairs(self) -> list[tuple[DateField, TimeField]]:
        """The rows that are shown."""
        return [(self[f"day_{row}"], self[f"time_{row}"]) for row in range(1, self.shown + 1)]

    def add_rows(self) -> None:
        """Show more rows, empty ones."""
        self.rows.data = str(min(MAX_SLOTS, self.shown + FIRST_ROWS))

    def validate_minutes(self, field: IntegerField) -> None:
        if field.data is None or not SHORTEST_MINUTES <= field.data <= LONGEST_MINUTES:
            field.errors = []
            raise ValidationError(
                gettext(
                    "Give the length in minutes, from %(least)s to %(most)s.",
                    least=SHORTEST_MINUTES,
                    most=LONGEST_MINUTES,
                )
            )

    def validate(self, extra_validators: Any = None) -> bool:
        valid: bool = super().validate(extra_validators)
        self._read_slots()
        self._check_deadline()
        return valid and not any(field.errors for field in self)

    def _read_slots(self) -> None:
        zone, now = content().organisation.zone, clock.now()
        self.slots = []
        for day, at in self.pairs():
            if day.errors or at.errors or (day.data is None and at.data is None):
                continue
            if day.data is None or at.data is None:
                (day if day.data is None else at).errors = [gettext("Give both the day and the time.")]
                continue
            moment = local_moment(day.data, at.data, zone)
            if moment is None:
                at.errors = [gettext("The clocks leap over this time that day. Choose another.")]
            elif moment <= now:
                day.errors = [gettext("This time has passed. Choose one that lies ahead.")]
            elif moment in self.slots:
                day.errors = [gettext("You have given this time twice.")]
            else:
                self.slots.append(moment)
        first = self.pairs()[0][0]
        if not self.slots and not any(day.errors or at.errors for day, at in self.pairs()):
            first.errors = [gettext("Give at least one time.")]

    def _check_deadline(self) -> None:
        if self.reply_on.errors:
            return
        if self.reply_on.data is None or self.reply_on.data < today():
            self.reply_on.errors = [gettext("Say by which day the applicant has to choose.")]
        elif self.slots and self.reply_by >= min(self.slots):
            self.reply_on.errors = [gettext("The last day to choose must come before the first of the times.")]

    @property
    def reply_by(self) -> datetime:
        """The deadline to choose; the form must be valid."""
        return end_of_day(self.reply_on.data, content().organisation.zone)


for _row in range(1, MAX_SLOTS + 1):
    setattr(InviteForm, f"day_{_row}", DateField(lazy("Day"), validators=[Optional()]))
    setattr(InviteForm, f"time_{_row}", TimeField(lazy("Time"), validators=[Optional()], format=["%H:%M", "%H.%M"]))


class CancelInterviewForm(CaseForm):
    """Taking the invitation back, with a word to the applicant."""

    message = TextAreaField(
        lazy("Message to the applicant"), filters=[_typed], validators=[Storable(), MaxLength(MESSAGE_LENGTH)]
    )


@blueprint.get("/applications/<reference>/interview")
@allows(Permission.LEAD_CALLS)
def invite(reference: str) -> str:
    """Times to propose, or the invitation that stands."""
    found = led_case(reference)
    return _page(found, _fresh(found))


@blueprint.post("/applications/<reference>/interview")
@allows(Permission.LEAD_CALLS)
def send_invitation(reference: str) -> AnyResponse:
    """Propose the times; the applicant gets a letter at once. With ``more`` only rows are added."""
    found = led_case(reference)
    form = InviteForm()
    if "more" in request.form:
        form.add_rows()
        form.drop_unstorable()
        return make_response(_page(found, form))
    if not form.validate():
        form.drop_unstorable()
        return make_response(_page(found, form), 400 if form.csrf_failed else 422)
    problem = attempt(
        lambda: operations.invite_to_interview(
            viewer(),
            case=form.seen(found.row.reference),
            slots=form.slots,
            minutes=form.minutes.data or 0,
            place=form.place.data or "",
            message=(form.message.data or "").strip(),
            reply_by=form.reply_by,
        )
    )
    if problem is not None:
        found = led_case(reference)
        rebind(form, problem, found)
        return make_response(_page(found, form, problem=problem), problem[1])
    flash(gettext("The applicant is invited, and gets a letter now."), "success")
    return back_to_application(found.row.reference)


@blueprint.post("/applications/<reference>/interview/cancel")
@allows(Permission.LEAD_CALLS)
def cancel_interview(reference: str) -> AnyResponse:
    """Take the invitation back; the applicant gets a letter at once."""
    found = led_case(reference)
    form = CancelInterviewForm(prefix="cancel-")
    if not form.validate():
        form.drop_unstorable()
        return make_response(_page(found, _fresh(found), cancel=form), 400 if form.csrf_failed else 422)
    problem = attempt(
        lambda: operations.cancel_interview(
            viewer(), case=form.seen(found.row.reference), message=(form.message.data or "").strip()
        )
    )
    if problem is not None:
        found = led_case(reference)
        rebind(form, problem, found)
        return make_response(_page(found, _fresh(found), cancel=form, problem=problem), problem[1])
    flash(gettext("The interview is cancelled, and the applicant is told."), "success")
    return back_to_application(found.row.reference)


@blueprint.get("/applications/<reference>/interview.ics")
@allows(Permission.LEAD_CALLS)
def interview_calendar(reference: str) -> Response:
    """The chosen time as a calendar file for whoever leads the call."""
    found = led_case(reference)
    link = public_link("workspace.invite", reference=found.row.reference)
    file = interview_file(found.process, found.row, link=link) or abort(404)
    name = f"interview-{found.row.reference}.ics"
    return Response(file, content_type=MIME, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _fresh(found: LedCase) -> InviteForm:
    form = InviteForm(formdata=None)
    form.minutes.data = USUAL_MINUTES
    form.reply_on.data = today() + timedelta(days=USUAL_DAYS)
    form.bind(found.row.version)
    return form


def _page(
    found: LedCase,
    form: InviteForm,
    *,
    cancel: CancelInterviewForm | None = None,
    problem: Problem | None = None,
) -> str:
    faulty = cancel or form
    if cancel is None:
        cancel = CancelInterviewForm(formdata=None, prefix="cancel-")
        cancel.bind(found.row.version)
    return render_template(
        "workspace/invite.html",
        row=found.row,
        process=found.process,
        interview=found.process.interview,
        in_review=found.process.stage in IN_REVIEW,
        now=clock.now(),
        form=form,
        cancel_form=cancel,
        faulty=faulty,
        problem=problem[0] if problem else None,
        language=language_of(found.row),
    )
