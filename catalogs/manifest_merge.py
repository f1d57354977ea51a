"""The manifest brought up to date: what a run says replaces what was said, and everything else stays as it was."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from catalogs.manifest import ROWS_PER_GROUP, SCHEMA, checked_manifest, read_batches, unreadable

__all__ = ["UPKEEP_SCHEMA", "ManifestUpdate", "write_upkeep"]

MEMORY = "700MB"
# Below this share of the items, new fingerprints alone are not worth a new manifest; they come with the next one.
WORTH_A_REWRITE = 0.05

UPKEEP_SCHEMA = pa.schema(
    [("recipe", pa.string()), ("sku", pa.string()), ("look", pa.string()), ("fingerprint", pa.string())]
)


def write_upkeep(
    path: Path,
    recipe: str,
    *,
    refreshed: Sequence[tuple[str, str | None, str]] = (),
    retired: Sequence[tuple[str, str | None]] = (),
) -> None:
    """
    Write down what a plan found out of items that it leaves alone.

    Items are SKU and look; `refreshed` have a new fingerprint, and those with none are retired.
    """
    items = [(sku, look) for sku, look, _ in refreshed] + list(retired)
    prints = [mark for _, _, mark in refreshed] + [None] * len(retired)
    columns: list[pa.Array[Any]] = [
        pa.repeat(pa.scalar(recipe, pa.string()), len(items)),
        pa.array([sku for sku, _ in items], pa.string()),
        pa.array([look or "" for _, look in items], pa.string()),
        pa.array(prints, pa.string()),
    ]
    pq.write_table(pa.Table.from_arrays(columns, schema=UPKEEP_SCHEMA), path, compression="zstd")


@dataclass(slots=True)
class _Changes:
    """The places of the previous rows that are not kept as they are, in order, and what becomes of each."""

    dropped: list[int] = field(default_factory=list[int])
    kept_up: list[int] = field(default_factory=list[int])
    prints: list[str | None] = field(default_factory=list[str | None])


class ManifestUpdate:
    """
    The current state: the parts' rows, then the previous rows of what the parts don't speak of.

    A part speaks of a (recipe, SKU, look) as a whole, so a stage that has left the recipe leaves the manifest too. Rows
    without a SKU can't be told apart, so of each recipe's only the latest are kept. A `previous` of an earlier
    version gets the columns of this one. `is_needed` is False where all is as it was, but for the run that says so.
    Raises `StorageError` when a file is no manifest.
    """

    def __init__(self, previous: Path | None, parts: Sequence[Path], *, upkeep: Path | None = None) -> None:
        self._previous = previous
        self._parts = parts
        self._changes = _Changes()
        self.is_needed = True
        for path in (*parts, *([previous] if previous else [])):
            checked_manifest(path)
        if previous is not None:
            try:
                self._compare(previous, upkeep)
            except duckdb.Error as error:
                raise unreadable(previous, error) from error

    def write(self, target: Path) -> None:
        """Write it, holding a few row groups in memory."""
        with pq.ParquetWriter(target, SCHEMA, compression="zstd") as writer:
            for table in _row_groups(self._current()):
                writer.write_table(table)

    def _compare(self, previous: Path, upkeep: Path | None) -> None:
        with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(previous.parent / "spill")}) as sql:
            _views(sql, previous, self._parts, upkeep)
            dropped = sql.sql(_DROPPED).to_arrow_table()
            sql.register("dropped", dropped)
            kept_up = sql.sql(_KEPT_UP).to_arrow_table()
            told = sql.execute(_TOLD).fetchone()
        columns = dropped.column("place"), kept_up.column("place"), kept_up.column("fingerprint")
        self._changes = _Changes(*(column.to_pylist() for column in columns))
        retired = kept_up.column("fingerprint").null_count
        worth = kept_up.num_rows > WORTH_A_REWRITE * pq.read_metadata(previous).num_rows
        self.is_needed = bool(retired or worth or told != (0, 0))

    def _current(self) -> Iterator[pa.RecordBatch]:
        for part in self._parts:
            yield from map(_conformed, read_batches(part))
        if self._previous is not None:
            place = 0
            for batch in read_batches(self._previous):
                yield _kept(_conformed(batch), place, self._changes)
                place += batch.num_rows


def _views(sql: duckdb.DuckDBPyConnection, previous: Path, parts: Sequence[Path], upkeep: Path | None) -> None:
    present = set(pq.read_schema(previous).names)
    columns = [f'"{name}"' if name in present else f'NULL AS "{name}"' for name in SCHEMA.names]
    read = sql.read_parquet(str(previous), file_row_number=True)
    read.project(", ".join([*columns, "file_row_number"])).create_view("previous")
    for name, paths, schema in (("said", list(parts), SCHEMA), ("upkeep", [upkeep] if upkeep else [], UPKEEP_SCHEMA)):
        if paths:
            sql.read_parquet([str(path) for path in paths], union_by_name=True).create_view(name)
        else:
            sql.register(name, schema.empty_table())


_DROPPED = """
    SELECT file_row_number AS place FROM previous
    WHERE (sku IS NOT NULL AND (recipe, sku, coalesce(look, '')) IN
              (SELECT (recipe, sku, coalesce(look, '')) FROM said WHERE sku IS NOT NULL))
       OR (sku IS NULL AND recipe IN (SELECT recipe FROM said))
    ORDER BY place
