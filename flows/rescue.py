"""Jobs that a run paid for and did not live to fetch: brought home before the vendor deletes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect import flow
from prefect.logging import get_run_logger

from blocks.errors import CatwalkError
from blocks.storage import MissingObject, ObjectStorage
from catalogs.layout import plan_path
from catalogs.ledger import Attempt, AttemptState, Ledger, now
from catalogs.plan import PlannedItem
from catalogs.plan_file import read_shard, shards_in
from catalogs.runs import OpenRun, Runs
from flows.accounts import open_storage
from flows.collect import collect
from flows.desk import open_desk
from flows.items import each_of
from flows.parameters import Accounts, ShardRun
from flows.progress import RunProgress

__all__ = ["Rescued", "rescue", "rescue_output"]

LOOKS_AT_ONCE = 32
# Items begin in plan order, so this many in a row without an attempt are beyond where the run was killed.
UNTOUCHED_ITEMS = 500
# Nobody carries on a run this old, and vendors hold nothing of it.
FORGOTTEN = timedelta(days=2)


@dataclass(slots=True)
class Rescued:
    """What a rescue found and what became of it."""

    found: int = 0
    fetched: int = 0
    failed: int = 0
    troubles: list[str] = field(default_factory=list[str])

    def words(self) -> str:
        """The counts in one line."""
        if not self.found:
            return "no paid job waits to be fetched"
        waiting = self.found - self.fetched - self.failed
        return f"{self.found} paid jobs found: {self.fetched} fetched, {self.failed} failed, {waiting} still waiting"


@flow(name="rescue", flow_run_name="{output}", persist_result=False)
async def rescue_output(output: str, accounts: Accounts = Accounts()) -> str:  # noqa: B008 - frozen, as Prefect shows defaults
    """Fetch what earlier runs paid for and did not fetch; submits nothing."""
    rescued = await rescue(output, accounts)
    for trouble in rescued.troubles:
        get_run_logger().warning(trouble)
    return rescued.words()


async def rescue(output: str, accounts: Accounts, *, finish_by: datetime | None = None) -> Rescued:
    """Fetch the jobs that unended runs have left, oldest first, as their results die first, as long as there is time."""
    storage = await open_storage(output, accounts)
    waiting: list[Attempt] = []
    with TemporaryDirectory(prefix="catwalk-") as folder:
        runs = Runs(storage)
        for run in await runs.unended():
            found = [attempt async for attempt in _waiting(storage, run, Path(folder))]
            waiting += found
            if not found and now() - run.started_at > FORGOTTEN:
                await runs.end(run)
    # Items that share a unit all lead to its one job.
    waiting = list({attempt.unit_key: attempt for attempt in waiting}.values())
    rescued = Rescued(found=len(waiting))
    if waiting:
        shard = ShardRun(
            output=output, catalog=output, plan="", run_id="rescue", shard=0, accounts=accounts, finish_by=finish_by
        )
        await _fetch(shard, sorted(waiting, key=lambda attempt: attempt.claimed_at), rescued)
    return rescued


async def _fetch(shard: ShardRun, waiting: list[Attempt], rescued: Rescued) -> None:
    async with open_desk(shard, {attempt.operation for attempt in waiting}, RunProgress(len(waiting))) as desk:

        async def one(attempt: Attempt) -> None:
            try:
                ended = await collect(desk, attempt)
            except CatwalkError as error:
                rescued.troubles.append(str(error.at(sku=attempt.sku, look=attempt.look, stage=attempt.stage)))
                return
            rescued.fetched += ended.state is AttemptState.DONE
            rescued.failed += ended.state is AttemptState.FAILED

        await each_of(waiting, one, at_once=LOOKS_AT_ONCE)


async def _waiting(storage: ObjectStorage, run: OpenRun, folder: Path) -> AsyncIterator[Attempt]:
    """The submitted attempts of one run, found from where it was killed: never by a scan of the whole ledger."""
    plan = folder / f"{run.run_id}.parquet"
    try:
        await storage.download(plan_path(run.run_id), plan)
    except MissingObject:
        return
    for shard in shards_in(plan):
        window = await Runs(storage).window(run.run_id, shard)
        untouched = 0
        for place, batch in _batches(plan, shard, window.first_open):
            attempts = await _latest(storage, batch)
            for attempt in attempts:
                if attempt.state is AttemptState.SUBMITTED:
                    yield attempt
            untouched = 0 if attempts else untouched + len(batch)
            if place >= window.begun and untouched >= UNTOUCHED_ITEMS:
                break


def _batches(plan: Path, shard: int, first: int) -> Iterator[tuple[int, list[PlannedItem]]]:
    """Items from the first open one on, with the place after each batch."""
    batch: list[PlannedItem] = []
    for place, item in enumerate(read_shard(plan, shard)):
        if place >= first:
            batch.append(item)
        if len(batch) == LOOKS_AT_ONCE:
            yield place + 1, batch
            batch = []
    if batch:
        yield first + len(batch), batch


async def _latest(storage: ObjectStorage, items: list[PlannedItem]) -> list[Attempt]:
    """The newest attempts at the items' units."""
    ledger = Ledger(storage)
    found: list[Attempt] = []

    async def one(item: PlannedItem) -> None:
        for unit in item.units:
            attempt = await ledger.latest(unit.unit_key)
            if attempt is None:
                return
            found.append(attempt)

    await each_of(items, one, at_once=LOOKS_AT_ONCE)
    return found
