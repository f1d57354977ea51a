"""Following jobs with a receiver at hand: how often the vendor is asked, whatever becomes of the deliveries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from blocks.claid import ClaidCredentials
from catalogs.ledger import Attempt, AttemptState
from catalogs.plan import Unit
from flows.desk import Desk
from flows.lane import Lane
from flows.notices import listening
from flows.unit import finish_unit
from sandbox.server import running_sandbox
from sandbox.settings import SandboxSettings
from tests.deployments.receiving import SECRET, RunningReceiver, delivery, running_receiver
from tests.flows.bench import catalog, desk, planned
from tests.flows.vendors import Vendors

pytestmark = pytest.mark.usefixtures("closed_client")

JOB_SECONDS = 1000
LONG = 3600.0
UNITS = 4


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningReceiver]:
    """A receiver for all tests here."""
    with running_receiver(tmp_path_factory.mktemp("receiver")) as running:
        yield running


@pytest.fixture(scope="module")
def _sandbox() -> Generator[Vendors]:
    settings = SandboxSettings(job_seconds=JOB_SECONDS, limits="off", picture_size=128, drawing="quick")
    with running_sandbox(settings) as sandbox:
        yield Vendors(sandbox.url)


@pytest.fixture
def vendors(_sandbox: Vendors, receiver: RunningReceiver) -> Since:
    """Vendors whose jobs end when the tests say so, and are announced; no job's id comes twice."""
    _sandbox.behave()
    body = {"url": f"{receiver.url}/claid", "secret": SECRET, "retry_seconds": []}
    httpx.put(f"{_sandbox.url}/sandbox/webhook", json=body).raise_for_status()
    return Since(_sandbox)


class Since(Vendors):
    """What vendors have been asked since now."""

    def __init__(self, vendors: Vendors) -> None:
        super().__init__(vendors.url)
        self._charged = len(vendors.charges())
        self._polled = vendors.requests().get("claid.edit poll", 0)

    def charges(self) -> list[dict[str, Any]]:
        """Every job accepted since."""
        return super().charges()[self._charged :]

    def polls(self) -> int:
        """How often jobs have been asked for since."""
        return self.requests().get("claid.edit poll", 0) - self._polled

    def paid_once(self) -> bool:
        """Whether each unit was charged once."""
        return UNITS == len(self.charges()) == len({charge["digest"] for charge in self.charges()})


@pytest.fixture
def units(tmp_path: Path) -> list[Unit]:
    """Edits of some pictures."""
    return [item.units[0] for item in planned(catalog(tmp_path / "catalog", UNITS))]


@asynccontextmanager
async def listening_desk(
    vendors: Vendors, receiver: RunningReceiver, output: Path, *, patience: float = LONG
) -> AsyncGenerator[Desk]:
    """A desk in touch with the receiver, whose rhythm is quick."""
    at = desk(vendors, str(output), job=LONG)
    quick = at.lanes["Claid"].account
    account = ClaidCredentials(
        api_key=quick.api_key,
        base_url=quick.base_url,
        limits=quick.limits,
        timeouts=quick.timeouts,
        poll_seconds=quick.poll_seconds,
        webhook_secret=SecretStr(SECRET),
        webhook_receiver=receiver.url,
        webhook_patience=patience,
    )
    lane = at.lanes["Claid"] = Lane(account)
    async with listening([lane.notices]):
        while not lane.notices.patience:
            await asyncio.sleep(0.01)
        yield at


async def followed(vendors: Vendors, at: Desk, units: list[Unit]) -> asyncio.Future[list[Attempt]]:
    """The units at work, all of them accepted by the vendor and waited for."""
    work = asyncio.gather(*(finish_unit(at, unit, None) for unit in units))
    while len(at.lanes["Claid"].notices._expected) < len(units):
        await asyncio.sleep(0.01)
        assert not work.done()
    assert len(units) == len(vendors.charges())
    return work


