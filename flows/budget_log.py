"""
What a run's processes have taken of its budget: a log in object storage.

`runs/<run_id>/budget/<n>.json` is the n-th taking, or giving back, and the total after it. The next number is created
exclusively, by a process that has read the one before it, so whoever takes knows the true total, however many take.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from blocks.errors import StorageError
from blocks.storage import MissingObject, ObjectStorage
from catalogs.ledger import now

__all__ = ["BudgetLog", "exact", "exact_limit", "plain"]

# Finer than any price, and coarser than the error of adding up floats.
SMALLEST = Decimal("0.000001")
FLOAT_DIGITS = 9


def exact(credits_: float) -> Decimal:
    """A price that adds up without error, rounded up."""
    return _decimal(credits_, ROUND_CEILING)


def exact_limit(credits_: float) -> Decimal:
    """A limit that compares without error, rounded down."""
    return _decimal(credits_, ROUND_FLOOR)


def _decimal(credits_: float, rounding: str) -> Decimal:
    return Decimal(repr(round(credits_, FLOAT_DIGITS))).quantize(SMALLEST, rounding)


def plain(credits_: Decimal) -> str:
    """Credits as people write them."""
    return f"{credits_.normalize():f}"


class Entry(BaseModel):
    """One taking or, where `credits` is negative, giving back."""

    model_config = ConfigDict(frozen=True)

    number: int
    credits: Decimal
    total: Decimal = Field(description="What all processes have taken, this entry included.")
    by: str = Field(description="The process, by a name of its own.")
    at: datetime


class BudgetLog:
    """The log as one process knows it: `total` is what all have taken, `pool` what this one has and did not spend."""

    def __init__(self, storage: ObjectStorage, run_id: str) -> None:
        self.total = Decimal(0)
        self.pool = Decimal(0)
        self.opened = False
        self._storage = storage
        self._folder = f"runs/{run_id}/budget/"
        self._by = uuid4().hex
        self._number = 0

    async def look(self) -> bool:
        """Read what is new; says whether there was anything."""
        before = self._number
        if not self.opened:
            await self._skip_to_the_last()
            self.opened = True
        with suppress(MissingObject):
            while True:
                self._learn(await self._read(self._path(self._number + 1)))
        return self._number > before

    async def take(self, credits_: Decimal) -> None:
        """Add credits to the pool, unless another process wrote first; then know what it wrote."""
        await self._append(credits_)

    async def give_back(self, credits_: Decimal) -> None:
        """Leave credits of the pool to other processes."""
        # They leave the pool first: if the write's answer is lost, they may be another's already.
        self.pool -= credits_
        while credits_ and not await self._append(-credits_):
            pass

    async def _append(self, credits_: Decimal) -> bool:
        number = self._number + 1
        entry = Entry(number=number, credits=credits_, total=self.total + credits_, by=self._by, at=now())
        data = entry.model_dump_json().encode()
        created = await self._storage.create(self._path(number), data, content_type="application/json")
        self._learn(entry if created else await self._read(self._path(number)))
        return created

    async def _skip_to_the_last(self) -> None:
        paths = [path async for path in self._storage.list(self._folder)]
        if paths:
            self._learn(await self._read(max(paths)))

    def _learn(self, entry: Entry) -> None:
        self._number, self.total = entry.number, entry.total
        # A process may meet its own entry as news: the answer to its create was lost.
        if entry.by == self._by and entry.credits > 0:
            self.pool += entry.credits

    def _path(self, number: int) -> str:
        return f"{self._folder}{number:06}.json"

    async def _read(self, path: str) -> Entry:
        data = await self._storage.read(path)
        try:
            return Entry.model_validate_json(data)
        except ValidationError as error:
            raise StorageError(
                f"the run's budget {self._storage.uri(path)} can't be read: {error.errors()[0]['msg']}",
                next_step="Restore it from a backup: without it nobody knows what the run may still spend.",
            ) from error
