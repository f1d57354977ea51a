"""The heap of a process at work: when it is looked through for what nobody can reach, and given back."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Generator
from contextlib import contextmanager, suppress

import pyarrow as pa

__all__ = ["give_back", "rare_collections"]

NEW_OBJECTS = 20_000
YOUNGER_LOOKS = 20


@contextmanager
def rare_collections(after: int = NEW_OBJECTS) -> Generator[None]:
    """
    Look through the heap less often for as long as the block runs.

    Each full look takes 0.15 s of the event loop's time: through what Prefect and its kin made at import, which
    is spared it altogether here, and through the units in flight, which hold no cycles to speak of. The first of the
    looks comes `after` so many new objects.
    """
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(after, YOUNGER_LOOKS, YOUNGER_LOOKS)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


def give_back() -> None:
    """Let the machine have what nobody can reach any more, and what is free, which Arrow and glibc keep unless asked."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
