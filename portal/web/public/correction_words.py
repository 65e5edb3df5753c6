"""What the answers of an application are called, where an applicant is asked to correct them."""

from collections.abc import Iterable

from portal.content.calls import CallDocument
from portal.queries.documents import list_documents
from portal.queries.process import Process
from portal.rules.applications import IN_REVIEW
from portal.rules.documents import missing
from portal.web.answers import field_labels
from portal.web.public.routes import blueprint
from portal.web.vocabulary import document_name


@blueprint.app_template_global("labels_of_fields")
def labels_of_fields(names: Iterable[str], document: CallDocument) -> list[str]:
    """The names in words; a question that the call no longer has is shown as it is."""
    labels = field_labels(document)
    return [labels.get(name, name) for name in names]


@blueprint.app_template_global("missing_documents_of")
def missing_documents_of(process: Process) -> list[str]:
    """Required documents that an application in review still lacks, in words; one statement."""
    if process.stage not in IN_REVIEW:
        return []
    there = [document.purpose for document in list_documents(process.submission_id)]
    return [document_name(kind) for kind in missing(process.call.document, there)]
