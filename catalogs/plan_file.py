"""The plan as Parquet: one row per unit, so that shards can be read apart and people can look at it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import pyarrow as pa
import pyarrow.parquet as pq

from catalogs.plan import PlannedItem, Unit

__all__ = ["PLAN_SCHEMA", "PlanWriter", "read_shard", "shards_in"]

ROWS_PER_GROUP = 20_000

PLAN_SCHEMA = pa.schema(
    [
        ("shard", pa.int32()),
        ("recipe", pa.string()),
        ("row", pa.int64()),
        ("sku", pa.string()),
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
    ]
)

_FIELDS = [field.name for field in fields(Unit)]


class PlanWriter:
    """Writes planned items to a Parquet file, a shard after every `shard_items` items."""

    def __init__(self, path: Path, *, shard_items: int) -> None:
        self._writer = pq.ParquetWriter(path, PLAN_SCHEMA, compression="zstd")
        self._shard_items = shard_items
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
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=PLAN_SCHEMA))
            self._rows.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flush()
        self._writer.close()


def shards_in(path: Path) -> range:
    """The numbers of a plan's shards."""
    plan = pq.ParquetFile(path)
    spans = [plan.metadata.row_group(group).column(0).statistics for group in range(plan.num_row_groups)]
    return range(1 + max((cast("int", span.max) for span in spans if span is not None), default=-1))


def read_shard(path: Path, shard: int) -> Iterator[PlannedItem]:
    """One shard's items in plan order, streaming."""
    for (sku, _), rows in groupby(_rows(path, shard), key=lambda row: (row["sku"], row["row"])):
        yield PlannedItem(sku, tuple(_unit(row) for row in rows))


def _rows(path: Path, shard: int) -> Iterable[dict[str, Any]]:
    plan = pq.ParquetFile(path)
    for group in range(plan.num_row_groups):
        spans = plan.metadata.row_group(group).column(0).statistics
        if spans is not None and shard not in range(cast("int", spans.min), cast("int", spans.max) + 1):
            continue
        for batch in plan.iter_batches(ROWS_PER_GROUP, row_groups=[group]):
            yield from (row for row in batch.to_pylist() if row["shard"] == shard)


def _unit(row: dict[str, Any]) -> Unit:
    return Unit(
        **{name: value for name, value in row.items() if name != "shard"} | {"inputs": json.loads(row["inputs"])}
    )
