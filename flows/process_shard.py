"""One shard of a plan: its items through their stages, and a manifest of what came of them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from prefect import flow

from blocks.storage import ObjectStorage
from catalogs.layout import shard_manifest_path
from catalogs.manifest import ManifestRow, ManifestWriter
from catalogs.plan import PlannedItem
from catalogs.plan_file import read_shard
from catalogs.runs import Runs
from flows.accounts import open_storage
from flows.desk import open_desk
from flows.parameters import ShardRun
from flows.progress import RunProgress, shown
from flows.tasks import work_through
from flows.window import kept

__all__ = ["process_shard"]


@flow(name="process-shard", flow_run_name="{shard.run_id} shard {shard.shard}", persist_result=False)
async def process_shard(shard: ShardRun) -> str:
    """Work through one shard; returns the path of its manifest under the output."""
    with TemporaryDirectory(prefix="catwalk-") as folder:
        items = await read_items(shard, Path(folder))
        rows = await _work(shard, items)
        return await _publish(shard, rows, Path(folder))


async def read_items(shard: ShardRun, folder: Path) -> list[PlannedItem]:
    """The shard's slice of the plan."""
    plan = folder / "plan.parquet"
    storage = await open_storage(shard.output, shard.accounts)
    await storage.download(shard.plan, plan)
    return list(read_shard(plan, shard.shard))


async def _work(shard: ShardRun, items: list[PlannedItem]) -> list[ManifestRow]:
    progress = RunProgress(sum(len(item.units) for item in items))
    operations = {unit.operation for item in items for unit in item.units}
    async with (
        open_desk(shard, operations, progress) as desk,
        shown(progress),
        kept(desk.open_items, Runs(desk.storage), shard.run_id, shard.shard),
    ):
        return await work_through(desk, items, at_once=shard.items_in_flight)


async def _publish(shard: ShardRun, rows: list[ManifestRow], folder: Path) -> str:
    manifest = folder / "manifest.parquet"
    with ManifestWriter(manifest) as writer:
        writer.add(rows)
    path = shard_manifest_path(shard.run_id, shard.shard)
    storage: ObjectStorage = await open_storage(shard.output, shard.accounts)
    await storage.upload(path, manifest, content_type="application/vnd.apache.parquet")
    return path
