"""The sandbox's own time, which tests can advance."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime

__all__ = ["Clock", "iso"]


class Clock:
    """Seconds since the epoch, never going back, plus whatever was added by hand."""

    def __init__(self) -> None:
        self._start = time.time() - time.monotonic()
        self._moved = asyncio.Event()

    def now(self) -> float:
        """The time, in seconds since the epoch."""
        return self._start + time.monotonic()

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once, and wake whoever waits."""
        self._start += seconds
        self._moved.set()
        self._moved = asyncio.Event()

    async def wait_until(self, due: float) -> None:
        """Return when the time is `due`."""
        while (left := due - self.now()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._moved.wait()


def iso(moment: float) -> str:
    """ISO 8601 with microseconds and offset, as Claid's live replies have it."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")
