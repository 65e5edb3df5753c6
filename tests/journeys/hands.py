"""How a person fills in a form: with a pointer, or by keyboard alone. A journey is written once for both."""

from datetime import date
from typing import Protocol

from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.journeys.keyboard import choose_answer, choose_by_key, choose_option, tab_to, type_day, type_into


class Hands(Protocol):
    """What hands do. On a page they go forward only: from its beginning to its end."""

    def press(self, target: Locator) -> None:
        """A button or a link."""

    def write(self, target: Locator, text: str) -> None:
        """A text into an empty field."""

    def choose(self, target: Locator, value: str) -> None:
        """From a list."""

    def answer(self, target: Locator) -> None:
        """One of several answers that are all in sight."""

    def untick(self, target: Locator) -> None:
        """A box that is ticked."""

    def set_day(self, target: Locator, day: date) -> None:
        """A date whose day and month are the same number."""

    def attach(self, target: Locator, file: FilePayload) -> None:
        """A file."""


class Pointer:
    """A mouse or a finger."""

    def press(self, target: Locator) -> None:
        target.click()

    def write(self, target: Locator, text: str) -> None:
        target.fill(text)

    def choose(self, target: Locator, value: str) -> None:
        target.select_option(value)

    def answer(self, target: Locator) -> None:
        target.check()

    def untick(self, target: Locator) -> None:
        target.uncheck()

    def set_day(self, target: Locator, day: date) -> None:
        target.fill(day.isoformat())

    def attach(self, target: Locator, file: FilePayload) -> None:
        target.set_input_files([file])


class Keys:
    """The keyboard alone; every stop on the way must be in sight."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def press(self, target: Locator) -> None:
        tab_to(self._page, target)
        self._page.keyboard.press("Enter")

    def write(self, target: Locator, text: str) -> None:
        type_into(self._page, target, text)

    def choose(self, target: Locator, value: str) -> None:
        choose_option(self._page, target, value)

    def answer(self, target: Locator) -> None:
        choose_answer(self._page, target)

    def untick(self, target: Locator) -> None:
        tab_to(self._page, target)
        self._page.keyboard.press("Space")
        expect(target).not_to_be_checked()

    def set_day(self, target: Locator, day: date) -> None:
        type_day(self._page, target, day)

    def attach(self, target: Locator, file: FilePayload) -> None:
        tab_to(self._page, target)
        choose_by_key(self._page, file)
