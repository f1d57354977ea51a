"""A run's budget under concurrency, refusals, lost replies, kills and restarts: never over, and used up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blocks.errors import StorageError
from blocks.storage import ObjectStorage
from flows.budget import Budget, BudgetReached
from flows.budget_log import exact, exact_limit
from tests.s3_servers import S3Server

# As price lists have them: with halves, with what floats can't hold, and dearer than a hundredth of most budgets.
PRICES = (0.1, 0.3, 0.5, 1.0, 2.0, 3.5, 30.0)
RUN = "run-1"


@dataclass
class Till:
    """The vendor's side: what it has charged at most, watched at every charge."""

    limit: Decimal
    charged: Decimal = Decimal(0)

    def charge(self, price: float) -> None:
        """Take a price, for a delivered picture or a lost reply alike."""
        self.charged += exact(price)
        assert self.charged <= self.limit


@dataclass
class Trial:
    """A run as chance has it; each list of `processes` is the prices of one process's units."""

    limit: float
    processes: list[list[float]]
    refusals: float = 0.0
    troubles: float = 0.0
    seed: int = 0
    held: list[float] = field(default_factory=list[float])

    def __post_init__(self) -> None:
        self.till = Till(exact_limit(self.limit))
        self.chance = random.Random(self.seed)

    async def pay(self, budget: Budget, price: float) -> None:
        """One unit: prepared, sent perhaps several times, charged or not."""
        try:
            async with budget.promise(price) as share:
                await self.pause()
                if self.chance.random() < self.troubles:
                    return  # the picture is broken
                while True:
                    await share.reserve()
                    await self.pause()
                    if self.chance.random() < self.troubles:
                        return  # another run's claim was first
                    share.commit()
                    await self.pause()
                    if self.chance.random() >= self.refusals:
                        self.till.charge(price)
                        return
                    await share.release()
                    if self.chance.random() < self.troubles:
                        return
        except BudgetReached:
            self.held.append(price)

    async def pause(self) -> None:
        """Let others go first, or not."""
        for _ in range(self.chance.randrange(3)):
            await asyncio.sleep(0)

    async def work(self, budget: Budget, prices: Sequence[float], *, at_once: int = 20) -> None:
        """One process's units, some at a time."""
        places = asyncio.Semaphore(at_once)

        async def one(price: float) -> None:
            async with places:
                await self.pay(budget, price)

        await asyncio.gather(*(one(price) for price in prices))

    async def run(self, storage: ObjectStorage, limit: float | None = None) -> None:
        """All processes at once, each to its end."""

        async def process(prices: list[float]) -> None:
            budget = Budget(storage, RUN, self.limit if limit is None else limit)
            await self.work(budget, prices)
            await budget.close()

        await asyncio.gather(*(process(prices) for prices in self.processes))

    async def run_and_kill(self, storage: ObjectStorage, kills: int) -> None:
        """The same, with processes that die at any moment and are begun again."""
        for _ in range(kills):
            running = [
                asyncio.create_task(self.work(Budget(storage, RUN, self.limit), prices)) for prices in self.processes
            ]
            for _ in range(self.chance.randrange(60)):
                await asyncio.sleep(0)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


def memory() -> ObjectStorage:
    """Storage that nobody else knows."""
    return ObjectStorage(root=f"memory://{uuid4().hex}")


prices = st.lists(st.sampled_from(PRICES), max_size=40)
trials = st.builds(
    Trial,
    limit=st.sampled_from((0.0, 0.3, 1.0, 7.0, 30.0, 99.9, 100.0, 1000.0)),
    processes=st.lists(prices, min_size=1, max_size=4),
    refusals=st.sampled_from((0.0, 0.0, 0.2, 0.7)),
    troubles=st.sampled_from((0.0, 0.3)),
    seed=st.integers(0, 2**32),
)


