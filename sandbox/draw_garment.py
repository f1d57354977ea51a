"""Garments: what each one is, and where on the figure it belongs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import atan2, degrees
from typing import Literal

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from sandbox.draw_cutout import Cutout, Shape, cut_out, shape_of
from sandbox.draw_figure import BODIES, Body
from sandbox.draw_file import decode
from sandbox.draw_shapes import mirrored, threshold
from sandbox.draw_skin import skin_mask
from sandbox.orders import Gender

__all__ = ["Fitted", "Garment", "Kind", "fit", "garment_from", "shaded"]

Kind = Literal["top", "bottom", "dress", "shoes", "bag"]
# Longer than any garment gets on the largest figure.
MOST_PIXELS = 800
SLEEVE = 0.07
# A picture smaller than this is a thumbnail, whose edges are too coarse to follow.
LEAST_PIXELS = 96
_OPAQUE = threshold(128)
_DEPTH = [178 + v * 77 // 255 for v in range(256)]
LEAST_ARM, MOST_ARM, BARE_ARM = 6, 34, 12


@dataclass(frozen=True, slots=True)
class Garment:
    """A garment cut out of its picture."""

    picture: Image.Image
    shape: Shape
    kind: Kind


@dataclass(frozen=True, slots=True)
class Fitted:
    """Where a garment lies on the figure, in its units, and what that asks of arms and ankles."""

    left: float
    top: float
    width: float
    height: float
    arms: tuple[int, int] | None = None
    ankles: tuple[int, int] | None = None


@lru_cache(maxsize=32)
def garment_from(data: bytes, place: int, alone: bool) -> Garment:
    """The garment that a picture shows; `place` is its position in the request."""
    picture = decode(data)
    if max(picture.size) > MOST_PIXELS:
        picture.thumbnail((MOST_PIXELS, MOST_PIXELS), Image.Resampling.LANCZOS, reducing_gap=2.0)
    if max(picture.size) < LEAST_PIXELS:
        factor = -(-LEAST_PIXELS // max(picture.size))
        picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.BICUBIC)
    cutout = cut_out(picture)
    if _worn(picture, cutout):
        cut = _tee_of(_swatch(picture, cutout))
        return Garment(cut, shape_of(cut.getchannel("A")), "top")
    shape = shape_of(cutout.picture.getchannel("A"))
    return Garment(cutout.picture, shape, _kind(cutout.picture, shape, place, alone=alone))


def _kind(picture: Image.Image, shape: Shape, place: int, *, alone: bool) -> Kind:
    tall = picture.height / picture.width
    if _two_legs(shape):
        return "bottom"
    if place == 0:
        return "dress" if alone and tall > 1.5 else "top"  # noqa: PLR2004 - a dress is much taller than wide
    if tall < 0.8:  # noqa: PLR2004 - shoes lie side by side
        return "shoes"
    return "bottom" if place == 1 else "bag"


def _two_legs(shape: Shape) -> bool:
    split = sum(len(shape.runs(at)) == 2 and shape.middle(at) is None for at in (0.7, 0.78, 0.86, 0.94))  # noqa: PLR2004 - two legs
    # Sleeves leave two gaps and a run in the middle; trousers begin with one whole waist.
    waist = shape.runs(0.04)
    return split >= 3 and len(waist) == 1  # noqa: PLR2004 - nearly all the way


def _worn(picture: Image.Image, cutout: Cutout) -> bool:
    if cutout.share > 0.9 or cutout.share < 0.02:  # noqa: PLR2004 - no background was found
        return picture.width * picture.height > 4096  # noqa: PLR2004 - a sprite may fill its square
    return cutout.grounded and _skin_share(cutout.picture) > 0.02  # noqa: PLR2004 - a face, or hands


def _skin_share(cut: Image.Image) -> float:
    upper = cut.crop((0, 0, cut.width, max(1, int(cut.height * 0.35)))).resize((32, 32), Image.Resampling.BOX)
    warm = skin_mask(upper)
    seen = ImageChops.darker(warm, upper.getchannel("A").point(_OPAQUE))
    return seen.histogram()[255] / 1024


def _swatch(picture: Image.Image, cutout: Cutout) -> Image.Image:
    left, top, right, bottom = cutout.box
    w, h = right - left, bottom - top
    return picture.convert("RGB").crop(
        (int(left + w * 0.26), int(top + h * 0.38), int(left + w * 0.74), int(top + h * 0.8))
    )


def _tee_of(swatch: Image.Image) -> Image.Image:
    """A plain T-shirt's outline made of the fabric that a worn garment shows."""
    w, h = 480, 520
    half = [(0, 44), (52, 30), (78, 4), (128, 22), (232, 130), (176, 196), (142, 160), (140, 330), (144, 506), (0, 516)]
    edge = mirrored([(float(x), float(y)) for x, y in half])
    mask = Image.new("L", (w * 2, h * 2), 0)
    ImageDraw.Draw(mask).polygon([(2 * (x + w / 2), 2 * y) for x, y in edge], fill=255)
    fabric = swatch.resize((300, 480), Image.Resampling.LANCZOS)
    tee = Image.new("RGB", (w, h))
    tee.paste(swatch.resize((1, 1), Image.Resampling.BOX).resize((w, h)), (0, 0))
    fade = Image.new("L", (300, 480), 0)
    ImageDraw.Draw(fade).rounded_rectangle((26, 26, 274, 454), 30, fill=255)
    tee.paste(fabric, (90, 36), fade.filter(ImageFilter.GaussianBlur(16)))
    tee.putalpha(mask.reduce(2))
    return tee


