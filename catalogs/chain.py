"""The chains of units that a recipe makes of rows, with every key, stage by stage so that millions of rows are fast."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from blocks.account import VendorAccount
from blocks.errors import RecipeError
from blocks.operation import Gender, Slot
from catalogs.outfit import CLOTHING, WORN_SLOTS, Wanting, dressed, worn_by
from catalogs.places import Addresses, Fault, Places, References
from catalogs.recipe import Recipe, Stage
from catalogs.row_options import RowOptions
from catalogs.rows import Item, Reject
from catalogs.sources import PictureSources
from catalogs.unit_key import key_ending, key_of_json, result_identity

__all__ = ["Chain", "Link"]

VALUE_LIMIT = 200
# Stands for a row's options in what the keys of a stage end with.
OPTIONS = "\0"

PICTURE, GENDER = str(Slot.PICTURE), str(Slot.GENDER)


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

    def links(self, items: Sequence[Item]) -> list[Sequence[Link] | Reject]:
        """All units of each item in order, or why one of them can't be."""
        if not items:
            return []
        rows = _Rows(items, self.recipe, self._addresses)
        by_stage: list[Sequence[Link]] = []
        for units in self._stages:
            by_stage.append(units.links(rows, [link.unit_key for link in by_stage[-1]] if by_stage else []))
        chains: list[Sequence[Link] | Reject] = list(zip(*by_stage, strict=True))
        for place, (stage, fault) in rows.refused.items():
            chains[place] = self._reject(items[place], stage, fault)
        return chains

    def pictures(self, items: Sequence[Item]) -> list[str]:
        """The addresses of the rows' pictures that their units work on; none for a row that can't run."""
        made = [links for links in self.links(items) if not isinstance(links, Reject)]
        by_slot = (json.loads(link.inputs) for links in made for link in links)
        return [uri for slots in by_slot for uris in slots.values() for uri in uris]

    def _reject(self, item: Item, stage: Stage, fault: Fault) -> Reject:
        return Reject(
            row=item.row,
            sku=item.sku,
            column=self._own_names.get(fault.column, fault.column),
            value=repr(fault.value)[:VALUE_LIMIT] if fault.value else "",
            reason=f"stage {stage.name!r}: {fault.words}",
            look=item.look,
        )


class _Rows:
    """
    Some items, with what each wears and where its pictures are.

    `refused` tells of those that can't run, by their place, at which stage and why. They stay among the others to the
    end, so that all columns are of one length.
    """

    def __init__(self, items: Sequence[Item], recipe: Recipe, addresses: Addresses) -> None:
        self.items = items
        self.genders = [item.gender for item in items]
        self.versions = [item.image_version for item in items]
        self.refused: dict[int, tuple[Stage, Fault]] = {}
        self.picture_column = recipe.stages[0].picture or "product_image"
        worn = zip(*[worn_by(item, recipe) for item in items], strict=True)
        self.cells: dict[str, Sequence[References]] = dict(zip(map(str, WORN_SLOTS), worn, strict=False))
        self.cells[PICTURE] = [
            item.person_image if self.picture_column == "person_image" else item.product_image for item in items
        ]
        self._addresses = addresses
        self._places: dict[str, tuple[Places, Mapping[int, Fault]]] = {}

    def refuse(self, place: int, stage: Stage, fault: Fault) -> None:
        """Set an item aside; what was wrong with it first stays."""
        self.refused.setdefault(place, (stage, fault))

    def places(self, slot: str, stage: Stage) -> Places | None:
        """Where the pictures for a slot are; None where no row has one."""
        if not any(self.cells[slot]):
            return None
        if slot not in self._places:
            column = self.picture_column if slot == PICTURE else slot
            self._places[slot] = self._addresses.places(slot, column, self.cells[slot], self.versions)
        places, faults = self._places[slot]
        for place, fault in faults.items():
            self.refuse(place, stage, fault)
        return places


