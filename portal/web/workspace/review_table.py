"""A call's applications for its lead: the table in order of arrival, and the call in numbers."""

from flask import abort, render_template, request

from portal.content.calls import said
from portal.gateways import charts
from portal.i18n import gettext, language
from portal.queries.calls import NoSuchCall, StoredCall, get_led_call
from portal.queries.review_table import list_applications, summarise_call
from portal.rules.applications import STAGES
from portal.rules.policy import Permission
from portal.rules.reviews import SCORES
from portal.web.security.doors import allows, viewer
from portal.web.vocabulary import stage_names
from portal.web.workspace import words
from portal.web.workspace.inbox import page_key
from portal.web.workspace.routes import blueprint


@blueprint.get("/calls/<slug>/applications")
@allows(Permission.LEAD_CALLS)
def call_applications(slug: str) -> str:
    """All applications to a call in order of arrival, a page at a time, or those of one stage."""
    call = _find(slug)
    stage = request.args.get("stage")
    if stage is not None and stage not in STAGES:
        abort(404)
    table = list_applications(viewer(), call, stage=stage, before=page_key("before"), after=page_key("after"))
    return render_template(
        "workspace/call_applications.html",
        call=call,
        title=said(call.document.title, language()),
        stage=stage,
        table=table,
        reviews_call=any(account_id == viewer().account_id for account_id, _name in table.reviewers),
        words=words,
    )


@blueprint.get("/calls/<slug>/summary")
@allows(Permission.LEAD_CALLS)
def call_summary(slug: str) -> str:
    """The call in numbers: stages, reviewers' progress, and how often each score was given."""
    call = _find(slug)
    summary = summarise_call(viewer(), call)
    names = stage_names()
    title = gettext("Score")
    return render_template(
        "workspace/call_summary.html",
        call=call,
        title=said(call.document.title, language()),
        summary=summary,
        stage_chart=charts.bars([(names[stage], number) for stage, number in summary.by_stage.items()]),
        score_charts={
            key: charts.columns(
                [(str(score), number) for score, number in zip(SCORES, counts, strict=True)], title=title
            )
            for key, counts in summary.scores.items()
            if any(counts)
        },
        words=words,
    )


def _find(slug: str) -> StoredCall:
    try:
        return get_led_call(viewer(), slug)
    except NoSuchCall:
        abort(404)
