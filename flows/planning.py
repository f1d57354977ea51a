"""From a catalog and a recipe to a plan file, before anything is paid."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from blocks.account import VendorAccount
from blocks.storage import ObjectStorage
from catalogs.catalog import Catalog
from catalogs.delta import Gone, ManifestDelta
from catalogs.layout import MANIFEST_PATH
from catalogs.ledger import Ledger
from catalogs.manifest import ManifestWriter
from catalogs.manifest_merge import write_upkeep
from catalogs.picture_versions import PICTURE_VERSIONS_PATH, PictureVersions
from catalogs.plan import Planned
from catalogs.plan_file import PlanWriter
from catalogs.planner import Planner, pictures_of
from catalogs.read_ahead import ahead
from catalogs.recipe import Recipe, load_recipe
from catalogs.rows import Reject
from catalogs.sources import PictureSources
from flows.accounts import check_accounts, open_storage, priced_accounts
from flows.heap import rare_collections
from flows.made_from import MadeFrom, made_from
from flows.outcome import quarantined
from flows.parameters import CatalogRun
from flows.pricing import PricedPlan, price
from flows.rejects import RejectTally

__all__ = ["SHARD_ITEMS", "RunPlan", "check_request", "check_run", "current_versions", "make_plan", "recipe_of"]

# One process works through this many items as one shard; more become further shards.
SHARD_ITEMS = 20_000
GONE_TOLD = 10
# As many are written down together.
ITEMS_AT_ONCE = 5_000
# More objects than planning holds at a time; they go without the garbage collector, which took a tenth of the time.
OBJECTS_IN_HAND = 2_000_000


@dataclass(slots=True, kw_only=True)
class RunPlan(PricedPlan):
    """
    A run's plan, as it was made in a local folder.

    `upkeep` and `versions_path`, where they are, go to `publish_manifest`.
    """

    made_from: MadeFrom
    rejects: Path
    upkeep: Path | None
    versions_path: Path | None
    versions: PictureVersions


@dataclass(slots=True, kw_only=True)
class _Draft:
    """
    What reading the catalog came to.

    `gone` is what the manifest has and the whole catalog, which was read, or the recipe has not.
    """

    recipe: Recipe
    folder: Path
    rejected: RejectTally = field(default_factory=RejectTally)
    finished_items: int = 0
    gone: Gone = field(default_factory=Gone)
    upkeep: Path | None = None

    @property
    def path(self) -> Path:
        """The units, in the catalog's order."""
        return self.folder / "plan.parquet"

    @property
    def rejects(self) -> Path:
        """The rows that can't run."""
        return self.folder / "rejects.parquet"

    def facts(self) -> dict[str, Any]:
        """What a quote says of the catalog's reading."""
        return {
            "finished_items": self.finished_items,
            "rejected_rows": self.rejected.rows,
            "rejects": self.rejected.counts(),
            "first_rejects": self.rejected.first,
            "gone": len(self.gone.skus),
            "first_gone": self.gone.skus[:GONE_TOLD],
            "looks": [look.name for look in self.recipe.looks],
            "gone_looks": self.gone.looks,
        }


def recipe_of(run: CatalogRun) -> Recipe:
    """The run's recipe, read if it is given by name."""
    return run.recipe if isinstance(run.recipe, Recipe) else load_recipe(run.recipe)


async def check_run(run: CatalogRun) -> None:
    """See, within moments and without a call to a vendor, what would keep a run from beginning at all; raises it."""
    recipe = await check_request(run)
    await check_accounts({stage.operation for stage in recipe.stages}, run.accounts)


async def check_request(run: CatalogRun) -> Recipe:
    """The recipe, if it fits the catalog, within moments; raises what would keep a plan from being made."""
    recipe, catalog = await _opened(run)
    recipe.check_columns(catalog.columns)
    return recipe


async def current_versions(run: CatalogRun) -> MadeFrom:
    """What a plan would be made from now; raises what keeps a run from beginning at all."""
    recipe, catalog = await _opened(run)
    output = await open_storage(run.output, run.accounts)
    return await made_from(catalog, recipe, output, await _priced_accounts(run, recipe))


