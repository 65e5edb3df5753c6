"""From a few base colours to the theme's custom properties, light and dark.

Designsystemet names sixteen steps for each colour and asks for each a relative luminance, which is what
makes the contrast between any two steps known beforehand: text-default on surface-tinted is readable
whatever the base colour is. The steps and luminances are Designsystemet's own; its generator is not used
since it brings 150 packages for this one page of arithmetic.
"""

import colorsys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Color = tuple[float, float, float]

BLACK: Color = (0.0, 0.0, 0.0)
WHITE: Color = (1.0, 1.0, 1.0)

# step: relative luminance in the light and in the dark scheme
LUMINANCES: dict[str, tuple[float, float]] = {
    "background-default": (1, 0.009),
    "background-tinted": (0.9, 0.014),
    "surface-default": (1, 0.021),
    "surface-tinted": (0.81, 0.027),
    "surface-hover": (0.7, 0.036),
    "surface-active": (0.59, 0.056),
    "border-subtle": (0.5, 0.08),
    "border-default": (0.19, 0.22),
    "border-strong": (0.11, 0.39),
    "text-subtle": (0.11, 0.39),
    "text-default": (0.0245, 0.84),
}
STEPS = (*LUMINANCES, "base-default", "base-hover", "base-active", "base-contrast-subtle", "base-contrast-default")


def parse(color: str) -> Color:
    """``#rrggbb`` as three numbers from 0 to 1."""
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def show(color: Color) -> str:
    """Three numbers from 0 to 1 as ``#rrggbb``."""
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in color)


def luminance(color: Color) -> float:
    """Relative luminance as WCAG defines it."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    """WCAG's contrast ratio, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def tint(color: Color, wanted: float, *, saturation: float = 1.0) -> Color:
    """The tint or shade with the wanted relative luminance: the colour's hue, and that part of its saturation."""
    hue, _, full = colorsys.rgb_to_hls(*color)
    low, high = 0.0, 1.0
    for _ in range(24):
        middle = (low + high) / 2
        too_dark = luminance(colorsys.hls_to_rgb(hue, middle, full * saturation)) < wanted
        low, high = (middle, high) if too_dark else (low, middle)
    return colorsys.hls_to_rgb(hue, high, full * saturation)


def lightness(color: Color) -> float:
    """Perceived lightness (CIE L*), from 0 to 100."""
    value = luminance(color)
    return 116 * float(value ** (1 / 3)) - 16 if value > 0.008856 else 903.3 * value


def at_lightness(color: Color, wanted: float, *, saturation: float = 1.0) -> Color:
    """The tint or shade of a colour that looks as light as wanted."""
    wanted = min(max(wanted, 0.0), 100.0)
    return tint(color, ((wanted + 16) / 116) ** 3 if wanted > 8 else wanted / 903.3, saturation=saturation)


def scale(base: Color, *, dark: bool) -> dict[str, Color]:
    """The sixteen steps of a colour in one scheme."""
    # Full colour glows on a dark ground, and is loud over large pale areas.
    saturation = 0.5 if dark else 0.6
    steps = {step: tint(base, pair[dark], saturation=saturation) for step, pair in LUMINANCES.items()}
    light = lightness(base)
    if dark:
        light = 70 if light <= 36 else 100 - light
    change = 8 if light <= 30 or 49 <= light <= 65 else -8
    default = at_lightness(base, light, saturation=saturation) if dark else base
    # A filled button darkens when pointed at, or lightens where it is too dark to darken visibly.
    steps |= {
        "base-default": default,
        "base-hover": at_lightness(default, light + change),
        "base-active": at_lightness(default, light + 2 * change),
    }
    on_white = contrast(default, WHITE) >= contrast(default, BLACK)
    steps["base-contrast-default"] = WHITE if on_white else BLACK
    steps["base-contrast-subtle"] = tint(default, 0.9 if on_white else 0.004)
    return steps


def scheme(theme: Mapping[str, Any], *, dark: bool) -> str:
    """The declarations of one colour scheme."""
    name = "dark" if dark else "light"
    colors = {
        f"{color}-{step}": show(value)
        for color, base in theme["colors"].items()
        for step, value in scale(parse(base), dark=dark).items()
    }
    colors |= theme["overrides"][name]
    _check(colors, theme["colors"], name)
    colors["focus-inner"] = colors["neutral-background-default"]
    colors["focus-outer"] = colors["neutral-text-default"]
    declarations = [f"--ds-color-{key}:{value}" for key, value in colors.items()]
    declarations += [f"--portal-{key}:{value}" for key, value in theme["own"][name].items()]
    return ";".join([*declarations, f"--ds-link-color-visited:{theme['visited'][name]}", f"color-scheme:{name}"])


def _check(colors: Mapping[str, str], names: Iterable[str], scheme_name: str) -> None:
    """Refuse a scheme in which text could not be read: WCAG AA asks for 4.5."""
    grounds = ("background-default", "background-tinted", "surface-default", "surface-tinted")
    pairs = [(text, ground) for text in ("text-subtle", "text-default") for ground in grounds]
    pairs += [("base-contrast-default", ground) for ground in ("base-default", "base-hover")]
    for name in names:
        for text, ground in pairs:
            ratio = contrast(parse(colors[f"{name}-{text}"]), parse(colors[f"{name}-{ground}"]))
            if ratio < 4.5:
                raise ValueError(f"{scheme_name}: {name}-{text} on {name}-{ground} has a contrast of {ratio:.2f}")


def _choices(theme: Mapping[str, Any]) -> Iterator[str]:
    """What ``data-color`` on an element does: its steps become the current ones."""
    for color in theme["colors"]:
        first = ":root,[data-color-scheme]," if color == "accent" else f'[data-color-scheme][data-color="{color}"],'
        steps = ";".join(f"--ds-color-{step}:var(--ds-color-{color}-{step})" for step in STEPS)
        yield f'{first}[data-color="{color}"]{{{steps}}}'


def stylesheet(theme: Mapping[str, Any]) -> str:
    """The theme's own part of the style sheet: colours, font, radius."""
    light, dark = scheme(theme, dark=False), scheme(theme, dark=True)
    weights = ";".join(f"--ds-font-weight-{name}:{weight}" for name, weight in theme["weights"].items())
    return (
        f'@layer ds.theme.color-scheme{{:root,[data-color-scheme="light"]{{{light}}}'
        f'[data-color-scheme="dark"]{{{dark}}}'
        f'@media (prefers-color-scheme:dark){{[data-color-scheme="auto"]{{{dark}}}}}}}'
        f"@layer ds.theme.color{{{''.join(_choices(theme))}}}"
        f"@layer ds.theme.own{{:root{{--ds-font-family:{theme['font']};{weights};"
        f"--ds-border-radius-base:{theme['radius']}}}}}"
    )
