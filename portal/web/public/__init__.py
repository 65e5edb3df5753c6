"""The public face: pages, the inquiry, its receipt, and the sender's own page, under ``/<lang>/``."""

from portal.web.public.routes import blueprint

# Importing a module of views registers them.
from portal.web.public import inquiry, offers, own_page, site  # noqa: F401  isort: skip

__all__ = ["blueprint"]