@settings(max_examples=250, deadline=None)
@given(trials, st.integers(0, 4))
def test_no_run_ever_spends_more_than_its_budget(trial: Trial, kills: int) -> None:
    """Whatever is refused, lost or killed, and however many processes share the run."""

    async def scene() -> None:
        storage = memory()
        await trial.run_and_kill(storage, kills)
        await trial.run(storage)

    asyncio.run(scene())

    assert trial.till.charged <= trial.till.limit


@settings(max_examples=150, deadline=None)
@given(trials)
def test_nothing_is_held_that_the_budget_could_pay(trial: Trial) -> None:
    """Where one process works and none dies, what is left is less than any held unit costs."""
    trial.processes = trial.processes[:1]

    asyncio.run(trial.run(memory()))

    assert all(trial.till.limit - trial.till.charged < exact(price) for price in trial.held)


@settings(max_examples=60, deadline=None)
@given(trials)
def test_processes_leave_no_more_than_their_blocks_to_the_next(trial: Trial) -> None:
    """Several at once may hold a unit that another's block could pay; who comes next can spend all that was left."""

    async def scene() -> Decimal:
        storage = memory()
        await trial.run(storage)
        left = trial.till.limit - trial.till.charged
        trial.refusals = trial.troubles = 0.0
        await trial.work(Budget(storage, RUN, trial.limit), [float(left)])
        return left

    left = asyncio.run(scene())

    block = max(exact(max(PRICES)), trial.till.limit / 100)
    assert not trial.held or left <= block * len(trial.processes)
    assert trial.till.limit == trial.till.charged


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trials)
def test_the_budget_holds_on_a_disk(tmp_path: Path, trial: Trial) -> None:
    """Folders promise what the log needs."""

    async def scene() -> None:
        storage = ObjectStorage(root=str(tmp_path / uuid4().hex))
        await trial.run_and_kill(storage, 1)
        await trial.run(storage)
        await storage.close()

    asyncio.run(scene())

    assert trial.till.charged <= trial.till.limit


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trials)
def test_the_budget_holds_on_s3(moto: S3Server, trial: Trial) -> None:
    """So does S3."""

    async def scene() -> None:
        storage = moto.storage()
        await trial.run_and_kill(storage, 1)
        await trial.run(storage)
        await storage.close()

    asyncio.run(scene())

    assert trial.till.charged <= trial.till.limit


async def test_a_killed_process_leaves_less_than_two_blocks_unused() -> None:
    """Kill after kill, each costs the run at most two hundredths of its budget."""
    storage, trial = memory(), Trial(1000, [])
    for _ in range(10):
        await trial.work(Budget(storage, RUN, 1000), [2.0] * 37)

    await trial.work(Budget(storage, RUN, 1000), [2.0] * 500)

    assert 1000 - 10 * 20 <= trial.till.charged


async def test_a_run_carried_on_with_another_limit_is_bound_by_it() -> None:
    """What was spent before counts: a lower limit stops it at once, a higher one adds the difference."""
    storage = memory()
    first = Trial(10, [[1.0] * 20])
    await first.run(storage)

    lower = Trial(5, [[1.0] * 20])
    await lower.run(storage)
    higher = Trial(16, [[1.0] * 20] * 3)
    await higher.run(storage)

    assert [10, 0, 6] == [trial.till.charged for trial in (first, lower, higher)]


async def test_a_run_of_another_name_has_a_budget_of_its_own() -> None:
    """Tonight's run is not charged for yesterday's."""
    storage = memory()
    await Trial(10, [[1.0] * 20]).run(storage)

    budget = Budget(storage, "run-2", 10)
    async with budget.promise(10) as share:
        await share.reserve()
        share.commit()

    assert 10 == budget.spent


async def test_who_is_refused_is_told_what_is_spent_and_what_to_do() -> None:
    """Price, limit and next step, in plain numbers."""
    storage = memory()
    await Trial(100, [[3.5] * 28]).run(storage)

    with pytest.raises(BudgetReached) as raised:
        async with Budget(storage, RUN, 100).promise(3.5):
            pass

    assert (
        "not sent, because it costs 3.5 credits, and of the 100 that the run may spend 98 are spent or set aside. "
        "Run again with a higher max_credits (--max-credits): what is delivered stays, and the rest is done."
    ) == str(raised.value)


