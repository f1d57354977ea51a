"""The plan: the units that a run will do, each with what goes in, its reason and its price."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from blocks.errors import CatalogError, RecipeError
from blocks.operation import Gender, Slot
from catalogs.catalog import Catalog
from catalogs.outfit import Wanting, dressed
from catalogs.recipe import Recipe, Stage
from catalogs.rows import Item, Reject
from catalogs.sources import PictureSources
from catalogs.template import Blank, render_options
from catalogs.unit_key import result_identity, source_identity, unit_key

__all__ = ["PlannedItem", "Selection", "Unit", "plan_items"]


class Selection(BaseModel):
    """Which of the catalog's items a run works on; empty means all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    skus: list[str] = Field(default_factory=list, description="Only these SKUs.")
    limit: int | None = Field(default=None, ge=1, description="Only the first so many items.")


@dataclass(frozen=True, slots=True)
class Unit:
    """One (item, stage): one paid vendor call. `inputs` maps slots to picture addresses; `upstream` is by key."""

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


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """An item with its units in order; those already done are planned too, so that the chain is whole."""

    sku: str
    units: tuple[Unit, ...]

    def to_do(self) -> tuple[Unit, ...]:
        """The units that will be paid for."""
        return tuple(unit for unit in self.units if unit.reason != "done")


def plan_items(
    catalog: Catalog,
    recipe: Recipe,
    sources: PictureSources,
    *,
    selection: Selection,
    done: Container[str] = frozenset(),
) -> Iterator[PlannedItem | Reject]:
    """
    Turn rows into units, streaming.

    A row that can't run becomes a `Reject`; `done` holds the keys of units whose pictures are in storage.
    """
    taken = 0
    wanted = set(selection.skus)
    for entry in catalog.items(only=recipe.columns()):
        if wanted and entry.sku not in wanted:
            continue
        if selection.limit is not None and taken >= selection.limit:
            return
        taken += 1
        yield entry if isinstance(entry, Reject) else _plan(entry, recipe, sources, done)


def _plan(item: Item, recipe: Recipe, sources: PictureSources, done: Container[str]) -> PlannedItem | Reject:
    units: list[Unit] = []
    for position, stage in enumerate(recipe.stages):
        try:
            units.append(_unit(item, recipe, stage, position, units, sources, done))
        except (CatalogError, RecipeError) as error:
            return _reject(item, stage, error)
    return PlannedItem(item.sku, tuple(units))


def _reject(item: Item, stage: Stage, error: CatalogError | RecipeError) -> Reject:
    column, value = error.place if isinstance(error, Wanting | Blank) else ("", "")
    return Reject(row=item.row, sku=item.sku, column=column, value=value, reason=f"stage {stage.name!r}: {error}")


def _unit(
    item: Item,
    recipe: Recipe,
    stage: Stage,
    position: int,
    before: list[Unit],
    sources: PictureSources,
    done: Container[str],
) -> Unit:
    operation = stage.work()
    options = render_options(stage.options, item.columns)
    wire = options.model_dump(mode="json", by_alias=True, exclude_none=True)
    inputs = {
        slot: [sources.resolve(ref) for ref in refs] for slot, refs in dressed(item, recipe, stage, position).items()
    }
    identities: dict[str, Any] = {
        slot: [source_identity(uri, item.image_version) for uri in uris] for slot, uris in inputs.items()
    }
    if before and stage.takes(Slot.PICTURE):
        identities[Slot.PICTURE] = result_identity(before[-1].unit_key, before[-1].pick)
    gender = item.gender if stage.takes(Slot.GENDER) else None
    if gender:
        identities[Slot.GENDER] = gender
    key = unit_key(operation.name, operation.version, wire, identities)
    return Unit(
        recipe=recipe.name,
        row=item.row,
        sku=item.sku,
        title=item.title,
        stage=stage.name,
        position=position,
        operation=operation.name,
        unit_key=key,
        options=json.dumps(wire, ensure_ascii=False, sort_keys=True),
        inputs=inputs,
        gender=gender,
        pick=stage.pick,
        credits=operation.credits(options),
        reason="done" if key in done else "new",
    )