"""
_KEPT_UP = """
    SELECT file_row_number AS place, upkeep.fingerprint AS fingerprint
    FROM previous JOIN upkeep ON previous.recipe = upkeep.recipe AND previous.sku = upkeep.sku
        AND coalesce(previous.look, '') = upkeep.look
    WHERE file_row_number NOT IN (SELECT place FROM dropped)
      AND CASE WHEN upkeep.fingerprint IS NULL THEN previous.status <> 'retired'
               ELSE previous.fingerprint IS DISTINCT FROM upkeep.fingerprint END
    ORDER BY place
"""
# What is new in the parts, and what of the rows that they replace they say no more.
_FACTS = ", ".join(f'"{name}"' for name in SCHEMA.names if name != "run_id")
_TOLD = f"""
    WITH replaced AS (SELECT {_FACTS} FROM previous SEMI JOIN dropped ON file_row_number = place),
         told AS (SELECT {_FACTS} FROM said)
    SELECT (SELECT count(*) FROM (FROM told EXCEPT ALL FROM replaced)),
           (SELECT count(*) FROM (FROM replaced EXCEPT ALL FROM told))
"""  # noqa: S608 - the names are the schema's


def _kept(batch: pa.RecordBatch, first: int, changes: _Changes) -> pa.RecordBatch:
    """The batch that begins at this place of the previous manifest, without what is dropped and with what is new."""
    after = first + batch.num_rows
    kept_up = slice(bisect_left(changes.kept_up, first), bisect_left(changes.kept_up, after))
    if places := changes.kept_up[kept_up]:
        batch = _upkept(batch, [place - first for place in places], changes.prints[kept_up])
    dropped = changes.dropped[bisect_left(changes.dropped, first) : bisect_left(changes.dropped, after)]
    if not dropped:
        return batch
    mask = [True] * batch.num_rows
    for place in dropped:
        mask[place - first] = False
    return batch.filter(pa.array(mask, pa.bool_()))


def _upkept(batch: pa.RecordBatch, places: Sequence[int], prints: Sequence[str | None]) -> pa.RecordBatch:
    columns: dict[str, list[Any]] = {name: batch.column(name).to_pylist() for name in ("fingerprint", "status")}
    for place, mark in zip(places, prints, strict=True):
        if mark is None:
            columns["status"][place] = "retired"
        else:
            columns["fingerprint"][place] = mark
    arrays: list[pa.Array[Any]] = [
        pa.array(columns[name], pa.string()) if name in columns else batch.column(name) for name in SCHEMA.names
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def _row_groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Full row groups, however small the batches: each night adds a few rows, and a file of crumbs reads slowly."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(part.num_rows for part in waiting) >= ROWS_PER_GROUP:
            yield pa.Table.from_batches(waiting, SCHEMA)
            waiting.clear()
    if any(part.num_rows for part in waiting):
        yield pa.Table.from_batches(waiting, SCHEMA)


def _conformed(batch: pa.RecordBatch) -> pa.RecordBatch:
    if batch.schema.equals(SCHEMA):
        return batch
    blank = pa.nulls(batch.num_rows)
    columns: list[pa.Array[Any]] = [
        batch.column(name) if name in batch.schema.names else blank for name in SCHEMA.names
    ]
    return pa.RecordBatch.from_arrays(columns, SCHEMA.names).cast(SCHEMA)
