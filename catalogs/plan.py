"""The plan: the units that a run will do, each with what goes in, its reason and its price."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from blocks.account import VendorAccount
from blocks.errors import CatalogError, RecipeError
from blocks.operation import Gender, Slot
from catalogs.addresses import bare
from catalogs.catalog import Catalog
from catalogs.outfit import Wanting, dressed
from catalogs.recipe import Recipe, Stage
from catalogs.rows import Item, Reject
from catalogs.sources import PictureSources
from catalogs.template import Blank, render_options
from catalogs.unit_key import result_identity, source_identity, unit_key

__all__ = ["PlannedItem", "Selection", "Unit", "plan_items"]

MOST_SKUS_TOLD = 5
VALUE_LIMIT = 200

_ACCOUNT = re.compile(r"//[^/@]*@")


class Selection(BaseModel):
    """Which of the catalog's items a run works on; empty means all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    skus: list[str] = Field(default_factory=list, description="Only these SKUs.")
    limit: int | None = Field(
        default=None, ge=1, description="Only the first so many items, those that can't be used among them."
    )


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
    accounts: Iterable[VendorAccount] = (),
) -> Iterator[PlannedItem | Reject]:
    """
    Turn rows into units, streaming.

    A row that can't run becomes a `Reject`; `done` holds the keys of units whose pictures are in storage; `accounts`
    have the prices, where they are not the vendors' own. Raises `CatalogError` at the end when the catalog lacks a
    SKU that was asked for.
    """
    planner = _Planner(recipe, sources, catalog.mapped, done, _priced(recipe, accounts))
    wanted, absent, taken = set(selection.skus), set(selection.skus), 0
    # The gender's own word is for the message of a row that has none of the two.
    for entry in catalog.items(only=recipe.columns() | {Slot.GENDER}):
        if wanted and entry.sku not in wanted:
            continue
        absent.discard(entry.sku or "")
        yield planner.tell(entry) if isinstance(entry, Reject) else planner.plan(entry)
        taken += 1
        if taken == selection.limit:
            return
    if absent:
        raise _absent(catalog.source.uri, sorted(absent))


@dataclass(frozen=True, slots=True)
class _Planner:
    """Plans items one by one; `own_names` are the catalog's for our columns."""

    recipe: Recipe
    sources: PictureSources
    own_names: Mapping[str, str]
    done: Container[str]
    accounts: Mapping[type[VendorAccount], VendorAccount]

    def plan(self, item: Item) -> PlannedItem | Reject:
        """All of the item's units, or why one of them can't be."""
        units: list[Unit] = []
        for stage in self.recipe.stages:
            try:
                units.append(self._unit(item, stage, units))
            except (CatalogError, RecipeError) as error:
                return self._reject(item, stage, error)
        return PlannedItem(item.sku, tuple(units))

    def tell(self, reject: Reject) -> Reject:
        """The reject; without its SKU where that is another row's, so that it takes nothing from that one's pictures."""
        return replace(reject, sku=None) if reject.column == self.own_names["sku"] else reject

    def _reject(self, item: Item, stage: Stage, error: CatalogError | RecipeError) -> Reject:
        column, value = error.place if isinstance(error, Wanting | Blank) else ("", "")
        return Reject(
            row=item.row,
            sku=item.sku,
            column=self.own_names.get(column, column),
            value=repr(value)[:VALUE_LIMIT] if value else "",
            reason=f"stage {stage.name!r}: {error}",
        )

    def _unit(self, item: Item, stage: Stage, before: Sequence[Unit]) -> Unit:
        operation = stage.work()
        options = render_options(stage.options, item.columns)
        wire = options.model_dump(mode="json", by_alias=True, exclude_none=True)
        slots = dressed(item, self.recipe, stage, len(before))
        inputs = {slot: self._addresses(stage, slot, references) for slot, references in slots.items()}
        gender = item.gender if stage.takes(Slot.GENDER) else None
        identities = _identities(item, inputs, gender, before[-1] if before else None)
        key = unit_key(operation.name, operation.version, wire, identities)
        return Unit(
            recipe=self.recipe.name,
            row=item.row,
            sku=item.sku,
            title=item.title,
            stage=stage.name,
            position=len(before),
            operation=operation.name,
            unit_key=key,
            options=json.dumps(wire, ensure_ascii=False, sort_keys=True),
            inputs=inputs,
            gender=gender,
            pick=stage.pick,
            credits=operation.credits(options, self.accounts[operation.account_type]),
            reason="done" if key in self.done else "new",
        )

    def _addresses(self, stage: Stage, slot: str, references: Sequence[str]) -> list[str]:
        column = (stage.picture or "product_image") if slot == Slot.PICTURE else slot
        return [self._address(column, reference) for reference in references]

    def _address(self, column: str, reference: str) -> str:
        try:
            # In JSON an address may hold half a character, which no UTF-8 can.
            reference.encode()
            return self.sources.resolve(reference)
        except UnicodeEncodeError as error:
            raise Wanting(
                f"picture {reference!r} is no text",
                place=(column, _without_secrets(reference)),
                next_step="Correct its address.",
            ) from error
        except CatalogError as error:
            raise Wanting(error.what, place=(column, _without_secrets(reference)), next_step=error.next_step) from error


def _priced(recipe: Recipe, accounts: Iterable[VendorAccount]) -> dict[type[VendorAccount], VendorAccount]:
    known = {type(account): account for account in accounts}
    kinds = {stage.work().account_type for stage in recipe.stages}
    return {kind: kind.without_key() for kind in kinds} | known


def _without_secrets(reference: str) -> str:
    """A reference as manifests may show it: without a password, and without a web address's signature."""
    return _ACCOUNT.sub("//…@", bare(reference))


def _identities(
    item: Item, inputs: Mapping[str, Sequence[str]], gender: Gender | None, before: Unit | None
) -> dict[str, Any]:
    """What goes into a unit, as its key has it; a stage that follows another works on that one's result."""
    identities: dict[str, Any] = {
        slot: [source_identity(uri, item.image_version) for uri in uris] for slot, uris in inputs.items()
    }
    if before is not None:
        identities[Slot.PICTURE] = result_identity(before.unit_key, before.pick)
    if gender is not None:
        identities[Slot.GENDER] = gender
    return identities


def _absent(uri: str, skus: Sequence[str]) -> CatalogError:
    shown = ", ".join(repr(sku) for sku in skus[:MOST_SKUS_TOLD])
    more = f" and {len(skus) - MOST_SKUS_TOLD} more" if len(skus) > MOST_SKUS_TOLD else ""
    return CatalogError(
        f"catalog {uri!r} has no row with SKU {shown}{more}, which the run was asked for",
        next_step="Correct the selection's SKUs; nothing was paid.",
    )
