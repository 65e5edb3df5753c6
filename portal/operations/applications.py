"""Receiving an internship application, and what its applicant does with it afterwards."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Connection

from portal import clock
from portal.content.calls import CallDocument, said
from portal.content.schema import TRIAGE, Content
from portal.database import db
from portal.models import Application, Call, Correction, Draft, Interview, Letter, Submission
from portal.operations.door import Change, known_act, write_change
from portal.operations.receiving import Also, Received, SubmissionCommand, receive
from portal.operations.reserves import end_decisions
from portal.queries.cases import COLUMNS
from portal.queries.directory import get_directory
from portal.queries.earlier import can_be_replaced
from portal.queries.editions import get_live_edition
from portal.rules.applications import ENDED, Answers, Stage
from portal.rules.calls import DOCUMENTS_GRACE, Times, phase
from portal.rules.routing import route
from portal.rules.uploads import StagedFile


class CallClosed(Exception):
    """The call does not take applications now."""


class EarlierStays(Exception):
    """The earlier application is being decided about, or has an interview: nothing takes its place any more."""


@dataclass(frozen=True)
class ApplicationCommand:
    """An application as a person sent it. ``token`` names this one sending.

    ``replaces`` is the id of the applicant's earlier submission to the same call, which this one takes the place
    of; ``keeps`` is one that stays beside it. ``late_at`` is when it came after closing; a manager admitted it.
    """

    token: str
    language: str
    call_id: int
    answers: Answers
    files: tuple[StagedFile, ...] = ()
    draft_id: int | None = None
    replaces: int | None = None
    keeps: int | None = None
    late_at: datetime | None = None
    wants_receipt: bool = True


def receive_application(
    *, command: ApplicationCommand, also: Also = lambda _connection, _submission_id: None
) -> Received:
    """Store, route and acknowledge an application; the receipt and the notice are in the same commit.

    A repeated sending is answered with the first one's reference. The draft it came from is deleted.

    Args:
        command: what was sent.
        also: writes rows of another use case, or refuses by raising, before the draft goes.

    Raises:
        CallClosed: the call is not open at this moment.
        EarlierStays: the one that it should replace can't be replaced any more.
        UnknownTopic: the topic is not in the edition in force.
        AlreadySent: the sending is known and its text differs.
    """
    call = db.session.get(Call, command.call_id, populate_existing=True)
    if call is None:
        raise CallClosed
    document = CallDocument.model_validate(call.document)
    edition = get_live_edition()
    topic = topic_of(command.answers, document, edition.content)

    def store(connection: Connection, submission_id: int) -> None:
        _check_open(connection, command)
        also(connection, submission_id)
        connection.execute(insert(Application).values(_application_values(command, document, submission_id)))
        if command.replaces is not None:
            _replace(connection, command.replaces, command.token)
        if command.draft_id is not None:
            delete_draft(connection, command.draft_id)

    return receive(
        command=_as_submission(command, document, topic, edition.content),
        edition=edition,
        decision=route(edition.content, topic=topic, absent=get_directory().absent),
        receipt="application_received",
        notice="application_assigned",
        also=store,
    )


def topic_of(answers: Answers, document: CallDocument, content: Content) -> str:
    """The topic that routes an application: the applicant's, else the call's first, else triage."""
    known = (slug for slug in (answers.topic, *document.topics) if slug in content.topic_by_slug)
    return next(known, TRIAGE)


def missing_documents(document: CallDocument, files: tuple[StagedFile, ...]) -> list[str]:
    """Required documents that have not come yet, in the order of the call."""
    there = {file.purpose for file in files}
    return [kind for kind in document.required_documents if kind not in there]


def delete_draft(connection: Connection, draft_id: int) -> None:
    """Delete a draft with the letters about it, inside the transaction of another operation."""
    connection.execute(delete(Letter).where(Letter.draft_id == draft_id))
    connection.execute(delete(Draft).where(Draft.id == draft_id))


def _check_open(connection: Connection, command: ApplicationCommand) -> None:
    call = connection.execute(
        select(Call.status, Call.opens_at, Call.closes_at, Call.extended_to).where(Call.id == command.call_id)
    ).one()
    now = phase(Times(call.status, call.opens_at, call.closes_at, call.extended_to), clock.now())
    if now != "open" and not (command.late_at and now == "closed"):
        raise CallClosed


def _application_values(command: ApplicationCommand, document: CallDocument, submission_id: int) -> dict[str, object]:
    incomplete = bool(missing_documents(document, command.files))
    return {
        "submission_id": submission_id,
        "call_id": command.call_id,
        "stage": "received",
        "answers": command.answers.as_data(),
        "email_key": command.answers.email.lower(),
        "replaces_id": command.replaces or command.keeps,
        "documents_due_at": clock.now() + DOCUMENTS_GRACE if incomplete else None,
        "late": command.late_at is not None,
    }


def _replace(connection: Connection, earlier_id: int, token: str) -> None:
    row = connection.execute(
        select(*COLUMNS, Application.stage, Application.call_id)
        .join(Application, Application.submission_id == Submission.id)
        .where(Submission.id == earlier_id)
        .with_for_update()
    ).one_or_none()
    if row is None or row.stage in ENDED or known_act(connection, earlier_id, token) is not None:
        return
    # Whoever lets decisions go holds the call: what is looked at below stays as it is until we are done.
    connection.execute(select(Call.id).where(Call.id == row.call_id).with_for_update())
    replaceable = select(Application.submission_id).where(Application.submission_id == earlier_id, can_be_replaced())
    if connection.scalar(replaceable) is None:
        raise EarlierStays
    write_change(connection, row, Change("settle", "replaced"), actor=row.sender_name, account_id=None, token=token)
    set_stage(connection, earlier_id, "replaced")
    end_decisions(connection, earlier_id, clock.now())


def set_stage(connection: Connection, submission_id: int, stage: Stage) -> None:
    """Note where the review of an application stands, inside the transaction that decided it."""
    connection.execute(update(Application).where(Application.submission_id == submission_id).values(stage=stage))


def close_requests(connection: Connection, submission_id: int, at: datetime) -> None:
    """Nothing more is asked of the applicant: an open correction and a standing interview are cancelled.

    Inside the transaction of another operation.
    """
    connection.execute(
        update(Correction)
        .where(
            Correction.submission_id == submission_id,
            Correction.answered_at.is_(None),
            Correction.cancelled_at.is_(None),
        )
        .values(cancelled_at=at)
    )
    connection.execute(
        update(Interview)
        .where(Interview.submission_id == submission_id, Interview.cancelled_at.is_(None))
        .values(cancelled_at=at)
    )


def _as_submission(
    command: ApplicationCommand, document: CallDocument, topic: str, content: Content
) -> SubmissionCommand:
    answers = command.answers
    return SubmissionCommand(
        token=command.token,
        language=answers.contact_language or command.language,
        topic=topic,
        subject=said(document.title, content.organisation.default_language),
        message=answers.motivation,
        name=answers.name,
        email=answers.email,
        organisation=answers.institution,
        country=answers.country,
        files=command.files,
        wants_receipt=command.wants_receipt,
        kind="internship",
        data=_facts_of_arrival(command),
        arrived_at=command.late_at,
    )


def _facts_of_arrival(command: ApplicationCommand) -> dict[str, object]:
    """What the receipt says beside the answers."""
    data: dict[str, object] = {"late": True} if command.late_at else {}
    if command.replaces is not None:
        data["replaces"] = db.session.scalar(select(Submission.reference).where(Submission.id == command.replaces))
    return data
