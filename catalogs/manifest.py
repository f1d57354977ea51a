"""The manifest: one row per (recipe, SKU, stage) with picture, provenance, cost and status."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from blocks.errors import StorageError
from catalogs.ledger import StoredPicture

__all__ = ["SCHEMA", "ManifestRow", "ManifestWriter", "merge_manifests", "read_rows", "write_csv"]

ROWS_PER_GROUP = 20_000

PICTURE = pa.struct(
    [
        ("uri", pa.string()),
        ("sha256", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("bytes", pa.int64()),
        ("mime", pa.string()),
    ]
)
TIMESTAMP = pa.timestamp("us", tz="UTC")
TIMES = ("submitted_at", "finished_at")

SCHEMA = pa.schema(
    [
        ("recipe", pa.string()),
        ("row", pa.int64()),
        ("sku", pa.string()),
        ("title", pa.string()),
        ("stage", pa.string()),
        ("position", pa.int32()),
        ("operation", pa.string()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("picture", pa.string()),
        ("sha256", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("bytes", pa.int64()),
        ("mime", pa.string()),
        ("pictures", pa.list_(PICTURE)),
        ("inputs", pa.string()),
        ("unit_key", pa.string()),
        ("attempt", pa.int32()),
        ("vendor", pa.string()),
        ("job_id", pa.string()),
        ("request_id", pa.string()),
        ("options", pa.string()),
        ("credits", pa.float64()),
        ("credits_at_risk", pa.float64()),
        ("error_kind", pa.string()),
        ("error_message", pa.string()),
        ("submitted_at", TIMESTAMP),
        ("finished_at", TIMESTAMP),
        ("seconds", pa.float64()),
        ("run_id", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRow:
    """
    What became of one (recipe, SKU, stage).

    `status` is done, failed, unknown, blocked (an earlier stage has no picture), held (the account's lane is closed, or
    the run's budget can't pay for it) or quarantined (the catalog's row can't be used). `credits` is what the vendor
    charged for the pictures, `credits_at_risk` what it may have charged for none: the outcome is unknown, or the
    accepted job has failed or not ended.
    """

    recipe: str
    row: int
    sku: str | None
    stage: str
    position: int
    operation: str
    status: str
    run_id: str
    title: str | None = None
    reason: str | None = None
    pictures: tuple[StoredPicture, ...] = ()
    pick: int = 1
    inputs: str | None = None
    unit_key: str | None = None
    attempt: int | None = None
    vendor: str | None = None
    job_id: str | None = None
    request_id: str | None = None
    options: str | None = None
    credits: float = 0.0
    credits_at_risk: float = 0.0
    error_kind: str | None = None
    error_message: str | None = None
    submitted_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def seconds(self) -> float | None:
        """From submission to our whole copy."""
        if self.submitted_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.submitted_at).total_seconds()

    def picked(self) -> StoredPicture | None:
        """The picture that goes on to the next stage."""
        return self.pictures[self.pick - 1] if len(self.pictures) >= self.pick else None

    def record(self) -> dict[str, Any]:
        """The row as the manifest's columns."""
        record = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "pick"}
        picked = self.picked()
        return record | {
            "seconds": self.seconds,
            "pictures": [picture.model_dump() for picture in self.pictures],
            "picture": picked.uri if picked else None,
            **{name: getattr(picked, name) if picked else None for name in _PICKED},
        }


_PICKED = ("sha256", "width", "height", "bytes", "mime")


class ManifestWriter:
    """Writes rows to a Parquet file, holding no more than one row group in memory."""

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, SCHEMA, compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def add(self, rows: Iterable[ManifestRow]) -> None:
        """Append rows in the given order."""
        for row in rows:
            self._rows.append(row.record())
            if len(self._rows) == ROWS_PER_GROUP:
                self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=SCHEMA))
            self._rows.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flush()
        self._writer.close()


def merge_manifests(previous: Path | None, parts: Sequence[Path], target: Path) -> None:
    """
    Write the current state: the parts' rows, then the previous rows of what the parts don't speak of.

    A part speaks of a (recipe, SKU) as a whole, so a stage that has left the recipe leaves the manifest too. Rows
    without a SKU can't be told apart, so of each recipe's only the latest are kept. A `previous` of an earlier
    version gets the columns of this one. Raises `StorageError` when a file is no manifest.
    """
    with pq.ParquetWriter(target, SCHEMA, compression="zstd") as writer:
        for table in _row_groups(_current(previous, parts)):
            writer.write_table(table)


def _current(previous: Path | None, parts: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    for part in parts:
        yield from map(_conformed, _batches(part))
    if previous is not None:
        spoken = _skus_by_recipe(parts)
        for batch in map(_conformed, _batches(previous)):
            yield batch.filter(_unspoken(batch, spoken))


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


def _skus_by_recipe(parts: Sequence[Path]) -> dict[str, set[str | None]]:
    skus: dict[str, set[str | None]] = {}
    for part in parts:
        for row in read_rows(part, ["recipe", "sku"]):
            skus.setdefault(row["recipe"], {None}).add(row["sku"])
    return skus


def _unspoken(batch: pa.RecordBatch, spoken: Mapping[str, set[str | None]]) -> pa.BooleanArray:
    rows = batch.select(["recipe", "sku"]).to_pylist()
    return pa.array([row["sku"] not in spoken.get(row["recipe"], ()) for row in rows], pa.bool_())


def read_rows(path: Path, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """The manifest's rows as dictionaries, streaming; raises `StorageError` when the file is no manifest."""
    for batch in _batches(path, columns):
        yield from batch.to_pylist()


def _batches(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(ROWS_PER_GROUP, columns=list(columns) if columns else None)
    except pa.ArrowException as error:
        raise StorageError(
            f"{path.name} can't be read as a manifest: {error}",
            next_step="Restore the output's manifest.parquet, or remove it: a run writes it anew and pays for nothing "
            "that the ledger holds.",
        ) from error


def write_csv(manifest: Path, target: Path) -> None:
    """The manifest as CSV; lists are JSON texts, timestamps ISO 8601 in UTC."""
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, SCHEMA.names)
        writer.writeheader()
        for row in read_rows(manifest):
            times = {name: row[name].isoformat() for name in TIMES if row[name] is not None}
            writer.writerow(row | times | {"pictures": json.dumps(row["pictures"] or [], ensure_ascii=False)})
