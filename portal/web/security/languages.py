"""The language of the workspace: the signed-in person's own, else what the browser asks for.

Comes before the doors, so that what they say is said in it.
"""

from collections.abc import Sequence

from flask import Flask, request

from portal.i18n import set_language
from portal.queries.editions import content
from portal.web.security.doors import find_viewer


def init_app(app: Flask) -> None:
    """Choose the language of each request to the workspace; public pages have theirs in the address."""
    app.before_request(choose_language)


def choose_language() -> None:
    """Speak a language that the installation speaks."""
    languages = content().organisation.languages
    if not (request.path + "/").startswith("/workspace/"):
        if request.blueprint != "public":  # a thread remembers what it spoke last
            set_language(languages[0])
        return
    asked = request.args.get("lang", "")
    set_language(asked if asked in languages else accepted_language(languages))
    person = find_viewer()
    if person is not None and person.language in languages:
        set_language(person.language)


def accepted_language(languages: Sequence[str]) -> str:
    """The first language that the browser asks for and the installation speaks, else the installation's first.

    ``sv-FI`` asks for ``sv``.
    """
    for wanted, quality in request.accept_languages:
        code = wanted.partition("-")[0].lower()
        if quality > 0 and code in languages:
            return code
    return languages[0]
