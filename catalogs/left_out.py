"""The manifest's rows of items that a plan leaves out altogether, made in columns, as they may be most of a catalog."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from catalogs.manifest import SCHEMA
from catalogs.plan_file import PLAN_SCHEMA, ROWS_PER_GROUP
from catalogs.plan_order import LEFT_OUT_SHARD
from catalogs.reasons import LeftOut
from catalogs.unit_key import unsigned

__all__ = ["write_left_out"]

# Typed stubs take arrays and scalars for one another.
pc: Any = pyarrow.compute

_SAME = [name for name in PLAN_SCHEMA.names if name in SCHEMA.names and name not in {"credits", "reason", "inputs"}]


def write_left_out(plan: Path, target: Path, run_id: str, held: Mapping[str, str]) -> None:
    """
    Write a row for every unit of the plan's items that no shard works on.

    The unit that is over budget is held, with the columns of `held` (why, in which words); what follows it is blocked.
    """
    with pq.ParquetWriter(target, SCHEMA, compression="zstd") as writer:
        for batch in _batches(plan):
            writer.write_batch(_rows(batch, run_id, held))


def _batches(plan: Path) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(plan) as file:
        for batch in file.iter_batches(ROWS_PER_GROUP):
            left_out = batch.filter(pc.equal(batch.column("shard"), LEFT_OUT_SHARD))
            if left_out.num_rows:
                yield left_out


def _rows(batch: pa.RecordBatch, run_id: str, held: Mapping[str, str]) -> pa.RecordBatch:
    count = batch.num_rows
    is_held = pc.equal(batch.column("left_out"), str(LeftOut.OVER_BUDGET))
    columns: dict[str, Any] = {name: batch.column(name) for name in _SAME}
    columns |= {name: pc.if_else(is_held, text, None) for name, text in held.items()}
    columns |= {
        "status": pc.if_else(is_held, "held", "blocked"),
        "reason": pc.if_else(is_held, held["reason"], "an earlier stage is held"),
        "inputs": _unsigned(batch.column("inputs")),
        "run_id": pa.repeat(run_id, count),
        "credits": pa.repeat(0.0, count),
        "credits_at_risk": pa.repeat(0.0, count),
        "pictures": pa.array([()] * count, _TYPES["pictures"]),
    }
    arrays: list[Any] = [
        columns[name].cast(kind) if name in columns else pa.nulls(count, kind) for name, kind in _TYPES.items()
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


_TYPES: dict[str, Any] = dict(zip(SCHEMA.names, SCHEMA.types, strict=True))


def _unsigned(inputs: Any) -> pa.Array[Any]:
    """The addresses without what signs them, which the manifest never holds."""
    texts = cast("list[str]", inputs.to_pylist())
    return pa.array([_without_signatures(text) if "?" in text else text for text in texts], pa.string())


def _without_signatures(inputs: str) -> str:
    slots: dict[str, list[str]] = json.loads(inputs)
    return json.dumps({slot: [unsigned(uri) for uri in uris] for slot, uris in slots.items()}, ensure_ascii=False)
