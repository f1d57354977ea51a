"""Colours: mixing them, and finding them in words."""

from __future__ import annotations

import re

from PIL import ImageColor

__all__ = ["Colour", "colour_of", "colours_in", "mix", "shade"]

Colour = tuple[int, int, int]

FASHION_COLOURS: dict[str, str] = {
    "apricot": "#fbceb1",
    "aqua": "#5fd4d6",
    "blush": "#eebfc0",
    "blue": "#3b6fd4",
    "burgundy": "#7b1e3a",
    "camel": "#c19a6b",
    "charcoal": "#3a3d42",
    "cobalt": "#1f4fbf",
    "cream": "#f6ecd6",
    "denim": "#3d5f8c",
    "ecru": "#e6dcc3",
    "emerald": "#1f9d66",
    "fuchsia": "#d9318b",
    "green": "#3a9a56",
    "grey": "#8d9197",
    "gray": "#8d9197",
    "ivory": "#f7f2e4",
    "lilac": "#c3a6d8",
    "mint": "#a9dfc3",
    "mustard": "#d9a520",
    "nude": "#e2bfa5",
    "ochre": "#c8862a",
    "olive": "#77803c",
    "orange": "#f08a35",
    "pastel": "#d9c8e8",
    "peach": "#ffc8a6",
    "pink": "#f29ab4",
    "purple": "#7b4bb0",
    "red": "#d23a3a",
    "rose": "#dd8a97",
    "rust": "#a9502a",
    "sage": "#a9b99a",
    "sand": "#dcc9a3",
    "taupe": "#9a8b7d",
    "teal": "#1f8a8c",
    "terracotta": "#c9694b",
    "turquoise": "#3ec6c3",
    "yellow": "#f4cf3c",
}
# These name things at least as often as colours.
NOT_COLOURS = {"snow", "linen", "seashell", "wheat", "tan", "tomato", "chocolate", "salmon", "orchid", "plum"}


def colour_of(text: str) -> Colour:
    """The colour of a name or of a hex value."""
    red, green, blue = ImageColor.getrgb(FASHION_COLOURS.get(text, text))[:3]
    return red, green, blue


def colours_in(words: str) -> list[Colour]:
    """The colours named in a text, in its order."""
    names = re.findall(r"#[0-9a-f]{6}|[a-z]+", words.lower())
    known = (name for name in names if name.startswith("#") or name in _NAMES)
    return [colour_of(name) for name in known]


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """One colour with a share of the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def shade(colour: Colour, by: float) -> Colour:
    """Lighter for a positive `by`, darker for a negative one, at most 1."""
    return mix(colour, (255, 255, 255) if by > 0 else (0, 0, 0), abs(by))


_NAMES = (FASHION_COLOURS.keys() | ImageColor.colormap.keys()) - NOT_COLOURS
