"""One shard of a plan: its items through their stages, and a manifest of what came of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed

from blocks.storage import ObjectStorage
from catalogs.layout import shard_manifest_path
from catalogs.manifest import ManifestRow, ManifestWriter
from catalogs.plan import PlannedItem
from catalogs.plan_file import read_shard
from catalogs.runs import Runs
from flows.accounts import open_storage
from flows.desk import open_desk
from flows.ending import PREFECT_ERRORS, FlowAtWork, noted
from flows.export import exported
from flows.parameters import ShardRun
from flows.progress import RunProgress
from flows.screens import shown
from flows.sharing import SharedUnits
from flows.tasks import work_through
from flows.window import kept

__all__ = ["process_shard", "publish_rows", "read_items", "work_shard", "work_within"]


@flow(name="process-shard", flow_run_name="{shard.run_id} shard {shard.shard}", persist_result=False)
async def process_shard(shard: ShardRun) -> State[str]:
    """Work through one shard; its result is the path of its manifest under the output."""
    return await noted(_worked_through(shard))


async def work_shard(shard: ShardRun) -> str:
    """
    Run the flow in this process; the path of its manifest.

    A shard whose flow run Prefect's server can't begin is worked through within the caller's, as paid work does not
    hang on the server.
    """
    run = FlowAtWork(lambda: cast("Awaitable[State[str]]", process_shard(shard, return_state=True)))
    try:
        return await run.result()
    except PREFECT_ERRORS:
        if run.begun:
            raise
        get_run_logger().warning("Prefect could not begin a flow run for shard %s", shard.shard, exc_info=True)
    return await work_within(shard)


async def work_within(shard: ShardRun) -> str:
    """Work through the shard within the caller's flow run; the path of its manifest."""
    return cast("str", (await _worked_through(shard)).data)


async def _worked_through(shard: ShardRun) -> State[str]:
    with TemporaryDirectory(prefix="catwalk-") as folder:
        items = await read_items(shard, Path(folder))
        rows = await _work(shard, items)
        path = await publish_rows(shard, rows, Path(folder))
    counts = Counter(row.status for row in rows)
    words = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    return Completed(name="Completed" if counts.keys() <= {"done"} else "Partial", message=words, data=path)


async def read_items(shard: ShardRun, folder: Path) -> list[PlannedItem]:
    """The shard's slice of the plan."""
    plan = folder / "plan.parquet"
    storage = await open_storage(shard.output, shard.accounts)
    await storage.download(shard.plan, plan)
    return list(read_shard(plan, shard.shard))


async def _work(shard: ShardRun, items: list[PlannedItem]) -> list[ManifestRow]:
    planned = Counter(unit.stage for item in items for unit in item.units)
    progress = RunProgress(planned.total(), planned)
    operations = {unit.operation for item in items for unit in item.units}
    async with (
        open_desk(shard, operations, progress) as desk,
        shown(progress),
        exported(),
        kept(desk.open_items, Runs(desk.storage), shard.run_id, shard.shard),
    ):
        desk.open_items.name([item.name for item in items])
        desk.finish_by.chains = {
            item.units[0].recipe: [unit.operation for unit in item.units] for item in items if item.units
        }
        desk.shared = SharedUnits(items)
        return await work_through(desk, items, at_once=shard.items_in_flight)


async def publish_rows(shard: ShardRun, rows: list[ManifestRow], folder: Path) -> str:
    """Store what the shard's units came to; the path of that manifest."""
    manifest = folder / "manifest.parquet"
    with ManifestWriter(manifest) as writer:
        writer.add(rows)
    path = shard_manifest_path(shard.run_id, shard.shard)
    storage: ObjectStorage = await open_storage(shard.output, shard.accounts)
    await storage.upload(path, manifest, content_type="application/vnd.apache.parquet")
    return path
