"""The base of every form: our CSRF, our languages, and what a page needs to show a form again."""

from functools import lru_cache
from gettext import NullTranslations
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from werkzeug.datastructures import CombinedMultiDict
from wtforms.i18n import get_builtin_gnu_translations
from wtforms.widgets import HiddenInput

from portal.i18n import SOURCE_LANGUAGE, language
from portal.rules.text import without_forbidden
from portal.web.security.csrf import CookieCsrf

_SENDING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_FROM_REQUEST = object()


class Form(FlaskForm):
    """A form with a CSRF token. It reads the request unless ``formdata=None`` says that it is only shown.

    Our validators speak through ``portal.i18n``; the few words that WTForms says by itself ('Not a valid
    date value') come from its own catalogues.
    """

    class Meta:
        csrf = True
        csrf_class = CookieCsrf
        csrf_field_name = "csrf_token"

        def wrap_formdata(self, form: "Form", formdata: Any) -> Any:  # noqa: ARG002
            if formdata is not _FROM_REQUEST:
                return formdata
            if request.method not in _SENDING:
                return None
            # A body that is not a form is an empty form, and so lacks its token; JSON is for no page of ours.
            return CombinedMultiDict((request.files, request.form)) if request.files else request.form

        def get_translations(self, form: "Form") -> NullTranslations:  # noqa: ARG002
            return _words_of_wtforms(language())

    def __init__(self, formdata: Any = _FROM_REQUEST, **values: Any) -> None:
        super().__init__(formdata=formdata, **values)

    @property
    def csrf_failed(self) -> bool:
        """Whether the form was refused for its token: missing, too old, or another browser's."""
        return bool(self["csrf_token"].errors)

    def hidden_problems(self) -> list[str]:
        """Errors of fields that nobody sees, the CSRF token among them, for the summary at the top of the page."""
        return [str(error) for field in self if isinstance(field.widget, HiddenInput) for error in field.errors]

    def drop_unstorable(self) -> None:
        """Take NUL and lone surrogates out of what was typed, so that the form can be shown again."""
        for field in self:
            field.data = _showable(field.data)
            field.raw_data = [_showable(value) for value in field.raw_data or ()]


class ActionForm(Form):
    """A button that changes something: nothing but the CSRF token."""


def _showable(value: Any) -> Any:
    return without_forbidden(value) if isinstance(value, str) else value


@lru_cache
def _words_of_wtforms(code: str) -> NullTranslations:
    if code == SOURCE_LANGUAGE:
        return NullTranslations()
    try:
        words: NullTranslations = get_builtin_gnu_translations([code])
    except OSError:
        return NullTranslations()
    return words
