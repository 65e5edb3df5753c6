"""Which documents of an application may still come. Pure.

Nobody is thrown out by software for a document that did not come: after the deadline a person decides.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from portal.content.calls import CallDocument, DocumentKind
from portal.rules.applications import IN_REVIEW, Stage

MAX_SENT_AT_FIRST = 10
"""How many files an application may carry when it is sent, of all kinds together."""

MAX_DOCUMENTS = 20
"""How many files an application may have in all, with those that come later."""


@dataclass(frozen=True)
class OpenDocuments:
    """Kinds of documents that may come now: required ones that are missing, and others."""

    required: tuple[DocumentKind, ...]
    optional: tuple[DocumentKind, ...]

    @property
    def all(self) -> tuple[DocumentKind, ...]:
        """Both, the required ones first."""
        return (*self.required, *self.optional)


def missing(document: CallDocument, there: Collection[str]) -> tuple[DocumentKind, ...]:
    """Required kinds of which there is no document yet, in the order of the call."""
    return tuple(kind for kind in document.required_documents if kind not in there)


def open_documents(
    document: CallDocument, there: Collection[str], *, stage: Stage, due_at: datetime | None, now: datetime
) -> OpenDocuments:
    """What may come: required documents until ``due_at``, others for as long as the application is in review."""
    if stage not in IN_REVIEW:
        return OpenDocuments((), ())
    in_time = due_at is not None and now <= due_at
    return OpenDocuments(missing(document, there) if in_time else (), document.optional_documents)
