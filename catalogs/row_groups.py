"""Rows out of a Parquet file's row groups, batch by batch, around what is damaged."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, cast

import pyarrow as pa
import pyarrow.parquet as pq

from blocks.storage.s3_connection import READER_ERRORS

__all__ = ["DAMAGE", "OUTAGES", "Batch", "Run", "Unread", "Wanted", "read_run", "runs_of", "words"]

# The storage is away: no file is to blame, and to go on without its rows would hide that.
OUTAGES: tuple[type[Exception], ...] = (
    ConnectionError,
    TimeoutError,
    *READER_ERRORS,
)
# The bytes are not what they should be, or this one file can't be had.
DAMAGE: tuple[type[Exception], ...] = (OSError, pa.ArrowException, UnicodeDecodeError)

BATCH_BYTES = 16 * 1024 * 1024
BATCH_ROWS = 8192


@dataclass(frozen=True, slots=True)
class Batch:
    """
    Some rows of a file, from its row number `start` (counted from 0), as columns by name.

    `numbers` are the rows' own numbers in the file where they do not simply follow each other, because rows were left
    out or several became one.
    """

    start: int
    rows: int
    cells: dict[str, pa.Array[Any]]
    numbers: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """Rows of a file, from its row number `start` (counted from 0), that can't be read."""

    start: int
    rows: int
    reason: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is read of a file: columns by name and by the places of their leaves, and what its folders say."""

    names: list[str]
    leaves: list[int]
    folders: dict[str, str | None]

    @classmethod
    def of(cls, schema: pa.Schema, folders: Mapping[str, str | None], columns: Collection[str]) -> Self:
        """Those of the columns that a file has, by the usable names in its schema."""
        # By place, as Parquet's own way, by name, takes columns of the same name for one another.
        names, leaves, place = list[str](), list[int](), 0
        for name, kind in zip(schema.names, schema.types, strict=True):
            width = _leaves(kind)
            if name in columns:
                names.append(name)
                leaves += range(place, place + width)
            place += width
        return cls(names, leaves, {name: value for name, value in folders.items() if name in columns})

    def cells(self, batch: pa.RecordBatch) -> dict[str, pa.Array[Any]]:
        """A batch's columns by name."""
        cells: dict[str, pa.Array[Any]] = {
            name: pa.repeat(pa.scalar(value, pa.string()), batch.num_rows) for name, value in self.folders.items()
        }
        own = [_without_view(column) for column in cast("list[pa.Array[Any]]", batch.columns)]
        return cells | dict(zip(self.names, own, strict=True))


@dataclass(slots=True)
class Run:
    """Row groups that follow each other, read at once: one large one, or many small ones."""

    groups: list[int] = field(default_factory=list[int])
    sizes: list[int] = field(default_factory=list[int])
    rows: int = 0
    bytes: int = 0

    def add(self, group: int, rows: int, size: int) -> None:
        """One group more."""
        self.groups.append(group)
        self.sizes.append(rows)
        self.rows += rows
        self.bytes += size

    def singly(self) -> Iterator[Self]:
        """Each of its groups by itself."""
        for group, rows in zip(self.groups, self.sizes, strict=True):
            yield type(self)([group], [rows], rows, self.bytes * rows // max(1, self.rows))


def runs_of(metadata: pq.FileMetaData) -> Iterator[Run]:
    """All row groups in order, in runs of about a batch where they are smaller than that."""
    run = Run()
    for group in range(metadata.num_row_groups):
        facts = metadata.row_group(group)
        rows, size = facts.num_rows, facts.total_byte_size
        if run.groups and (run.rows + rows > BATCH_ROWS or run.bytes + size > BATCH_BYTES):
            yield run
            run = Run()
        run.add(group, rows, size)
    if run.groups:
        yield run


def read_run(parquet: pq.ParquetFile, run: Run, start: int, wanted: Wanted) -> Iterator[Batch | Unread]:
    """The rows of a run, of which the first has the number `start` in its file."""
    batch_rows = min(BATCH_ROWS, max(1, BATCH_BYTES * run.rows // max(1, run.bytes)))
    done, reason = 0, "it holds fewer rows than its footer says"
    reader: Any = parquet.reader
    try:
        for batch in reader.iter_batches(batch_rows, row_groups=run.groups, column_indices=wanted.leaves):
            yield Batch(start + done, batch.num_rows, wanted.cells(batch))
            done += batch.num_rows
    except OUTAGES:
        raise
    except DAMAGE as error:
        reason = words(error)
    if done < run.rows and len(run.groups) > 1:
        yield from _read_singly(parquet, run, start, done, wanted)
    elif done < run.rows:
        yield Unread(start + done, run.rows - done, reason)


def _read_singly(parquet: pq.ParquetFile, run: Run, start: int, done: int, wanted: Wanted) -> Iterator[Batch | Unread]:
    """One damaged group of many costs its own rows only; the `done` first ones have been read."""
    end = start + done
    for each in run.singly():
        for part in read_run(parquet, each, start, wanted):
            seen = max(0, end - part.start)
            if seen < part.rows:
                yield _rest(part, seen) if seen else part
        start += each.rows


def _without_view(column: pa.Array[Any]) -> pa.Array[Any]:
    # Most of Arrow's functions don't know views.
    if pa.types.is_string_view(column.type):
        return column.cast(pa.large_string())
    return column.cast(pa.large_binary()) if pa.types.is_binary_view(column.type) else column


def _rest(part: Batch | Unread, seen: int) -> Batch | Unread:
    start, rows = part.start + seen, part.rows - seen
    if isinstance(part, Unread):
        return Unread(start, rows, part.reason)
    return Batch(start, rows, {name: cells.slice(seen) for name, cells in part.cells.items()})


def _leaves(kind: Any) -> int:
    """How many of Parquet's columns hold a column of this type."""
    if isinstance(kind, pa.BaseExtensionType):
        return _leaves(kind.storage_type)
    if pa.types.is_nested(kind):
        return sum(_leaves(kind.field(place).type) for place in range(kind.num_fields))
    return 1


def words(error: BaseException) -> str:
    """What a library says, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