async def test_a_unit_waits_for_those_before_it_that_may_cost_nothing() -> None:
    """While a call may yet be refused, its credits are not given up."""
    budget = Budget(memory(), RUN, 2)
    async with budget.promise(2) as first:
        await first.reserve()
        first.commit()
        waiting = asyncio.create_task(Trial(2, []).pay(budget, 2))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        await first.release()
    await waiting

    assert (Decimal(2), Decimal(0)) == (budget.spent, budget.held)


async def test_no_unit_is_begun_that_those_begun_leave_nothing_for() -> None:
    """What can't be paid is not prepared, though nothing has been sent yet."""
    budget, begun, sending = Budget(memory(), RUN, 10), 0, asyncio.Event()

    async def unit() -> None:
        nonlocal begun
        async with budget.promise(1) as share:
            begun += 1
            await sending.wait()
            await share.reserve()
            share.commit()

    units = [asyncio.create_task(unit()) for _ in range(50)]
    async with asyncio.timeout(30):
        while begun < 10:
            await asyncio.sleep(0.01)
    begun_before = begun
    sending.set()
    ends = await asyncio.gather(*units, return_exceptions=True)

    assert (10, 10) == (begun_before, begun)
    assert 40 == sum(isinstance(end, BudgetReached) for end in ends)


async def test_a_cancelled_taking_is_not_lost(tmp_path: Path) -> None:
    """A process may be told to stop one unit while storage still writes; its others spend what that took."""
    storage = ObjectStorage(root=str(tmp_path))
    budget, trial = Budget(storage, RUN, 3), Trial(3, [])
    one = asyncio.create_task(trial.pay(budget, 3))
    while not list(tmp_path.rglob("*.json")):
        await asyncio.sleep(0)
    one.cancel()
    await asyncio.gather(one, return_exceptions=True)

    await trial.pay(budget, 3)

    assert 3 == trial.till.charged
    await storage.close()


async def test_a_thousand_units_cost_about_a_hundred_objects(tmp_path: Path) -> None:
    """Storage is asked once a block, not once a unit."""
    storage = ObjectStorage(root=str(tmp_path))

    await Trial(1000, [[1.0] * 1100]).run(storage)

    assert 100 == len([path async for path in storage.list(f"runs/{RUN}/budget/")])
    await storage.close()


async def test_no_limit_writes_nothing() -> None:
    """A run without a budget leaves no trace of one."""
    storage = memory()
    budget = Budget(storage, RUN, None)
    async with budget.promise(1e9) as share:
        await share.reserve()
        share.commit()
        await share.release()
        await share.reserve()
        share.commit()
    await budget.close()

    assert Decimal(10**9) == budget.spent
    assert [] == [path async for path in storage.list()]


async def test_a_budget_of_nothing_pays_for_nothing_but_what_is_free() -> None:
    """Zero is a limit like any other."""
    budget = Budget(memory(), RUN, 0)
    async with budget.promise(0) as share:
        await share.reserve()
    with pytest.raises(BudgetReached):
        async with budget.promise(0.1):
            pass


async def test_a_damaged_record_stops_paying() -> None:
    """Nobody knows what may still be spent, so nothing is."""
    storage = memory()
    await storage.write(f"runs/{RUN}/budget/000001.json", b"{", content_type="application/json")

    with pytest.raises(StorageError, match=r"budget/000001\.json can't be read.*Restore it from a backup"):
        async with Budget(storage, RUN, 10).promise(1):
            pass


@given(st.lists(st.sampled_from(PRICES), max_size=200))
def test_prices_add_up_without_error(units: list[float]) -> None:
    """A budget of exactly what the units cost pays for every one of them."""
    total = float(sum(Decimal(str(price)) for price in units))

    assert sum(map(exact, units)) == exact_limit(total)
