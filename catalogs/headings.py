"""Names for a file's columns by which each can be meant: none is empty, none comes twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

__all__ = ["usable_names"]


def usable_names(names: Sequence[str]) -> list[str]:
    """
    A name for each column, in order: its own where it has one of its own.

    The second `title` is 'title (2)', and a seventh column without a name is 'column 7'.
    """
    taken = set(names)
    usable: list[str] = []
    for place, name in enumerate(names, start=1):
        if name.strip() and name not in usable:
            usable.append(name)
            continue
        free = next(wish for wish in _wishes(name, place) if wish not in taken)
        taken.add(free)
        usable.append(free)
    return usable


def _wishes(name: str, place: int) -> Iterator[str]:
    if not name.strip():
        name = f"column {place}"
        yield name
    yield from (f"{name} ({number})" for number in count(2))
