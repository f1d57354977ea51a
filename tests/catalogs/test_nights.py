"""Records of nights: who may begin one, and when another has died."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path

import pytest

from blocks.errors import StorageError
from blocks.storage import ObjectStorage
from catalogs.ledger import now
from catalogs.nights import SILENCE, Nights, NightState

DAY = date(2026, 10, 25)


def nights_in(folder: Path, asked: str = "on-model") -> Nights:
    """One date's nights in a folder, as a process of its own sees them."""
    return Nights(ObjectStorage.from_uri(str(folder)), DAY, asked)


async def test_of_many_that_begin_at_once_one_does(tmp_path: Path) -> None:
    """The others are told that somebody was faster."""
    begun = await asyncio.gather(*(nights_in(tmp_path).begin(None, f"process {n}") for n in range(20)))

    assert 1 == len([night for night in begun if night is not None])


async def test_a_start_follows_the_one_before(tmp_path: Path) -> None:
    """Of those who saw the same one die, one follows it."""
    first = await nights_in(tmp_path).begin(None, "first")
    second = await nights_in(tmp_path).begin(first, "second")

    assert await nights_in(tmp_path).begin(first, "third") is None
    assert second == await nights_in(tmp_path).latest()


async def test_another_request_is_another_night(tmp_path: Path) -> None:
    """Two recipes of one date into one output do not hold each other up."""
    await nights_in(tmp_path).begin(None, "first")

    assert await nights_in(tmp_path, "preset-model").latest() is None


async def test_silence_is_older_than_any_sign_of_life(tmp_path: Path) -> None:
    """Writing is a sign of life; without one for so long the start is dead."""
    nights = nights_in(tmp_path)
    night = await nights.begin(None, "first")
    assert night is not None
    written = await nights.write(night.model_copy(update={"state": NightState.LEFT}))

    assert not written.is_silent()
    assert NightState.LEFT == written.state
    assert written.model_copy(update={"beat_at": now() - SILENCE - timedelta(seconds=1)}).is_silent()


async def test_a_record_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    """With what to do about it."""
    await nights_in(tmp_path).begin(None, "first")
    [path] = (tmp_path / "runs" / "nights").rglob("*.json")
    path.write_text("{")

    with pytest.raises(StorageError, match=r"00001\.json.*can't be read.*Remove it if no run is under way"):
        await nights_in(tmp_path).latest()
