"""A run that finishes by a time: what it sends can be fetched by then, and the next run does the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from blocks.account import Limits
from blocks.errors import CatwalkError
from catalogs.ledger import AttemptState, now
from flows.desk import Desk
from flows.finish_by import ENDING, FinishBy, FinishByReached, check_ahead, told
from flows.lane import Lane
from flows.report import as_state
from sandbox.server import running_sandbox
from sandbox.settings import SandboxSettings
from tests.catalogs.made import a_unit
from tests.flows.bench import ON_MODEL, catalog, desk, planned, reported, worked
from tests.flows.vendors import Vendors

pytestmark = pytest.mark.usefixtures("closed_client")

MOMENT = datetime(2100, 1, 1, 6, tzinfo=UTC)
EDIT = "claid.edit"
JOB_SECONDS = 600.0


class Clock:
    """A clock that stands still, or goes on a little with every look at it."""

    def __init__(self, *, left: float, tick: float = 0.0) -> None:
        self.left = left
        self.tick = tick

    def __call__(self) -> datetime:
        """So many seconds before a run that finishes by `MOMENT` has to begin its end."""
        self.left -= self.tick
        return MOMENT - ENDING - timedelta(seconds=self.left + self.tick)


def deadline(clock: Clock, guess: float = 60.0, chain: tuple[str, ...] = (EDIT,)) -> FinishBy:
    """A run that finishes by `MOMENT` and has learnt nothing."""
    finish_by = FinishBy(MOMENT, lambda _: guess, clock=clock)
    finish_by.chains = {a_unit().recipe: chain}
    return finish_by


def fits(finish_by: FinishBy, *, position: int = 0, wait: float = 0.0) -> bool:
    """Whether a unit may be sent."""
    try:
        finish_by.check(a_unit(operation=EDIT, position=position), wait=wait)
    except FinishByReached:
        return False
    return True


@pytest.mark.parametrize(("left", "is_sent"), [(60, True), (59, False), (-1, False)])
def test_a_call_is_sent_as_long_as_its_picture_can_be_there(left: float, is_sent: bool) -> None:
    """While nothing is learnt, the first guess counts."""
    assert is_sent == fits(deadline(Clock(left=left)))


def test_without_a_time_there_is_always_time() -> None:
    """The usual run."""
    finish_by = FinishBy(None, lambda _: 1e9)

    assert fits(finish_by)
    assert not finish_by.is_over


@pytest.mark.parametrize(
    ("taken", "left", "is_sent"),
    [
        # Nearly all of 40 took 10 s: 10 s and a quarter more, whatever the slowest two took.
        ([10.0] * 38 + [90.0] * 2, 12.5, True),
        ([10.0] * 38 + [90.0] * 2, 12.0, False),
        # Of the few that ended quickly nothing is concluded, of one that was slow it is.
        ([1.0] * 4, 59, False),
        ([100.0], 124, False),
        ([100.0], 125, True),
    ],
)
def test_what_the_runs_calls_took_counts(taken: list[float], left: float, is_sent: bool) -> None:
    """Longer than nearly all of them, with a margin."""
    finish_by = deadline(Clock(left=left))
    for seconds in taken:
        finish_by.learn(EDIT, call=seconds, stage=seconds)

    assert is_sent == fits(finish_by)


def test_calls_that_go_on_for_long_count_before_they_have_ended() -> None:
    """A vendor that has become slow is noticed while its first slow jobs run; one stuck job among many is not its like."""
    slow, stuck = deadline(Clock(left=100)), deadline(Clock(left=100))
    for _ in range(40):
        slow.learn(EDIT, call=10, stage=10)
        stuck.learn(EDIT, call=10, stage=10)
    since = now() - timedelta(seconds=90)

    with ExitStack() as under_way:
        under_way.enter_context(stuck.followed(EDIT, claimed_at=since, began=since))
        for _ in range(5):
            under_way.enter_context(slow.followed(EDIT, claimed_at=since, began=since))

        assert (False, True) == (fits(slow), fits(stuck))


def test_an_item_begins_only_if_its_whole_chain_fits() -> None:
    """A picture of half a chain is paid for and shown to nobody; an item under way goes on stage by stage."""
    finish_by = deadline(Clock(left=179), chain=(EDIT, EDIT, EDIT))

    assert (False, True, True) == tuple(fits(finish_by, position=position) for position in range(3))


def test_what_follows_in_a_chain_is_expected_to_wait_for_its_turns() -> None:
    """A later stage counts from its beginning to its picture, the first from the call, which is about to be sent."""
    finish_by = deadline(Clock(left=125), chain=(EDIT, EDIT))
    for _ in range(10):
        finish_by.learn(EDIT, call=10, stage=90)

    assert fits(finish_by)
    assert not fits(finish_by, wait=1)


async def test_a_wait_for_a_turn_ends_when_there_is_no_time_left_for_the_call() -> None:
    """A queue of an hour does not keep the run from finishing."""
    finish_by = deadline(Clock(left=60.0, tick=0.01))

    with pytest.raises(FinishByReached, match="may take 60 s"):
        await finish_by.in_time(a_unit(operation=EDIT), lambda: asyncio.sleep(3600))


async def test_a_wait_goes_on_when_calls_turn_out_to_be_quicker() -> None:
    """What is learnt while it lasts counts at its end."""
    finish_by = deadline(Clock(left=60.05))
    tries = 0

    async def turn() -> str:
        nonlocal tries
        tries += 1
        if tries == 1:
            for _ in range(5):
                finish_by.learn(EDIT, call=1, stage=1)
            await asyncio.sleep(3600)
        return "a turn"

    assert "a turn" == await finish_by.in_time(a_unit(operation=EDIT), turn)


async def test_a_trouble_that_is_no_lack_of_time_stays_what_it_is() -> None:
    """A wait inside has a deadline of its own."""
    finish_by = deadline(Clock(left=3600))

    async def trouble() -> None:
        raise TimeoutError("the disk")

    with pytest.raises(TimeoutError, match="the disk"):
        await finish_by.in_time(a_unit(operation=EDIT), trouble)
    with pytest.raises(TimeoutError, match="the disk"):
        async with finish_by.until_over():
            await trouble()


def test_a_time_that_is_past_is_refused() -> None:
    """Before anything begins."""
    with pytest.raises(CatwalkError, match="2020-01-01 06:00\\+00:00, which is past"):
        check_ahead(datetime(2020, 1, 1, 6, tzinfo=UTC))
    check_ahead(now() + timedelta(hours=1))
    check_ahead(None)


@pytest.fixture(scope="module")
def _slow() -> Generator[Vendors]:
    with running_sandbox(SandboxSettings(job_seconds=JOB_SECONDS, limits="off", picture_size=128)) as sandbox:
        yield Vendors(sandbox.url)


@pytest.fixture
def slow_vendors(_slow: Vendors) -> Vendors:
    """Vendors whose jobs end when time is passed."""
    _slow.forget()
    return _slow


@pytest.fixture
def open_desk(tmp_path: Path) -> Callable[..., Desk]:
    """A desk of a run that finishes by `MOMENT`, told by a clock of the test's."""

    def opened(vendors: Vendors, clock: Clock | None, *, guess: float = 60.0, run_id: str = "run-1") -> Desk:
        at = desk(vendors, str(tmp_path / "output"), run_id=run_id)
        if clock is not None:
            at.finish_by = FinishBy(MOMENT, lambda _: guess, clock=clock)
            at.finish_by.chains = {"on-model": ("claid.fashion_models", "ailabtools.try_on_refiner", "claid.scene")}
        return at

    return opened


