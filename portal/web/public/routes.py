"""The blueprint of the public pages and what the language in an address means."""

from typing import Any

from flask import Blueprint, abort
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter

from portal.i18n import language, set_language
from portal.queries.editions import content


class LanguageConverter(BaseConverter):
    """The part of an address that can be a language code, e.g. ``fi``."""

    regex = "[a-z]{2,3}"


blueprint = Blueprint("public", __name__)


@blueprint.record_once
def teach_languages(state: BlueprintSetupState) -> None:
    """Teach addresses what a language is, before the views are added."""
    state.app.url_map.converters["language"] = LanguageConverter


@blueprint.url_value_preprocessor
def take_language(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """The first part of the address is the language; one that the installation does not speak is no page."""
    if not values or "lang" not in values:
        return
    code = values.pop("lang")
    if code not in content().organisation.languages:
        abort(404)
    set_language(code)


@blueprint.url_defaults
def give_language(_endpoint: str, values: dict[str, Any]) -> None:
    """Links stay in the language in force unless they say otherwise."""
    values.setdefault("lang", language())
