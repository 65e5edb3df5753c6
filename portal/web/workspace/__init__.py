"""The managers' workspace: inbox, case, absences, reviews."""

from portal.web.workspace.routes import blueprint

# Importing a module of views registers them.
from portal.web.workspace import absences, acts, application, cases, inbox, review_table, reviews  # noqa: F401  isort: skip

__all__ = ["blueprint"]
