"""What was paid for against what is there: every charge, every attempt and every picture, one by one."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from blocks.storage import ObjectStorage
from catalogs.ledger import Attempt, AttemptState, Ledger

__all__ = ["Audit", "Books", "audit", "open_books"]

OPEN_ENDED = {AttemptState.UNKNOWN, AttemptState.FAILED}


@dataclass(frozen=True)
class Books:
    """Every attempt of an output's ledger, and the sha256 of every stored picture by its address."""

    attempts: list[Attempt]
    pictures: dict[str, str]

    @property
    def by_unit(self) -> dict[str, list[Attempt]]:
        """Each unit's attempts in order."""
        units: dict[str, list[Attempt]] = defaultdict(list)
        for attempt in sorted(self.attempts, key=lambda attempt: attempt.number):
            units[attempt.unit_key].append(attempt)
        return units

    def latest(self) -> list[Attempt]:
        """Each unit's newest attempt."""
        return [attempts[-1] for attempts in self.by_unit.values()]

    def states(self) -> dict[str, int]:
        """How many units stand where."""
        return dict(Counter(str(attempt.state) for attempt in self.latest()))


@dataclass
class Audit:
    """The sums, and whatever does not add up."""

    charges: int = 0
    units: int = 0
    asked: int = 0
    unknown: int = 0
    lost: int = 0
    faults: list[str] = field(default_factory=list[str])


async def _books(storage: ObjectStorage) -> Books:
    attempts = [attempt async for attempt in _attempts(storage)]
    pictures = {
        storage.uri(path): hashlib.sha256(await storage.read(path)).hexdigest()
        async for path in storage.list("pictures/")
    }
    await storage.close()
    return Books(attempts, pictures)


async def _attempts(storage: ObjectStorage) -> AsyncIterator[Attempt]:
    ledger = Ledger(storage)
    async for path in storage.list("ledger/"):
        key, dash, number = path.rpartition("/")[2].removesuffix(".json").rpartition("-")
        attempt = await ledger.attempt(key, int(number)) if dash else None
        if attempt is not None:
            yield attempt


def open_books(storage: ObjectStorage) -> Books:
    """Read an output as it stands."""
    return asyncio.run(_books(storage))


def audit(books: Books, charges: Sequence[dict[str, Any]], killed: Iterable[str] | None) -> Audit:
    """
    Compare the vendors' list of accepted jobs with the ledger.

    Only attempts of the runs `killed` may be unknown; None allows all, where vendors misbehave.

    A charge belongs to the attempt that wrote down its job or request id. One that no attempt knows is lost, which
    is all right only where an attempt says that its outcome is unknown.
    """
    found = Audit(charges=len(charges), units=len({charge["digest"] for charge in charges}))
    owners = _owners(books)
    _check_repeats(books, charges, owners, found)
    _check_pictures(books, found)
    _check_unknown(books, None if killed is None else set(killed), found)
    return found


def _owners(books: Books) -> dict[str, Attempt]:
    known = {attempt.job_id: attempt for attempt in books.attempts if attempt.job_id}
    return known | {attempt.request_id: attempt for attempt in books.attempts if attempt.request_id}


def _check_repeats(books: Books, charges: Sequence[dict[str, Any]], owners: dict[str, Attempt], found: Audit) -> None:
    """Equal requests are the same unit's: as many as were asked for, and one."""
    by_unit = books.by_unit
    requests: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for charge in charges:
        requests[charge["digest"]].append(charge)
    found.asked = sum(_asked(attempts) for attempts in by_unit.values())
    for digest, equal in requests.items():
        owned = [owner for charge in equal if (owner := owners.get(charge["job_id"] or charge["request_id"]))]
        found.lost += len(equal) - len(owned)
        attempts = by_unit[owned[0].unit_key] if owned else []
        if len({attempt.unit_key for attempt in owned}) > 1:
            found.faults.append(f"request {digest} was made for several units")
        if len(equal) > 1 + _asked(attempts):
            found.faults.append(f"{equal[0]['operation']} was accepted {len(equal)} times: {_story(attempts) or equal}")
        if owned and len(equal) - len(owned) > sum(attempt.state is AttemptState.UNKNOWN for attempt in attempts):
            found.faults.append(f"a job was lost that the ledger does not call unknown: {_story(attempts)}")
    if found.lost > sum(attempt.state is AttemptState.UNKNOWN for attempt in books.attempts):
        found.faults.append(f"{found.lost} accepted jobs are lost, more than the ledger calls unknown")


def _asked(attempts: Sequence[Attempt]) -> int:
    """Attempts that could only be made because a person asked for them."""
    return sum(attempt.state in OPEN_ENDED for attempt in attempts[:-1])


def _check_pictures(books: Books, found: Audit) -> None:
    for attempt in books.attempts:
        for picture in attempt.pictures:
            if books.pictures.get(picture.uri) != picture.sha256:
                found.faults.append(f"{picture.uri} is not what the ledger hashed")
        if attempt.state is AttemptState.DONE and not attempt.pictures:
            found.faults.append(f"done without a picture: {_story([attempt])}")
    for attempts in books.by_unit.values():
        if any(earlier.state in (AttemptState.DONE, AttemptState.SUBMITTED) for earlier in attempts[:-1]):
            found.faults.append(f"repeated though paid for: {_story(attempts)}")


def _check_unknown(books: Books, killed: set[str] | None, found: Audit) -> None:
    for attempt in books.attempts:
        if attempt.state is not AttemptState.UNKNOWN:
            continue
        found.unknown += 1
        if killed is not None and attempt.run_id not in killed:
            found.faults.append(f"unknown though its run was not killed: {_story([attempt])}")
        if not (attempt.sku and attempt.stage and attempt.credits and attempt.error_message):
            found.faults.append(f"unknown, and not told which, when and how much: {_story([attempt])}")


def _story(attempts: Sequence[Attempt]) -> str:
    return "; ".join(
        f"{attempt.sku} {attempt.stage} #{attempt.number} {attempt.state} by {attempt.run_id} "
        f"(job {attempt.job_id}, {attempt.error_message})"
        for attempt in attempts
    )
