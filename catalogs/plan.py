"""The plan: the units that a run will do, each with what goes in, its reason and its price."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from blocks.operation import Gender
from catalogs.chain import Chain, Link
from catalogs.names import item_name
from catalogs.rows import Item

__all__ = ["Planned", "PlannedItem", "Selection", "Unit"]


class Selection(BaseModel):
    """Which of the catalog's items a run works on; empty means all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    skus: list[str] = Field(default_factory=list, title="SKUs", description="Only these SKUs.")
    limit: int | None = Field(
        default=None,
        ge=1,
        description="Only the first so many rows, in all their looks; those that can't be used count too.",
    )
    force: bool = Field(default=False, description="Make and pay the pictures of these items once more.")

    @property
    def is_whole(self) -> bool:
        """Whether it leaves no item of the catalog out."""
        return not self.skus and self.limit is None


@dataclass(frozen=True, slots=True)
class Unit:
    """
    One (item, stage): one paid vendor call, shared by all items whose units have the same key.

    `inputs` maps slots to picture addresses; `upstream` is by key. `image_version` and
    `fingerprint` are the item's, for the manifest: they tell the next plan what has changed. `left_out` says why a unit
    that is not done yet is not to be done.
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
    look: str | None = None

    @property
    def item(self) -> str:
        """What messages call its item."""
        return item_name(self.sku, self.look)


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """An item with its units in order; those already done are planned too, so that the chain is whole."""

    sku: str
    units: tuple[Unit, ...]

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.units[0].item

    def to_do(self) -> tuple[Unit, ...]:
        """The units that will be paid for."""
        return tuple(unit for unit in self.units if unit.reason != "done")


@dataclass(slots=True)
class Planned:
    """
    An item with its links, as a planner has it; `chain` is what they are of.

    A delta fills in the `reasons`, and settles what has all its pictures, which is then left out of the plan.
    """

    item: Item
    links: Sequence[Link]
    fingerprint: str | None
    chain: Chain
    reasons: Sequence[str] = ()
    settled: bool = False

    def as_item(self) -> PlannedItem:
        """The item with its units written out."""
        item, chain = self.item, self.chain
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
                    look=item.look,
                )
                for position, (stage, link, credits_each, reason) in enumerate(
                    zip(chain.recipe.stages, self.links, chain.credits, self.reasons, strict=True)
                )
            ),
        )
