"""Units that failed, or whose outcome is unknown, once more: exactly those, each as a new attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect import flow
from prefect.client.schemas.objects import State

from blocks.errors import CatalogError, StorageError
from blocks.storage import MissingObject, ObjectStorage
from catalogs.layout import MANIFEST_PATH, PARQUET, left_out_path, plan_path
from catalogs.ledger import now
from catalogs.manifest import no_manifest, read_rows
from catalogs.plan import PlannedItem
from catalogs.plan_file import PlanWriter, read_shard, shards_in
from catalogs.reasons import Reason
from flows.accounts import open_storage, priced_accounts
from flows.ending import noted
from flows.finish_by import check_ahead
from flows.parameters import Retry, RetryRun, ShardRun
from flows.plan_catalog import new_plan_id
from flows.planning import SHARD_ITEMS
from flows.pricing import PricedPlan, price
from flows.publish import publish_gallery, publish_manifest
from flows.quote_words import tell_quote
from flows.report import RunReport, as_state
from flows.report_artifacts import publish_report
from flows.run_page import publish_run_page
from flows.shards import work_shards
from flows.summary import summarise

__all__ = ["plan_retry", "retry_output"]

REASONS = {Retry.FAILED: Reason.FAILED_BEFORE, Retry.UNKNOWN: Reason.UNKNOWN_BEFORE}


@flow(name="retry", flow_run_name="{retry.output}", persist_result=False)
async def retry_output(retry: RetryRun) -> State[RunReport]:
    """Find the units in the manifest, plan them as they were planned, work through them, publish."""
    return await noted(_repeated(retry))


async def _repeated(retry: RetryRun) -> State[RunReport]:
    started_at = now()
    check_ahead(retry.finish_by)
    run_id = new_plan_id(started_at)
    storage = await open_storage(retry.output, retry.accounts)
    with TemporaryDirectory(prefix="catwalk-") as scratch:
        folder = Path(scratch)
        plan = await plan_retry(retry, run_id, folder)
        tell_quote(plan.quote)
        await storage.upload(plan_path(run_id), plan.path, content_type=PARQUET)
        parts = await work_shards([_shard(retry, run_id, shard) for shard in range(plan.shards)], None)
        if plan.left_out is not None:
            parts.append(left_out_path(run_id))
            await storage.upload(parts[-1], plan.left_out, content_type=PARQUET)
        manifest = await publish_manifest(storage, parts, folder, run_id)
        accounts = await priced_accounts(plan.quote.operations, retry.accounts)
        report = summarise(
            manifest.rows_of_run(),
            run_id=run_id,
            started_at=started_at,
            recipe=", ".join(sorted(manifest.recipes())),
            unchanged=0,
            accounts=accounts,
            max_credits=retry.max_credits,
            finish_by=retry.finish_by,
            **manifest.facts(gallery=retry.gallery_items > 0),
        )
        report = await publish_gallery(manifest, report, retry.accounts, most=retry.gallery_items)
        report = await publish_run_page(manifest, report, accounts, folder)
    await publish_report(report)
    return as_state(report)


async def plan_retry(retry: RetryRun, run_id: str, folder: Path) -> PricedPlan:
    """
    Write the plan of a retry into a local folder.

    Raises `CatalogError` when no unit ended so, and `StorageError` when manifest or earlier plans are not there.
    """
    storage = await open_storage(retry.output, retry.accounts)
    wanted = await _wanted(storage, retry, folder)
    if not wanted:
        raise CatalogError(
            f"the manifest at {storage.uri(MANIFEST_PATH)} has no unit that is {' or '.join(retry.kinds)}",
            next_step="`catwalk status` shows how every stage stands.",
        )
    draft = folder / "plan.parquet"
    operations: set[str] = set()
    with PlanWriter(draft, shard_items=SHARD_ITEMS) as writer:
        for earlier, reasons in wanted.items():
            for planned in await _planned(storage, earlier, reasons, folder):
                writer.add(_repeating(planned, reasons))
                operations.update(unit.operation for unit in planned.units)
    return await asyncio.to_thread(
        price,
        draft,
        run_id,
        accounts=await priced_accounts(operations, retry.accounts),
        manifest=folder / "previous.parquet",
        shard_items=SHARD_ITEMS,
        items_in_flight=retry.items_in_flight,
        retry=retry.kinds,
        max_credits=retry.max_credits,
    )


def _repeating(item: PlannedItem, reasons: Mapping[str, Reason]) -> PlannedItem:
    """The item with what is repeated, and what waited for it, to be done; what was made before that stays, if forced too."""
    first = next(place for place, unit in enumerate(item.units) if unit.unit_key in reasons)
    done = (replace(unit, reason=Reason.DONE) for unit in item.units[:first])
    to_do = (
        replace(unit, reason=reasons.get(unit.unit_key, unit.reason), left_out=None) for unit in item.units[first:]
    )
    return PlannedItem(item.sku, (*done, *to_do))


async def _wanted(storage: ObjectStorage, retry: RetryRun, folder: Path) -> dict[str, dict[str, Reason]]:
    """The keys of the units to repeat with their reasons, by the run that planned them."""
    manifest = folder / "previous.parquet"
    try:
        await storage.download(MANIFEST_PATH, manifest)
    except MissingObject as error:
        raise no_manifest(storage) from error
    wanted: dict[str, dict[str, Reason]] = {}
    for row in read_rows(manifest, ["status", "unit_key", "run_id"]):
        if row["status"] in retry.kinds and row["unit_key"]:
            wanted.setdefault(row["run_id"], {})[row["unit_key"]] = REASONS[row["status"]]
    return wanted


async def _planned(storage: ObjectStorage, run_id: str, keys: Container[str], folder: Path) -> Iterator[PlannedItem]:
    """The items that hold these units, as the earlier run planned them."""
    path = folder / f"{run_id}.parquet"
    try:
        await storage.download(plan_path(run_id), path)
    except MissingObject as error:
        raise StorageError(
            f"the plan of run {run_id} is not at {storage.uri(plan_path(run_id))}",
            next_step="Run the catalog again with `retry` set; that plans anew.",
        ) from error
    items = (item for shard in shards_in(path) for item in read_shard(path, shard))
    return (item for item in items if any(unit.unit_key in keys for unit in item.units))


def _shard(retry: RetryRun, run_id: str, shard: int) -> ShardRun:
    return ShardRun(
        output=retry.output,
        catalog=retry.output,
        plan=plan_path(run_id),
        run_id=run_id,
        shard=shard,
        accounts=retry.accounts,
        retry=retry.kinds,
        max_credits=retry.max_credits,
        finish_by=retry.finish_by,
        items_in_flight=retry.items_in_flight,
    )
