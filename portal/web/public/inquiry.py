"""Sending an inquiry and seeing its receipt."""

import re
from collections.abc import Sequence

import structlog
from flask import Response, abort, current_app, jsonify, make_response, redirect, render_template, request, url_for
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from portal.content.schema import TRIAGE, Topic
from portal.gateways.judge import JudgeUnavailable
from portal.gateways.storage import StorageUnavailable
from portal.i18n import gettext, language
from portal.operations.inquiries import receive_inquiry
from portal.operations.receiving import AlreadySent
from portal.queries.editions import EditionNotPublished, content
from portal.queries.outbox import list_file_names
from portal.queries.receipts import Receipt, find_receipt
from portal.web.public.inquiry_form import InquiryForm, new_token, suggested_topics
from portal.web.public.routes import blueprint
from portal.web.rendering import text_in_language
from portal.web.security import cookies, csrf, limits
from portal.web.security.doors import public

log = structlog.get_logger()

RECEIPT_COOKIE = "yhteys_receipt"
RECEIPT_SECONDS = 3600

_CSRF_HERE, _TOKEN_HERE = "{csrf token}", "{sending token}"
_TOKEN_FIELD = re.compile(r'(name="token" value=")[^"]+(")')

Suggested = Sequence[tuple[Topic, tuple[str, ...]]]

OUT_OF_ORDER = (SQLAlchemyError, StorageUnavailable, JudgeUnavailable, EditionNotPublished)


@blueprint.get("/<language:lang>/contact")
@public
def contact() -> str:
    """The empty form; ``?topic=`` chooses a topic beforehand."""
    topic = request.args.get("topic", "")
    known = topic == TRIAGE or topic in content().topic_by_slug
    if request.args.keys() - {"topic"} or (topic and not known):
        return _empty_page("")
    return _kept_page(topic)


def _kept_page(topic: str) -> str:
    """The empty form, rendered once a process, language and topic; only its two tokens are each visitor's own."""
    kept: dict[tuple[str, str], str] = current_app.extensions.setdefault("yhteys.empty_forms", {})
    page = kept.get((language(), topic))
    if page is None:
        page = _empty_page(topic).replace(csrf.issue(), _CSRF_HERE)
        page = kept[language(), topic] = _TOKEN_FIELD.sub(rf"\g<1>{_TOKEN_HERE}\g<2>", page)
    return page.replace(_CSRF_HERE, csrf.issue()).replace(_TOKEN_HERE, new_token())


def _empty_page(topic: str) -> str:
    form = InquiryForm()
    form.topic.data = topic
    return _page(form)


@blueprint.post("/<language:lang>/contact")
@public
def send() -> AnyResponse:
    """Receive an inquiry: 303 to the receipt, or the form again with everything in it and what to mend.

    Whoever is not sure of the topic is asked once whether it is one of those that the text speaks of: ``pick`` is
    their answer, ``asked`` says that they were asked. ``switch`` asks for the form in another language; nothing is
    looked at, nothing is lost.
    """
    form = InquiryForm()
    form.keep_files(kept=request.form.getlist("staged"), removed=request.form.getlist("remove"))
    if "pick" in request.form:
        form.pick(request.form["pick"])
    if not limits.allow("inquiry_address", request.remote_addr or ""):
        return _again(
            form,
            429,
            gettext(
                "Too many messages have come from your network. Wait a few minutes and send again. "
                "Nothing you typed is lost."
            ),
        )
    try:
        form.take_uploads()
        if "switch" in request.form:
            return _again(form, 200)
        if not form.validate():
            return _again(form, 400 if form.csrf_failed else 422)
        if "asked" not in request.form and (suggestions := form.suggestions()):
            return _again(form, 200, suggestions=suggestions)
        wanted = limits.allow("receipt_address", (form.email.data or "").lower())
        received = receive_inquiry(command=form.to_command(wants_receipt=wanted))
    except AlreadySent as known:
        form.token.data = new_token()
        return _again(
            form,
            409,
            gettext(
                "You have already sent this form, with another text. Its reference is %(reference)s. "
                "To send the text below as a new message, press “Send” again.",
                reference=known.reference,
            ),
        )
    except OUT_OF_ORDER as error:
        cause = getattr(error, "orig", None)
        log.error("inquiry_not_stored", error=type(error).__name__, cause=type(cause).__name__)
        return _again(
            form,
            503,
            gettext(
                "Your message could not be stored just now, and it has not been sent. "
                "Everything you typed is below. Try again in a few minutes."
            ),
        )
    return to_receipt("public.receipt", received.submission_id)


@blueprint.get("/<language:lang>/contact/receipt")
@public
def receipt() -> str | AnyResponse:
    """What was received, when, and what happens next; only in the browser that sent it, for an hour."""
    found = receipt_of_this_browser()
    if found is None:
        return redirect(url_for("public.track"), 302)
    if found.row.kind == "internship":
        return redirect(url_for("public.application_receipt"), 302)
    return render_template("public/receipt.html", receipt=found, case=found.row, files=list_file_names(found.row.id))


@blueprint.post("/<language:lang>/contact/suggest")
@public
def suggest() -> AnyResponse:
    """Topics that a text being typed may be about, for the form's script; nothing is stored."""
    form = InquiryForm()
    if csrf.problem_of(request.form.get("csrf_token", "")) is not None:
        abort(400)
    if not limits.allow("suggest_address", request.remote_addr or ""):
        abort(429)
    found = suggested_topics(f"{form.subject.data}\n{form.message.data}")
    return jsonify(
        [{"topic": topic.slug, "title": text_in_language(topic.title), "words": words} for topic, words in found]
    )


def _page(form: InquiryForm, problem: str | None = None, suggestions: Suggested = ()) -> str:
    topic = content().topic_by_slug.get(form.topic.data or "")
    return render_template(
        "public/contact.html",
        form=form,
        problem=problem,
        suggestions=suggestions,
        chosen=topic,
        chosen_manager=content().manager_by_key[topic.manager] if topic else None,
        holders=[(found, content().manager_by_key[found.manager]) for found in content().topics],
    )


def _again(form: InquiryForm, status: int, problem: str | None = None, suggestions: Suggested = ()) -> Response:
    form.drop_unstorable()
    return make_response(_page(form, problem, suggestions), status)


def to_receipt(endpoint: str, submission_id: int) -> AnyResponse:
    """Lead to the receipt of a submission, which this browser alone can read for an hour."""
    response = make_response(redirect(url_for(endpoint), 303))
    cookies.give(response, RECEIPT_COOKIE, str(_seals().dumps(submission_id)), max_age_seconds=RECEIPT_SECONDS)
    return response


def receipt_of_this_browser() -> Receipt | None:
    """The receipt of what this browser sent last, within the hour; one that was deleted meanwhile is no page."""
    submission_id = _sent_here()
    return (find_receipt(submission_id) or abort(404)) if submission_id is not None else None


def find_receipt_here() -> Receipt | None:
    """The same for pages that only mention it."""
    submission_id = _sent_here()
    return find_receipt(submission_id) if submission_id is not None else None


def _sent_here() -> int | None:
    try:
        submission_id: int = _seals().loads(cookies.read(RECEIPT_COOKIE), max_age=RECEIPT_SECONDS)
    except BadData:
        return None
    return submission_id


def _seals() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="receipt")
