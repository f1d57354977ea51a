"""Items through their stages: many at a time, in order, and none at the cost of another."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from pathlib import Path

import pytest
from prefect.logging import disable_run_logger

from blocks.errors import CatalogError
from catalogs.ledger import StoredPicture
from catalogs.manifest import ManifestRow
from catalogs.plan import PlannedItem, Unit
from flows.desk import Desk
from flows.items import do_stage, each_of, take_through
from tests.catalogs.made import a_picture, a_row, a_unit
from tests.flows.bench import desk
from tests.flows.vendors import Vendors

STAGES = ("model", "refine", "scene")


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    """A desk whose vendors nobody asks."""
    return desk(Vendors("http://127.0.0.1:9"), str(tmp_path))


@pytest.fixture(autouse=True)
def _no_flow_run() -> Generator[None]:
    with disable_run_logger():
        yield


def item(sku: str = "A") -> PlannedItem:
    """An item of three stages."""
    units = (a_unit(sku=sku, stage=stage, position=position) for position, stage in enumerate(STAGES))
    return PlannedItem(sku, tuple(units))


async def test_each_stage_works_on_the_one_before(at: Desk) -> None:
    """The first has nothing before it; the picked picture is handed on."""
    given: list[str | None] = []

    async def work(_: Desk, unit: Unit, upstream: StoredPicture | None) -> ManifestRow:
        given.append(upstream.uri if upstream else None)
        return a_row(stage=unit.stage, pick=2, pictures=(a_picture("first"), a_picture(f"{unit.stage}'s pick")))

    rows = await take_through(at, item(), work)

    assert [None, "model's pick", "refine's pick"] == given
    assert list(STAGES) == [row.stage for row in rows]
    assert 3 == at.progress.ended


@pytest.mark.parametrize("status", ["failed", "unknown", "held"])
async def test_what_follows_a_stage_without_a_picture_is_blocked(at: Desk, status: str) -> None:
    """It is not tried, and its row names the stage that stopped it, however many there are between."""
    tried: list[str] = []

    async def work(_: Desk, unit: Unit, upstream: StoredPicture | None) -> ManifestRow:
        tried.append(unit.stage)
        return a_row(stage=unit.stage, status=status, pictures=())

    rows = await take_through(at, item(), work)

    assert ["model"] == tried
    assert [status, "blocked", "blocked"] == [row.status for row in rows]
    assert [f"stage 'model' is {status}"] * 2 == [row.reason for row in rows[1:]]


async def test_no_more_things_are_begun_than_may_be() -> None:
    """A stream of any length is drawn from as places become free."""
    working = most = drawn = 0

    def things() -> Generator[int]:
        nonlocal drawn
        for number in range(200):
            drawn += 1
            yield number

    async def work(_: int) -> None:
        nonlocal working, most
        working += 1
        most = max(most, working)
        assert drawn <= ended + 8
        await asyncio.sleep(0)
        working -= 1

    ended = 0

    async def counted(number: int) -> None:
        nonlocal ended
        await work(number)
        ended += 1

    await each_of(things(), counted, at_once=7)

    assert (7, 200) == (most, ended)


async def test_a_units_own_trouble_is_its_row(at: Desk, tmp_path: Path) -> None:
    """A picture that is not there raises nothing."""
    unit = a_unit(inputs={"top_garment": [f"file://{tmp_path}/none.png"]}, options="{}")

    row = await do_stage(at, unit, None)

    assert ("failed", "catalog_error") == (row.status, row.error_kind)
    assert "there is no picture at" in (row.error_message or "")


async def test_a_defect_met_by_one_row_costs_the_others_nothing(at: Desk, tmp_path: Path) -> None:
    """A unit that Catwalk itself breaks over becomes a failed row that says so, beside its neighbours."""
    broken = PlannedItem("broken", (a_unit(sku="broken", options="not json", inputs={}),))
    plain = PlannedItem("plain", (a_unit(sku="plain", options="{}", inputs={"top_garment": ["file:///none.png"]}),))
    rows: list[ManifestRow] = []

    async def one(item: PlannedItem) -> None:
        rows.extend(await take_through(at, item, do_stage))

    await each_of([broken, plain], one, at_once=2)

    told = {row.sku: row for row in rows}
    assert "a defect in Catwalk: ValidationError" in (told["broken"].error_message or "")
    assert CatalogError.kind() == told["plain"].error_kind
    assert {"failed"} == {row.status for row in rows}


async def test_a_defects_words_are_masked(at: Desk) -> None:
    """An exception may quote what it was given: an address with its signature, or a key."""
    signed = "https://cdn.example/a.png?X-Amz-Signature=KEEPSECRET"
    key = at.lanes["Claid"].account.api_key.get_secret_value()
    given = [f'{{"prompt": "{signed}", "x": 1}}', f'{{"{key}-option": 1}}', f'{{"api_key": "{"KEEPSECRET" * 3}"}}']

    rows = [await do_stage(at, a_unit(options=options, inputs={}), None) for options in given]

    told = [row.error_message or "" for row in rows]
    assert ["a defect in Catwalk" in words for words in told] == [True] * 3
    assert not [words for words in told if "KEEPSECRET" in words or f"{key}-option" in words]
