"""A time that a run finishes by: no call is sent whose picture could not be in storage by then."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from math import ceil
from typing import TypeVar

from blocks.errors import CatwalkError
from catalogs.ledger import now
from catalogs.plan import Unit

__all__ = ["ENDING", "FIRST_GUESS_SECONDS", "FinishBy", "FinishByOverrun", "FinishByReached", "check_ahead", "told"]

# Kept for manifest, gallery and report.
ENDING = timedelta(seconds=30)
# How long a call takes, with its job and download, as long as fewer than LEARNT_FROM have ended.
FIRST_GUESS_SECONDS = 60.0
LEARNT_FROM = 5
REMEMBERED = 200
PERCENTILE = 0.95
MARGIN = 1.25

ResultT = TypeVar("ResultT")


class FinishByReached(CatwalkError):
    """
    A unit was held: its picture could not be there by the time that the run finishes by.

    Costs: nothing.
    Next: none, the next run goes on with it; give a run more time if it comes often.
    """


class FinishByOverrun(CatwalkError):
    """
    A unit was held: its call was under way when the run had to finish.

    Costs: what the call costs, once.
    Next: none, the next run fetches it, within 24 hours.
    """


def check_ahead(finish_by: datetime | None) -> None:
    """Raise unless the time lies ahead."""
    if finish_by is not None and finish_by <= now():
        raise CatwalkError(
            f"the run is to finish by {told(finish_by)}, which is past",
            next_step="Set finish_by (--finish-by) to a time ahead, or leave it out.",
        )


def told(moment: datetime) -> str:
    """A time as people read it, in the zone in which it was given."""
    return moment.isoformat(sep=" ", timespec="minutes")


class _Durations:
    """How long the latest calls of each operation took, in seconds, and since when those under way have gone on."""

    def __init__(self) -> None:
        self._taken: dict[str, deque[float]] = {}
        self._under_way: dict[str, list[datetime]] = {}

    def learn(self, operation: str, seconds: float) -> None:
        self._taken.setdefault(operation, deque(maxlen=REMEMBERED)).append(seconds)

    @contextmanager
    def watched(self, operation: str, since: datetime) -> Generator[None]:
        under_way = self._under_way.setdefault(operation, [])
        under_way.append(since)
        try:
            yield
        finally:
            under_way.remove(since)
            self.learn(operation, (now() - since).total_seconds())

    def expected(self, operation: str, guess: float) -> float:
        """Longer than nearly all took, or already take; no less than the guess while few have ended."""
        taken = sorted(self._taken.get(operation, ()))
        middle = taken[len(taken) // 2] if taken else guess
        at = now()
        ages = [(at - since).total_seconds() for since in self._under_way.get(operation, ())]
        # One that has just begun tells nothing; one that takes longer than usual does, before it has ended.
        known = sorted([*taken, *(age for age in ages if age > middle)])
        usual = known[ceil(PERCENTILE * len(known)) - 1] * MARGIN if known else guess
        return usual if len(taken) >= LEARNT_FROM else max(usual, guess)


class FinishBy:
    """
    Whether there is time for a unit, judged by what this run's calls have taken; None sets no time.

    An item that has not begun needs time for its whole chain, `chains` by recipe; one under way for its next stage.
    """

    def __init__(
        self, moment: datetime | None, guess: Callable[[str], float], *, clock: Callable[[], datetime] = now
    ) -> None:
        self.moment = moment
        self.chains: Mapping[str, Sequence[str]] = {}
        self._guess = guess
        self._clock = clock
        self._calls = _Durations()
        self._stages = _Durations()

    def learn(self, operation: str, *, call: float, stage: float) -> None:
        """Remember how long a call took from its claim to its picture, and its stage with all waiting."""
        self._calls.learn(operation, call)
        self._stages.learn(operation, stage)

    @contextmanager
    def followed(self, operation: str, *, claimed_at: datetime, began: datetime) -> Generator[None]:
        """Follow a call to its end, and learn how long it takes; `began`: its stage, whose waiting counts for chains."""
        with self._calls.watched(operation, claimed_at), self._stages.watched(operation, began):
            yield

    @property
    def is_over(self) -> bool:
        """Whether there is no time left for anything."""
        left = self._left()
        return left is not None and left <= 0

    def check(self, unit: Unit, *, wait: float = 0.0) -> None:
        """Raise `FinishByReached` if a call sent after `wait` seconds would be too late."""
        left = self._left()
        if self.moment is None or left is None or (needed := self._needed(unit)) + wait <= left:
            return
        chain = "with all that follows in the recipe" if unit.position == 0 else "with its picture"
        raise FinishByReached(
            f"not sent, because the run finishes by {told(self.moment)} and the call, {chain}, may take {needed:.0f} s",
            next_step="Run again: the next run goes on with it.",
        )

    async def in_time(self, unit: Unit, work: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Await free work before a call, begun anew if what was learnt meanwhile gives more time; raises as `check`."""
        while True:
            self.check(unit)
            left = self._left()
            limit = asyncio.timeout(None if left is None else left - self._needed(unit))
            try:
                async with limit:
                    return await work()
            except TimeoutError:
                if not limit.expired():
                    raise

    @asynccontextmanager
    async def until_over(self) -> AsyncGenerator[None]:
        """Follow what is under way as long as there is time; raises `FinishByOverrun`."""
        limit = asyncio.timeout(self._left())
        try:
            async with limit:
                yield
        except TimeoutError as error:
            if self.moment is None or not limit.expired():
                raise
            raise FinishByOverrun(
                f"under way, without its picture, when the run had to finish by {told(self.moment)}",
                next_step="Run again: its job is asked for, not repeated.",
            ) from error

    def _left(self) -> float | None:
        return None if self.moment is None else (self.moment - ENDING - self._clock()).total_seconds()

    def _needed(self, unit: Unit) -> float:
        following = self.chains.get(unit.recipe, ())[1:] if unit.position == 0 else ()
        return self._call(unit.operation) + sum(
            self._stages.expected(operation, self._guess(operation)) for operation in following
        )

    def _call(self, operation: str) -> float:
        return self._calls.expected(operation, self._guess(operation))
