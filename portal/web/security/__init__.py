"""The wall around the views: sessions, doors, CSRF, limits, headers."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Set it all up; comes before any blueprint is registered."""
    from portal.web.security import csrf, doors, headers, languages, limits, sessions

    sessions.init_app(app)
    limits.init_app(app)
    languages.init_app(app)
    doors.init_app(app)
    csrf.init_app(app)
    headers.init_app(app)
