"""Who is drawn: skin, hair and bearing, chosen by chance or by number."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Literal

from sandbox.draw_colour import Colour
from sandbox.orders import Gender

__all__ = ["HairStyle", "Look", "gender_in", "look_of", "preset_look"]

HairStyle = Literal["long", "bob", "bun", "ponytail", "curls", "short", "crew", "slick", "waves", "none"]

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


@dataclass(frozen=True, slots=True)
class Look:
    """How a person looks; `smile` bends the mouth from 0 to 1, the style "none" leaves the head away."""

    gender: Gender
    skin: Colour
    hair: Colour
    style: HairStyle
    beard: bool = False
    smile: float = 0.35


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
