"""The Parquet files of a catalog: found, looked into, read in batches; what is no Parquet is called what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Any, cast, overload
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from fsspec import AbstractFileSystem

from catalogs.addresses import PARQUET_SUFFIXES
from catalogs.headings import usable_names
from catalogs.lookalikes import looks_like
from catalogs.row_groups import DAMAGE, OUTAGES, Batch, Unread, Wanted, read_run, runs_of, words

__all__ = ["OUTAGES", "Batch", "DataFile", "Unread", "data_files", "find_files", "read_file", "words"]

FOOTERS_AT_ONCE = 16
# In memory a footer takes some eleven times its bytes: 100,000 row groups of 10 columns are 107 MB, and 1.1 GB.
MOST_FOOTER_BYTES = 128 * 1024 * 1024
LARGE_FOOTER_BYTES = 8 * 1024 * 1024
TAIL_BYTES = 8
# Each column being read holds one buffer, so that a row group may be as large as its file.
BUFFER_BYTES = 1024 * 1024
HEAD_BYTES = 4096
MAGIC_BYTES = 4

_FOOTER_TOO_LARGE = (
    "has a footer of {} MB, as it has too many row groups; write it with row groups of 10,000 rows or more"
)


@dataclass(frozen=True, slots=True)
class DataFile:
    """
    One file of a catalog; `name` is its path within it, and `fault` tells why it can't be read.

    The names in its schema are usable: each is there once and none is empty. `renamed` has the file's own for those
    that had to be made up.
    """

    path: str
    name: str
    rows: int = 0
    schema: pa.Schema | None = None
    fault: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])

    def columns(self) -> list[str]:
        """Its own columns, then those of its folders."""
        own = list(self.schema.names) if self.schema is not None else []
        return own + [name for name in self.partitions() if name not in own]

    def partitions(self) -> dict[str, str | None]:
        """The value of each column that its folders name, as in `season=SS26/`."""
        pairs = (folder.partition("=") for folder in PurePosixPath(self.name).parts[:-1])
        values = {unquote(key): unquote(value) for key, equals, value in pairs if equals and key}
        return {key: None if value == "__HIVE_DEFAULT_PARTITION__" else value for key, value in values.items()}


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
        looked = pool.map(partial(_data_file, filesystem, root, large=False), paths)
        # Large footers one by one, and in this thread: memory that another one freed is not used again by it.
        return [file or _data_file(filesystem, root, path) for path, file in zip(paths, list(looked), strict=True)]


def read_file(filesystem: AbstractFileSystem, file: DataFile, columns: Sequence[str]) -> Iterator[Batch | Unread]:
    """The rows of a file in order, a few thousand at a time, with those of the columns that it has."""
    start = 0
    try:
        with _opened(filesystem, file.path) as handle:
            parquet = pq.ParquetFile(handle, pre_buffer=False, buffer_size=BUFFER_BYTES)
            if parquet.metadata.num_rows != file.rows or _usable(parquet.schema_arrow) != file.schema:
                yield Unread(0, file.rows, "it was replaced while the catalog was read")
                return
            wanted = Wanted.of(file.schema or pa.schema([]), file.partitions(), columns)
            for run in runs_of(parquet.metadata):
                yield from read_run(parquet, run, start, wanted)
                start += run.rows
    except OUTAGES:
        raise
    except DAMAGE as error:
        yield Unread(start, file.rows - start, words(error))


def _usable(schema: Any) -> pa.Schema:
    names = usable_names(schema.names)
    return pa.schema([column.with_name(name) for name, column in zip(names, schema, strict=True)])


@overload
def _data_file(filesystem: AbstractFileSystem, root: str, path: str) -> DataFile: ...
@overload
def _data_file(filesystem: AbstractFileSystem, root: str, path: str, *, large: bool) -> DataFile | None: ...
def _data_file(filesystem: AbstractFileSystem, root: str, path: str, *, large: bool = True) -> DataFile | None:
    """A file by its footer; None for a large one where that is not wanted."""
    name = _below(root, path)
    try:
        with _opened(filesystem, path) as handle:
            footer_bytes = _footer_bytes(handle)
            if footer_bytes > LARGE_FOOTER_BYTES and not large:
                return None
            if footer_bytes > MOST_FOOTER_BYTES:
                return DataFile(path, name, fault=_FOOTER_TOO_LARGE.format(footer_bytes // 1_000_000))
            handle.seek(0)
            parquet = pq.ParquetFile(handle, pre_buffer=False)
            schema = _usable(parquet.schema_arrow)
            pairs = zip(schema.names, parquet.schema_arrow.names, strict=True)
            renamed = {usable: own for usable, own in pairs if usable != own}
            return DataFile(path, name, parquet.metadata.num_rows, schema, renamed=renamed)
    except OUTAGES:
        raise
    except DAMAGE as error:
        return DataFile(path, name, fault=_fault(filesystem, path, error))


def _footer_bytes(handle: IO[bytes]) -> int:
    """The size of a footer where the file is large enough to have a large one."""
    size = handle.seek(0, 2)
    if size < LARGE_FOOTER_BYTES:
        return 0
    handle.seek(-TAIL_BYTES, 2)
    footer_bytes = int.from_bytes(handle.read(4), "little")
    # What is no Parquet may end in any number.
    return footer_bytes if footer_bytes < size else 0


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
