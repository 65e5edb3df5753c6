"""Staff accounts on the web: sign-in, sign-out, one's own account."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Set sign-in up; comes after ``security.init_app``."""
    from portal.web.account import security_setup, views

    security_setup.init_app(app)
    app.register_blueprint(views.blueprint)
