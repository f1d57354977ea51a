"""Cloth by the canvas: plain, striped, checked, printed, knitted and denim."""

from __future__ import annotations

from math import cos, pi, sin
from random import Random

from PIL import Image, ImageDraw, ImageFilter

from catalogs.samples.sketch import FINE, Cloth, Color, darker, lighter, mixed

__all__ = ["breton", "denim", "dotted", "floral", "gingham", "glen_check", "knit", "plain", "ribbed", "twill"]

SIZE = (600 * FINE, 800 * FINE)
LARGEST = (800 * FINE, 1200 * FINE)
TILE = 96 * FINE


def plain(color: Color) -> Cloth:
    """Smooth cloth of one colour."""
    return Cloth(Image.new("RGB", LARGEST, color), darker(color, 0.55))


def breton(ground: Color, stripe: Color, pitch: int, width: int) -> Cloth:
    """Horizontal stripes."""
    tile = Image.new("RGB", (TILE, pitch * FINE), ground)
    ImageDraw.Draw(tile).rectangle((0, 0, TILE, width * FINE), fill=stripe)
    return Cloth(_tiled(tile), darker(stripe, 0.3))


def twill(color: Color) -> Cloth:
    """Fine diagonal threads."""
    side = 12 * FINE
    tile = Image.new("RGB", (side, side), color)
    draw = ImageDraw.Draw(tile)
    for offset in range(-side, side, 4 * FINE):
        draw.line([(offset, side), (offset + side, 0)], fill=lighter(color, 0.13), width=FINE)
    return Cloth(_tiled(tile), darker(color, 0.55))


def gingham(ground: Color, check: Color, pitch: int) -> Cloth:
    """Even checks: white, half tone, full tone."""
    step = pitch * FINE
    half = mixed(ground, check, 0.5)
    tile = Image.new("RGB", (2 * step, 2 * step), ground)
    draw = ImageDraw.Draw(tile)
    draw.rectangle((0, 0, step - 1, 2 * step), fill=half)
    draw.rectangle((0, 0, 2 * step, step - 1), fill=half)
    draw.rectangle((0, 0, step - 1, step - 1), fill=check)
    return Cloth(_tiled(tile), darker(check, 0.45))


def glen_check(ground: Color, thread: Color, over: Color) -> Cloth:
    """Prince-of-Wales check: crossing groups of fine lines under a coloured windowpane."""
    side = 64 * FINE
    tile = Image.new("RGBA", (side, side), (*ground, 255))
    for turned in (False, True):
        lines = Image.new("RGBA", (side, side))
        draw = ImageDraw.Draw(lines)
        for index in range(8):
            x = (4 + index * 4) * FINE
            draw.rectangle((x, 0, x + 1.6 * FINE, side), fill=(*thread, 120))
        draw.rectangle((52 * FINE, 0, 53 * FINE, side), fill=(*over, 150))
        tile.alpha_composite(lines.transpose(Image.Transpose.ROTATE_90) if turned else lines)
    return Cloth(_tiled(tile.convert("RGB")), darker(ground, 0.6))


def dotted(ground: Color, dot: Color, pitch: int, radius: float) -> Cloth:
    """Polka dots on a diagonal grid."""
    side = pitch * FINE
    tile = Image.new("RGB", (side, side), ground)
    draw = ImageDraw.Draw(tile)
    for x, y in ((0, 0), (side, 0), (0, side), (side, side), (side / 2, side / 2)):
        reach = radius * FINE
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=dot)
    return Cloth(_tiled(tile), darker(ground, 0.5))


def denim(color: Color) -> Cloth:
    """Twill with an uneven wash."""
    wash = _mottle(11).point([round(value * 0.32) for value in range(256)])
    faded = Image.composite(Image.new("RGB", SIZE, lighter(color, 0.5)), twill(color).swatch, wash)
    return Cloth(faded, darker(color, 0.6))


