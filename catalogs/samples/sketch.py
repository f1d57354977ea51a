"""A drawing made of shaded pieces of cloth, with folds, seams, stitches and buttons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from catalogs.samples.curves import Line, Point, dashes, mirror, path, ribbon

__all__ = ["FINE", "SHADOW", "Cloth", "Color", "Fold", "Sketch", "creases", "darker", "lighter", "mixed"]

Color = tuple[int, int, int]
Box = tuple[int, int, int, int]

FINE = 3  # drawn this many times larger, then averaged down: smooth edges
SHADOW: Color = (74, 62, 92)  # cool, so that shadows keep the cloth's hue
LIGHT: Color = (190, 186, 178)


def darker(color: Color, share: float) -> Color:
    """The colour, `share` of the way to a cool near-black."""
    return mixed(color, (24, 20, 32), share)


def lighter(color: Color, share: float) -> Color:
    """The colour, `share` of the way to white."""
    return mixed(color, (255, 255, 255), share)


def mixed(color: Color, other: Color, share: float) -> Color:
    """The colour, `share` of the way to another."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(color, other, strict=True))
    return red, green, blue


@dataclass(frozen=True, slots=True)
class Cloth:
    """A canvas-sized swatch, and the ink that outlines what is cut from it."""

    swatch: Image.Image
    ink: Color

    def turned(self, degrees: float, about: Point) -> Cloth:
        """The cloth laid at an angle, as along a sleeve."""
        centre = (about[0] * FINE, about[1] * FINE)
        turned = self.swatch.rotate(degrees, Image.Resampling.BICUBIC, center=centre, fillcolor=self.ink)
        return Cloth(turned, self.ink)


@dataclass(frozen=True, slots=True)
class Fold:
    """A soft stroke that darkens the cloth, or, with a negative strength, lightens it."""

    line: Sequence[Point]
    width: float
    strength: float


def creases(*strokes: tuple[str, float, float]) -> list[Fold]:
    """Folds on both sides of the axis, each given by path, width and strength for the right side."""
    right = [Fold(path(data), width, strength) for data, width, strength in strokes]
    return right + [Fold(mirror(fold.line), fold.width, fold.strength) for fold in right]


