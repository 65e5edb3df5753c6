"""What the answers of an application are called, where an applicant is asked to correct them."""

from collections.abc import Iterable

from portal.content.calls import CallDocument, said
from portal.i18n import gettext, language
from portal.queries.documents import list_documents
from portal.queries.process import Process
from portal.rules.applications import IN_REVIEW
from portal.rules.corrections import DOCUMENT, QUESTION, correctable
from portal.rules.documents import missing
from portal.web.answers import document_name
from portal.web.public.routes import blueprint


def field_labels(document: CallDocument) -> dict[str, str]:
    """Every name that can be corrected, in words and in the language in force, in the order of the application."""
    answers = {
        "name": gettext("Full name"),
        "address_as": gettext("How we address you"),
        "contact_language": gettext("We write to you in"),
        "country": gettext("Country where you live"),
        "email": gettext("E-mail"),
        "institution": gettext("School or university"),
        "study_field": gettext("Field of study"),
        "study_level": gettext("Level of studies"),
        "study_stage": gettext("Stage of studies"),
        "topic": gettext("Topic of interest"),
        "available_from": gettext("Earliest start"),
        "available_to": gettext("Latest end"),
        "weeks": gettext("Length"),
        "languages": gettext("Languages"),
        "funding": gettext("Funding"),
        "motivation": gettext("Motivation"),
    }
    questions = {f"{QUESTION}{question.key}": said(question.label, language()) for question in document.questions}
    known = {**answers, **questions}
    return {name: known.get(name) or document_name(name.removeprefix(DOCUMENT)) for name in correctable(document)}


@blueprint.app_template_global("labels_of_fields")
def labels_of_fields(names: Iterable[str], document: CallDocument) -> list[str]:
    """The names in words; a question that the call no longer has is shown as it is."""
    labels = field_labels(document)
    return [labels.get(name, name) for name in names]


@blueprint.app_template_global("kind_of_document")
def kind_of_document(kind: str) -> str:
    """What a kind of document is called."""
    return document_name(kind)


@blueprint.app_template_global("missing_documents_of")
def missing_documents_of(process: Process) -> list[str]:
    """Required documents that an application in review still lacks, in words; one statement."""
    if process.stage not in IN_REVIEW:
        return []
    there = [document.purpose for document in list_documents(process.submission_id)]
    return [document_name(kind) for kind in missing(process.call.document, there)]
