"""How fast an account may be called: sliding windows in this process, slowed down by what the vendor answers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Pace", "Window"]

# The vendor counts when a request arrives, this side when it leaves; the margin absorbs the jitter between.
WINDOW_MARGIN_SECONDS = 0.05


@dataclass(slots=True)
class Window:
    """At most `count` turns in any `seconds`."""

    count: int
    seconds: float
    _turns: deque[float] = field(default_factory=deque[float])

    def wait(self, now: float) -> float:
        """Seconds from `now` until a further turn fits."""
        horizon = now - self.seconds - WINDOW_MARGIN_SECONDS
        while self._turns and self._turns[0] <= horizon:
            self._turns.popleft()
        return 0.0 if len(self._turns) < self.count else self._turns[0] - horizon

    def take(self, now: float) -> None:
        """Count one turn."""
        self._turns.append(now)


class Pace:
    """
    Turns at calling one account, first come first served within each kind of call.

    Every call takes a turn of `requests`; a paid call takes one of `generations` as well. While both kinds
    wait they alternate, so that hundreds of waiting polls do not keep a paid call from its turn.
    """

    def __init__(self, requests: Sequence[Window], generations: Sequence[Window]) -> None:
        self._requests = tuple(requests)
        self._generations = tuple(generations)
        self._free_order = asyncio.Lock()
        self._paid_order = asyncio.Lock()
        # Two orders feed this one, so at most one call of each kind stands here: first come is then turn about.
        self._order = asyncio.Lock()
        self._resume_at = 0.0

    async def request(self) -> None:
        """Wait for a turn at a call that the vendor only counts."""
        async with self._free_order, self._order:
            await self._turn(self._requests)
            await self._beyond(generation=False)
            _take(self._requests)

    async def generation(self) -> None:
        """Wait for a turn at a call that the vendor charges for."""
        async with self._paid_order:
            await self._turn(self._generations)
            async with self._order:
                await self._turn(self._requests)
                await self._beyond(generation=False)
                _take(self._requests)
            # Polls go on meanwhile; and this comes last, as the vendor allows no two paid calls close together.
            await self._beyond(generation=True)
            _take(self._generations)

    def slow_down(self, seconds: float) -> None:
        """Let no call begin for `seconds`: the vendor said so."""
        self._resume_at = max(self._resume_at, asyncio.get_running_loop().time() + seconds)

    async def _beyond(self, *, generation: bool) -> None:
        """Wait until others who use the account leave a turn too; here there are none."""

    async def _turn(self, windows: Sequence[Window]) -> None:
        clock = asyncio.get_running_loop().time
        while delay := max(self._resume_at - clock(), *(w.wait(clock()) for w in windows), 0.0):  # noqa: ASYNC110 - waits for a time, not for an event
            await asyncio.sleep(delay)


def _take(windows: Sequence[Window]) -> None:
    now = asyncio.get_running_loop().time()
    for window in windows:
        window.take(now)
