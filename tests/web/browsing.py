"""Using pages as a person does: open one, take its form as it is, type, send."""

from collections.abc import Iterator
from typing import Any

from flask.testing import FlaskClient
from justhtml import JustHTML
from justhtml.dom import Element
from werkzeug.test import TestResponse


def text_of(response: TestResponse) -> str:
    """What a person reads on the page."""
    return " ".join(JustHTML(response.get_data(as_text=True), sanitize=False).query("body")[0].to_text().split())


def form_of(response: TestResponse, action: str) -> dict[str, Any]:
    """The fields of the form that goes to ``action``, filled in as the page has them."""
    for form in JustHTML(response.get_data(as_text=True), sanitize=False).query("form"):
        assert isinstance(form, Element)
        if (form.attrs or {}).get("action") == action:
            return _fields(form)
    raise AssertionError(f"there is no form to {action}")


def forms_on(page: TestResponse, within: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every form that is sent to an address with ``within`` in it, with what it holds."""
    for form in JustHTML(page.text, sanitize=False).query("form"):
        assert isinstance(form, Element)
        action = str((form.attrs or {}).get("action", ""))
        if within in action:
            assert (form.attrs or {}).get("method") == "post", action
            yield action, form_of(page, action)


def token_for(browser: FlaskClient, page: str = "/en/track", action: str = "/en/track") -> str:
    """A CSRF token that is good in this browser: what is refused is refused for something else."""
    return str(form_of(browser.get(page), action)["csrf_token"])


def _fields(form: Element) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for control in form.query("input, textarea, select"):
        assert isinstance(control, Element)
        attrs = control.attrs or {}
        name, kind = attrs.get("name"), attrs.get("type", "text")
        if not name or kind in ("submit", "file") or (kind in ("checkbox", "radio") and "checked" not in attrs):
            continue
        if control.name == "textarea":
            value: str | None = control.to_text(separator="", strip=False)
        elif control.name == "select":
            chosen = control.query("option[selected]") or control.query("option")
            value = (chosen[0].attrs or {}).get("value") if chosen else ""
        else:
            value = attrs.get("value")
        if name in values:
            values[name] = [*(values[name] if isinstance(values[name], list) else [values[name]]), value or ""]
        else:
            values[name] = value or ""
    return values
