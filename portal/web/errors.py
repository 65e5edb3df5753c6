"""Pages for what went wrong, in the visitor's language, and logs without what the visitor typed."""

import structlog
from flask import Flask, Response, current_app, make_response, render_template, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import BadRequest, HTTPException, InternalServerError, ServiceUnavailable

from portal.database import db
from portal.gateways.storage import StorageUnavailable
from portal.i18n import set_language
from portal.queries.editions import EditionNotPublished, content

log = structlog.get_logger()


def init_app(app: Flask) -> None:
    """Turn errors into pages."""
    app.register_error_handler(HTTPException, _page)
    for unavailable in (SQLAlchemyError, StorageUnavailable, EditionNotPublished):
        app.register_error_handler(unavailable, _unavailable)
    app.register_error_handler(Exception, _unexpected)


def _page(error: HTTPException) -> Response:
    """A page for the status, keeping the headers that it needs (``Allow``, ``Retry-After``)."""
    if error.response is not None:
        return error.response  # type: ignore[return-value]
    _choose_language()
    response = make_response(render_template("shared/error.html", status=error.code or 500), error.code or 500)
    for name, value in error.get_headers(request.environ):
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _unavailable(error: Exception) -> Response:
    # No traceback: what a driver says of an error can quote the row, and with it what somebody wrote.
    cause = getattr(error, "orig", None)
    log.error("unavailable", endpoint=request.endpoint, error=type(error).__name__, cause=type(cause).__name__)
    db.session.rollback()
    return _page(ServiceUnavailable())


def _unexpected(error: Exception) -> Response:
    if type(error).__module__.startswith("gunicorn."):  # the body broke off, or its chunks make no sense
        return _page(BadRequest())
    log.error("unexpected", endpoint=request.endpoint, exc_info=error)
    if current_app.testing:
        raise error
    db.session.rollback()
    return _page(InternalServerError())


def _choose_language() -> None:
    """The language in the address, else the default: an address that leads nowhere was never looked at."""
    first = request.path.split("/", 2)[1]
    languages = content().organisation.languages
    if first in languages:
        set_language(first)
    elif not (request.path + "/").startswith("/workspace/"):
        set_language(content().organisation.default_language)
