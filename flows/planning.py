"""From a catalog and a recipe to a plan file, before anything is paid."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from blocks.account import VendorAccount
from blocks.operations import OPERATIONS
from blocks.storage import ObjectStorage
from catalogs.catalog import Catalog
from catalogs.layout import MANIFEST_PATH
from catalogs.manifest import ManifestWriter, read_rows
from catalogs.plan import PlannedItem, plan_items
from catalogs.plan_file import PlanWriter
from catalogs.recipe import Recipe, load_recipe
from catalogs.rows import Reject
from catalogs.sources import PictureSources
from flows.accounts import check_accounts, open_storage, priced_account
from flows.outcome import quarantined
from flows.parameters import CatalogRun

__all__ = ["SHARD_ITEMS", "RunPlan", "check_run", "make_plan", "recipe_of"]

# One process works through this many items as one shard; more become further shards.
SHARD_ITEMS = 20_000
REJECTS_TOLD = 10


@dataclass(slots=True)
class RunPlan:
    """A plan on disk, and what it adds up to."""

    recipe: Recipe
    path: Path
    rejects: Path
    shards: int = 0
    items: int = 0
    finished_items: int = 0
    rejected_rows: int = 0
    units: Counter[str] = field(default_factory=Counter[str])
    credits: dict[str, float] = field(default_factory=dict[str, float])
    accounts: list[VendorAccount] = field(default_factory=list[VendorAccount])
    first_rejects: list[Reject] = field(default_factory=list[Reject])

    def count(self, item: PlannedItem) -> None:
        """Add an item's units that are to be done."""
        self.items += 1
        for unit in item.to_do():
            self.units[unit.stage] += 1
            vendor = OPERATIONS[unit.operation].account_type.vendor
            self.credits[vendor] = self.credits.get(vendor, 0.0) + unit.credits

    def in_money(self, vendor: str) -> str | None:
        """What a vendor's units cost in money, if its account has the price of a credit."""
        account = next((account for account in self.accounts if account.vendor == vendor), None)
        return account.in_money(self.credits[vendor]) if account else None

    @property
    def operations(self) -> set[str]:
        """The operations that the recipe's stages use."""
        return {stage.operation for stage in self.recipe.stages}


def recipe_of(run: CatalogRun) -> Recipe:
    """The run's recipe, read if it is given by name."""
    return run.recipe if isinstance(run.recipe, Recipe) else load_recipe(run.recipe)


async def check_run(run: CatalogRun) -> None:
    """See, within moments and without a call to a vendor, what would keep a run from beginning at all; raises it."""
    recipe, catalog = await _opened(run)
    recipe.check_columns(catalog.columns)
    await check_accounts({stage.operation for stage in recipe.stages}, run.accounts)


async def make_plan(run: CatalogRun, run_id: str, folder: Path) -> RunPlan:
    """
    Read catalog and recipe and write plan and rejects into a local folder.

    Raises `CatalogError` or `RecipeError` when nothing of it can run, and `StorageError` when the output's
    manifest can't be read.
    """
    recipe, catalog = await _opened(run)
    recipe.check_columns(catalog.columns)
    done = await _done_keys(await open_storage(run.output, run.accounts), folder)
    kinds = {OPERATIONS[stage.operation].account_type for stage in recipe.stages}
    accounts = [await priced_account(kind, run.accounts) for kind in kinds]
    sources = PictureSources(catalog.folder)
    entries = plan_items(catalog, recipe, sources, selection=run.selection, done=done, accounts=accounts)
    plan = RunPlan(recipe, folder / "plan.parquet", folder / "rejects.parquet", accounts=accounts)
    await asyncio.to_thread(_write_plan, plan, entries, run_id)
    return plan


async def _opened(run: CatalogRun) -> tuple[Recipe, Catalog]:
    recipe = recipe_of(run)
    storage = await open_storage(run.catalog.uri, run.accounts)
    return recipe, await asyncio.to_thread(Catalog.open, run.catalog, storage)


def _write_plan(plan: RunPlan, entries: Iterable[PlannedItem | Reject], run_id: str) -> None:
    with PlanWriter(plan.path, shard_items=SHARD_ITEMS) as writer, ManifestWriter(plan.rejects) as rejects:
        _sort_out(plan, entries, writer, rejects, run_id)
    plan.shards = writer.shards


def _sort_out(
    plan: RunPlan, entries: Iterable[PlannedItem | Reject], writer: PlanWriter, rejects: ManifestWriter, run_id: str
) -> None:
    for entry in entries:
        if isinstance(entry, Reject):
            plan.rejected_rows += 1
            rejects.add(quarantined(entry, plan.recipe, run_id))
            if len(plan.first_rejects) < REJECTS_TOLD:
                plan.first_rejects.append(entry)
        elif entry.to_do():
            plan.count(entry)
            writer.add(entry)
        else:
            plan.finished_items += 1


async def _done_keys(storage: ObjectStorage, folder: Path) -> set[str]:
    """Keys of the units whose pictures the output's manifest holds."""
    manifest = folder / "previous.parquet"
    if not await storage.exists(MANIFEST_PATH):
        return set()
    await storage.download(MANIFEST_PATH, manifest)
    rows = read_rows(manifest, ["unit_key", "status"])
    return {row["unit_key"] for row in rows if row["status"] == "done"}
