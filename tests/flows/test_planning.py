"""From catalog and recipe to a plan on disk, with what it would cost, before anything is paid."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from blocks.errors import AuthFailed, CatalogError, RecipeError, StorageError
from blocks.storage import ObjectStorage
from catalogs.layout import MANIFEST_PATH
from catalogs.manifest import ManifestRow, read_rows
from catalogs.mapping import CatalogSource
from catalogs.picture_versions import PICTURE_VERSIONS_PATH
from catalogs.plan import Selection
from catalogs.plan_file import read_shard
from flows import planning
from flows.parameters import CatalogRun
from flows.planning import RunPlan, check_run, make_plan
from tests.catalogs.made import a_row, manifest_of
from tests.flows.bench import EDIT_ONLY, ON_MODEL, as_recipe, catalog

VENDORS = ("CLAID", "VMAKE", "AILABTOOLS")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a plan is written."""
    (tmp_path / "plan").mkdir()
    return tmp_path / "plan"


def a_run(catalog_path: Path, output: Path, recipe: str = ON_MODEL, **fields: Any) -> CatalogRun:
    """A run of the catalog into the output."""
    return CatalogRun(
        catalog=CatalogSource(uri=str(catalog_path)), recipe=as_recipe(recipe), output=str(output), **fields
    )


def keys(plan: RunPlan) -> list[str]:
    """Unit keys in plan order."""
    return [
        unit.unit_key for shard in range(plan.shards) for item in read_shard(plan.path, shard) for unit in item.units
    ]


def units(plan: RunPlan) -> dict[str, int]:
    """The units that will be paid for, by stage."""
    return {stage.stage: stage.units for stage in plan.quote.stages if stage.units}


def prices(plan: RunPlan) -> dict[str, float]:
    """What they cost, by vendor."""
    return {account.vendor: account.credits for account in plan.quote.accounts}


async def test_a_plan_says_what_will_be_done_and_what_it_costs(tmp_path: Path, folder: Path) -> None:
    """Units by stage and credits by vendor."""
    plan = await make_plan(a_run(catalog(tmp_path, 3), tmp_path / "output"), "run-1", folder)

    assert (3, 0, 0) == (plan.quote.items, plan.quote.finished_items, plan.quote.rejected_rows)
    assert {"model": 3, "refine": 3, "scene": 3} == units(plan)
    assert {"Claid": 9.0, "AILabTools": 90.0} == prices(plan)
    assert 9 == len(set(keys(plan)))


async def test_planning_twice_gives_the_same_keys(tmp_path: Path, folder: Path) -> None:
    """A unit's key is known without a call, so the next night finds what this one paid."""
    run = a_run(catalog(tmp_path, 3), tmp_path / "output")

    first = keys(await make_plan(run, "run-1", folder))
    second = keys(await make_plan(run, "run-2", folder))

    assert first == second


def rows_of(plan: RunPlan, **fields: Any) -> list[ManifestRow]:
    """The manifest's rows once a plan is done."""
    units = [unit for shard in range(plan.shards) for item in read_shard(plan.path, shard) for unit in item.units]
    names = ("recipe", "row", "sku", "stage", "position", "operation", "unit_key", "options", "fingerprint")
    return [
        a_row(**{name: getattr(unit, name) for name in names} | {"inputs": json.dumps(unit.inputs)} | fields)
        for unit in units
    ]


async def keep(rows: list[ManifestRow], output: Path, folder: Path) -> None:
    """Make these rows the output's manifest."""
    storage = ObjectStorage.from_uri(str(output))
    await storage.upload(MANIFEST_PATH, manifest_of(rows, folder / "kept.parquet"), content_type="")


