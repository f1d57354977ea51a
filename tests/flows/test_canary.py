"""The canary: which items it takes, and what it makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from catalogs.plan import PlannedItem, Unit
from flows.canary import judge, picked
from flows.parameters import Canary

CANARY = Canary(items=3, most_seconds=60)


def item(sku: str, **reasons: str) -> PlannedItem:
    """An item with units at Claid, AILabTools and Claid again, with a reason each."""
    operations = {"model": "claid.fashion_models", "refine": "ailabtools.try_on_refiner", "scene": "claid.scene"}
    units = tuple(
        Unit(
            recipe="on-model",
            row=1,
            sku=sku,
            title=None,
            stage=stage,
            position=position,
            operation=operation,
            unit_key=f"{sku}-{stage}",
            options="{}",
            inputs={},
            gender=None,
            pick=1,
            credits=2,
            reason=reasons.get(stage, "new"),
        )
        for position, (stage, operation) in enumerate(operations.items())
    )
    return PlannedItem(sku, units)


def row(stage: str = "scene", **changed: Any) -> dict[str, Any]:
    """A row of a tried item that came through."""
    operations = {"model": "claid.fashion_models", "refine": "ailabtools.try_on_refiner", "scene": "claid.scene"}
    usual = {
        "sku": "SKU-1",
        "stage": stage,
        "operation": operations[stage],
        "status": "done",
        "seconds": 5.0,
        "credits": 2.0,
        "credits_at_risk": 0.0,
        "error_kind": None,
        "error_message": None,
    }
    return usual | changed


def failed(kind: str, stage: str = "scene", status: str = "failed") -> dict[str, Any]:
    """A row of a tried item that did not."""
    return row(stage, status=status, credits=0.0, seconds=None, error_kind=kind, error_message=f"said {kind}")


def test_every_vendor_gets_its_items() -> None:
    """The first ones that have something to do there; not one more than that takes."""
    done = {"model": "done", "refine": "done"}
    items = [item(f"SKU-{n}", **done) for n in range(5)] + [item(f"SKU-{n}") for n in range(5, 12)]

    assert ["SKU-0", "SKU-1", "SKU-2", "SKU-5", "SKU-6", "SKU-7"] == [each.sku for each in picked(iter(items), 3)]


def test_items_without_anything_to_do_are_no_canary() -> None:
    """A night without changes needs none."""
    done = {"model": "done", "refine": "done", "scene": "done"}

    assert [] == picked(iter([item("SKU-1", **done)]), 3)


def test_an_item_that_waits_for_a_retry_is_no_canary() -> None:
    """It would tell of the trouble of an earlier night, again and again; a retry makes it one."""
    items = [item("SKU-1", model="unknown before"), item("SKU-2", model="done", refine="failed before")]

    assert [] == picked(iter(items), 3)
    assert ["SKU-1"] == [each.sku for each in picked(iter(items), 3, ["unknown"])]


def test_what_comes_through_passes() -> None:
    """With the counts and the slowest by vendor."""
    verdict = judge([row("model"), row("refine", seconds=12.0), row("scene")], CANARY, {"AILabTools": 2.0})

    assert verdict.passed
    assert {"Claid": 2, "AILabTools": 1} == verdict.tried
    assert {"Claid": 5.0, "AILabTools": 12.0} == verdict.slowest
    assert "canary passed: 2 Claid, 1 AILabTools" == verdict.words()


@pytest.mark.parametrize(
    ("rows", "charged", "words"),
    [
        ([row(), row(), failed("contract_drift", status="held")], {}, "said contract_drift"),
        ([row(), row(), failed("auth_failed", status="held")], {}, "said auth_failed"),
        ([row(), row(), failed("quota_exhausted", status="held")], {}, "said quota_exhausted"),
        ([row(), failed("job_failed")], {}, "1 of 2 failed, first said job_failed"),
        ([failed("outcome_unknown", status="unknown")], {}, "1 of 1 failed"),
        ([row(), row(seconds=61.0)], {}, "SKU 'SKU-1' stage 'scene' took 61 s, longer than the canary's 60 s"),
        ([row(), row()], {"Claid": 5.0}, "its balance fell by 5 credits, where the price list has 4"),
    ],
)
def test_a_vendor_in_trouble_fails(rows: list[dict[str, Any]], charged: dict[str, float], words: str) -> None:
    """Schema, key, credits, failures, latency, price: the verdict names vendor and cause."""
    verdict = judge(rows, CANARY, charged)

    assert not verdict.passed
    assert verdict.faults["Claid"][0].startswith(words)
    assert "the canary failed, and 0 items are held: Claid: " in verdict.words()


@pytest.mark.parametrize(
    "rows",
    [
        [row(), row(), failed("job_failed")],
        [row(), failed("broken_picture"), failed("catalog_error")],
        [row(), failed("content_refused"), failed("content_refused")],
        [failed("broken_picture")],
        [row("model"), failed("", stage="refine", status="blocked")],
    ],
)
def test_an_item_s_own_trouble_does_not(rows: list[dict[str, Any]]) -> None:
    """A broken picture says nothing of a vendor, and one failure in three is an item's."""
    assert judge(rows, CANARY, {}).passed