def fit(garment: Garment, gender: Gender) -> Fitted:
    """Where the garment goes on a figure of that gender."""
    body = BODIES[gender]
    ratio = garment.picture.height / garment.picture.width
    match garment.kind:
        case "top":
            return _fit_upper(garment.shape, ratio, body.chest * 2.16, body, (265.0, 440.0))
        case "dress":
            return _fit_upper(garment.shape, ratio, body.waist * 2.5, body, (470.0, 800.0))
        case "bottom":
            return _fit_bottom(garment.shape, ratio, body)
        case "shoes":
            width = 190.0
            return Fitted(-width / 2, 1000 - width * ratio - 6, width, width * ratio)
        case "bag":
            height = 190.0 if ratio < 1.2 else 240.0  # noqa: PLR2004 - a bag, or something hung over the arm
            width = height / ratio
            return Fitted(body.shoulder + 64 - width / 2, 520, width, height)


def _fit_upper(shape: Shape, ratio: float, torso: float, body: Body, lengths: tuple[float, float]) -> Fitted:
    narrow = _torso(shape)
    wide = narrow[1] - narrow[0]
    width = max(torso / wide, _shoulder_width(shape, narrow, body))
    height = width * ratio
    limited = min(max(height, lengths[0]), lengths[1])
    # Stretched a little rather than left too short or too long; the rest is scaled.
    stretch = min(max(limited / height, 0.86), 1.16)
    height *= stretch
    if height != limited:
        width *= min(max(limited / height, 0.72), 1.4)
        height = min(max(height, lengths[0]), lengths[1])
    left = -width * (narrow[0] + narrow[1]) / 2
    top = 146.0 - height * 0.01
    return Fitted(left, top, width, height, arms=_arms(shape, narrow, (width, height), body))


def _shoulder_width(shape: Shape, torso: tuple[float, float], body: Body) -> float:
    # A garment with sleeves has to cover the shoulders; straps need not.
    upper = [runs for at in (0.08, 0.12, 0.16) if (runs := shape.runs(at))]
    extent = max((runs[-1][1] - runs[0][0] for runs in upper), default=1.0)
    sleeved = extent > (torso[1] - torso[0]) * 1.02
    return 2 * body.shoulder / extent if sleeved else 0.0


def _torso(shape: Shape) -> tuple[float, float]:
    """The narrowest run over the middle line, below the sleeves' roots."""
    runs = [run for at in (0.45, 0.5, 0.55, 0.6, 0.66, 0.72) if (run := shape.middle(at)) is not None]
    return min(runs, key=lambda run: run[1] - run[0], default=(0.2, 0.8))


def _arms(shape: Shape, torso: tuple[float, float], size: tuple[float, float], body: Body) -> tuple[int, int]:
    """The angles at which the garment's sleeves hang, so that the figure's arms go through them."""
    flipped = [[(1 - end, 1 - start) for start, end in reversed(runs)] for runs in shape.rows]
    return (
        _angle(_sleeve_end(shape.rows, torso[0]), torso, size, body),
        _angle(_sleeve_end(flipped, 1 - torso[1]), torso, size, body),
    )


def _sleeve_end(rows: list[list[tuple[float, float]]], torso: float) -> tuple[float, float] | None:
    """How far outside the torso the sleeve's end lies, and how far down; None without a sleeve."""
    for n in range(len(rows) - 1, len(rows) // 10, -1):
        if rows[n] and torso - rows[n][0][0] > SLEEVE:
            start, end = rows[n][0]
            return torso - (start + min(end, torso)) / 2, n / len(rows)
    return None


def _angle(
    sleeve: tuple[float, float] | None, torso: tuple[float, float], size: tuple[float, float], body: Body
) -> int:
    if sleeve is None:
        return BARE_ARM
    out = (torso[1] - torso[0]) * size[0] / 2 + sleeve[0] * size[0]
    reach = out - (body.shoulder - body.arm[0] * 0.55)
    drop = max(30.0, sleeve[1] * size[1] - 50)
    # Steps of four degrees, so that figures can be drawn once for many garments.
    return round(min(max(degrees(atan2(reach, drop)), LEAST_ARM), MOST_ARM) / 4) * 4


def _fit_bottom(shape: Shape, ratio: float, body: Body) -> Fitted:
    top = 384.0
    waist = shape.runs(0.03)
    wide = (waist[-1][1] - waist[0][0]) if waist else 1.0
    width = body.waist * 2.32 / max(wide, 0.3)
    height = width * ratio
    if _two_legs(shape) and ratio > 1.25:  # noqa: PLR2004 - long trousers
        height = 566.0
        width = min(max(width, height / ratio * 0.86), height / ratio * 1.3)
    else:
        width = min(width, body.hip * 4.2)
        height = min(max(width * ratio, 190.0), 570.0)
    hem = shape.runs(0.97)
    left = -width / 2
    ankles = None
    if len(hem) == 2 and ratio > 1.25:  # noqa: PLR2004 - two legs again
        ankles = tuple(round(abs(left + width * (a + b) / 2) / 4) * 4 for a, b in hem)
    return Fitted(left, top, width, height, ankles=(ankles[0], ankles[1]) if ankles else None)


def shaded(garment: Image.Image) -> Image.Image:
    """The garment with the light and shade of a body under it."""
    alpha = garment.getchannel("A")
    radius = max(1.0, min(garment.size) * 0.06)
    # Blurred beyond its own edge, the outline darkens towards its rim.
    depth = alpha.filter(ImageFilter.BoxBlur(radius)).point(_DEPTH)
    lit = ImageChops.multiply(garment.convert("RGB"), Image.merge("RGB", (depth, depth, depth)))
    lit.putalpha(alpha)
    return lit
