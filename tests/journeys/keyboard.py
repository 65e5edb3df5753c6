"""Moving through pages by keyboard alone, and seeing on the way where it is."""

from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from tests.journeys.steps import has_focus

# Whether the person sees where the keyboard is: an outline or ring, and the control in sight and under nothing.
# The ring of a box to tick, or of one of several answers, is around its label too; the link that skips the
# navigation appears with the focus.
_SEEN = """() => {
  const element = document.activeElement, box = element.getBoundingClientRect();
  const has_ring = (one) => {
    const style = getComputedStyle(one);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 || style.boxShadow !== "none";
  };
  const ring = has_ring(element) || element.matches(".ds-skip-link")
    || element.matches("[type=checkbox], [type=radio]") && has_ring(element.closest(".ds-field"))
    || element.matches("[type=date]:not(:focus-visible)"); // its button has the focus, and the browser's own ring
  const inside = box.bottom > 0 && box.top < innerHeight && box.width > 0;
  const x = box.left + Math.min(box.width, 10) / 2;
  const y = Math.min(Math.max(box.top + box.height / 2, 1), innerHeight - 1);
  const top = document.elementFromPoint(x, y);
  const free = top === null || element.contains(top) || top.contains(element);
  return ring && inside && free ? "" : `${element.outerHTML.slice(0, 160)} ring ${ring} inside ${inside} free ${free}`;
}"""


def tab_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Press Tab until the target has the focus; on the way every stop must be visible."""
    expect(target).to_be_visible()
    _tab_until(page, lambda: has_focus(target), key, f"{target}")


def _tab_until(page: Page, reached: Callable[[], bool], key: str, name: str) -> None:
    for _ in range(80):
        page.keyboard.press(key)
        assert not (hidden := page.evaluate(_SEEN)), f"focus cannot be seen: {hidden}"
        if reached():
            return
    pytest.fail(f"the keyboard does not reach {name}")


def type_into(page: Page, target: Locator, text: str) -> None:
    tab_to(page, target)
    page.keyboard.type(text)


def choose_by_key(page: Page, file: FilePayload) -> None:
    """Open the file chooser of the focused control by key; a busy browser may need a second press."""
    for last in (False, False, True):
        try:
            with page.expect_file_chooser(timeout=6_000) as chooser:
                page.keyboard.press("Enter")
        except PlaywrightTimeoutError:
            if last:
                raise
            continue
        chooser.value.set_files([file])
        return


def choose_option(page: Page, select: Locator, value: str) -> None:
    """Go down the closed list until the value is there."""
    tab_to(page, select)
    for _ in range(80):
        if select.input_value() == value:
            return
        page.keyboard.press("ArrowDown")
    pytest.fail(f"{value} is not in the list")


def choose_answer(page: Page, radio: Locator) -> None:
    """One of several answers: Tab leads to the group, the arrows lead through it."""
    expect(radio).to_be_visible()
    name = radio.get_attribute("name")
    _tab_until(page, lambda: page.evaluate("document.activeElement.name") == name, "Tab", f"{radio}")
    page.keyboard.press("Space")
    for _ in range(12):
        if radio.is_checked():
            return
        page.keyboard.press("ArrowDown")
    pytest.fail(f"the arrows do not reach {radio}")


def type_day(page: Page, target: Locator, day: date) -> None:
    """A date in the browser's own field, in whose language nobody knows: its day and month must be the same number."""
    assert day.day == day.month
    tab_to(page, target)
    page.keyboard.type(f"{day:%d%m%Y}")
    expect(target).to_have_value(day.isoformat())
