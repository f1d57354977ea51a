"""
The ledger: the durable record of every attempt, and the only judge of who may send a paid call.

One object per attempt, `ledger/<2 hex>/<unit_key>-<attempt>.json`, whose last whole line is its state:

    submitting -> submitted -> done | failed
               -> refused               the vendor provably accepted nothing: a new attempt is free
               -> unknown               the vendor may have charged: a new attempt only when a person asks
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from blocks.errors import JobFailed, StorageError
from blocks.storage import MissingObject, ObjectStorage

__all__ = ["Attempt", "AttemptState", "Ledger", "StoredPicture", "newest_state", "now"]

ROOM = "ledger"
MEDIA_TYPE = "application/jsonl"


class AttemptState(StrEnum):
    """Where an attempt stands."""

    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class StoredPicture(BaseModel):
    """A picture whose bytes are in our storage, decoded whole and hashed."""

    model_config = ConfigDict(frozen=True)

    uri: str
    sha256: str
    width: int
    height: int
    bytes: int
    mime: str


class Attempt(BaseModel):
    """One submission of a unit, from its claim to its end."""

    model_config = ConfigDict(frozen=True)

    unit_key: str
    number: int = 1
    state: AttemptState
    recipe: str
    sku: str
    stage: str
    operation: str
    vendor: str
    credits: float = Field(description="What it costs by the price list if it is charged.")
    run_id: str
    claimed_at: datetime
    submitted_at: datetime | None = None
    finished_at: datetime | None = None
    job_id: str | None = None
    request_id: str | None = None
    results: tuple[str, ...] = Field(
        default=(), description="A synchronous job's result addresses, which no poll could ask for again."
    )
    pictures: tuple[StoredPicture, ...] = ()
    error_kind: str | None = None
    error_message: str | None = None

    def at_risk(self) -> float:
        """Credits that the vendor may have charged, or may yet, without a picture of ours to show for them."""
        refused = self.state is AttemptState.REFUSED or (
            self.state is AttemptState.FAILED and self.submitted_at is None and self.error_kind != JobFailed.kind()
        )
        return 0.0 if refused or self.state is AttemptState.DONE else self.credits

    def becomes(self, state: AttemptState, **fields: Any) -> Attempt:
        """The same attempt in its next state."""
        return self.model_copy(update={"state": state, **fields})


class Ledger:
    """Attempts in one output's object storage."""

    def __init__(self, storage: ObjectStorage) -> None:
        self._storage = storage

    async def begun(self) -> bool:
        """Whether there has been any attempt at anything."""
        async for _ in self._storage.list(f"{ROOM}/"):
            return True
        return False

    async def latest(self, unit_key: str) -> Attempt | None:
        """
        The newest attempt at a unit, or None when there was none.

        Raises `StorageError` for a record that can't be read: without it, nobody knows what was paid.
        """
        latest: Attempt | None = None
        number = 1
        while True:
            try:
                data = await self._storage.read(_path(unit_key, number))
            except MissingObject:
                return latest
            latest = self._decoded(data, _path(unit_key, number))
            number += 1

    async def claim(self, attempt: Attempt) -> bool:
        """Create the attempt's object; True gives the right to send its paid call, to one caller only."""
        return await self._storage.create(
            _path(attempt.unit_key, attempt.number), _encoded(attempt) + b"\n", content_type=MEDIA_TYPE
        )

    async def record(self, attempt: Attempt) -> None:
        """Write the attempt's newest state down as the last line of its object."""
        await self._storage.put_last_line(
            _path(attempt.unit_key, attempt.number), _encoded(attempt), content_type=MEDIA_TYPE
        )

    def _decoded(self, data: bytes, path: str) -> Attempt:
        try:
            return newest_state(data)
        except ValidationError as error:
            raise StorageError(
                f"the ledger's record {self._storage.uri(path)} can't be read: {error.errors()[0]['msg']}",
                next_step="Restore it from a backup. Removing it may pay for the same picture twice.",
            ) from error


def newest_state(data: bytes) -> Attempt:
    """The attempt that an object of the ledger holds; raises `ValidationError`."""
    *whole, torn = data.split(b"\n")
    return Attempt.model_validate_json(next((line for line in reversed(whole) if line), torn))


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def _path(unit_key: str, number: int) -> str:
    return f"{ROOM}/{unit_key[:2]}/{unit_key}-{number}.json"


def _encoded(attempt: Attempt) -> bytes:
    return attempt.model_dump_json(exclude_none=True).encode()
