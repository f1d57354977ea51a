"""A plan in order, and cut, on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from catalogs.left_out import write_left_out
from catalogs.manifest import SCHEMA, read_rows
from catalogs.plan import PlannedItem
from catalogs.plan_file import PlanWriter, read_shard, shards_in
from catalogs.plan_order import LEFT_OUT_SHARD, Arranged, arrange
from catalogs.plan_sums import sums_of
from tests.catalogs.made import a_unit

STAGES = (("model", 2.0), ("refine", 30.0), ("scene", 1.0))
HELD = {"reason": "over", "error_kind": "budget_reached", "error_message": "It is over."}


def item(sku: str, priority: float | None = None, *reasons: str, **fields: Any) -> PlannedItem:
    """An item of three stages, all new unless it is said otherwise; its keys are its own."""
    units = (
        a_unit(
            **{"sku": sku, "row": ord(sku), "unit_key": f"{sku}-{stage}"} | fields.get(stage, {}),
            stage=stage,
            position=position,
            credits=credits_,
            priority=priority,
            reason=reason,
        )
        for position, ((stage, credits_), reason) in enumerate(zip(STAGES, reasons or ("new",) * 3, strict=True))
    )
    return PlannedItem(sku, tuple(units))


def arranged(folder: Path, items: list[PlannedItem], *, shard_items: int = 2, **asked: Any) -> Arranged:
    """The items, drafted and arranged."""
    with PlanWriter(folder / "draft.parquet", shard_items=shard_items) as writer:
        for planned in items:
            writer.add(planned)
    return arrange(folder / "draft.parquet", folder / "plan.parquet", shard_items=shard_items, **asked)


def order(plan: Arranged) -> list[list[str]]:
    """The SKUs of each shard."""
    assert len(shards_in(plan.path)) == plan.shards
    return [[found.sku for found in read_shard(plan.path, shard)] for shard in range(plan.shards)]


def left_out(plan: Arranged) -> dict[str, list[str | None]]:
    """By SKU, why each unit is left out."""
    found: dict[str, list[str | None]] = {}
    for row in pq.read_table(plan.path).to_pylist():
        found.setdefault(row["sku"], []).append(row["left_out"])
    return found


def test_the_higher_priority_comes_first_and_none_comes_last(tmp_path: Path) -> None:
    """Equal ones stay in the catalog's order."""
    items = [item("A"), item("B", 1), item("C", 7.5), item("D", -3), item("E", 1), item("F")]

    assert [["C", "B"], ["E", "D"], ["A", "F"]] == order(arranged(tmp_path, items))


@pytest.mark.parametrize("priority", [None, 5])
def test_a_plan_that_is_in_order_and_whole_is_left_as_it_is(tmp_path: Path, priority: float | None) -> None:
    """Nothing is written a second time."""
    plan = arranged(tmp_path, [item(sku, priority) for sku in "ABC"], max_credits=99)

    assert Arranged(tmp_path / "draft.parquet", 2) == plan
    assert [["A", "B"], ["C"]] == order(plan)


def test_a_budget_leaves_whole_items_first_then_parts(tmp_path: Path) -> None:
    """By priority; what is left out says so, stage by stage, and items that lose everything are in no shard."""
    items = [item("A"), item("B", 2), item("C", 3), item("D", 1)]
    plan = arranged(tmp_path, items, max_credits=68)
    sums = sums_of(plan.path)

    assert [["C", "B"], ["D"]] == order(plan)
    assert {
        "C": [None, None, None],
        "B": [None, None, None],
        "D": [None, "over budget", "blocked"],
        "A": ["over budget", "blocked", "blocked"],
    } == left_out(plan)
    assert (1, 3, 1, 1) == (plan.left_out, sums.items, sums.over_budget, sums.in_part)
    assert 68 == sum(group.credits for group in sums.groups)


