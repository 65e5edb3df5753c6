"""The public face: pages, the inquiry, its receipt, and the sender's own page, under ``/<lang>/``."""

from portal.web.public.routes import blueprint

# Importing a module of views registers them.
from portal.web.public import application_acts, apply, apply_send, correction  # noqa: F401  isort: skip
from portal.web.public import inquiry, own_page, resuming, site  # noqa: F401  isort: skip

__all__ = ["blueprint"]
