"""The sandbox's own time."""

from __future__ import annotations

import asyncio

from sandbox.clock import Clock


async def test_waiting_ends_when_time_is_moved() -> None:
    """Whoever waits goes on as soon as the clock was moved far enough, and not before."""
    clock = Clock()
    waiting = asyncio.create_task(clock.wait_until(clock.now() + 3600))
    ended: list[bool] = []
    for seconds in (0, 1800, 1801):
        clock.advance(seconds)
        for _ in range(3):
            await asyncio.sleep(0)
        ended.append(waiting.done())

    assert [False, False, True] == ended


async def test_waiting_ends_by_itself() -> None:
    """A time that comes is not waited for any longer."""
    clock = Clock()
    due = clock.now() + 0.01
    await clock.wait_until(due)

    assert clock.now() >= due
