"""The form of an inquiry, and how typed text and uploaded files become a command."""

import re
import secrets
from collections.abc import Iterable
from dataclasses import asdict
from itertools import takewhile
from typing import Any, BinaryIO, cast

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.datastructures import FileStorage
from wtforms import HiddenField, MultipleFileField, SelectField, StringField, TextAreaField, ValidationError

from portal.content.schema import TRIAGE, Topic
from portal.i18n import gettext, language
from portal.i18n import lazy_gettext as lazy
from portal.operations.attachments import SEALED_FOR, is_staged, stage_file
from portal.operations.receiving import SubmissionCommand
from portal.queries.editions import content
from portal.rules.suggestion import WORTH_SHOWING, suggester
from portal.rules.text import normalise_newlines
from portal.rules.uploads import MAX_FILES, AttachmentRejected, StagedFile, clean_name
from portal.web.forms import Form
from portal.web.public.rejections import explain
from portal.web.validators import CountryCode, EmailAddress, MaxLength, Phone, Required, SingleLine, Storable

MESSAGE_LENGTH = 10_000
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,64}")


def new_token() -> str:
    """A name for one sending of a form."""
    return secrets.token_urlsafe(18)


def token_of(typed: str | None) -> str:
    """The name that a form brought back if it has the shape of ours, else a new one."""
    return typed if typed and _TOKEN.fullmatch(typed) else new_token()


class InquiryForm(Form):
    """An inquiry. Files that were taken in stay with the form (``staged``) when it is shown again."""

    topic = SelectField(lazy("Topic"), validate_choice=False)
    subject = StringField(lazy("Subject"), validators=[Required(), SingleLine(), MaxLength(150)])
    message = TextAreaField(
        lazy("Message"),
        filters=[lambda text: normalise_newlines(text or "")],
        validators=[Required(), Storable(), MaxLength(MESSAGE_LENGTH)],
    )
    name = StringField(lazy("Your name"), validators=[Required(), SingleLine(), MaxLength(100)])
    email = StringField(lazy("E-mail"), validators=[Required(), EmailAddress(), MaxLength(254)])
    organisation = StringField(lazy("Organisation"), validators=[SingleLine(), MaxLength(150)])
    telephone = StringField(lazy("Telephone"), validators=[Phone()])
    country = StringField(lazy("Country"), validators=[CountryCode()])
    files = MultipleFileField(lazy("Attachments"))
    token = HiddenField()

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.topic.choices = topic_choices()
        self.staged: list[StagedFile] = []
        self._file_errors: list[str] = []
        self.token.data = token_of(self.token.data)

    def validate_topic(self, field: SelectField) -> None:
        if not field.data:
            raise ValidationError(gettext("Choose a topic, or “I am not sure”."))
        if field.data != TRIAGE and field.data not in content().topic_by_slug:
            raise ValidationError(gettext("This topic is not in the list. Choose a topic, or “I am not sure”."))

    def pick(self, topic: str) -> None:
        """Take a topic that was suggested."""
        self.topic.data = topic

    def suggestions(self) -> list[tuple[Topic, tuple[str, ...]]]:
        """Topics that the text may be about, with the words that speak for each, for a sender who is not sure."""
        if self.topic.data != TRIAGE:
            return []
        return suggested_topics(f"{self.subject.data}\n{self.message.data}")

    def keep_files(self, *, kept: Iterable[str], removed: Iterable[str]) -> None:
        """Keep what was taken in at an earlier try.

        Args:
            kept: sealed names of files.
            removed: those of them that the person no longer wants.
        """
        unwanted = set(removed)
        files = {file.key: file for seal in kept if seal not in unwanted and (file := unseal(seal))}
        for file in list(files.values())[:MAX_FILES]:
            if is_staged(file):
                self.staged.append(file)
            else:
                self._file_errors.append(gettext("“%(name)s” is no longer here. Choose it again.", name=file.name))

    def take_uploads(self) -> None:
        """Take in what was uploaded.

        Raises:
            StorageUnavailable, JudgeUnavailable: files cannot be taken in now.
        """
        for upload in self.files.data or []:
            if isinstance(upload, FileStorage) and upload.filename:
                self._take(upload, upload.filename)

    def _take(self, upload: FileStorage, filename: str) -> None:
        try:
            if len(self.staged) >= MAX_FILES:
                raise AttachmentRejected("too_many")
            self.staged.append(stage_file(stream=cast(BinaryIO, upload.stream), filename=filename))
        except AttachmentRejected as rejection:
            self._file_errors.append(explain(rejection.reason, clean_name(filename)))

    def validate(self, extra_validators: Any = None) -> bool:
        valid: bool = super().validate(extra_validators)
        if self._file_errors:
            self.files.errors = [*self.files.errors, *self._file_errors]
            return False
        return valid

    def sealed(self) -> list[tuple[str, StagedFile]]:
        """The files taken in, each with the sealed name that the form carries along."""
        return [(seal(file), file) for file in self.staged]

    def to_command(self, *, wants_receipt: bool) -> SubmissionCommand:
        """The inquiry as it will be stored; the form must be valid."""
        return SubmissionCommand(
            token=self.token.data or "",
            language=language(),
            topic=self.topic.data,
            subject=self.subject.data or "",
            message=self.message.data or "",
            name=self.name.data or "",
            email=self.email.data or "",
            organisation=self.organisation.data or "",
            telephone=self.telephone.data or "",
            country=self.country.data or "",
            files=tuple(self.staged),
            wants_receipt=wants_receipt,
        )


def suggested_topics(text: str) -> list[tuple[Topic, tuple[str, ...]]]:
    """Topics worth showing to somebody who wrote ``text``, each with the words that speak for it."""
    edition = content()
    ranked = suggester(edition).suggest(text)
    nearer = takewhile(lambda found: found.topic != TRIAGE and found.score >= WORTH_SHOWING, ranked)
    return [(edition.topic_by_slug[found.topic], found.words) for found in nearer]


def topic_choices() -> list[tuple[str, str]]:
    """Topics in the order of the content, and 'I am not sure' last."""
    code = language()
    topics = [(topic.slug, topic.title[code]) for topic in content().topics]
    return [("", gettext("Choose a topic")), *topics, (TRIAGE, gettext("I am not sure"))]


def _seals() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="staged-file")


def seal(file: StagedFile) -> str:
    """What a form carries for a file that was taken in; only we can make it."""
    sealed = _seals().dumps(asdict(file))
    return sealed if isinstance(sealed, str) else sealed.decode()


def unseal(seal: str) -> StagedFile | None:
    """The file a seal stands for; a forged or old seal stands for none."""
    try:
        return StagedFile(**_seals().loads(seal, max_age=int(SEALED_FOR.total_seconds())))
    except (BadData, TypeError):
        return None
