"""From a catalog's rows to products: words for nothing blanked, rows grouped, filtered, and constants added."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial, reduce
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute

from catalogs.cells import NOTHING, is_blank
from catalogs.grouping import grouped
from catalogs.mapping import CatalogMapping, constant_column
from catalogs.parquet import Batch, Unread

__all__ = ["shaped"]

# Typed stubs take arrays and scalars for one another.
pc: Any = pyarrow.compute


def shaped(batches: Iterable[Batch | Unread], source: CatalogMapping) -> Iterator[Batch | Unread]:
    """
    The products of one file's batches, in order: blanks, then groups, then filters, then constants.

    Filters see whole products: a status that stands only in a product's first row holds for all of it. With nothing
    to do the batches pass untouched.
    """
    if source.blanks:
        words = {word.strip().casefold() for word in source.blanks}
        batches = _each(batches, partial(_blanked, words=words))
    if source.group_by is not None:
        batches = grouped(batches, source)
    if source.where:
        batches = (part for part in _each(batches, partial(_filtered, source=source)) if part.rows)
    if source.constants:
        batches = _each(batches, partial(_completed, source=source))
    return iter(batches)


def _each(batches: Iterable[Batch | Unread], change: Callable[[Batch], Batch]) -> Iterator[Batch | Unread]:
    return (change(part) if isinstance(part, Batch) else part for part in batches)


def _blanked(batch: Batch, words: set[str]) -> Batch:
    cells = {name: _without(column, words) for name, column in batch.cells.items()}
    return replace(batch, cells=cells)


def _without(column: pa.Array[Any], words: set[str]) -> pa.Array[Any]:
    nothing = is_blank(column, NOTHING | words)
    return _pick(nothing, column) if nothing.true_count > column.null_count else column


def _pick(nothing: pa.BooleanArray, column: Any) -> pa.Array[Any]:
    return pc.if_else(nothing, pa.scalar(None, column.type), column)


def _filtered(batch: Batch, source: CatalogMapping) -> Batch:
    absent = pa.nulls(batch.rows)
    masks = [each.holds(batch.cells.get(each.column, absent)) for each in source.where]
    wanted: pa.BooleanArray = reduce(pc.and_, masks)
    if wanted.true_count == batch.rows:
        return batch
    numbers = pa.array(batch.numbers or range(batch.start, batch.start + batch.rows), pa.int64()).filter(wanted)
    cells = {name: column.filter(wanted) for name, column in batch.cells.items()}
    return Batch(batch.start, len(numbers), cells, cast("list[int]", numbers.to_pylist()))


def _completed(batch: Batch, source: CatalogMapping) -> Batch:
    constants = {
        constant_column(ours): cast("pa.Array[Any]", pa.repeat(pa.scalar(value), batch.rows))
        for ours, value in source.constants.items()
    }
    return replace(batch, cells=batch.cells | constants)
