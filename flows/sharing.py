"""Units that several items of a shard share, as looks do that differ in a later stage: made once, for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from copy import copy

from blocks.errors import CatwalkError
from catalogs.ledger import Attempt
from catalogs.plan import PlannedItem, Unit

__all__ = ["SharedUnits"]


class SharedUnits:
    """
    Of all units with the same key, the first in the plan's order.

    It is that one whose name an attempt and its pictures bear, whichever item comes to it first.
    """

    def __init__(self, items: Iterable[PlannedItem] = ()) -> None:
        first: dict[str, Unit] = {}
        shared: set[str] = set()
        for unit in (unit for item in items for unit in item.units if unit.left_out is None):
            if first.setdefault(unit.unit_key, unit) is not unit:
                shared.add(unit.unit_key)
        self._first = {key: first[key] for key in shared}
        self._ended: dict[str, asyncio.Future[Attempt]] = {}

    async def once(self, unit: Unit, work: Callable[[Unit], Awaitable[Attempt]]) -> Attempt:
        """The unit's attempt; of those with its key only the first to come does the work, and all have what it came to."""
        if unit.unit_key not in self._first or unit.left_out is not None:
            return await work(unit)
        if unit.unit_key in self._ended:
            try:
                return await asyncio.shield(self._ended[unit.unit_key])
            except CatwalkError as error:
                raise copy(error) from error  # each row puts its own name on it
        ended = self._ended[unit.unit_key] = asyncio.get_running_loop().create_future()
        try:
            attempt = await work(self._first[unit.unit_key])
        except Exception as error:
            ended.set_exception(copy(error) if isinstance(error, CatwalkError) else error)
            ended.exception()  # or asyncio would warn of one that nobody waited for
            raise
        except BaseException:
            ended.cancel()
            raise
        ended.set_result(attempt)
        return attempt
