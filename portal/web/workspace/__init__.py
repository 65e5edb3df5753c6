"""The managers' workspace: inbox, case, absences."""

from portal.web.workspace.routes import blueprint

# Importing a module of views registers them.
from portal.web.workspace import absences, acts, cases, decide, decisions, inbox  # noqa: F401  isort: skip

__all__ = ["blueprint"]
