"""A run's budget: what its paid calls cost together never exceeds it, however many processes work on the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal

from blocks.errors import CatwalkError
from blocks.storage import ObjectStorage
from flows.budget_log import BudgetLog, exact, exact_limit, plain
from flows.events import budget_reached

__all__ = ["Budget", "BudgetReached", "Share", "left_out_of_plan"]

# A process takes a hundredth of the budget at a time, which is what a killed one may leave unused.
BLOCKS = 100
# A process that found too little left looks at most this often for what others have given back.
LOOK_SECONDS = 1.0
NONE = Decimal(0)
MORE = "Run again with a higher max_credits (--max-credits): what is delivered stays, and the rest is done."


class BudgetReached(CatwalkError):
    """
    A unit was held: the run may not spend what it costs.

    Costs: nothing.
    Next: run again with a higher `--max-credits`, or without one.
    """


def left_out_of_plan(limit: Decimal | None) -> BudgetReached:
    """What is said of a unit that the plan holds, as the budget pays for others before it."""
    budget = "budget" if limit is None else f"budget of {plain(limit)} credits"
    return BudgetReached(f"left out of the plan, whose {budget} pays for others before it", next_step=MORE)


class Share:
    """One unit's part of the budget: promised while it is prepared, reserved to be sent, then spent or free again."""

    def __init__(self, budget: Budget, price: Decimal) -> None:
        self.price = price
        self.reserved = False
        self.sent = False
        self._budget = budget

    async def reserve(self) -> None:
        """Set the price aside for good before the paid call; raises `BudgetReached` if others have taken it."""
        await self._budget.reserve(self)

    def commit(self) -> None:
        """The call is about to be sent: from here on it may be charged."""
        self.sent = True

    async def release(self) -> None:
        """The vendor provably took nothing for the call."""
        await self._budget.release(self)


class Budget:
    """
    What one process may still spend of a run's budget; None sets no limit.

    A unit that is being prepared has its price promised, in this process alone. Before its call is sent the price is
    reserved in object storage, from a block of a hundredth of the budget. From then on it stays spent unless the
    vendor provably took nothing, so a killed process leaves at most two blocks unused, usually part of one. All
    processes that work on the run under its `run_id` share the budget. A run carried on with another limit is bound
    by the new one, with what was spent before counted in.
    """

    def __init__(self, storage: ObjectStorage, run_id: str, max_credits: float | None) -> None:
        self.limit = None if max_credits is None else exact_limit(max_credits)
        self.spent = NONE
        self.held = NONE
        self._log = BudgetLog(storage, run_id)
        self._run_id = run_id
        self._is_told = False
        self._promised = NONE
        self._looked_at = float("-inf")
        self._queue = asyncio.Lock()
        self._taking = asyncio.Lock()
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def promise(self, credits_: float) -> AsyncGenerator[Share]:
        """
        Begin a unit, if the budget can pay for it; raises `BudgetReached` if it can't.

        At the block's end a share whose call was sent is spent, and any other is free again.
        """
        share = Share(self, exact(credits_))
        await self._admit(share.price)
        try:
            yield share
        finally:
            self._settle(share)

    async def reserve(self, share: Share) -> None:
        """Move a promised price to the durable side."""
        if self.limit is not None:
            async with self._taking:
                await self._cover(share.price, self.limit)
                self._log.pool -= share.price
        self._promised -= share.price
        share.reserved = True

    async def release(self, share: Share) -> None:
        """Undo a reservation; what lies idle beyond two blocks goes back to the run's other processes."""
        self._unreserve(share)
        block = (self.limit or NONE) / BLOCKS
        if self._log.pool > 2 * block:
            async with self._taking:
                await self._log.give_back(max(NONE, self._log.pool - block))

    def words(self) -> str:
        """What this process has spent and holds for calls under way."""
        held = f", {plain(self.held)} held" if self.held else ""
        most = "" if self.limit is None else f", {plain(self.limit)} at most"
        return f"{plain(self.spent)} credits spent{held}{most}"

    async def close(self) -> None:
        """Give back what was taken and not spent."""
        async with self._taking:
            await self._log.give_back(self._log.pool)

    async def _admit(self, price: Decimal) -> None:
        # First come, first served: cheap units do not pass a dear one by.
        async with self._queue:
            while self.limit is not None and not await self._can_promise(price, self.limit):
                # A unit before this one may yet cost nothing, and each of them ends by its own deadlines.
                self._changed.clear()
                await self._changed.wait()
            self._promised += price
            self.held += price

    async def _can_promise(self, price: Decimal, limit: Decimal) -> bool:
        """Whether there is enough; raises `BudgetReached` when there can't be, whatever units under way turn out."""
        clock = asyncio.get_running_loop().time
        if self._left(limit) < price or not self._log.opened:
            if clock() >= self._looked_at + LOOK_SECONDS:
                async with self._taking:
                    await self._log.look()
                self._looked_at = clock()
            if self._left(limit) + self.held < price:
                raise self._reached(price, limit)
        return self._left(limit) >= price

    async def _cover(self, price: Decimal, limit: Decimal) -> None:
        """Have the price in the pool."""
        while (lacking := price - self._log.pool) > 0:
            free = limit - self._log.total
            if free >= lacking:
                await self._log.take(min(free, max(lacking, limit / BLOCKS)))
            elif not await self._log.look():
                raise self._reached(price, limit)

    def _left(self, limit: Decimal) -> Decimal:
        return self._log.pool + max(NONE, limit - self._log.total) - self._promised

    def _unreserve(self, share: Share) -> None:
        if self.limit is not None:
            self._log.pool += share.price
        self._promised += share.price
        share.reserved = share.sent = False
        self._changed.set()

    def _settle(self, share: Share) -> None:
        self.held -= share.price
        if share.sent:
            self.spent += share.price
        else:
            if share.reserved:
                self._unreserve(share)
            self._promised -= share.price
        self._changed.set()

    def _reached(self, price: Decimal, limit: Decimal) -> BudgetReached:
        gone = limit - max(NONE, self._left(limit))
        if not self._is_told:
            self._is_told = True
            budget_reached(self._run_id, limit=float(limit), gone=float(gone))
        return BudgetReached(
            f"not sent, because it costs {plain(price)} credits, and of the {plain(limit)} that the run may spend "
            f"{plain(gone)} are spent or set aside",
            next_step=MORE,
        )
