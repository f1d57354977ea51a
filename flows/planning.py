"""From a catalog and a recipe to a plan file, before anything is paid."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from blocks.account import VendorAccount
from blocks.operations import OPERATIONS
from blocks.storage import ObjectStorage
from catalogs.catalog import Catalog
from catalogs.chain import Chain
from catalogs.delta import ManifestDelta
from catalogs.layout import MANIFEST_PATH
from catalogs.manifest import ManifestWriter
from catalogs.manifest_merge import write_upkeep
from catalogs.picture_versions import PICTURE_VERSIONS_PATH, PictureVersions
from catalogs.plan import Planned, Planner, pictures_of
from catalogs.plan_file import PlanWriter
from catalogs.reasons import WAITS_FOR_RETRY, Reason
from catalogs.recipe import Recipe, load_recipe
from catalogs.rows import Reject
from catalogs.sources import PictureSources
from flows.accounts import check_accounts, open_storage, priced_account
from flows.desk import rare_collections
from flows.outcome import quarantined
from flows.parameters import CatalogRun

__all__ = ["SHARD_ITEMS", "PricedPlan", "RunPlan", "check_run", "make_plan", "recipe_of"]

# One process works through this many items as one shard; more become further shards.
SHARD_ITEMS = 20_000
REJECTS_TOLD = 10
# As many are written down together.
ITEMS_AT_ONCE = 5_000


@dataclass(slots=True, kw_only=True)
class PricedPlan:
    """A plan on disk, with the units that will be paid for by stage and their credits by vendor."""

    path: Path
    shards: int = 0
    items: int = 0
    units: Counter[str] = field(default_factory=Counter[str])
    credits: dict[str, float] = field(default_factory=dict[str, float])
    accounts: list[VendorAccount] = field(default_factory=list[VendorAccount])

    def charge(self, stage: str, operation: str, price: float) -> None:
        """Add a unit that will be paid for."""
        self.units[stage] += 1
        vendor = OPERATIONS[operation].account_type.vendor
        self.credits[vendor] = self.credits.get(vendor, 0.0) + price

    def in_money(self, vendor: str) -> str | None:
        """What a vendor's units cost in money, if its account has the price of a credit."""
        account = next((account for account in self.accounts if account.vendor == vendor), None)
        return account.in_money(self.credits[vendor]) if account else None