def ribbed(color: Color, pitch: int) -> Cloth:
    """Vertical ribs."""
    step = pitch * FINE
    tile = Image.new("RGB", (step, TILE), color)
    draw = ImageDraw.Draw(tile)
    for x in range(step):
        depth = 0.5 - 0.5 * sin(pi * x / step)
        draw.line([(x, 0), (x, TILE)], fill=darker(color, 0.3 * depth * depth * 2))
    return Cloth(_tiled(tile), darker(color, 0.5))


def knit(color: Color) -> Cloth:
    """Stocking stitch: columns of small Vs."""
    wide, high = 7 * FINE, 6 * FINE
    tile = Image.new("RGB", (wide, high), darker(color, 0.16))
    draw = ImageDraw.Draw(tile)
    for drop in (-high, 0, high):
        for start, end in ((0.06, 0.46), (0.94, 0.54)):
            points = [(wide * start, drop + high * 0.1), (wide * end, drop + high * 0.75)]
            draw.line(points, fill=lighter(color, 0.06), width=round(2.3 * FINE))
    return Cloth(_tiled(tile), darker(color, 0.5))


def floral(ground: Color, petals: tuple[Color, ...], leaf: Color, seed: int) -> Cloth:
    """A scattered print of blossoms and leaves."""
    chance = _chance(seed)
    sheet = Image.new("RGB", SIZE, ground)
    draw = ImageDraw.Draw(sheet)
    for x, y in _scattered(chance, 27):
        _leaves(draw, chance, x, y, leaf)
    for index, (x, y) in enumerate(_scattered(chance, 38)):
        _blossom(draw, chance, x, y, petals[index % len(petals)])
    return Cloth(sheet, darker(ground, 0.5))


def _blossom(draw: ImageDraw.ImageDraw, chance: Random, x: float, y: float, color: Color) -> None:
    size, turn = chance.uniform(5, 9.5) * FINE, chance.uniform(0, pi)
    for tone, reach in ((darker(color, 0.18), 1.0), (color, 0.86)):
        for petal in range(5):
            angle = turn + petal * 2 * pi / 5
            _spot(draw, x + cos(angle) * size * 0.62, y + sin(angle) * size * 0.62, size * 0.5 * reach, tone)
    _spot(draw, x, y, size * 0.34, (240, 196, 92))
    _spot(draw, x, y, size * 0.16, (190, 120, 50))


def _leaves(draw: ImageDraw.ImageDraw, chance: Random, x: float, y: float, color: Color) -> None:
    turn, length = chance.uniform(0, 2 * pi), chance.uniform(7, 11) * FINE
    for side in (-0.45, 0.45):
        tip = (x + cos(turn + side) * length, y + sin(turn + side) * length)
        middle = (x + cos(turn + side) * length / 2, y + sin(turn + side) * length / 2)
        across = (cos(turn + side + pi / 2) * length * 0.2, sin(turn + side + pi / 2) * length * 0.2)
        flank = [(middle[0] + across[0], middle[1] + across[1]), (middle[0] - across[0], middle[1] - across[1])]
        draw.polygon([(x, y), flank[0], tip, flank[1]], fill=color)


def _scattered(chance: Random, pitch: int) -> list[tuple[float, float]]:
    step = pitch * FINE
    rows = range(-step, SIZE[1] + step, step)
    return [
        (x + (step / 2 if row % 2 else 0) + chance.uniform(-0.22, 0.22) * step, y + chance.uniform(-0.22, 0.22) * step)
        for row, y in enumerate(rows)
        for x in range(-step, SIZE[0] + step, step)
    ]


def _spot(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, color: Color) -> None:
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)


def _mottle(seed: int) -> Image.Image:
    coarse = Image.frombytes("L", (24, 32), _chance(seed).randbytes(24 * 32))
    return coarse.filter(ImageFilter.GaussianBlur(1)).resize(SIZE, Image.Resampling.BICUBIC)


def _tiled(tile: Image.Image) -> Image.Image:
    sheet = Image.new("RGB", SIZE)
    for x in range(0, SIZE[0], tile.width):
        for y in range(0, SIZE[1], tile.height):
            sheet.paste(tile, (x, y))
    return sheet


def _chance(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - the same print every time, nothing to guess
