"""The plan: the units that a run will do, each with what goes in, its reason and its price."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from blocks.account import VendorAccount
from blocks.errors import CatalogError
from blocks.operation import Gender, Slot
from catalogs.catalog import Catalog
from catalogs.chain import Chain, Link
from catalogs.fingerprint import Fingerprints
from catalogs.read_ahead import ahead
from catalogs.recipe import Recipe
from catalogs.rows import Item, Reject, RowReader, Rows
from catalogs.sources import PictureSources

__all__ = ["Delta", "Planned", "PlannedItem", "Planner", "Selection", "Unit", "pictures_of"]

MOST_SKUS_TOLD = 5


class Selection(BaseModel):
    """Which of the catalog's items a run works on; empty means all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    skus: list[str] = Field(default_factory=list, title="SKUs", description="Only these SKUs.")
    limit: int | None = Field(
        default=None, ge=1, description="Only the first so many items, those that can't be used among them."
    )
    force: bool = Field(default=False, description="Make and pay the pictures of these items once more.")

    @property
    def is_whole(self) -> bool:
        """Whether it leaves no item of the catalog out."""
        return not self.skus and self.limit is None


@dataclass(frozen=True, slots=True)
class Unit:
    """
    One (item, stage): one paid vendor call. `inputs` maps slots to picture addresses; `upstream` is by key.

    `image_version` and `fingerprint` are the item's, for the manifest: they tell the next plan what has changed.
    `left_out` says why a unit that is not done yet is not to be done.
    """

    recipe: str
    row: int
    sku: str
    title: str | None
    stage: str
    position: int
    operation: str
    unit_key: str
    options: str
    inputs: dict[str, list[str]]
    gender: Gender | None
    pick: int
    credits: float
    reason: str
    image_version: str | None = None
    fingerprint: str | None = None
    priority: float | None = None
    left_out: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """An item with its units in order; those already done are planned too, so that the chain is whole."""

    sku: str
    units: tuple[Unit, ...]

    def to_do(self) -> tuple[Unit, ...]:
        """The units that will be paid for."""
        return tuple(unit for unit in self.units if unit.reason != "done")


@dataclass(slots=True)
class Planned:
    """
    An item with its links, as a planner has it.

    A delta fills in the `reasons`, and settles what has all its pictures, which is then left out of the plan.
    """

    item: Item
    links: Sequence[Link]
    fingerprint: str | None
    reasons: Sequence[str] = ()
    settled: bool = False

    def as_item(self, chain: Chain) -> PlannedItem:
        """The item with its units written out."""
        item = self.item
        return PlannedItem(
            item.sku,
            tuple(
                Unit(
                    recipe=chain.recipe.name,
                    row=item.row,
                    sku=item.sku,
                    title=item.title,
                    stage=stage.name,
                    position=position,
                    operation=stage.operation,
                    unit_key=link.unit_key,
                    options=link.options,
                    inputs=json.loads(link.inputs),
                    gender=link.gender,
                    pick=stage.pick,
                    credits=credits_each,
                    reason=reason,
                    image_version=link.image_version,
                    fingerprint=self.fingerprint,
                    priority=item.rank(),
                )
                for position, (stage, link, credits_each, reason) in enumerate(
                    zip(chain.recipe.stages, self.links, chain.credits, self.reasons, strict=True)
                )
            ),
        )


class Delta(Protocol):
    """What is known of earlier runs, as a planner asks for it; `at_once` items or more are compared together."""

    at_once: int

    def unchanged(self, fingerprint: str) -> bool:
        """Whether an item with this fingerprint has all its pictures, under the keys that it would have now."""
        ...

    def compare(self, items: Sequence[Planned]) -> None:
        """Fill in the reason of every unit, and settle items."""
        ...


