"""Plans on disk: shards are disjoint, cover everything, and read back as they were written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogs import plan_file
from catalogs.plan import PlannedItem, Unit
from catalogs.plan_file import PLAN_SCHEMA, PlanWriter, read_shard
from tests.catalogs.made import a_unit, catalog_at, garment_rows, parquet_of, planned

TEXTS = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=12)
UNITS = st.builds(
    Unit,
    recipe=TEXTS,
    row=st.integers(min_value=1, max_value=2**60),
    sku=TEXTS,
    title=st.none() | TEXTS,
    stage=TEXTS,
    position=st.integers(min_value=0, max_value=19),
    operation=TEXTS,
    unit_key=TEXTS,
    options=TEXTS,
    inputs=st.dictionaries(TEXTS, st.lists(TEXTS, max_size=3), max_size=3),
    gender=st.none() | st.sampled_from(["woman", "man"]),
    pick=st.integers(min_value=1, max_value=4),
    credits=st.floats(min_value=0, max_value=100),
    reason=st.sampled_from(["new", "done"]),
)


def written(items: Iterable[PlannedItem], path: Path, shard_items: int) -> int:
    """Write a plan; returns how many shards it has."""
    with PlanWriter(path, shard_items=shard_items) as writer:
        for item in items:
            writer.add(item)
    return writer.shards


def items_of(count: int, stages: int = 3) -> list[PlannedItem]:
    """Items of so many units each."""
    return [
        PlannedItem(f"S{row}", tuple(a_unit(sku=f"S{row}", row=row, position=stage) for stage in range(stages)))
        for row in range(count)
    ]


@pytest.mark.parametrize(("count", "shard_items", "shards"), [(0, 5, 0), (1, 5, 1), (5, 5, 1), (6, 5, 2), (23, 1, 23)])
def test_shards_are_disjoint_and_cover_everything(count: int, shard_items: int, shards: int, tmp_path: Path) -> None:
    """Each item is in one shard, whole, in plan order."""
    items = items_of(count)

    assert written(items, tmp_path / "plan.parquet", shard_items) == shards
    read = [list(read_shard(tmp_path / "plan.parquet", shard)) for shard in range(shards)]
    assert [item for shard in read for item in shard] == items
    assert all(len(shard) <= shard_items for shard in read)
    assert list(read_shard(tmp_path / "plan.parquet", shards)) == []


@given(st.lists(st.lists(UNITS, min_size=1, max_size=3), max_size=5), st.integers(min_value=1, max_value=3))
@settings(deadline=None, max_examples=50)
def test_any_unit_reads_back_equal(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[list[Unit]], size: int
) -> None:
    """Whatever is in its texts."""
    items = [
        PlannedItem(units[0].sku, tuple(a_unit(**{**_fields(unit), "sku": units[0].sku, "row": row}) for unit in units))
        for row, units in enumerate(drawn)
    ]
    path = tmp_path_factory.getbasetemp() / f"{uuid4().hex}.parquet"
    shards = written(items, path, size)

    assert [item for shard in range(shards) for item in read_shard(path, shard)] == items


def _fields(unit: Unit) -> dict[str, object]:
    return {name: getattr(unit, name) for name in Unit.__dataclass_fields__}


def test_a_planned_catalog_reads_back_equal(tmp_path: Path) -> None:
    """What a shard's flow run works on is what was planned."""
    catalog = catalog_at(parquet_of(garment_rows(30), tmp_path / "catalog.parquet"))
    items = [item for item in planned(catalog) if isinstance(item, PlannedItem)]
    shards = written(items, tmp_path / "plan.parquet", 7)

    assert [item for shard in range(shards) for item in read_shard(tmp_path / "plan.parquet", shard)] == items


def test_an_item_may_span_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row groups are bounded, however large the plan, and a shard is read from its own alone."""
    monkeypatch.setattr(plan_file, "ROWS_PER_GROUP", 10)
    items = items_of(50)
    shards = written(items, tmp_path / "plan.parquet", 4)
    metadata = pq.read_metadata(tmp_path / "plan.parquet")

    assert max(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)) <= 12
    assert [item for shard in range(shards) for item in read_shard(tmp_path / "plan.parquet", shard)] == items


def test_a_plan_can_be_looked_at_with_sql(tmp_path: Path) -> None:
    """One row a unit, with its price and reason."""
    path = tmp_path / "plan.parquet"
    written(items_of(4), path, 2)
    asked = f"select shard, count(*), sum(credits), min(reason) from '{path}' group by shard order by shard"

    assert duckdb.execute(asked).fetchall() == [(0, 6, 12.0, "new"), (1, 6, 12.0, "new")]
    assert pq.read_schema(path).equals(PLAN_SCHEMA)
