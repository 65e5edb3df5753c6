"""What fields take and refuse, and in which words."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from wtforms import DateField, StringField, TextAreaField

from portal.i18n import speaking
from portal.web.forms import Form
from portal.web.validators import CountryCode, EmailAddress, MaxLength, Phone, Required, SingleLine, Storable


class Sample(Form):
    line = StringField("Subject", validators=[SingleLine(), MaxLength(10)])
    lines = TextAreaField("Message", validators=[Storable(), MaxLength(20)])
    needed = StringField("Name", validators=[Required(), SingleLine()])
    email = StringField("E-mail", validators=[EmailAddress()])
    phone = StringField("Telephone", validators=[Phone()])
    country = StringField("Country", validators=[CountryCode()])
    day = DateField("Day", validators=[])


@pytest.fixture(autouse=True)
def _request(app: Flask) -> Iterator[None]:
    with app.test_request_context("/en/", method="POST"), speaking("en"):
        yield


def judge(name: str, value: str) -> tuple[str, list[str]]:
    """What a field makes of a value: the value it keeps, and its refusals."""
    form = Sample(formdata=MultiDict({name: value}))
    form.validate()
    field: Any = form[name]
    return field.data, list(field.errors)


def test_a_plain_form_is_refused_for_its_token_alone() -> None:
    form = Sample(formdata=MultiDict({"needed": "Ada", "day": "2026-11-24"}))
    assert not form.validate()
    assert form.csrf_failed
    assert set(form.errors) == {"csrf_token"}
    assert form.hidden_problems() == form.errors["csrf_token"]


@pytest.mark.parametrize("value", ["", "   ", "\t\n", "\u00a0\u3000", "\u200b\u2060\ufeff"])
def test_what_takes_no_room_is_empty(value: str) -> None:
    assert judge("needed", value)[1] == ["“Name” is empty. Fill it in."]


@pytest.mark.parametrize("value", ["Ada", " Ada ", "李", "👩‍👩‍👧", "0", "שלום"])
def test_anything_else_is_not(value: str) -> None:
    assert judge("needed", value) == (value.strip(), [])


@pytest.mark.parametrize(
    "breaking",
    ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\x00", "\ud800"],
)
def test_a_line_is_one_line(breaking: str) -> None:
    assert "Type it on one line." in judge("line", f"a{breaking}b")[1][0]


@pytest.mark.parametrize("value", ["a\x00b", "a\ud800b", "\udfff"])
def test_lines_may_hold_all_but_what_nothing_can_keep(value: str) -> None:
    assert "a character that can't be used" in judge("lines", value)[1][0]
    assert judge("lines", "a\nb\u202e\x07🙂")[1] == []


def test_a_form_with_such_characters_can_be_shown_again() -> None:
    form = Sample(formdata=MultiDict({"line": "a\x00b", "lines": "\ud800x", "day": "2026\x00"}))
    form.validate()
    form.drop_unstorable()
    shown = f"{form.line()}{form.lines()}{form.day()}"
    shown.encode()
    assert "\x00" not in shown
    assert form.line.data == "ab"


def test_too_long_says_by_how_much() -> None:
    assert judge("line", "x" * 10)[1] == []
    assert judge("line", "x" * 11)[1] == ["“Subject” is 1 character too long. Shorten it."]
    assert judge("line", "🙂" * 12)[1] == ["“Subject” is 2 characters too long. Shorten it."]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", ""),
        (" ada@example.org ", "ada@example.org"),
        ("Ada.Lovelace+eu@Example.ORG", "Ada.Lovelace+eu@example.org"),
        ("ada@ähtäri.fi", "ada@xn--htri-koac.fi"),
        ("o'brien@example.ie", "o'brien@example.ie"),
    ],
)
def test_an_address_that_mail_reaches_is_taken(typed: str, kept: str) -> None:
    assert judge("email", typed) == (kept, [])


@pytest.mark.parametrize(
    "typed",
    [
        "ada",
        "ada@",
        "@example.org",
        "ada@example",
        "ada@@example.org",
        "ada@example.org, bob@example.org",
        "Ada <ada@example.org>",
        '"a b"@example.org',
        "ada@[127.0.0.1]",
        "ada@example.org\nBcc: bob@example.org",
        "ada@example.org\r\n",
        "ada\u2028@example.org",
        "ada@exa\x00mple.org",
        "=?utf-8?q?ada?=@example.org",
        "ada@" + "x" * 250 + ".org",
        "ada@localhost",
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    if typed.strip() == "ada@example.org":
        assert judge("email", typed) == ("ada@example.org", [])
        return
    assert judge("email", typed)[1] == ["This is not a whole e-mail address. Type it like this: name@example.org."]


def test_other_letters_before_the_at_sign_have_a_sentence_of_their_own() -> None:
    assert "plain letters" in judge("email", "pöllö@example.org")[1][0]


@pytest.mark.parametrize(
    "typed", ["", "+358 40 123 4567", "(0)40-123.45/67", "112 0", "040\u00a0123\u00a04567", " +46 70 123 45 67 "]
)
def test_a_telephone_number_is_taken_as_people_write_it(typed: str) -> None:
    assert judge("phone", typed) == (typed.strip(), [])


@pytest.mark.parametrize("typed", ["call me", "12", "+-()/", "1" * 41, "040 123\n4567", "٠٤٠١٢٣٤"])
def test_what_is_no_number_is_refused(typed: str) -> None:
    assert "Type the telephone number with digits" in judge("phone", typed)[1][0]


@pytest.mark.parametrize(
    ("typed", "good"), [("", True), ("FI", True), ("SE", True), ("fi", False), ("EU", False), ("XX", False)]
)
def test_a_country_is_one_of_the_list(typed: str, good: bool) -> None:
    assert (judge("country", typed)[1] == []) is good


def test_what_wtforms_says_by_itself_is_said_in_the_language_in_force() -> None:
    with speaking("sv"):
        assert judge("day", "x")[1] == ["Inte ett giltigt datum"]
    assert judge("day", "x")[1] == ["Not a valid date value."]
