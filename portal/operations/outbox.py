"""Delivering the outbox: claim, send outside any transaction, mark. At least once, never silently."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Row, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from portal import clock, settings
from portal.content.calls import CallDocument
from portal.content.schema import TRIAGE
from portal.database import db, transaction
from portal.gateways.letters import LetterFacts, write_letter
from portal.gateways.mailer import Envelope, LetterRefused, PostLine, PostUnavailable, open_post
from portal.models import Call, Draft, Letter, Submission
from portal.queries.calls import NoSuchCall
from portal.queries.cases import NoSuchCase
from portal.queries.editions import content
from portal.queries.outbox import list_file_names, list_letter_material, list_named_files
from portal.queries.process import find_process
from portal.queries.scope import leads, readable_by
from portal.rules.applications import Answers
from portal.rules.delivery import LEASE, MAX_ATTEMPTS, delay_after
from portal.rules.policy import Viewer
from portal.rules.references import access_code, draft_key

log = structlog.get_logger()

HIDDEN_CODE = "····-····-····"


@dataclass
class Tally:
    """What became of a batch of letters."""

    sent: int = 0
    postponed: int = 0
    failed: int = 0

    @property
    def any(self) -> bool:
        return bool(self.sent or self.postponed or self.failed)


def deliver_due(*, limit: int = 50) -> Tally:
    """Send the letters whose time has come, at most ``limit``; a letter that fails never stops the others."""
    claimed = _claim(limit)
    tally = Tally()
    if not claimed:
        return tally
    material = list_letter_material(claimed)
    db.session.commit()  # no transaction stays open while the mail server is talked to
    try:
        with open_post() as line:
            for row in material:
                _deliver(line, row, tally)
    except PostUnavailable as error:
        for row in material:
            _postpone(row.Letter, str(error), tally)
    return tally


def retry_letter(viewer: Viewer, *, reference: str, letter_id: int) -> None:
    """Send a failed letter again, now, with a full set of attempts.

    Raises:
        NoSuchCase: the letter or its case is not the viewer's to see, or it has not failed.
    """
    mine = select(Submission.id).where(Submission.reference == reference, readable_by(viewer))
    with transaction() as connection:
        done = connection.execute(
            update(Letter)
            .where(Letter.id == letter_id, Letter.status == "failed", Letter.submission_id.in_(mine))
            .values(**_anew())
        )
    if done.rowcount == 0:
        raise NoSuchCase


def retry_call_letter(viewer: Viewer, *, slug: str, letter_id: int) -> None:
    """Send a failed letter about a call or one of its drafts again, as ``retry_letter`` does one about a case.

    Raises:
        NoSuchCall: the call is not the viewer's to keep, the letter is not about it, or it has not failed.
    """
    mine = select(Call.id).where(Call.slug == slug, leads(viewer))
    about = or_(Letter.call_id.in_(mine), Letter.draft_id.in_(select(Draft.id).where(Draft.call_id.in_(mine))))
    with transaction() as connection:
        done = connection.execute(
            update(Letter)
            .where(Letter.id == letter_id, Letter.status == "failed", Letter.submission_id.is_(None), about)
            .values(**_anew())
        )
    if done.rowcount == 0:
        raise NoSuchCall


def _anew() -> dict[str, Any]:
    return {"status": "waiting", "attempts": 0, "next_attempt_at": clock.now(), "error": None}


def facts_of_reply(case: Any, *, body: str, actor: str) -> LetterFacts:
    """What a reply's letter would say, for the preview: all of it but the access code, which stays the sender's."""
    facts = _facts(case, body=body, actor=actor, code=HIDDEN_CODE)
    process = find_process(case.id) if case.kind == "internship" else None
    if process is None:
        return facts
    return replace(
        facts, address_as=process.answers.address_as, call=process.call.document, call_slug=process.call.slug
    )


def _facts(case: Any, *, body: str, actor: str, code: str, receipt: bool = False) -> LetterFacts:
    return LetterFacts(
        reference=case.reference,
        # A receipt says what was sent and where it went, also when the case has moved before it is written.
        topic=case.routed_topic if receipt else case.topic,
        holder=case.routed_holder if receipt else case.holder,
        received_at=case.received_at,
        sender_name=case.sender_name,
        subject=case.subject,
        message=case.message,
        file_names=list_file_names(case.id),
        code=code,
        body=body,
        actor=actor,
    )


def _facts_of_case(row: Row[*tuple[Any, ...]]) -> LetterFacts:
    facts = _facts(
        row.Submission,
        body=row.Event.body or "",
        actor=row.Event.actor,
        code=access_code(settings.current().secret_bytes, row.Submission.token),
        receipt=row.Letter.kind in ("inquiry_received", "application_received"),
    )
    if row.Application is None:
        return facts
    answers = Answers.from_data(row.Application.answers)
    documents = tuple(list_named_files(row.Submission.id))
    there = {kind for kind, _name in documents}
    document = CallDocument.model_validate(row.Call.document)
    return replace(
        facts,
        data=row.Event.data,
        address_as=answers.address_as,
        answers=answers,
        documents=documents,
        missing_documents=tuple(kind for kind in document.required_documents if kind not in there),
        documents_due_at=row.Application.documents_due_at,
        **_about_call(row),
    )


def _facts_of_draft(row: Row[*tuple[Any, ...]]) -> LetterFacts:
    """Of a letter about a draft, or to the staff about a call: there is no case yet, or not one."""
    draft: Draft | None = row.Draft
    answers = Answers.from_data(draft.answers) if draft else Answers()
    return LetterFacts(
        reference="",
        topic=TRIAGE,
        holder=TRIAGE,
        received_at=draft.created_at if draft else row.Letter.created_at,
        sender_name=answers.name,
        subject="",
        message="",
        file_names=(),
        code="",
        address_as=answers.address_as,
        draft_key=draft_key(settings.current().secret_bytes, draft.token) if draft else "",
        expires_at=draft.expires_at if draft else None,
        **_about_call(row),
    )


def _about_call(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    call: Call | None = row.Call
    if call is None:
        return {}
    return {
        "call": CallDocument.model_validate(call.document),
        "call_slug": call.slug,
        "closes_at": call.extended_to or call.closes_at,
    }


def _claim(limit: int) -> list[int]:
    """Take due letters and those whose worker died; on SQLite the one writer stands for the row locks."""
    now = clock.now()
    due = (
        select(Letter.id)
        .where(
            Letter.status.in_(("waiting", "sending")),
            Letter.next_attempt_at <= now,
            or_(Letter.lease_until.is_(None), Letter.lease_until < now),
        )
        .order_by(Letter.next_attempt_at)
        .limit(limit)
    )
    nothing = db.session.scalar(due.limit(1)) is None
    db.session.commit()
    if nothing:
        return []
    with transaction() as connection:
        return list(
            connection.scalars(
                update(Letter)
                .where(Letter.id.in_(due.with_for_update(skip_locked=True)))
                .values(status="sending", attempts=Letter.attempts + 1, lease_until=now + LEASE)
                .returning(Letter.id)
            )
        )


def _deliver(line: PostLine, row: Row[*tuple[Any, ...]], tally: Tally) -> None:
    letter: Letter = row.Letter
    if not _still_ours(letter):
        return
    if letter.attempts > MAX_ATTEMPTS:
        _fail(letter, "the sending was cut off every time", tally)
        return
    try:
        _send(line, row)
    except PostUnavailable as error:
        _postpone(letter, str(error), tally)
    except LetterRefused as error:
        _fail(letter, str(error), tally)
    except SQLAlchemyError:  # this says nothing about the letter: its lease runs out, and it is tried again
        raise
    except Exception as error:  # a letter that cannot be written must not stop the others
        log.exception("letter_not_written", letter=letter.id, kind=letter.kind)
        _fail(letter, f"{type(error).__name__}: the letter cannot be written", tally)
    else:
        _mark(letter, status="sent", sent_at=clock.now(), error=None)
        tally.sent += 1


def _still_ours(letter: Letter) -> bool:
    """Whether the claim holds. A batch that goes slowly renews it: else another worker would send the letter too."""
    now = clock.now()
    if letter.lease_until is not None and now < letter.lease_until - LEASE / 2:
        return True
    with transaction() as connection:
        renewed = connection.execute(
            update(Letter)
            .where(Letter.id == letter.id, Letter.status == "sending", Letter.attempts == letter.attempts)
            .values(lease_until=now + LEASE)
        )
    return renewed.rowcount == 1


def _send(line: PostLine, row: Row[*tuple[Any, ...]]) -> None:
    letter: Letter = row.Letter
    edition = content()
    facts = _facts_of_draft(row) if row.Submission is None else _facts_of_case(row)
    db.session.commit()
    organisation = edition.organisation
    # The installation may have stopped speaking a language since the letter was put into the outbox.
    language = letter.language if letter.language in organisation.languages else organisation.default_language
    written = write_letter(letter.kind, language, facts, edition)
    envelope = Envelope(letter.recipient, organisation.name[language], letter.message_id, language)
    line.post(written, envelope)


def _postpone(letter: Letter, reason: str, tally: Tally) -> None:
    delay = delay_after(letter.attempts)
    if delay is None:
        _fail(letter, reason, tally)
        return
    log.warning("letter_postponed", letter=letter.id, kind=letter.kind, attempts=letter.attempts)
    _mark(letter, status="waiting", next_attempt_at=clock.now() + delay, error=reason)
    tally.postponed += 1


def _fail(letter: Letter, reason: str, tally: Tally) -> None:
    log.error("letter_failed", letter=letter.id, kind=letter.kind, attempts=letter.attempts)
    _mark(letter, status="failed", error=reason)
    tally.failed += 1


def _mark(letter: Letter, **values: str | datetime | None) -> None:
    """Write down how a letter fared, unless its lease ran out and another worker has it."""
    with transaction() as connection:
        connection.execute(
            update(Letter)
            .where(Letter.id == letter.id, Letter.status == "sending", Letter.attempts == letter.attempts)
            .values(lease_until=None, **values)
        )
