"""The form that fills in an application from a CV file: what was found travels in it under a seal.

Nothing is stored before the applicant has said what to use, and of XML and JSON nothing ever but that.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, BinaryIO, cast

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.datastructures import FileStorage
from wtforms import FileField, HiddenField

from portal import i18n
from portal.gateways.cvs import read_cv
from portal.i18n import SOURCE_LANGUAGE, gettext, language
from portal.i18n import lazy_gettext as lazy
from portal.operations.attachments import SEALED_FOR, is_staged, stage_file
from portal.queries.drafts import StoredDraft
from portal.rules.applications import Answers
from portal.rules.profiles import CV_KINDS, CvKind, CvReason, CvRefused, Profile, proposals
from portal.rules.uploads import AttachmentRejected, StagedFile, clean_name
from portal.web.forms import Form
from portal.web.public.inquiry_form import new_token
from portal.web.public.rejections import explain
from portal.web.validators import plain_address
from portal.web.vocabulary import CEFR_LEVELS, FIELDS, STUDY_LEVELS, STUDY_STAGES, name_of

ACCEPT = ",".join(f".{kind}" for kind in CV_KINDS)


@dataclass(frozen=True)
class Found:
    """What was found in a file. ``file`` is the PDF, if it can be the CV; ``name`` is what the file was called.

    ``version`` is that of the draft beside which it was shown; ``token`` will name the draft if there was none.
    """

    name: str
    profile: Profile
    file: StagedFile | None
    version: int | None
    token: str

    def beside(self, draft: StoredDraft | None) -> "Found":
        """The same, shown beside the draft as it is now."""
        return replace(self, version=draft.version if draft is not None else None)

    def sealed(self) -> str:
        """What the form carries; only we can make it."""
        sealed = _seals().dumps(asdict(self))
        return sealed if isinstance(sealed, str) else sealed.decode()

    @classmethod
    def unsealed(cls, seal: str) -> "Found | None":
        """What a seal stands for; a forged or old one stands for nothing. A file that has gone is left out."""
        try:
            data = _seals().loads(seal, max_age=int(SEALED_FOR.total_seconds()))
            file = StagedFile(**data["file"]) if data["file"] else None
            return cls(
                name=data["name"],
                profile=Profile.from_data(data["profile"]),
                file=file if file is not None and is_staged(file) else None,
                version=data["version"],
                token=data["token"],
            )
        except (BadData, KeyError, TypeError, ValueError):
            return None


@dataclass(frozen=True)
class Row:
    """A field in words: what the CV says, what the application has now, and whether it is ticked."""

    field: str
    label: str
    proposed: list[str]
    present: list[str]
    ticked: bool


class CvForm(Form):
    """A CV file to read; or, with ``seal``, what to use of one that was read."""

    cv = FileField(lazy("Your CV file"))
    seal = HiddenField()


def take_in(upload: FileStorage, *, as_document: bool, draft: StoredDraft | None) -> Found:
    """Read a CV; a PDF that may be one of the documents is kept as a file that waits for its form.

    Raises:
        CvRefused: with the reason; nothing is kept.
        StorageUnavailable, JudgeUnavailable, OSError: it cannot be read now.
    """
    name = clean_name(upload.filename or "")
    stream = cast(BinaryIO, upload.stream)
    kind = _kind_of(name)
    profile = _fitting(read_cv(stream, kind))
    file = None
    if kind == "pdf" and as_document:
        stream.seek(0)
        try:
            file = replace(stage_file(stream=stream, filename=name), purpose="cv")
        except AttachmentRejected as rejection:
            raise CvRefused(rejection.reason) from None
    return Found(name, profile, file, None, new_token()).beside(draft)


def rows_of(found: Found, answers: Answers, ticked: set[str] | None) -> list[Row]:
    """What could be taken over, in words. Unless the person has ``ticked`` already, what is empty is proposed."""
    return [
        Row(
            field=one.field,
            label=name_of(FIELDS, one.field),
            proposed=_shown(one.field, one.proposed),
            present=_shown(one.field, one.present),
            ticked=not one.present if ticked is None else one.field in ticked,
        )
        for one in proposals(found.profile, answers)
    ]


def explain_cv(reason: CvReason, name: str) -> str:
    """Why the file called ``name`` cannot be read, and what to do."""
    if reason == "unsafe_xml":
        return gettext(
            "“%(name)s” contains instructions that a CV does not need and that can be dangerous (a document type). "
            "Download your CV from Europass again.",
            name=name,
        )
    if reason == "unknown_format":
        return gettext(
            "“%(name)s” is neither a Europass CV nor a JSON Resume. Choose another file, or fill in the form yourself.",
            name=name,
        )
    if reason == "type_not_allowed":
        return gettext("“%(name)s” cannot be read here. Choose a file that ends in pdf, xml or json.", name=name)
    if reason == "too_complex":
        return gettext(
            "“%(name)s” is too large or too complicated inside to be read. Fill in the form yourself; "
            "you can attach your CV as a plain PDF.",
            name=name,
        )
    return explain(reason, name)


def _kind_of(name: str) -> CvKind:
    extension = name.rpartition(".")[2].lower()
    for kind in CV_KINDS:
        if kind == extension and "." in name:
            return kind
    raise CvRefused("type_not_allowed")


def _fitting(profile: Profile) -> Profile:
    """The profile with nothing in it that the form's own fields would refuse."""
    spoken = dict(i18n.spoken_languages(SOURCE_LANGUAGE))
    return replace(
        profile,
        email=plain_address(profile.email) or "",
        country=profile.country if profile.country in dict(i18n.countries(SOURCE_LANGUAGE)) else "",
        languages=tuple((code, level) for code, level in profile.languages if code in spoken),
    )


def _shown(field: str, value: Any) -> list[str]:
    if not value:
        return []
    if field == "languages":
        return [f"{i18n.language_name(code)}, {name_of(CEFR_LEVELS, level)}" for code, level in value]
    names: dict[str, Mapping[str, str]] = {
        "country": dict(i18n.countries(language())),
        "study_level": STUDY_LEVELS,
        "study_stage": STUDY_STAGES,
    }
    return [name_of(names.get(field, {}), value)]


def _seals() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="cv")
