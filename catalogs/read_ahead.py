"""The next part of something large, fetched while the one before is worked on."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["ahead"]

T = TypeVar("T")


def ahead(parts: Iterator[T]) -> Generator[T]:
    """The same parts in the same order, each fetched in a thread, one before it is asked for; none of them is None."""
    with ThreadPoolExecutor(1, "read-ahead") as thread:
        coming = thread.submit(next, parts, None)
        while (part := coming.result()) is not None:
            coming = thread.submit(next, parts, None)
            yield part