async def test_jobs_are_not_asked_for_before_they_are_announced_and_once_after(
    vendors: Since, receiver: RunningReceiver, units: list[Unit], tmp_path: Path
) -> None:
    """However quick the vendor's rhythm is, and whatever others announce."""
    async with listening_desk(vendors, receiver, tmp_path) as at:
        work = await followed(vendors, at, units)
        await asyncio.to_thread(receiver.deliver, delivery(1))
        await asyncio.sleep(10 * at.rhythm_of("claid.edit").interval)
        before = vendors.polls()
        vendors.pass_time(JOB_SECONDS)
        ended = await asyncio.wait_for(work, 60)

    assert (0, UNITS) == (before, vendors.polls())
    assert {AttemptState.DONE} == {attempt.state for attempt in ended}
    assert vendors.paid_once()


async def test_a_delivery_that_comes_too_early_brings_one_poll_and_no_storm(
    vendors: Since, receiver: RunningReceiver, units: list[Unit], tmp_path: Path
) -> None:
    """Genuine and wrong: the vendor is asked, and the job goes on in its rhythm, however often it is announced."""
    async with listening_desk(vendors, receiver, tmp_path) as at:
        at.rhythm_of("claid.edit").interval = LONG
        work = await followed(vendors, at, units)
        early = int(vendors.charges()[0]["job_id"])
        for status in ("DONE", "DONE", "ERROR", "CANCELLED") * 5:
            await asyncio.to_thread(receiver.deliver, delivery(early, status))
        while not vendors.polls():
            await asyncio.sleep(0.01)
        # The others, whose deliveries are right, come after all that.
        vendors.pass_time(JOB_SECONDS)
        while vendors.polls() < UNITS:
            await asyncio.sleep(0.01)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    assert UNITS == vendors.polls()
    assert vendors.paid_once()


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "duplicate_delivery"},
        {"fault": "slow_delivery", "seconds": 0.5},
        {"fault": "reordered_delivery", "times": 2},
    ],
    ids=lambda fault: fault["fault"],
)
async def test_deliveries_that_come_oddly_are_deliveries(
    vendors: Since, receiver: RunningReceiver, units: list[Unit], tmp_path: Path, fault: dict[str, Any]
) -> None:
    """Twice, slowly or in another order: each job is asked for once."""
    vendors.misbehave(**fault)
    async with listening_desk(vendors, receiver, tmp_path) as at:
        work = await followed(vendors, at, units)
        vendors.pass_time(JOB_SECONDS)
        ended = await asyncio.wait_for(work, 60)

    assert UNITS == vendors.polls()
    assert {AttemptState.DONE} == {attempt.state for attempt in ended}
    assert vendors.paid_once()


@pytest.mark.parametrize("fault", ["missing_delivery", "forged_delivery", "wrong_delivery", "late_delivery"])
async def test_a_job_whose_delivery_does_not_come_is_asked_for_when_patience_is_over(
    vendors: Since, receiver: RunningReceiver, units: list[Unit], tmp_path: Path, fault: str
) -> None:
    """A delivery that does not count is none."""
    vendors.misbehave(fault, seconds=LONG)
    async with listening_desk(vendors, receiver, tmp_path, patience=0.2) as at:
        work = await followed(vendors, at, units)
        vendors.pass_time(JOB_SECONDS)
        ended = await asyncio.wait_for(work, 60)

    assert {AttemptState.DONE} == {attempt.state for attempt in ended}
    assert vendors.paid_once()


async def test_a_failed_job_is_woken_for_too(
    vendors: Since, receiver: RunningReceiver, units: list[Unit], tmp_path: Path
) -> None:
    """Its reason is the query's, not the delivery's."""
    vendors.misbehave("job_error")
    async with listening_desk(vendors, receiver, tmp_path) as at:
        work = await followed(vendors, at, units)
        vendors.pass_time(JOB_SECONDS)
        ended = await asyncio.wait_for(work, 60)

    assert UNITS == vendors.polls()
    assert {(AttemptState.FAILED, "job_failed")} == {(attempt.state, attempt.error_kind) for attempt in ended}
