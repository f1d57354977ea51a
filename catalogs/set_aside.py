"""Manifest rows set aside on disk in whatever order their items end, and brought back in the plan's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

from catalogs.manifest import SCHEMA, ManifestRow, in_columns

__all__ = ["SetAside"]


class SetAside:
    """Pieces of a manifest by their places; in memory it holds none of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = pa.ipc.new_file(str(path), SCHEMA)
        self._order: list[int] = []

    def put(self, place: int, rows: Sequence[ManifestRow]) -> None:
        """Set the rows of one place aside."""
        if rows:
            self._writer.write_batch(in_columns(rows))
            self._order.append(place)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    def in_order(self) -> Iterator[pa.RecordBatch]:
        """All that was put, by place, once the block is over."""
        with pa.OSFile(str(self._path), "r") as file:
            reader = pa.ipc.open_file(file)
            for number in sorted(range(len(self._order)), key=self._order.__getitem__):
                yield reader.get_batch(number)
