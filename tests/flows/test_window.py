"""The window of items that may have jobs running."""

from __future__ import annotations

from catalogs.runs import Window
from flows.window import OpenItems


def test_the_window_reaches_from_the_first_open_item_to_the_last_begun() -> None:
    """Items end in any order; those before the first open one need no look."""
    items = OpenItems()
    for place in range(10):
        items.begin(place)
    for place in (0, 1, 2, 5, 9):
        items.end(place, "A")

    assert Window(first_open=3, begun=10) == items.window()


def test_with_nothing_open_the_window_is_empty() -> None:
    """Before the first and after the last item there is nothing to look at."""
    items = OpenItems()
    before = items.window()
    items.begin(0)
    items.end(0, "A")

    assert Window(first_open=0, begun=0) == before
    assert Window(first_open=1, begun=1) == items.window()


def test_an_item_whose_job_is_still_at_the_vendor_stays_open() -> None:
    """A rescue begins with it, though its run has given it up."""
    items = OpenItems()
    for place in range(3):
        items.begin(place)
    items.keep_open("B")
    for place, name in enumerate("ABC"):
        items.end(place, name)

    assert Window(first_open=1, begun=3) == items.window()
