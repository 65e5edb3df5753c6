"""The managers' workspace: inbox, case, calls, reviews, decisions, absences."""

from portal.web.workspace.routes import blueprint

# Importing a module of views registers them.
from portal.web.workspace import (  # noqa: F401  isort: skip
    absences,
    acts,
    application,
    call_acts,
    call_editing,
    call_questions,
    calls,
    cases,
    correction,
    decide,
    decisions,
    exports,
    inbox,
    interview,
    late,
    review_table,
    reviews,
)

__all__ = ["blueprint"]
