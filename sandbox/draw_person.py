"""Who is drawn: skin, hair and bearing, chosen by chance, by number or after a photograph."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image

from sandbox.draw_colour import Colour, mix
from sandbox.orders import Gender

__all__ = ["HairStyle", "Look", "look_after", "look_of", "preset_look"]

HairStyle = Literal["long", "bob", "bun", "ponytail", "curls", "short", "crew", "slick", "waves"]

SKINS: tuple[Colour, ...] = (
    (250, 221, 199),
    (240, 200, 172),
    (224, 176, 141),
    (198, 145, 108),
    (160, 109, 76),
    (113, 74, 52),
)
HAIRS: tuple[Colour, ...] = (
    (38, 30, 30),
    (66, 44, 34),
    (104, 66, 42),
    (150, 98, 58),
    (196, 150, 92),
    (128, 58, 36),
)
WOMAN_STYLES: tuple[HairStyle, ...] = ("long", "bob", "bun", "ponytail", "curls", "waves")
MAN_STYLES: tuple[HairStyle, ...] = ("short", "crew", "slick", "curls")
# open.vmake.ai names these five models, with age, gender and skin.
PRESETS: dict[str, tuple[Colour, Colour, HairStyle]] = {
    "001": ((221, 178, 138), (52, 36, 30), "waves"),
    "002": ((250, 221, 201), (176, 126, 78), "long"),
    "003": ((112, 72, 50), (30, 24, 24), "curls"),
    "004": ((226, 182, 148), (84, 54, 38), "bob"),
    "044": ((186, 132, 96), (32, 26, 28), "ponytail"),
}
PEOPLE = 16
WOMAN_WORDS = frozenset({"woman", "female", "girl", "lady", "women", "she", "her", "feminine"})
MAN_WORDS = frozenset({"man", "male", "boy", "gentleman", "men", "he", "his", "masculine"})
# Where a photograph shows a face, in shares of the person's own height and width.
FACE_BOX = (0.38, 0.055, 0.62, 0.125)
HAIR_BOX = (0.40, 0.0, 0.60, 0.03)
BESIDE_NECK = 0.155


@dataclass(frozen=True, slots=True)
class Look:
    """How a person looks; `smile` bends the mouth from 0 to 1."""

    gender: Gender
    skin: Colour
    hair: Colour
    style: HairStyle
    beard: bool = False
    smile: float = 0.35
    glasses: bool = False


def look_of(seed: int, gender: Gender | None = None) -> Look:
    """Somebody, always the same for the same seed."""
    # An agency of a few people, whose figures are then drawn once for many garments.
    dice = random.Random(seed % PEOPLE)
    chosen: Gender = gender or dice.choice(("woman", "woman", "man"))
    styles = WOMAN_STYLES if chosen == "woman" else MAN_STYLES
    beard = chosen == "man" and dice.random() < 0.35  # noqa: PLR2004 - about every third man
    return Look(chosen, dice.choice(SKINS), dice.choice(HAIRS), dice.choice(styles), beard)


def preset_look(model_id: str, expression: str = "similar") -> Look:
    """The model with a vendor's preset number; numbers without a description get a look of their own."""
    smile = {"smile": 0.7, "laugh": 1.0, "cool": 0.0}.get(expression, 0.35)
    if model_id in PRESETS:
        skin, hair, style = PRESETS[model_id]
        return Look("woman", skin, hair, style, smile=smile)
    return replace(look_of(int(model_id) * 7919), smile=smile)


def gender_in(words: str) -> Gender | None:
    """The gender that a text speaks of, if any."""
    named = set(words.lower().replace(",", " ").replace(".", " ").split())
    if named & WOMAN_WORDS:
        return "woman"
    return "man" if named & MAN_WORDS else None


def look_after(person: Image.Image, seed: int, gender: Gender | None = None) -> Look:
    """A look with the hues of a photographed person: `person` is cut out and cropped to the figure."""
    skin = _patch(person, FACE_BOX)
    hair = _patch(person, HAIR_BOX)
    chosen = gender or _gender_by_hair(person, hair)
    look = look_of(seed, chosen)
    return replace(
        look,
        skin=mix(skin, look.skin, 0.15) if _is_skin(skin) else look.skin,
        hair=hair if _is_dark_enough(hair, skin) else look.hair,
    )


def _patch(person: Image.Image, box: tuple[float, float, float, float]) -> Colour:
    left, top, right, bottom = box
    w, h = person.size
    part = person.crop((int(left * w), int(top * h), max(int(right * w), 1), max(int(bottom * h), 1)))
    # Weighted by opacity, so that the cleared background has no say.
    red, green, blue, alpha = part.convert("RGBa").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType, reportAssignmentType] - four bands
    share = max(int(alpha), 1) / 255  # pyright: ignore[reportUnknownArgumentType] - a number
    values = tuple(min(255, round(int(band) / share)) for band in (red, green, blue))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - numbers
    return values[0], values[1], values[2]


def _gender_by_hair(person: Image.Image, hair: Colour) -> Gender:
    w, h = person.size
    beside = [_patch(person, (x - 0.06, BESIDE_NECK - 0.02, x + 0.06, BESIDE_NECK + 0.02)) for x in (0.36, 0.64)]
    del w, h
    return "woman" if any(_distance(colour, hair) < 60 for colour in beside) else "man"  # noqa: PLR2004 - near enough


def _is_skin(colour: Colour) -> bool:
    red, green, blue = colour
    return red > 80 and red > blue + 30 and red >= green  # noqa: PLR2004 - warm and not black


def _is_dark_enough(hair: Colour, skin: Colour) -> bool:
    return _distance(hair, skin) > 40  # noqa: PLR2004 - else the head is bald, or was missed


def _distance(one: Colour, other: Colour) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))
