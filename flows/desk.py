"""The desk: everything that a unit's work needs, opened once per flow run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from blocks.errors import StorageError
from blocks.operations import OPERATIONS, account_types
from blocks.storage import ObjectStorage
from blocks.transport import close_client
from catalogs.ledger import Attempt, AttemptState, Ledger
from catalogs.plan import Unit
from catalogs.reasons import Reason
from catalogs.sources import PictureSources
from flows.accounts import check_shared, open_account, open_storage
from flows.budget import Budget
from flows.finish_by import FIRST_GUESS_SECONDS, FinishBy
from flows.heap import give_back, rare_collections
from flows.lane import Lane
from flows.notices import listening
from flows.parameters import ShardRun
from flows.payload import PayloadBudget
from flows.progress import RunProgress
from flows.recent import RecentPictures
from flows.rhythm import Rhythm
from flows.sharing import SharedUnits
from flows.window import OpenItems

__all__ = ["Desk", "open_desk"]

DOWNLOADS_AT_ONCE = 32
PAYLOAD_BYTES = 256 * 2**20
RECENT_BYTES = 128 * 2**20


class Desk:
    """What the units of one flow run share."""

    def __init__(
        self,
        storage: ObjectStorage,
        sources: PictureSources,
        lanes: dict[str, Lane],
        progress: RunProgress,
        *,
        run_id: str,
        retry: Iterable[str] = (),
        max_credits: float | None = None,
        finish_by: datetime | None = None,
    ) -> None:
        self.storage = storage
        self.ledger = Ledger(storage)
        self.ledger_begun = True
        self.sources = sources
        self.lanes = lanes
        self.progress = progress
        for lane in lanes.values():
            progress.watch(lane.account)
        self.run_id = run_id
        self.retry = frozenset(retry)
        self.budget = progress.budget = Budget(storage, run_id, max_credits)
        self.finish_by = FinishBy(finish_by, self._first_guess)
        # With the lanes' own bound on preparing, these bound memory whatever the number of items in flight.
        self.downloads = asyncio.Semaphore(DOWNLOADS_AT_ONCE)
        self.payloads = PayloadBudget(PAYLOAD_BYTES)
        self.recent = RecentPictures(RECENT_BYTES)
        self.fitted = RecentPictures(RECENT_BYTES)
        self.open_items = OpenItems()
        self.shared = SharedUnits()
        self._rhythms: dict[str, Rhythm] = {}

    def lane_of(self, operation: str) -> Lane:
        """The lane that an operation's calls go through."""
        return self.lanes[OPERATIONS[operation].account_type.vendor]

    def rhythm_of(self, operation: str) -> Rhythm:
        """When to ask for an operation's jobs."""
        if operation not in self._rhythms:
            account = self.lane_of(operation).account
            self._rhythms[operation] = Rhythm(account.poll_seconds or OPERATIONS[operation].poll_seconds)
        return self._rhythms[operation]

    def _first_guess(self, operation: str) -> float:
        return min(FIRST_GUESS_SECONDS, self.lane_of(operation).account.timeouts.job)

    def repeats(self, unit: Unit, attempt: Attempt) -> bool:
        """Whether a person asked to make again what an earlier run left so."""
        forced = unit.reason == Reason.FORCED and attempt.state is AttemptState.DONE
        return attempt.run_id != self.run_id and (forced or attempt.state in self.retry)


@asynccontextmanager
async def open_desk(shard: ShardRun, operations: Iterable[str], progress: RunProgress) -> AsyncGenerator[Desk]:
    """Open storage, accounts and clients, and close them at the end."""
    storage = await open_storage(shard.output, shard.accounts)
    accounts = [await open_account(kind, shard.accounts) for kind in account_types(operations)]
    if shard.beside > 1:
        check_shared(accounts)
    lanes = {account.vendor: Lane(account, beside=shard.beside) for account in accounts}
    sources = PictureSources(shard.catalog, storage=storage)
    desk = Desk(
        storage,
        sources,
        lanes,
        progress,
        run_id=shard.run_id,
        retry=shard.retry,
        max_credits=shard.max_credits,
        finish_by=shard.finish_by,
    )
    # Into an empty ledger the claims alone decide, which spares a look-up per unit.
    desk.ledger_begun = await desk.ledger.begun()
    # What planning took in this process would else stay beneath all that the work takes.
    give_back()
    try:
        async with listening(lane.notices for lane in lanes.values()):
            with rare_collections():
                yield desk
    finally:
        # What can't be given back stays set aside, which is the safe side.
        with suppress(StorageError):
            await desk.budget.close()
        await close_client()
        await desk.ledger.close()
        desk.recent.clear()
        desk.fitted.clear()
        give_back()
        await storage.close()
