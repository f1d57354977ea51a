"""Things that words ask to be added, in the figure's units: (0, 0) is the crown, 1000 the soles."""

from __future__ import annotations

import random
from collections.abc import Callable

from sandbox.draw_colour import Colour, mix, shade
from sandbox.draw_shapes import Pen, mirrored

__all__ = ["PROPS", "Prop", "leaves", "petals", "rain", "snow"]

Prop = Callable[[Pen, Colour | None], None]


def _sunglasses(pen: Pen, colour: Colour | None) -> None:
    frame = colour or (28, 26, 30)
    for side in (-1, 1):
        lens = [(side * 3, 58), (side * 30, 56), (side * 34, 68), (side * 24, 81), (side * 8, 80), (side * 3, 70)]
        pen.blob(lens, frame)
        pen.stroke([(side * 9, 62), (side * 22, 61)], mix(frame, (255, 255, 255), 0.5), 3)
    pen.stroke([(-4, 62), (0, 60), (4, 62)], frame, 4)


def _hat(pen: Pen, colour: Colour | None) -> None:
    felt = colour or (196, 158, 112)
    pen.oval(0, 26, 82, 15, shade(felt, -0.2))
    pen.blob(mirrored([(0, -46), (26, -50), (40, -30), (46, 20), (0, 28)]), felt)
    pen.polygon([(-45, 2), (45, 2), (47, 20), (-47, 20)], shade(felt, -0.5))
    pen.oval(0, 29, 78, 9, shade(felt, 0.1))


def _bag(pen: Pen, colour: Colour | None) -> None:
    leather = colour or (150, 92, 58)
    pen.stroke([(128, 590), (134, 500), (166, 478), (198, 500), (204, 590)], shade(leather, -0.35), 7)
    pen.blob([(104, 584), (228, 584), (242, 700), (236, 716), (96, 716), (90, 700)], leather)
    pen.stroke([(106, 622), (166, 648), (226, 622)], shade(leather, -0.28), 4)
    pen.oval(166, 648, 9, 9, (226, 194, 110))


def _scarf(pen: Pen, colour: Colour | None) -> None:
    wool = colour or (196, 62, 66)
    pen.limb([(34, 150, 17), (44, 220, 19), (40, 330, 20)], shade(wool, -0.14))
    pen.blob([(-50, 132), (0, 118), (50, 132), (54, 158), (0, 182), (-54, 158)], wool)
    for n in range(3):
        pen.stroke([(24, 250 + n * 28), (60, 250 + n * 28)], shade(wool, 0.4), 6)


def _necklace(pen: Pen, colour: Colour | None) -> None:
    gold = colour or (226, 184, 92)
    pen.stroke([(-24, 150), (-16, 186), (0, 202), (16, 186), (24, 150)], gold, 3.4)
    pen.oval(0, 206, 8, 8, gold)
    pen.oval(-2, 203, 3, 3, (255, 248, 220))


def _belt(pen: Pen, colour: Colour | None) -> None:
    leather = colour or (92, 58, 40)
    pen.polygon([(-80, 382), (80, 382), (84, 406), (-84, 406)], leather)
    pen.polygon([(-15, 378), (15, 378), (15, 410), (-15, 410)], (218, 184, 104))
    pen.polygon([(-8, 386), (8, 386), (8, 402), (-8, 402)], leather)


def _flowers(pen: Pen, colour: Colour | None) -> None:
    petal = colour or (238, 120, 150)
    for x, y in ((-150, 470), (-190, 440), (-170, 400), (-126, 420), (-206, 480)):
        pen.stroke([(x, y), (-140, 560)], (92, 138, 92), 5)
    for x, y in ((-150, 470), (-190, 440), (-170, 400), (-126, 420), (-206, 480)):
        for dx, dy in ((-13, 0), (13, 0), (0, -13), (0, 13)):
            pen.oval(x + dx, y + dy, 13, 13, petal)
        pen.oval(x, y, 9, 9, (250, 214, 110))


def _duck(pen: Pen, colour: Colour | None) -> None:
    yellow = colour or (250, 206, 64)
    x, y = 235, 900
    pen.blob([(x - 92, y - 30), (x - 40, y - 44), (x + 30, y - 40), (x + 78, y + 2), (x + 60, y + 68), (x - 20, y + 84),
              (x - 76, y + 52)], yellow)  # fmt: skip
    pen.oval(x + 44, y - 70, 44, 42, yellow)
    pen.blob([(x + 80, y - 78), (x + 122, y - 66), (x + 80, y - 50)], (242, 130, 44))
    pen.oval(x + 58, y - 82, 7, 8, (30, 26, 26))
    pen.blob([(x - 56, y - 4), (x + 6, y - 10), (x + 22, y + 26), (x - 26, y + 40)], shade(yellow, -0.14))


PROPS: dict[str, Prop] = {
    "sunglasses": _sunglasses,
    "glasses": _sunglasses,
    "shades": _sunglasses,
    "hat": _hat,
    "fedora": _hat,
    "cap": _hat,
    "bag": _bag,
    "handbag": _bag,
    "purse": _bag,
    "tote": _bag,
    "scarf": _scarf,
    "shawl": _scarf,
    "necklace": _necklace,
    "jewelry": _necklace,
    "jewellery": _necklace,
    "pendant": _necklace,
    "belt": _belt,
    "flowers": _flowers,
    "bouquet": _flowers,
    "flower": _flowers,
    "duck": _duck,
}


def snow(pen: Pen, seed: int) -> None:
    """Falling flakes all over the picture."""
    dice = random.Random(seed)
    for _ in range(150):
        r = dice.uniform(2, 7)
        pen.oval(dice.uniform(-700, 700), dice.uniform(-150, 1150), r, r, (255, 255, 255))


def leaves(pen: Pen, seed: int) -> None:
    """Falling autumn leaves."""
    dice = random.Random(seed)
    for _ in range(42):
        x, y, r = dice.uniform(-650, 650), dice.uniform(-120, 1120), dice.uniform(9, 18)
        colour = dice.choice(((206, 98, 42), (226, 152, 50), (172, 66, 42), (196, 128, 60)))
        pen.blob([(x - r, y), (x, y - r * 0.7), (x + r, y - r * 0.4), (x + r * 0.5, y + r * 0.6)], colour)


def petals(pen: Pen, seed: int) -> None:
    """Blossoms in the air."""
    dice = random.Random(seed)
    for _ in range(60):
        x, y, r = dice.uniform(-650, 650), dice.uniform(-120, 1120), dice.uniform(6, 13)
        pen.blob(
            [(x - r, y), (x, y - r * 0.5), (x + r, y), (x, y + r * 0.6)],
            dice.choice(((250, 200, 214), (252, 226, 234))),
        )


def rain(pen: Pen, seed: int) -> None:
    """Slanting rain."""
    dice = random.Random(seed)
    for _ in range(120):
        x, y, reach = dice.uniform(-700, 700), dice.uniform(-150, 1100), dice.uniform(20, 52)
        pen.stroke([(x, y), (x - reach * 0.3, y + reach)], (222, 232, 244), 2)
