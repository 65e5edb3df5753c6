"""Charts: a Vega-Lite specification in, SVG out, drawn here on the server without script or style attributes.

The library is large and slow to load, so it is loaded by the first chart that is drawn, and what was drawn is
kept by its data. Texts and lines get their colour from the page (``currentColor``), so that light and dark follow.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from markupsafe import Markup

_INK = "#6b7880"  # of lines; readable on light and dark ground
_BAR = "#2f8499"

_CONFIG: dict[str, Any] = {
    "aria": False,
    "background": None,
    "font": "inherit",
    "view": {"stroke": None},
    "axis": {
        "grid": False,
        "domainColor": _INK,
        "tickColor": _INK,
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "labelFontSize": 13,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "labelLimit": 220,
    },
    "bar": {"color": _BAR},
    "text": {"color": "currentColor", "fontSize": 13},
}


def columns(values: Sequence[tuple[str, int]], *, title: str) -> Markup:
    """Upright bars, one for each of ``values`` (label, number) in their order; ``title`` stands under them."""
    x = {"field": "label", "type": "nominal", "sort": None, "title": title, "axis": {"labelAngle": 0, "ticks": False}}
    y = {"field": "number", "type": "quantitative", "title": None, "axis": None}
    return _draw(values, {"x": x, "y": y}, {"dy": -8}, {"width": 260, "height": 110})


def bars(values: Sequence[tuple[str, int]]) -> Markup:
    """Lying bars, one for each of ``values`` (label, number) in their order."""
    y = {"field": "label", "type": "nominal", "sort": None, "title": None, "axis": {"ticks": False, "domain": False}}
    x = {"field": "number", "type": "quantitative", "title": None, "axis": None}
    return _draw(values, {"x": x, "y": y}, {"align": "left", "dx": 5}, {"width": 150, "height": {"step": 28}})


def dots(values: Sequence[tuple[str, int]], *, lowest: int, highest: int) -> Markup:
    """A line for each label, with a dot for each number that was given for it and a mark at their mean.

    Args:
        values: pairs of a label and one number; equal dots lie beside each other.
        lowest: where the scale begins.
        highest: where it ends.
    """
    y = {"field": "label", "type": "nominal", "sort": None, "title": None, "axis": {"ticks": False, "domain": False}}
    scale = {"domain": [lowest, highest], "nice": False}
    x = {"type": "quantitative", "title": None, "scale": scale, "axis": {"values": list(range(lowest, highest + 1))}}
    return _chart(
        values,
        {"y": y},
        [
            {
                "transform": [{"window": [{"op": "row_number", "as": "n"}], "groupby": ["label", "number"]}],
                "mark": {"type": "circle", "aria": False, "size": 90, "color": _BAR, "opacity": 1},
                "encoding": {
                    "x": {**x, "field": "number"},
                    "yOffset": {"field": "n", "type": "ordinal"},
                    "detail": {"field": "number", "type": "nominal"},
                },
            },
            {
                "mark": {"type": "tick", "aria": False, "thickness": 2, "color": _INK},
                "encoding": {"x": {**x, "field": "number", "aggregate": "mean"}},
            },
        ],
        {"width": 200, "height": {"step": 28}},
    )


def _draw(
    values: Sequence[tuple[str, int]], encoding: dict[str, Any], label: dict[str, Any], size: dict[str, Any]
) -> Markup:
    number = {"field": "number", "type": "quantitative"}
    layers = [
        {"mark": {"type": "bar", "aria": False}},
        {"mark": {"type": "text", "aria": False, **label}, "encoding": {"text": number}},
    ]
    return _chart(values, encoding, layers, size)


def _chart(
    values: Sequence[tuple[str, int]], encoding: dict[str, Any], layers: list[dict[str, Any]], size: dict[str, Any]
) -> Markup:
    specification = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "data": {"values": [{"label": label, "number": number} for label, number in values]},
        "encoding": encoding,
        "layer": layers,
        "config": _CONFIG,
        **size,
    }
    return _svg(json.dumps(specification, sort_keys=True))


@lru_cache(maxsize=256)
def _svg(specification: str) -> Markup:
    import vl_convert

    return Markup(vl_convert.vegalite_to_svg(vl_spec=specification))  # noqa: S704  texts are escaped by the library
