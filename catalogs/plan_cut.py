"""What a budget pays for: whole items before parts of others, both in the order of the plan."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

__all__ = ["Cut"]


class Cut:
    """
    Chooses units of items that come in order, so that together they cost `limit` at most.

    All sequences are whole numbers. `prices` and `shared` go by unit: what it costs, and a number that units of one
    and the same picture have in common, 0 where there is no other: the first of them that is chosen pays. `ends` goes
    by item: where its units end.
    """

    def __init__(self, prices: Sequence[int], shared: Sequence[int], ends: Sequence[int], limit: int) -> None:
        self._prices, self._shared, self._ends = prices, shared, ends
        self._left = limit
        self._paid: set[int] = set()

    def kept(self) -> array[int]:
        """
        How many of each item's units, from its first on, are paid for; they are chosen once.

        An item is left out only for one before it, or one that costs less: where it does not fit, later and cheaper
        ones may. What is left over then pays the first stages of the next items, as far as each goes.
        """
        kept = array("q", [self._whole(first, end) for first, end in self._spans()])
        for place, (first, end) in enumerate(self._spans()):
            if kept[place] < end - first:
                kept[place] = self._part(first, end)
        return kept

    def _spans(self) -> Iterator[tuple[int, int]]:
        first = 0
        for end in self._ends:
            yield first, end
            first = end

    def _whole(self, first: int, end: int) -> int:
        cost = sum(self._price(unit) for unit in range(first, end))
        if cost > self._left:
            return 0
        for unit in range(first, end):
            self._pay(unit)
        return end - first

    def _part(self, first: int, end: int) -> int:
        for unit in range(first, end):
            if self._price(unit) > self._left:
                return unit - first
            self._pay(unit)
        return end - first

    def _price(self, unit: int) -> int:
        return 0 if self._shared[unit] and self._shared[unit] in self._paid else self._prices[unit]

    def _pay(self, unit: int) -> None:
        self._left -= self._price(unit)
        if self._shared[unit]:
            self._paid.add(self._shared[unit])
