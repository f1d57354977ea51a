"""The sandbox's own time, which tests can advance."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

__all__ = ["Clock", "iso"]


class Clock:
    """Seconds since the epoch, never going back, plus whatever was added by hand."""

    def __init__(self) -> None:
        self._start = time.time() - time.monotonic()
        self._waiting: set[asyncio.Future[None]] = set()

    def now(self) -> float:
        """The time, in seconds since the epoch."""
        return self._start + time.monotonic()

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once, and wake whoever waits."""
        self._start += seconds
        for waiting in self._waiting:
            _end(waiting)

    async def wait_until(self, due: float) -> None:
        """Return when the time is `due`."""
        loop = asyncio.get_running_loop()
        while (left := due - self.now()) > 0:
            waiting: asyncio.Future[None] = loop.create_future()
            self._waiting.add(waiting)
            timer = loop.call_later(left, _end, waiting)
            try:
                await waiting
            finally:
                timer.cancel()
                self._waiting.discard(waiting)


def _end(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


def iso(moment: float) -> str:
    """ISO 8601 with microseconds and offset, as Claid's live replies have it."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")