class Sketch:
    """A transparent canvas in units of one final pixel."""

    def __init__(self, width: int = 600, height: int = 800) -> None:
        self.width, self.height = width, height
        self.image = Image.new("RGBA", (width * FINE, height * FINE))

    def piece(
        self,
        outline: Line,
        cloth: Cloth,
        *,
        folds: Sequence[Fold] = (),
        edge: float = 0.5,
        round_: float = 16,
        cast: float = 0.0,
        line: float = 1.5,
        joined: Sequence[Line] = (),
    ) -> None:
        """
        Lay a shaded piece on top, in one with the outlines `joined` to it.

        `edge` darkens its rim over `round_` pixels, `cast` its surroundings, `line` is the outline's width.
        """
        box = self._around([point for part in (outline, *joined) for point in part], 2.5 * round_)
        mask = _filled((outline, *joined), box)
        small = mask.resize(_extent(box), Image.Resampling.BOX)
        if cast:
            self._cast(small, box, cast)
        rim = ImageChops.invert(small).filter(ImageFilter.GaussianBlur(round_))
        dark = ImageChops.add(_scaled(rim, edge), _strokes([fold for fold in folds if fold.strength > 0], box))
        light = _strokes([fold for fold in folds if fold.strength < 0], box)
        shaded = _shaded(cloth.swatch.crop(_fine_box(box)), dark, light).convert("RGBA")
        shaded.putalpha(mask)
        self.image.alpha_composite(shaded, _fine_box(box)[:2])
        if joined:
            inner = mask.filter(ImageFilter.MinFilter(FINE))
            self._paint(ImageChops.subtract(mask, inner), box, cloth.ink)
        elif line:
            self.stroke([*outline, outline[0]], cloth.ink, line)

    def pair(
        self,
        outline: Line,
        cloth: Cloth,
        *,
        turn: float = 0,
        folds: Sequence[Fold] = (),
        edge: float = 0.5,
        round_: float = 16,
        cast: float = 0.0,
    ) -> None:
        """Lay a piece and its mirror image, as sleeves and pockets come; `turn` lays the cloth at an angle."""
        about = outline[0]
        for side in (1, -1):
            laid = outline if side == 1 else mirror(outline)
            turned = cloth.turned(side * turn, about if side == 1 else mirror([about])[0]) if turn else cloth
            self.piece(laid, turned, folds=folds, edge=edge, round_=round_, cast=cast)

    def stroke(self, line: Sequence[Point], color: Color, width: float = 1.2, alpha: float = 1.0) -> None:
        """Draw a line of even width."""
        box = self._around(line, width)
        layer = Image.new("L", _fine_extent(box))
        points = _moved(line, box)
        ImageDraw.Draw(layer).line(points, fill=round(255 * alpha), width=round(width * FINE), joint="curve")
        self._paint(layer, box, color)

    def pen(self, line: Sequence[Point], color: Color, width: float, alpha: float = 1.0) -> None:
        """Draw a line that swells and thins like a pen's."""
        self.fill(ribbon(line, width), color, alpha)

    def fill(self, outline: Line, color: Color, alpha: float = 1.0) -> None:
        """Fill a shape with a flat colour."""
        box = self._around(outline, 1)
        self._paint(_scaled(_filled([outline], box), alpha), box, color)

    def stitch(self, line: Sequence[Point], color: Color, *, width: float = 1.3, on: float = 6, off: float = 4) -> None:
        """Draw a row of stitches."""
        draw = ImageDraw.Draw(self.image)
        for dash in dashes(line, on, off):
            draw.line(_fine(dash), fill=(*color, 255), width=round(width * FINE))

    def button(self, x: float, y: float, radius: float, color: Color) -> None:
        """Sew on a four-hole button."""
        draw = ImageDraw.Draw(self.image)
        draw.ellipse(_disc(x + 0.6, y + 1.2, radius + 0.5), fill=(*darker(color, 0.7), 255))
        draw.ellipse(_disc(x, y, radius), fill=(*color, 255), outline=(*darker(color, 0.45), 255), width=FINE)
        draw.ellipse(_disc(x, y, radius * 0.66), outline=(*darker(color, 0.2), 255), width=FINE // 2)
        for dx, dy in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
            draw.ellipse(
                _disc(x + dx * radius * 0.22, y + dy * radius * 0.22, radius * 0.13),
                fill=(*darker(color, 0.75), 255),
            )

    def finished(self, margin: int = 28) -> Image.Image:
        """The drawing at its final size, as large as the margin lets it be."""
        drawn = self.image.crop(self.image.getbbox())
        scale = min((self.width - 2 * margin) / drawn.width, (self.height - 2 * margin) / drawn.height)
        fitted = drawn.resize((round(drawn.width * scale), round(drawn.height * scale)), Image.Resampling.LANCZOS)
        canvas = Image.new("RGBA", (self.width, self.height))
        canvas.paste(fitted, ((self.width - fitted.width) // 2, (self.height - fitted.height) // 2))
        return canvas

    def _cast(self, small: Image.Image, box: Box, strength: float) -> None:
        shadow = ImageChops.offset(small, 0, 3).filter(ImageFilter.GaussianBlur(4))
        large = _scaled(shadow, strength).resize(_fine_extent(box), Image.Resampling.BICUBIC)
        self._paint(large, box, (30, 24, 40))

    def _paint(self, layer: Image.Image, box: Box, color: Color) -> None:
        laid = self.image.getchannel("A").crop(_fine_box(box)).point([0, *[255] * 255])
        paint = Image.new("RGBA", layer.size, (*color, 255))
        self.image.paste(paint, _fine_box(box)[:2], ImageChops.multiply(layer, laid))

    def _around(self, line: Sequence[Point], margin: float) -> Box:
        xs, ys = [x for x, _ in line], [y for _, y in line]
        left, top = max(0, int(min(xs) - margin)), max(0, int(min(ys) - margin))
        right, bottom = min(self.width, int(max(xs) + margin) + 1), min(self.height, int(max(ys) + margin) + 1)
        return left, top, right, bottom


def _filled(outlines: Sequence[Line], box: Box) -> Image.Image:
    mask = Image.new("L", _fine_extent(box))
    draw = ImageDraw.Draw(mask)
    for outline in outlines:
        draw.polygon(_moved(outline, box), fill=255)
    return mask


def _strokes(folds: Sequence[Fold], box: Box) -> Image.Image:
    total = Image.new("L", _extent(box))
    for fold in folds:
        layer = Image.new("L", total.size)
        outline = [(x - box[0], y - box[1]) for x, y in ribbon(fold.line, fold.width)]
        ImageDraw.Draw(layer).polygon(outline, fill=round(255 * abs(fold.strength)))
        total = ImageChops.add(total, layer.filter(ImageFilter.GaussianBlur(fold.width * 0.3)))
    return total


def _shaded(base: Image.Image, dark: Image.Image, light: Image.Image) -> Image.Image:
    deep = ImageChops.multiply(base, Image.new("RGB", base.size, SHADOW))
    shaded = Image.composite(deep, base, dark.resize(base.size, Image.Resampling.BICUBIC))
    glow = Image.blend(base, Image.new("RGB", base.size, LIGHT), 0.4)
    bright = ImageChops.screen(shaded, glow)
    return Image.composite(bright, shaded, light.resize(base.size, Image.Resampling.BICUBIC))


def _extent(box: Box) -> tuple[int, int]:
    return box[2] - box[0], box[3] - box[1]


def _fine_extent(box: Box) -> tuple[int, int]:
    return (box[2] - box[0]) * FINE, (box[3] - box[1]) * FINE


def _fine_box(box: Box) -> Box:
    return box[0] * FINE, box[1] * FINE, box[2] * FINE, box[3] * FINE


def _fine(line: Sequence[Point]) -> list[Point]:
    return [(x * FINE, y * FINE) for x, y in line]


def _moved(line: Sequence[Point], box: Box) -> list[Point]:
    return [((x - box[0]) * FINE, (y - box[1]) * FINE) for x, y in line]


def _disc(x: float, y: float, radius: float) -> tuple[float, float, float, float]:
    return ((x - radius) * FINE, (y - radius) * FINE, (x + radius) * FINE, (y + radius) * FINE)


def _scaled(layer: Image.Image, share: float) -> Image.Image:
    return layer.point([round(value * share) for value in range(256)])
