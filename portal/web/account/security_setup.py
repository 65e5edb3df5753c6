"""Flask-Security as an engine: who is signed in, and what it keeps of that in the session.

Its pages, forms and blueprint stay outside; ours are thin views over it. It is told to do nothing by itself on
a request: three hooks that look into the session at every answer are taken out, for a public page must not
ask the database who is there.
"""

from typing import Any, NoReturn

from flask import Flask
from flask_login.utils import _user_context_processor
from flask_security import Security
from flask_security.core import RoleMixin, UserMixin
from flask_security.datastore import UserDatastore

from portal.gateways import passwords
from portal.queries.accounts import StaffAccount, find_account
from portal.rules.policy import PERMISSIONS, Role, Viewer
from portal.web.security import sessions


class StaffRole(RoleMixin):
    """A role as Flask-Security knows one."""

    def __init__(self, name: Role) -> None:
        self.name = name
        self.permissions = [str(permission) for permission in PERMISSIONS[name]]


class StaffUser(UserMixin):
    """A signed-in person, over an account that has been read; it is no row and changes none."""

    fs_uniquifier = ""  # the engine asks the class whether it has one

    def __init__(self, account: StaffAccount) -> None:
        self.account = account
        self.id = account.id
        self.email = account.email
        self.active = account.active
        self.fs_uniquifier = account.fs_uniquifier
        self.roles = [StaffRole(account.role)]

    @property
    def viewer(self) -> Viewer:
        return self.account.viewer


class StaffDatastore(UserDatastore):
    """Where Flask-Security finds people. It writes nothing: only operations do."""

    def __init__(self) -> None:
        super().__init__(StaffUser, StaffRole)

    def find_user(self, case_insensitive: bool = False, **wanted: Any) -> StaffUser | None:  # noqa: ARG002
        """The person of this session (by ``fs_uniquifier``, read along with it), or of an address (``email``)."""
        if "fs_uniquifier" in wanted:
            account = sessions.current().account
            known = account is not None and account.fs_uniquifier == wanted["fs_uniquifier"]
            return StaffUser(account) if account is not None and known else None
        account = find_account(wanted["email"])
        return StaffUser(account) if account is not None else None

    def find_role(self, role: str) -> StaffRole | None:
        return StaffRole(role) if role in PERMISSIONS else None

    def put(self, model: Any) -> NoReturn:
        raise NotImplementedError("accounts are changed by portal.operations.accounts")

    delete = put


def init_app(app: Flask) -> None:
    """Set the engine up and quiet it."""
    app.config.update(
        # Hashes are made in portal.gateways.passwords; the engine reads the same kind.
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_PASSWORD_SINGLE_HASH={"argon2"},
        SECURITY_PASSWORD_NORMALIZE_FORM=passwords.NORMAL_FORM,
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS={
            "argon2__type": "ID",
            "argon2__memory_cost": passwords.MEMORY_KIB,
            "argon2__time_cost": passwords.PASSES,
            "argon2__parallelism": passwords.LANES,
        },
        SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_CLI_USERS_NAME="",
        SECURITY_CLI_ROLES_NAME="",
        # People move between networks; the session's own life is what ends it.
        SESSION_PROTECTION=None,
    )
    security = Security(app, StaffDatastore(), register_blueprint=False)
    _quiet(app, security)


def _quiet(app: Flask, security: Security) -> None:
    """Take out what would read the session, and with it the database, at every request or page.

    Raises:
        ValueError: a hook is not where it was, so another release of the engine needs another look.
    """
    app.before_request_funcs[None].remove(security.principal._on_before_request)
    app.after_request_funcs[None].remove(security.login_manager._update_remember_cookie)
    app.template_context_processors[None].remove(_user_context_processor)
    # Nobody signs in by a token in an address or a header, nor is remembered beyond the session.
    security.login_manager.request_loader(None)
    security.login_manager._load_user_from_remember_cookie = lambda _cookie: None