@dataclass(slots=True, kw_only=True)
class RunPlan(PricedPlan):
    """
    A run's plan, and what it adds up to.

    `reasons` counts all planned units by stage and reason. `gone` are the SKUs that the manifest has and the whole
    catalog, which was read, has not. `upkeep` and `versions_path`, where they are, go to `publish_manifest`.
    """

    recipe: Recipe
    rejects: Path
    finished_items: int = 0
    rejected_rows: int = 0
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    retry: Sequence[str] = ()
    first_rejects: list[Reject] = field(default_factory=list[Reject])
    gone: list[str] = field(default_factory=list[str])
    upkeep: Path | None = None
    versions: PictureVersions = field(default_factory=PictureVersions)
    versions_path: Path | None = None

    def count(self, planned: Planned, chain: Chain) -> None:
        """Add an item's units; those that wait for a retry that nobody asked for, and what follows them, cost nothing."""
        self.items += 1
        halted = False
        for stage, price, reason in zip(self.recipe.stages, chain.credits, planned.reasons, strict=True):
            self.reasons[stage.name, reason] += 1
            waits_for = WAITS_FOR_RETRY.get(Reason(reason))
            halted = halted or (waits_for is not None and waits_for not in self.retry)
            if reason != Reason.DONE and not halted:
                self.charge(stage.name, stage.operation, price)

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
    Read catalog and recipe and write plan, rejects and upkeep into a local folder.

    Raises `CatalogError` or `RecipeError` when nothing of it can run, and `StorageError` when the output's
    manifest can't be read.
    """
    recipe, catalog = await _opened(run)
    recipe.check_columns(catalog.columns)
    output = await open_storage(run.output, run.accounts)
    manifest = await _fetched(output, MANIFEST_PATH, folder / "previous.parquet")
    kinds = {OPERATIONS[stage.operation].account_type for stage in recipe.stages}
    accounts = [await priced_account(kind, run.accounts) for kind in kinds]
    plan = RunPlan(
        recipe=recipe,
        path=folder / "plan.parquet",
        rejects=folder / "rejects.parquet",
        retry=run.retry,
        accounts=accounts,
    )
    plan.versions = await _versions(run, recipe, catalog, output, folder, plan)
    delta = await asyncio.to_thread(ManifestDelta, manifest, recipe, folder, force=run.selection.force)
    try:
        planner = Planner(
            catalog,
            recipe,
            PictureSources(catalog.folder),
            delta,
            accounts=accounts,
            versions=plan.versions.for_keys(),
        )
        with rare_collections():
            await asyncio.to_thread(_write_plan, plan, planner, delta, run, run_id)
    finally:
        delta.close()
    return plan


async def _opened(run: CatalogRun) -> tuple[Recipe, Catalog]:
    recipe = recipe_of(run)
    storage = await open_storage(run.catalog.uri, run.accounts)
    return recipe, await asyncio.to_thread(Catalog.open, run.catalog, storage)


def _write_plan(plan: RunPlan, planner: Planner, delta: ManifestDelta, run: CatalogRun, run_id: str) -> None:
    with PlanWriter(plan.path, shard_items=_shard_items(run)) as writer, ManifestWriter(plan.rejects) as rejects:
        for entries in _some(planner.plan(run.selection)):
            _sort_out(plan, planner, entries, writer, rejects, run_id)
    plan.shards = writer.shards
    plan.finished_items = planner.unchanged
    if run.selection.is_whole and not planner.unread:
        plan.gone = delta.gone(planner.knows)
    retired = plan.gone if run.retire else []
    if delta.refreshed or retired:
        plan.upkeep = plan.path.parent / "upkeep.parquet"
        write_upkeep(plan.upkeep, plan.recipe.name, refreshed=delta.refreshed, retired=retired)


def _shard_items(run: CatalogRun) -> int:
    return SHARD_ITEMS if run.scale_out is None else run.scale_out.shard_items


def _some(entries: Iterator[Planned | Reject]) -> Iterator[list[Planned | Reject]]:
    while some := list(islice(entries, ITEMS_AT_ONCE)):
        yield some


def _sort_out(
    plan: RunPlan,
    planner: Planner,
    entries: Iterable[Planned | Reject],
    writer: PlanWriter,
    rejects: ManifestWriter,
    run_id: str,
) -> None:
    planned: list[Planned] = []
    for entry in entries:
        if isinstance(entry, Planned):
            plan.count(entry, planner.chain)
            planned.append(entry)
            continue
        plan.rejected_rows += 1
        rejects.add(quarantined(entry, plan.recipe, run_id))
        if len(plan.first_rejects) < REJECTS_TOLD:
            plan.first_rejects.append(entry)
    writer.add_all(planner.chain, planned)


async def _versions(
    run: CatalogRun, recipe: Recipe, catalog: Catalog, output: ObjectStorage, folder: Path, plan: RunPlan
) -> PictureVersions:
    """What is known of the pictures' versions, and what a look at them finds, if one is asked for."""
    path = await _fetched(output, PICTURE_VERSIONS_PATH, folder / "versions-before.parquet")
    versions = await asyncio.to_thread(PictureVersions.read, path) if path else PictureVersions()
    if run.check_pictures:
        sources = PictureSources(catalog.folder, storage=await open_storage(catalog.source.uri, run.accounts))
        pictures = await asyncio.to_thread(pictures_of, catalog, recipe, sources)
        if await versions.look(pictures, sources):
            plan.versions_path = folder / "versions.parquet"
            await asyncio.to_thread(versions.write, plan.versions_path)
    return versions


async def _fetched(storage: ObjectStorage, path: str, target: Path) -> Path | None:
    """A copy of what is there, if it is there."""
    if not await storage.exists(path):
        return None
    await storage.download(path, target)
    return target
