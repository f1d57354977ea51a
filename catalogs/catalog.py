"""A team's catalog: one Parquet file or a folder of them, read row by row in bounded memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Self

from fsspec import AbstractFileSystem

from blocks.errors import CatalogError
from blocks.storage import ObjectStorage
from catalogs.files import found_files, reachable
from catalogs.mapping import CatalogSource, map_columns, shaping_columns, vocabulary
from catalogs.parquet import Batch, DataFile, Unread, read_file
from catalogs.rows import Item, Reject, RowReader, Rows
from catalogs.shaping import shaped

__all__ = ["Catalog"]


@dataclass(frozen=True)
class Catalog:
    """
    An opened catalog: its files are found, their columns are known, its rows are still to be read.

    `columns` are the names that templates may use: the catalog's own, and ours where it has them. `folder` is where
    relative picture references start: the folder itself, or the one that holds the file.
    """

    source: CatalogSource
    columns: list[str]
    rows_total: int
    folder: str
    mapped: dict[str, str]
    files: list[DataFile]
    filesystem: AbstractFileSystem

    @classmethod
    def open(cls, source: CatalogSource, storage: ObjectStorage | None = None) -> Self:
        """
        Find the files and check their columns, without reading a row.

        `storage` lends its credentials; without it they are the environment's. Raises `CatalogError`.
        """
        vocabulary(source)
        filesystem, root, files = found_files(source.uri, storage)
        _check_files(source.uri, files)
        own = list(dict.fromkeys(name for file in files for name in file.columns()))
        mapped = map_columns(source, own)
        return cls(
            source=source,
            columns=list(dict.fromkeys([*own, *mapped])),
            rows_total=sum(file.rows for file in files),
            folder=_folder(source.uri, root, is_file=[file.path for file in files] == [root]),
            mapped=mapped,
            files=files,
            filesystem=filesystem,
        )

    def items(self, only: Collection[str] | None = None) -> Iterator[Item | Reject]:
        """
        Read the rows, file by file in the order of their names; a part that can't be read is one `Reject`.

        Raises `CatalogError` when the storage stops answering.

        `only` names the columns that templates need: the others are not read from wide catalogs at all.
        """
        reader = self.reader(only)
        for part in self.parts(only):
            if isinstance(part, Reject):
                yield part
            else:
                yield from reader.read(part)

    def reader(self, only: Collection[str] | None = None) -> RowReader:
        """What turns the rows of `parts` into items."""
        return RowReader(self.source, self.mapped, self._for_templates(only))

    def parts(self, only: Collection[str] | None = None) -> Iterator[Rows | Reject]:
        """The rows as columns, some thousand at a time, as `items` reads them; the products that the mapping makes."""
        templates = [name for name in self._for_templates(only) if name not in self.mapped]
        shaping = [name for _, name in shaping_columns(self.source)]
        columns = list(dict.fromkeys([*self.mapped.values(), *templates, *shaping]))
        before = 0
        for file in self.files:
            with reachable(self.source.uri):
                yield from self._file_parts(file, columns, before)
            before += file.rows

    def _for_templates(self, only: Collection[str] | None) -> list[str]:
        return [name for name in self.columns if only is None or name in only]

    def _file_parts(self, file: DataFile, columns: Sequence[str], before: int) -> Iterator[Rows | Reject]:
        if file.fault:
            yield Reject(before + 1, None, "", file.name, f"file {file.name} {file.fault}")
            return
        for part in shaped(read_file(self.filesystem, file, columns), self.source):
            if isinstance(part, Unread):
                yield _unread(file, part, before + part.start + 1)
            else:
                yield Rows(_numbers(part, before + 1), part.cells)


def _numbers(batch: Batch, first: int) -> Sequence[int]:
    if batch.numbers is None:
        return range(first + batch.start, first + batch.start + batch.rows)
    return [first + number for number in batch.numbers]


def _check_files(uri: str, files: Sequence[DataFile]) -> None:
    faults = [f"{file.name} {file.fault}" for file in files if file.fault]
    if len(faults) == len(files):
        raise CatalogError(f"catalog {uri!r} can't be read: {_and_more(faults)}")
    if not any(file.rows for file in files):
        raise CatalogError(f"catalog {uri!r} has no rows" + (f"; {_and_more(faults)}" if faults else ""))


def _and_more(faults: Sequence[str]) -> str:
    return faults[0] + (f" (and {len(faults) - 1} more such files)" if len(faults) > 1 else "")


def _folder(uri: str, root: str, *, is_file: bool) -> str:
    scheme, _, _ = uri.rpartition("://")
    folder = str(PurePosixPath(root).parent) if is_file else root.rstrip("/")
    return f"{scheme}://{folder.lstrip('/')}/" if scheme and scheme != "file" else f"{folder}/"


def _unread(file: DataFile, part: Unread, first_row: int) -> Reject:
    last_row = first_row + part.rows - 1
    return Reject(
        row=first_row,
        sku=None,
        column="",
        value=file.name,
        reason=f"rows {first_row} to {last_row}, in file {file.name}, can't be read: {part.reason}",
    )