class _StageUnits:
    """The units of one stage: which slots it fills from where, and what its keys end with, is settled beforehand."""

    def __init__(self, recipe: Recipe, position: int) -> None:
        stage = recipe.stages[position]
        self._stage, self._recipe, self._position = stage, recipe, position
        self._options = RowOptions(stage.options)
        operation = stage.work()
        self._ending = key_ending(operation.name, operation.version, OPTIONS).split(OPTIONS)
        self._before_pick = recipe.stages[position - 1].pick if position else 0
        self._slots = [str(slot) for slot in WORN_SLOTS if stage.takes(slot)]
        self._wears = [str(slot) for slot in CLOTHING if stage.takes(slot)] if stage.takes(Slot.GARMENTS) else []
        self._needs = [str(slot) for slot in (Slot.TOP, Slot.BOTTOM, Slot.PERSON) if stage.needs(slot)]
        if stage.takes(Slot.PICTURE) and not position:
            self._slots.append(PICTURE)
            self._needs.append(PICTURE)
        self._gendered, self._needs_gender = stage.takes(Slot.GENDER), stage.needs(Slot.GENDER)

    def links(self, rows: _Rows, before: Sequence[str]) -> Sequence[Link]:
        """One unit for each row; `before` are the keys of the stage before."""
        shown, endings = self._options_of(rows)
        self._refuse_lacking(rows)
        found = {slot: places for slot in self._slots if (places := rows.places(slot, self._stage))}
        identities = {slot: places.identities for slot, places in found.items()}
        if before:
            identities[PICTURE] = [f'"{PICTURE}":"{result_identity(key, self._before_pick)}"' for key in before]
        if self._gendered:
            identities[GENDER] = [f'"{GENDER}":"{gender}"' if gender else "" for gender in rows.genders]
        count = len(rows.items)
        hashed = _objects([identities[slot] for slot in sorted(identities)], ",", count)
        inputs = _objects([places.inputs for places in found.values()], ", ", count)
        is_signed = any(places.inputs != places.unsigned_inputs for places in found.values())
        plain = _objects([places.unsigned_inputs for places in found.values()], ", ", count) if is_signed else inputs
        keys = map(key_of_json, hashed, endings)
        genders = rows.genders if self._gendered else [None] * count
        versions = _versions(rows.versions, found.values(), inputs)
        return list(map(Link._make, zip(keys, shown, inputs, plain, genders, versions, strict=True)))

    def _options_of(self, rows: _Rows) -> tuple[Sequence[str], Sequence[str]]:
        """The options as the plan has them, and what the keys end with."""
        if self._options.constant:
            shown, canonical = self._options.of_row({})
            return [shown] * len(rows.items), [canonical.join(self._ending)] * len(rows.items)
        made: list[tuple[str, str]] = []
        for place, item in enumerate(rows.items):
            try:
                made.append(self._options.of_row(item.columns))
            except RecipeError as error:
                rows.refuse(place, self._stage, Fault.of(error))
                made.append(("", ""))
        return [shown for shown, _ in made], [canonical.join(self._ending) for _, canonical in made]

    def _refuse_lacking(self, rows: _Rows) -> None:
        """A row that lacks something is looked at closely, which says what."""
        wanted: list[Sequence[object]] = [rows.cells[slot] for slot in self._needs]
        if self._needs_gender:
            wanted.append(rows.genders)
        if self._wears:
            wanted.append([any(worn) for worn in zip(*(rows.cells[slot] for slot in self._wears), strict=True)])
        for place in {place for cells in wanted if not all(cells) for place, cell in enumerate(cells) if not cell}:
            try:
                dressed(rows.items[place], self._recipe, self._stage, self._position)
            except Wanting as error:
                rows.refuse(place, self._stage, Fault.of(error))


def _objects(columns: Sequence[Sequence[str]], separator: str, count: int) -> Sequence[str]:
    """Each row's members of a JSON object, written as one."""
    if not columns:
        return ["{}"] * count
    return [f"{{{separator.join(filter(None, members))}}}" for members in zip(*columns, strict=True)]


def _versions(own: Sequence[str | None], found: Iterable[Places], inputs: Sequence[str]) -> Sequence[str | None]:
    """What the keys have beyond the addresses, where there are any."""
    seen = [own, *(places.versions for places in found if any(places.versions))]
    if len(seen) == 1 and not any(own):
        return [None] * len(own)
    rows = zip(zip(*seen, strict=True), inputs, strict=True)
    return [(" ".join(filter(None, versions)) or None) if shown != "{}" else None for versions, shown in rows]
