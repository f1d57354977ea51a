"""Cutting a subject out of its background: by its own transparency, or by how it differs from what lies at the edges."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from sandbox.draw_shapes import threshold

__all__ = ["Cutout", "cut_out", "shape_of"]

# Alpha below this counts as seen through.
CLEAR = 40
# How far a pixel must be from the background to belong to the subject, from surely not to surely.
NEAR, FAR = 9, 30
GRID = 96
# The sandbox's own mark sits in this corner and belongs to no subject.
MARK_WIDTH, MARK_HEIGHT = 0.2, 0.05
_RAMP = [max(0, min(255, (level - NEAR) * 255 // (FAR - NEAR))) for level in range(256)]
_SOLID = threshold(CLEAR)
# Below this height the floor begins, where shadows lie.
FLOOR = 0.87
# The share of holes above which a subject is taken to be whole and the holes to look like the background.
HOLES = 0.15
NOISY_PIXELS = 300_000
_COLOURED = threshold(16)
_BLACK = threshold(118)
_TINGED = [max(0, min(255, (spread - 3) * 64)) for spread in range(256)]
_STEEP = [max(0, min(255, (level - 128) * 4)) for level in range(256)]
_HALF = threshold(110)
_LOW = threshold(NEAR + 4)


@dataclass(frozen=True, slots=True)
class Cutout:
    """A subject, cropped to itself; `share` is how much of the picture it filled, `grounded` if it left at the bottom."""

    picture: Image.Image
    share: float
    grounded: bool
    box: tuple[int, int, int, int]


def cut_out(picture: Image.Image) -> Cutout:
    """The subject of a picture."""
    mask = _alpha(picture) if _seen_through(picture) else _difference(picture)
    solid = mask.point(_SOLID)
    box = solid.getbbox() or (0, 0, *picture.size)
    share = shape_of(solid).filled
    cut = picture.convert("RGB")
    cut.putalpha(mask)
    edge = solid.crop((0, picture.height - 1, picture.width, picture.height)).getbbox()
    grounded = edge is not None and edge[2] - edge[0] > picture.width * 0.12
    return Cutout(cut.crop(box), share, grounded, box)


def _seen_through(picture: Image.Image) -> bool:
    if picture.mode != "RGBA":
        return False
    small = picture.getchannel("A").resize((32, 32), Image.Resampling.BOX)
    return sum(small.histogram()[:CLEAR]) > 20  # noqa: PLR2004 - 2 % of the picture


def _alpha(picture: Image.Image) -> Image.Image:
    return picture.getchannel("A")


def _difference(picture: Image.Image) -> Image.Image:
    opaque = picture.convert("RGB")
    red, green, blue = ImageChops.difference(opaque, _background(opaque)).split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    least = ImageChops.darker(ImageChops.darker(red, green), blue)
    _clear_shadow(most, least)
    w, h = most.size
    ImageDraw.Draw(most).rectangle((*_mark_corner(w, h), w, h), fill=0)
    if w * h > NOISY_PIXELS:
        most = most.filter(ImageFilter.BoxBlur(1))
    mask = _whole(most, ImageChops.subtract(most, least).filter(ImageFilter.BoxBlur(1)))
    # A rim of background would glow before a darker scene.
    return mask.filter(ImageFilter.MinFilter(3)) if w * h > NOISY_PIXELS else mask


def _background(picture: Image.Image) -> Image.Image:
    # What the left and right edges show, row by row, spanned between them.
    w, h = picture.size
    strip = max(1, w // 60)
    left = picture.crop((0, 0, strip, h)).resize((1, h), Image.Resampling.BOX)
    right = picture.crop((w - strip, 0, w, h)).resize((1, h), Image.Resampling.BOX)
    mark = _mark_corner(w, h)[1]
    right.paste(left.crop((0, mark, 1, h)), (0, mark))
    sides = Image.new("RGB", (2, h))
    sides.paste(left, (0, 0))
    sides.paste(right, (1, 0))
    smooth = sides.resize((2, max(2, h // 8)), Image.Resampling.BOX)
    return smooth.resize((w, h), Image.Resampling.BILINEAR)


def _mark_corner(w: int, h: int) -> tuple[int, int]:
    return w - round(max(w, h) * MARK_WIDTH), h - round(max(w, h) * MARK_HEIGHT)


def _clear_shadow(most: Image.Image, least: Image.Image) -> None:
    # A shadow on the floor darkens all bands alike, and not to black.
    w, h = most.size
    box = (0, round(h * FLOOR), w, h)
    floor, even = most.crop(box), least.crop(box)
    coloured = ImageChops.subtract(floor, even).point(_COLOURED)
    kept = ImageChops.lighter(coloured, floor.point(_BLACK))
    most.paste(ImageChops.darker(floor, kept), box)


def _whole(most: Image.Image, spread: Image.Image) -> Image.Image:
    """
    The subject's mask, filled where its inside looks like the background.

    All of it where that is much, as with a white shirt on white; else what has a hue that light alone can't explain.
    """
    edges = most.point(_RAMP)
    small = most.resize((GRID, GRID), Image.Resampling.BOX).point(_LOW).filter(ImageFilter.MedianFilter(3))
    rows = _spans(small)
    columns = _spans(small.transpose(Image.Transpose.TRANSPOSE)).transpose(Image.Transpose.TRANSPOSE)
    inside = ImageChops.darker(rows, columns)
    seen, whole = small.histogram()[255], inside.histogram()[255]
    filled = inside.filter(ImageFilter.MinFilter(3)).resize(most.size, Image.Resampling.BICUBIC).point(_STEEP)
    if seen > whole * (1 - HOLES):
        filled = ImageChops.darker(filled, spread.point(_TINGED))
    return ImageChops.lighter(edges, filled)


def _spans(mask: Image.Image) -> Image.Image:
    # From the first to the last set pixel of each row.
    data = mask.tobytes()
    rows = bytearray()
    for start in range(0, len(data), GRID):
        row = data[start : start + GRID]
        first, last = row.find(255), row.rfind(255)
        rows += row if first < 0 else bytes(first) + b"\xff" * (last - first + 1) + bytes(GRID - last - 1)
    return Image.frombytes("L", (GRID, GRID), bytes(rows))


@dataclass(frozen=True, slots=True)
class Shape:
    """A silhouette on a small grid of rows, each a list of opaque runs (start, end), all in shares of 1."""

    rows: list[list[tuple[float, float]]]
    filled: float

    def runs(self, at: float) -> list[tuple[float, float]]:
        """The opaque runs at a height."""
        return self.rows[min(len(self.rows) - 1, max(0, int(at * len(self.rows))))]

    def middle(self, at: float) -> tuple[float, float] | None:
        """The run over the middle line at a height."""
        return next((run for run in self.runs(at) if run[0] <= 0.5 <= run[1]), None)  # noqa: PLR2004 - the middle


def shape_of(mask: Image.Image, rows: int = 48, columns: int = 64) -> Shape:
    """The silhouette of an alpha mask."""
    data = mask.resize((columns, rows), Image.Resampling.BOX).point(_HALF).tobytes()
    lines = [_runs(data[start : start + columns], columns) for start in range(0, len(data), columns)]
    return Shape(lines, data.count(255) / len(data))


def _runs(row: bytes, columns: int) -> list[tuple[float, float]]:
    runs: list[tuple[float, float]] = []
    at = row.find(255)
    while at >= 0:
        end = row.find(0, at)
        end = columns if end < 0 else end
        runs.append((at / columns, end / columns))
        at = row.find(255, end)
    return runs
