"""What the pages on which a lead asks something of an applicant share."""

from collections.abc import Callable
from typing import Any

import structlog
from flask import abort, redirect, url_for
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from portal.database import db
from portal.i18n import gettext
from portal.operations.corrections import NothingAsked, NotInReview, RequestStands, UnknownField
from portal.operations.door import CaseChanged
from portal.operations.interviews import NoInvitation
from portal.queries.cases import NoSuchCase
from portal.queries.editions import content
from portal.queries.led_cases import LedCase, get_led_case
from portal.rules.states import NotPossible
from portal.web.rendering import moment_text
from portal.web.security.doors import viewer
from portal.web.workspace.cases import known_reference
from portal.web.workspace.forms import CaseForm

log = structlog.get_logger()

Problem = tuple[str, int]


def led_case(reference: str) -> LedCase:
    """The application of an address, if the viewer decides about it; else there is no such page."""
    try:
        return get_led_case(viewer(), known_reference(reference))
    except NoSuchCase:
        abort(404)


def attempt(act: Callable[[], None]) -> Problem | None:
    """Do it; else why not, in words, and the status that goes with it."""
    try:
        act()
    except NoSuchCase:
        abort(404)
    except CaseChanged as first:
        said = gettext(
            "%(actor)s did something with this application on %(moment)s, while you had this page open. Nothing was "
            "sent. See how it stands now, then press the button again.",
            actor=first.actor,
            moment=moment_text(first.at),
        )
        return said, 409
    except (NotPossible, NotInReview):
        return gettext("The review of this application is over, so nothing can be asked. Nothing was sent."), 409
    except RequestStands:
        return gettext("The applicant has been asked already. Nothing was sent."), 409
    except (NothingAsked, NoInvitation):
        return gettext("There is nothing to take back any more. Nothing was changed."), 409
    except UnknownField:
        return gettext("An answer that you chose is not part of this application. Nothing was sent."), 422
    except SQLAlchemyError as error:
        log.error("act_not_stored", error=type(error).__name__)
        db.session.rollback()
        return gettext("This could not be stored just now. Nothing was sent. Try again in a few minutes."), 503
    return None


def rebind(form: CaseForm, problem: Problem, found: LedCase) -> None:
    """Tie a form that came back to the application as it is shown now, once it was told what happened."""
    if problem[1] == 409:
        form.bind(found.row.version)


def back_to_application(reference: str) -> AnyResponse:
    """To the application's page."""
    return redirect(url_for("workspace.application", reference=reference), 303)


def language_of(row: Any) -> str:
    """The language in which the applicant is written to."""
    organisation = content().organisation
    return row.language if row.language in organisation.languages else organisation.default_language
