"""Forms of the account pages."""

from typing import Any

from wtforms import PasswordField, SelectField, StringField, ValidationError

from portal.i18n import gettext, own_name
from portal.i18n import lazy_gettext as lazy
from portal.queries.editions import content
from portal.rules.passwords import FEWEST_CHARACTERS, MOST_CHARACTERS, Fault
from portal.web.forms import Form
from portal.web.validators import MaxLength, Required


class SignInForm(Form):
    """Address and password. Nothing is said about either that would tell which of the two was wrong."""

    email = StringField(lazy("E-mail"), validators=[Required(), MaxLength(254)])
    password = PasswordField(lazy("Password"), validators=[Required(), MaxLength(MOST_CHARACTERS)])


class PasswordForm(Form):
    """The old password and the new one. It is typed once: browsers show it on request and keep it."""

    old = PasswordField(lazy("Present password"), validators=[Required(), MaxLength(MOST_CHARACTERS)])
    new = PasswordField(lazy("New password"), validators=[Required(), MaxLength(MOST_CHARACTERS)])

    def refuse_old(self) -> None:
        """Say that the present password was not given right."""
        self.old.errors = [gettext("This is not your present password. Type it again.")]

    def refuse_new(self, fault: Fault) -> None:
        """Say why the new password will not do."""
        self.new.errors = [explain(fault)]


class LanguageForm(Form):
    """The language of the workspace."""

    language = SelectField(lazy("Language of the workspace and of letters to you"), validate_choice=False)

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.language.choices = [(code, own_name(code)) for code in content().organisation.languages]

    def validate_language(self, field: SelectField) -> None:
        if field.data not in content().organisation.languages:
            raise ValidationError(gettext("Choose one of the languages in the list."))


def explain(fault: Fault) -> str:
    """What to do about a password that was refused."""
    return {
        "too_short": gettext(
            "The new password is too short. Use at least %(number)s characters, for example four or five words.",
            number=FEWEST_CHARACTERS,
        ),
        "too_long": gettext("The new password is too long. Use at most %(number)s characters.", number=MOST_CHARACTERS),
        "personal": gettext("The new password is your own name or address. Choose one that nobody can guess."),
        "common": gettext("Many people use this password, so it is tried first. Choose one that nobody can guess."),
        "unchanged": gettext("The new password is the same as the present one. Choose another."),
    }[fault]
