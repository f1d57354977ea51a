"""
The ledger: the durable record of every attempt, and the only judge of who may send a paid call.

One object per attempt, `ledger/<2 hex>/<unit_key>-<attempt>.json`, created exclusively by its claim:

    submitting -> submitted -> done | failed
               -> refused               the vendor provably accepted nothing: a new attempt is free
               -> unknown               the vendor may have charged: a new attempt only when a person asks

The claimer's `submitted` and `done`, which every paid unit goes through, are lines of its journal,
`ledger/journals/<name>/`, that the claim names; every other state replaces the object. The further state counts.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from blocks.errors import JobFailed, StorageError
from blocks.storage import MissingObject, ObjectStorage
from catalogs.journal import Journal, read_journal, read_lines

__all__ = ["Attempt", "AttemptState", "Ledger", "StoredPicture", "now"]

ROOM = "ledger"
JOURNALS = f"{ROOM}/journals"
MEDIA_TYPE = "application/json"
# Each holds a line for every unit that its process paid for.
JOURNALS_KEPT = 8
# Units that wait for another run's claims look once in so long together.
FRESH_SECONDS = 1.0


class AttemptState(StrEnum):
    """Where an attempt stands."""

    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


# How far each state is; of two that are told of one attempt the further one is true.
_ORDER = (
    AttemptState.SUBMITTING,
    AttemptState.UNKNOWN,
    AttemptState.REFUSED,
    AttemptState.SUBMITTED,
    AttemptState.FAILED,
    AttemptState.DONE,
)
_JOURNALLED = frozenset({AttemptState.SUBMITTED, AttemptState.DONE})
_OPEN = frozenset({AttemptState.SUBMITTING, AttemptState.UNKNOWN, AttemptState.SUBMITTED})


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
    look: str | None = None
    stage: str
    operation: str
    vendor: str
    credits: float = Field(description="What it costs by the price list if it is charged.")
    run_id: str
    claimed_at: datetime
    journal: str | None = Field(
        default=None, description="Where its claimer writes down that it is submitted and done."
    )
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
    """Attempts in one output's object storage, as one process sees and writes them."""

    def __init__(self, storage: ObjectStorage) -> None:
        self._storage = storage
        self.journal = uuid4().hex
        self._writer = Journal(storage, f"{JOURNALS}/{self.journal}")
        self._read: OrderedDict[str, _ReadJournal] = OrderedDict()

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
        held = await self._all_held(unit_key)
        return await self._further(held[-1]) if held else None

    async def attempt(self, unit_key: str, number: int) -> Attempt | None:
        """One attempt, if it was made; raises as `latest` does."""
        found = await self._held(unit_key, number)
        return found and await self._further(found)

    async def attempts(self, unit_keys: Iterable[str]) -> dict[str, list[Attempt]]:
        """All attempts at some units, by unit and in order, of which no more than these is held; raises as `latest` does."""
        held = {key: await self._all_held(key) for key in unit_keys}
        names: dict[str, set[bytes]] = {}
        for attempt in (attempt for attempts in held.values() for attempt in attempts):
            if attempt.journal is not None and attempt.state in _OPEN:
                names.setdefault(attempt.journal, set()).add(_name(attempt).encode())
        lines: dict[bytes, bytes] = {}
        for journal, wanted in names.items():
            lines |= await read_lines(self._storage, f"{JOURNALS}/{journal}", wanted)
        return {
            key: [self._told(attempt, lines.get(_name(attempt).encode())) for attempt in attempts]
            for key, attempts in held.items()
        }

    async def claim(self, attempt: Attempt) -> bool:
        """Create the attempt's object; True gives the right to send its paid call, to one caller only."""
        return await self._storage.create(
            _path(attempt.unit_key, attempt.number), _encoded(attempt), content_type=MEDIA_TYPE
        )

    async def record(self, attempt: Attempt) -> None:
        """Write the attempt's newest state down."""
        if attempt.state in _JOURNALLED and attempt.journal == self.journal:
            await self._writer.add(_name(attempt).encode() + b" " + _encoded(attempt))
        else:
            path = _path(attempt.unit_key, attempt.number)
            await self._storage.write(path, _encoded(attempt), content_type=MEDIA_TYPE)

    async def close(self) -> None:
        """Finish writing what is being written, as for units that are cancelled."""
        await self._writer.close()

    async def _all_held(self, unit_key: str) -> list[Attempt]:
        held: list[Attempt] = []
        while (found := await self._held(unit_key, len(held) + 1)) is not None:
            held.append(found)
        return held

    async def _held(self, unit_key: str, number: int) -> Attempt | None:
        path = _path(unit_key, number)
        try:
            return self._decoded(await self._storage.read(path), path)
        except MissingObject:
            return None

    async def _further(self, attempt: Attempt) -> Attempt:
        """The state that the claimer's journal tells, if it is further than the object's."""
        if attempt.journal is None or attempt.state not in _OPEN:
            return attempt
        return self._told(attempt, await self._journalled(attempt.journal, _name(attempt).encode()))

    def _told(self, attempt: Attempt, line: bytes | None) -> Attempt:
        if line is None:
            return attempt
        told = self._decoded(line, f"{JOURNALS}/{attempt.journal}")
        return max(attempt, told, key=lambda one: _ORDER.index(one.state))

    async def _journalled(self, journal: str, name: bytes) -> bytes | None:
        if journal not in self._read:
            self._read[journal] = _ReadJournal(self._storage, f"{JOURNALS}/{journal}")
            if len(self._read) > JOURNALS_KEPT:
                self._read.popitem(last=False)
        self._read.move_to_end(journal)
        return await self._read[journal].line(name)

    def _decoded(self, data: bytes, path: str) -> Attempt:
        try:
            return Attempt.model_validate_json(data)
        except ValidationError as error:
            raise StorageError(
                f"the ledger's record {self._storage.uri(path)} can't be read: {error.errors()[0]['msg']}",
                next_step="Restore it from a backup. Removing it may pay for the same picture twice.",
            ) from error


class _ReadJournal:
    """The last line of each attempt in a journal that may still grow."""

    def __init__(self, storage: ObjectStorage, folder: str) -> None:
        self._storage = storage
        self._folder = folder
        self._lines: dict[bytes, bytes] = {}
        self._last_part = ""
        self._fresh_until = 0.0
        self._reading = asyncio.Lock()

    async def line(self, name: bytes) -> bytes | None:
        """What was last written of an attempt, as it was a moment ago."""
        clock = asyncio.get_running_loop().time
        async with self._reading:
            if clock() > self._fresh_until:
                async for part, lines in read_journal(self._storage, self._folder, since=self._last_part):
                    self._last_part = part
                    self._lines.update(_entry(line) for line in lines.splitlines())
                self._fresh_until = clock() + FRESH_SECONDS
        return self._lines.get(name)


def _entry(line: bytes) -> tuple[bytes, bytes]:
    name, _, record = line.partition(b" ")
    return name, record


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def _name(attempt: Attempt) -> str:
    return f"{attempt.unit_key}-{attempt.number}"


def _path(unit_key: str, number: int) -> str:
    return f"{ROOM}/{unit_key[:2]}/{unit_key}-{number}.json"


def _encoded(attempt: Attempt) -> bytes:
    return attempt.model_dump_json(exclude_none=True).encode()
