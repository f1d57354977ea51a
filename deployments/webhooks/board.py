"""The board: which jobs deliveries say have ended, kept for a while for the runs that ask."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from itertools import takewhile

from blocks.webhook import EndedJobs

__all__ = ["Board"]

JOBS_KEPT = 10_000
KEPT_SECONDS = 3600.0
JOBS_A_PAGE = 1_000


class Board:
    """
    Jobs in the order of their deliveries, each once.

    A cursor is good for this board alone: after a restart runs begin anew, which costs them nothing.
    """

    def __init__(self) -> None:
        self._name = secrets.token_hex(4)
        self._jobs: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._last = 0
        self._changed = asyncio.Event()
        self.closed = False

    def put(self, job_id: str) -> bool:
        """Note that a job has ended; False if that is known already."""
        self._forget()
        if job_id in self._jobs:
            return False
        if len(self._jobs) >= JOBS_KEPT:
            self._jobs.popitem(last=False)
        self._last += 1
        self._jobs[job_id] = (self._last, time.monotonic())
        self._wake()
        return True

    async def since(self, cursor: str, wait: float) -> EndedJobs:
        """A page of the jobs put up after `cursor`, waited for up to `wait` seconds if there are none yet."""
        seen = self._place(cursor)
        try:
            async with asyncio.timeout(wait):
                while self._last <= seen and not self.closed:
                    await self._changed.wait()
        except TimeoutError:
            pass
        return self._page(seen)

    def close(self) -> None:
        """Answer all who wait."""
        self.closed = True
        self._wake()

    def _page(self, seen: int) -> EndedJobs:
        self._forget()
        # The newest are at the end, and mostly they alone are wanted.
        news = takewhile(lambda job: job[1][0] > seen, reversed(self._jobs.items()))
        page = list(news)[::-1][:JOBS_A_PAGE]
        last = page[-1][1][0] if page else self._last
        return EndedJobs(cursor=f"{self._name}.{last}", jobs=tuple(job_id for job_id, _ in page))

    def _place(self, cursor: str) -> int:
        name, _, place = cursor.partition(".")
        return min(int(place), self._last) if name == self._name and place.isdecimal() else 0

    def _forget(self) -> None:
        horizon = time.monotonic() - KEPT_SECONDS
        while self._jobs and next(iter(self._jobs.values()))[1] < horizon:
            self._jobs.popitem(last=False)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
