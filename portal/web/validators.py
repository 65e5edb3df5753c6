"""What a field may hold. Each refusal is a sentence that says what to do, in the language in force."""

import re
import unicodedata
from typing import Any, ClassVar

from wtforms import Field
from wtforms.validators import StopValidation, ValidationError

from portal.i18n import SOURCE_LANGUAGE, countries, gettext, ngettext
from portal.rules.text import forbidden_characters

_PHONE = re.compile(r"[0-9+()\-./ \u00a0\u2010-\u2013]{5,40}")
_FEWEST_DIGITS = 4


class Required:
    """Something other than blanks must be there; nothing else is said about a field that is empty."""

    field_flags: ClassVar[dict[str, Any]] = {"required": True}

    def __call__(self, _form: Any, field: Field) -> None:
        if _is_blank(field.data):
            field.errors = []
            raise StopValidation(gettext("“%(field)s” is empty. Fill it in.", field=field.label.text))


class MaxLength:
    """At most ``limit`` characters, a line break being one of them."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.field_flags = {"maxlength": limit}

    def __call__(self, _form: Any, field: Field) -> None:
        over = len(field.data or "") - self.limit
        if over > 0:
            raise ValidationError(
                ngettext(
                    "“%(field)s” is %(num)s character too long. Shorten it.",
                    "“%(field)s” is %(num)s characters too long. Shorten it.",
                    over,
                    field=field.label.text,
                )
            )


class SingleLine:
    """One line: no line break of any kind, nothing that cannot be stored. Blanks around it are taken off."""

    def __call__(self, _form: Any, field: Field) -> None:
        field.data = (field.data or "").strip()
        if forbidden_characters(field.data, single_line=True):
            raise StopValidation(
                gettext(
                    "“%(field)s” contains a line break or a character that can't be used. Type it on one line.",
                    field=field.label.text,
                )
            )


class Storable:
    """Several lines; only what no database can keep is refused."""

    def __call__(self, _form: Any, field: Field) -> None:
        if forbidden_characters(field.data or "", single_line=False):
            raise StopValidation(
                gettext(
                    "“%(field)s” contained a character that can't be used. We have left it out: "
                    "check the text and send the form again.",
                    field=field.label.text,
                )
            )


class EmailAddress:
    """An address that mail can reach. A domain in other letters is kept in the form that mail servers use.

    No name server is asked: that would be slow, and would refuse good addresses when the network is down.
    """

    field_flags: ClassVar[dict[str, Any]] = {"maxlength": 254}

    def __call__(self, _form: Any, field: Field) -> None:
        field.data = (field.data or "").strip()
        if not field.data:
            return
        local = field.data.rpartition("@")[0]
        if local.isprintable() and not local.isascii():
            raise StopValidation(
                gettext(
                    "Mail does not reach every address with letters such as ä or é before the @ sign. "
                    "Give an address that has plain letters there."
                )
            )
        address = plain_address(field.data)
        if address is None:
            raise StopValidation(gettext("This is not a whole e-mail address. Type it like this: name@example.org."))
        field.data = address


def plain_address(typed: str) -> str | None:
    """The address in ASCII, as mail servers take it, or ``None`` when mail cannot be sent to it."""
    from email_validator import EmailNotValidError, validate_email

    if forbidden_characters(typed, single_line=True) or "=?" in typed:
        return None
    try:
        return validate_email(typed, check_deliverability=False, allow_smtputf8=False).ascii_email
    except EmailNotValidError:
        return None


class Phone:
    """A telephone number as people write them; nothing is said about one that is not given."""

    field_flags: ClassVar[dict[str, Any]] = {"maxlength": 40}

    def __call__(self, _form: Any, field: Field) -> None:
        field.data = (field.data or "").strip()
        digits = sum(character in "0123456789" for character in field.data)
        if field.data and (not _PHONE.fullmatch(field.data) or digits < _FEWEST_DIGITS):
            raise ValidationError(
                gettext("Type the telephone number with digits and + ( ) - . / only, like this: +358 40 123 4567.")
            )


class CountryCode:
    """One of the countries in the list (ISO 3166-1 alpha-2), or nothing."""

    def __call__(self, _form: Any, field: Field) -> None:
        if field.data and field.data not in dict(countries(SOURCE_LANGUAGE)):
            raise ValidationError(gettext("This country is not in the list. Choose one, or leave it out."))


def _is_blank(value: Any) -> bool:
    """Whether a value is nothing but blanks, of which Unicode has some that take no room at all."""
    if not isinstance(value, str):
        return not value
    return all(character.isspace() or unicodedata.category(character) in ("Cc", "Cf") for character in value)
