"""The shards of a plan: in this process, or as runs of a deployment on whatever machines its work pool has."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from prefect.logging import get_run_logger

from flows.accounts import open_storage
from flows.deployed_shard import DeployedShard, NoWorker, ShardLost, check_deployment
from flows.ending import PREFECT_ERRORS
from flows.lost_shard import tell_lost
from flows.parameters import ScaleOut, ShardRun
from flows.process_shard import work_shard, work_within

__all__ = ["work_shards"]


async def work_shards(shards: Sequence[ShardRun], scale_out: ScaleOut | None) -> list[str]:
    """
    Work through a plan's shards; the paths of their manifests.

    A single shard needs no flow run of its own. Without `scale_out` several go one after the other, as their
    accounts would be no faster for two at a time.
    """
    if len(shards) == 1:
        return [await work_within(shards[0])]
    if scale_out is None or not shards:
        return [await work_shard(shard) for shard in shards]
    await check_deployment(scale_out.deployment)
    return await _Spread(scale_out).all_of(shards)


@dataclass(slots=True)
class _Spread:
    """Shards on their way through a deployment, `at_once` at a time."""

    scale_out: ScaleOut
    _here: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def all_of(self, shards: Sequence[ShardRun]) -> list[str]:
        places = asyncio.Semaphore(self.scale_out.at_once)
        beside = min(self.scale_out.at_once, len(shards))

        async def one(shard: ShardRun) -> str:
            async with places:
                return await self._worked(shard.model_copy(update={"beside": beside}))

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(shard)) for shard in shards]
        return [task.result() for task in tasks]

    async def _worked(self, shard: ShardRun) -> str:
        storage = await open_storage(shard.output, shard.accounts)
        try:
            return await DeployedShard(shard, self.scale_out, storage).result()
        except (NoWorker, *PREFECT_ERRORS) as error:
            get_run_logger().warning("Shard %s is worked through here: %s", shard.shard, error)
            async with self._here:
                return await work_shard(shard)
        except ShardLost as error:
            get_run_logger().error("Shard %s is lost: %s", shard.shard, error)
            return await tell_lost(shard, error)
