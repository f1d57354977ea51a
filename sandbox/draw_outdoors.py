"""Places under the sky; each painter returns the height, in shares, at which things stand."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageDraw

from sandbox.draw_backdrop import vertical
from sandbox.draw_colour import Colour, mix, shade

__all__ = ["beach", "city", "desert", "garden", "mountains"]

Size = tuple[int, int]


def _sky(draw: ImageDraw.ImageDraw, size: Size, stops: list[tuple[float, Colour]]) -> None:
    canvas: Image.Image = draw._image  # noqa: SLF001 # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue, reportUnknownVariableType] - the sheet being drawn on
    canvas.paste(vertical(size, stops), (0, 0))


def _ridge(size: Size, dice: random.Random, level: float, swing: float, waves: int) -> list[tuple[float, float]]:
    w, h = size
    phases = [(dice.uniform(0, math.tau), dice.uniform(0.6, 1.5)) for _ in range(waves)]
    line: list[tuple[float, float]] = []
    for step in range(49):
        t = step / 48
        lift = sum(math.sin(phase + t * math.pi * (n + 1) * 1.3) * size_ for n, (phase, size_) in enumerate(phases))
        line.append((t * w, (level - swing * lift / waves) * h))
    return [*line, (w, h), (0, h)]


def beach(draw: ImageDraw.ImageDraw, size: Size, dice: random.Random, accent: Colour | None) -> float:
    """Sand, surf and a low sun."""
    del accent
    w, h = size
    sand, sea = (236, 214, 176), (74, 164, 176)
    _sky(draw, size, [(0, (142, 196, 226)), (0.36, (226, 240, 240)), (0.42, (250, 240, 222)), (0.421, shade(sea, -0.18)),
                      (0.6, mix(sea, (214, 240, 232), 0.4)), (0.601, shade(sand, -0.12)), (0.7, sand),
                      (1, shade(sand, -0.1))])  # fmt: skip
    x = w * dice.uniform(0.2, 0.8)
    for radius, pale in ((0.11, 60), (0.075, 130), (0.05, 255)):
        colour = mix((246, 238, 220), (255, 250, 226), pale / 255)
        draw.ellipse((x - radius * w, 0.24 * h - radius * w, x + radius * w, 0.24 * h + radius * w), fill=colour)
    for n in range(14):
        y = h * (0.435 + 0.012 * n)
        left = dice.uniform(0, 0.8) * w
        draw.line((left, y, left + dice.uniform(0.06, 0.3) * w, y), fill=shade(sea, 0.34), width=max(1, h // 240))
    foam = _ridge(size, dice, 0.6, 0.012, 3)[:49]
    draw.line(foam, fill=(252, 252, 248), width=max(2, h // 60))
    draw.line([(px, py + h * 0.02) for px, py in foam], fill=(226, 210, 178), width=max(1, h // 110))
    for _ in range(160):
        px, py = dice.uniform(0, w), h * (0.66 + 0.34 * dice.random())
        draw.point((px, py), fill=shade(sand, dice.uniform(-0.22, 0.2)))
    _palm(draw, size, dice)
    return 0.86


def _palm(draw: ImageDraw.ImageDraw, size: Size, dice: random.Random) -> None:
    w, h = size
    side = dice.choice((0, 1))
    x, y = w * (0.03 if side == 0 else 0.97), h * 0.1
    for n in range(7):
        angle = math.radians(20 + 23 * n)
        reach = w * 0.3
        tip = (x + math.cos(angle) * reach, y + math.sin(angle) * reach * 0.62)
        bend = ((x + tip[0]) / 2, (y + tip[1]) / 2 - h * 0.06)
        colour = shade((64, 120, 84), dice.uniform(-0.2, 0.1))
        draw.polygon([(x, y - 3), bend, tip, (bend[0], bend[1] + h * 0.025), (x, y + 3)], fill=colour)


def desert(draw: ImageDraw.ImageDraw, size: Size, dice: random.Random, accent: Colour | None) -> float:
    """Dunes one behind the other."""
    del accent
    _sky(draw, size, [(0, (246, 214, 184)), (0.45, (253, 238, 214)), (1, (250, 226, 190))])
    w, h = size
    x = w * dice.uniform(0.25, 0.75)
    draw.ellipse((x - 0.07 * w, 0.18 * h, x + 0.07 * w, 0.18 * h + 0.14 * w), fill=(255, 246, 226))
    sand = (222, 166, 112)
    for level, swing, light in ((0.5, 0.07, 0.26), (0.6, 0.07, 0.12), (0.72, 0.05, 0.0), (0.84, 0.03, -0.06)):
        dune = _ridge(size, dice, level, swing, 2)
        draw.polygon(dune, fill=shade(sand, light))
        shady = [(px, py + h * 0.03 + (px / w) * h * 0.1) for px, py in dune[:49]]
        draw.polygon([*shady, (w, h), (0, h)], fill=shade(sand, light - 0.06))
    return 0.88


def mountains(draw: ImageDraw.ImageDraw, size: Size, dice: random.Random, accent: Colour | None) -> float:
    """Snowy peaks, firs and falling flakes."""
    del accent
    w, h = size
    _sky(draw, size, [(0, (164, 198, 226)), (0.5, (226, 238, 246)), (1, (246, 249, 252))])
    for level, tone in ((0.3, (176, 194, 214)), (0.42, (202, 216, 230))):
        for _ in range(4):
            x, half = dice.uniform(-0.1, 1.1) * w, dice.uniform(0.2, 0.36) * w
            peak, foot = level * h * dice.uniform(0.7, 1.1), 0.68 * h
            draw.polygon([(x, peak), (x + half, foot), (x - half, foot)], fill=tone)
            draw.polygon([(x, peak), (x + half, foot), (x + half * 0.12, foot * 0.8)], fill=shade(tone, -0.12))
            cap = [(x, peak), (x + half * 0.26, peak + (foot - peak) * 0.26), (x + half * 0.08, peak + (foot - peak) * 0.2),
                   (x - half * 0.06, peak + (foot - peak) * 0.28), (x - half * 0.26, peak + (foot - peak) * 0.26)]  # fmt: skip
            draw.polygon(cap, fill=(252, 253, 255))
    draw.polygon(_ridge(size, dice, 0.66, 0.03, 2), fill=(240, 245, 250))
    for _ in range(12):
        _fir(draw, (dice.uniform(0, 1) * w, h * dice.uniform(0.66, 0.74)), h * dice.uniform(0.08, 0.16))
    draw.polygon(_ridge(size, dice, 0.76, 0.02, 2), fill=(250, 252, 254))
    for _ in range(90):
        x, y, r = dice.uniform(0, w), dice.uniform(0, h), dice.uniform(0.5, 1.6) * h / 320
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(255, 255, 255))
    return 0.88


def _fir(draw: ImageDraw.ImageDraw, foot: tuple[float, float], height: float) -> None:
    x, y = foot
    for n in range(3):
        top, base = y - height * (1 - 0.26 * n), y - height * (0.56 - 0.26 * n)
        half = height * (0.16 + 0.07 * n)
        draw.polygon([(x, top), (x + half, base), (x - half, base)], fill=(86, 122, 116))
        draw.polygon([(x, top), (x + half * 0.4, top + (base - top) * 0.4), (x - half * 0.4, top + (base - top) * 0.4)],
                     fill=(236, 244, 248))  # fmt: skip


def city(draw: ImageDraw.ImageDraw, size: Size, dice: random.Random, accent: Colour | None) -> float:
    """House fronts, lit windows and a street that runs away."""
    del accent
    w, h = size
    _sky(draw, size, [(0, (188, 206, 222)), (0.5, (240, 230, 220)), (0.72, (206, 200, 196)), (1, (150, 148, 152))])
    x = -0.05 * w
    while x < w:
        width, top = dice.uniform(0.1, 0.2) * w, h * dice.uniform(0.04, 0.34)
        if 0.34 * w < x + width / 2 < 0.66 * w:
            top = h * dice.uniform(0.3, 0.44)
        tone = dice.choice(((178, 160, 148), (150, 156, 168), (196, 178, 160), (132, 128, 136), (168, 140, 128)))
        draw.rectangle((x, top, x + width, 0.72 * h), fill=tone)
        _windows(draw, (x, top, x + width, 0.7 * h), dice, tone)
        x += width + 1
    draw.polygon([(0, 0.74 * h), (w, 0.74 * h), (w, h), (0, h)], fill=(168, 164, 164))
    draw.polygon([(0.44 * w, 0.7 * h), (0.56 * w, 0.7 * h), (0.9 * w, h), (0.1 * w, h)], fill=(118, 118, 126))
    for n in range(5):
        y, half = h * (0.73 + 0.06 * n), (0.004 + 0.004 * n) * w
        draw.polygon([(w / 2 - half, y), (w / 2 + half, y), (w / 2 + half * 1.5, y + h * 0.03),
                      (w / 2 - half * 1.5, y + h * 0.03)], fill=(232, 226, 208))  # fmt: skip
    for _ in range(16):
        px, py, r = dice.uniform(0, w), h * dice.uniform(0.3, 0.7), w * dice.uniform(0.008, 0.026)
        draw.ellipse(
            (px - r, py - r, px + r, py + r), fill=dice.choice(((255, 226, 170), (255, 206, 150), (250, 240, 214)))
        )
    return 0.9


def _windows(
    draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float], dice: random.Random, tone: Colour
) -> None:
    left, top, right, bottom = box
    step = max(5.0, (right - left) / 5)
    y = top + step * 0.6
    while y < bottom - step:
        x = left + step * 0.4
        while x < right - step * 0.6:
            lit = dice.random() < 0.4  # noqa: PLR2004 - some are at home
            draw.rectangle((x, y, x + step * 0.5, y + step * 0.75), fill=(250, 226, 172) if lit else shade(tone, -0.3))
            x += step
        y += step * 1.35


def garden(draw: ImageDraw.ImageDraw, size: Size, dice: random.Random, accent: Colour | None) -> float:
    """Leaves, light between them, grass and blossoms."""
    w, h = size
    _sky(draw, size, [(0, (206, 226, 190)), (0.4, (150, 188, 130)), (0.7, (98, 146, 88)), (1, (120, 164, 96))])
    greens: tuple[Colour, ...] = ((72, 122, 74), (104, 152, 88), (142, 184, 112), (60, 104, 70), (170, 204, 136))
    for n in range(150):
        depth = n / 150
        x, y = dice.uniform(0, w), h * dice.betavariate(1.2, 1.4) * 0.74
        r = w * dice.uniform(0.02, 0.07) * (1.2 - 0.5 * depth)
        draw.ellipse((x - r, y - r * 0.7, x + r, y + r * 0.7), fill=dice.choice(greens))
    for _ in range(26):
        x, y, r = dice.uniform(0, w), h * dice.uniform(0.02, 0.55), w * dice.uniform(0.012, 0.035)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=mix(dice.choice(greens), (255, 252, 220), 0.62))
    draw.polygon(_ridge(size, dice, 0.74, 0.015, 3), fill=(126, 172, 96))
    for _ in range(260):
        x, y = dice.uniform(0, w), h * dice.uniform(0.74, 1.0)
        draw.line((x, y, x + dice.uniform(-3, 3), y - h * 0.02), fill=shade((118, 166, 88), dice.uniform(-0.25, 0.2)))
    blossom = accent or dice.choice(((244, 214, 226), (252, 246, 226), (236, 196, 108)))
    for _ in range(46):
        x, y, r = dice.uniform(0, w), h * dice.uniform(0.72, 0.99), h * dice.uniform(0.004, 0.011)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=blossom)
    return 0.88