class Planner:
    """
    Plans a catalog against what is known of earlier runs.

    Afterwards `unchanged` counts the items that were left out because their row is as it was, `unread` the rejects
    that stand for rows that can't be read, and `knows` tells whether a SKU is in the catalog.
    """

    def __init__(
        self,
        catalog: Catalog,
        recipe: Recipe,
        sources: PictureSources,
        delta: Delta,
        *,
        accounts: Iterable[VendorAccount] = (),
        versions: Mapping[str, str] | None = None,
    ) -> None:
        self.chain = Chain(recipe, sources, catalog.mapped, _priced(recipe, accounts), versions)
        # The gender's own word is for the message of a row that has none of the two.
        self._columns = recipe.columns() | {Slot.GENDER}
        self._catalog = catalog
        self._delta = delta
        self._reader: RowReader = catalog.reader(self._columns)
        self._prints = Fingerprints(catalog, recipe, self._columns, versions or {})
        self.unchanged = 0
        self.unread = 0

    def knows(self, sku: str) -> bool:
        """Whether a row that was read has this SKU."""
        return self._reader.knows(sku)

    def plan(self, selection: Selection) -> Iterator[Planned | Reject]:
        """The selection's rows, compared with what is known; rows that are as they were are only counted."""
        waiting: list[Planned | Reject] = []
        for entries in self._read(selection):
            waiting.extend(entries)
            if len(waiting) >= self._delta.at_once:
                yield from self._compared(waiting)
                waiting = []
        yield from self._compared(waiting)

    def _compared(self, entries: Sequence[Planned | Reject]) -> Iterator[Planned | Reject]:
        self._delta.compare([entry for entry in entries if isinstance(entry, Planned)])
        for entry in entries:
            if isinstance(entry, Planned) and entry.settled:
                self.unchanged += 1
            else:
                yield entry

    def _read(self, selection: Selection) -> Iterator[Sequence[Planned | Reject]]:
        """What was asked for of each part of the catalog."""
        wanted, absent, taken = set(selection.skus), set(selection.skus), 0
        for part in ahead(self._catalog.parts(self._columns)):
            self.unread += isinstance(part, Reject)
            entries = [part] if isinstance(part, Reject) else self._entries(part, wanted, whole=selection.is_whole)
            if wanted:
                entries = [entry for entry in entries if _sku(entry) in wanted]
                absent.difference_update(map(_sku, entries))
            if selection.limit is not None:
                entries = entries[: selection.limit - taken]
            taken += len(entries)
            yield entries
            if taken == selection.limit:
                return
        if absent:
            raise _absent(self._catalog.source.uri, sorted(absent))

    def _entries(self, rows: Rows, wanted: set[str], *, whole: bool) -> list[Planned | Reject]:
        prints = self._prints.of_rows(rows)
        if whole and any(mark is not None and self._delta.unchanged(mark) for mark in prints):
            skus = self._reader.skus(rows)
            kept = [
                index
                for index, (sku, mark) in enumerate(zip(skus, prints, strict=True))
                if sku is None or mark is None or not self._delta.unchanged(mark)
            ]
            self.unchanged += len(skus) - len(kept)
            if not kept:
                return []
            rows, prints = rows.only(kept), [prints[index] for index in kept]
        read = list(zip(self._reader.read(rows), prints, strict=True))
        if wanted:
            read = [(entry, mark) for entry, mark in read if entry.sku in wanted]
        chains = iter(self.chain.links([entry for entry, _ in read if isinstance(entry, Item)]))
        return [
            self._set_aside(entry) if isinstance(entry, Reject) else _planned(entry, next(chains), mark)
            for entry, mark in read
        ]

    def _set_aside(self, entry: Reject) -> Reject:
        # Where the SKU is another row's, the reject takes nothing from that one's pictures.
        return replace(entry, sku=None) if entry.column == self._catalog.mapped["sku"] else entry


def pictures_of(catalog: Catalog, recipe: Recipe, sources: PictureSources) -> dict[str, None]:
    """The addresses of all pictures that a recipe's units work on, in catalog order."""
    columns = recipe.columns() | {Slot.GENDER}
    chain, reader = Chain(recipe, sources, catalog.mapped, _priced(recipe, ())), catalog.reader(columns)
    rows = (part for part in catalog.parts(columns) if not isinstance(part, Reject))
    items = ([entry for entry in reader.read(part) if isinstance(entry, Item)] for part in rows)
    return {uri: None for some in items for uri in chain.pictures(some)}


def _planned(item: Item, links: Sequence[Link] | Reject, mark: str | None) -> Planned | Reject:
    return links if isinstance(links, Reject) else Planned(item, links, mark)


def _sku(entry: Planned | Reject) -> str:
    return (entry.sku or "") if isinstance(entry, Reject) else entry.item.sku


def _priced(recipe: Recipe, accounts: Iterable[VendorAccount]) -> dict[type[VendorAccount], VendorAccount]:
    known = {type(account): account for account in accounts}
    kinds = {stage.work().account_type for stage in recipe.stages}
    return {kind: kind.without_key() for kind in kinds} | known


def _absent(uri: str, skus: Sequence[str]) -> CatalogError:
    shown = ", ".join(repr(sku) for sku in skus[:MOST_SKUS_TOLD])
    more = f" and {len(skus) - MOST_SKUS_TOLD} more" if len(skus) > MOST_SKUS_TOLD else ""
    return CatalogError(
        f"catalog {uri!r} has no row with SKU {shown}{more}, which the run was asked for",
        next_step="Correct the selection's SKUs; nothing was paid.",
    )
