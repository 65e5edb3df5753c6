"""The portal as the bench loads it: ``portal.wsgi`` without limits on how often one address may ask."""

from portal.logs import configure
from portal.web.security import limits

limits.LIMITS.update(dict.fromkeys(limits.LIMITS, ("1000000000/minute",)))

from portal import create_app  # noqa: E402

configure()
application = create_app()
