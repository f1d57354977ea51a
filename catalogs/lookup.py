"""Some SKUs' rows out of a table of millions, read a row group at a time, and the SKUs that are named alike."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import nlargest
from typing import IO, Any, cast

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from blocks.errors import StorageError
from blocks.storage import ObjectStorage

__all__ = ["nearest_skus", "rows_of_skus"]

SKU = "sku"
NEAREST = 3
# Of Jaro and Winkler's measure, where 1 is equal: one letter wrong in three stays above.
ALIKE = 0.8

_CLOSEST = """
    SELECT sku, jaro_winkler_similarity(lower(sku), lower($asked)) AS likeness
    FROM (SELECT DISTINCT sku FROM named) WHERE likeness >= $alike ORDER BY likeness DESC, sku LIMIT $most
"""


def rows_of_skus(storage: ObjectStorage, path: str, skus: Sequence[str]) -> list[dict[str, Any]]:
    """
    The rows of these SKUs in a Parquet file of the output, in its order; none if there is no such file.

    Only the SKUs are read of row groups that have none of them. Raises `StorageError` for a file that is no table.
    """
    wanted = pa.array(skus, pa.string())
    found: list[dict[str, Any]] = []
    with _opened(storage, path) as file:
        for group in _groups(file):
            named = pc.is_in(group.skus(), value_set=wanted)
            if pc.any(named).as_py():
                found += group.rows(named)
    return found


def nearest_skus(storage: ObjectStorage, path: str, asked: str) -> list[str]:
    """The SKUs of a Parquet file that are spelt most alike, closest first."""
    alike: list[tuple[float, str]] = []
    with _opened(storage, path) as file, duckdb.connect() as sql:
        for group in _groups(file):
            sql.register("named", pa.Table.from_arrays([group.skus()], names=[SKU]))
            closest = sql.execute(_CLOSEST, {"asked": asked, "alike": ALIKE, "most": NEAREST}).fetchall()
            alike = nlargest(NEAREST, {*alike, *((likeness, sku) for sku, likeness in closest)})
    return [sku for _, sku in alike]


@dataclass(frozen=True, slots=True)
class _Group:
    file: pq.ParquetFile
    number: int

    def skus(self) -> pa.ChunkedArray[Any]:
        return self.file.read_row_group(self.number, columns=[SKU]).column(0)

    def rows(self, wanted: Any) -> list[dict[str, Any]]:
        return self.file.read_row_group(self.number).filter(wanted).to_pylist()


def _groups(file: pq.ParquetFile | None) -> list[_Group]:
    return [_Group(file, number) for number in range(file.num_row_groups)] if file else []


@contextmanager
def _opened(storage: ObjectStorage, path: str) -> Generator[pq.ParquetFile | None]:
    filesystem, root = storage.filesystem()
    try:
        # No read-ahead: Parquet knows which ranges it wants, and jumps between columns.
        opened = cast("IO[bytes]", filesystem.open(f"{root}/{path}", "rb", cache_type="none"))
        with opened as handle, pq.ParquetFile(handle) as file:
            yield file
    except FileNotFoundError:
        yield None
    except (pa.ArrowException, OSError) as error:
        raise StorageError(
            f"{storage.uri(path)} can't be read: {' '.join(str(error).split())[:200]}",
            next_step="Check the address and the credentials; `catwalk doctor --output` looks closer.",
        ) from error
