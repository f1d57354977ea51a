"""Smooth shapes in the drawing's own units, antialiased by drawing large and scaling down."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from sandbox.draw_colour import Colour

__all__ = ["Layer", "Pen", "Point", "band", "curve", "mirrored", "threshold"]

Point = tuple[float, float]
STEPS = 6
OPAQUE = 255


def threshold(level: int) -> list[int]:
    """A lookup table that makes everything above the level white and the rest black."""
    return band(level + 1, 255)


def band(low: int, high: int) -> list[int]:
    """A lookup table that makes everything from `low` to `high` white and the rest black."""
    return [255 if low <= level <= high else 0 for level in range(256)]


def curve(points: Sequence[Point], *, closed: bool = True) -> list[Point]:
    """A Catmull-Rom curve through the points."""
    count = len(points)
    spans = count if closed else count - 1
    smooth: list[Point] = []
    for i in range(spans):
        before, start, end, after = (
            points[j % count if closed else min(max(j, 0), count - 1)] for j in (i - 1, i, i + 1, i + 2)
        )
        smooth.extend(_between(before, start, end, after, step / STEPS) for step in range(STEPS))
    return smooth if closed else [*smooth, points[-1]]


def _between(before: Point, start: Point, end: Point, after: Point, t: float) -> Point:
    a = -0.5 * t + t * t - 0.5 * t**3
    b = 1 - 2.5 * t * t + 1.5 * t**3
    c = 0.5 * t + 2 * t * t - 1.5 * t**3
    d = -0.5 * t * t + 0.5 * t**3
    return (
        a * before[0] + b * start[0] + c * end[0] + d * after[0],
        a * before[1] + b * start[1] + c * end[1] + d * after[1],
    )


def mirrored(half: Sequence[Point]) -> list[Point]:
    """A symmetric outline from its right half, listed from top to bottom."""
    left = [(-x, y) for x, y in reversed(half) if x]
    return [*half, *left]


def tube(spine: Sequence[tuple[float, float, float]]) -> list[Point]:
    """The outline of a limb: points along its middle, each with half its width."""
    right: list[Point] = []
    left: list[Point] = []
    for i, (x, y, half) in enumerate(spine):
        ahead, behind = spine[min(i + 1, len(spine) - 1)], spine[max(i - 1, 0)]
        dx, dy = ahead[0] - behind[0], ahead[1] - behind[1]
        length = math.hypot(dx, dy) or 1.0
        nx, ny = -dy / length * half, dx / length * half
        right.append((x - nx, y - ny))
        left.append((x + nx, y + ny))
    return curve(right, closed=False) + curve(left[::-1], closed=False)


@dataclass(frozen=True, slots=True)
class Layer:
    """A picture with transparency and where its corner lies on the sheet it was drawn for."""

    picture: Image.Image
    corner: tuple[int, int]

    def onto(self, sheet: Image.Image) -> None:
        """Lay it over a sheet."""
        sheet.alpha_composite(self.picture, self.corner)


class Pen:
    """Draws on a transparent sheet; `origin` is the pixel of unit (0, 0), `scale` pixels per unit."""

    def __init__(self, size: tuple[int, int], scale: float, origin: Point, oversample: int = 3) -> None:
        self._times = oversample
        self._scale = scale * oversample
        self._origin = (origin[0] * oversample, origin[1] * oversample)
        self._sheet = Image.new("RGBA", (size[0] * oversample, size[1] * oversample), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self._sheet)

    def layer(self) -> Layer:
        """What was drawn, in its final size, without the empty sheet around it."""
        times = self._times
        left, top, right, bottom = self._sheet.getbbox() or (0, 0, 1, 1)
        corner = left // times, top // times
        box = corner[0] * times, corner[1] * times, -(-right // times) * times, -(-bottom // times) * times
        # Scaled with its colours multiplied in, so that no edge takes on the transparent black beside it.
        picture = self._sheet.crop(box).convert("RGBa").reduce(times).convert("RGBA")
        return Layer(picture, corner)

    def blob(self, points: Sequence[Point], fill: Colour, alpha: int = 255) -> None:
        """A closed smooth shape."""
        self.polygon(curve(points), fill, alpha)

    def limb(self, spine: Sequence[tuple[float, float, float]], fill: Colour, alpha: int = 255) -> None:
        """A limb with round ends."""
        self.polygon(tube(spine), fill, alpha)
        for x, y, half in (spine[0], spine[-1]):
            self.oval(x, y, half, half, fill, alpha)

    def polygon(self, points: Sequence[Point], fill: Colour, alpha: int = 255) -> None:
        """A closed shape with corners."""
        self._on_top(alpha, lambda draw: draw.polygon([self._pixel(p) for p in points], fill=(*fill, alpha)))

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Colour, alpha: int = 255) -> None:
        """An ellipse."""
        box = (*self._pixel((x - rx, y - ry)), *self._pixel((x + rx, y + ry)))
        self._on_top(alpha, lambda draw: draw.ellipse(box, fill=(*fill, alpha)))

    def stroke(self, points: Sequence[Point], fill: Colour, width: float, alpha: int = 255) -> None:
        """A smooth line."""
        path = [self._pixel(p) for p in (curve(points, closed=False) if len(points) > 2 else points)]  # noqa: PLR2004
        thick = max(1, round(width * self._scale))
        self._on_top(alpha, lambda draw: draw.line(path, fill=(*fill, alpha), width=thick, joint="curve"))

    def _pixel(self, point: Point) -> Point:
        return self._origin[0] + point[0] * self._scale, self._origin[1] + point[1] * self._scale

    def _on_top(self, alpha: int, put: Callable[[ImageDraw.ImageDraw], None]) -> None:
        if alpha == OPAQUE:
            put(self._draw)
            return
        # Drawing replaces pixels, so anything seen through goes onto a sheet of its own first.
        film = Image.new("RGBA", self._sheet.size, (0, 0, 0, 0))
        put(ImageDraw.Draw(film))
        self._sheet.alpha_composite(film)
