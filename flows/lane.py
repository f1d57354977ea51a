"""A lane: one account at work in a run. It closes when its vendor can't or won't go on, and the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from blocks.account import VendorAccount
from blocks.errors import CatwalkError, VendorError
from blocks.metrics import staying
from flows.events import lane_closed
from flows.notices import Notices

__all__ = ["Lane", "LaneClosed"]

PREPARED_AT_ONCE = 16


class LaneClosed(CatwalkError):
    """
    A unit was held: its account's lane is closed.

    Costs: nothing.
    Next: mend what closed the lane, which another row names, and run again.
    """


class Lane:
    """
    An account, how many of its jobs may run at one time, what is heard of them, and why it is closed, if it is.

    `beside` processes share the account: each has its part of the jobs.
    """

    def __init__(self, account: VendorAccount, *, beside: int = 1) -> None:
        self.account = account
        self.jobs = asyncio.Semaphore(max(1, account.limits.jobs_in_flight // beside))
        self.preparing = asyncio.Semaphore(PREPARED_AT_ONCE)
        self.notices = Notices(account.webhook())
        self.closed_by: VendorError | None = None
        self._proven = False
        self._first = asyncio.Lock()

    def check_open(self) -> None:
        """Raise `LaneClosed` if no further call may be made."""
        if self.closed_by is not None:
            raise LaneClosed(
                f"not sent, because {self.account.vendor} refused an earlier call for the whole account "
                f"({self.closed_by.kind()}: {self.closed_by.what})",
                words=self.closed_by.words,
                next_step=f"{self.closed_by.next_step or 'Mend the account.'} The next run does what was held.",
            )

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[None]:
        """Wait for a place among the account's jobs, and keep it for as long as the block runs."""
        with staying(self.account.vendor, "queue"):
            await self.jobs.acquire()
        try:
            with staying(self.account.vendor, "job"):
                yield
        finally:
            self.jobs.release()

    @asynccontextmanager
    async def door(self) -> AsyncGenerator[None]:
        """
        Watch a unit's calls: an error that concerns the whole account closes the lane.

        Until one unit has passed they go one at a time, so a wrong key is refused once, not once per item.
        """
        async with AsyncExitStack() as stack:
            if not self._proven:
                await stack.enter_async_context(self._first)
            if self._proven:
                # Whoever waited here for the first unit goes on with all the others.
                await stack.aclose()
            async with self._watch():
                yield
            self._proven = True

    @asynccontextmanager
    async def _watch(self) -> AsyncGenerator[None]:
        self.check_open()
        try:
            yield
        except VendorError as error:
            self.close_if(error)
            raise

    def close_if(self, error: VendorError) -> None:
        """Close after an error that every further call would meet too."""
        if error.closes_lane and self.closed_by is None:
            self.closed_by = error
            lane_closed(self.account.vendor, error)
