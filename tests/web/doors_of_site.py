"""Doors of what is there before anybody has written: public pages, accounts, the mailbox of a trial installation."""

from dataclasses import dataclass
from typing import Any

from flask import Flask

from portal.rules.policy import Permission
from tests.people import PASSWORD
from tests.web.doors import Places, Table
from tests.web.signing_in import email_of

DOORS: Table = {
    "account.account": Permission.OWN_ACCOUNT,
    "account.change_language": Permission.OWN_ACCOUNT,
    "account.change_password": Permission.OWN_ACCOUNT,
    "account.enter": "public",
    "account.language_page": Permission.OWN_ACCOUNT,
    "account.sign_in": "public",
    "account.sign_out": Permission.OWN_ACCOUNT,
    "health.alive": "public",
    "health.ready": "public",
    "mailbox.inbox": "public",
    "mailbox.letter": "public",
    "public.contacts": "public",
    "public.front": "public",
    "public.negotiate": "public",
    "public.page": "public",
    "public.priority": "public",
    "public.topic": "public",
    "static": None,  # Flask's own; built files, the same for all
    "workspace.home": Permission.OWN_ACCOUNT,
}


@dataclass(frozen=True)
class Site:
    """The site with a letter that was sent."""

    app: Flask

    def places(self) -> Places:
        content = self.app.extensions["yhteys.content"]
        letters = self.app.extensions["yhteys.settings"].data_dir.glob("mail/*.eml")
        return {
            "mailbox.letter": {"name": next(letters).stem},
            "public.page": {"slug": content.pages[0].slug},
            "public.priority": {"slug": content.priorities[0].slug},
            "public.topic": {"slug": "errin"},
            "static": {"filename": "licences.txt"},
        }

    def filled(self, endpoint: str, _token: str) -> dict[str, Any]:
        return {
            "account.change_language": {"language": "sv"},
            "account.change_password": {"old": PASSWORD, "new": "another-horse-8-battery"},
            "account.enter": {"email": email_of("koponen"), "password": PASSWORD},
        }.get(endpoint, {})
