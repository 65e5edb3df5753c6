"""Workbooks (XLSX), written row by row: what a person typed is text in them, never a formula or a link."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, BinaryIO

from portal.rules.text import reveal

Cell = str | int | float | date | datetime | None

CELL_LENGTH = 32_767
"""The most characters that a cell holds."""

_CUT = " […]"
_FIRST_YEAR = 1900  # the programs count days from here
_LARGEST_WHOLE = 10**15  # beyond, the programs round
# No XML may hold these, and a program that meets one calls the whole workbook broken.
_NO_CHARACTERS = re.compile("[\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True)
class Column:
    """A column: its title, and its width in characters."""

    title: str
    width: int = 20


@dataclass(frozen=True)
class Sheet:
    """A sheet; its rows are taken once, in order, and never all in memory."""

    name: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Cell]]
    filters: bool = False


def write_workbook(target: BinaryIO, sheets: Iterable[Sheet], *, title: str, author: str) -> None:
    """Write a workbook with a fixed row of titles on each sheet. Moments are written as they read on the clock."""
    from xlsxwriter import Workbook

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
        "remove_timezone": True,
    }
    with Workbook(target, options) as workbook:
        workbook.set_properties({"title": title, "author": author})
        looks = {
            "title": workbook.add_format({"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#E8EEF2"}),
            "text": workbook.add_format({"text_wrap": True, "valign": "top"}),
            "day": workbook.add_format({"num_format": "yyyy-mm-dd", "align": "left", "valign": "top"}),
            "moment": workbook.add_format({"num_format": "yyyy-mm-dd hh:mm", "align": "left", "valign": "top"}),
        }
        for sheet in sheets:
            _write_sheet(workbook.add_worksheet(sheet.name[:31]), sheet, looks)


def _write_sheet(worksheet: Any, sheet: Sheet, looks: dict[str, Any]) -> None:
    worksheet.freeze_panes(1, 1)
    for number, column in enumerate(sheet.columns):
        worksheet.set_column(number, number, column.width)
        worksheet.write_string(0, number, as_text(column.title), looks["title"])
    last = 0
    for last, row in enumerate(sheet.rows, start=1):
        for number, value in enumerate(row):
            _write_cell(worksheet, last, number, value, looks)
    if sheet.filters and last:
        worksheet.autofilter(0, 0, last, len(sheet.columns) - 1)


def _write_cell(worksheet: Any, row: int, column: int, value: Cell, looks: dict[str, Any]) -> None:
    if value is None or value == "":
        return
    if isinstance(value, date) and value.year >= _FIRST_YEAR:
        look = "moment" if isinstance(value, datetime) else "day"
        worksheet.write_datetime(row, column, value, looks[look])
    elif isinstance(value, int | float) and math.isfinite(value) and abs(value) < _LARGEST_WHOLE:
        worksheet.write_number(row, column, value, looks["text"])
    else:
        worksheet.write_string(row, column, as_text(str(value)), looks["text"])


def as_text(text: str) -> str:
    """A text as a cell can hold it: hidden characters visible, not too long."""
    shown = _NO_CHARACTERS.sub(lambda found: f"‹U+{ord(found.group()):04X}›", reveal(text))
    return shown if len(shown) <= CELL_LENGTH else shown[: CELL_LENGTH - len(_CUT)] + _CUT
