"""The managers' workspace: inbox, case, absences, and what is asked of applicants."""

from portal.web.workspace.routes import blueprint

# Importing a module of views registers them.
from portal.web.workspace import absences, acts, cases, correction, inbox, interview, late  # noqa: F401  isort: skip

__all__ = ["blueprint"]