async def test_what_the_manifest_holds_is_not_planned_again(tmp_path: Path, folder: Path) -> None:
    """An item with all its pictures is left out; one that lacks a stage is planned whole, and priced for the rest."""
    run = a_run(catalog(tmp_path, 2), tmp_path / "output")
    plan = await make_plan(run, "run-1", folder)
    first, rows = keys(plan), rows_of(plan)
    await keep([*rows[:4], *rows[5:]], tmp_path / "output", folder)

    plan = await make_plan(run, "run-2", folder)

    assert (1, 1) == (plan.quote.items, plan.quote.finished_items)
    assert {"refine": 1} == units(plan)
    assert {"model": {"done": 1}, "refine": {"new": 1}, "scene": {"done": 1}} == {
        stage.stage: stage.reasons for stage in plan.quote.stages
    }
    assert first[3:] == keys(plan)


@pytest.mark.parametrize(
    ("retry", "to_pay", "credits_", "left_out"),
    [
        ([], 0, {}, [None, "waits for a retry", "blocked"]),
        (["failed"], 2, {"AILabTools": 30, "Claid": 1}, [None, None, None]),
    ],
)
async def test_what_waits_for_a_retry_is_priced_when_it_is_asked_for(
    retry: list[str],
    to_pay: int,
    credits_: dict[str, float],
    left_out: list[str | None],
    tmp_path: Path,
    folder: Path,
) -> None:
    """With what follows it; otherwise both are planned and cost nothing."""
    path = catalog(tmp_path, 1)
    rows = rows_of(await make_plan(a_run(path, tmp_path / "output"), "run-1", folder))
    failed = dataclasses.replace(rows[1], status="failed", pictures=())
    blocked = dataclasses.replace(rows[2], status="blocked", pictures=(), attempt=None)
    await keep([rows[0], failed, blocked], tmp_path / "output", folder)

    plan = await make_plan(a_run(path, tmp_path / "output", retry=retry), "run-2", folder)

    assert ["done", "failed before", "new"] == pq.read_table(plan.path)["reason"].to_pylist()
    assert left_out == pq.read_table(plan.path)["left_out"].to_pylist()
    assert (to_pay, credits_) == (plan.quote.units, prices(plan))


@pytest.mark.parametrize("retire", [False, True])
async def test_skus_that_left_the_catalog_are_told_and_retired_on_request(
    retire: bool, tmp_path: Path, folder: Path
) -> None:
    """Not when only a part of the catalog was asked for."""
    await keep(
        rows_of(await make_plan(a_run(catalog(tmp_path, 3), tmp_path / "output"), "run-1", folder)),
        tmp_path / "output",
        folder,
    )
    run = a_run(catalog(tmp_path, 2), tmp_path / "output", retire=retire)

    plan = await make_plan(run, "run-2", folder)
    some = await make_plan(run.model_copy(update={"selection": Selection(limit=1)}), "run-3", folder)

    assert (["SKU-2"], 2, []) == (plan.quote.first_gone, plan.quote.finished_items, some.quote.first_gone)
    assert retire == (plan.upkeep is not None)


async def test_a_photo_replaced_behind_its_address_is_seen_when_asked_for(tmp_path: Path, folder: Path) -> None:
    """The first look changes no key; the next one that finds another picture does, and so it stays."""
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"first")
    path = catalog(tmp_path, 1, product_image=[str(photo)])
    run = a_run(path, tmp_path / "output", EDIT_ONLY, check_pictures=True)
    plain = keys(await make_plan(run.model_copy(update={"check_pictures": False}), "run-0", folder))
    storage = ObjectStorage.from_uri(str(tmp_path / "output"))

    first = await make_plan(run, "run-1", folder)
    assert plain == keys(first)
    assert first.versions_path is not None
    await storage.upload(PICTURE_VERSIONS_PATH, first.versions_path, content_type="")
    same = await make_plan(run, "run-2", folder)
    photo.write_bytes(b"second one")
    second = await make_plan(run, "run-3", folder)
    assert second.versions_path is not None
    await storage.upload(PICTURE_VERSIONS_PATH, second.versions_path, content_type="")
    later = await make_plan(run.model_copy(update={"check_pictures": False}), "run-4", folder)

    assert same.versions_path is None
    assert (0, 1) == (same.versions.changed, second.versions.changed)
    assert keys(later) != plain


