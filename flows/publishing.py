"""
Runs that end together: none overwrites what another has published.

What is published replaces exactly what it was made from, or is made once more. Runs publish one at a time besides,
so that seldom any has to.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel

from blocks.errors import StorageError
from blocks.storage import MissingObject, ObjectStorage
from catalogs.ledger import now

__all__ = ["alone", "replaced"]

PATH = "runs/publishing.json"
LOOK_SECONDS = 0.5
# The run that holds an older one has most likely died; if it lives, one of the two makes its manifest once more.
STALE = timedelta(minutes=2)
MOST_TRIES = 20


class _Publication(BaseModel):
    run_id: str
    since: datetime


@asynccontextmanager
async def alone(storage: ObjectStorage, run_id: str) -> AsyncGenerator[None]:
    """Wait until no other run publishes, or has done so for long, and keep others waiting for as long as the block runs."""
    mine = _Publication(run_id=run_id, since=now())
    while not await storage.create(PATH, mine.model_dump_json().encode(), content_type="application/json"):
        await _look(storage, run_id)
        mine = mine.model_copy(update={"since": now()})
    try:
        yield
    finally:
        if (held := await _held(storage)) is not None and held.run_id == run_id:
            await storage.remove(PATH)


async def replaced(
    storage: ObjectStorage,
    path: str,
    current: Path,
    update: Callable[[Path | None], Awaitable[Path | None]],
    *,
    content_type: str,
) -> Path:
    """
    Replace an object by what `update` makes of it, and return that: a local file, or None to leave it as it is.

    `current` is where `update` finds the object; it gets None where there is none. Where another was quicker it is
    asked again, so nobody's update is lost.
    """
    for _ in range(MOST_TRIES):
        seen = await storage.stat(path)
        if seen is not None:
            await storage.download(path, current)
        made = await update(current if seen else None)
        if made is None:
            return current
        if await storage.replace(path, made, version=seen.version if seen else None, content_type=content_type):
            return made
    raise StorageError(
        f"{storage.uri(path)} could not be replaced: {MOST_TRIES} times others did it first",
        next_step="Run again when fewer runs end at one time: all that was paid for is in storage.",
    )


async def _held(storage: ObjectStorage) -> _Publication | None:
    try:
        return _Publication.model_validate_json(await storage.read(PATH))
    except MissingObject:
        return None


async def _look(storage: ObjectStorage, run_id: str) -> None:
    other = await _held(storage)
    if other is None:
        return
    # A mark of the run's own was left by it when it was killed, as it is carried on under its name.
    if other.run_id == run_id or now() - other.since > STALE:
        await storage.remove(PATH)
    else:
        await asyncio.sleep(LOOK_SECONDS)
