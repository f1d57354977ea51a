"""How far a shard has come, written down every few seconds for whoever comes after a kill."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from prefect.logging import get_run_logger

from blocks.errors import StorageError
from catalogs.runs import Runs, Window

__all__ = ["OpenItems", "kept"]

KEEP_SECONDS = 5.0


class OpenItems:
    """The items that have begun and not ended, or left a job at its vendor, by their place in the shard."""

    def __init__(self) -> None:
        self._open: set[int] = set()
        self._begun = 0
        self._waiting: set[str] = set()

    def begin(self, place: int) -> None:
        """An item is being worked on."""
        self._open.add(place)
        self._begun = max(self._begun, place + 1)

    def keep_open(self, name: str) -> None:
        """A job of this item has not been fetched: a rescue has to look at the item, whatever becomes of it here."""
        self._waiting.add(name)

    def end(self, place: int, name: str) -> None:
        """An item has come to its end, well or not."""
        if name not in self._waiting:
            self._open.discard(place)

    def window(self) -> Window:
        """What a rescue would have to look at."""
        return Window(first_open=min(self._open, default=self._begun), begun=self._begun)


@asynccontextmanager
async def kept(items: OpenItems, runs: Runs, run_id: str, shard: int) -> AsyncGenerator[None]:
    """Write the window down for as long as the block runs, beginning with an empty one."""
    await runs.keep_window(run_id, shard, Window())
    keeper = asyncio.create_task(_keep(items, runs, run_id, shard))
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


async def _keep(items: OpenItems, runs: Runs, run_id: str, shard: int) -> None:
    while True:
        await asyncio.sleep(KEEP_SECONDS)
        try:
            await runs.keep_window(run_id, shard, items.window())
        except StorageError:
            # A rescue then looks at a little more than it must; the work itself has its own patience with storage.
            get_run_logger().warning("How far shard %s has come could not be written down", shard, exc_info=True)
