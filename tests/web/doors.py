"""What the modules ``doors_of_…`` have in common.

Each has the doors of one part of the house, and a way to furnish that part so that each of its pages can be opened and
each of its forms sent: by the people who lead, review and handle cases there, and by whoever has written to it.
"""

from typing import Any, Protocol

from portal.rules.policy import Viewer
from portal.web.security.doors import Door

Table = dict[str, Door | None]
"""Endpoint → who may come in; ``None`` is no view of ours."""

Places = dict[str, dict[str, Any]]
"""Endpoint → the values in its address."""

People = dict[str, Viewer]


class Part(Protocol):
    """A part of the house in which something has happened; needs an application context."""

    def places(self) -> Places:
        """Where its pages are and its forms go to, but those whose address is always the same."""

    def filled(self, endpoint: str, token: str) -> dict[str, Any]:
        """What a person fills into the form that goes there, all but the CSRF token; ``token`` names the sending."""
