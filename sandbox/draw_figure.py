"""
The person drawn as a fashion figure: eight and a half heads tall, front view.

Units: 1000 from crown to sole, x from the middle line. Parts are separate sheets, so that garments go between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import cos, radians, sin

from sandbox.draw_colour import Colour, mix, shade
from sandbox.draw_head import draw_hair_behind, draw_head
from sandbox.draw_person import Look
from sandbox.draw_shapes import Layer, Pen, Point, mirrored

__all__ = ["BODIES", "Body", "Figure", "Stance", "figure"]

JEANS: Colour = (62, 92, 138)
WHITE: Colour = (246, 246, 244)
MOST_WIDTH = 640
SMALL_PIXELS = 420
# Above the crown, for high hair.
CROWN_ROOM = 60


@dataclass(frozen=True, slots=True)
class Body:
    """Half widths of a body, by place."""

    shoulder: float
    chest: float
    waist: float
    hip: float
    neck: float
    arm: tuple[float, float, float]
    leg: tuple[float, float, float, float, float]


BODIES = {
    "woman": Body(84, 74, 57, 82, 16, (20, 15, 9.5), (43, 39, 26, 28, 12)),
    "man": Body(102, 91, 77, 82, 24, (26, 20, 13), (44, 41, 30, 32, 15)),
}


@dataclass(frozen=True, slots=True)
class Stance:
    """How the figure stands: arm angles from the body in degrees, ankles from the middle line, clothes it starts in."""

    left_arm: int = 14
    right_arm: int = 14
    bend: int = 8
    left_ankle: int = 42
    right_ankle: int = 42
    jeans: bool = False
    shirt: bool = False
    shoes: Colour | None = (40, 40, 46)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure's layers from back to front, the size of their sheet, and where unit (0, 0) lies on it."""

    behind: Layer
    legs: Layer
    arms: Layer
    shirt: Layer | None
    head: Layer
    size: tuple[int, int]
    scale: float
    origin: Point


def figure(look: Look, stance: Stance, height: int) -> Figure:
    """The figure in pixels from crown to sole; small ones are remembered longer."""
    return _small(look, stance, height) if height <= SMALL_PIXELS else _large(look, stance, height)


def _draw(look: Look, stance: Stance, height: int) -> Figure:
    scale = height / 1000
    size = (round(MOST_WIDTH * scale), round(1080 * scale))
    origin = (size[0] / 2, CROWN_ROOM * scale)
    body = BODIES[look.gender]
    times = 3 if height <= SMALL_PIXELS else 2

    def pen() -> Pen:
        return Pen(size, scale, origin, times)

    behind, legs, arms, shirt, head = pen(), pen(), pen(), pen(), pen()
    draw_hair_behind(behind, look)
    _draw_legs(legs, body, look, stance)
    _draw_torso(legs, body, look)
    if stance.jeans:
        _draw_jeans(legs, body, stance)
    _draw_arms(arms, body, look, stance)
    if stance.shirt:
        _draw_shirt(shirt, body, stance)
    draw_head(head, look, body.neck)
    return Figure(
        behind=behind.layer(),
        legs=legs.layer(),
        arms=arms.layer(),
        shirt=shirt.layer() if stance.shirt else None,
        head=head.layer(),
        size=size,
        scale=scale,
        origin=origin,
    )


_small = lru_cache(maxsize=64)(_draw)
_large = lru_cache(maxsize=4)(_draw)


def _leg(body: Body, side: int, ankle: float) -> list[tuple[float, float, float]]:
    rows = (485, 600, 722, 800, 940)
    inner = 43.0
    return [
        (side * (inner + (ankle - inner) * (y - 485) / 455), y, half) for y, half in zip(rows, body.leg, strict=True)
    ]


def _draw_legs(pen: Pen, body: Body, look: Look, stance: Stance) -> None:
    dark = shade(look.skin, -0.14)
    for side, ankle in ((-1, stance.left_ankle), (1, stance.right_ankle)):
        spine = _leg(body, side, ankle)
        pen.limb(spine, dark)
        pen.limb([(x - 3, y, half * 0.84) for x, y, half in spine], look.skin)
        _draw_foot(pen, look, side, spine[-1], stance.shoes)


def _draw_foot(pen: Pen, look: Look, side: int, ankle: tuple[float, float, float], shoes: Colour | None) -> None:
    x, _, half = ankle
    colour = shoes or look.skin
    toe = side * 12
    outline = [
        (x - half - 2, 930), (x + half + 2, 930), (x + half + 6 + max(toe, 0), 966), (x + half + 2 + toe, 986),
        (x + toe * 0.4, 991), (x - half - 2 + toe, 986), (x - half - 6 + min(toe, 0), 966),
    ]  # fmt: skip
    pen.blob(outline, colour)
    if shoes:
        pen.stroke([(x - half - 4 + toe, 984), (x + toe * 0.5, 990), (x + half + 4 + toe, 984)], (250, 250, 248), 4)
        pen.stroke([(x - half * 0.5, 950), (x + half * 0.6, 950)], shade(colour, 0.45), 2)


def _draw_torso(pen: Pen, body: Body, look: Look) -> None:
    half = [
        (0, 140), (body.neck + 6, 148), (body.shoulder * 0.72, 166), (body.shoulder, 186), (body.chest, 244),
        (body.chest + 3, 288), (body.waist + 7, 338), (body.waist, 385), (body.hip, 468), (body.hip + 1, 515), (0, 530),
    ]  # fmt: skip
    outline = mirrored(half)
    pen.blob(outline, shade(look.skin, -0.1))
    pen.blob([(x * 0.9 - 3, y) for x, y in outline], look.skin)
    _draw_slip(pen, body, look)


