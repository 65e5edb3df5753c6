"""For machines that watch: is the process alive, is it ready to take a submission."""

from flask import Blueprint, Response, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from portal.database import db
from portal.queries.editions import EditionNotPublished, get_live_edition
from portal.web.security.doors import public

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def alive() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@public
def ready() -> tuple[Response, int]:
    """The database answers and the content is published; 503 otherwise."""
    try:
        db.session.execute(text("SELECT 1"))
        get_live_edition()
    except (SQLAlchemyError, EditionNotPublished) as error:
        return jsonify(status="not ready", reason=type(error).__name__), 503
    return jsonify(status="ok"), 200
