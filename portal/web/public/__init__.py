"""The public face: pages, inquiries, internships and applications, and the sender's own page, under ``/<lang>/``."""

from portal.web.public.routes import blueprint

# Importing a module of views registers them.
from portal.web.public import (  # noqa: F401  isort: skip
    application_acts,
    apply,
    apply_send,
    correction,
    correction_words,
    inquiry,
    internships,
    offers,
    own_page,
    precheck,
    prefill,
    resuming,
    site,
)

__all__ = ["blueprint"]
