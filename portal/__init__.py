"""Yhteys: the international front door of a public body."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from portal.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application.

    Raises:
        SettingsFault: the environment cannot be used.
        ContentFault: the content in ``config/`` cannot be used; every fault is named.
    """
    from flask import Flask
    from flask_migrate import Migrate
    from werkzeug.middleware.proxy_fix import ProxyFix

    import portal.models  # noqa: F401  (registers every table)
    from portal import database, i18n, web
    from portal.content.loader import load_content
    from portal.gateways import mailer
    from portal.gateways.storage import Files
    from portal.settings import PACKAGE, data_root, load_settings

    settings = settings or load_settings()
    app = Flask(
        "portal",
        root_path=str(PACKAGE),
        template_folder=str(data_root() / "templates"),
        static_folder=str(PACKAGE / "static"),
    )
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=database.engine_options(settings.database_url),
        MAX_CONTENT_LENGTH=settings.upload_limit_mb * 1_000_000,
        MAX_FORM_MEMORY_SIZE=2_000_000,
        MAX_FORM_PARTS=200,
        SEND_FILE_MAX_AGE_DEFAULT=31_536_000,  # built files carry their content's hash in their names
        TEMPLATES_AUTO_RELOAD=False,
    )
    app.extensions["yhteys.settings"] = settings
    app.extensions["yhteys.content"] = load_content(settings.content_dir, i18n.known_languages())
    database.init_app(app)
    Migrate(app, database.db, directory=str(data_root() / "migrations"), render_as_batch=True)
    app.extensions["yhteys.files"] = Files(settings.storage_dir)
    mailer.init_app(app, settings)
    web.init_app(app)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app
