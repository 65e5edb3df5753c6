"""Signing in and out, and one's own account."""

from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from flask_security.utils import login_user, logout_user
from werkzeug.wrappers import Response as AnyResponse

from portal.gateways.passwords import verify_password
from portal.i18n import gettext, language, set_language
from portal.operations import accounts as operations
from portal.operations.accounts import PasswordRejected, WrongPassword
from portal.queries.accounts import StaffAccount, find_credentials, plain_email
from portal.rules.policy import Permission
from portal.web.account.forms import LanguageForm, PasswordForm, SignInForm
from portal.web.account.security_setup import StaffUser
from portal.web.forms import ActionForm
from portal.web.security import limits, sessions
from portal.web.security.doors import allows, find_viewer, own_path, public, viewer

blueprint = Blueprint("account", __name__, url_prefix="/workspace")

log = structlog.get_logger()


@blueprint.get("/sign-in")
@public
def sign_in() -> str | AnyResponse:
    """The sign-in page; who is signed in already goes on to the workspace."""
    if find_viewer() is not None:
        return redirect(_wanted(), 302)
    return _sign_in_page(SignInForm(), told=_why_here())


@blueprint.post("/sign-in")
@public
def enter() -> AnyResponse:
    """Begin a session: 303 to where the person was going. Unknown address and wrong password look the same."""
    form = SignInForm()
    if not form.validate():
        return make_response(_sign_in_page(form), 400 if form.csrf_failed else 422)
    email = plain_email(form.email.data)
    if not _may_try(email):
        return make_response(_sign_in_page(form, _too_many_tries()), 429)
    account = _account_of(email, form.password.data)
    if account is None:
        log.info("sign_in_refused")
        problem = gettext("The e-mail address and the password do not belong together. Check both and try again.")
        return make_response(_sign_in_page(form, problem), 422)
    _begin_session(account)
    log.info("signed_in", account=account.id)
    return redirect(_wanted(), 303)


@blueprint.post("/sign-out")
@allows(Permission.OWN_ACCOUNT)
def sign_out() -> AnyResponse:
    """End this session; every copy of its cookie is worthless afterwards."""
    if not ActionForm().validate():
        problem = gettext("The page had been open for too long. You are still signed in; press “Sign out” again.")
        return make_response(_account_page(problem=problem), 400)
    logout_user()
    sessions.current().end()
    return redirect(url_for("account.sign_in", left=1, lang=language()), 303)


@blueprint.get("/account")
@allows(Permission.OWN_ACCOUNT)
def account() -> str:
    """One's own account: password and language."""
    return _account_page()


@blueprint.post("/account")
@allows(Permission.OWN_ACCOUNT)
def change_password() -> AnyResponse:
    """Change the password: the other sessions end, this one goes on under a new token."""
    form = PasswordForm()
    if not form.validate():
        return _password_again(form, 400 if form.csrf_failed else 422)
    if not _may_try(current_user.email):
        return _password_again(form, 429, _too_many_tries())
    session = sessions.current()
    try:
        uniquifier = operations.change_password(
            email=current_user.email, old=form.old.data, new=form.new.data, keeps=session.token_hash
        )
    except WrongPassword:
        form.refuse_old()
        return _password_again(form, 422)
    except PasswordRejected as rejection:
        form.refuse_new(rejection.fault)
        return _password_again(form, 422)
    log.info("password_changed", account=current_user.id)
    # The engine knows the person by this name, and a copy of the old cookie must open nothing.
    session["_user_id"] = uniquifier
    session.rotate()
    flash(gettext("The password is changed. You have been signed out everywhere else."), "success")
    return redirect(url_for("account.account"), 303)


@blueprint.get("/account/language")
@allows(Permission.OWN_ACCOUNT)
def language_page() -> AnyResponse:
    """Back to the page with the form, for whoever loads the address of its answer again."""
    return redirect(url_for("account.account"), 302)


@blueprint.post("/account/language")
@allows(Permission.OWN_ACCOUNT)
def change_language() -> AnyResponse:
    """Choose the language of the workspace."""
    form = LanguageForm()
    if not form.validate():
        return make_response(_account_page(language_form=form), 400 if form.csrf_failed else 422)
    operations.set_language(account_id=viewer().account_id, language=form.language.data)
    set_language(form.language.data)
    flash(gettext("The language is changed."), "success")
    return redirect(url_for("account.account"), 303)


def _may_try(email: str) -> bool:
    """Asked before anything is hashed. The pair counts, so a stranger elsewhere cannot lock the owner out."""
    address = request.remote_addr or ""
    return limits.allow("sign_in_address", address) and limits.allow("sign_in_account_address", email, address)


def _too_many_tries() -> str:
    return gettext("Too many tries from your network. Wait a quarter of an hour and try again.")


def _account_of(email: str, password: str) -> StaffAccount | None:
    """The account, if the password is its own; the time is that of one hash whoever asks."""
    known = find_credentials(email)
    matches = verify_password(known.password_hash if known else None, password)
    return known.account if known is not None and matches else None


def _begin_session(account: StaffAccount) -> None:
    session = sessions.current()
    session.begin(account.id)
    login_user(StaffUser(account), remember=False, authn_via=["password"])
    # What the engine keeps for features that are not in use: a hash of the browser's address, a cookie's state.
    for unused in ("_id", "fs_cc"):
        session.pop(unused, None)


def _wanted() -> str:
    return own_path(request.args.get("next")) or url_for("workspace.home")


def _why_here() -> str | None:
    if "left" in request.args:
        return gettext("You have signed out.")
    if "signed_out" in request.args:
        return gettext("You had been signed out, so nothing was done. Sign in and try again.")
    return None


def signed_out_page(text: str) -> str:
    """The sign-in page for somebody whose session ended while they wrote ``text``, which stands below it."""
    told = gettext("You had been signed out, so nothing was done. Copy your text below, then sign in and try again.")
    return _sign_in_page(SignInForm(formdata=None), told=told, text=text)


def _sign_in_page(
    form: SignInForm, problem: str | None = None, told: str | None = None, text: str | None = None
) -> str:
    form.drop_unstorable()
    kept = {name: request.args[name] for name in ("next", "lang") if name in request.args}
    if text is not None and request.referrer and (page := own_path(urlsplit(request.referrer).path)):
        kept["next"] = page  # back to the page that the text was written on
    return render_template("account/sign_in.html", form=form, problem=problem, told=told, kept=kept, typed=text)


def _password_again(form: PasswordForm, status: int, problem: str | None = None) -> Response:
    return make_response(_account_page(password_form=form, problem=problem), status)


def _account_page(
    *,
    password_form: PasswordForm | None = None,
    language_form: LanguageForm | None = None,
    problem: str | None = None,
) -> str:
    return render_template(
        "account/account.html",
        email=current_user.email,
        password_form=password_form or PasswordForm(formdata=None),
        language_form=language_form or LanguageForm(formdata=None, language=language()),
        filled=password_form or language_form,
        problem=problem,
    )
