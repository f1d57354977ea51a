"""Places found in words: which one, in what light, with which colour; drawn once and remembered."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter

from sandbox.draw_backdrop import OVAL, studio
from sandbox.draw_colour import Colour, colours_in, mix
from sandbox.draw_indoors import brick_loft, marble_counter, neon_club, podium, room, wood_table
from sandbox.draw_outdoors import beach, city, desert, garden, mountains

__all__ = ["Place", "place", "place_named"]

Painter = Callable[[ImageDraw.ImageDraw, tuple[int, int], random.Random, Colour | None], float]

# The longest side places are drawn at: all of them lie out of focus behind their subject.
DRAWN_SIDE = 480
PAINTERS: dict[str, tuple[Painter, str]] = {
    "beach": (beach, "beach sea ocean coast coastal shore seaside tropical sandy summer harbour harbor island"),
    "desert": (desert, "desert dune dunes sahara canyon"),
    "mountains": (mountains, "snow snowy winter ski alpine mountain mountains ice glacier"),
    "city": (city, "street city urban downtown skyline alley paris parisian rooftop town plaza arcade metropolitan"),
    "neon": (neon_club, "neon club cyberpunk disco nightclub"),
    "garden": (
        garden,
        "garden forest park meadow nature botanical jungle leaves leafy spring autumn fall flowers floral grass woods outdoor orchard picnic courtyard",
    ),
    "marble": (marble_counter, "marble kitchen countertop bathroom granite"),
    "podium": (podium, "podium pedestal plinth stage arch"),
    "loft": (brick_loft, "loft brick industrial warehouse concrete stone"),
    "wood": (wood_table, "wood wooden table desk oak cafe café rustic restaurant"),
    "room": (
        room,
        "room interior home living bedroom sofa boutique store window windows indoors gallery library cottage hotel",
    ),
}
KINDS = {word: kind for kind, (_, words) in PAINTERS.items() for word in words.split()}
LIGHTS = {
    "sunset": frozenset({"sunset", "sunrise", "golden", "dusk", "warm", "autumn", "fall"}),
    "night": frozenset({"night", "dark", "moody", "midnight", "evening"}),
    "bright": frozenset({"bright", "sunny", "morning", "daylight", "airy", "light", "summer"}),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A scene without its subject; things stand at `floor`, a share of its height."""

    picture: Image.Image
    floor: float


def place_named(words: str) -> str | None:
    """The kind of place that the words name first, if any."""
    return next((KINDS[word] for word in re.findall(r"\w+", words.lower()) if word in KINDS), None)


def place(size: tuple[int, int], words: str, variant: int) -> Place:
    """The place that the words describe; a studio if they name none. Variants differ in detail."""
    kind = place_named(words)
    if kind is None:
        return Place(studio(size, words, variant), 0.84)
    named = set(re.findall(r"\w+", words.lower()))
    light = next((light for light, known in LIGHTS.items() if named & known), "day")
    colours = colours_in(words)
    return _paint(kind, light, colours[0] if colours else None, size, variant)


@lru_cache(maxsize=24)
def _paint(kind: str, light: str, accent: Colour | None, size: tuple[int, int], variant: int) -> Place:
    factor = min(0.6, DRAWN_SIDE / max(size))
    small = max(16, round(size[0] * factor)), max(16, round(size[1] * factor))
    sheet = Image.new("RGB", small)
    painter = PAINTERS[kind][0]
    floor = painter(ImageDraw.Draw(sheet), small, random.Random(f"{kind}{variant}"), accent)
    soft = sheet.filter(ImageFilter.GaussianBlur(max(small) / 300))
    return Place(_lit(soft, light, accent).resize(size, Image.Resampling.BICUBIC), floor)


def _lit(picture: Image.Image, light: str, accent: Colour | None) -> Image.Image:
    if accent is not None:
        picture = Image.blend(picture, Image.new("RGB", picture.size, accent), 0.1)
    if light == "sunset":
        warm = ImageChops.multiply(picture, Image.new("RGB", picture.size, (255, 214, 178)))
        return _glow(warm, (255, 170, 96), 0.34)
    if light == "night":
        dark = ImageChops.multiply(picture, Image.new("RGB", picture.size, (92, 100, 146)))
        return _glow(dark, (120, 130, 190), 0.16)
    if light == "bright":
        return ImageEnhance.Brightness(picture).enhance(1.07)
    return picture


def _glow(picture: Image.Image, colour: Colour, strength: float) -> Image.Image:
    w, h = picture.size
    mask = OVAL.resize((w * 2, h * 2)).crop((w // 3, h // 2, w // 3 + w, h // 2 + h))
    faint = mask.point([round(v * strength) for v in range(256)])
    return Image.composite(Image.new("RGB", (w, h), mix(colour, (255, 255, 255), 0.1)), picture, faint)
