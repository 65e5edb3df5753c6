"""Looking at a page: accessibility, width, and pictures for people."""

import os
from collections.abc import Iterable
from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

WIDTHS = (320, 1280)
HEIGHT = 900
_FOLDER = os.environ.get("SCREENSHOTS")
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_CONTRAST = ["color-contrast", "link-in-text-block"]

_AXE = """([tags, rules]) => axe.run({
  runOnly: rules ? {type: "rule", values: rules} : {type: "tag", values: tags},
  resultTypes: ["violations"],
})"""

# What would make a person scroll sideways: the page itself, or a text that runs out of its box.
_TOO_WIDE = """() => {
  const screen = document.documentElement.clientWidth, found = [];
  if (document.documentElement.scrollWidth > screen) found.push(`the page: ${document.documentElement.scrollWidth} px`);
  for (const element of document.querySelectorAll("main *, header *, footer *")) {
    const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    if (box.width > 1 && box.height > 1 && box.right > screen + 1 && style.clipPath === "none"
        && !element.closest(".table-box, [hidden], .ds-sr-only, optgroup, option, .ds-skip-link"))
      found.push(`${element.outerHTML.slice(0, 120)} ends at ${Math.round(box.right)} px`);
  }
  for (const box of document.querySelectorAll(".table-box:not([tabindex])"))
    if (box.scrollWidth > box.clientWidth + 1) found.push(`a table: ${box.scrollWidth} px in ${box.clientWidth} px`);
  // A heading whose word is broken at the line's end; a hyphen may be, and so may words that nobody can read.
  for (const heading of document.querySelectorAll("main :is(h1, h2, h3)")) {
    const walker = document.createTreeWalker(heading, NodeFilter.SHOW_TEXT), range = document.createRange();
    while (walker.nextNode())
      for (const word of walker.currentNode.data.matchAll(/[^\\s\\-–\u00ad]{2,40}(?=\\s|$)/g)) {
        range.setStart(walker.currentNode, word.index);
        range.setEnd(walker.currentNode, word.index + word[0].length);
        if (new Set([...range.getClientRects()].map(box => box.top)).size > 1 && heading.textContent.length < 60)
          found.push(`a broken word: ${word[0]}`);
      }
  }
  return found;
}"""


def check(page: Page) -> None:
    """Fail on any accessibility violation that axe finds, and on a page that is wider than its screen."""
    faults = [*_violations(page, None), *_too_wide(page)]
    assert not faults, f"{page.url}\n" + "\n".join(faults)


def check_everywhere(page: Page, name: str, widths: Iterable[int] = WIDTHS) -> None:
    """The same on a phone's and a desk's width, in light and in dark; a picture of each for who wants to look.

    The dark look differs in colours alone, so only colours are looked at again, and once.
    """
    faults = []
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    for width in widths:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        faults += [f"{width} px: {fault}" for fault in [*_violations(page, None), *_too_wide(page)]]
        picture(page, f"{name}-{width}-light")
    page.emulate_media(color_scheme="dark")
    faults += [f"{width} px, dark: {fault}" for fault in _violations(page, _CONTRAST)]
    for width in widths if _FOLDER else ():
        page.set_viewport_size({"width": width, "height": HEIGHT})
        picture(page, f"{name}-{width}-dark")
    assert not faults, f"{page.url}\n" + "\n".join(faults)


def check_width(page: Page, width: int) -> None:
    """Fail on a page that is wider than a screen of this width."""
    page.set_viewport_size({"width": width, "height": HEIGHT})
    faults = _too_wide(page)
    assert not faults, f"{page.url} at {width} px\n" + "\n".join(faults)


def check_large_text(page: Page, widths: Iterable[int] = (1280, 640)) -> None:
    """Fail when a page overflows for a person whose browser has letters of twice the size."""
    session = page.context.new_cdp_session(page)
    for width in widths:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        session.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
        page.wait_for_function("getComputedStyle(document.documentElement).fontSize === '32px'")
        faults = _too_wide(page)
        assert not faults, f"{page.url} at {width} px with large text:\n" + "\n".join(faults)
    session.detach()


def picture(page: Page, name: str) -> None:
    """Keep a picture of the whole page in the folder that ``SCREENSHOTS`` names, if it names one."""
    if _FOLDER:
        page.screenshot(path=Path(_FOLDER) / f"{name}.png", full_page=True)


def _violations(page: Page, rules: list[str] | None) -> list[str]:
    if not page.evaluate("() => 'axe' in window"):
        # Transitions would be measured half-way, with half the contrast.
        page.emulate_media(reduced_motion="reduce")
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(_AXE, [_TAGS, rules])
    return [
        f"{violation['id']}: {violation['help']}\n    " + "\n    ".join(node["html"] for node in violation["nodes"])
        for violation in found["violations"]
    ]


def _too_wide(page: Page) -> list[str]:
    found: list[str] = page.evaluate(_TOO_WIDE)
    return found[:5]
