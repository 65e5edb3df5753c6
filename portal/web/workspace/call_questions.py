"""A call's own questions and its criteria, each on a small page of its own, so that nothing typed is lost."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from flask import abort, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from portal.content.calls import MAX_CRITERIA, MAX_QUESTIONS, CallDocument, Criterion, Question
from portal.i18n import gettext
from portal.operations.call_door import CallChanged, CallNotPossible, NotPublishable
from portal.operations.calls import save_document
from portal.queries.call_page import find_frozen
from portal.queries.calls import NoSuchCall, StoredCall
from portal.queries.editions import content
from portal.rules.policy import Permission
from portal.web.security.doors import allows, viewer
from portal.web.workspace.call_forms import CallForm
from portal.web.workspace.call_words import KINDS, REASONS, fault_lines, part_name
from portal.web.workspace.calls import call_here, call_title, not_stored
from portal.web.workspace.question_forms import CriterionForm, MoveForm, QuestionForm, languages, question_form
from portal.web.workspace.routes import blueprint

Part = Literal["questions", "criteria"]
Item = TypeVar("Item", Question, Criterion)
Edit = Callable[[CallDocument], CallDocument]
MOST: dict[Part, int] = {"questions": MAX_QUESTIONS, "criteria": MAX_CRITERIA}


@blueprint.get("/calls/<slug>/<any(questions, criteria):part>")
@allows(Permission.LEAD_CALLS)
def call_parts(slug: str, part: Part) -> str:
    """The questions, or the criteria, in their order."""
    return _list(call_here(slug), part)


@blueprint.get("/calls/<slug>/<any(questions, criteria):part>/new")
@allows(Permission.LEAD_CALLS)
def new_call_part(slug: str, part: Part) -> str:
    """An empty form for another one."""
    call = call_here(slug)
    if len(_items(call.document, part)) >= MOST[part]:
        return _list(call, part, problem=gettext("There are as many as there can be. Remove one first."))
    form = _form(part, formdata=None)
    if isinstance(form, CriterionForm):
        form.weight.data = 1
    form.bind(call.version)
    return _one(call, part, None, form)


@blueprint.get("/calls/<slug>/<any(questions, criteria):part>/item/<key>")
@allows(Permission.LEAD_CALLS)
def edit_call_part(slug: str, part: Part, key: str) -> str:
    """One question or criterion."""
    call = call_here(slug)
    form = _form(part, formdata=None)
    form.fill(_item(call, part, key))
    form.bind(call.version)
    return _one(call, part, key, form)


@blueprint.post("/calls/<slug>/<any(questions, criteria):part>/new")
@allows(Permission.LEAD_CALLS)
def add_call_part(slug: str, part: Part) -> AnyResponse:
    """Add one at the end."""
    return _store(slug, part, None)


@blueprint.post("/calls/<slug>/<any(questions, criteria):part>/item/<key>")
@allows(Permission.LEAD_CALLS)
def save_call_part(slug: str, part: Part, key: str) -> AnyResponse:
    """Keep it as it was written; it stays where it is."""
    return _store(slug, part, key)


@blueprint.post("/calls/<slug>/<any(questions, criteria):part>/item/<key>/arrange")
@allows(Permission.LEAD_CALLS)
def arrange_call_part(slug: str, part: Part, key: str) -> AnyResponse:
    """Move it one place up or down, or take it away."""
    call = call_here(slug)
    form = MoveForm()
    if not form.validate():
        return make_response(_list(call, part, problem=" ".join(form.hidden_problems())), 400)
    how = next((name for name in ("up", "down", "remove") if name in request.form), None) or abort(400)

    def edit(document: CallDocument) -> CallDocument:
        return _with(document, part, _arranged(list(_items(document, part)), key, how))

    refused = _save(call, form, edit)
    if refused is not None:
        return make_response(_list(call_here(slug), part, problem=refused[0]), refused[1])
    return redirect(url_for("workspace.call_parts", slug=call.slug, part=part), 303)


def _store(slug: str, part: Part, key: str | None) -> AnyResponse:
    call = call_here(slug)
    form = _form(part)
    if key not in {item.key for item in _items(call.document, part)}:
        key = None  # somebody has taken it away meanwhile: what was typed is kept as a new one
    if not form.validate():
        form.drop_unstorable()
        return make_response(_one(call, part, key, form), 400 if form.csrf_failed else 422)
    refused = _save(call, form, lambda document: _with_item(document, part, key, form))
    if refused is not None:
        problem, status = refused
        if status == 409:
            call = call_here(slug)
            form.bind(call.version)
        return make_response(_one(call, part, key, form, problem=problem), status)
    flash(gettext("The question is saved.") if part == "questions" else gettext("The criterion is saved."), "success")
    return redirect(url_for("workspace.call_parts", slug=call.slug, part=part), 303)


def _save(call: StoredCall, form: CallForm, edit: Edit) -> tuple[str, int] | None:
    """Save, or say why not, and with which status."""
    try:
        save_document(viewer(), call=form.seen(call.slug), edit=edit)
    except NoSuchCall:
        abort(404)
    except CallChanged as conflict:
        parts = ", ".join(part_name(path) for path in conflict.parts)
        return gettext(
            "%(person)s changed the call while you were writing (%(parts)s). Nothing of yours was saved yet: "
            "look at it again and save it once more.",
            person=conflict.actor or gettext("The portal"),
            parts=parts or gettext("not its texts"),
        ), 409
    except CallNotPossible as refusal:
        return str(REASONS[refusal.reason]), 409
    except NotPublishable as refusal:
        missing = " ".join(line.text for line in fault_lines(refusal.faults, edit(call.document)))
        return gettext("The call is published, so nothing may be missing. %(missing)s", missing=missing), 422
    except SQLAlchemyError as error:
        return not_stored(error), 503
    return None


def _with_item(document: CallDocument, part: Part, key: str | None, form: Any) -> CallDocument:
    items: list[Any] = list(_items(document, part))
    place = next((n for n, item in enumerate(items) if item.key == key), len(items))
    before = items[place] if place < len(items) else None
    make = form.to_question if part == "questions" else form.to_criterion
    items[place : place + 1] = [make(before, {item.key for item in items})]
    return _with(document, part, items[: MOST[part]])


def _arranged(items: list[Any], key: str, how: str) -> list[Any]:
    place = next((n for n, item in enumerate(items) if item.key == key), None)
    if place is None:
        return items
    item = items.pop(place)
    if how != "remove":
        items.insert(max(0, place + (1 if how == "down" else -1)), item)
    return items


def _with(document: CallDocument, part: Part, items: list[Any]) -> CallDocument:
    return document.model_copy(update={part: tuple(items)})


def _items(document: CallDocument, part: Part) -> tuple[Any, ...]:
    return document.questions if part == "questions" else document.criteria


def _item(call: StoredCall, part: Part, key: str) -> Any:
    return next((item for item in _items(call.document, part) if item.key == key), None) or abort(404)


def _form(part: Part, **values: Any) -> QuestionForm | CriterionForm:
    return question_form(**values) if part == "questions" else CriterionForm(**values)


def _one(call: StoredCall, part: Part, key: str | None, form: CallForm, *, problem: str | None = None) -> str:
    template = "workspace/call_question.html" if part == "questions" else "workspace/call_criterion.html"
    return render_template(
        template, call=call, title=call_title(call), part=part, key=key, form=form, codes=languages(), problem=problem
    )


def _list(call: StoredCall, part: Part, *, problem: str | None = None) -> str:
    form = MoveForm(formdata=None)
    form.bind(call.version)
    missing: dict[str, set[str]] = {}
    for path, code in call.document.missing(content().organisation.languages):
        if path.startswith("questions."):
            missing.setdefault(path.split(".")[1], set()).add(code)
    return render_template(
        "workspace/call_parts.html",
        call=call,
        title=call_title(call),
        part=part,
        frozen=find_frozen(call.id)[0 if part == "questions" else 1],
        items=_items(call.document, part),
        kinds=KINDS,
        missing=missing,
        form=form,
        most=MOST[part],
        problem=problem,
    )
