"""The blueprint of the workspace."""

from flask import Blueprint

blueprint = Blueprint("workspace", __name__, url_prefix="/workspace")
