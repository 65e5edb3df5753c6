"""Headers of every answer, as one table. A view may say something stricter; what it says is kept."""

from flask import Flask, Response, request
from werkzeug.datastructures import Headers

from portal.settings import Settings

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_UNUSED_POWERS = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")

Table = tuple[tuple[str, str], ...]

HEADERS: Table = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Permissions-Policy", ", ".join(f"{power}=()" for power in _UNUSED_POWERS)),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)

PRODUCTION_HEADERS: Table = (*HEADERS, ("Strict-Transport-Security", "max-age=63072000; includeSubDomains"))


def init_app(app: Flask) -> None:
    """Put the headers on every answer."""
    settings: Settings = app.extensions["yhteys.settings"]
    table = HEADERS if settings.development else PRODUCTION_HEADERS

    @app.after_request
    def put_headers(response: Response) -> Response:
        # A redirect to the same page with a slash would repeat whatever host the request claims.
        if response.location and response.location.startswith(request.host_url):
            response.location = "/" + response.location.removeprefix(request.host_url)
        apply_to(response.headers, table)
        return response


def apply_to(headers: Headers, table: Table = PRODUCTION_HEADERS) -> None:
    """Add every header of the table that is not there yet; for answers made outside a request, too."""
    for name, value in table:
        if name not in headers:
            headers[name] = value