async def make_plan(run: CatalogRun, run_id: str, folder: Path) -> RunPlan:
    """
    Read catalog and recipe and write plan, rejects and upkeep into a local folder.

    Raises `CatalogError` or `RecipeError` when nothing of it can run, and `StorageError` when the output's
    manifest can't be read.
    """
    recipe, catalog = await _opened(run)
    recipe.check_columns(catalog.columns)
    output = await open_storage(run.output, run.accounts)
    accounts = await _priced_accounts(run, recipe)
    # Asked for first: what changes while the plan is made is then seen as a change.
    origin = await made_from(catalog, recipe, output, accounts)
    manifest = await _fetched(output, MANIFEST_PATH, folder / "previous.parquet")
    versions, versions_path = await _versions(run, recipe, catalog, output, folder)
    draft = _Draft(recipe=recipe, folder=folder)
    delta = await asyncio.to_thread(ManifestDelta, manifest, recipe, folder, force=run.selection.force)
    try:
        sources = PictureSources(catalog.folder)
        planner = Planner(catalog, recipe, sources, delta, accounts=accounts, versions=versions.for_keys())
        with rare_collections(OBJECTS_IN_HAND):
            await asyncio.to_thread(_write_draft, draft, planner, delta, run, run_id)
    finally:
        delta.close()
    # Of pictures that no manifest knows the ledger may, and then they cost nothing.
    whole = manifest is None and await Ledger(output).begun()
    priced = await asyncio.to_thread(_priced, draft, run, run_id, accounts, manifest, whole=whole)
    return RunPlan(
        path=priced.path,
        shards=priced.shards,
        left_out=priced.left_out,
        quote=priced.quote.model_copy(update=draft.facts()),
        made_from=origin,
        rejects=draft.rejects,
        upkeep=draft.upkeep,
        versions_path=versions_path,
        versions=versions,
    )


async def _opened(run: CatalogRun) -> tuple[Recipe, Catalog]:
    recipe = recipe_of(run)
    storage = await open_storage(run.catalog.uri, run.accounts)
    return recipe, await asyncio.to_thread(Catalog.open, run.catalog, storage)


async def _priced_accounts(run: CatalogRun, recipe: Recipe) -> list[VendorAccount]:
    return await priced_accounts((stage.operation for stage in recipe.stages), run.accounts)


def _write_draft(draft: _Draft, planner: Planner, delta: ManifestDelta, run: CatalogRun, run_id: str) -> None:
    with PlanWriter(draft.path, shard_items=_shard_items(run)) as writer, ManifestWriter(draft.rejects) as rejects:
        for entries in ahead(_some(planner.plan(run.selection))):
            writer.add_all(_sorted_out(draft, entries, rejects, run_id))
    draft.finished_items = planner.unchanged
    if run.selection.is_whole and not planner.unread:
        draft.gone = delta.gone(planner.knows)
    retired = draft.gone.items if run.retire else ()
    if delta.refreshed or retired:
        draft.upkeep = draft.folder / "upkeep.parquet"
        write_upkeep(draft.upkeep, draft.recipe.name, refreshed=delta.refreshed, retired=retired)


def _priced(
    draft: _Draft, run: CatalogRun, run_id: str, accounts: list[VendorAccount], manifest: Path | None, *, whole: bool
) -> PricedPlan:
    return price(
        draft.path,
        run_id,
        accounts=accounts,
        manifest=manifest,
        shard_items=_shard_items(run),
        items_in_flight=run.items_in_flight * (run.scale_out.at_once if run.scale_out else 1),
        retry=run.retry,
        max_credits=run.max_credits,
        whole=whole,
    )


def _shard_items(run: CatalogRun) -> int:
    return SHARD_ITEMS if run.scale_out is None else run.scale_out.shard_items


def _some(entries: Iterator[Planned | Reject]) -> Iterator[list[Planned | Reject]]:
    while some := list(islice(entries, ITEMS_AT_ONCE)):
        yield some


def _sorted_out(
    draft: _Draft, entries: Iterable[Planned | Reject], rejects: ManifestWriter, run_id: str
) -> Sequence[Planned]:
    """The items; rows that can't run are written down."""
    planned: list[Planned] = []
    for entry in entries:
        if isinstance(entry, Planned):
            planned.append(entry)
        else:
            draft.rejected.add(entry)
            rejects.add(quarantined(entry, draft.recipe, run_id))
    return planned


async def _versions(
    run: CatalogRun, recipe: Recipe, catalog: Catalog, output: ObjectStorage, folder: Path
) -> tuple[PictureVersions, Path | None]:
    """What is known of the pictures' versions, and where it lies if a look that was asked for found anything new."""
    path = await _fetched(output, PICTURE_VERSIONS_PATH, folder / "versions-before.parquet")
    versions = await asyncio.to_thread(PictureVersions.read, path) if path else PictureVersions()
    if run.check_pictures:
        sources = PictureSources(catalog.folder, storage=await open_storage(catalog.source.uri, run.accounts))
        pictures = await asyncio.to_thread(pictures_of, catalog, recipe, sources)
        if await versions.look(pictures, sources):
            seen = folder / "versions.parquet"
            await asyncio.to_thread(versions.news().write, seen)
            return versions, seen
    return versions, None


async def _fetched(storage: ObjectStorage, path: str, target: Path) -> Path | None:
    """A copy of what is there, if it is there."""
    if not await storage.exists(path):
        return None
    await storage.download(path, target)
    return target
