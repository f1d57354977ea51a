"""Rescue: what a killed run paid for is fetched, and nothing is submitted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from blocks.errors import Unavailable
from blocks.storage import ObjectStorage
from catalogs.layout import plan_path
from catalogs.ledger import AttemptState, Ledger
from catalogs.plan import PlannedItem
from catalogs.plan_file import PlanWriter
from catalogs.runs import Runs, Window
from flows.desk import Desk
from flows.items import do_stage
from flows.parameters import Accounts
from flows.rescue import rescue
from flows.tasks import _all_through
from flows.unit import finish_unit
from tests.flows.bench import KINDS, catalog, desk, planned
from tests.flows.vendors import Vendors

pytestmark = pytest.mark.usefixtures("closed_client")


@pytest.fixture(scope="module")
def job_seconds() -> float:
    """Long enough for a run to die in the meantime."""
    return 0.3


@pytest.fixture(autouse=True)
def _accounts(vendors: Vendors, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in KINDS:
        monkeypatch.setenv(f"{kind.env_prefix}_API_KEY", "test")
        monkeypatch.setenv(f"{kind.env_prefix}_BASE_URL", vendors.url)
        monkeypatch.setenv(f"{kind.env_prefix}_POLL_SECONDS", "0.05")


async def begun_run(items: list[PlannedItem], folder: Path) -> ObjectStorage:
    """The output of a run that has its plan."""
    storage = ObjectStorage.from_uri(str(folder / "output"))
    with PlanWriter(folder / "plan.parquet", shard_items=1000) as writer:
        for item in items:
            writer.add(item)
    await storage.upload(plan_path("run-1"), folder / "plan.parquet", content_type="application/octet-stream")
    await Runs(storage).begin("run-1", "asked")
    return storage


async def is_submitted(at: Desk, item: PlannedItem) -> bool:
    """Whether the ledger has the id of its job."""
    attempt = await at.ledger.latest(item.units[0].unit_key)
    return attempt is not None and attempt.state is AttemptState.SUBMITTED


async def killed_run(vendors: Vendors, items: list[PlannedItem], folder: Path, submitted: int) -> ObjectStorage:
    """A run of which the first so many items were submitted when it died."""
    storage = await begun_run(items, folder)
    at = desk(vendors, storage.root, job=0.01)
    vendors.misbehave("slow_headers", operation="claid.edit", phase="poll", seconds=30)
    dying = [asyncio.create_task(finish_unit(at, item.units[0], None)) for item in items[:submitted]]
    async with asyncio.timeout(60):
        while not all([await is_submitted(at, item) for item in items[:submitted]]):
            await asyncio.sleep(0.02)
    for task in dying:
        task.cancel()
    await asyncio.gather(*dying, return_exceptions=True)
    vendors.behave()
    return storage


async def test_paid_jobs_of_a_killed_run_are_fetched_and_nothing_is_submitted(vendors: Vendors, tmp_path: Path) -> None:
    """Five of eight items had been submitted: five pictures come home, and the vendor is asked for no sixth."""
    items = planned(catalog(tmp_path / "catalog", 8))
    storage = await killed_run(vendors, items, tmp_path, 5)

    rescued = await rescue(storage.root, Accounts())

    assert (5, 5, 0) == (rescued.found, rescued.fetched, rescued.failed)
    assert 5 == len(vendors.charges())
    states = [await Ledger(storage).latest(item.units[0].unit_key) for item in items]
    assert [AttemptState.DONE] * 5 + [None] * 3 == [attempt.state if attempt else None for attempt in states]


async def test_a_job_that_items_share_is_fetched_once(vendors: Vendors, tmp_path: Path) -> None:
    """All of them lead to it."""
    (item,) = planned(catalog(tmp_path / "catalog", 1))
    looks = [PlannedItem(item.sku, (replace(item.units[0], look=look),)) for look in ("studio", "beach")]
    storage = await killed_run(vendors, looks, tmp_path, 1)

    rescued = await rescue(storage.root, Accounts())

    assert (1, 1, 1) == (rescued.found, rescued.fetched, len(vendors.charges()))


async def test_a_rescue_begins_at_the_first_open_item(vendors: Vendors, tmp_path: Path) -> None:
    """What the window says has ended is not looked at again."""
    items = planned(catalog(tmp_path / "catalog", 6))
    storage = await killed_run(vendors, items, tmp_path, 4)
    await Runs(storage).keep_window("run-1", 0, Window(first_open=2, begun=4))

    rescued = await rescue(storage.root, Accounts())

    assert 2 == rescued.fetched


async def test_a_job_that_still_runs_is_named_and_left(
    vendors: Vendors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays submitted for the next rescue."""
    monkeypatch.setenv("CLAID_TIMEOUTS", '{"job": 0.2}')
    vendors.misbehave("job_never_ends", times=1)
    items = planned(catalog(tmp_path / "catalog", 1))
    storage = await begun_run(items, tmp_path)
    with pytest.raises(Unavailable):
        await finish_unit(desk(vendors, storage.root, job=0.1), items[0].units[0], None)

    rescued = await rescue(storage.root, Accounts())

    assert (1, 0, 0) == (rescued.found, rescued.fetched, rescued.failed)
    assert "SKU-0" in rescued.troubles[0]


async def test_jobs_that_a_run_gave_up_before_it_was_killed_are_found(vendors: Vendors, tmp_path: Path) -> None:
    """Their items had ended, and a rescue looks at them all the same."""
    items = planned(catalog(tmp_path / "catalog", 3))
    storage = await begun_run(items, tmp_path)
    at = desk(vendors, storage.root, job=0.01)

    given_up = await _all_through(at, items, do_stage, at_once=3)
    await Runs(storage).keep_window("run-1", 0, at.open_items.window())
    rescued = await rescue(storage.root, Accounts())

    assert ["failed"] * 3 == [row.status for row in given_up]
    assert Window(first_open=0, begun=3) == at.open_items.window()
    assert (3, 3, 0) == (rescued.found, rescued.fetched, rescued.failed)
    assert 3 == len(vendors.charges())


async def test_without_unended_runs_there_is_nothing_to_do(vendors: Vendors, tmp_path: Path) -> None:
    """The usual night."""
    rescued = await rescue(str(tmp_path / "output"), Accounts())

    assert "no paid job waits to be fetched" == rescued.words()
    assert {} == vendors.requests()
