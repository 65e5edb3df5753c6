"""The step of documents: for each kind that the call asks for, what is there and what may still come.

A file that was taken in joins the draft at once, whatever else is wrong. Where nothing can be saved (a stale form, a
database out of order) it stays with the form under a seal, as in an inquiry.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, BinaryIO, cast

from werkzeug.datastructures import FileStorage
from wtforms import MultipleFileField

from portal.content.calls import CallDocument
from portal.i18n import gettext
from portal.operations.attachments import is_staged, stage_file
from portal.rules.documents import MAX_SENT_AT_FIRST
from portal.rules.uploads import AttachmentRejected, StagedFile, clean_name
from portal.web.public.apply_forms import StepForm
from portal.web.public.inquiry_form import seal, unseal
from portal.web.public.rejections import explain
from portal.web.vocabulary import document_name


def kinds_of(document: CallDocument) -> list[tuple[str, bool]]:
    """The kinds of documents that a call takes, each with whether it must come."""
    required = document.required_documents
    optional = [kind for kind in document.optional_documents if kind not in required]
    return [*((kind, True) for kind in required), *((kind, False) for kind in optional)]


class DocumentsForm(StepForm):
    """Files by kind, in fields ``file-<kind>``. ``files`` are the draft's and those that came now."""

    def __init__(self, *args: Any, files: Iterable[StagedFile] = (), **values: Any) -> None:
        super().__init__(*args, **values)
        self.files = list(files)
        self.unsaved: list[StagedFile] = []
        self._removed = ""
        self._refused: list[tuple[str, str]] = []

    def kinds(self) -> list[tuple[str, bool, Any]]:
        """Each kind with whether it must come, and its field."""
        return [(kind, required, self[f"file-{kind}"]) for kind, required in kinds_of(self.document)]

    def of_kind(self, kind: str) -> list[StagedFile]:
        """The files of a kind."""
        return [file for file in self.files if file.purpose == kind]

    def keep_files(self, *, kept: Iterable[str], removed: str) -> None:
        """Add what was taken in at an earlier try and could not be saved; leave out the one that is not wanted."""
        known = {kind for kind, _required in kinds_of(self.document)}
        there = {file.key for file in self.files}
        for file in filter(None, map(unseal, kept)):
            if file.purpose in known and file.key not in there and len(self.files) < MAX_SENT_AT_FIRST:
                if is_staged(file):
                    self._add(file)
                    there.add(file.key)
                else:
                    problem = gettext("“%(name)s” is no longer here. Choose it again.", name=file.name)
                    self._refused.append((file.purpose, problem))
        self._removed = removed
        self.files = [file for file in self.files if file.key != removed]
        self.unsaved = [file for file in self.unsaved if file.key != removed]

    def joined_to(self, files: Iterable[StagedFile]) -> list[StagedFile]:
        """The files of a draft with what came now, and without what was taken out."""
        there = [file for file in files if file.key != self._removed]
        keys = {file.key for file in there}
        return [*there, *(file for file in self.unsaved if file.key not in keys)][:MAX_SENT_AT_FIRST]

    def take_uploads(self) -> None:
        """Take in what was uploaded.

        Raises:
            StorageUnavailable, JudgeUnavailable: files cannot be taken in now.
        """
        for kind, _required, field in self.kinds():
            for upload in field.data or []:
                if isinstance(upload, FileStorage) and upload.filename:
                    self._take(kind, upload, upload.filename)

    def _take(self, kind: str, upload: FileStorage, filename: str) -> None:
        try:
            if len(self.files) >= MAX_SENT_AT_FIRST:
                raise AttachmentRejected("too_many")
            staged = stage_file(stream=cast(BinaryIO, upload.stream), filename=filename)
            self._add(replace(staged, purpose=kind))
        except AttachmentRejected as rejection:
            self._refused.append((kind, explain(rejection.reason, clean_name(filename), MAX_SENT_AT_FIRST)))

    def _add(self, file: StagedFile) -> None:
        self.files.append(file)
        self.unsaved.append(file)

    def validate(self, extra_validators: Any = None) -> bool:
        valid: bool = super().validate(extra_validators)
        for kind, problem in self._refused:
            field = self[f"file-{kind}"]
            field.errors = [*field.errors, problem]
        return valid and not self._refused

    def only_lacks(self) -> bool:
        return not self.errors

    def sealed(self) -> list[str]:
        """Files that are not saved yet, for the form to carry along."""
        return [seal(file) for file in self.unsaved]


def documents_form(document: CallDocument) -> type[DocumentsForm]:
    """The form with a field for each kind that the call takes."""
    fields = {f"file-{kind}": MultipleFileField(document_name(kind)) for kind, _required in kinds_of(document)}
    return type("CallDocumentsForm", (DocumentsForm,), fields)
