"""The way back to a draft: the address from the letter, and the code that only the page showed."""

from flask import make_response, redirect, render_template, request, session
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField

from portal.i18n import gettext
from portal.i18n import lazy_gettext as lazy
from portal.queries.drafts import find_draft_of
from portal.web.forms import Form
from portal.web.public.applying import next_step, remember, step_address
from portal.web.public.routes import blueprint
from portal.web.security import limits
from portal.web.security.doors import public
from portal.web.validators import MaxLength, Required


class ResumeForm(Form):
    """The code of a draft."""

    code = StringField(lazy("Code"), validators=[Required(), MaxLength(40)])


@blueprint.get("/<language:lang>/internships/resume/<key>")
@public
def resume_draft(key: str) -> str:
    """Ask for the code. The page is the same for an address that leads nowhere, and opening it changes nothing."""
    return _page(key, ResumeForm())


@blueprint.post("/<language:lang>/internships/resume/<key>")
@public
def open_draft(key: str) -> AnyResponse:
    """Open the draft in this browser; a wrong code and an unknown address give the same answer."""
    form = ResumeForm()
    if not form.validate():
        return make_response(_page(key, form), 400 if form.csrf_failed else 422)
    address = request.remote_addr or ""
    if not limits.allow("track_address", address) or not limits.allow("draft_code", key[:64], address):
        return make_response(_page(key, form, gettext("Too many tries. Wait a quarter of an hour and try again.")), 429)
    draft = find_draft_of(key, form.code.data or "")
    if draft is None:
        problem = gettext(
            "Link and code do not open a draft. Check the code. A draft that was sent, deleted or left alone "
            "for 30 days is gone."
        )
        return make_response(_page(key, form, problem), 422)
    remember(draft.id, draft.call)
    session.rotate()  # type: ignore[attr-defined]
    return redirect(step_address(draft.call, next_step(draft)), 303)


def _page(key: str, form: ResumeForm, problem: str | None = None) -> str:
    form.drop_unstorable()
    return render_template("public/resume.html", key=key, form=form, problem=problem)
