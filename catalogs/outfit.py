"""What goes into each slot of a stage: the row's own pictures, completed by the recipe's outfits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from blocks.errors import CatalogError
from blocks.operation import Slot
from catalogs.cells import phrase
from catalogs.recipe import Outfit, Recipe, Stage
from catalogs.rows import Item

__all__ = ["CLOTHING", "WORN_SLOTS", "Wanting", "Worn", "dressed", "worn_by"]

CLOTHING = (Slot.TOP, Slot.BOTTOM, Slot.GARMENTS)
# In the order in which slots are told.
WORN_SLOTS = (Slot.GARMENTS, Slot.TOP, Slot.BOTTOM, Slot.PERSON)


class Wanting(CatalogError):
    """A row lacks something that a stage can't go without, or it can't be used; `place` is the column and its value."""

    def __init__(self, what: str, *, place: tuple[str, str] = ("", ""), next_step: str | None = None) -> None:
        super().__init__(what, next_step=next_step)
        self.place = place


class Worn(NamedTuple):
    """What an item is worn by and with in every stage of a recipe, in the order of `WORN_SLOTS`."""

    garments: Sequence[str]
    top_garment: str | None
    bottom_garment: str | None
    person_image: str | None


NO_OUTFIT = Outfit()


def dressed(item: Item, recipe: Recipe, stage: Stage, position: int) -> dict[str, list[str]]:
    """
    The picture references of one unit by slot; the previous stage's result is not among them.

    Raises `Wanting` naming the column that is blank or can't be understood.
    """
    worn = zip(WORN_SLOTS, worn_by(item, recipe), strict=True)
    slots = {slot: [refs] if isinstance(refs, str) else list(refs) for slot, refs in worn if refs and stage.takes(slot)}
    if stage.takes(Slot.PICTURE) and position == 0:
        column = stage.picture or "product_image"
        reference = item.person_image if column == "person_image" else item.product_image
        if reference is None:
            raise _wanting(column, "there is no picture to work on")
        slots[Slot.PICTURE] = [reference]
    _check_complete(item, stage, slots)
    return {str(slot): refs for slot, refs in slots.items()}


def worn_by(item: Item, recipe: Recipe) -> Worn:
    """The row's own garments and person, completed by the recipe's outfit."""
    top, bottom, garments = item.top_garment, item.bottom_garment, item.garments
    if not (top or bottom or garments) and item.product_image:
        garments = (item.product_image,)
    outfit = recipe.outfits.get(item.gender, NO_OUTFIT) if item.gender else NO_OUTFIT
    lacking = (outfit.top_garment and not top) or (outfit.bottom_garment and not bottom)
    if lacking and not garments and not _is_whole(item.category, tuple(recipe.one_piece)):
        top, bottom = top or outfit.top_garment, bottom or outfit.bottom_garment
    return Worn(garments, top, bottom, item.person_image or outfit.person_image)


@lru_cache(maxsize=4096)
def _is_whole(category: str | None, one_piece: tuple[str, ...]) -> bool:
    """Whether the category ends in one of the names, in the singular or plural: a 'Maxi Dress', not a 'Dress Shirt'."""
    words = re.findall(r"\w+", (category or "").casefold())
    for name in one_piece:
        *before, last = re.findall(r"\w+", name.casefold()) or [""]
        if words[-1:] and words[-1] in {last, f"{last}s", f"{last}es"} and words[-1 - len(before) : -1] == before:
            return True
    return False


def _check_complete(item: Item, stage: Stage, slots: dict[Slot, list[str]]) -> None:
    if stage.needs(Slot.GENDER) and item.gender is None:
        word = phrase(item.columns["gender"]) if "gender" in item.columns else None
        if word is None:
            raise _wanting(Slot.GENDER, f"{stage.operation} can't go without it")
        raise Wanting(
            f"{stage.operation} needs a gender and {word!r} is neither woman nor man",
            place=(str(Slot.GENDER), word),
            next_step="Map the catalog's own words with values: {gender: {Women: woman}}.",
        )
    if stage.takes(Slot.GARMENTS) and not any(slot in slots for slot in CLOTHING):
        raise _wanting("top_garment", "there is no garment to wear")
    for slot in (Slot.TOP, Slot.BOTTOM, Slot.PERSON):
        if stage.needs(slot) and slot not in slots:
            raise _wanting(slot, f"{stage.operation} can't go without it")


def _wanting(column: str, why: str) -> Wanting:
    return Wanting(
        f"column '{column}' is blank and {why}",
        place=(str(column), ""),
        next_step="Fill the column, map it to the catalog's own name"
        + (", or give the recipe an outfit." if column in Outfit.model_fields else "."),
    )
