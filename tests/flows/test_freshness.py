"""Whether a plan is still what it would be now."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from blocks.storage import ObjectStorage
from catalogs.ledger import now
from catalogs.plan import Selection
from flows.freshness import StalePlan, check_fresh
from flows.planning import make_plan
from flows.stored_plan import StoredPlan, keep_plan
from tests.flows.bench import ON_MODEL, catalog
from tests.flows.test_planning import a_run, keep, rows_of


class Shop:
    """A catalog of four items, a recipe in a file, and an output with a plan."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "output"
        self.catalog = folder / "catalog"
        self.catalog.mkdir()
        (folder / "scratch").mkdir()
        shutil.move(catalog(folder, 4), self.catalog / "rows.parquet")
        for picture in folder.glob("*.png"):
            shutil.move(picture, self.catalog / picture.name)
        self.recipe = folder / "recipe.yaml"
        self.recipe.write_text(ON_MODEL)

    async def plan(self, plan_id: str = "p1", **asked: Any) -> StoredPlan:
        """Plan and keep it."""
        run = a_run(self.catalog, self.output, **asked).model_copy(update={"recipe": str(self.recipe)})
        made = await make_plan(run, plan_id, self.folder / "scratch")
        return await keep_plan(self.storage, run, plan_id, made, now())

    async def deliver(self, plan: StoredPlan, *skus: str) -> None:
        """Let the output's manifest have the pictures of these SKUs, as a run that finished leaves them."""
        run = plan.asked.model_copy(update={"max_credits": None})
        rows = rows_of(await make_plan(run, "other", self.folder / "scratch"))
        await keep([row for row in rows if row.sku in skus], self.output, self.folder)

    @property
    def storage(self) -> ObjectStorage:
        """The output."""
        return ObjectStorage.from_uri(str(self.output))

    def rewrite(self, change: Callable[[list[dict[str, Any]]], None], name: str = "rows.parquet") -> None:
        """Write the catalog's rows anew."""
        table = pq.read_table(self.catalog / "rows.parquet")
        rows = table.to_pylist()
        change(rows)
        pq.write_table(table.from_pylist(rows), self.catalog / name)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop of this test's own."""
    return Shop(tmp_path)


async def test_nothing_is_read_where_every_version_is_the_same(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cheap look is enough: the plan is applied as it is."""
    plan = await shop.plan()
    monkeypatch.setattr("flows.freshness.make_plan", None)

    assert plan == await check_fresh(plan, shop.storage, begun=False)


async def test_files_that_were_only_touched_or_cut_otherwise_leave_a_plan_fresh(shop: Shop) -> None:
    """Other times, names, order and partitions: the units are the same."""
    plan = await shop.plan()
    os.utime(shop.catalog / "rows.parquet", (0, 0))
    touched = await check_fresh(plan, shop.storage, begun=False)
    rows = pq.read_table(shop.catalog / "rows.parquet")
    (shop.catalog / "rows.parquet").unlink()
    for number in range(4):
        pq.write_table(rows.slice(3 - number, 1), shop.catalog / f"part-{number}.parquet")

    parted = await check_fresh(plan, shop.storage, begun=False)

    assert plan.files == touched.files == parted.files


async def test_a_row_that_changed_makes_a_plan_stale(shop: Shop) -> None:
    """The message says what, how many, which, and how to plan anew."""
    plan = await shop.plan()
    shop.rewrite(lambda rows: rows[2].update(color="red"))

    with pytest.raises(StalePlan) as stale:
        await check_fresh(plan, shop.storage, begun=False)

    assert "plan p1 is stale: since " in stale.value.what
    assert "the catalog's files changed, and 1 of its units stand otherwise now" in stale.value.what
    assert "SKU-2 scene: new -> new, of other pictures or options" in stale.value.what
    assert f"Plan anew: catwalk plan {shop.catalog} --output {shop.output}" in str(stale.value)


async def test_a_row_that_came_makes_a_plan_stale(shop: Shop) -> None:
    """The plan does not have it."""
    plan = await shop.plan()
    shop.rewrite(lambda rows: rows.append(rows[0] | {"sku": "SKU-9"}))

    with pytest.raises(StalePlan, match="SKU-9 model: not in the plan -> new"):
        await check_fresh(plan, shop.storage, begun=False)


async def test_a_recipe_that_changed_makes_a_plan_stale(shop: Shop) -> None:
    """Whatever it was called by; a mere comment in it does not."""
    plan = await shop.plan()
    shop.recipe.write_text("# For autumn.\n" + ON_MODEL)
    await check_fresh(plan, shop.storage, begun=False)
    shop.recipe.write_text(ON_MODEL.replace("wall", "terrace"))

    with pytest.raises(StalePlan, match=r"the recipe changed, and 4 of its units") as stale:
        await check_fresh(plan, shop.storage, begun=False)

    assert "4 units: new -> new, of other pictures or options" in stale.value.what


async def test_another_run_that_finished_makes_a_plan_stale(shop: Shop) -> None:
    """What it has done is not to be done again."""
    plan = await shop.plan()
    await shop.deliver(plan, "SKU-1")

    with pytest.raises(StalePlan, match="the output's manifest changed, and 3 of its units") as stale:
        await check_fresh(plan, shop.storage, begun=False)

    assert "SKU-1 model: new -> done" in stale.value.what


async def test_another_run_that_did_nothing_of_the_plan_leaves_it_fresh(shop: Shop) -> None:
    """A plan of one SKU, and a run of another."""
    plan = await shop.plan(selection=Selection(skus=["SKU-3"]))
    whole = plan.asked.model_copy(update={"selection": Selection()})
    await shop.deliver(plan.model_copy(update={"asked": whole}), "SKU-1")

    assert plan.files == (await check_fresh(plan, shop.storage, begun=False)).files


async def test_a_price_that_changed_makes_a_plan_stale(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its quote is no longer what will be charged."""
    plan = await shop.plan()
    monkeypatch.setenv("CLAID_PRICES", '{"fashion_models_picture": 2.5}')

    with pytest.raises(StalePlan, match=r"the prices changed(.|\n)*SKU-0 model: new -> new for 2.5 credits"):
        await check_fresh(plan, shop.storage, begun=False)


async def test_a_plan_that_died_midway_is_fresh_with_what_it_has_done(shop: Shop) -> None:
    """Killed after it had published; with a budget, whose next items it never meant to do."""
    plan = await shop.plan(max_credits=70)
    await shop.deliver(plan, "SKU-0", "SKU-1")

    await check_fresh(plan, shop.storage, begun=True)
    with pytest.raises(StalePlan):
        await check_fresh(plan, shop.storage, begun=False)
