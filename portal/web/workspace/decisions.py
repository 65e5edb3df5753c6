"""All decisions of a call: looked through, sent together, taken back; the reserve list in its order."""

import re
import secrets
from collections import Counter
from datetime import datetime, timedelta

from flask import abort, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField

from portal import clock, settings
from portal.i18n import format_moment, format_time, gettext, ngettext
from portal.operations import decisions as operations
from portal.operations.decisions import NothingChosen, Recalled, TooLittleTime
from portal.operations.preparing import DecisionChanged
from portal.operations.reserves import ReserveChanged
from portal.operations.reserves import move_reserve as move_on_list
from portal.queries.calls import NoSuchCall, StoredCall, get_led_call
from portal.queries.decisions import by_kind, list_decisions, mark_of
from portal.queries.directory import today
from portal.queries.editions import content
from portal.rules.policy import Permission
from portal.web.forms import Form
from portal.web.security.doors import allows, viewer
from portal.web.workspace.routes import blueprint

_ID = re.compile(r"[1-9][0-9]{0,17}")


class SendForm(Form):
    """Which decisions are sent (boxes called ``chosen``, each with a mark), under a name for this one sending."""

    token = HiddenField()


class RecallForm(Form):
    """The decisions that were to take effect at this moment."""

    effective_at = HiddenField()


class ReserveForm(Form):
    """The reserve list as it was seen: ids, parted by commas. The buttons say who moves where."""

    order = HiddenField()


@blueprint.get("/calls/<slug>/decisions")
@allows(Permission.LEAD_CALLS)
def decisions(slug: str) -> str:
    """Everything about the decisions of a call."""
    return _page(_call(slug))


@blueprint.post("/calls/<slug>/decisions/send")
@allows(Permission.LEAD_CALLS)
def send_decisions(slug: str) -> AnyResponse:
    """Say whom the letters go to, then send them: they leave when the undo window has passed."""
    call, form, chosen = _call(slug), SendForm(), request.form.getlist("chosen")
    if not form.validate():
        return make_response(_page(call, problem=_too_old(), chosen=chosen), 400)
    if "confirm" not in request.form:
        return _confirmation(call, form, chosen)
    try:
        token = (form.token.data or secrets.token_urlsafe(18))[:64]
        operations.release_decisions(viewer(), slug=slug, seen=chosen, token=token)
    except NoSuchCall:
        abort(404)
    except NothingChosen:
        return make_response(_page(call, problem=gettext("Choose at least one decision."), chosen=chosen), 422)
    except DecisionChanged:
        problem = gettext(
            "Somebody changed or sent one of these decisions since you looked. Nothing was sent by you: "
            "look through them once more."
        )
        return make_response(_page(call, problem=problem, chosen=chosen), 409)
    except TooLittleTime as short:
        problem = gettext(
            "These offers would leave less than a day to answer: %(references)s. Give them a later day first.",
            references=", ".join(short.references),
        )
        return make_response(_page(call, problem=problem, chosen=chosen), 422)
    return redirect(url_for("workspace.decisions", slug=slug), 303)  # which says first when they go


@blueprint.post("/calls/<slug>/decisions/recall")
@allows(Permission.LEAD_CALLS)
def recall(slug: str) -> AnyResponse:
    """Take back what was sent together, as far as it has not gone."""
    call, form = _call(slug), RecallForm()
    if not form.validate():
        return make_response(_page(call, problem=_too_old()), 400)
    try:
        moment = datetime.fromisoformat(form.effective_at.data or "")
    except ValueError:
        abort(400)
    if moment.tzinfo is None:
        abort(400)
    recalled = operations.recall_decisions(viewer(), slug=slug, effective_at=moment)
    flash(_outcome(recalled), "warning" if recalled.gone else "success")
    return redirect(url_for("workspace.decisions", slug=slug), 303)


@blueprint.post("/calls/<slug>/decisions/reserve")
@allows(Permission.LEAD_CALLS)
def move_reserve(slug: str) -> AnyResponse:
    """Move somebody one place up or down on the reserve list."""
    call, form = _call(slug), ReserveForm()
    if not form.validate():
        return make_response(_page(call, problem=_too_old()), 400)
    up = "up" in request.form
    moved, order = request.form.get("up" if up else "down", ""), (form.order.data or "").split(",")
    if not _ID.fullmatch(moved) or not all(_ID.fullmatch(known) for known in order):
        abort(400)
    try:
        move_on_list(viewer(), slug=slug, order=[int(known) for known in order], decision_id=int(moved), up=up)
    except ReserveChanged:
        problem = gettext("Somebody changed the reserve list since you looked. This is the list as it is now.")
        return make_response(_page(call, problem=problem), 409)
    return redirect(url_for("workspace.decisions", slug=slug, _anchor="reserve"), 303)


