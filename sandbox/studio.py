"""Where pictures are drawn: a few processes, so that no drawing holds up a reply, or at once when that takes less."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Literal

from sandbox.draw import draw, draw_quickly, prepare
from sandbox.orders import ConvertOrder, Drawn, Order, PictureOrder

__all__ = ["Studio"]

# Each waiting order holds its input pictures, so this bounds the memory of a burst.
ORDERS_IN_HAND = 64
# A quick drawing up to this size takes less than sending its pictures to another process and back.
SMALL_SIDE = 512
SMALL_BYTES = 500_000
# No request for so long means that a burst is over.
QUIET_SECONDS = 0.02


class Studio:
    """
    Draws orders in the background, with no processes of its own in a thread, or small quick ones on the spot.

    What is drawn on the spot waits for a moment without requests, but `patience` seconds at most.
    """

    def __init__(self, processes: int, drawing: Literal["full", "quick"] = "full", patience: float = 0.0) -> None:
        self._processes = processes
        self._quick = drawing == "quick"
        self._patience = patience
        self._executor: Executor | None = None
        self._easel = asyncio.Lock()
        self._at_easel = 0
        self._late = 0.0
        self._disturbed = 0.0
        self.in_hand = asyncio.Semaphore(ORDERS_IN_HAND)

    async def open(self) -> None:
        """Start the drawing processes and wait until the first is ready; quick drawing starts them when it has to."""
        if self._quick:
            prepare()
            return
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._pool(), os.getpid)

    async def draw(self, order: Order) -> Drawn:
        """Draw an order; raises `UnusablePicture` when an input is broken."""
        loop = asyncio.get_running_loop()
        if not self._quick or isinstance(order, ConvertOrder):
            return await loop.run_in_executor(self._pool(), draw, order)
        if _is_small(order):
            return await self._draw_on_the_spot(order)
        return await loop.run_in_executor(self._pool(), draw_quickly, order)

    def disturb(self) -> None:
        """Tell of a request, which is answered before anything is drawn on the spot."""
        self._disturbed = time.monotonic()

    def close(self) -> None:
        """End the drawing processes, after what they are drawing."""
        if self._executor is not None:
            # Python's own end of a pool, when the interpreter leaves, may fall over one that is ending still.
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None

    async def _draw_on_the_spot(self, order: PictureOrder) -> Drawn:
        if not self._at_easel:
            self._late = time.monotonic() + self._patience
        self._at_easel += 1
        try:
            async with self._easel:
                await self._quiet()
                return draw_quickly(order)
        finally:
            self._at_easel -= 1

    async def _quiet(self) -> None:
        left = 0.0
        # However late it is: one drawing for each turn of the event loop, after its replies.
        while left >= 0:
            await asyncio.sleep(left)
            left = min(self._disturbed + QUIET_SECONDS, self._late) - time.monotonic()

    def _pool(self) -> Executor:
        if self._executor is None:
            self._executor = (
                ProcessPoolExecutor(
                    self._processes,
                    # A fork would copy the event loop's sockets into the drawing processes.
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=_leave_with_parent,
                )
                if self._processes
                else ThreadPoolExecutor(1, "drawing")
            )
        return self._executor


def _is_small(order: PictureOrder) -> bool:
    side = order.frame.longest_side
    return side is not None and side <= SMALL_SIDE and sum(map(len, order.inputs)) <= SMALL_BYTES


def _leave_with_parent() -> None:
    # Ctrl-C reaches the whole process group, and the server ends its pool itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A killed server can't end its children; they hold each other's pipes open and would wait for ever.
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
