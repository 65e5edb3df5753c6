"""Addresses in letters: from the configured public address, never from what a request claims."""

from urllib.parse import urlsplit

from flask import current_app

from portal import settings


def public_link(endpoint: str, **values: str) -> str:
    """The full address of a page, outside any request.

    Raises:
        werkzeug.routing.BuildError: there is no such endpoint.
    """
    address = urlsplit(settings.current().public_url)
    adapter = current_app.url_map.bind(address.netloc, script_name=address.path or "/", url_scheme=address.scheme)
    return adapter.build(endpoint, values, force_external=True)
