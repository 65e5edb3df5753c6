"""Fields for days, times of day and small numbers: empty is allowed, and what cannot be read is said in our words."""

import re
from collections.abc import Sequence
from datetime import date, time
from typing import Any

from wtforms import Field, SelectMultipleField, ValidationError
from wtforms.widgets import CheckboxInput, DateInput, ListWidget, NumberInput, TimeInput

from portal.i18n import gettext

_CLOCK = re.compile(r"([01]?[0-9]|2[0-3])[.:]([0-5][0-9])(?::[0-5][0-9](?:\.[0-9]+)?)?")


class _TypedField(Field):
    """Keeps what was typed, so that it is shown again as it was."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return self.written() if self.data is not None else ""

    def written(self) -> str:
        return str(self.data)

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        typed = valuelist[0].strip() if valuelist else ""
        self.data = self.read(typed) if typed else None

    def read(self, typed: str) -> Any:
        raise NotImplementedError


class DayField(_TypedField):
    """A day; browsers send it as ``2027-02-01``."""

    widget = DateInput()

    def read(self, typed: str) -> date:
        try:
            return date.fromisoformat(typed)
        except ValueError:
            raise ValueError(gettext("This is not a date. Type it like this: 2027-02-01.")) from None


class ClockField(_TypedField):
    """A time of day, with a colon or, as Finns write it, a full stop."""

    widget = TimeInput()

    def written(self) -> str:
        return f"{self.data:%H:%M}"

    def read(self, typed: str) -> time:
        found = _CLOCK.fullmatch(typed)
        if found is None:
            raise ValueError(gettext("This is not a time of day. Type it like this: 15:00."))
        return time(int(found[1]), int(found[2]))


class NumberField(_TypedField):
    """A whole number from ``least`` to ``most``."""

    widget = NumberInput(min=None, max=None)

    def __init__(self, label: str, *, least: int, most: int, **values: Any) -> None:
        super().__init__(label, **values)
        self.least = least
        self.most = most

    def read(self, typed: str) -> int:
        if not (typed.isascii() and typed.isdigit() and len(typed) < 6 and self.least <= int(typed) <= self.most):
            raise ValueError(
                gettext(
                    "Give a whole number from %(least)s to %(most)s for “%(field)s”.",
                    least=self.least,
                    most=self.most,
                    field=self.label.text,
                )
            )
        return int(typed)


class BoxesField(SelectMultipleField):
    """Some of many, each a box. What is not among them is refused."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(self, label: str, **values: Any) -> None:
        super().__init__(label, validate_choice=False, **values)
        self.type = "SelectMultipleField"  # by which an error summary knows that its boxes are numbered

    def pre_validate(self, _form: Any) -> None:
        if set(self.data or ()) - {value for value, _label in self.choices or ()}:
            raise ValidationError(gettext("Choose from the list."))
