"""The figure's head: face and hair, in the figure's units."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.draw_colour import Colour, mix, shade
from sandbox.draw_person import HairStyle, Look
from sandbox.draw_shapes import Pen, Point, mirrored

__all__ = ["draw_hair_behind", "draw_head"]

INK: Colour = (46, 36, 38)


def draw_hair_behind(pen: Pen, look: Look) -> None:
    """The hair that falls behind neck and shoulders."""
    dark = shade(look.hair, -0.18)
    match look.style:
        case "long":
            pen.blob(mirrored([(0, -4), (44, 20), (56, 80), (62, 150), (58, 215), (30, 238), (0, 226)]), dark)
        case "waves":
            pen.blob(
                mirrored([(0, -6), (48, 16), (58, 70), (70, 120), (60, 160), (72, 200), (48, 226), (0, 206)]), dark
            )
        case "bob":
            pen.blob(mirrored([(0, -6), (48, 18), (58, 70), (60, 118), (34, 132), (0, 128)]), dark)
        case "ponytail":
            pen.limb([(22, 20, 16), (52, 70, 20), (62, 140, 17), (54, 205, 7)], dark)
        case "curls" if look.gender == "woman":
            for x, y, r in (
                (0, 12, 50),
                (-42, 46, 36),
                (42, 46, 36),
                (-52, 92, 32),
                (52, 92, 32),
                (-40, 130, 26),
                (40, 130, 26),
            ):
                pen.oval(x, y, r, r, dark)
        case "bun":
            pen.oval(0, -20, 25, 23, dark)
            pen.oval(-3, -22, 19, 17, look.hair)
        case _:
            pass


def draw_head(pen: Pen, look: Look, neck: float) -> None:
    """Neck, face and the hair in front."""
    skin = look.skin
    pen.limb([(0, 100, neck * 0.96), (0, 130, neck), (0, 152, neck + 4)], skin)
    pen.blob([(-neck, 112), (0, 124), (neck, 112), (neck * 0.9, 136), (0, 146), (-neck * 0.9, 136)], shade(skin, -0.2))
    if look.style == "none":
        return
    for side in (-1, 1):
        pen.oval(side * 39, 70, 6.5, 11, shade(skin, -0.08))
    pen.blob(_face(look), skin)
    _draw_cheeks(pen, look)
    _draw_features(pen, look)
    if look.beard:
        _draw_beard(pen, look)
    _FRINGES[look.style](pen, look)


def _face(look: Look) -> list[Point]:
    if look.gender == "man":
        return mirrored([(0, 6), (28, 14), (39, 44), (39, 74), (33, 102), (16, 121), (0, 124)])
    return mirrored([(0, 6), (27, 14), (38, 44), (37, 74), (27, 103), (11, 121), (0, 124)])


def _draw_cheeks(pen: Pen, look: Look) -> None:
    blush = mix(look.skin, (226, 98, 92), 0.2)
    for side in (-1, 1):
        pen.oval(side * 23, 84, 8.5, 6, blush)


def _draw_features(pen: Pen, look: Look) -> None:
    skin = look.skin
    brow = mix(shade(look.hair, -0.2), skin, 0.15)
    for side in (-1, 1):
        x = side * 15.5
        pen.blob([(x - 8, 66), (x, 60.5), (x + 8, 66), (x, 69.5)], (252, 250, 247))
        pen.oval(x, 65.2, 3.9, 4.3, (72, 52, 44))
        pen.oval(x + 1.3, 63.6, 1.2, 1.2, (255, 255, 255))
        pen.stroke(
            [(x - side * 8, 66.5), (x, 60.2), (x + side * 9.5, 64.2)], INK, 2.4 if look.gender == "woman" else 1.7
        )
        lift = 51.5 if look.gender == "woman" else 53.5
        pen.stroke(
            [(x - side * 8, lift + 2.2), (x, lift - 1), (x + side * 10, lift + 2)],
            brow,
            2.6 if look.gender == "woman" else 3.8,
        )
    pen.stroke([(2, 70), (4, 82), (-2, 86)], shade(skin, -0.24), 1.6)
    lips = mix(skin, (196, 62, 74), 0.62 if look.gender == "woman" else 0.3)
    up = 3.4 * look.smile
    pen.blob([(-12, 98 - up), (-4, 95.8), (0, 97), (4, 95.8), (12, 98 - up), (5, 102.5), (0, 103.4), (-5, 102.5)], lips)
    pen.stroke([(-12, 98 - up), (0, 99.6 + up * 0.5), (12, 98 - up)], shade(lips, -0.35), 1.1)


def _draw_beard(pen: Pen, look: Look) -> None:
    hair = mix(look.hair, look.skin, 0.2)
    jaw = [(-38, 76), (-32, 92), (-14, 92), (0, 90), (14, 92), (32, 92), (38, 76), (34, 104), (17, 124), (0, 128),
           (-17, 124), (-34, 104)]  # fmt: skip
    pen.blob(jaw, hair)
    pen.blob([(-11, 98), (0, 96), (11, 98), (5, 103), (-5, 103)], mix(look.skin, (180, 70, 76), 0.35))


def _long_fringe(pen: Pen, look: Look) -> None:
    for side in (-1, 1):
        lock = [(side * 2, 2), (side * 30, 8), (side * 47, 46), (side * 52, 110), (side * 54, 168), (side * 42, 196),
                (side * 38, 130), (side * 38, 70), (side * 22, 30)]  # fmt: skip
        pen.blob(lock, look.hair)
    pen.blob([(0, -5), (34, 4), (46, 36), (30, 26), (4, 12), (-26, 28), (-46, 38), (-36, 4)], look.hair)
    pen.stroke([(-6, 2), (-30, 18), (-41, 60)], shade(look.hair, 0.16), 2.4)


def _bob_fringe(pen: Pen, look: Look) -> None:
    pen.blob([(0, -6), (36, 4), (52, 44), (54, 104), (40, 118), (39, 66), (26, 36), (-22, 36), (-39, 62), (-40, 118),
              (-54, 104), (-52, 44), (-36, 4)], look.hair)  # fmt: skip
    pen.stroke([(-14, 4), (-36, 22), (-44, 70)], shade(look.hair, 0.16), 2.4)


def _bun_fringe(pen: Pen, look: Look) -> None:
    pen.blob(
        [(0, -6), (34, 4), (42, 44), (40, 62), (30, 34), (0, 18), (-30, 34), (-40, 62), (-42, 44), (-34, 4)],
        look.hair,
    )
    pen.stroke([(-6, 0), (-28, 14), (-36, 34)], shade(look.hair, 0.16), 2.2)


def _curls_fringe(pen: Pen, look: Look) -> None:
    spread = 1.0 if look.gender == "woman" else 0.86
    for x, y, r in (
        (0, 0, 24),
        (-24, 8, 21),
        (24, 8, 21),
        (-40, 32, 17),
        (40, 32, 17),
        (-12, 14, 16),
        (14, 14, 16),
    ):
        pen.oval(x * spread, y + (1 - spread) * 20, r * spread, r * spread, look.hair)
    for x, y in ((-18, -2), (10, -8), (30, 8)):
        pen.stroke([(x - 6, y + 4), (x, y - 3), (x + 7, y + 3)], shade(look.hair, 0.16), 2)


def _crew_fringe(pen: Pen, look: Look) -> None:
    pen.blob([(0, -1), (30, 6), (41, 38), (40, 58), (36, 36), (24, 22), (-24, 22), (-36, 36), (-40, 58), (-41, 38), (-30, 6)],
             look.hair)  # fmt: skip


def _slick_fringe(pen: Pen, look: Look) -> None:
    pen.blob(
        [(-4, -8), (32, 0), (42, 40), (40, 62), (35, 34), (16, 18), (-28, 26), (-38, 60), (-42, 40), (-34, 4)],
        look.hair,
    )
    pen.stroke([(-26, 14), (0, 2), (26, 10)], shade(look.hair, 0.16), 2.4)


def _short_fringe(pen: Pen, look: Look) -> None:
    pen.blob([(-10, -12), (22, -8), (41, 20), (41, 58), (36, 38), (26, 18), (-2, 26), (-30, 22), (-38, 58), (-43, 34), (-34, 2)],
             look.hair)  # fmt: skip
    pen.stroke([(-24, 10), (0, 0), (24, 4)], shade(look.hair, 0.16), 2.6)


_FRINGES: dict[HairStyle, Callable[[Pen, Look], None]] = {
    "long": _long_fringe,
    "waves": _long_fringe,
    "bob": _bob_fringe,
    "bun": _bun_fringe,
    "ponytail": _bun_fringe,
    "curls": _curls_fringe,
    "crew": _crew_fringe,
    "slick": _slick_fringe,
    "short": _short_fringe,
}
