"""'Can I come?': four questions and what is known about the answers. Nothing of it is stored or logged.

The answers come with a POST, since addresses end up in logs and histories.
"""

from typing import Any, cast, get_args

from flask import Response, make_response, render_template, request
from wtforms import RadioField, SelectChoice
from wtforms.validators import ValidationError

from portal.content.schema import Background, Citizenship, Length, Pay
from portal.i18n import gettext
from portal.i18n import lazy_gettext as lazy
from portal.queries.editions import content
from portal.rules.precheck import Finding, Situation, look_up
from portal.web.forms import Form
from portal.web.public.routes import blueprint
from portal.web.security.doors import public


class Chosen:
    """One of the answers that are offered."""

    def __call__(self, _form: Any, field: RadioField) -> None:
        if field.data not in {choice.value for choice in field.choices}:
            raise ValidationError(gettext("“%(question)s”: choose an answer.", question=field.label.text))


class PrecheckForm(Form):
    """The four questions."""

    citizenship = RadioField(
        lazy("What is your citizenship?"),
        choices=[
            SelectChoice("nordic", lazy("Denmark, Finland, Iceland, Norway or Sweden")),
            SelectChoice("eu", lazy("Another EU or EEA country, or Switzerland")),
            SelectChoice("other", lazy("Another country")),
        ],
        validators=[Chosen()],
        validate_choice=False,
    )
    background = RadioField(
        lazy("Do you study?"),
        choices=[
            SelectChoice("student", lazy("Yes, I am a student")),
            SelectChoice("graduated_1", lazy("I graduated less than a year ago")),
            SelectChoice("graduated_2", lazy("I graduated one to two years ago")),
            SelectChoice("neither", lazy("None of these")),
        ],
        validators=[Chosen()],
        validate_choice=False,
    )
    pay = RadioField(
        lazy("Is the internship paid?"),
        choices=[SelectChoice("paid", lazy("Paid")), SelectChoice("unpaid", lazy("Unpaid"))],
        validators=[Chosen()],
        validate_choice=False,
    )
    length = RadioField(
        lazy("How long would you stay?"),
        choices=[
            SelectChoice("short", lazy("Up to 13 weeks (three months)")),
            SelectChoice("medium", lazy("14 to 52 weeks")),
            SelectChoice("long", lazy("More than 52 weeks")),
        ],
        validators=[Chosen()],
        validate_choice=False,
    )

    def to_situation(self) -> Situation:
        """What was answered; the form must be valid."""
        return Situation(
            citizenship=cast(Citizenship, self.citizenship.data),
            background=cast(Background, self.background.data),
            pay=cast(Pay, self.pay.data),
            length=cast(Length, self.length.data),
        )


@blueprint.get("/<language:lang>/internships/can-i-come")
@public
def precheck() -> str:
    """The questions; ``?pay=`` answers one beforehand, for links from a call."""
    pay = request.args.get("pay")
    return _page(PrecheckForm(pay=pay if pay in get_args(Pay) else None))


@blueprint.post("/<language:lang>/internships/can-i-come")
@public
def answer_precheck() -> Response:
    """What is possible with these answers: shown once, kept nowhere."""
    form = PrecheckForm()
    if not form.validate():
        form.drop_unstorable()
        return make_response(_page(form), 400 if form.csrf_failed else 422)
    return make_response(_page(form, look_up(content().precheck, form.to_situation())))


def _page(form: PrecheckForm, finding: Finding | None = None) -> str:
    return render_template("public/precheck.html", form=form, finding=finding)
