"""The managers' workspace: inbox, case, absences, and what is asked of applicants."""

from portal.web.workspace.routes import blueprint

# Importing a module of views registers them.
from portal.web.workspace import (  # noqa: F401  isort: skip
    absences,
    acts,
    cases,
    correction,
    exports,
    inbox,
    interview,
    late,
)

__all__ = ["blueprint"]
