"""Two plans of one request, compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from catalogs.plan import PlannedItem
from catalogs.plan_difference import Difference, Differences, differences
from catalogs.plan_file import PlanWriter
from tests.catalogs.made import a_row, a_unit, manifest_of

SAME = Differences(0, [], [])


def plan(path: Path, *units: dict[str, Any]) -> Path:
    """A plan of items of one unit each."""
    with PlanWriter(path, shard_items=100) as writer:
        for row, fields in enumerate(units, start=1):
            unit = a_unit(**{"row": row, "unit_key": f"key of {fields['sku']}"} | fields)
            writer.add(PlannedItem(unit.sku, (unit,)))
    return path


def test_order_and_rows_make_no_difference(tmp_path: Path) -> None:
    """A catalog that was sorted, or cut into other files, plans the same units."""
    was = plan(tmp_path / "was.parquet", {"sku": "A"}, {"sku": "B"})
    now = plan(tmp_path / "now.parquet", {"sku": "B", "row": 7}, {"sku": "A", "row": 9})

    assert SAME == differences(was, now, None)


def test_each_unit_that_stands_otherwise_is_told(tmp_path: Path) -> None:
    """Done since, gone, another key, another reason, cut, dearer, new in the catalog."""
    skus = [{"sku": sku} for sku in ("done", "gone", "other", "reason", "cut", "dearer", "same")]
    was = plan(tmp_path / "was.parquet", *skus)
    now = plan(
        tmp_path / "now.parquet",
        {"sku": "other", "unit_key": "another"},
        {"sku": "reason", "reason": "failed before"},
        {"sku": "cut", "left_out": "over budget"},
        {"sku": "dearer", "credits": 3.0},
        {"sku": "same"},
        {"sku": "added", "row": 99},
    )
    manifest = manifest_of([a_row(sku="done", unit_key="key of done")], tmp_path / "manifest.parquet")

    found = differences(was, now, manifest)

    assert 7 == found.units == sum(count for _, _, count in found.kinds)
    assert [
        Difference("done", "model", "new", "done"),
        Difference("gone", "model", "new", "no longer planned"),
        Difference("other", "model", "new", "new, of other pictures or options"),
        Difference("reason", "model", "new", "failed before"),
        Difference("cut", "model", "new", "new, over budget"),
        Difference("dearer", "model", "new", "new for 3.0 credits"),
        Difference("added", "model", "not in the plan", "new"),
    ] == found.first


def test_the_first_ten_are_told_and_all_are_counted(tmp_path: Path) -> None:
    """In the catalog's order."""
    was = plan(tmp_path / "was.parquet", *({"sku": f"S{number:02}"} for number in range(25)))
    now = plan(tmp_path / "now.parquet", *({"sku": f"S{number:02}", "reason": "forced"} for number in range(25)))

    found = differences(was, now, None)

    assert (25, [("new", "forced", 25)]) == (found.units, found.kinds)
    assert [f"S{number:02}" for number in range(10)] == [difference.item for difference in found.first]


def test_what_a_run_that_died_has_done_is_no_difference_to_it(tmp_path: Path) -> None:
    """Nor is what its plan never meant to do; what it still has to do must be as it was."""
    was = plan(tmp_path / "was.parquet", {"sku": "done"}, {"sku": "left"}, {"sku": "cut", "left_out": "over budget"})
    manifest = manifest_of([a_row(sku="done", unit_key="key of done")], tmp_path / "manifest.parquet")
    carried_on = plan(tmp_path / "now.parquet", {"sku": "left"}, {"sku": "cut"}, {"sku": "added"})
    changed = plan(tmp_path / "changed.parquet", {"sku": "left", "unit_key": "another"}, {"sku": "cut"})

    assert SAME == differences(was, carried_on, manifest, begun=True)
    assert 3 == differences(was, carried_on, manifest).units
    assert [("left", "new, of other pictures or options")] == [
        (difference.item, difference.now) for difference in differences(was, changed, manifest, begun=True).first
    ]
