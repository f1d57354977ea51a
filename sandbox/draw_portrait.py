"""The person of a photograph, carried over to the figure: its head where one is found, else its hues."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from sandbox.draw_colour import Colour, mix
from sandbox.draw_cutout import cut_out
from sandbox.draw_file import decode, seed_of
from sandbox.draw_person import Look, look_of
from sandbox.draw_skin import Head, average, head_of, is_skin
from sandbox.orders import Gender

__all__ = ["Portrait", "Sitter", "sitter_of"]

# In the figure's units: what of the photograph is taken over, and where it fades into the figure's neck.
LEFT, TOP, RIGHT, BOTTOM = -130, -70, 130, 150
FADE_FROM = 120
CHEEK = (-16, 84, 16, 92)
HAIR = (-14, 4, 14, 16)
BESIDE_NECK = ((-46, 108, -28, 128), (28, 108, 46, 128))
# How much of the place beside the neck long hair covers, at least.
COVERED = 100
# How far two colours of the same hair may be apart, all bands together.
ALIKE = 90


@dataclass(frozen=True, slots=True)
class Portrait:
    """A head with hair and neck, transparent around; `scale` is its pixels per figure unit."""

    picture: Image.Image
    scale: float

    def onto(self, sheet: Image.Image, origin: tuple[float, float], scale: float) -> None:
        """Lay it over a figure's sheet, crown on crown."""
        size = round((RIGHT - LEFT) * scale), round((BOTTOM - TOP) * scale)
        head = self.picture.resize(size, Image.Resampling.LANCZOS)
        corner = round(origin[0] + LEFT * scale), round(origin[1] + TOP * scale)
        layer = Image.new("RGBA", sheet.size, (0, 0, 0, 0))
        layer.paste(head, corner)
        sheet.alpha_composite(layer)


@dataclass(frozen=True, slots=True)
class Sitter:
    """Who wears the garments."""

    look: Look
    portrait: Portrait | None = None


@lru_cache(maxsize=16)
def sitter_of(photograph: bytes, seed: int, gender: Gender | None) -> Sitter:
    """The person in a photograph; equal photographs give equal persons, so that one model wears a whole catalog."""
    cutout = cut_out(decode(photograph))
    someone = look_of(seed_of(seed, photograph), gender)
    head = None if cutout.grounded else head_of(cutout.picture)
    if head is None:
        return Sitter(someone)
    body = cutout.picture
    hair = average(body.crop(_box(head, HAIR))) or someone.hair
    cheek = average(body.crop(_box(head, CHEEK)))
    skin = cheek if cheek is not None and is_skin(cheek) else someone.skin
    known = gender or _gender(body, head, hair, skin)
    look = replace(someone, gender=known, skin=skin, hair=mix(hair, (20, 16, 16), 0.1), style="none", beard=False)
    return Sitter(look, Portrait(_faded(body.crop(_box(head, (LEFT, TOP, RIGHT, BOTTOM)))), head.scale))


def _box(head: Head, units: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    left, top, right, bottom = units
    return (
        round(head.middle + left * head.scale),
        round(head.crown + top * head.scale),
        round(head.middle + right * head.scale),
        round(head.crown + bottom * head.scale),
    )


def _gender(body: Image.Image, head: Head, hair: Colour, skin: Colour) -> Gender:
    """A guess by hair that falls beside the neck; words in the request overrule it."""
    for units in BESIDE_NECK:
        beside = body.crop(_box(head, units))
        cover = beside.getchannel("A").resize((1, 1), Image.Resampling.BOX).tobytes()[0]
        colour = average(beside)
        if cover > COVERED and colour is not None and _apart(colour, hair) < min(ALIKE, _apart(colour, skin)):
            return "woman"
    return "man"


def _apart(one: Colour, other: Colour) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))


def _faded(head: Image.Image) -> Image.Image:
    w, h = head.size
    start = round(h * (FADE_FROM - TOP) / (BOTTOM - TOP))
    fade = Image.new("L", (w, h), 255)
    draw = ImageDraw.Draw(fade)
    for y in range(start, h):
        draw.line((0, y, w, y), fill=255 - 255 * (y - start) // max(1, h - start))
    softened = ImageChops.multiply(head.getchannel("A"), fade).filter(ImageFilter.BoxBlur(0.6))
    head.putalpha(softened)
    return head
