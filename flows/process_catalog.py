"""The main job: a catalog through a recipe into pictures, a manifest and a gallery."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from catalogs.layout import plan_path, rejects_path
from catalogs.ledger import now
from catalogs.runs import OpenRun, Runs
from flows.accounts import check_accounts, check_shared, open_storage
from flows.ending import noted
from flows.parameters import CatalogRun, ShardRun
from flows.planning import RunPlan, make_plan
from flows.publish import PublishedManifest, publish_gallery, publish_manifest
from flows.report import RunReport, as_state, publish_report, summarise
from flows.rescue import rescue
from flows.shards import work_shards

__all__ = ["PARQUET", "new_run_id", "process_catalog"]

PARQUET = "application/vnd.apache.parquet"
# What a run was asked for: whoever asks for the same carries on one that died.
IDENTITY = {"catalog", "recipe", "output", "selection", "retry", "check_pictures", "retire"}


@flow(name="process-catalog", flow_run_name="{run.output}", persist_result=False)
async def process_catalog(run: CatalogRun) -> State[RunReport]:
    """Fetch what a killed run left, plan, work through the shards, publish manifest and gallery, report."""
    return await noted(deliver(run))


async def deliver(run: CatalogRun) -> State[RunReport]:
    """All that the flow does, step by step."""
    started_at = now()
    opened = await open_run(run, started_at)
    run_id = opened.run_id
    await rescue(run.output, run.accounts)
    with TemporaryDirectory(prefix="catwalk-") as scratch:
        folder = Path(scratch)
        plan = await plan_units(run, run_id, folder)
        parts = await work_shards(shards_of(run, run_id, plan), run.scale_out)
        storage = await open_storage(run.output, run.accounts)
        manifest = await publish_manifest(
            storage, [*parts, rejects_path(run_id)], folder, run_id, upkeep=plan.upkeep, versions=plan.versions_path
        )
        report = report_of(run, plan, manifest, run_id, started_at)
        await publish_gallery(manifest, report, run.accounts, most=run.gallery_items)
    await close_run(run, opened)
    await publish_report(report)
    return as_state(report)


def report_of(
    run: CatalogRun, plan: RunPlan, manifest: PublishedManifest, run_id: str, started_at: datetime
) -> RunReport:
    """What the run came to."""
    return summarise(
        manifest.rows_of_run(),
        run_id=run_id,
        started_at=started_at,
        recipe=plan.recipe.name,
        unchanged=plan.finished_items,
        accounts=plan.accounts,
        max_credits=run.max_credits,
        **manifest.facts(gallery=run.gallery_items > 0),
    )


async def open_run(run: CatalogRun, started_at: datetime) -> OpenRun:
    """See that the output can be written, and begin a run, or carry on the one that was asked for the same and died."""
    storage = await open_storage(run.output, run.accounts)
    await storage.check()
    asked = run.model_dump_json(include=IDENTITY)
    opened = await Runs(storage).begin(new_run_id(started_at), asked)
    if opened.started_at < started_at:
        get_run_logger().info("Carrying on run %s, which began at %s and did not end", opened.run_id, opened.started_at)
    return opened


async def close_run(run: CatalogRun, opened: OpenRun) -> None:
    """Nothing of the run waits any more."""
    await Runs(await open_storage(run.output, run.accounts)).end(opened)


def new_run_id(started_at: datetime) -> str:
    """A name that sorts by time and leads back to the flow run."""
    suffix = str(flow_run.get_id() or uuid4())[:8]
    return f"{started_at:%Y%m%dT%H%M%SZ}-{suffix}"


async def plan_units(run: CatalogRun, run_id: str, folder: Path) -> RunPlan:
    """Make the plan, see that its accounts are there, and store it."""
    storage = await open_storage(run.output, run.accounts)
    plan = await make_plan(run, run_id, folder)
    await check_accounts(plan.operations if plan.items else (), run.accounts)
    if run.scale_out is not None and plan.shards > 1:
        check_shared(plan.accounts)
    await storage.upload(plan_path(run_id), plan.path, content_type=PARQUET)
    await storage.upload(rejects_path(run_id), plan.rejects, content_type=PARQUET)
    return plan


def shards_of(run: CatalogRun, run_id: str, plan: RunPlan) -> list[ShardRun]:
    """The plan's slices, each as its flow run gets it."""
    return [
        ShardRun(
            output=run.output,
            catalog=run.catalog.uri,
            plan=plan_path(run_id),
            run_id=run_id,
            shard=shard,
            accounts=run.accounts,
            retry=run.retry,
            max_credits=run.max_credits,
            items_in_flight=run.items_in_flight,
        )
        for shard in range(plan.shards)
    ]
