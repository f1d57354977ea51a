"""The main job: a catalog through a recipe into pictures, a manifest and a gallery."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from catalogs.layout import plan_path, rejects_path
from catalogs.ledger import now
from flows.accounts import check_accounts, open_storage
from flows.parameters import CatalogRun, ShardRun
from flows.planning import RunPlan, make_plan
from flows.process_shard import process_shard
from flows.publish import publish_gallery, publish_manifest
from flows.report import RunReport, as_state, publish_report, summarise

__all__ = ["process_catalog"]

PARQUET = "application/vnd.apache.parquet"


@flow(name="process-catalog", flow_run_name="{run.output}", persist_result=False)
async def process_catalog(run: CatalogRun) -> State[RunReport]:
    """Plan, work through the shards, publish manifest and gallery, report."""
    started_at = now()
    run_id = new_run_id(started_at)
    with TemporaryDirectory(prefix="catwalk-") as scratch:
        folder = Path(scratch)
        plan = await plan_units(run, run_id, folder)
        parts = [await process_shard(shard) for shard in shards_of(run, run_id, plan)]
        manifest = await publish_manifest(run, [*parts, rejects_path(run_id)], folder)
        report = summarise(manifest.rows_of_run(), run_id=run_id, started_at=started_at, **manifest.facts(plan))
        await publish_gallery(run, manifest, report)
    await publish_report(report)
    return as_state(report)


def new_run_id(started_at: datetime) -> str:
    """A name that sorts by time and leads back to the flow run."""
    suffix = str(flow_run.get_id() or uuid4())[:8]
    return f"{started_at:%Y%m%dT%H%M%SZ}-{suffix}"


async def plan_units(run: CatalogRun, run_id: str, folder: Path) -> RunPlan:
    """Make the plan, see that it can begin at all, and store it."""
    storage = await open_storage(run.output, run.accounts)
    await storage.check()
    plan = await make_plan(run, run_id, folder)
    await check_accounts(plan.operations if plan.items else (), run.accounts)
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
            items_in_flight=run.items_in_flight,
        )
        for shard in range(plan.shards)
    ]
