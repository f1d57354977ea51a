"""Publications of one output, one at a time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from blocks.storage import ObjectStorage
from catalogs.ledger import now
from flows.publishing import PATH, STALE, alone


async def test_publications_never_overlap(tmp_path: Path) -> None:
    """Of ten that publish at one time, each finds nobody inside."""
    inside = 0
    most = 0

    async def publish(number: int) -> None:
        nonlocal inside, most
        async with alone(ObjectStorage.from_uri(str(tmp_path)), f"run-{number}"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(publish(number) for number in range(10)))

    assert 1 == most
    assert not await ObjectStorage.from_uri(str(tmp_path)).exists(PATH)


async def test_a_publication_whose_run_died_is_not_waited_for(tmp_path: Path) -> None:
    """Its mark is older than any publication takes."""
    storage = ObjectStorage.from_uri(str(tmp_path))
    old = (now() - STALE - timedelta(seconds=1)).isoformat()
    await storage.write(PATH, f'{{"run_id": "dead", "since": "{old}"}}'.encode(), content_type="application/json")

    async with asyncio.timeout(20), alone(storage, "run-2"):
        held = await storage.read(PATH)

    assert b"run-2" in held
