"""Turns at an account that several processes or machines use, booked with the Prefect server that they share."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from contextlib import suppress

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.exceptions import MissingContextError, ObjectAlreadyExists, ObjectNotFound, PrefectException
from prefect.logging import get_run_logger

from blocks.pace import Pace, Window

__all__ = ["SharedLimit", "SharedPace"]

# The server drops fractions of a slot whenever one is taken, so a turn is a thousand of them.
SLOTS_PER_TURN = 1000
LONGEST_QUEUE_SECONDS = 600
# The vendor counts arrivals, and turns are booked by departure: what may lie between the two.
ARRIVAL_MARGIN_SECONDS = 0.09
ARRIVAL_MARGIN_SHARE = 0.02
STAGGER = 0.25
CREATION_SECONDS = 2.0
# The client itself repeats what a busy server refuses, after 2, 4 and 8 seconds.
ANSWER_SECONDS = 20.0
SILENCE_SECONDS = 30.0
# What each process allows itself while it can't ask: right for up to this many of them.
PROCESSES_ALONE = 8


class SharedLimit:
    """
    A Prefect global concurrency limit that hands out evenly spaced turns, first come first served.

    Turns are booked ahead: the slots taken and not yet decayed are the queue, and they tell when a booked turn
    comes. Asking until there is room, as `prefect.concurrency` does, loses a quarter of the allowance to eight
    processes, because the server forgets the decay since its last answer whenever it has to refuse.
    """

    def __init__(self, name: str, windows: Sequence[Window]) -> None:
        self.name = name
        self.decay_per_second = float(int(SLOTS_PER_TURN * min(window.count / _span(window) for window in windows)))
        self.slots = int(self.decay_per_second * LONGEST_QUEUE_SECONDS)
        self.per_second = self.decay_per_second / SLOTS_PER_TURN
        self._made = False
        self._queued = False
        self._silent_until = 0.0
        self._next_alone: float | None = None

    async def ensure(self) -> None:
        """Create the limit, or set it right; raises what Prefect's client raises."""
        async with get_client() as client:
            await self._ensure(client)

    async def turn(self) -> None:
        """Wait for a turn; while the Prefect server can't be reached, for one of this process's own safe share."""
        if self._queued:
            # Whoever left at one time would book at one time, and both would wait for the later turn.
            await asyncio.sleep(random.uniform(0, STAGGER / self.per_second))  # noqa: S311 - jitter, not a secret
        wait = await self._book()
        self._queued = wait > 0
        await asyncio.sleep(wait)

    async def _book(self) -> float:
        """Seconds until the turn that was booked now."""
        if _now() < self._silent_until:
            return self._alone()
        try:
            async with asyncio.timeout(ANSWER_SECONDS), get_client() as client:
                queue = await self._join(client)
        # A client that has been closed, or an API that was never set, comes as one of the last two.
        except (httpx.HTTPError, PrefectException, OSError, RuntimeError, ValueError) as error:
            self._lost(error)
            return self._alone()
        self._found()
        return min(max(queue - 1.0, 0.0) / self.per_second, LONGEST_QUEUE_SECONDS)

    async def _join(self, client: PrefectClient) -> float:
        """Take a turn's slots; returns how many turns are then taken and not yet over, this one included."""
        if not self._made:
            await self._ensure(client)
        counted = await client.increment_concurrency_slots([self.name], SLOTS_PER_TURN, "rate_limit")
        # Somebody deleted the limit: this one turn goes uncounted, and the next makes the limit anew.
        self._made = bool(counted.json())
        if not self._made:
            return 0.0
        # Read after taking: another's turn booked in between makes this one late, never early.
        limit = await client.read_global_concurrency_limit_by_name(self.name)
        return limit.active_slots / SLOTS_PER_TURN

    async def _ensure(self, client: PrefectClient) -> None:
        with suppress(ObjectNotFound, ObjectAlreadyExists):
            await client.read_global_concurrency_limit_by_name(self.name)
            self._made = True
        if not self._made:
            # Processes that a schedule starts together would all create it at one time.
            await asyncio.sleep(random.uniform(0, CREATION_SECONDS))  # noqa: S311 - jitter, not a secret
        with suppress(ObjectAlreadyExists):
            await client.upsert_global_concurrency_limit_by_name(self.name, self.slots, self.decay_per_second)
        self._made = True

    def _alone(self) -> float:
        interval = PROCESSES_ALONE / self.per_second
        if self._next_alone is None:
            # The others may have lost the server at this moment too.
            self._next_alone = _now() + random.uniform(0, interval)  # noqa: S311 - jitter, not a secret
        turn = max(self._next_alone, _now())
        self._next_alone = turn + interval
        return turn - _now()

    def _lost(self, error: Exception) -> None:
        if self._silent_until == 0.0:
            _log().warning(
                "The Prefect server did not give a turn at %r (%s: %s). Work goes on at one call in %.1f s, an %dth of "
                "what all processes may do together, and the server is asked again every %.0f s. Nothing is lost.",
                self.name,
                type(error).__name__,
                error,
                PROCESSES_ALONE / self.per_second,
                PROCESSES_ALONE,
                SILENCE_SECONDS,
            )
        self._silent_until = _now() + SILENCE_SECONDS

    def _found(self) -> None:
        if self._silent_until:
            _log().info("The Prefect server gives turns at %r again.", self.name)
        self._silent_until = 0.0
        self._next_alone = None


class SharedPace(Pace):
    """
    Turns within this process's windows and, through Prefect, among all processes that use the account.

    `name` begins the names of the limits on the server: `<name>-requests` and `<name>-generations`.
    """

    def __init__(self, requests: Sequence[Window], generations: Sequence[Window], name: str) -> None:
        super().__init__(requests, generations)
        self._shared_requests = SharedLimit(f"{name}-requests", requests) if requests else None
        self._shared_generations = SharedLimit(f"{name}-generations", generations) if generations else None

    def limits(self) -> list[SharedLimit]:
        """The limits on the Prefect server that this pace books its turns at."""
        return [limit for limit in (self._shared_requests, self._shared_generations) if limit is not None]

    async def ensure(self) -> None:
        """Create the limits on the Prefect server, or set them right; repeating it changes nothing."""
        for limit in self.limits():
            await limit.ensure()

    async def _beyond(self, *, generation: bool) -> None:
        limit = self._shared_generations if generation else self._shared_requests
        if limit is not None:
            await limit.turn()
            # The vendor may have asked for patience while the turn came nearer.
            await self._turn(())


def _span(window: Window) -> float:
    return window.seconds * (1 + ARRIVAL_MARGIN_SHARE) + ARRIVAL_MARGIN_SECONDS


def _now() -> float:
    return asyncio.get_running_loop().time()


def _log() -> logging.Logger | logging.LoggerAdapter[logging.Logger]:
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger(__name__)
