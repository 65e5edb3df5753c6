"""The managers' workspace: inbox, case, absences, calls for interns."""

from portal.web.workspace.routes import blueprint

# Importing a module of views registers them.
from portal.web.workspace import absences, acts, cases, inbox  # noqa: F401  isort: skip
from portal.web.workspace import call_acts, call_editing, call_questions, calls  # noqa: F401  isort: skip

__all__ = ["blueprint"]
