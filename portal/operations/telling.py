"""Whom an act of the applicant's is told to."""

from portal.operations.door import CaseRow, Letters
from portal.queries.directory import mailboxes_of, mailboxes_of_lead


def told_about(row: CaseRow) -> Letters:
    """Letters to whoever holds the application and to the lead of its call, one to each address."""
    mailboxes = {
        mailbox.address.lower(): mailbox for mailbox in (*mailboxes_of_lead(row.id), *mailboxes_of(row.holder))
    }
    return [("application_updated", mailbox) for mailbox in mailboxes.values()]
