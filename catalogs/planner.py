"""From a catalog's rows to the units of a plan, streaming."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Protocol

from blocks.account import VendorAccount
from blocks.errors import CatalogError
from blocks.operation import Slot
from catalogs.catalog import Catalog
from catalogs.look_units import LookUnits
from catalogs.plan import Planned, Selection
from catalogs.read_ahead import ahead
from catalogs.recipe import Recipe
from catalogs.rows import Item, Reject, RowReader, Rows
from catalogs.sources import PictureSources

__all__ = ["Delta", "Planner", "pictures_of"]

MOST_SKUS_TOLD = 5


class Delta(Protocol):
    """What is known of earlier runs, as a planner asks for it; `at_once` items or more are compared together."""

    at_once: int

    def unchanged(self, fingerprint: str | None) -> bool:
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
        self._looks = [
            LookUnits(look, catalog, recipe, sources, _priced(recipe, accounts), versions)
            for look in recipe.looks or [None]
        ]
        self._columns = recipe.columns() | {Slot.GENDER}
        self._catalog = catalog
        self._delta = delta
        self._reader: RowReader = catalog.reader(self._columns)
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
                by_row = [list(of_row) for _, of_row in groupby(entries, key=_row)][: selection.limit - taken]
                taken += len(by_row)
                entries = [entry for of_row in by_row for entry in of_row]
            yield entries
            if taken == selection.limit:
                return
        if absent:
            raise _absent(self._catalog.source.uri, sorted(absent))

    def _entries(self, rows: Rows, wanted: set[str], *, whole: bool) -> list[Planned | Reject]:
        marks = [look.prints.of_rows(rows) for look in self._looks]
        known = [[self._delta.unchanged(mark) for mark in of_look] for of_look in marks]
        if whole and any(map(any, known)):
            skus = self._reader.skus(rows)
            kept = [
                index
                for index, (sku, *unchanged) in enumerate(zip(skus, *known, strict=True))
                if sku is None or not all(unchanged)
            ]
            self.unchanged += (len(skus) - len(kept)) * len(self._looks)
            if not kept:
                return []
            rows, marks = rows.only(kept), [[of_look[index] for index in kept] for of_look in marks]
        read = list(zip(self._reader.read(rows), *marks, strict=True))
        return self._in_looks(
            [(entry, each) for entry, *each in read if not wanted or entry.sku in wanted], whole=whole
        )

    def _in_looks(
        self, read: Sequence[tuple[Item | Reject, Sequence[str | None]]], *, whole: bool
    ) -> list[Planned | Reject]:
        """The rows' items, each row's in the order of its looks; `read` has the rows with their fingerprints by look."""
        found: list[list[Planned | Reject]] = [
            [self._set_aside(entry)] if isinstance(entry, Reject) else [] for entry, _ in read
        ]
        for number, look in enumerate(self._looks):
            rows = [
                (place, entry, marks[number])
                for place, (entry, marks) in enumerate(read)
                if isinstance(entry, Item) and not (whole and self._delta.unchanged(marks[number]))
            ]
            made = look.links([item for _, item, _ in rows])
            for (place, _, mark), each in zip(rows, made, strict=True):
                found[place].append(each if isinstance(each, Reject) else Planned(*each, mark, look.chain))
            self.unchanged += sum(isinstance(entry, Item) for entry, _ in read) - len(rows)
        return [entry for of_row in found for entry in of_row]

    def _set_aside(self, entry: Reject) -> Reject:
        # Where the SKU is another row's, the reject takes nothing from that one's pictures.
        return replace(entry, sku=None) if entry.column == self._catalog.mapped["sku"] else entry


def pictures_of(catalog: Catalog, recipe: Recipe, sources: PictureSources) -> dict[str, None]:
    """The addresses of all pictures that a recipe's units work on, in catalog order."""
    columns = recipe.columns() | {Slot.GENDER}
    looks = [LookUnits(look, catalog, recipe, sources, _priced(recipe, ())) for look in recipe.looks or [None]]
    reader = catalog.reader(columns)
    rows = (part for part in catalog.parts(columns) if not isinstance(part, Reject))
    items = ([entry for entry in reader.read(part) if isinstance(entry, Item)] for part in rows)
    return {uri: None for some in items for look in looks for uri in look.pictures(some)}


def _row(entry: Planned | Reject) -> int:
    return entry.row if isinstance(entry, Reject) else entry.item.row


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
