"""The heap during a run and after it: collections are rare, and as before once it is over; free memory is the machine's."""

from __future__ import annotations

import gc
import sys

import psutil
import pytest

from flows.heap import give_back, rare_collections


def test_the_heap_is_looked_through_less_often_while_the_block_runs() -> None:
    """After so many new objects, or the usual number for a run; what was there before is spared."""
    usual = gc.get_threshold()
    with rare_collections():
        rare = gc.get_threshold()
    with rare_collections(1_000_000):
        rarer, spared = gc.get_threshold(), gc.get_freeze_count()

    assert usual < rare < rarer
    assert 1_000_000 == rarer[0]
    assert spared > 0
    assert (usual, 0) == (gc.get_threshold(), gc.get_freeze_count())


def test_an_error_leaves_no_trace_on_the_heap() -> None:
    """A run that fails may be followed by others in the same process."""
    usual = gc.get_threshold()

    with pytest.raises(ValueError, match="broken"), rare_collections():
        raise ValueError("broken")

    assert (usual, 0) == (gc.get_threshold(), gc.get_freeze_count())


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take it back unasked")
def test_what_is_free_again_is_the_machines() -> None:
    """Of many small pieces each between others that are kept, glibc gives nothing back unasked."""
    memory = psutil.Process().memory_info
    pieces = [bytes(20_000) for _ in range(4000)]
    kept = pieces[::100]
    full = memory().rss
    del pieces
    give_back()

    assert 40 == len(kept)
    assert memory().rss < full - 60_000_000
