"""
A run's budget under kill -9: processes that share it on a disk, killed at any moment and begun again.

    python -m benchmarks.budget [--trials 500]

The vendor is a file to which every charge is appended. Prints how many trials spent more than their budget (none may),
how many processes were killed, what the kills left unused, and what a unit's promise and reservation cost.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import platform
import random
import statistics
import time
from dataclasses import dataclass
from decimal import Decimal
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory

from blocks.storage import ObjectStorage
from flows.budget import BLOCKS, Budget, BudgetReached

__all__ = ["Ended", "trial"]

LIMITS = (10, 33, 100, 1000)
PRICES = (0.5, 1.0, 2.0, 30.0)
UNITS = 400
AT_ONCE = 50
REFUSALS = 0.2
MOST_PROCESSES = 4
MOST_ROUNDS = 4
LONGEST_LIFE_SECONDS = 0.1
LONGEST_CALL_SECONDS = 0.02
TIMED_UNITS = 20_000

_forks = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a trial ended."""

    limit: Decimal
    charged: Decimal
    processes: int
    killed: int

    @property
    def unused(self) -> float:
        """Of the budget, in blocks for each process."""
        return float((self.limit - self.charged) / max(self.limit / BLOCKS, Decimal(30)) / self.processes)


def trial(folder: Path, seed: int) -> Ended:
    """Rounds of processes that are killed, then one that may end."""
    chance = random.Random(seed)
    limit, till = chance.choice(LIMITS), folder / "till"
    till.touch()
    rounds, started, killed = chance.randrange(1, MOST_ROUNDS), 0, 0
    for number in range(rounds):
        running = [_begun(folder, limit, chance.random()) for _ in range(chance.randrange(1, MOST_PROCESSES + 1))]
        started += len(running)
        last = number == rounds - 1
        killed += sum(_end(process, None if last else chance.random() * LONGEST_LIFE_SECONDS) for process in running)
    charged = sum(map(Decimal, till.read_text().split()), Decimal(0))
    return Ended(Decimal(limit), charged, started, killed)


def _begun(folder: Path, limit: float, seed: float) -> BaseProcess:
    process = _forks.Process(target=_work, args=(folder, limit, seed))
    process.start()
    return process


def _end(process: BaseProcess, life: float | None) -> bool:
    """Wait for a process, or kill it after a time; says whether it was killed."""
    process.join(life)
    process.kill()
    process.join()
    return bool(process.exitcode)


def _work(folder: Path, limit: float, seed: float) -> None:
    asyncio.run(_spend(folder, limit, random.Random(seed)))


async def _spend(folder: Path, limit: float, chance: random.Random) -> None:
    storage = ObjectStorage(root=str(folder / "output"))
    budget = Budget(storage, "run", limit)
    till = os.open(folder / "till", os.O_WRONLY | os.O_APPEND)
    places = asyncio.Semaphore(AT_ONCE)

    async def unit(price: float) -> None:
        async with places:
            try:
                await _pay(budget, till, price, chance)
            except BudgetReached:
                return

    await asyncio.gather(*(unit(chance.choice(PRICES)) for _ in range(UNITS)))
    await budget.close()
    await storage.close()


async def _pay(budget: Budget, till: int, price: float, chance: random.Random) -> None:
    async with budget.promise(price) as share:
        await asyncio.sleep(chance.random() * LONGEST_CALL_SECONDS)
        await share.reserve()
        share.commit()
        # A charge before the answer: a kill in between leaves it charged.
        refused = chance.random() < REFUSALS
        if not refused:
            os.write(till, f"{price}\n".encode())
        await asyncio.sleep(chance.random() * LONGEST_CALL_SECONDS)
        if refused:
            await share.release()


async def _overhead(limit: float | None) -> float:
    """Microseconds that a unit spends on a budget in memory."""
    storage = ObjectStorage(root=f"memory://budget-{limit}")
    budget = Budget(storage, "run", limit)
    before = time.perf_counter()
    for _ in range(TIMED_UNITS):
        async with budget.promise(2) as share:
            await share.reserve()
            share.commit()
    return (time.perf_counter() - before) / TIMED_UNITS * 1e6


def main() -> None:
    """Try and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=500)
    ends: list[Ended] = []
    trials: int = parser.parse_args().trials
    for seed in range(trials):
        with TemporaryDirectory(prefix="catwalk-budget-") as folder:
            ends.append(trial(Path(folder), seed))
    unused = [end.unused for end in ends]
    print(f"{platform.platform()}, {os.cpu_count()} cores")
    print(f"{trials} trials, {sum(end.processes for end in ends)} processes, {sum(end.killed for end in ends)} killed")
    print(f"over budget: {sum(end.charged > end.limit for end in ends)}")
    print(f"unused blocks a process: median {statistics.median(unused):.2f}, most {max(unused):.2f}")
    print(f"a unit without a limit: {asyncio.run(_overhead(None)):.0f} us")
    print(f"a unit with one, in memory: {asyncio.run(_overhead(3 * TIMED_UNITS)):.0f} us")


if __name__ == "__main__":
    main()