async def test_a_run_fetches_all_it_has_sent_and_the_next_one_does_the_rest(
    vendors: Vendors, open_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """Every charge has its picture when the time is over; what is held is named, and paid for once, later."""
    items = planned(catalog(tmp_path / "catalog", 12), ON_MODEL)
    rows = await worked(open_desk(vendors, Clock(left=200.0, tick=0.5)), items)
    sent = len(vendors.charges())
    report = reported(rows, finish_by=MOMENT)

    assert 0 < sent < 3 * len(items)
    assert sent == sum(row.status == "done" for row in rows)
    assert {"done", "held", "blocked"} >= {row.status for row in rows}
    held = [row for row in rows if row.status == "held"]
    assert {"finish_by_reached"} == {row.error_kind for row in held}
    assert all("the run finishes by 2100-01-01 06:00+00:00" in (row.reason or "") for row in held)
    assert len(held) == report.finish_by_held
    assert f"{len(held)} held: finish-by {told(MOMENT)}, and the next run goes on with them" in report.headline()
    assert "Partial" == as_state(report).name

    rest = await worked(open_desk(vendors, None, run_id="run-2"), items)

    assert {"done"} == {row.status for row in rest}
    assert 3 * len(items) == len(vendors.charges())


async def test_a_run_without_time_sends_nothing(
    vendors: Vendors, open_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """It ends as partial, not as failed, as the next run does it all."""
    items = planned(catalog(tmp_path / "catalog", 3), ON_MODEL)

    report = reported(await worked(open_desk(vendors, Clock(left=100)), items), finish_by=MOMENT)

    assert {} == vendors.requests()
    assert (3, "Partial") == (report.finish_by_held, as_state(report).name)


async def test_a_job_that_overruns_is_left_to_the_next_run(
    slow_vendors: Vendors, open_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """It was sent in good faith; the run ends without it, and pays for it once."""
    items = planned(catalog(tmp_path / "catalog", 1))
    at = open_desk(slow_vendors, Clock(left=1.0), guess=0.1)
    rows = await worked(at, items)
    left = await at.ledger.latest(items[0].units[0].unit_key)

    assert left is not None
    assert AttemptState.SUBMITTED == left.state
    assert ("held", "finish_by_overrun") == (rows[0].status, rows[0].error_kind)
    assert (left.job_id, left.credits) == (rows[0].job_id, rows[0].credits_at_risk)
    assert "under way, without its picture" in (rows[0].reason or "")
    assert 1 == reported(rows, finish_by=MOMENT).finish_by_held

    slow_vendors.pass_time(JOB_SECONDS)
    rest = await worked(open_desk(slow_vendors, None, run_id="run-2"), items)

    assert ["done"] == [row.status for row in rest]
    assert 1 == len(slow_vendors.charges())


async def test_time_is_looked_at_when_the_turn_comes(
    vendors: Vendors, open_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """A unit that waited too long for its turn leaves no claim behind, though there was time when it began to wait."""
    items = planned(catalog(tmp_path / "catalog", 2))
    at = open_desk(vendors, Clock(left=62, tick=0.1))
    account = at.lanes["Claid"].account.model_copy(update={"limits": Limits(generations_per_minute=1)})
    at.lanes["Claid"] = Lane(account)
    await account.pace().generation()

    rows = await worked(at, items)

    assert {"finish_by_reached"} == {row.error_kind for row in rows}
    assert [] == vendors.charges()
    assert not await at.ledger.begun()
