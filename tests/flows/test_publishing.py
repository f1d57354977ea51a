"""Publications of one output, one at a time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from blocks.errors import StorageError
from blocks.storage import ObjectStorage
from catalogs.ledger import now
from flows.publishing import MOST_TRIES, PATH, STALE, alone, replaced


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


async def test_a_run_that_is_carried_on_does_not_wait_for_itself(tmp_path: Path) -> None:
    """It was killed while it published, a moment ago."""
    storage = ObjectStorage.from_uri(str(tmp_path))
    mark = f'{{"run_id": "run-1", "since": "{now().isoformat()}"}}'
    await storage.write(PATH, mark.encode(), content_type="application/json")

    async with asyncio.timeout(20), alone(storage, "run-1"):
        pass

    assert not await storage.exists(PATH)


async def test_nobody_ends_anothers_publication(tmp_path: Path) -> None:
    """One that took so long that others took it for dead leaves their mark alone."""
    storage = ObjectStorage.from_uri(str(tmp_path))
    other = f'{{"run_id": "run-2", "since": "{now().isoformat()}"}}'.encode()

    async with alone(storage, "run-1"):
        await storage.write(PATH, other, content_type="application/json")

    assert other == await storage.read(PATH)


async def test_an_update_that_was_overtaken_is_made_again_from_what_is_there(tmp_path: Path) -> None:
    """Another's goes first, and both are in the end."""
    storage = ObjectStorage.from_uri(str(tmp_path / "output"))
    await storage.write("table", b"old", content_type="")
    made = tmp_path / "made"

    async def update(previous: Path | None) -> Path:
        assert previous is not None
        text = previous.read_text()
        if "other" not in text:
            await storage.write("table", b"old other", content_type="")
        made.write_text(f"{text} mine")
        return made

    assert made == await replaced(storage, "table", tmp_path / "current", update, content_type="")
    assert b"old other mine" == await storage.read("table")


async def test_what_others_always_do_first_is_given_up(tmp_path: Path) -> None:
    """With a word, and not for ever."""
    storage = ObjectStorage.from_uri(str(tmp_path / "output"))
    made = tmp_path / "made"
    made.write_text("mine")
    tries = 0

    async def update(_: Path | None) -> Path:
        nonlocal tries
        tries += 1
        await storage.write("table", b"another" * tries, content_type="")
        return made

    with pytest.raises(StorageError, match="20 times others did it first"):
        await replaced(storage, "table", tmp_path / "current", update, content_type="")
    assert MOST_TRIES == tries
