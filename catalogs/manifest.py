"""The manifest: one row per (recipe, SKU, look, stage) with picture, provenance, cost and status."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from blocks.errors import StorageError
from blocks.storage import ObjectStorage
from catalogs.layout import MANIFEST_PATH
from catalogs.ledger import StoredPicture
from catalogs.names import item_name

__all__ = [
    "MEANINGS",
    "PICTURE",
    "ROWS_PER_GROUP",
    "SCHEMA",
    "ManifestRow",
    "ManifestWriter",
    "checked_manifest",
    "in_columns",
    "no_manifest",
    "read_batches",
    "read_rows",
    "unreadable",
    "write_csv",
]

ROWS_PER_GROUP = 10_000
# As many are objects at one time; in columns a row takes a tenth of the memory.
ROWS_IN_HAND = 1000

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
        ("look", pa.string()),
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
        ("image_version", pa.string()),
        ("fingerprint", pa.string()),
    ]
)
# What docs/reference/manifest.md says of each column.
MEANINGS = {
    "recipe": "The recipe's name.",
    "row": "The catalog row's number, from 1, when it was last planned.",
    "sku": "The SKU; blank where the catalog's row has none.",
    "look": "The recipe's look; blank where the recipe has none.",
    "title": "The SKU's title, where the catalog has one.",
    "stage": "The stage's name.",
    "position": "The stage's place in the recipe, from 0.",
    "operation": "The operation, such as `claid.scene`.",
    "status": "`done`, `failed`, `unknown` (the vendor may have charged), `blocked` (an earlier stage has no picture), `held` (the "
    "account's lane is closed, or the run's budget or time is over), `quarantined` (the catalog's row can't be used) or "
    "`retired` (done, but gone from the catalog).",
    "reason": "Why it was planned (`new`, `picture changed`, …) where this run asked the vendor, `by run …` where another had, and "
    "else what kept it from being sent.",
    "picture": "Address of the picture that goes on to the next stage.",
    "sha256": "The SHA-256 of that picture's bytes, in hexadecimal.",
    "width": "Its width in pixels.",
    "height": "Its height in pixels.",
    "bytes": "Its size in bytes.",
    "mime": "Its media type, such as `image/png`.",
    "pictures": "All pictures of the unit, those that were not picked too.",
    "inputs": "Addresses of the pictures that went in, by slot, as JSON; without signatures.",
    "unit_key": "The hash of all that decides the picture.",
    "attempt": "Which submission of the unit this is, from 1.",
    "vendor": "The vendor that was asked.",
    "job_id": "The vendor's id of the job; none for `claid.scene`, which has no jobs.",
    "request_id": "The vendor's id of the request, for its support.",
    "options": "The options as rendered from the row, as JSON.",
    "credits": "What the vendor charged for the pictures, in its credits, by the account's price list; 0 where they were made "
    "for another item, whose row has them.",
    "credits_at_risk": "What it may have charged for none: the outcome is unknown, or the accepted job failed or has not ended.",
    "error_kind": "What went wrong, as in the table of errors: `job_failed`.",
    "error_message": "What happened, the vendor's words, and the next step.",
    "submitted_at": "When the paid call was sent.",
    "finished_at": "When the picture was in storage, whole, or the unit ended otherwise.",
    "seconds": "From `submitted_at` to `finished_at`.",
    "run_id": "The run that last said something new of it.",
    "image_version": "The catalog row's `image_version` when it was planned.",
    "fingerprint": "A hash over what the catalog's row, recipe and mapping said then; equal means unchanged.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRow:
    """
    What became of one (recipe, SKU, look, stage); `look` is empty where the recipe has none.

    `status` is done, failed, unknown, blocked (an earlier stage has no picture), held (the account's lane is closed, or
    the run's budget can't pay for it), quarantined (the catalog's row can't be used) or retired (done, but the SKU has
    left the catalog, or the look the recipe). `image_version` and `fingerprint` are the catalog row's when it was planned. `credits` is what the vendor
    charged for the pictures, `credits_at_risk` what it may have charged for none: the outcome is unknown, or the
    accepted job has failed or not ended. Where items share a unit, they are in the row of the item that it was sent
    for, and the others have 0: sums count each charge once.
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
    image_version: str | None = None
    fingerprint: str | None = None
    look: str | None = None

    @property
    def item(self) -> str:
        """What messages call its item."""
        return item_name(self.sku, self.look)

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
    """Writes rows to a Parquet file, holding no more than one row group in memory, in columns."""

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, SCHEMA, compression="zstd")
        self._batches: list[pa.RecordBatch] = []
        self._held = 0

    def add(self, rows: Iterable[ManifestRow]) -> None:
        """Append rows in the given order."""
        remaining = iter(rows)
        while some := list(islice(remaining, min(ROWS_IN_HAND, ROWS_PER_GROUP - self._held))):
            self.add_batch(in_columns(some))

    def add_batch(self, batch: pa.RecordBatch) -> None:
        """Append rows that are in columns already."""
        self._batches.append(batch)
        self._held += batch.num_rows
        if self._held >= ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._batches:
            self._writer.write_table(pa.Table.from_batches(self._batches, SCHEMA))
            self._batches, self._held = [], 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flush()
        self._writer.close()


