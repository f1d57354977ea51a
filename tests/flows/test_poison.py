"""A catalog with unusable pictures in it: the others arrive, each poison row says why, and nothing is paid for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Generator, Iterable

import pytest

from benchmarks.poison import ODD, POISON, PoisonedCatalog, poisoned_catalog, recipe_text
from blocks.transport import close_client
from catalogs.manifest import ManifestRow
from catalogs.plan import PlannedItem
from flows.items import do_stage, each_of, take_through
from sandbox.server import running_sandbox
from sandbox.settings import SandboxSettings
from tests.flows.bench import desk, planned
from tests.flows.vendors import Vendors

ONE_IN = 4
STAGES = 3
CAUSES = {
    "truncated": "image file is truncated",
    "empty": "is empty (0 bytes)",
    "html": "is a web page (HTML), not a picture",
    "bomb": "has 12000 x 12000 pixels",
    "pixel": "has 1 x 1 pixels, too few to show anything",
    "missing": "there is no picture at",
    "absent": "can't be fetched: HTTP 404",
}


@pytest.fixture(scope="module")
def vendors() -> Generator[Vendors]:
    """Vendors with quick jobs and small pictures."""
    with running_sandbox(SandboxSettings(job_seconds=0.05, limits="off", picture_size=200)) as sandbox:
        yield Vendors(sandbox.url)


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory, vendors: Vendors) -> PoisonedCatalog:
    """Every kind of poison, and every odd picture that can be used, among plain ones."""
    folder = tmp_path_factory.mktemp("poisoned")
    absent = f"{vendors.url}/garments/absent.jpg"
    return poisoned_catalog(folder, ONE_IN * len(POISON), absent_url=absent, one_in=ONE_IN)


@pytest.fixture(scope="module")
def rows(poisoned: PoisonedCatalog, vendors: Vendors, tmp_path_factory: pytest.TempPathFactory) -> list[ManifestRow]:
    """What became of every unit."""
    output = str(tmp_path_factory.mktemp("output"))
    return asyncio.run(_worked_through(planned(poisoned.path, recipe_text()), vendors, output))


async def _worked_through(items: Iterable[PlannedItem], vendors: Vendors, output: str) -> list[ManifestRow]:
    at = desk(vendors, output)
    rows: list[ManifestRow] = []

    async def one(item: PlannedItem) -> None:
        rows.extend(await take_through(at, item, do_stage))

    await each_of(items, one, at_once=50)
    await close_client()
    return rows


def test_poison_costs_its_own_row_and_nothing_else(
    poisoned: PoisonedCatalog, vendors: Vendors, rows: list[ManifestRow]
) -> None:
    """Usable rows arrive whole, odd ones among them; poison rows name their own cause and are charged nothing."""
    whole = {row.sku for row in rows if row.status == "done" and row.position == STAGES - 1}
    told = {row.sku: row for row in rows if row.sku in poisoned.poison and row.position == 0}
    charged = Counter(charge["operation"] for charge in vendors.charges())

    assert set(ODD) == set(poisoned.odd.values())
    assert {row.sku for row in rows} - set(poisoned.poison) == whole
    assert set(CAUSES) == set(poisoned.poison.values())
    for sku, kind in poisoned.poison.items():
        assert ("failed", 0.0, None) == (told[sku].status, told[sku].credits, told[sku].attempt)
        assert CAUSES[kind] in (told[sku].error_message or "")
        assert f"SKU '{sku}'" in (told[sku].error_message or "")
    assert {len(whole)} == set(charged.values())


def test_what_follows_a_poison_picture_is_blocked(poisoned: PoisonedCatalog, rows: list[ManifestRow]) -> None:
    """The later stages of a poison row are not tried, and say which stage stopped them."""
    later = [row for row in rows if row.sku in poisoned.poison and row.position]

    assert 2 * len(poisoned.poison) == len(later)
    assert {("blocked", "stage 'model' is failed")} == {(row.status, row.reason) for row in later}
