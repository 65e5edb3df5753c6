"""The form of a correction: the fields of the application's steps, but only those that were asked for."""

from collections.abc import Iterable, Iterator
from typing import Any

from wtforms import Field, HiddenField

from portal.content.calls import CallDocument
from portal.i18n import gettext
from portal.models import Correction
from portal.queries.process import Process
from portal.rules.applications import MAX_LANGUAGES
from portal.rules.corrections import QUESTION, answers_in, kinds_in, value_of
from portal.rules.uploads import StagedFile
from portal.web.forms import Form
from portal.web.public.apply_documents import DocumentsForm, documents_form
from portal.web.public.apply_forms import InternshipForm, SkillsForm, StepForm, form_of_step

_STEPS = ("you", "studies", "internship", "skills", "motivation")


class CorrectionForm(Form):
    """What names the sending: its token, the application and the correction that it answers."""

    token = HiddenField()
    case = HiddenField()
    correction = HiddenField()


class Reopened:
    """The reopened answers and documents of an application, as they were sent or as they are typed now.

    Each step's own form judges its fields, so that a correction is held to what the application was. Fields that
    were not asked for keep what was sent, whatever a request says.
    """

    def __init__(self, process: Process, correction: Correction, *, typed: bool, more: bool = False) -> None:
        document = process.call.document
        names = answers_in(correction.fields)
        self._process = process
        self._more = more
        self._steps = [
            (form, fields)
            for step in _STEPS
            if (fields := _names_in_form(form_of_step(step, document), names, document))
            for form in [_step_form(form_of_step(step, document), process, fields, typed=typed)]
        ]
        self._names = names
        kinds = kinds_in(correction.fields)
        self.documents = _documents(document, kinds, typed=typed) if kinds else None

    def rows(self) -> Iterator[tuple[Field, ...]]:
        """The fields to show, in the order of the application; a language and its level share a row."""
        for form, names in self._steps:
            if isinstance(form, SkillsForm) and "language_1" in names:
                yield from form.pairs()[: form.shown(more=self._more)]
            yield from ((form[name],) for name in names if not _is_of_languages(name))
        if self.documents is not None:
            yield from ((field,) for _kind, _required, field in self.documents.kinds())

    def fields(self) -> Iterator[Field]:
        """The same one by one."""
        for row in self.rows():
            yield from row

    @property
    def last_language(self) -> int:
        """How many rows of languages are shown; 0 when they were not asked for."""
        return sum(len(row) == 2 for row in self.rows())

    @property
    def documents_may_stay(self) -> bool:
        """Whether a document that was named may be left as it is, because answers were named, too."""
        return bool(self._names)

    def take_files(self, *, kept: Iterable[str], removed: str) -> None:
        """Take in what was uploaded, beside what was taken in at an earlier try.

        Raises:
            StorageUnavailable, JudgeUnavailable: files cannot be taken in now.
        """
        if self.documents is not None:
            self.documents.keep_files(kept=kept, removed=removed)
            self.documents.take_uploads()

    def validate(self) -> bool:
        """Judge what was asked for; what was not is left alone.

        Documents alone need a file each; beside answers, whoever sends none keeps what was sent.
        """
        for form, names in self._steps:
            form.validate()
            _move_errors(form, names)
        if self.documents is not None and self.documents.validate() and not self.documents_may_stay:
            for kind, _required, field in self.documents.kinds():
                if not self.documents.of_kind(kind):
                    field.errors = [gettext("Choose a file for “%(name)s”.", name=field.label.text)]
        return not any(field.errors for field in self.fields())

    def errors(self) -> list[tuple[str, str]]:
        """What has to be mended: pairs of a field's id and a sentence."""
        return [
            (f"{field.id}-0" if field.type == "RadioField" else field.id, str(field.errors[0]))
            for field in self.fields()
            if field.errors
        ]

    def values(self) -> dict[str, Any]:
        """The answers by name, as they are stored; the form must be valid."""
        answers = self._process.answers
        for form, _names in self._steps:
            answers = form.applied_to(answers)
        data = answers.as_data()
        return {name: value_of(data, name) for name in self._names}

    def files(self) -> tuple[StagedFile, ...]:
        """The files that were taken in, each with its purpose."""
        return tuple(self.documents.unsaved) if self.documents is not None else ()

    def drop_unstorable(self) -> None:
        """Make what was typed fit to be shown again."""
        for form, _names in self._steps:
            form.drop_unstorable()

    def typed(self) -> list[str]:
        """Every text that a person typed, to be given back when it cannot be kept."""
        asked = {field.name for field in self.fields()}
        return [
            form[name].data
            for form, names in self._steps
            for name in names
            if name in asked and form[name].type in ("StringField", "TextAreaField") and form[name].data
        ]


def _names_in_form(made: type[StepForm], names: Iterable[str], document: CallDocument) -> list[str]:
    """The fields of a step's form that belong to the asked names."""
    own = {f"{QUESTION}{question.key}": f"q-{question.key}" for question in document.questions}
    found = []
    for name in names:
        if name == "languages" and issubclass(made, SkillsForm):
            found += [field for row in range(1, MAX_LANGUAGES + 1) for field in (f"language_{row}", f"level_{row}")]
        elif name in made.names:
            found.append(name)
        elif name in own and hasattr(made, own[name]):
            found.append(own[name])
    return found


def _move_errors(form: StepForm, names: list[str]) -> None:
    """Two dates and the weeks between them judge each other: what one asked day breaks is said at an asked field."""
    if not isinstance(form, InternshipForm):
        return
    start, end = form.available_from.data, form.available_to.data
    # That the end has passed since it was sent is no fault of another answer.
    broken = "available_to" if start and end and end < start else "weeks"
    asked = next((name for name in ("available_from", "available_to", "weeks") if name in names), None)
    if asked is not None and broken not in names and form[broken].errors and not form[asked].errors:
        form[asked].errors = form[broken].errors


def _is_of_languages(name: str) -> bool:
    """Whether a field belongs to a row of languages."""
    return name.startswith(("language_", "level_"))


def _step_form(made: type[StepForm], process: Process, names: list[str], *, typed: bool) -> StepForm:
    values = made.values_of(process.answers, process.call.document)
    source: dict[str, Any] = {} if typed else {"formdata": None}
    form = made(document=process.call.document, data=values, meta={"csrf": False}, **source)
    if typed:
        for field in form:
            if field.name not in names:
                field.process(None, values.get(field.name))
                field.raw_data = None
    return form


def _documents(document: CallDocument, kinds: Iterable[str], *, typed: bool) -> DocumentsForm:
    asked = document.model_copy(update={"required_documents": tuple(kinds), "optional_documents": ()})
    source: dict[str, Any] = {} if typed else {"formdata": None}
    return documents_form(asked)(document=asked, meta={"csrf": False}, **source)
