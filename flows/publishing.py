"""One at a time: runs that end together must not overwrite each other's rows of the manifest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from pydantic import BaseModel

from blocks.storage import MissingObject, ObjectStorage
from catalogs.ledger import now

__all__ = ["alone"]

PATH = "runs/publishing.json"
LOOK_SECONDS = 0.5
# Longer than a publication takes; the run that holds an older one has died.
STALE = timedelta(minutes=5)


class _Publication(BaseModel):
    run_id: str
    since: datetime


@asynccontextmanager
async def alone(storage: ObjectStorage, run_id: str) -> AsyncGenerator[None]:
    """Wait until no other run publishes, and keep others waiting for as long as the block runs."""
    mine = _Publication(run_id=run_id, since=now())
    while not await storage.create(PATH, mine.model_dump_json().encode(), content_type="application/json"):
        await _look(storage)
        mine = mine.model_copy(update={"since": now()})
    try:
        yield
    finally:
        await storage.remove(PATH)


async def _look(storage: ObjectStorage) -> None:
    try:
        other = _Publication.model_validate_json(await storage.read(PATH))
    except MissingObject:
        return
    if now() - other.since > STALE:
        await storage.remove(PATH)
    else:
        await asyncio.sleep(LOOK_SECONDS)
