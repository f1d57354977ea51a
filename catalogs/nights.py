"""
The nights of an output: one run per business date and request, whichever machines start it.

`runs/nights/<date>-<request>/<n>.json` is the n-th start. Its number is created exclusively, by whoever has seen that
the one before has ended, was left, or shows no sign of life any more. Who works on it writes it anew every
`BEAT_SECONDS`; nobody else writes it.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from blocks.errors import StorageError
from blocks.storage import MissingObject, ObjectStorage
from catalogs.ledger import now

__all__ = ["BEAT_SECONDS", "SILENCE", "Night", "NightState", "Nights"]

ROOM = "runs/nights"
JSON = "application/json"
BEAT_SECONDS = 15.0
# Five beats, and room for clocks that differ by as much as a beat.
SILENCE = timedelta(seconds=90)


class NightState(StrEnum):
    """Where a start of a night stands."""

    WORKING = "working"
    ENDED = "ended"
    LEFT = "left"


class Night(BaseModel):
    """One start of a night; `left` was not able to do its job, so that the next start does it."""

    model_config = ConfigDict(frozen=True)

    number: int
    state: NightState = NightState.WORKING
    by: str = Field(description="Who works on it: flow run, machine and process.")
    holder: str = Field(default_factory=lambda: uuid4().hex, description="A name that no other start has.")
    since: datetime
    beat_at: datetime
    run_id: str | None = None
    report: str | None = Field(default=None, description="Where the report of its end lies under the output.")

    def is_silent(self) -> bool:
        """Whether its last sign of life is older than any living run's can be."""
        return now() - self.beat_at > SILENCE


class Nights:
    """All starts of one business date with one request."""

    def __init__(self, storage: ObjectStorage, day: date, asked: str) -> None:
        self._storage = storage
        self._folder = f"{ROOM}/{day.isoformat()}-{hashlib.sha256(asked.encode()).hexdigest()[:12]}"

    async def latest(self) -> Night | None:
        """The newest start; None before the first."""
        paths = [path async for path in self._storage.list(f"{self._folder}/")]
        return await self._read(max(paths)) if paths else None

    async def begin(self, after: Night | None, by: str) -> Night | None:
        """Begin the start that follows; None if somebody else has begun it."""
        moment = now()
        night = Night(number=after.number + 1 if after else 1, by=by, since=moment, beat_at=moment)
        path = self._path(night.number)
        if await self._storage.create(path, _encoded(night), content_type=JSON):
            return night
        # The answer to an own creation may have been lost.
        return night if (await self._read(path)).holder == night.holder else None

    async def write(self, night: Night) -> Night:
        """Write down how a start of one's own stands, which is a sign of life."""
        written = night.model_copy(update={"beat_at": now()})
        await self._storage.write(self._path(night.number), _encoded(written), content_type=JSON)
        return written

    def _path(self, number: int) -> str:
        return f"{self._folder}/{number:05}.json"

    async def _read(self, path: str) -> Night:
        try:
            return Night.model_validate_json(await self._storage.read(path))
        except (MissingObject, ValidationError) as error:
            raise StorageError(
                f"the record {self._storage.uri(path)}, which tells who works on a business date, can't be read",
                next_step="Remove it if no run is under way; the ledger keeps what was paid for.",
            ) from error


def _encoded(night: Night) -> bytes:
    return night.model_dump_json(exclude_none=True).encode()