async def test_rows_that_can_not_be_used_are_set_aside(tmp_path: Path, folder: Path) -> None:
    """The others are planned, and each reject leaves a row a stage."""
    path = catalog(tmp_path, 4, sku=["A", None, "C", "A"])

    plan = await make_plan(a_run(path, tmp_path / "output"), "run-1", folder)

    rejects = list(read_rows(plan.rejects))
    assert (2, 2, 2) == (plan.quote.items, plan.quote.rejected_rows, len(plan.quote.first_rejects))
    assert [(2, "quarantined")] * 3 + [(4, "quarantined")] * 3 == [(row["row"], row["status"]) for row in rejects]


async def test_many_items_become_several_shards(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each holds whole items, in catalog order."""
    monkeypatch.setattr(planning, "SHARD_ITEMS", 2)

    plan = await make_plan(a_run(catalog(tmp_path, 5), tmp_path / "output"), "run-1", folder)

    shards = [[item.sku for item in read_shard(plan.path, shard)] for shard in range(plan.shards)]
    assert [["SKU-0", "SKU-1"], ["SKU-2", "SKU-3"], ["SKU-4"]] == shards


async def test_a_selection_plans_no_more_than_was_asked_for(tmp_path: Path, folder: Path) -> None:
    """By SKU, or the first so many."""
    path = catalog(tmp_path, 5)

    by_sku = await make_plan(a_run(path, tmp_path, selection=Selection(skus=["SKU-3"])), "run-1", folder)
    first = await make_plan(a_run(path, tmp_path, selection=Selection(limit=2)), "run-2", folder)

    assert (1, 2) == (by_sku.quote.items, first.quote.items)
    with pytest.raises(CatalogError, match="no row with SKU 'SKU-9'"):
        await make_plan(a_run(path, tmp_path, selection=Selection(skus=["SKU-9"])), "run-3", folder)


async def test_a_recipe_that_does_not_fit_the_catalog_is_refused_before_anything_else(
    tmp_path: Path, folder: Path
) -> None:
    """A column that a prompt names and the catalog lacks would fail every row."""
    run = a_run(catalog(tmp_path, 1), tmp_path / "output", EDIT_ONLY.replace("{color}", "{colour}"))

    for planned in (make_plan(run, "run-1", folder), check_run(run)):
        with pytest.raises(RecipeError, match="colour"):
            await planned


async def test_a_missing_key_is_named_without_a_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within moments, with the variable to set; vendors that the recipe does not use are not asked for."""
    for vendor in VENDORS:
        monkeypatch.delenv(f"{vendor}_API_KEY", raising=False)
    run = a_run(catalog(tmp_path, 1), tmp_path / "output", EDIT_ONLY)

    with pytest.raises(AuthFailed, match="CLAID_API_KEY is not set"):
        await check_run(run)

    monkeypatch.setenv("CLAID_API_KEY", "key")
    await check_run(run)


async def test_a_manifest_that_can_not_be_read_stops_the_run(tmp_path: Path, folder: Path) -> None:
    """Without it everything would look new."""
    run = a_run(catalog(tmp_path, 1), tmp_path / "output")
    storage = ObjectStorage.from_uri(str(tmp_path / "output"))
    await storage.write(MANIFEST_PATH, b"not parquet", content_type="")

    with pytest.raises(StorageError, match="can't be read as a manifest"):
        await make_plan(run, "run-1", folder)


async def test_a_plan_keeps_signed_addresses_and_the_same_keys_when_they_are_signed_anew(
    tmp_path: Path, folder: Path
) -> None:
    """The shard that works it off needs them; tonight's signature makes no new picture."""
    plans = [
        await make_plan(a_run(_signed(tmp_path, signature), tmp_path / "output", EDIT_ONLY), signature, folder)
        for signature in ("first", "second")
    ]

    assert keys(plans[0]) == keys(plans[1])
    assert "X-Amz-Signature=second" in pq.read_table(plans[1].path)["inputs"][0].as_py()


def _signed(folder: Path, signature: str) -> Path:
    address = f"https://cdn.example/a.png?X-Amz-Signature={signature}"
    return catalog(folder, 1, product_image=[address])
