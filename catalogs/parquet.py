"""The Parquet files of a catalog: found, looked into, read in batches; what is no Parquet is called what it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Any, cast
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from fsspec import AbstractFileSystem

from blocks.storage.s3_session import S3_ERRORS
from catalogs.addresses import PARQUET_SUFFIXES
from catalogs.lookalikes import looks_like

__all__ = ["OUTAGES", "Batch", "DataFile", "Unread", "data_files", "find_files", "read_file", "words"]

# The storage is away: no file is to blame, and to go on without its rows would hide that.
OUTAGES: tuple[type[Exception], ...] = (
    ConnectionError,
    TimeoutError,
    *(error for error in S3_ERRORS if error is not OSError),
)
# The bytes are not what they should be, or this one file can't be had.
DAMAGE: tuple[type[Exception], ...] = (OSError, pa.ArrowException)

FOOTERS_AT_ONCE = 16
# Each column being read holds one buffer, so that a row group may be as large as its file.
BUFFER_BYTES = 1024 * 1024
BATCH_BYTES = 16 * 1024 * 1024
BATCH_ROWS = 8192
HEAD_BYTES = 4096
MAGIC_BYTES = 4


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of a catalog; `name` is its path within it, and `fault` tells why it can't be read."""

    path: str
    name: str
    rows: int = 0
    schema: pa.Schema | None = None
    fault: str | None = None

    def columns(self) -> list[str]:
        """Its own columns, then those of its folders."""
        own = list(self.schema.names) if self.schema is not None else []
        return own + [name for name in self.partitions() if name not in own]

    def partitions(self) -> dict[str, str | None]:
        """The value of each column that its folders name, as in `season=SS26/`."""
        pairs = (folder.partition("=") for folder in PurePosixPath(self.name).parts[:-1])
        values = {unquote(key): unquote(value) for key, equals, value in pairs if equals and key}
        return {key: None if value == "__HIVE_DEFAULT_PARTITION__" else value for key, value in values.items()}


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a file, from its row number `start` (counted from 0), as columns by name."""

    start: int
    rows: int
    cells: dict[str, pa.Array[Any]]


@dataclass(frozen=True, slots=True)
class Unread:
    """Rows of a file, from its row number `start` (counted from 0), that can't be read."""

    start: int
    rows: int
    reason: str


def find_files(filesystem: AbstractFileSystem, root: str) -> list[str]:
    """
    The file itself, or every Parquet file in the folder and those below it, by path.

    Names that begin with a dot or an underscore are other programs' notes and leftovers.
    """
    if filesystem.info(root)["type"] == "file":
        return [root]
    found = cast("list[str]", filesystem.find(root))
    return sorted(path for path in found if path.lower().endswith(PARQUET_SUFFIXES) and not _hidden(_below(root, path)))


def data_files(filesystem: AbstractFileSystem, root: str, paths: Sequence[str]) -> list[DataFile]:
    """Look into each file's footer, several at a time."""
    with ThreadPoolExecutor(FOOTERS_AT_ONCE) as pool:
        return list(pool.map(partial(_data_file, filesystem, root), paths))


def read_file(filesystem: AbstractFileSystem, file: DataFile, columns: Sequence[str]) -> Iterator[Batch | Unread]:
    """The rows of a file in order, a few thousand at a time, with those of the columns that it has."""
    start = 0
    try:
        with _opened(filesystem, file.path) as handle:
            parquet = pq.ParquetFile(handle, pre_buffer=False, buffer_size=BUFFER_BYTES)
            if parquet.metadata.num_rows != file.rows:
                yield Unread(0, file.rows, "it was replaced while the catalog was read")
                return
            for group in range(parquet.num_row_groups):
                rows = parquet.metadata.row_group(group).num_rows
                yield from _read_group(parquet, group, start, file, columns)
                start += rows
    except OUTAGES:
        raise
    except DAMAGE as error:
        yield Unread(start, file.rows - start, words(error))


def words(error: BaseException) -> str:
    """What a library says, on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _read_group(
    parquet: pq.ParquetFile, group: int, start: int, file: DataFile, columns: Sequence[str]
) -> Iterator[Batch | Unread]:
    facts = parquet.metadata.row_group(group)
    batch_rows = min(BATCH_ROWS, max(1, BATCH_BYTES * facts.num_rows // max(1, facts.total_byte_size)))
    done, reason = 0, "it holds fewer rows than its footer says"
    try:
        for batch in parquet.iter_batches(batch_rows, row_groups=[group], columns=list(columns)):
            yield Batch(start + done, batch.num_rows, _cells(batch, file, columns))
            done += batch.num_rows
    except OUTAGES:
        raise
    except DAMAGE as error:
        reason = words(error)
    if done < facts.num_rows:
        yield Unread(start + done, facts.num_rows - done, reason)


def _cells(batch: pa.RecordBatch, file: DataFile, columns: Sequence[str]) -> dict[str, pa.Array[Any]]:
    cells: dict[str, pa.Array[Any]] = {
        name: pa.repeat(pa.scalar(value, pa.string()), batch.num_rows)
        for name, value in file.partitions().items()
        if name in columns
    }
    return cells | {name: batch.column(name) for name in batch.schema.names if name in columns}


def _data_file(filesystem: AbstractFileSystem, root: str, path: str) -> DataFile:
    name = _below(root, path)
    try:
        with _opened(filesystem, path) as handle:
            parquet = pq.ParquetFile(handle, pre_buffer=False)
            return DataFile(path, name, parquet.metadata.num_rows, parquet.schema_arrow)
    except OUTAGES:
        raise
    except DAMAGE as error:
        return DataFile(path, name, fault=_fault(filesystem, path, error))


def _fault(filesystem: AbstractFileSystem, path: str, error: BaseException) -> str:
    try:
        with _opened(filesystem, path) as handle:
            size = handle.seek(0, 2)
            handle.seek(max(0, size - MAGIC_BYTES))
            tail = handle.read(MAGIC_BYTES)
            handle.seek(0)
            return looks_like(handle.read(HEAD_BYTES), tail, size, words(error))
    except OSError as unreadable:
        return f"can't be opened: {words(unreadable)}"


def _opened(filesystem: AbstractFileSystem, path: str) -> AbstractContextManager[IO[bytes]]:
    # No read-ahead: Parquet knows which ranges it wants, and jumps between columns.
    return cast("AbstractContextManager[IO[bytes]]", filesystem.open(path, "rb", cache_type="none"))


def _below(root: str, path: str) -> str:
    below = path.removeprefix(root.rstrip("/")).lstrip("/")
    return below or PurePosixPath(path).name


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in PurePosixPath(name).parts)
