"""The plan of a retry: what is repeated, what waited for it, and what stays."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from blocks.errors import CatalogError, StorageError
from blocks.storage import ObjectStorage
from catalogs.layout import MANIFEST_PATH, plan_path
from catalogs.manifest import ManifestWriter
from catalogs.plan import PlannedItem
from catalogs.plan_file import PlanWriter, read_shard
from flows.parameters import Retry, RetryRun
from flows.pricing import PricedPlan
from flows.retry import plan_retry
from tests.catalogs.made import a_row, a_unit

STAGES = ("model", "refine", "scene")
OPERATIONS = ("claid.fashion_models", "ailabtools.try_on_refiner", "claid.scene")


def item(sku: str, *reasons: str) -> PlannedItem:
    """An item of three stages as run-1 planned it; a unit's key is its SKU and stage."""
    units = (
        a_unit(sku=sku, stage=stage, operation=operation, position=position, unit_key=f"{sku}-{stage}", reason=reason)
        for position, (stage, operation, reason) in enumerate(zip(STAGES, OPERATIONS, reasons, strict=True))
    )
    return PlannedItem(sku, tuple(units))


async def output(folder: Path, items: Iterable[PlannedItem], statuses: dict[str, str]) -> str:
    """An output whose manifest has these statuses by unit key."""
    storage = ObjectStorage.from_uri(str(folder / "output"))
    with PlanWriter(folder / "plan.parquet", shard_items=100) as writer:
        for planned in items:
            writer.add(planned)
    await storage.upload(plan_path("run-1"), folder / "plan.parquet", content_type="application/octet-stream")
    with ManifestWriter(folder / "manifest.parquet") as manifest:
        for row, (key, status) in enumerate(statuses.items()):
            sku, stage = key.split("-")
            empty: dict[str, Any] = {} if status == "done" else {"pictures": ()}
            manifest.add([a_row(row=row, sku=sku, stage=stage, status=status, unit_key=key, run_id="run-1", **empty)])
    await storage.upload(MANIFEST_PATH, folder / "manifest.parquet", content_type="application/octet-stream")
    return storage.root


def units(plan: PricedPlan) -> dict[str, int]:
    """The units that will be paid for, by stage."""
    return {stage.stage: stage.units for stage in plan.quote.stages if stage.units}


async def test_what_was_made_stays_and_what_waited_is_done(tmp_path: Path) -> None:
    """Also where the earlier run was forced: what it made is not made a second time."""
    planned = [item("A", "forced", "forced", "forced"), item("B", "new", "new", "new"), item("C", "new", "new", "new")]
    statuses = {"A-model": "done", "A-refine": "failed", "A-scene": "blocked", "B-model": "unknown", "C-model": "done"}
    root = await output(tmp_path, planned, statuses)

    plan = await plan_retry(RetryRun(output=root, kinds=[Retry.FAILED]), "run-2", tmp_path)
    both = await plan_retry(RetryRun(output=root, kinds=[Retry.FAILED, Retry.UNKNOWN]), "run-2", tmp_path)
    items = {found.sku: [unit.reason for unit in found.units] for found in read_shard(both.path, 0)}

    assert (1, {"refine": 1, "scene": 1}) == (plan.quote.items, units(plan))
    assert (2, {"model": 1, "refine": 2, "scene": 2}) == (both.quote.items, units(both))
    assert {"A": ["done", "failed before", "forced"], "B": ["unknown before", "new", "new"]} == items
    assert ["AILabTools", "Claid"] == [account.vendor for account in both.quote.accounts]


async def test_nothing_to_repeat_is_an_error(tmp_path: Path) -> None:
    """The person looks for something that is not there, or in the wrong place."""
    root = await output(tmp_path, [item("A", "new", "new", "new")], {"A-model": "done"})

    with pytest.raises(CatalogError, match="has no unit that is failed"):
        await plan_retry(RetryRun(output=root, kinds=[Retry.FAILED]), "run-2", tmp_path)
    with pytest.raises(StorageError, match="there is no manifest at"):
        await plan_retry(RetryRun(output=f"{tmp_path}/elsewhere", kinds=[Retry.FAILED]), "run-2", tmp_path)
