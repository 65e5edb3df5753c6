"""The application as a server loads it."""

from portal import create_app
from portal.logs import configure

configure()
application = create_app()
