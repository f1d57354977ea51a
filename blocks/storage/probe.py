"""Whether a store keeps the promises that paying once rests on, tried out with objects that are gone afterwards."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from blocks.errors import StorageError
from blocks.storage.store import Store

__all__ = ["prove"]

# Stores are known that look before they write, and let all of these win.
RIVALS = 8
ADVICE = "Use a store that knows conditional writes (Amazon S3, Ceph, MinIO), or a local folder."


async def prove(store: Store) -> None:
    """Raise `StorageError` unless objects can be created exclusively, also by several at once, replaced, read, listed."""
    probe = f".catwalk-probe-{uuid4().hex}"
    created = await store.create(probe, b"first", "text/plain")
    try:
        await _prove_promises(store, probe, created=created)
        await _prove_rivalry(store, f"{probe}-rivals")
    finally:
        # A run removes nothing, so credentials that can't are good enough.
        with suppress(StorageError):
            await store.remove(probe)
            await store.remove(f"{probe}-rivals")


async def _prove_promises(store: Store, probe: str, *, created: bool) -> None:
    root = store.uri("").rstrip("/")
    if not created:
        raise StorageError(f"{root} says that an object exists which nobody wrote", next_step="Use another store.")
    if await store.create(probe, b"second", "text/plain") or await store.read(probe, None) != b"first":
        raise StorageError(
            f"{root} overwrites an object that it was asked only to create (it ignores 'If-None-Match: *'), "
            "so two runs at once could pay twice for the same picture",
            next_step=ADVICE,
        )
    await _prove_replacing(store, probe)
    if probe not in {path async for path in store.list(probe)}:
        raise StorageError(f"{root} does not list an object that it has just stored", next_step="Use another store.")


async def _prove_replacing(store: Store, probe: str) -> None:
    with TemporaryDirectory(prefix="catwalk-") as folder:
        third = Path(folder) / "third"
        third.write_bytes(b"third")
        seen = await store.stat(probe)
        version = seen.version if seen else None
        replaced = await store.replace(probe, third, version, "text/plain")
        again = await store.replace(probe, third, version, "text/plain")
    if again or not replaced:
        raise StorageError(
            f"{store.uri('').rstrip('/')} does not replace an object on the condition that nobody else has (it "
            "ignores 'If-Match'), so one of two runs at once could lose its rows of the manifest",
            next_step=ADVICE,
        )


async def _prove_rivalry(store: Store, probe: str) -> None:
    rivals = (store.create(probe, str(rival).encode(), "text/plain") for rival in range(RIVALS))
    won = sum(await asyncio.gather(*rivals))
    if won != 1:
        raise StorageError(
            f"{store.uri('').rstrip('/')} told {won} of {RIVALS} who created the same object at one time that they had "
            "(it looks before it writes), so two runs at once could pay twice for the same picture",
            next_step=ADVICE,
        )
