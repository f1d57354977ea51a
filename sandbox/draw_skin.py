"""Skin in pictures: where it is, and how to give it another tone."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageChops, ImageFilter, ImageOps

from sandbox.draw_colour import Colour, shade
from sandbox.draw_shapes import band, threshold

__all__ = ["Head", "average", "dyed", "head_of", "is_skin", "skin_mask"]

# Chroma ranges that human skin of any tone falls into.
# In the figure's units: where the skin of the face begins below the hair, and where the figure ends.
FOREHEAD, SOLES = 26, 991
# In shares of a person's height: how far down the face is looked for, and how wide it is.
HEAD_ROOM, NARROWEST_FACE, WIDEST_FACE = 0.125, 0.035, 0.14
# A face that begins this much lower than it should stands under a bun or a high hat.
HIGH_HAIR = 0.03
SURELY, BARELY = 160, 40
_NEAR = band(0, 49)
_OPAQUE = threshold(128)
_CB = band(82, 122)
_CR = band(138, 172)


def skin_mask(picture: Image.Image) -> Image.Image:
    """Where a picture shows skin."""
    _, cb, cr = picture.convert("RGB").convert("YCbCr").split()
    mask = ImageChops.darker(cb.point(_CB), cr.point(_CR))
    return mask.filter(ImageFilter.MedianFilter(3)) if min(picture.size) > 64 else mask  # noqa: PLR2004 - too small


@dataclass(frozen=True, slots=True)
class Head:
    """Where a person's head is on a cut-out: the crown's row, the middle column, and pixels per figure unit."""

    crown: float
    middle: float
    scale: float


def head_of(body: Image.Image) -> Head | None:
    """The head on top of a cut-out person; None when no face is there."""
    w, h = body.size
    upper = body.crop((0, 0, w, max(2, round(h * HEAD_ROOM))))
    crown = upper.crop((0, round(h * 0.04), w, max(round(h * 0.06), round(h * 0.04) + 1))).getbbox()
    if crown is None:
        return None
    face = _colour_at(upper, (crown[0] + crown[2]) / 2, h * 0.085, h * 0.012)
    if face is None or not is_skin(face):
        return None
    box = _like(upper, face).getbbox()
    if box is None or not NARROWEST_FACE * h < box[2] - box[0] < WIDEST_FACE * h:
        return None
    middle = (box[0] + box[2]) / 2
    scale = (h - box[1]) / (SOLES - FOREHEAD)
    crown = box[1] - FOREHEAD * scale
    if crown < HIGH_HAIR * h:
        return Head(0.0, middle, h / SOLES)
    return Head(crown, middle, scale)


def _colour_at(picture: Image.Image, x: float, y: float, half: float) -> Colour | None:
    half = max(half, 1.0)
    spot = picture.crop((round(x - half), round(y - half), round(x + half), round(y + half)))
    if int(spot.getchannel("A").getextrema()[0]) < SURELY:  # pyright: ignore[reportArgumentType] - one band gives one pair
        return None
    return average(spot)


def average(picture: Image.Image) -> Colour | None:
    """The mean colour of what is opaque; None where little is."""
    red, green, blue, alpha = picture.convert("RGBa").resize((1, 1), Image.Resampling.BOX).tobytes()
    if alpha < BARELY:
        return None
    # Premultiplied by opacity, so that the cleared background has no say.
    return min(255, red * 255 // alpha), min(255, green * 255 // alpha), min(255, blue * 255 // alpha)


def is_skin(colour: Colour) -> bool:
    """Whether a colour is one that human skin has."""
    _, cb, cr = Image.new("RGB", (1, 1), colour).convert("YCbCr").tobytes()
    return bool(_CB[cb] and _CR[cr])


def _like(picture: Image.Image, colour: Colour) -> Image.Image:
    apart = ImageChops.difference(picture.convert("RGB"), Image.new("RGB", picture.size, colour)).split()
    near = ImageChops.lighter(ImageChops.lighter(apart[0], apart[1]), apart[2]).point(_NEAR)
    return ImageChops.darker(near, picture.getchannel("A").point(_OPAQUE)).filter(ImageFilter.MinFilter(3))


def dyed(picture: Image.Image, colour: Colour, mask: Image.Image) -> Image.Image:
    """The picture with what the mask covers in another colour, its light and shade kept."""
    grey = ImageOps.autocontrast(picture.convert("L"), cutoff=1)
    tinted = ImageOps.colorize(grey, shade(colour, -0.72), shade(colour, 0.66), mid=colour)  # pyright: ignore[reportArgumentType] - tuples are taken as well
    dyed_picture = Image.composite(tinted, picture.convert("RGB"), mask)
    if picture.mode == "RGBA":
        dyed_picture.putalpha(picture.getchannel("A"))
    return dyed_picture
