"""Parts fetched ahead: the same ones, and never more than one too many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from catalogs.read_ahead import ahead


class Source:
    """Numbers, and how many of them were fetched."""

    def __init__(self, count: int, *, breaks: bool = False) -> None:
        self.count, self.breaks, self.fetched = count, breaks, 0

    def numbers(self) -> Iterator[int]:
        """Them in order."""
        for number in range(self.count):
            self.fetched += 1
            yield number
        if self.breaks:
            raise ConnectionError("the storage is away")


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_all_parts_come_in_order(count: int) -> None:
    """However many there are."""
    assert list(ahead(Source(count).numbers())) == list(range(count))


def test_a_fault_comes_after_what_was_read_before_it() -> None:
    """As it would without a thread."""
    seen: list[int] = []

    with pytest.raises(ConnectionError, match="the storage is away"):
        seen.extend(ahead(Source(3, breaks=True).numbers()))
    assert seen == [0, 1, 2]


def test_who_stops_early_has_fetched_one_too_many_at_most() -> None:
    """So that a selection of ten rows does not read a million."""
    source = Source(100)
    with closing(ahead(source.numbers())) as parts:
        first = [next(parts), next(parts)]

    assert first == [0, 1]
    assert source.fetched <= 3
