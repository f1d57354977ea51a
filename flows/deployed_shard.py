"""One shard as the run of a deployment: begun once, found again after a crash, begun anew where its machine is gone."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from datetime import datetime
from enum import Enum, auto
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import arun_deployment
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger
from prefect.states import Cancelling

from blocks.errors import CatwalkError
from blocks.storage import ObjectStorage
from catalogs.layout import shard_manifest_path
from catalogs.runs import Runs
from flows.ending import PREFECT_ERRORS
from flows.parameters import ScaleOut, ShardRun

__all__ = ["DeployedShard", "NoWorker", "ShardLost", "check_deployment"]

LOOK_SECONDS = 3.0
# A shard that crashed so often will not do better; the next run goes on with what it left.
MOST_STARTS = 3
CANCEL_SECONDS = 10.0


class NoWorker(CatwalkError):
    """
    No worker took a shard's flow run.

    Costs: nothing.
    Next: none, the run's own process does the shard; start a worker for the next one.
    """


class ShardLost(CatwalkError):
    """
    A shard's flow runs ended, again and again, before its work did.

    Costs: nothing more: jobs that are at their vendor are paid, and fetched by the next run.
    Next: look at the workers' logs and memory, then run again.
    """


class _End(Enum):
    """How the watch over a flow run ended."""

    WORKED_THROUGH = auto()
    GONE = auto()


async def check_deployment(name: str) -> None:
    """Raise `CatwalkError` unless Prefect's server has the deployment, before any shard waits for it."""
    async with get_client() as client:
        try:
            await client.read_deployment_by_name(name)
        except (ObjectNotFound, ValueError) as error:
            raise CatwalkError(
                f"Prefect's server has no deployment {name!r} for the run's shards",
                next_step="Deploy it (deployments/prefect.yaml has it), or leave scale_out empty to work in one process.",
            ) from error


class DeployedShard:
    """
    A shard that any worker of a deployment's pool may take.

    Its flow runs carry idempotency keys made of the shard itself, so a run that is carried on after a crash finds
    those that go on without it. A flow run that ends, or falls silent, before the shard's manifest is in storage is
    followed by another; should both be alive, the ledger's claims keep them from paying for a unit twice.
    """

    def __init__(self, shard: ShardRun, scale_out: ScaleOut, storage: ObjectStorage) -> None:
        self._shard, self._scale_out, self._storage = shard, scale_out, storage
        self._path = shard_manifest_path(shard.run_id, shard.shard)
        self._name = f"{shard.run_id} shard {shard.shard}"
        digest = hashlib.sha256(shard.model_dump_json().encode()).hexdigest()
        self._key = f"{shard.run_id}-{shard.shard}-{digest[:12]}"

    async def result(self) -> str:
        """
        The path of the shard's manifest, once it is in storage.

        Raises `NoWorker` or `ShardLost`, or what Prefect's client raises when its server can't begin a run.
        """
        for start in range(MOST_STARTS):
            flow_run = await self._begun(start)
            try:
                if await self._watched(flow_run.id) is _End.WORKED_THROUGH:
                    return self._path
            except asyncio.CancelledError:
                await _cancel(flow_run.id)
                raise
            get_run_logger().warning("%s: flow run %s is gone before its end", self._name, flow_run.name)
        raise ShardLost(
            f"its flow run came to no end {MOST_STARTS} times",
            next_step="See the flow runs' logs in Prefect; the next run goes on with what was left.",
        )

    async def _begun(self, start: int) -> FlowRun:
        return await arun_deployment(
            self._scale_out.deployment,
            parameters={"shard": self._shard.model_dump(mode="json")},
            flow_run_name=self._name,
            idempotency_key=self._key if not start else f"{self._key}-{start}",
            timeout=0,
        )

    async def _watched(self, flow_run_id: UUID) -> _End:
        """Look until the flow run has ended, or nothing more is to be expected of it."""
        clock = asyncio.get_running_loop().time
        begun_waiting = last_sign = clock()
        sign: datetime | None = None
        while True:
            flow_run = await _looked_up(flow_run_id)
            if flow_run is None:
                if await self._storage.exists(self._path):
                    return _End.WORKED_THROUGH
            elif flow_run.state is not None and flow_run.state.is_final():
                return await self._judged(flow_run)
            elif flow_run.state is not None and flow_run.state.is_running():
                newest = await Runs(self._storage).last_sign(self._shard.run_id, self._shard.shard)
                if newest != sign or last_sign == begun_waiting:
                    sign, last_sign = newest, clock()
                elif clock() - last_sign > self._scale_out.silent_seconds:
                    return _End.GONE
            elif clock() - begun_waiting > self._scale_out.start_seconds:
                await _cancel(flow_run_id)
                raise NoWorker(f"no worker took flow run {flow_run.name!r} within {self._scale_out.start_seconds:g} s")
            await asyncio.sleep(LOOK_SECONDS)

    async def _judged(self, flow_run: FlowRun) -> _End:
        assert flow_run.state is not None  # noqa: S101 - it is final
        if flow_run.state.is_cancelled():
            raise ShardLost(f"flow run {flow_run.name!r} was cancelled", next_step="Run again to go on with it.")
        if flow_run.state.is_completed() and await self._storage.exists(self._path):
            return _End.WORKED_THROUGH
        return _End.GONE


async def _looked_up(flow_run_id: UUID) -> FlowRun | None:
    """The flow run as Prefect's server has it; None while the server does not answer."""
    with suppress(*PREFECT_ERRORS):
        async with get_client() as client:
            return await client.read_flow_run(flow_run_id)
    return None


async def _cancel(flow_run_id: UUID) -> None:
    """Ask that the flow run be cancelled; a server that does not answer is not waited for."""
    with suppress(TimeoutError, *PREFECT_ERRORS):
        async with asyncio.timeout(CANCEL_SECONDS), get_client() as client:
            await client.set_flow_run_state(flow_run_id, Cancelling())
