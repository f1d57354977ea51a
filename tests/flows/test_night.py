"""One run per business date: second starts while the first is alive, dead, left, or done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from blocks.errors import CatalogError
from blocks.storage import ObjectStorage
from catalogs.ledger import now
from catalogs.nights import SILENCE, Nights, NightState
from flows.night import REQUEST, UnderWay, one_per_date
from flows.parameters import CatalogRun
from flows.report import RunReport

Work = Callable[[CatalogRun], Awaitable[State[RunReport]]]


def night_of(output: Path, **fields: Any) -> CatalogRun:
    """A run for a day."""
    run = {"catalog": {"uri": "catalog.parquet"}, "output": str(output), "business_date": "2026-10-25", **fields}
    return CatalogRun.model_validate(run)


def report_of(run_id: str, moment: datetime) -> RunReport:
    """A report of one item delivered."""
    return RunReport(
        run_id=run_id,
        recipe="on-model",
        output="out",
        manifest="out/manifest.parquet",
        gallery=None,
        started_at=moment,
        finished_at=moment,
        items=1,
        delivered=1,
        unchanged=0,
        quarantined=0,
        units={},
        credits={"Claid": 2},
        spending={},
        spending_by_stage={},
        business_date=date(2026, 10, 25),
        troubles=[],
    )


class Worker:
    """Counts how often the work of a run is done."""

    def __init__(self, *, gate: asyncio.Event | None = None) -> None:
        self.done = 0
        self.begun = asyncio.Event()
        self._gate = gate

    async def __call__(self, _run: CatalogRun) -> State[RunReport]:
        """Do it, once the gate is open."""
        self.begun.set()
        if self._gate is not None:
            await self._gate.wait()
        self.done += 1
        return Completed(data=report_of(f"run-{self.done}", now()))


async def fails(run: CatalogRun) -> State[RunReport]:
    """Work that can't begin."""
    raise CatalogError("there is no catalog")


async def is_held(run: CatalogRun) -> State[RunReport]:
    """Work that ends without its pictures."""
    return Failed(name="Held", message="the canary failed")


async def test_a_date_that_is_done_is_done_once(tmp_path: Path) -> None:
    """The second start ends at once, as completed, with the report of the first."""
    worker = Worker()
    await one_per_date(night_of(tmp_path), worker)
    again = await one_per_date(night_of(tmp_path), worker)

    assert 1 == worker.done
    assert "Done already" == again.name
    assert again.message is not None
    assert "2026-10-25: done already: 1 of 1 items delivered; credits: 2 Claid (run run-1, report " in again.message
    assert isinstance(again.data, RunReport)
    assert ("run-1", True) == (again.data.run_id, again.data.done_already)


@pytest.mark.parametrize(
    "asked", [{"again": True}, {"retry": ["failed"]}, {"selection": {"force": True}}], ids=["again", "retry", "force"]
)
async def test_a_person_may_ask_for_a_done_date_once_more(tmp_path: Path, asked: dict[str, Any]) -> None:
    """In so many words."""
    worker = Worker()
    await one_per_date(night_of(tmp_path), worker)
    await one_per_date(night_of(tmp_path, **asked), worker)

    assert 2 == worker.done


@pytest.mark.parametrize("first", [fails, is_held])
async def test_a_date_that_failed_is_not_done(tmp_path: Path, first: Work) -> None:
    """The next start does it, without waiting."""
    worker = Worker()
    with suppress(CatalogError):
        await one_per_date(night_of(tmp_path), first)
    await one_per_date(night_of(tmp_path), worker)

    assert 1 == worker.done


async def test_other_dates_and_requests_are_nights_of_their_own(tmp_path: Path) -> None:
    """So are runs without a date, each of which is done."""
    worker = Worker()
    for fields in ({}, {"business_date": "2026-10-26"}, {"recipe": "preset-model"}, {"selection": {"limit": 2}}):
        await one_per_date(night_of(tmp_path, **fields), worker)
    for _ in range(2):
        await one_per_date(night_of(tmp_path, business_date=None), worker)

    assert 6 == worker.done


async def test_a_cancelled_start_leaves_the_date_to_the_next(tmp_path: Path) -> None:
    """At once: what is told to stop says so."""
    stopped = Worker(gate=asyncio.Event())
    cancelled = asyncio.create_task(one_per_date(night_of(tmp_path), stopped))
    nights = Nights(ObjectStorage.from_uri(str(tmp_path)), date(2026, 10, 25), _asked(night_of(tmp_path)))
    await stopped.begun.wait()
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    left = await nights.latest()
    worker = Worker()
    await one_per_date(night_of(tmp_path), worker)

    assert left is not None
    assert NightState.LEFT == left.state
    assert 1 == worker.done


async def test_a_second_start_stands_back_from_a_living_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says which run is at work, and sends nothing."""
    monkeypatch.setattr("flows.night.BEAT_SECONDS", 0.05)
    monkeypatch.setattr("flows.night.LOOK_SECONDS", 0.05)
    gate = asyncio.Event()
    worker = Worker(gate=gate)
    first = asyncio.create_task(one_per_date(night_of(tmp_path), worker))
    await worker.begun.wait()

    with pytest.raises(UnderWay, match=r"2026-10-25 is being worked on by a run on .* Nothing was sent"):
        await one_per_date(night_of(tmp_path), worker)
    gate.set()
    await first

    assert 1 == worker.done


async def test_a_silent_start_is_taken_over_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many that find it dead one does the work; the others stand back from that one, or find it done."""
    monkeypatch.setattr("flows.night.BEAT_SECONDS", 0.05)
    monkeypatch.setattr("flows.night.LOOK_SECONDS", 0.05)
    run = night_of(tmp_path)
    storage = ObjectStorage.from_uri(str(tmp_path))
    nights = Nights(storage, date(2026, 10, 25), _asked(run))
    dead = await nights.begin(None, "a run that was killed")
    assert dead is not None
    old = dead.model_copy(update={"beat_at": now() - SILENCE - timedelta(seconds=1)})
    await storage.write(nights._path(1), old.model_dump_json().encode(), content_type="application/json")
    worker = Worker()

    await asyncio.gather(*(one_per_date(run, worker) for _ in range(10)), return_exceptions=True)

    assert 1 == worker.done


async def test_a_clock_that_is_ahead_keeps_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What shows no new sign of life for so long is dead by the watcher's own clock."""
    monkeypatch.setattr("flows.night.SILENCE", timedelta(seconds=0.3))
    monkeypatch.setattr("flows.night.LOOK_SECONDS", 0.05)
    run = night_of(tmp_path)
    storage = ObjectStorage.from_uri(str(tmp_path))
    nights = Nights(storage, date(2026, 10, 25), _asked(run))
    dead = await nights.begin(None, "a machine of tomorrow")
    assert dead is not None
    ahead = dead.model_copy(update={"beat_at": now() + timedelta(days=1)})
    await storage.write(nights._path(1), ahead.model_dump_json().encode(), content_type="application/json")
    worker = Worker()
    await one_per_date(run, worker)

    assert 1 == worker.done


def _asked(run: CatalogRun) -> str:
    return run.model_dump_json(include=REQUEST)