def _draw_slip(pen: Pen, body: Body, look: Look) -> None:
    # A plain body suit, so that nobody stands undressed where garments leave a gap.
    fabric = mix(look.skin, (236, 228, 220), 0.72)
    half = [(0, 262), (body.chest * 0.5, 240), (body.chest * 0.66, 208), (body.chest * 0.86, 226),
            (body.chest + 1, 288), (body.waist + 7, 338), (body.waist, 385), (body.hip, 468), (body.hip * 0.72, 508),
            (12, 546), (0, 548)]  # fmt: skip
    pen.blob(mirrored(half), fabric)


def _draw_jeans(pen: Pen, body: Body, stance: Stance) -> None:
    for side, ankle in ((-1, stance.left_ankle), (1, stance.right_ankle)):
        spine = [(x, min(y, 938), half + 6) for x, y, half in _leg(body, side, ankle)]
        pen.limb([*spine[:-1], (spine[-1][0], 934, spine[-1][2] + 4)], shade(JEANS, -0.16))
        pen.limb([(x - 4, y, half * 0.8) for x, y, half in spine], JEANS)
        pen.stroke([(x + side * half * 0.86, y) for x, y, half in spine], shade(JEANS, -0.3), 1.6)
        x, _, half = spine[-1]
        pen.limb([(x - half - 2, 934, 7), (x + half + 2, 934, 7)], shade(JEANS, 0.28))
    top = [(0, 398), (body.waist + 3, 394), (body.hip + 4, 462), (body.hip + 5, 520), (20, 548), (0, 552)]
    pen.blob(mirrored(top), JEANS)
    pen.polygon([(-body.waist - 5, 392), (body.waist + 5, 392), (body.waist + 9, 412), (-body.waist - 9, 412)],
                shade(JEANS, -0.22))  # fmt: skip
    pen.stroke([(2, 414), (3, 470), (0, 500)], shade(JEANS, -0.3), 2)
    for side in (-1, 1):
        pen.stroke([(side * (body.waist + 4), 452), (side * body.waist * 0.7, 440), (side * body.waist * 0.55, 414)],
                   shade(JEANS, -0.32), 2)  # fmt: skip


def _arm(body: Body, side: int, angle: int, bend: int) -> list[tuple[float, float, float]]:
    upper, middle, lower = body.arm
    x, y = side * (body.shoulder - upper * 0.55), 196.0
    ex, ey = x + side * sin(radians(angle)) * 172, y + cos(radians(angle)) * 172
    wrist = angle - bend
    wx, wy = ex + side * sin(radians(wrist)) * 150, ey + cos(radians(wrist)) * 150
    return [(x, y, upper), ((x + ex) / 2, (y + ey) / 2, (upper + middle) / 2 + 1), (ex, ey, middle),
            ((ex + wx) / 2, (ey + wy) / 2, (middle + lower) / 2 + 1), (wx, wy, lower)]  # fmt: skip


def _draw_arms(pen: Pen, body: Body, look: Look, stance: Stance) -> None:
    dark = shade(look.skin, -0.14)
    for side, angle in ((-1, stance.left_arm), (1, stance.right_arm)):
        spine = _arm(body, side, angle, stance.bend)
        pen.limb(spine, dark)
        pen.limb([(x - 2, y, half * 0.84) for x, y, half in spine], look.skin)
        _draw_hand(pen, look, side, spine[-1], angle - stance.bend)


def _draw_hand(pen: Pen, look: Look, side: int, wrist: tuple[float, float, float], angle: int) -> None:
    x, y, half = wrist
    dx, dy = side * sin(radians(angle)), cos(radians(angle))

    def at(along: float, across: float) -> Point:
        return x + dx * along + dy * across * side, y + dy * along - dx * across * side

    palm = [at(-4, -half), at(14, -half - 5), at(34, -half - 2), at(56, -5), at(60, 1), at(36, half + 2),
            at(12, half + 3), at(-4, half)]  # fmt: skip
    pen.blob(palm, look.skin)
    pen.limb([(*at(10, -half - 1), 5), (*at(26, -half - 7), 4), (*at(38, -half - 6), 3)], look.skin)
    pen.stroke([at(36, -2), at(55, -1)], shade(look.skin, -0.2), 1.4)


def _draw_shirt(pen: Pen, body: Body, stance: Stance) -> None:
    grey = shade(WHITE, -0.09)
    for side, angle in ((-1, stance.left_arm), (1, stance.right_arm)):
        spine = _arm(body, side, angle, stance.bend)[:2]
        pen.limb([(x, y, half + 9) for x, y, half in spine], grey)
    half = [(0, 186), (body.neck + 14, 164), (body.neck + 18, 152), (body.shoulder * 0.8, 166),
            (body.shoulder + 6, 190), (body.chest + 9, 250), (body.chest + 8, 300), (body.waist + 15, 385),
            (body.hip + 9, 462), (body.hip + 9, 474), (0, 480)]  # fmt: skip
    pen.polygon(mirrored(half), WHITE)
    for x, top in ((-0.5, 330), (0.42, 300)):
        pen.stroke([(x * body.waist, top), (x * body.waist * 1.25, 400), (x * body.waist * 1.1, 455)], grey, 3)
