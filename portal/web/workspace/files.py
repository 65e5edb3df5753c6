"""How a file that a stranger sent is handed out: always as a download, never opened inside the portal."""

from flask import Response, abort, current_app, send_file

from portal.gateways.storage import Files, StorageUnavailable
from portal.models import Attachment


def hand_out(found: Attachment | None) -> Response:
    """The bytes of a file that the viewer may have; no file is no page."""
    if found is None:
        abort(404)
    store: Files = current_app.extensions["yhteys.files"]
    try:
        stream = store.open(found.key)
    except StorageUnavailable:
        abort(503)
    response = send_file(stream, mimetype=found.mime, as_attachment=True, download_name=found.name, max_age=0)
    response.headers["Content-Length"] = str(found.size_bytes)
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "no-store"
    return response
