"""Outlines and strokes as points, written as SVG path data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import cos, hypot, pi, sin

__all__ = ["Line", "Point", "band", "dashes", "disc", "folded", "mirror", "path", "ribbon"]

Point = tuple[float, float]
Line = list[Point]

STEPS = 28
OPERANDS = {"M": 1, "L": 1, "Q": 2, "C": 3}


def path(data: str) -> Line:
    """The points along a path of absolute `M`, `L`, `Q` and `C` commands."""
    line: Line = []
    for command, points in _commands(data):
        if command == "M":
            line.extend(points)
        else:
            line.extend(_bezier([line[-1], *points]))
    return line


def mirror(line: Sequence[Point], axis: float = 300) -> Line:
    """The same line on the other side of the vertical axis."""
    return [(2 * axis - x, y) for x, y in line]


def folded(data: str, axis: float = 300) -> Line:
    """A whole outline from its right half, drawn from the top of the axis to its bottom."""
    half = path(data)
    return half + mirror(half, axis)[::-1]


def band(upper: str, lower: str) -> Line:
    """The outline between two edges that both run from left to right."""
    return path(upper) + path(lower)[::-1]


def ribbon(line: Sequence[Point], width: float, *, taper: bool = True) -> Line:
    """The outline of a stroke, widest in its middle when tapered."""
    left: Line = []
    right: Line = []
    last = len(line) - 1
    for index, (x, y) in enumerate(line):
        before, after = line[max(index - 1, 0)], line[min(index + 1, last)]
        dx, dy = after[0] - before[0], after[1] - before[1]
        length = hypot(dx, dy) or 1.0
        half = width / 2 * (sin(pi * index / last) ** 0.7 if taper else 1.0)
        left.append((x - dy / length * half, y + dx / length * half))
        right.append((x + dy / length * half, y - dx / length * half))
    return left + right[::-1]


def disc(x: float, y: float, radius: float) -> Line:
    """A circle."""
    return [(x + radius * cos(pi * step / STEPS), y + radius * sin(pi * step / STEPS)) for step in range(2 * STEPS)]


def dashes(line: Sequence[Point], on: float, off: float) -> Iterator[Line]:
    """The stitches of a seam: stretches `on` long with gaps `off` long."""
    stitch: Line = []
    travelled = 0.0
    for start, end in pairwise(line):
        length = hypot(end[0] - start[0], end[1] - start[1])
        steps = max(int(length), 1)
        for step in range(steps):
            share = step / steps
            if travelled % (on + off) < on:
                stitch.append((start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share))
            elif stitch:
                yield stitch
                stitch = []
            travelled += length / steps
    if stitch:
        yield stitch


def _commands(data: str) -> Iterator[tuple[str, list[Point]]]:
    command = "M"
    numbers: list[float] = []
    for token in data.replace(",", " ").split():
        if token in OPERANDS:
            command = token
            continue
        numbers.append(float(token))
        if len(numbers) == 2 * OPERANDS[command]:
            yield command, list(zip(numbers[::2], numbers[1::2], strict=True))
            numbers = []


def _bezier(control: Sequence[Point]) -> Iterator[Point]:
    for step in range(1, STEPS + 1):
        points = control
        while len(points) > 1:
            points = _nearer(points, step / STEPS)
        yield points[0]


def _nearer(points: Sequence[Point], share: float) -> list[Point]:
    """One round of de Casteljau's construction."""
    return [(a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share) for a, b in pairwise(points)]