def in_columns(rows: Iterable[ManifestRow]) -> pa.RecordBatch:
    """The rows as the manifest's columns."""
    return pa.RecordBatch.from_pylist([row.record() for row in rows], schema=SCHEMA)


def read_rows(path: Path, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """
    The manifest's rows as dictionaries, streaming; columns that came after it was written are None.

    Raises `StorageError` when the file is no manifest.
    """
    blank = dict.fromkeys(columns or SCHEMA.names)
    for batch in read_batches(path, columns, rows=ROWS_IN_HAND):
        if blank.keys() <= set(batch.schema.names):
            yield from batch.to_pylist()
        else:
            yield from (blank | row for row in batch.to_pylist())


def read_batches(
    path: Path, columns: Sequence[str] | None = None, *, rows: int | None = None
) -> Iterator[pa.RecordBatch]:
    """The manifest in columns, a row group or so many rows at a time; raises `StorageError` when the file is no manifest."""
    try:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(rows or ROWS_PER_GROUP, columns=list(columns) if columns else None)
    except pa.ArrowException as error:
        raise unreadable(path, error) from error


def checked_manifest(path: Path) -> Path:
    """The path, if a manifest is there; raises `StorageError`."""
    try:
        with pq.ParquetFile(path) as file:
            names = set(file.schema_arrow.names)
    except pa.ArrowException as error:
        raise unreadable(path, error) from error
    if missing := {"recipe", "sku", "stage", "status"} - names:
        raise unreadable(path, f"it has no column {', '.join(sorted(missing))}")
    return path


def unreadable(path: Path, why: object) -> StorageError:
    """What is raised of a file that is no manifest."""
    return StorageError(
        f"{path.name} can't be read as a manifest: {why}",
        next_step="Restore the output's manifest.parquet, or remove it: a run writes it anew and pays for nothing "
        "that the ledger holds.",
    )


def no_manifest(storage: ObjectStorage) -> StorageError:
    """What is raised of an output that has none."""
    return StorageError(
        f"there is no manifest at {storage.uri(MANIFEST_PATH)}",
        next_step="Check the address: it is the --output of a run. A first run writes its manifest at its end.",
    )


def write_csv(manifest: Path, target: Path) -> None:
    """The manifest as CSV; lists are JSON texts, timestamps ISO 8601 in UTC."""
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, SCHEMA.names)
        writer.writeheader()
        for row in read_rows(manifest):
            times = {name: row[name].isoformat() for name in TIMES if row[name] is not None}
            writer.writerow(row | times | {"pictures": json.dumps(row["pictures"] or [], ensure_ascii=False)})
