"""Units that several items share: made, paid and told once, by all of the items that have them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest
from prefect.logging import disable_run_logger

from blocks.errors import Unavailable
from catalogs.ledger import Attempt, AttemptState
from catalogs.manifest import ManifestRow
from catalogs.plan import PlannedItem, Unit
from flows.items import do_stage, each_of, take_through
from flows.sharing import SharedUnits
from tests.catalogs.made import a_unit, an_attempt, key_of
from tests.flows.bench import ON_MODEL, catalog, desk, planned
from tests.flows.vendors import Vendors

pytestmark = pytest.mark.usefixtures("closed_client")

LOOKS = """
looks:
  - {name: studio, columns: {color: white}}
  - {name: beach, columns: {color: golden}}
  - {name: warm, options: {model: {background: a warm wall}}}
"""


@pytest.fixture(scope="module")
def job_seconds() -> float:
    """Long enough for items to meet at a unit."""
    return 0.3


@pytest.fixture(autouse=True)
def _no_flow_run() -> Generator[None]:
    with disable_run_logger():
        yield


def shared_by(items: list[PlannedItem]) -> SharedUnits:
    """What the items share, each of them taken up."""
    units = (unit for item in items for unit in item.units)
    shared = SharedUnits(Counter(unit.unit_key for unit in units if unit.left_out is None))
    assert items == list(shared.noted(items))
    return shared


def item(sku: str, key: str, look: str | None = None) -> PlannedItem:
    """An item of one unit."""
    return PlannedItem(sku, (a_unit(sku=sku, look=look, unit_key=key_of(key)),))


async def test_the_first_to_come_works_for_all_under_the_name_of_the_first_in_the_plan() -> None:
    """Whichever item that is; what nobody shares is worked on under its own."""
    items = [item("A", "same", "x"), item("A", "same", "y"), item("B", "same"), item("C", "own")]
    shared, worked = shared_by(items), list[str]()

    async def work(unit: Unit) -> Attempt:
        worked.append(unit.item)
        await asyncio.sleep(0)
        return an_attempt(unit, state=AttemptState.DONE)

    ends = await asyncio.gather(*(shared.once(items[place].units[0], work) for place in (3, 2, 0)))
    late = await shared.once(items[1].units[0], work)

    assert ["C", "A (x)"] == worked
    assert ["C", "A", "A", "A"] == [end.sku for end in (*ends, late)]


async def test_of_units_that_have_all_come_nothing_is_kept() -> None:
    """Of twenty thousand items that share in pairs no more is in memory than of those under way."""
    shared = shared_by([item(f"{look}{number}", str(number)) for number in range(100) for look in "xy"])

    async def work(unit: Unit) -> Attempt:
        return an_attempt(unit, state=AttemptState.DONE)

    for number in range(100):
        for look in "xy":
            await shared.once(item(f"{look}{number}", str(number)).units[0], work)

    assert [{}, {}, {}] == [getattr(shared, name) for name in ("_to_come", "_first", "_ended")]


async def test_what_kept_a_shared_unit_from_its_end_is_each_items_own_error() -> None:
    """So that each row names itself."""
    items = [item("A", "same"), item("B", "same")]
    shared = shared_by(items)

    async def work(_: Unit) -> Attempt:
        await asyncio.sleep(0)
        raise Unavailable("down", vendor="Claid")

    errors = await asyncio.gather(*(shared.once(one.units[0], work) for one in items), return_exceptions=True)
    told = [
        str(error.at(sku=one.sku)) for error, one in zip(errors, items, strict=True) if isinstance(error, Unavailable)
    ]

    assert ["SKU 'A': down.", "SKU 'B': down."] == told


async def test_a_worker_that_is_cancelled_leaves_nobody_waiting() -> None:
    """Those that wait for it are cancelled with it."""
    items = [item("A", "same"), item("B", "same")]
    shared = shared_by(items)

    async def work(_: Unit) -> Attempt:
        await asyncio.Event().wait()
        raise AssertionError

    first, second = (asyncio.create_task(shared.once(one.units[0], work)) for one in items)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()

    ends = await asyncio.wait_for(asyncio.gather(first, second, return_exceptions=True), 10)
    assert [True, True] == [isinstance(end, asyncio.CancelledError) for end in ends]


@pytest.mark.parametrize("at_once", [1, 9])
async def test_three_skus_in_three_looks_are_charged_as_their_distinct_units(
    vendors: Vendors, tmp_path: Path, at_once: int
) -> None:
    """Two looks share model and refine; sums over the rows are the bill, and a second run finds all of it."""
    items = planned(
        catalog(tmp_path / "catalog", 3, sku=["A", "B", "C"], top_garment=[f"garment-{n}.png" for n in range(3)]),
        ON_MODEL + LOOKS,
    )
    rows = await work(vendors, items, str(tmp_path / "out"), at_once=at_once)
    again = await work(vendors, items, str(tmp_path / "out"), at_once=9, run_id="run-2")
    charges = vendors.charges()
    keys = {unit.unit_key for one in items for unit in one.units}
    files = [path.relative_to(tmp_path / "out/pictures") for path in sorted((tmp_path / "out/pictures").rglob("*.*"))]

    assert {"done"} == {row.status for row in (*rows, *again)}
    assert 21 == len(keys) == len(charges) == len(files) < len(rows) == 27
    assert (
        sum(charge["credits"] for charge in charges)
        == sum(row.credits for row in rows)
        == sum(row.credits for row in again)
    )
    assert [
        "beach-scene",
        "studio-model",
        "studio-refine",
        "studio-scene",
        "warm-model",
        "warm-refine",
        "warm-scene",
    ] == [file.name.rsplit("-", 2)[0] for file in files if file.parts[0] == "A"]
    shared = {row.look: row for row in rows if (row.sku, row.stage) == ("A", "refine")}
    assert (shared["studio"].pictures, 0.0) == (shared["beach"].pictures, shared["beach"].credits)
    assert "new, shared with A (studio) of on-model" == shared["beach"].reason
    assert "by run run-1, shared with A (studio) of on-model" in {row.reason for row in again}


async def work(
    vendors: Vendors, items: list[PlannedItem], output: str, *, at_once: int, run_id: str = "run-1"
) -> list[ManifestRow]:
    """All items through their stages, as a shard does it."""
    at = desk(vendors, output, run_id=run_id)
    at.ledger_begun = run_id != "run-1"
    at.shared = shared_by(items)
    rows: dict[str, list[ManifestRow]] = {}

    async def one(item: PlannedItem) -> None:
        rows[item.name] = await take_through(at, item, do_stage)

    await each_of(items, one, at_once=at_once)
    await at.ledger.close()
    return [row for item in items for row in rows[item.name]]
