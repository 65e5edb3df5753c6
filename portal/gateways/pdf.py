"""Pages on paper: HTML of ours to an accessible PDF. Nothing is fetched but our own fonts.

WeasyPrint needs Pango, a library of the system; it is imported when the first page is printed.
"""

import json
import logging
import threading
from functools import lru_cache
from typing import Any

from portal.settings import PACKAGE

_OUR_FONT = "font:"
_STATIC = PACKAGE / "static"

# Pango and its fonts are not made for threads, and a page of many sheets takes memory: one at a time.
_one_at_a_time = threading.Lock()


class PdfUnavailable(Exception):
    """This machine lacks the libraries that set text for print."""


class PdfFailed(Exception):
    """This page could not be printed."""


def check_pdf_available() -> None:
    """Make sure that pages can be printed here.

    Raises:
        PdfUnavailable: a library of the system is missing.
    """
    _weasyprint()


def print_pdf(html: str) -> bytes:
    """Print a whole page as a tagged PDF (PDF/UA-1), with its headings as bookmarks.

    The page's style sheet may name fonts as ``font:<file>``, by their names in ``portal/static``; every other
    address is refused.

    Raises:
        PdfUnavailable: a library of the system is missing.
        PdfFailed: this page could not be printed.
    """
    weasyprint = _weasyprint()
    try:
        with _one_at_a_time:
            page = weasyprint.HTML(string=html, url_fetcher=_fetcher())
            pdf: bytes = page.write_pdf(pdf_variant="pdf/ua-1", pdf_tags=True)
    except Exception as error:
        raise PdfFailed(type(error).__name__) from error
    return pdf


def font_file(name: str) -> bytes:
    """A font of ours by its name before it was built.

    Raises:
        ValueError: this is none.
    """
    built = _manifest().get(name)
    if built is None or not name.endswith(".woff2"):
        raise ValueError("no font of ours")
    return (_STATIC / built).read_bytes()


@lru_cache
def _manifest() -> dict[str, str]:
    names: dict[str, str] = json.loads((_STATIC / "manifest.json").read_text("utf-8"))
    return names


def _weasyprint() -> Any:
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        raise PdfUnavailable(str(error)) from error
    # What it warns about can quote the page, and with it what somebody wrote.
    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)
    logging.getLogger("fontTools").setLevel(logging.CRITICAL)
    return weasyprint


@lru_cache
def _fetcher() -> Any:
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class OurFonts(URLFetcher):  # type: ignore[misc]
        def fetch(self, url: str, headers: Any = None) -> Any:  # noqa: ARG002
            if not url.startswith(_OUR_FONT):
                raise ValueError("nothing but our own fonts is fetched")
            return URLFetcherResponse(url, font_file(url.removeprefix(_OUR_FONT)), {"Content-Type": "font/woff2"})

    return OurFonts()
