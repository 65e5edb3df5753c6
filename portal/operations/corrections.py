"""Asking an applicant to correct named answers, and taking the correction. Only what was named can change."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.engine import Connection

from portal import clock
from portal.content.calls import CallDocument
from portal.models import Application, Attachment, Call, Correction
from portal.operations.documents import keep_files, name_of_sending, settle_documents
from portal.operations.door import CaseRow, Change, Letters, SeenCase, act_as_sender, act_on_case, sender_of
from portal.operations.telling import told_about
from portal.queries.scope import led_by
from portal.rules.applications import IN_REVIEW
from portal.rules.corrections import DOCUMENT, answers_in, correctable, corrected, kinds_in, mirrored, value_of
from portal.rules.policy import Viewer
from portal.rules.uploads import StagedFile


class NotInReview(Exception):
    """The application is not in review (any more)."""


class RequestStands(Exception):
    """The applicant was asked for something already, and has not answered yet."""


class UnknownField(ValueError):
    """An application to this call has no such answer, or none was named."""


class NothingAsked(Exception):
    """No correction is asked for: it was answered, taken back, or never asked."""


class TooLate(Exception):
    """The deadline has passed."""


def ask_correction(viewer: Viewer, *, case: SeenCase, fields: Sequence[str], reason: str, due_at: datetime) -> None:
    """Ask the applicant to correct the named answers until ``due_at``; a letter says which and why.

    Raises:
        NoSuchCase: unknown, or to a call that the viewer does not keep.
        CaseChanged, NotPossible.
        NotInReview: the review is over.
        RequestStands: a correction is asked for already.
        UnknownField: a name is not among those of ``rules.corrections.correctable``.
    """

    def also(connection: Connection, row: CaseRow) -> None:
        application = _application(connection, row.id)
        known = correctable(CallDocument.model_validate(application.document))
        if not fields or not set(fields) <= set(known):
            raise UnknownField
        if _open_correction(connection, row.id) is not None:
            raise RequestStands
        connection.execute(
            insert(Correction).values(
                submission_id=row.id,
                fields=[name for name in known if name in fields],
                reason=reason,
                asked_at=clock.now(),
                asked_by=viewer.account_id,
                due_at=due_at,
                before={},
            )
        )

    change = Change(
        "ask",
        "correction_asked",
        body=reason,
        data={"fields": list(fields), "due_at": due_at.isoformat()},
        letters=lambda row: [("correction_requested", sender_of(row))],
        also=also,
    )
    act_on_case(viewer, case, change, within=led_by(viewer))


def cancel_correction(viewer: Viewer, *, case: SeenCase) -> None:
    """Take the request back: the applicant's page says so, and the application waits for the house again.

    Raises:
        NoSuchCase, CaseChanged, NotInReview; NothingAsked when there is no open request.
    """

    def also(connection: Connection, row: CaseRow) -> None:
        _application(connection, row.id)
        asked = _open_correction(connection, row.id)
        if asked is None:
            raise NothingAsked
        connection.execute(update(Correction).where(Correction.id == asked.id).values(cancelled_at=clock.now()))

    act_on_case(viewer, case, Change("respond", "correction_cancelled", also=also), within=led_by(viewer))


def answer_correction(
    *, submission_id: int, token: str, values: Mapping[str, Any], files: tuple[StagedFile, ...] = ()
) -> None:
    """Put the corrected answers in the place of the first ones, which the correction keeps; holder and lead are told.

    The columns of the submission that repeat an answer change with it. Files come in addition: a document that
    was received is never removed. The same sending repeated is done once.

    Args:
        submission_id: the applicant's own.
        token: names this sending.
        values: by name, as ``Answers.as_data`` has them.
        files: documents with their purpose.

    Raises:
        NoSuchCase: it is gone.
        NothingAsked: no correction is asked for.
        TooLate: the deadline has passed.
        UnknownField: it was not asked for.
        TooManyDocuments.
    """
    names = [*values, *(f"{DOCUMENT}{file.purpose}" for file in files)]
    told: Letters = []  # grows in `also`, which alone can see whether all documents are there now

    def letters(row: CaseRow) -> Letters:
        told.extend(told_about(row))
        return told

    def also(connection: Connection, row: CaseRow) -> None:
        application = _application(connection, row.id, missing=NothingAsked)
        asked = _open_correction(connection, row.id)
        now = clock.now()
        if asked is None:
            raise NothingAsked
        if now > asked.due_at:
            raise TooLate
        if not set(names) <= set(asked.fields):
            raise UnknownField
        answers = corrected(application.answers, values)
        connection.execute(
            update(Application)
            .where(Application.submission_id == row.id)
            .values(answers=answers, email_key=str(answers["email"]).lower())
        )
        before = _before(connection, row.id, application.answers, asked.fields)
        connection.execute(update(Correction).where(Correction.id == asked.id).values(answered_at=now, before=before))
        keep_files(connection, row.id, files)
        if application.documents_due_at is not None and settle_documents(
            connection, row.id, CallDocument.model_validate(application.document)
        ):
            told.append(("documents_received", sender_of(row)))

    change = Change(
        "respond",
        "corrected",
        data={"fields": names},
        fields=lambda _row: mirrored(values),
        letters=letters,
        also=also,
    )
    act_as_sender(submission_id, name_of_sending(token, dict(values), files), change)


def _application(
    connection: Connection, submission_id: int, *, missing: type[Exception] = NotInReview
) -> Row[*tuple[Any, ...]]:
    """The application while it is in review.

    Raises:
        missing: it is not.
    """
    row = connection.execute(
        select(Application.stage, Application.answers, Application.documents_due_at, Call.document)
        .join(Call, Call.id == Application.call_id)
        .where(Application.submission_id == submission_id)
    ).one_or_none()
    if row is None or row.stage not in IN_REVIEW:
        raise missing
    return row


def _open_correction(connection: Connection, submission_id: int) -> Row[*tuple[Any, ...]] | None:
    return connection.execute(
        select(Correction.id, Correction.fields, Correction.due_at).where(
            Correction.submission_id == submission_id,
            Correction.answered_at.is_(None),
            Correction.cancelled_at.is_(None),
        )
    ).one_or_none()


def _before(
    connection: Connection, submission_id: int, answers: Mapping[str, Any], fields: Sequence[str]
) -> dict[str, Any]:
    """What stood there: answers by name, and of documents the ids of the files that were there."""
    before = {name: value_of(answers, name) for name in answers_in(fields)}
    for kind in kinds_in(fields):
        before[f"{DOCUMENT}{kind}"] = list(
            connection.scalars(
                select(Attachment.id)
                .where(Attachment.submission_id == submission_id, Attachment.purpose == kind)
                .order_by(Attachment.id)
            )
        )
    return before
