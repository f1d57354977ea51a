"""Studio backdrops: a wall, a floor and light, in the colours that words ask for."""

from __future__ import annotations

import random
from functools import lru_cache

from PIL import Image, ImageFilter

from sandbox.draw_colour import Colour, colours_in, mix, shade

__all__ = ["OVAL", "backdrop_words", "ground_shadow", "sheet_of_light", "studio", "vertical"]

STUDIO_TINTS: tuple[Colour, ...] = (
    (228, 226, 224),
    (222, 226, 230),
    (233, 226, 217),
    (224, 229, 223),
    (231, 223, 226),
    (219, 223, 231),
)
# Backdrops are soft, so they are made small and scaled up.
SOFT_SIDE = 64
# Bright in the middle and black from its rim on; Pillow's gradient grows from black to 181 at the nearest edge.
OVAL = Image.radial_gradient("L").point([max(0, 255 - v * 255 // 180) for v in range(256)])


def backdrop_words(words: str) -> bool:
    """Whether a studio is what the words ask for, rather than a place."""
    return any(word in words.lower() for word in ("studio", "plain", "minimal", "solid", "seamless", "backdrop"))


def studio(size: tuple[int, int], words: str, seed: int) -> Image.Image:
    """A seamless studio wall with a floor and a pool of light; the seed picks tint and side of the light."""
    dice = random.Random(seed)
    named = colours_in(words)
    tint = _tint(words, named[0] if named else None, dice)
    return _studio(size, tint, dice.choice((-1, 1)), "dark" in words.lower() or "moody" in words.lower())


def _tint(words: str, named: Colour | None, dice: random.Random) -> Colour:
    lower = words.lower()
    if named is not None:
        # The bare word "white" or "grey" means paper, a colour means painted walls: both a little off the pure one.
        return mix(named, (238, 236, 234), 0.3)
    if "warm" in lower:
        return (236, 222, 204)
    if "cool" in lower or "cold" in lower:
        return (212, 222, 233)
    return dice.choice(STUDIO_TINTS)


@lru_cache(maxsize=24)
def _studio(size: tuple[int, int], tint: Colour, light_side: int, dark: bool) -> Image.Image:
    base = shade(tint, -0.55) if dark else tint
    w, h = SOFT_SIDE, max(8, round(SOFT_SIDE * size[1] / size[0]))
    wall = vertical((w, h), [(0.0, shade(base, -0.1)), (0.55, shade(base, 0.16)), (0.78, shade(base, 0.1)),
                             (0.86, shade(base, -0.05)), (1.0, shade(base, 0.06))])  # fmt: skip
    glow = sheet_of_light((w, h), (w * (0.5 + 0.16 * light_side), h * 0.36), (w * 0.62, h * 0.52))
    lit = Image.composite(
        Image.new("RGB", (w, h), shade(base, 0.45)), wall, glow.point([v * 150 // 255 for v in range(256)])
    )
    return lit.filter(ImageFilter.GaussianBlur(1.5)).resize(size, Image.Resampling.BICUBIC)


def vertical(size: tuple[int, int], stops: list[tuple[float, Colour]]) -> Image.Image:
    """A gradient from top to bottom through the colours at their shares of the height."""
    column = Image.new("RGB", (1, size[1]))
    for y in range(size[1]):
        at = y / max(1, size[1] - 1)
        lower = max((stop for stop in stops if stop[0] <= at), key=lambda stop: stop[0], default=stops[0])
        upper = min((stop for stop in stops if stop[0] >= at), key=lambda stop: stop[0], default=stops[-1])
        span = upper[0] - lower[0]
        column.putpixel((0, y), mix(lower[1], upper[1], (at - lower[0]) / span if span else 0.0))
    return column.resize(size)


def sheet_of_light(size: tuple[int, int], centre: tuple[float, float], radii: tuple[float, float]) -> Image.Image:
    """A soft bright oval, as a mask."""
    light = Image.new("L", size, 0)
    box = (centre[0] - radii[0], centre[1] - radii[1], centre[0] + radii[0], centre[1] + radii[1])
    oval = OVAL.resize((max(1, round(box[2] - box[0])), max(1, round(box[3] - box[1]))))
    light.paste(oval, (round(box[0]), round(box[1])))
    return light


def ground_shadow(
    picture: Image.Image, centre: tuple[float, float], radii: tuple[float, float], strength: float
) -> None:
    """Darken the floor under something that stands there."""
    w, h = max(1, round(radii[0]) * 2), max(1, round(radii[1]) * 2)
    mask = _shadow_mask(w, h, strength)
    picture.paste((24, 20, 22), (round(centre[0] - w / 2), round(centre[1] - h / 2)), mask)


@lru_cache(maxsize=64)
def _shadow_mask(w: int, h: int, strength: float) -> Image.Image:
    return OVAL.resize((w, h)).point([round(min(1.0, v / 190) * 255 * strength) for v in range(256)])
