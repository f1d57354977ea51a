"""Units that several items of a shard share, as looks do that differ in a later stage: made once, for all of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from copy import copy

from blocks.errors import CatwalkError
from catalogs.ledger import Attempt
from catalogs.plan import PlannedItem, Unit

__all__ = ["SharedUnits"]


class SharedUnits:
    """
    Of all units with the same key, the first in the plan's order, until all of them have come.

    It is that one whose name an attempt and its pictures bear, whichever item comes to it first. `times` says how often
    each key comes in the plan.
    """

    def __init__(self, times: Counter[str] | None = None) -> None:
        self._to_come = {key: count for key, count in (times or {}).items() if count > 1}
        self._first: dict[str, Unit] = {}
        self._ended: dict[str, asyncio.Future[Attempt]] = {}

    def noted(self, items: Iterable[PlannedItem]) -> Iterator[PlannedItem]:
        """The plan's items, in its order, each noted as it is taken up."""
        for item in items:
            for unit in item.units:
                if unit.unit_key in self._to_come and unit.left_out is None:
                    self._first.setdefault(unit.unit_key, unit)
            yield item

    async def once(self, unit: Unit, work: Callable[[Unit], Awaitable[Attempt]]) -> Attempt:
        """The unit's attempt; of those with its key only the first to come does the work, and all have what it came to."""
        if unit.unit_key not in self._to_come or unit.left_out is not None:
            return await work(unit)
        try:
            return await self._shared(unit, work)
        finally:
            self._come(unit.unit_key)

    async def _shared(self, unit: Unit, work: Callable[[Unit], Awaitable[Attempt]]) -> Attempt:
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

    def _come(self, key: str) -> None:
        """One more of a key's units has what it came for; after the last nothing of it is kept."""
        self._to_come[key] -= 1
        if not self._to_come[key]:
            del self._to_come[key], self._first[key], self._ended[key]
