"""An application for whoever decides about it: answers, files, reviews, the short list."""

from collections.abc import Callable

from flask import Response, abort, flash, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from portal.content.calls import said
from portal.gateways import charts
from portal.i18n import gettext, language
from portal.operations.door import CaseChanged, SeenCase
from portal.operations.shortlist import WrongStage, shortlist_application, unshortlist_application
from portal.queries.cases import NoSuchCase, UnderReview
from portal.queries.led_applications import LedApplication, find_led_file, get_led_application
from portal.rules.applications import DECIDABLE, IN_REVIEW
from portal.rules.policy import Permission
from portal.rules.reviews import SCORES, mean, score_of, weighted_mean
from portal.rules.states import NotPossible
from portal.web.security.doors import allows, viewer
from portal.web.workspace import words
from portal.web.workspace.cases import known_reference
from portal.web.workspace.files import hand_out
from portal.web.workspace.review_form import ShortlistForm
from portal.web.workspace.routes import blueprint


@blueprint.get("/applications/<reference>")
@allows(Permission.LEAD_CALLS)
def application(reference: str) -> str:
    """Everything about one application."""
    return _show(_find(reference))


@blueprint.get("/applications/<reference>/files/<id:file_id>")
@allows(Permission.LEAD_CALLS)
def application_file(reference: str, file_id: int) -> Response:
    """A file of an application that the viewer decides about."""
    return hand_out(find_led_file(viewer(), known_reference(reference), file_id))


@blueprint.post("/applications/<reference>/shortlist")
@allows(Permission.LEAD_CALLS)
def shortlist(reference: str) -> AnyResponse:
    """Put the application on the short list."""

    def act(seen: SeenCase, reason: str) -> None:
        shortlist_application(viewer(), case=seen, reason=reason)

    return _move(reference, act, gettext("The application is on the short list."))


@blueprint.post("/applications/<reference>/unshortlist")
@allows(Permission.LEAD_CALLS)
def unshortlist(reference: str) -> AnyResponse:
    """Take the application off the short list."""

    def act(seen: SeenCase, reason: str) -> None:
        unshortlist_application(viewer(), case=seen, reason=reason)

    return _move(reference, act, gettext("The application is off the short list and back in review."))


def _move(reference: str, act: Callable[[SeenCase, str], None], done: str) -> AnyResponse:
    form = ShortlistForm()
    if not form.validate():
        form.drop_unstorable()
        return make_response(_show(_find(reference), form), 400 if form.csrf_failed else 422)
    try:
        act(form.seen(known_reference(reference)), (form.reason.data or "").strip())
    except NoSuchCase:
        abort(404)
    except CaseChanged as conflict:
        return make_response(_show(_find(reference), form, conflict=conflict), 409)
    except (WrongStage, NotPossible):
        problem = gettext("The application is in another stage meanwhile. Nothing was changed.")
        return make_response(_show(_find(reference), form, problem=problem), 409)
    flash(done, "success")
    return redirect(url_for("workspace.application", reference=reference), 303)


def _find(reference: str) -> LedApplication:
    known = known_reference(reference)
    try:
        return get_led_application(viewer(), known)
    except UnderReview:
        if request.method == "GET":
            abort(redirect(url_for("workspace.review", reference=known), 302))
        abort(404)
    except NoSuchCase:
        abort(404)


def _show(
    found: LedApplication,
    form: ShortlistForm | None = None,
    *,
    problem: str | None = None,
    conflict: CaseChanged | None = None,
) -> str:
    """Render the page. ``form`` is one to show again as it was typed, bound to the application as it is now."""
    document = found.process.call.document
    if form is None:
        form = ShortlistForm(formdata=None)
        form.bind(found.row.version)
    elif conflict or problem:
        form.bind(found.row.version)
    return render_template(
        "workspace/application.html",
        found=found,
        process=found.process,
        title=said(document.title, language()),
        sections=words.sections(document, found.process.answers),
        scores=_scores(found),
        chart=_chart(found),
        can_ask=found.process.stage in IN_REVIEW,
        can_decide=found.process.stage in DECIDABLE,
        form=form,
        problem=problem,
        conflict=conflict,
        words=words,
    )


def _chart(found: LedApplication) -> Markup | None:
    """The scores of each criterion as dots, once there are any."""
    given = [
        (criterion.title, score)
        for criterion in found.process.call.document.criteria
        for review in found.reviews
        if (score := score_of(review.scores, criterion.key)) is not None
    ]
    return charts.dots(given, lowest=SCORES[0], highest=SCORES[-1]) if given else None


def _scores(found: LedApplication) -> list[dict[str, object]]:
    """The lines of the table of scores: each criterion, then all of them by weight; a column for each review."""
    criteria = found.process.call.document.criteria
    lines: list[dict[str, object]] = []
    for criterion in criteria:
        given = [score_of(review.scores, criterion.key) for review in found.reviews]
        numbers = [score for score in given if score is not None]
        lines.append(
            {
                "title": criterion.title,
                "weight": criterion.weight,
                "given": [str(score) if score else "–" for score in given],
                "mean": mean(given),
                "lowest": min(numbers, default=None),
                "highest": max(numbers, default=None),
            }
        )
    means = [weighted_mean(criteria, review.scores) for review in found.reviews]
    there = [value for value in means if value is not None]
    lines.append(
        {
            "title": gettext("All criteria, by weight"),
            "weight": None,
            "given": [words.one_decimal(value) if value is not None else "–" for value in means],
            "mean": mean(means),
            "lowest": min(there, default=None),
            "highest": max(there, default=None),
        }
    )
    return lines
