"""What is done with a call as a whole: published, taken back, closed, copied, its reviewers, decided."""

from collections.abc import Callable

from flask import abort, flash, make_response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.i18n import gettext
from portal.operations import call_life, outbox, reviewers
from portal.operations.call_door import CallChanged, CallNotPossible, NotPublishable, SeenCall
from portal.operations.calls import duplicate_call
from portal.queries.call_page import get_call_page
from portal.queries.calls import NoSuchCall
from portal.rules.policy import Permission
from portal.web.forms import ActionForm
from portal.web.security.doors import allows, viewer
from portal.web.workspace.call_forms import CallForm, CloseNowForm, ClosingForm
from portal.web.workspace.call_words import REASONS
from portal.web.workspace.calls import call_here, reviewer_form, show_call
from portal.web.workspace.routes import blueprint


@blueprint.post("/calls/<slug>/publish")
@allows(Permission.LEAD_CALLS)
def publish_call(slug: str) -> AnyResponse:
    """Publish a draft, if nothing is missing."""
    return _plain(slug, lambda seen: call_life.publish_call(viewer(), call=seen), gettext("The call is published."))


@blueprint.post("/calls/<slug>/unpublish")
@allows(Permission.LEAD_CALLS)
def unpublish_call(slug: str) -> AnyResponse:
    """Make it a draft again while nobody has begun to apply."""
    return _plain(
        slug,
        lambda seen: call_life.unpublish_call(viewer(), call=seen),
        gettext("The call is a draft again. Nobody but the staff sees it."),
    )


@blueprint.post("/calls/<slug>/close")
@allows(Permission.LEAD_CALLS)
def close_call(slug: str) -> AnyResponse:
    """Close an open call before its time."""
    form = CloseNowForm()
    return _validated(
        slug,
        "close",
        form,
        lambda seen: call_life.close_call(viewer(), call=seen, reason=form.why.data),
        gettext("The call is closed."),
    )


@blueprint.post("/calls/<slug>/closing")
@allows(Permission.LEAD_CALLS)
def change_closing(slug: str) -> AnyResponse:
    """Move the closing moment."""
    form = ClosingForm()

    def act(seen: SeenCall) -> None:
        assert form.moment is not None
        call_life.change_closing(viewer(), call=seen, closes_at=form.moment, reason=form.reason.data)

    return _validated(slug, "closing", form, act, gettext("The closing time is changed."))


@blueprint.post("/calls/<slug>/reviewers")
@allows(Permission.LEAD_CALLS)
def add_reviewer(slug: str) -> AnyResponse:
    """Ask somebody to review."""
    try:
        page = get_call_page(viewer(), slug)
    except NoSuchCall:
        abort(404)
    form = reviewer_form(page)
    return _validated(
        slug,
        "reviewer",
        form,
        lambda seen: reviewers.add_reviewer(viewer(), call=seen, account_id=int(form.person.data)),
        gettext("The reviewer is added, and gets a letter.")
        if page.call.times.status == "published"
        else gettext("The reviewer is added, and gets a letter when the call is published."),
    )


@blueprint.post("/calls/<slug>/reviewers/<id:account_id>/remove")
@allows(Permission.LEAD_CALLS)
def remove_reviewer(slug: str, account_id: int) -> AnyResponse:
    """Take somebody off the reviewers."""
    return _plain(
        slug,
        lambda seen: reviewers.remove_reviewer(viewer(), call=seen, account_id=account_id),
        gettext("The reviewer is removed."),
    )


@blueprint.post("/calls/<slug>/reveal")
@allows(Permission.LEAD_CALLS)
def reveal_names(slug: str) -> AnyResponse:
    """Let reviewers see who the applicants are."""
    return _plain(
        slug,
        lambda seen: call_life.reveal_names(viewer(), call=seen),
        gettext("Reviewers now see who the applicants are."),
    )


@blueprint.post("/calls/<slug>/decided")
@allows(Permission.LEAD_CALLS)
def mark_decided(slug: str) -> AnyResponse:
    """End the life of a call whose applicants all have an answer."""
    return _plain(
        slug, lambda seen: call_life.mark_decided(viewer(), call=seen), gettext("The call is marked as decided.")
    )


@blueprint.post("/calls/<slug>/duplicate")
@allows(Permission.LEAD_CALLS)
def duplicate(slug: str) -> AnyResponse:
    """Make a new draft of an earlier call."""
    form = CallForm()
    source = call_here(slug)
    if not form.validate():
        return make_response(show_call(source.slug, filled=("act", form)), 400)
    copy = duplicate_call(viewer(), slug=source.slug, token=form.seen(slug).token)
    flash(
        gettext(
            "This is a copy, with the same texts, questions, criteria and reviewers. The dates are empty: "
            "fill them in, and look through the texts for last time's years."
        ),
        "success",
    )
    return redirect(url_for("workspace.edit_call", slug=copy), 303)


@blueprint.post("/calls/<slug>/letters/<id:letter_id>/retry")
@allows(Permission.LEAD_CALLS)
def retry_call_letter(slug: str, letter_id: int) -> AnyResponse:
    """Send a letter about a call or one of its drafts that failed once more."""
    found, form = call_here(slug), ActionForm()
    if not form.validate():
        return make_response(show_call(found.slug, problem=form.hidden_problems()[0]), 400)
    try:
        outbox.retry_call_letter(viewer(), slug=found.slug, letter_id=letter_id)
    except NoSuchCall:
        abort(404)
    flash(gettext("The letter will be tried again now."), "success")
    return redirect(url_for("workspace.call", slug=found.slug), 303)


def _plain(slug: str, act: Callable[[SeenCall], None], done: str) -> AnyResponse:
    return _validated(slug, "act", CallForm(), act, done)


def _validated(slug: str, name: str, form: CallForm, act: Callable[[SeenCall], None], done: str) -> AnyResponse:
    """Do it, or show the call as it is now with what was typed and why it was not done."""
    found = call_here(slug)
    if not form.validate():
        form.drop_unstorable()
        return make_response(show_call(found.slug, filled=(name, form)), 400 if form.csrf_failed else 422)
    try:
        act(form.seen(found.slug))
    except NoSuchCall:
        abort(404)
    except CallChanged as conflict:
        return make_response(show_call(found.slug, filled=(name, form), conflict=conflict), 409)
    except CallNotPossible as refusal:
        return make_response(show_call(found.slug, filled=(name, form), problem=str(REASONS[refusal.reason])), 409)
    except NotPublishable:
        problem = gettext("The call was not published: something is still missing. See the list below.")
        return make_response(show_call(found.slug, filled=(name, form), problem=problem), 422)
    flash(done, "success")
    return redirect(url_for("workspace.call", slug=_address_now(found.slug)), 303)


def _address_now(slug: str) -> str:
    """A draft gets its lasting address when it is published."""
    return call_here(slug).slug
