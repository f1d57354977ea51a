"""One shard of a plan: its items through their stages, and a manifest of what came of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import pyarrow as pa
from prefect import flow
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed

from blocks.storage import ObjectStorage
from catalogs.layout import shard_manifest_path
from catalogs.manifest import ManifestWriter
from catalogs.plan import PlannedItem
from catalogs.plan_file import read_shard
from catalogs.runs import Runs
from catalogs.set_aside import SetAside
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

__all__ = ["fetch_plan", "process_shard", "publish_rows", "work_shard", "work_within"]


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
        plan = await fetch_plan(shard, Path(folder))
        rows = SetAside(Path(folder) / "rows.arrow")
        counts = await _work(shard, plan, rows)
        path = await publish_rows(shard, rows.in_order(), Path(folder))
    words = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    return Completed(name="Completed" if counts.keys() <= {"done"} else "Partial", message=words, data=path)


async def fetch_plan(shard: ShardRun, folder: Path) -> Path:
    """A local copy of the plan."""
    plan = folder / "plan.parquet"
    storage = await open_storage(shard.output, shard.accounts)
    await storage.download(shard.plan, plan)
    return plan


async def _work(shard: ShardRun, plan: Path, rows: SetAside) -> Counter[str]:
    """Set the rows of all items aside; returns how many units have which status."""
    ahead = await asyncio.to_thread(_look_ahead, read_shard(plan, shard.shard))
    progress = RunProgress(ahead.planned.total(), ahead.planned)
    async with (
        open_desk(shard, ahead.operations, progress) as desk,
        shown(progress),
        exported(),
        kept(desk.open_items, Runs(desk.storage), shard.run_id, shard.shard),
    ):
        desk.finish_by.chains = ahead.chains
        desk.shared = ahead.shared
        items = desk.shared.noted(read_shard(plan, shard.shard))
        with rows:
            units = ahead.planned.total()
            await work_through(desk, items, rows.put, units=units, at_once=shard.items_in_flight)
    return progress.by_status


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What has to be known of a shard before its first item is begun: units by stage, operations, chains by recipe."""

    planned: Counter[str]
    operations: set[str]
    chains: dict[str, list[str]]
    shared: SharedUnits


def _look_ahead(items: Iterable[PlannedItem]) -> _Ahead:
    """Read through the items, and keep none of them."""
    planned, operations, keys = Counter[str](), set[str](), Counter[str]()
    chains: dict[str, list[str]] = {}
    for item in items:
        chain = [unit.operation for unit in item.units]
        chains[item.units[0].recipe] = chain
        operations.update(chain)
        planned.update(unit.stage for unit in item.units)
        keys.update(unit.unit_key for unit in item.units if unit.left_out is None)
    return _Ahead(planned, operations, chains, SharedUnits(keys))


async def publish_rows(shard: ShardRun, rows: Iterable[pa.RecordBatch], folder: Path) -> str:
    """Store what the shard's units came to; the path of that manifest."""
    manifest = folder / "manifest.parquet"
    await asyncio.to_thread(_write, rows, manifest)
    path = shard_manifest_path(shard.run_id, shard.shard)
    storage: ObjectStorage = await open_storage(shard.output, shard.accounts)
    await storage.upload(path, manifest, content_type="application/vnd.apache.parquet")
    return path


def _write(rows: Iterable[pa.RecordBatch], target: Path) -> None:
    with ManifestWriter(target) as writer:
        for batch in rows:
            writer.add_batch(batch)
