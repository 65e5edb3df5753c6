"""Taking a file in before its submission, and sweeping away what never got one."""

from datetime import timedelta
from typing import BinaryIO

from flask import current_app
from sqlalchemy import select

from portal import clock
from portal.database import db
from portal.gateways.judge import judge
from portal.gateways.storage import BadKey, Files, StorageUnavailable
from portal.models import Attachment, Draft
from portal.rules.uploads import MAX_BYTES, StagedFile, clean_name, kind_of

SEALED_FOR = timedelta(hours=24)
"""How long a form that was shown with a file may be completed."""

STAGED_FOR = timedelta(hours=48)
"""How long a file waits for its form; longer than any seal on it that was made in the first day."""

UNFINISHED_FOR = timedelta(hours=1)
"""How long a file may be half written before whoever wrote it is taken for dead."""


def stage_file(*, stream: BinaryIO, filename: str) -> StagedFile:
    """Store a file durably and have it judged; a rejected one leaves nothing behind.

    Raises:
        AttachmentRejected: its type, size or content is not allowed; the reason says which.
        StorageUnavailable, JudgeUnavailable: it cannot be taken in now.
    """
    kind = kind_of(filename)
    files = file_store()
    stored = files.save(stream, MAX_BYTES)
    try:
        judge(files.path(stored.key), kind)
    except BaseException:
        files.delete(stored.key)
        raise
    return StagedFile(stored.key, clean_name(filename), kind.mime, stored.size, stored.sha256)


def is_staged(file: StagedFile) -> bool:
    """Whether a file that was taken in is still there."""
    try:
        return file_store().path(file.key).is_file()
    except (StorageUnavailable, BadKey):
        return False


def sweep_files() -> int:
    """Delete files that no submission and no draft has, once their waiting time is over; returns how many."""
    files = file_store()
    files.remove_unfinished(clock.now() - UNFINISHED_FOR)
    swept = 0
    # Drafts first: a file that moves from its draft to a submission meanwhile is found in one of them.
    drafted = {file["key"] for kept in db.session.scalars(select(Draft.files)) for file in kept}
    for key in files.keys_older_than(clock.now() - STAGED_FOR):
        if key not in drafted and db.session.scalar(select(Attachment.id).where(Attachment.key == key)) is None:
            files.delete(key)
            swept += 1
    db.session.commit()
    return swept


def file_store() -> Files:
    """The installation's file store."""
    store: Files = current_app.extensions["yhteys.files"]
    return store
