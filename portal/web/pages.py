"""Public pages as bytes: rendered once a process and language, answered before anything else is done.

A page that says the same to everybody is marked by its view with ``same_for_all``; the first answer is
kept with its headers and a strong ETag. Contents change only with a restart, so nothing needs clearing.
"""

import hashlib
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from flask import Flask, Response, make_response, request

_MARK = "yhteys.same_for_all"
_CACHE_CONTROL = "public, max-age=60"

Environ = dict[str, Any]
Page = tuple[list[tuple[str, str]], bytes, str]


def same_for_all(view: Callable[..., str]) -> Callable[..., Response]:
    """Let the answer of a view be kept: it depends on the address alone."""

    @wraps(view)
    def marked(*args: Any, **kwargs: Any) -> Response:
        response = _for_everybody(view(*args, **kwargs))
        request.environ[_MARK] = True
        del response.headers["Date"]  # the server says when it answers, not when the page was made
        return response

    return marked


def same_for_a_minute(view: Callable[..., str | Response]) -> Callable[..., Response]:
    """Let browsers and proxies keep the answer of a view for a minute; this process makes it anew each time.

    For what says the same to everybody, but changes while the program runs.
    """

    @wraps(view)
    def marked(*args: Any, **kwargs: Any) -> Response:
        return _for_everybody(view(*args, **kwargs))

    return marked


def _for_everybody(answer: str | Response) -> Response:
    response = make_response(answer)
    response.headers["Cache-Control"] = _CACHE_CONTROL
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    return response.make_conditional(request)  # type: ignore[return-value]


def init_app(app: Flask) -> None:
    """Put the kept pages before the application."""
    app.wsgi_app = KeptPages(app.wsgi_app)  # type: ignore[method-assign]


class KeptPages:
    """Answers known pages by path; asks the application for the others."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._pages: dict[str, Page] = {}

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        # The portal lives at the root of its host; a request that says otherwise would bend every link of a kept page.
        environ["PATH_INFO"] = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        environ["SCRIPT_NAME"] = ""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or environ.get("QUERY_STRING"):
            return self._application(environ, start_response)  # type: ignore[no-any-return]
        path: str = environ["PATH_INFO"]
        page = self._pages.get(path)
        if page is None:
            return self._ask(path, environ, start_response)
        headers, body, etag = page
        if etag in environ.get("HTTP_IF_NONE_MATCH", ""):
            start_response("304 NOT MODIFIED", [h for h in headers if not h[0].startswith("Content-")])
            return ()
        start_response("200 OK", headers)
        return () if environ["REQUEST_METHOD"] == "HEAD" else (body,)

    def _ask(self, path: str, environ: Environ, start_response: Any) -> Iterable[bytes]:
        said: list[Any] = []

        def listen(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            said[:] = [status, headers]
            return start_response(status, headers, *rest)

        body = self._application(environ, listen)
        if not environ.get(_MARK) or not said[0].startswith("200") or environ["REQUEST_METHOD"] != "GET":
            return body  # type: ignore[no-any-return]
        try:
            whole = b"".join(body)
        finally:
            getattr(body, "close", lambda: None)()
        headers = [(name, value) for name, value in said[1] if name.lower() != "set-cookie"]
        etag = next(value for name, value in headers if name.lower() == "etag")
        self._pages[path] = (headers, whole, etag)
        return (whole,)
