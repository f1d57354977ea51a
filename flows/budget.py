"""A run's budget: what its paid calls cost together never exceeds it, however many processes work on the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal

from blocks.errors import CatwalkError
from blocks.storage import ObjectStorage
from flows.budget_log import BudgetLog, exact, exact_limit

__all__ = ["Budget", "BudgetReached", "Share"]

# A process takes a hundredth of the budget at a time, which is what a killed one may leave unused.
BLOCKS = 100
# A process that found too little left looks again for what others gave back at most this often.
LOOK_SECONDS = 1.0
UNLIMITED = Decimal("Infinity")


class BudgetReached(CatwalkError):
    """A unit was held: the run may not spend what it costs."""


class Share:
    """One unit's part of the budget: promised while it is prepared, reserved when it is sent, then spent or free."""

    def __init__(self, budget: Budget, price: Decimal) -> None:
        self.price = price
        self.reserved = False
        self.sent = False
        self._budget = budget

    async def reserve(self) -> None:
        """Set the credits aside for good before the paid call; raises `BudgetReached` if others have taken them."""
        await self._budget.reserve(self)

    async def free(self) -> None:
        """Take the credits back: the call was not sent, or the vendor provably took nothing for it."""
        await self._budget.free(self)


class Budget:
    """
    What one process may still spend of a run's budget.

    A unit that is being prepared has its price promised in this process alone; before its call is sent the price is
    reserved in object storage, in blocks. Whatever then becomes of the call, the price stays spent unless the vendor
    provably took nothing. So a killed process leaves less than two blocks unused, usually less than one, and a block
    is a hundredth of the budget.
    """

    def __init__(self, log: BudgetLog, limit: Decimal) -> None:
        self.limit = limit
        self.spent = Decimal(0)
        self.held = Decimal(0)
        self._log = log
        self._promised = Decimal(0)
        self._queue = asyncio.Lock()
        self._taking = asyncio.Lock()
        self._changed = asyncio.Event()
        self._looked_at = 0.0

    @classmethod
    async def open(cls, storage: ObjectStorage, run_id: str, max_credits: float | None) -> Budget:
        """
        The budget of a run, of which earlier processes may have spent some; None sets no limit.

        A run that is given another limit later is bound by the new one, all that it has spent before counted in.
        """
        limit = UNLIMITED if max_credits is None else exact_limit(max_credits)
        log = BudgetLog(storage, run_id)
        if limit is UNLIMITED:
            log.pool = UNLIMITED
        else:
            await log.open()
        return cls(log, limit)

    @asynccontextmanager
    async def promise(self, credits: float) -> AsyncGenerator[Share]:  # noqa: A002 - the domain's word
        """
        Begin a unit only if the budget can pay for it; raises `BudgetReached` if it can't.

        At the block's end a share whose call was sent is spent, and any other is free again.
        """
        share = Share(self, exact(credits))
        await self._admit(share.price)
        self.held += share.price
        try:
            yield share
        finally:
            self._settle(share)

    async def reserve(self, share: Share) -> None:
        """Set a promised share's credits aside."""
        async with self._taking:
            if not await self._cover(share.price):
                raise self._reached(share.price)
            self._log.pool -= share.price
        self._promised -= share.price
        share.reserved = True

    async def free(self, share: Share) -> None:
        """Undo a reservation; what then lies idle goes back to the run's other processes."""
        self._unreserve(share)
        if self._log.pool >= 2 * self._block() and self.limit is not UNLIMITED:
            async with self._taking:
                await self._log.give_back(max(Decimal(0), self._log.pool - self._block()))

    async def close(self) -> None:
        """Give back what was taken and not spent."""
        if self.limit is not UNLIMITED:
            async with self._taking:
                await self._log.give_back(self._log.pool)

    async def _admit(self, price: Decimal) -> None:
        # First come, first served, so that a dear unit is not passed over for ever by cheap ones.
        async with self._queue:
            while self._left() < price:
                await self._look()
                if self._left() >= price:
                    break
                if self._left() + self.held < price:
                    raise self._reached(price)
                # A unit before this one may yet turn out to cost nothing; each of them has its own deadlines.
                self._changed.clear()
                await self._changed.wait()
            self._promised += price
