"""HTTP: parse, authorise, one call, answer. Folders by audience."""

from flask import Flask

from portal import settings as _settings


def init_app(app: Flask) -> None:
    """Register everything that answers a request, in the order in which it must act."""
    from portal.web import answers, bodies, errors, health, pages, public, rendering, security, workspace
    from portal.web.account import init_app as init_accounts

    configured: _settings.Settings = app.extensions["yhteys.settings"]
    bodies.init_app(app)
    rendering.init_app(app)
    answers.init_app(app)
    security.init_app(app)
    init_accounts(app)
    app.register_blueprint(public.blueprint)
    app.register_blueprint(workspace.blueprint)
    app.register_blueprint(health.blueprint)
    if configured.development:
        from portal.web import mailbox

        app.register_blueprint(mailbox.blueprint)
    errors.init_app(app)
    pages.init_app(app)