def _call(slug: str) -> StoredCall:
    try:
        return get_led_call(viewer(), slug)
    except NoSuchCall:
        abort(404)


def _page(call: StoredCall, *, problem: str | None = None, chosen: list[str] | None = None) -> str:
    """``chosen`` are marks of the boxes that stay ticked; without it all are."""
    found = list_decisions(viewer(), call)
    prepared = [(row, mark_of(row)) for row in found.prepared]
    return render_template(
        "workspace/decisions.html",
        call=call,
        found=found,
        prepared=prepared,
        closed_to_viewer=any(row.closed for row in found.prepared),
        chosen={mark for _row, mark in prepared} if chosen is None else set(chosen),
        batches=[
            (
                batch,
                _going(len(batch.rows), batch.effective_at),
                RecallForm(formdata=None, effective_at=batch.effective_at.isoformat()),
            )
            for batch in found.batches
        ],
        send_form=SendForm(formdata=None, token=secrets.token_urlsafe(18)),
        reserve_form=ReserveForm(formdata=None, order=",".join(str(row.id) for row in found.reserve)),
        problem=problem,
    )


def _confirmation(call: StoredCall, form: SendForm, chosen: list[str]) -> AnyResponse:
    rows = [(row, mark_of(row)) for row in list_decisions(viewer(), call).prepared if not row.closed]
    picked = sorted([(row, mark) for row, mark in rows if mark in chosen], key=lambda pair: by_kind(pair[0]))
    if not chosen:
        return make_response(_page(call, problem=gettext("Choose at least one decision."), chosen=chosen), 422)
    if len(picked) != len(set(chosen)):
        problem = gettext(
            "Somebody changed or sent one of these decisions since you looked. Nothing was sent by you: "
            "look through them once more."
        )
        return make_response(_page(call, problem=problem, chosen=chosen), 409)
    page = render_template(
        "workspace/decisions_confirm.html",
        call=call,
        form=form,
        picked=picked,
        counts=Counter(row.kind for row, _mark in picked),
        undo=_undo_window(settings.current().decision_undo_minutes),
    )
    return make_response(page)


def clock_time(moment: datetime) -> str:
    """The time of day in the installation's zone; on another day, with the day."""
    zone = content().organisation.zone
    local = moment.astimezone(zone)
    return format_time(local) if local.date() == today() else format_moment(moment, zone)


def _going(count: int, effective_at: datetime) -> str:
    """When letters go that were sent together, and until when they can be taken back."""
    if effective_at <= clock.now():
        return ngettext(
            "%(num)s letter is going now. You can still try to take it back.",
            "%(num)s letters are going now. You can still try to take back those that have not gone.",
            count,
        )
    return ngettext(
        "%(num)s letter goes at %(time)s. You can take it back until then.",
        "%(num)s letters go at %(time)s. You can take them back until then.",
        count,
        time=clock_time(effective_at),
    )


def _undo_window(minutes: int) -> str:
    if not minutes:
        return gettext("The letters go at once and can't be taken back.")
    return ngettext(
        "They go %(num)s minute after you press the button, at about %(time)s. Until then you can take them back.",
        "They go %(num)s minutes after you press the button, at about %(time)s. Until then you can take them back.",
        minutes,
        time=clock_time(clock.now() + timedelta(minutes=minutes)),
    )


def _too_old() -> str:
    return gettext("The page had been open for too long. Nothing was done; press the button again.")


def _outcome(recalled: Recalled) -> str:
    if not recalled.count and not recalled.gone:
        return gettext("These letters were taken back already.")
    if not recalled.count:
        return ngettext(
            "It was too late: %(num)s letter had gone already.",
            "It was too late: all %(num)s letters had gone already.",
            recalled.gone,
        )
    back = ngettext(
        "%(num)s letter was taken back. The decision is prepared again.",
        "%(num)s letters were taken back. The decisions are prepared again.",
        recalled.count,
    )
    if not recalled.gone:
        return back
    gone = ngettext("%(num)s letter had gone already.", "%(num)s letters had gone already.", recalled.gone)
    return f"{back} {gone}"
