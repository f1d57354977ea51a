"""The plan as Parquet: one row per unit, so that shards can be read apart and people can look at it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import pyarrow as pa
import pyarrow.parquet as pq

from catalogs.chain import Link
from catalogs.plan import Planned, PlannedItem, Unit

__all__ = ["PLAN_SCHEMA", "PlanWriter", "read_shard", "shards_in"]

ROWS_PER_GROUP = 20_000
# As many are objects at one time while a shard is read.
ROWS_IN_HAND = 1000

PLAN_SCHEMA = pa.schema(
    [
        ("shard", pa.int32()),
        ("recipe", pa.string()),
        ("row", pa.int64()),
        ("sku", pa.string()),
        ("look", pa.string()),
        ("title", pa.string()),
        ("stage", pa.string()),
        ("position", pa.int32()),
        ("operation", pa.string()),
        ("unit_key", pa.string()),
        ("options", pa.string()),
        ("inputs", pa.string()),
        ("gender", pa.string()),
        ("pick", pa.int32()),
        ("credits", pa.float64()),
        ("reason", pa.string()),
        ("image_version", pa.string()),
        ("fingerprint", pa.string()),
        ("priority", pa.float64()),
        ("left_out", pa.string()),
    ]
)

# A dictionary of what hardly repeats costs time and space.
_UNLIKE = {"sku", "title", "unit_key", "options", "inputs", "fingerprint"}
_ALIKE = [name for name in PLAN_SCHEMA.names if name not in _UNLIKE]
_FIELDS = [field.name for field in fields(Unit)]


class PlanWriter:
    """Writes planned items to a Parquet file, a shard after every `shard_items` items."""

    def __init__(self, path: Path, *, shard_items: int) -> None:
        self._writer = pq.ParquetWriter(path, PLAN_SCHEMA, compression="zstd", use_dictionary=_ALIKE)  # pyright: ignore[reportArgumentType] - names will do
        self._shard_items = shard_items
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self._rows: list[dict[str, Any]] = []
        self._items = 0

    @property
    def shards(self) -> int:
        """How many shards there are so far."""
        return -(-self._items // self._shard_items)

    def add(self, item: PlannedItem) -> None:
        """Append one item's units."""
        shard = self._items // self._shard_items
        self._items += 1
        self._rows.extend(
            {name: getattr(unit, name) for name in _FIELDS}
            | {"shard": shard, "inputs": json.dumps(unit.inputs, ensure_ascii=False)}
            for unit in item.units
        )
        if len(self._rows) >= ROWS_PER_GROUP:
            self._collect()

    def add_all(self, items: Sequence[Planned]) -> None:
        """Append items of one recipe, many at a time."""
        self._collect()
        while items:
            group = items[: max(1, ROWS_PER_GROUP // len(items[0].links))]
            items = items[len(group) :]
            shards = [(self._items + place) // self._shard_items for place in range(len(group))]
            self._items += len(group)
            self._keep(_table(group, shards))

    def _collect(self) -> None:
        if self._rows:
            self._keep(pa.Table.from_pylist(self._rows, schema=PLAN_SCHEMA))
            self._rows.clear()

    def _keep(self, table: pa.Table) -> None:
        """Full row groups, however few items come at a time."""
        if self._waiting_rows + table.num_rows > ROWS_PER_GROUP:
            self._flush()
        self._waiting.append(table)
        self._waiting_rows += table.num_rows
        if self._waiting_rows >= ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting).combine_chunks(), ROWS_PER_GROUP)
            self._waiting, self._waiting_rows = [], 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._collect()
        self._flush()
        self._writer.close()


def _table(items: Sequence[Planned], shards: Sequence[int]) -> pa.Table:
    """The items' units in columns: a stage's own facts repeat, an item's are told once for each stage."""
    recipe, rows = items[0].chain.recipe, [planned.item for planned in items]
    stages = recipe.stages
    by_stage = pa.array(list(range(len(stages))) * len(items), pa.int32())
    by_item = pa.array([place for place in range(len(items)) for _ in stages], pa.int32())
    of_links = zip(*[link for planned in items for link in planned.links], strict=True)
    columns: dict[str, tuple[Iterable[Any], pa.Int32Array | None]] = {
        "shard": (shards, by_item),
        "recipe": ([recipe.name for _ in stages], by_stage),
        "row": ([item.row for item in rows], by_item),
        "sku": ([item.sku for item in rows], by_item),
        "look": ([item.look for item in rows], by_item),
        "title": ([item.title for item in rows], by_item),
        "stage": ([stage.name for stage in stages], by_stage),
        "position": (range(len(stages)), by_stage),
        "operation": ([stage.operation for stage in stages], by_stage),
        "pick": ([stage.pick for stage in stages], by_stage),
        "credits": ([price for planned in items for price in planned.chain.credits], None),
        "reason": ([reason for planned in items for reason in planned.reasons], None),
        "fingerprint": ([planned.fingerprint for planned in items], by_item),
        "priority": ([item.rank() for item in rows], by_item),
        "left_out": ([None for _ in stages], by_stage),
        **{name: (column, None) for name, column in zip(Link._fields, of_links, strict=True)},
    }
    arrays = [_array(*columns[name], kind) for name, kind in zip(PLAN_SCHEMA.names, PLAN_SCHEMA.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=PLAN_SCHEMA)


def _array(values: Iterable[Any], places: pa.Int32Array | None, kind: pa.DataType) -> pa.Array[Any]:
    array: pa.Array[Any] = pa.array(values, kind)
    return array if places is None else array.take(places)


def shards_in(path: Path) -> range:
    """The numbers of a plan's shards."""
    plan = pq.ParquetFile(path)
    spans = [plan.metadata.row_group(group).column(0).statistics for group in range(plan.num_row_groups)]
    return range(1 + max((cast("int", span.max) for span in spans if span is not None), default=-1))


def read_shard(path: Path, shard: int) -> Iterator[PlannedItem]:
    """One shard's items in plan order, streaming."""
    units = map(_unit, _rows(path, shard))
    for (sku, _, _), of_item in groupby(units, key=lambda unit: (unit.sku, unit.row, unit.look)):
        yield PlannedItem(sku, tuple(of_item))


def _rows(path: Path, shard: int) -> Iterable[dict[str, Any]]:
    plan = pq.ParquetFile(path)
    for group in range(plan.num_row_groups):
        spans = plan.metadata.row_group(group).column(0).statistics
        if spans is not None and shard not in range(cast("int", spans.min), cast("int", spans.max) + 1):
            continue
        for batch in plan.iter_batches(ROWS_IN_HAND, row_groups=[group]):
            yield from (row for row in batch.to_pylist() if row["shard"] == shard)


def _unit(row: dict[str, Any]) -> Unit:
    return Unit(
        **{name: value for name, value in row.items() if name != "shard"} | {"inputs": json.loads(row["inputs"])}
    )
