"""
The runs of an output: which have begun and not ended, and how far each had come.

`runs/open/<fingerprint>.json` stands for as long as a run has not ended. A run asked for the same again within a
day is that run carried on, under its own name: what it has spent, and what it waits for, is then known.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, ValidationError

from blocks.errors import StorageError
from blocks.storage import MissingObject, ObjectStorage
from catalogs.ledger import now

__all__ = ["SIGN_OF_LIFE", "OpenRun", "Runs", "Window"]

ROOM = "runs/open"
JSON = "application/json"
# Vendors keep results for a day; what an older run left can't be fetched any more.
CARRIED_ON = timedelta(hours=24)
# A shard at work writes its window down every few seconds.
SIGN_OF_LIFE = timedelta(minutes=1)


class OpenRun(BaseModel):
    """A run that has begun and, as far as storage knows, not ended."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    fingerprint: str
    started_at: datetime


class Window(BaseModel):
    """Which items of a shard may have jobs running: from the first that has not ended to the last that has begun."""

    model_config = ConfigDict(frozen=True)

    first_open: int = 0
    begun: int = 0


class Runs:
    """The run records of one output."""

    def __init__(self, storage: ObjectStorage) -> None:
        self._storage = storage

    async def begin(self, run_id: str, asked: str) -> OpenRun:
        """Open a run, or find the one that was asked for the same and has not ended."""
        fingerprint = hashlib.sha256(asked.encode()).hexdigest()[:24]
        new = OpenRun(run_id=run_id, fingerprint=fingerprint, started_at=now())
        if await self._storage.create(_path(fingerprint), _encoded(new), content_type=JSON):
            return new
        found = await self._read(_path(fingerprint))
        if found is not None and now() - found.started_at < CARRIED_ON:
            return found
        await self._storage.write(_path(fingerprint), _encoded(new), content_type=JSON)
        return new

    async def end(self, run: OpenRun) -> None:
        """The run has come to its end; nothing of it waits any more."""
        await self._storage.remove(_path(run.fingerprint))

    async def unended(self) -> list[OpenRun]:
        """The open runs, oldest first."""
        found = [await self._read(path) async for path in self._storage.list(f"{ROOM}/")]
        return sorted((run for run in found if run is not None), key=lambda run: run.started_at)

    async def keep_window(self, run_id: str, shard: int, window: Window) -> None:
        """Write down how far a shard has come."""
        await self._storage.write(_window_path(run_id, shard), _encoded(window), content_type=JSON)

    async def window(self, run_id: str, shard: int) -> Window:
        """How far a shard had come when last written down; at its beginning if it never was."""
        try:
            return Window.model_validate_json(await self._storage.read(_window_path(run_id, shard)))
        except MissingObject:
            return Window()

    async def last_sign(self, run_id: str, shard: int) -> datetime | None:
        """When a shard last wrote down how far it has come, by the storage's clock; None if it never did."""
        found = await self._storage.stat(_window_path(run_id, shard))
        return found.modified if found else None

    async def at_work(self, at: datetime) -> list[tuple[OpenRun, datetime]]:
        """The runs that have begun, or written a window down, within the last minute, with when they did."""
        signs = [(run, await self._last_of(run)) for run in await self.unended()]
        return [(run, sign) for run, sign in signs if at - sign < SIGN_OF_LIFE]

    async def _last_of(self, run: OpenRun) -> datetime:
        paths = [path async for path in self._storage.list(f"runs/{run.run_id}/window-")]
        found = [await self._storage.stat(path) for path in paths]
        return max([run.started_at, *(stat.modified for stat in found if stat is not None)])

    async def _read(self, path: str) -> OpenRun | None:
        try:
            return OpenRun.model_validate_json(await self._storage.read(path))
        except MissingObject:
            return None
        except ValidationError as error:
            raise StorageError(
                f"the run record {self._storage.uri(path)} can't be read",
                next_step="Remove it if no run is under way; the ledger keeps what was paid for.",
            ) from error


def _path(fingerprint: str) -> str:
    return f"{ROOM}/{fingerprint}.json"


def _window_path(run_id: str, shard: int) -> str:
    return f"runs/{run_id}/window-{shard:05}.json"


def _encoded(record: BaseModel) -> bytes:
    return record.model_dump_json().encode()
