"""The chain of units that a recipe makes of a row, with every key, fast enough for millions of rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from blocks.account import VendorAccount
from blocks.errors import CatalogError, RecipeError
from blocks.operation import Gender, Slot
from catalogs.outfit import WORN_SLOTS, Wanting, Worn, dressed, worn_by
from catalogs.places import Addresses, Places
from catalogs.recipe import Recipe, Stage
from catalogs.row_options import RowOptions
from catalogs.rows import Item, Reject
from catalogs.sources import PictureSources
from catalogs.template import Blank
from catalogs.unit_key import key_ending, key_of_json, result_identity

__all__ = ["Chain", "Link"]

VALUE_LIMIT = 200

TOP, BOTTOM, GARMENTS, PICTURE, GENDER = map(str, (Slot.TOP, Slot.BOTTOM, Slot.GARMENTS, Slot.PICTURE, Slot.GENDER))


class Link(NamedTuple):
    """
    What is particular to one unit of a chain.

    `options` and `inputs` are JSON; `unsigned_inputs` has the addresses without what signs them. `image_version` is
    that of the pictures that go in, where the catalog or a check of the addresses tells one.
    """

    unit_key: str
    options: str
    inputs: str
    unsigned_inputs: str
    gender: Gender | None
    image_version: str | None


class Chain:
    """
    A recipe's stages, ready for rows.

    `own_names` are the catalog's names for our columns; `versions` are those of pictures that changed behind their
    addresses (unsigned), which the catalog's own column does not know of.
    """

    def __init__(
        self,
        recipe: Recipe,
        sources: PictureSources,
        own_names: Mapping[str, str],
        accounts: Mapping[type[VendorAccount], VendorAccount],
        versions: Mapping[str, str] | None = None,
    ) -> None:
        self.recipe = recipe
        self.credits = [
            stage.work().credits(stage.options, accounts[stage.work().account_type]) for stage in recipe.stages
        ]
        self._own_names = own_names
        self._addresses = Addresses(sources, versions or {})
        self._stages = [_StageUnits(recipe, position) for position in range(len(recipe.stages))]

    def links(self, item: Item) -> list[Link] | Reject:
        """All of an item's units in order, or why one of them can't be."""
        worn, before = worn_by(item, self.recipe), ""
        pictures: dict[str, Places] = {}
        links: list[Link] = []
        for units in self._stages:
            try:
                options = units.options_of(item)
                references = units.references(item, worn)
                places = pictures.get(units.wearing)
                if places is None:
                    places = pictures[units.wearing] = self._addresses.places(
                        references, item.image_version, units.picture_column
                    )
                link = units.link(item, options, places, before)
            except (CatalogError, RecipeError) as error:
                return self._reject(item, units.stage, error)
            links.append(link)
            before = link.unit_key
        return links

    def pictures(self, item: Item) -> list[str]:
        """The addresses of the row's pictures that its units work on; none for a row that can't run."""
        if isinstance(links := self.links(item), Reject):
            return []
        by_slot = (json.loads(link.inputs) for link in links)
        return [uri for slots in by_slot for uris in slots.values() for uri in uris]

    def _reject(self, item: Item, stage: Stage, error: CatalogError | RecipeError) -> Reject:
        column, value = error.place if isinstance(error, Wanting | Blank) else ("", "")
        return Reject(
            row=item.row,
            sku=item.sku,
            column=self._own_names.get(column, column),
            value=repr(value)[:VALUE_LIMIT] if value else "",
            reason=f"stage {stage.name!r}: {error}",
        )


class _StageUnits:
    """The units of one stage: which slots it fills from where, and what its keys end with, is settled beforehand."""

    def __init__(self, recipe: Recipe, position: int) -> None:
        stage = recipe.stages[position]
        self.stage = stage
        self._recipe, self._position = recipe, position
        self._options = RowOptions(stage.options)
        operation = stage.work()
        self._operation, self._version = operation.name, operation.version
        self._ending = "" if not self._options.constant else self._ended(self._options.of_row({})[1])
        self._before_pick = recipe.stages[position - 1].pick if position else 0
        self._worn = [(str(slot), place) for place, slot in enumerate(WORN_SLOTS) if stage.takes(slot)]
        self._needs = [str(slot) for slot in (Slot.TOP, Slot.BOTTOM, Slot.PERSON) if stage.needs(slot)]
        self._wears = stage.takes(Slot.GARMENTS)
        self._gendered, self._needs_gender = stage.takes(Slot.GENDER), stage.needs(Slot.GENDER)
        self.picture_column = stage.picture or "product_image"
        self._picture = self.picture_column if stage.takes(Slot.PICTURE) and not position else None
        # Stages that are given the same pictures of a row share their addresses.
        self.wearing = f"{self._picture} {' '.join(slot for slot, _ in self._worn)}"

    def _ended(self, canonical: str) -> str:
        return key_ending(self._operation, self._version, canonical)

    def options_of(self, item: Item) -> tuple[str, str]:
        """The options as the plan has them, and what the key ends with."""
        options, canonical = self._options.of_row(item.columns)
        return options, self._ending or self._ended(canonical)

    def references(self, item: Item, worn: Worn) -> Mapping[str, Sequence[str]]:
        """The references by slot; a row that lacks something is looked at closely, which says what."""
        found: dict[str, Sequence[str]] = {}
        for slot, place in self._worn:
            if each := worn[place]:
                found[slot] = (each,) if isinstance(each, str) else each
        if self._picture is not None:
            picture = item.person_image if self._picture == "person_image" else item.product_image
            if picture is not None:
                found[PICTURE] = (picture,)
        if self._lacks(item, found):
            return dressed(item, self._recipe, self.stage, self._position)
        return found

    def _lacks(self, item: Item, found: Mapping[str, Sequence[str]]) -> bool:
        if self._needs_gender and item.gender is None:
            return True
        if self._wears and not (TOP in found or GARMENTS in found or BOTTOM in found):
            return True
        if self._picture is not None and PICTURE not in found:
            return True
        return any(slot not in found for slot in self._needs) if self._needs else False

    def link(self, item: Item, options: tuple[str, str], places: Places, before: str) -> Link:
        """One row's unit; `before` is the key of the stage before."""
        shown, ending = options
        gender = item.gender if self._gendered else None
        parts = places.identities
        if before:
            made_of = f'"{PICTURE}":"{result_identity(before, self._before_pick)}"'
            parts = {**parts, PICTURE: made_of} if parts else {PICTURE: made_of}
        if gender:
            parts = {**parts, GENDER: f'"{GENDER}":"{gender}"'}
        identities = ",".join([parts[name] for name in sorted(parts)])
        key = key_of_json(f"{{{identities}}}", ending)
        return Link(key, shown, places.inputs, places.unsigned_inputs, gender, places.version)