def test_a_whole_plan_keeps_what_is_left_out_in_its_shards(tmp_path: Path) -> None:
    """For an output whose ledger may know pictures that no manifest does."""
    plan = arranged(tmp_path, [item("A"), item("B", 2)], max_credits=33, whole=True)

    assert (0, [["B", "A"]]) == (plan.left_out, order(plan))
    assert ["over budget", "blocked", "blocked"] == left_out(plan)["A"]


def test_what_is_done_or_waits_for_a_retry_costs_nothing(tmp_path: Path) -> None:
    """Neither does what follows it, unless the retry is asked for."""
    items = [item("A", 2, "done", "failed before", "new"), item("B", 1, "done", "done", "new"), item("C")]

    unasked = left_out(arranged(tmp_path, items, max_credits=34))
    asked = left_out(arranged(tmp_path, items, max_credits=34, retry=["failed"]))

    assert {
        "A": [None, "waits for a retry", "blocked"],
        "B": [None, None, None],
        "C": [None, None, None],
    } == unasked
    assert {
        "A": [None, None, None],
        "B": [None, None, None],
        "C": [None, "over budget", "blocked"],
    } == asked


def test_a_picture_that_skus_share_is_paid_and_counted_once(tmp_path: Path) -> None:
    """Three sizes of a shirt: what one of them costs pays for all."""
    same = {stage: {"unit_key": f"shirt-{stage}"} for stage, _ in STAGES}
    plan = arranged(
        tmp_path, [item("S", 1, **same), item("M", 1, **same), item("L", 1, **same), item("X")], max_credits=33
    )
    sums = sums_of(plan.path)

    assert [["S", "M"], ["L"]] == order(plan)
    assert (9, 3, 33) == (
        sum(group.units for group in sums.groups if group.left_out is None),
        sum(group.paid for group in sums.groups),
        sum(group.credits for group in sums.groups),
    )


def test_prices_add_up_without_error(tmp_path: Path) -> None:
    """Ten times a tenth of a credit is one credit."""
    items = [PlannedItem(sku, (a_unit(sku=sku, unit_key=sku, credits=0.1),)) for sku in map(str, range(11))]

    plan = arranged(tmp_path, items, shard_items=100, max_credits=1)

    assert 10 == len(order(plan)[0])


def test_no_budget_at_all_leaves_everything_out(tmp_path: Path) -> None:
    """In no shard, with a first unit told nowhere."""
    plan = arranged(tmp_path, [item("A"), item("B")], max_credits=0)

    assert (0, 2, []) == (plan.shards, plan.left_out, sums_of(plan.path).first)
    assert {LEFT_OUT_SHARD} == set(pq.read_table(plan.path)["shard"].to_pylist())


def test_items_that_no_shard_has_leave_the_rows_that_a_shard_would_write(tmp_path: Path) -> None:
    """Held and blocked, with all that the next plan compares, and no signature."""
    signed = {"top_garment": ["https://cdn.example/a.png?v=2&X-Amz-Signature=secret"]}
    fields = {stage: {"inputs": signed, "fingerprint": "f", "image_version": "3"} for stage, _ in STAGES}
    plan = arranged(tmp_path, [item("A", None, **fields), item("B", 1)], max_credits=33)

    write_left_out(plan.path, tmp_path / "left-out.parquet", "run-1", HELD)
    rows = list(read_rows(tmp_path / "left-out.parquet"))

    assert SCHEMA.equals(pq.read_schema(tmp_path / "left-out.parquet"))
    assert [("A", "model", "held"), ("A", "refine", "blocked"), ("A", "scene", "blocked")] == [
        (row["sku"], row["stage"], row["status"]) for row in rows
    ]
    assert HELD == {name: rows[0][name] for name in HELD}
    assert (None, "run-1", "A-model", "f", "3", 0.0) == tuple(
        rows[0][name] for name in ("attempt", "run_id", "unit_key", "fingerprint", "image_version", "credits")
    )
    assert {'{"top_garment": ["https://cdn.example/a.png?v=2"]}'} == {row["inputs"] for row in rows}
