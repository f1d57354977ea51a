"""Places under a roof; each painter returns the height, in shares, at which things stand."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageDraw

from sandbox.draw_backdrop import vertical
from sandbox.draw_colour import Colour, mix, shade

__all__ = ["brick_loft", "marble_counter", "neon_club", "podium", "room", "wood_table"]

Size = tuple[int, int]
Box = tuple[float, float, float, float]


def _ground(draw: ImageDraw.ImageDraw, size: Size, stops: list[tuple[float, Colour]]) -> None:
    canvas: Image.Image = draw._image  # noqa: SLF001 # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue, reportUnknownVariableType] - the sheet being drawn on
    canvas.paste(vertical(size, stops), (0, 0))


def _bokeh(
    draw: ImageDraw.ImageDraw, size: Size, dice: random.Random, colours: tuple[Colour, ...], below: float
) -> None:
    w, h = size
    for _ in range(18):
        x, y, r = dice.uniform(0, w), h * dice.uniform(0.04, below), w * dice.uniform(0.018, 0.05)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=dice.choice(colours))


def _veins(draw: ImageDraw.ImageDraw, box: Box, dice: random.Random, colour: Colour, count: int) -> None:
    left, top, right, bottom = box
    for _ in range(count):
        x, y = dice.uniform(left, right), dice.uniform(top, bottom)
        heading = dice.uniform(-0.9, 0.9) + (math.pi if dice.random() < 0.5 else 0)  # noqa: PLR2004 - either way
        path = [(x, y)]
        for _ in range(14):
            heading += dice.uniform(-0.5, 0.5)
            step = (right - left) * 0.045
            x, y = x + math.cos(heading) * step, y + math.sin(heading) * step * 0.7
            path.append((x, min(max(y, top), bottom)))
        width = max(1, round((right - left) * dice.choice((0.002, 0.003, 0.007))))
        draw.line(path, fill=shade(colour, dice.uniform(-0.16, -0.05)), width=width, joint="curve")


def marble_counter(draw: ImageDraw.ImageDraw, size: Size, dice: random.Random, accent: Colour | None) -> float:
    """A veined worktop before a pale veined wall."""
    w, h = size
    stone = mix((244, 242, 240), accent, 0.12) if accent else (244, 242, 240)
    wall = shade(stone, -0.07)
    _ground(draw, size, [(0, shade(wall, -0.08)), (0.5, wall), (0.659, shade(wall, -0.07)), (0.66, shade(stone, -0.03)),
                         (0.72, stone), (0.955, shade(stone, 0.2)), (0.956, shade(stone, -0.16)),
                         (1, shade(stone, -0.3))])  # fmt: skip
    _veins(draw, (-0.1 * w, 0, 1.1 * w, 0.65 * h), dice, shade(wall, -0.02), 9)
    _veins(draw, (-0.1 * w, 0.665 * h, 1.1 * w, 0.95 * h), dice, shade(stone, -0.08), 13)
    draw.line((0, 0.957 * h, w, 0.957 * h), fill=(255, 255, 255), width=max(1, h // 200))
    _plant(draw, (w * dice.choice((0.06, 0.94)), 0.68 * h), h * 0.32, dice)
    return 0.86


def wood_table(draw: ImageDraw.ImageDraw, size: Size, dice: random.Random, accent: Colour | None) -> float:
    """Planks in perspective before a warm, blurred room."""
    w, h = size
    wall = mix((120, 92, 74), accent, 0.35) if accent else (120, 92, 74)
    _ground(draw, size, [(0, shade(wall, -0.3)), (0.4, wall), (0.6, shade(wall, 0.12)), (1, shade(wall, -0.1))])
    _bokeh(draw, size, dice, (shade(wall, 0.3), mix(wall, (255, 214, 150), 0.55), shade(wall, 0.16)), 0.5)
    top = 0.62 * h
    planks = 7
    for n in range(planks):
        wood = shade((172, 118, 76), dice.uniform(-0.16, 0.12))
        far = [w * (0.5 + (n + k - planks / 2) / planks * 0.86) for k in (0, 1)]
        near = [w * (0.5 + (n + k - planks / 2) / planks * 1.9) for k in (0, 1)]
        draw.polygon([(far[0], top), (far[1], top), (near[1], h), (near[0], h)], fill=wood)
        for _ in range(9):
            t, bend = dice.random(), dice.uniform(-0.04, 0.04)
            start, end = far[0] + (far[1] - far[0]) * t, near[0] + (near[1] - near[0]) * (t + bend)
            draw.line((start, top, end, h), fill=shade(wood, dice.uniform(-0.14, 0.08)))
        draw.line((far[1], top, near[1], h), fill=shade(wood, -0.4), width=max(1, w // 220))
    draw.rectangle((0, top - h * 0.004, w, top + h * 0.004), fill=(208, 160, 116))
    return 0.86


def brick_loft(draw: ImageDraw.ImageDraw, size: Size, dice: random.Random, accent: Colour | None) -> float:
    """A brick wall, a tall window and a board floor."""
    w, h = size
    brick = mix((168, 96, 74), accent, 0.3) if accent else (168, 96, 74)
    draw.rectangle((0, 0, w, h), fill=shade(brick, -0.35))
    rows = 22
    bh, bw = 0.78 * h / rows, w / 9
    for row in range(rows):
        x = -bw * (0.5 if row % 2 else 0.0)
        while x < w:
            draw.rectangle(
                (x + 1, row * bh + 1, x + bw - 1, (row + 1) * bh - 1), fill=shade(brick, dice.uniform(-0.18, 0.14))
            )
            x += bw
    left = w * dice.choice((0.06, 0.66))
    _window(draw, (left, 0.08 * h, left + 0.28 * w, 0.56 * h))
    _floorboards(draw, size, 0.78, (150, 112, 84), dice)
    return 0.9


def _window(draw: ImageDraw.ImageDraw, box: Box) -> None:
    left, top, right, bottom = box
    draw.rectangle(box, fill=(54, 52, 54))
    for column in range(3):
        for row in range(4):
            x0, y0 = left + (right - left) * (column + 0.06) / 3, top + (bottom - top) * (row + 0.06) / 4
            x1, y1 = left + (right - left) * (column + 0.94) / 3, top + (bottom - top) * (row + 0.94) / 4
            draw.rectangle((x0, y0, x1, y1), fill=mix((214, 230, 240), (255, 250, 236), row / 3))


def _floorboards(draw: ImageDraw.ImageDraw, size: Size, level: float, wood: Colour, dice: random.Random) -> None:
    w, h = size
    rows = 6
    for row in range(rows):
        y0, y1 = (h * (level + (1 - level) * ((row + k) / rows) ** 1.5) for k in (0, 1))
        draw.rectangle((0, y0, w, y1), fill=shade(wood, dice.uniform(-0.08, 0.1)))
        draw.line((0, y1, w, y1), fill=shade(wood, -0.3))
        for _ in range(3):
            x = dice.uniform(0, w)
            draw.line((x, y0, x, y1), fill=shade(wood, -0.28))


def room(draw: ImageDraw.ImageDraw, size: Size, dice: random.Random, accent: Colour | None) -> float:
    """A painted wall with window light on it, a floor, a picture and a plant."""
    w, h = size
    wall = (
        mix(accent, (240, 236, 230), 0.45)
        if accent
        else dice.choice(((226, 216, 202), (206, 214, 206), (222, 210, 208)))
    )
    _ground(draw, size, [(0, shade(wall, -0.06)), (0.5, shade(wall, 0.08)), (1, wall)])
    slant = 0.12 * w
    for column in range(2):
        for row in range(2):
            x, y = w * (0.16 + 0.2 * column), h * (0.12 + 0.22 * row)
            pane = [
                (x, y),
                (x + 0.17 * w, y + 0.03 * h),
                (x + 0.17 * w + slant * 0.2, y + 0.23 * h),
                (x + slant * 0.2, y + 0.2 * h),
            ]
            draw.polygon(pane, fill=shade(wall, 0.42))
    x = w * 0.74
    draw.rectangle((x, 0.16 * h, x + 0.16 * w, 0.4 * h), fill=(250, 248, 244), outline=(120, 96, 74))
    draw.ellipse((x + 0.035 * w, 0.22 * h, x + 0.125 * w, 0.22 * h + 0.09 * w), fill=mix(wall, (206, 104, 76), 0.7))
    draw.rectangle((0, 0.765 * h, w, 0.785 * h), fill=(248, 246, 242))
    _floorboards(draw, size, 0.785, (196, 158, 120), dice)
    _plant(draw, (w * dice.choice((0.07, 0.93)), 0.84 * h), h * 0.46, dice)
    return 0.9


def _plant(draw: ImageDraw.ImageDraw, foot: tuple[float, float], height: float, dice: random.Random) -> None:
    x, y = foot
    for n in range(13):
        angle = math.radians(-90 + (n - 6) * 13 + dice.uniform(-6, 6))
        reach = height * dice.uniform(0.6, 1.0)
        tip = (x + math.cos(angle) * reach * 0.7, y - height * 0.24 + math.sin(angle) * reach * 0.76)
        side = (math.sin(angle) * height * 0.055, -math.cos(angle) * height * 0.055)
        middle = ((x + tip[0]) / 2, (y - height * 0.24 + tip[1]) / 2)
        leaf = [
            (x, y - height * 0.2),
            (middle[0] + side[0], middle[1] + side[1]),
            tip,
            (middle[0] - side[0], middle[1] - side[1]),
        ]
        draw.polygon(leaf, fill=shade((84, 128, 92), dice.uniform(-0.3, 0.18)))
    half = height * 0.1
    draw.polygon([(x - half, y - height * 0.24), (x + half, y - height * 0.24), (x + half * 0.74, y), (x - half * 0.74, y)],
                 fill=(206, 184, 164))  # fmt: skip


def podium(draw: ImageDraw.ImageDraw, size: Size, dice: random.Random, accent: Colour | None) -> float:
    """A round pedestal before an arch."""
    w, h = size
    wall = (
        mix(accent, (246, 238, 232), 0.4)
        if accent
        else dice.choice(((238, 214, 204), (214, 222, 212), (222, 214, 232)))
    )
    _ground(draw, size, [(0, wall), (0.74, shade(wall, 0.14)), (0.741, shade(wall, -0.1)), (1, shade(wall, 0.02))])
    half = 0.3 * w
    draw.pieslice((w / 2 - half, 0.14 * h, w / 2 + half, 0.14 * h + 2 * half), 180, 360, fill=shade(wall, -0.14))
    draw.rectangle((w / 2 - half, 0.14 * h + half, w / 2 + half, 0.74 * h), fill=shade(wall, -0.14))
    for level, wide, tone in ((0.86, 0.36, -0.06), (0.8, 0.28, 0.04)):
        rx, ry, thick = wide * w, wide * w * 0.16, 0.06 * h
        side = shade(wall, tone - 0.12)
        draw.ellipse((w / 2 - rx, level * h + thick - ry, w / 2 + rx, level * h + thick + ry), fill=side)
        draw.rectangle((w / 2 - rx, level * h, w / 2 + rx, level * h + thick), fill=side)
        draw.ellipse((w / 2 - rx, level * h - ry, w / 2 + rx, level * h + ry), fill=shade(wall, tone + 0.26))
    return 0.81


def neon_club(draw: ImageDraw.ImageDraw, size: Size, dice: random.Random, accent: Colour | None) -> float:
    """Glowing tubes over a wet floor."""
    w, h = size
    _ground(draw, size, [(0, (22, 14, 44)), (0.6, (58, 26, 84)), (0.76, (30, 16, 52)), (1, (70, 28, 96))])
    tubes: tuple[Colour, ...] = (accent or (255, 72, 178), (64, 222, 255), (160, 92, 255))
    for n in range(5):
        colour = tubes[n % 3]
        x, y, r = w * dice.uniform(0.12, 0.88), h * dice.uniform(0.12, 0.5), w * dice.uniform(0.1, 0.24)
        for width, glow in ((0.03, 0.62), (0.018, 0.3), (0.006, -0.6)):
            tone = mix(colour, (40, 18, 66), glow) if glow > 0 else mix(colour, (255, 255, 255), 0.7)
            thick = max(2, round(w * width))
            if n % 2:
                draw.arc((x - r, y - r, x + r, y + r), 0, 360, fill=tone, width=thick)
            else:
                draw.line(
                    (x - r, y + r * 0.6, x, y - r * 0.6, x + r, y + r * 0.6), fill=tone, width=thick, joint="curve"
                )
        draw.ellipse((x - r, 0.84 * h, x + r, 0.84 * h + 0.08 * h), fill=mix(colour, (50, 22, 76), 0.72))
    return 0.88
