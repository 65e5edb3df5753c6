"""Reviewing: what waits for me, and one application with the form of my review."""

from collections.abc import Callable

import structlog
from flask import Response, abort, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from portal.database import db
from portal.i18n import gettext, language
from portal.operations import reviews as operations
from portal.queries.cases import NoSuchCase
from portal.queries.review_duties import find_next, list_duties, list_to_review
from portal.queries.reviews import Reviewable, find_review_file, get_reviewable
from portal.rules.policy import Permission
from portal.web.forms import ActionForm
from portal.web.security.doors import allows, viewer
from portal.web.workspace import words
from portal.web.workspace.cases import known_reference
from portal.web.workspace.files import hand_out
from portal.web.workspace.inbox import page_key
from portal.web.workspace.review_form import ReviewForm, review_form
from portal.web.workspace.routes import blueprint

log = structlog.get_logger()


@blueprint.get("/reviews")
@allows(Permission.REVIEW)
def reviews() -> str:
    """The calls that I review, how far I am, and the applications of one of them in order of arrival."""
    duties = list_duties(viewer())
    slug = request.args.get("call")
    chosen = next((duty for duty in duties if (duty.slug == slug if slug else duty.waiting)), None)
    if slug and chosen is None:
        abort(404)
    chosen = chosen or next(iter(duties), None)
    before, after = page_key("before"), page_key("after")
    return render_template(
        "workspace/reviews.html",
        duties=duties,
        chosen=chosen,
        page=list_to_review(viewer(), chosen, before=before, after=after) if chosen else None,
        next_one=find_next(viewer(), chosen.id, 0) if chosen and chosen.waiting else None,
        words=words,
    )


@blueprint.get("/reviews/<reference>")
@allows(Permission.REVIEW)
def review(reference: str) -> str:
    """One application, as far as I may see it now, and my review of it."""
    return _show(_find(reference))


@blueprint.get("/reviews/<reference>/files/<id:file_id>")
@allows(Permission.REVIEW)
def review_file(reference: str, file_id: int) -> Response:
    """A file, once the reviewer has declared no conflict, and unless the call is reviewed blind."""
    return hand_out(find_review_file(viewer(), known_reference(reference), file_id))


@blueprint.post("/reviews/<reference>/no-conflict")
@allows(Permission.REVIEW)
def declare(reference: str) -> AnyResponse:
    """Declare that there is no conflict of interest; answers and files open."""
    return _act(reference, lambda known: operations.declare_no_conflict(viewer(), reference=known), None)


@blueprint.post("/reviews/<reference>/step-aside")
@allows(Permission.REVIEW)
def step_aside(reference: str) -> AnyResponse:
    """Declare a conflict of interest; the application closes for the reviewer."""
    done = gettext("You have stepped aside. The lead of the call sees that you did.")
    return _act(reference, lambda known: operations.step_aside(viewer(), reference=known), done)


@blueprint.post("/reviews/<reference>/reopen")
@allows(Permission.REVIEW)
def reopen_review(reference: str) -> AnyResponse:
    """Take one's own finished review up again."""
    done = gettext("Your review is a draft again. Finish it when you have changed it.")
    return _act(reference, lambda known: operations.reopen_review(viewer(), reference=known), done)


@blueprint.post("/reviews/<reference>")
@allows(Permission.REVIEW)
def write_review(reference: str) -> AnyResponse:
    """Save the review as a draft, or finish it: then nothing may be missing."""
    found = _find(reference)
    form = review_form(found.call.document.criteria)
    finishing = "finish" in request.form
    valid = form.validate()
    if not found.declared and not form.csrf_failed:
        problem = gettext("Nothing was saved: you have not declared that there is no conflict of interest.")
        return make_response(_show(found, problem=problem), 409)
    if not valid or (finishing and not form.complete()):
        form.drop_unstorable()
        return make_response(_show(found, form), 400 if form.csrf_failed else 422)
    store = operations.finish_review if finishing else operations.save_review
    try:
        store(viewer(), reference=found.reference, written=form.written)
    except operations.ReviewChanged:
        assert found.mine is not None
        form.seen.data = found.mine.changed_at.isoformat()
        problem = gettext(
            "You have saved this review in another window meanwhile. What you typed here is below and not saved yet; "
            "saving it now replaces what you saved there."
        )
        return make_response(_show(found, form, problem), 409)
    except (operations.ReviewFinished, operations.ReviewClosed):
        problem = gettext("This review can't be changed now. What you typed is below; nothing was saved.")
        return make_response(_show(found, form, problem), 409)
    except (NoSuchCase, operations.NotDeclared, operations.SteppedAside, operations.ReviewIncomplete):
        abort(404)
    except SQLAlchemyError as error:
        log.error("review_not_stored", error=type(error).__name__)
        db.session.rollback()
        problem = gettext("Your review could not be stored just now. It is kept below; try again in a few minutes.")
        return make_response(_show(found, form, problem), 503)
    done = gettext("Your review is finished.") if finishing else gettext("Your draft is saved. Only you can see it.")
    flash(done, "success")
    return redirect(url_for("workspace.review", reference=found.reference), 303)


def _act(reference: str, act: Callable[[str], None], done: str | None) -> AnyResponse:
    found = _find(reference)
    if not ActionForm().validate():
        problem = gettext("The page had been open for too long. Nothing was done; press the button again.")
        return make_response(_show(found, problem=problem), 400)
    try:
        act(found.reference)
    except (NoSuchCase, operations.NotDeclared):
        abort(404)
    except (operations.SteppedAside, operations.ReviewFinished, operations.ReviewClosed):
        problem = gettext("This can't be done with your review as it is now. Nothing was changed.")
        return make_response(_show(_find(reference), problem=problem), 409)
    if done:
        flash(done, "success")
    return redirect(url_for("workspace.review", reference=found.reference), 303)


def _find(reference: str) -> Reviewable:
    try:
        return get_reviewable(viewer(), known_reference(reference))
    except NoSuchCase:
        abort(404)


def _show(found: Reviewable, form: ReviewForm | None = None, problem: str | None = None) -> str:
    """Render the page. ``form`` is one to show again as it was typed."""
    document = found.call.document
    may_write = found.declared and found.mine is not None and found.mine.finished_at is None and found.writable
    if form is None and may_write:
        form = review_form(document.criteria, stored=found.mine)
    return render_template(
        "workspace/review.html",
        found=found,
        form=form,
        problem=problem,
        action_form=ActionForm(formdata=None),
        sections=words.sections(document, found.answers) if found.declared else [],
        title=document.title.get(language()) or next(iter(document.title.values()), ""),
        next_one=find_next(viewer(), found.call.id, found.submission_id),
        words=words,
    )
