"""Consecutive rows that describe one product, made one: variants, sizes, further pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute

from catalogs.cells import ADDRESS_FIELDS, NO_VALUE, is_blank, is_text, plain_texts, references, sound_texts
from catalogs.mapping import PICTURE_COLUMNS, CatalogMapping, namesakes
from catalogs.parquet import Batch, Unread

__all__ = ["MOST_ROWS", "grouped"]

# Typed stubs take arrays and scalars for one another.
pc: Any = pyarrow.compute

# A product in more rows than this is a column that does not tell products apart.
MOST_ROWS = 10_000

_SEVERAL = r"[\n|,;\[{]"


def grouped(batches: Iterable[Batch | Unread], source: CatalogMapping) -> Iterator[Batch | Unread]:
    """
    One row per product of a file: consecutive rows whose `group_by` cell is the same, or blank, belong together.

    The first row's cells win, and its number; where it is blank, the next filled cell of the product counts. A picture
    column becomes the list of all its pictures, in order and without repeats. A product ends with its file and at rows
    that can't be read; when its handle comes again later, that is another product (whose SKU then comes twice). A
    product of far more than `MOST_ROWS` rows can't be read.
    """
    handle = cast("str", source.group_by)
    product = _Open()
    for part in batches:
        if isinstance(part, Unread) or handle not in part.cells or part.start != product.end:
            yield from product.close(source)
            product = _Open()
        if isinstance(part, Unread):
            yield part
        elif handle not in part.cells:
            yield _merged(part, _each_its_own(part.rows), source)
        else:
            yield from product.add(part, handle, source)
    yield from product.close(source)


@dataclass(slots=True)
class _Open:
    """The product whose rows may go on in the next batch."""

    parts: list[Batch] = field(default_factory=list[Batch])
    start: int = 0
    rows: int = 0
    last: str | None = None

    @property
    def end(self) -> int:
        """The row after it."""
        return self.start + self.rows

    def add(self, part: Batch, handle: str, source: CatalogMapping) -> Iterator[Batch | Unread]:
        """Take the next rows; gives the products that are complete by them."""
        handles = _filled_down(part.cells[handle], self.last)
        begins = self._begins(handles)
        borders = cast("list[int]", pc.indices_nonzero(begins).to_pylist()) or [part.rows]
        first, last = borders[0], borders[-1]
        self._hold(_slice(part, 0, first))
        if first < part.rows:
            yield from self.close(source)
            if first < last:
                yield _merged(_slice(part, first, last), begins.slice(first, last - first), source)
            self.parts, self.rows = [], 0
            self._hold(_slice(part, last, part.rows))
        self.last = cast("str | None", handles[-1].as_py())

    def close(self, source: CatalogMapping) -> Iterator[Batch | Unread]:
        """The product as it is: nothing follows."""
        if self.rows > MOST_ROWS:
            yield Unread(
                self.start,
                self.rows,
                f"they all have the {source.group_by} {self.last or ''!r}, which is too many for one product; "
                "choose another column for group_by",
            )
        elif self.rows:
            begins = pa.array([True] + [False] * (self.rows - 1), pa.bool_())
            yield _merged(_joined(self.parts), begins, source)

    def _begins(self, handles: pa.StringArray) -> pa.BooleanArray:
        before = pa.concat_arrays([pa.array([self.last], pa.string()), handles.slice(0, len(handles) - 1)])
        changes = pc.coalesce(pc.not_equal(handles, before), pc.and_(pc.is_valid(handles), pc.is_null(before)))
        first = pa.array([not self.rows], pa.bool_())
        return pc.or_(changes, pa.concat_arrays([first, pa.array([False] * (len(handles) - 1), pa.bool_())]))

    def _hold(self, part: Batch) -> None:
        if not part.rows:
            return
        self.start = self.start if self.rows else part.start
        self.rows += part.rows
        self.parts = [*self.parts, part] if self.rows <= MOST_ROWS else []


def _filled_down(column: pa.Array[Any], last: str | None) -> pa.StringArray:
    texts = plain_texts(column)
    texts = pc.if_else(is_blank(texts, NO_VALUE), pa.scalar(None, pa.string()), texts)
    filled = cast("pa.StringArray", pc.fill_null_forward(texts))
    return filled if last is None else pc.coalesce(filled, pa.scalar(last))


def _each_its_own(rows: int) -> pa.BooleanArray:
    return pa.repeat(pa.scalar(True), rows)


def _slice(part: Batch, first: int, end: int) -> Batch:
    cells = {name: column.slice(first, end - first) for name, column in part.cells.items()}
    return Batch(part.start + first, end - first, cells)


def _joined(parts: Sequence[Batch]) -> Batch:
    if len(parts) == 1:
        return parts[0]
    cells = {name: pa.concat_arrays([_alike(part.cells[name]) for part in parts]) for name in parts[0].cells}
    return Batch(parts[0].start, sum(part.rows for part in parts), cells)


def _alike(column: Any) -> Any:
    # Dictionaries differ from batch to batch.
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _merged(whole: Batch, begins: pa.BooleanArray, source: CatalogMapping) -> Batch:
    starts = pc.indices_nonzero(begins)
    product = pc.subtract(pc.cumulative_sum(begins.cast(pa.int64())), pa.scalar(1))
    ours = namesakes(source, list(whole.cells))
    pictures = {ours[name] for name in (*PICTURE_COLUMNS, "garments") if name in ours}
    collected = {name: _collected(whole.cells[name], product, len(starts)) for name in pictures}
    others = {name: column for name, column in whole.cells.items() if name not in pictures}
    numbers = pc.add(starts.cast(pa.int64()), pa.scalar(whole.start))
    return Batch(
        whole.start,
        len(starts),
        _first_filled(others, product) | collected,
        cast("list[int]", numbers.to_pylist()),
    )


def _first_filled(cells: Mapping[str, pa.Array[Any]], product: Any) -> dict[str, pa.Array[Any]]:
    """For each product the first cell of each column that holds something."""
    absent = pa.scalar(None, pa.int64())
    rows = pa.array(range(len(product)), pa.int64())
    places = [pc.if_else(is_blank(column), absent, rows) for column in cells.values()]
    table = pa.table([product, *places], names=["product", *map(str, range(len(places)))])
    firsts = table.group_by("product", use_threads=False).aggregate([(str(n), "min") for n in range(len(places))])
    return {name: column.take(firsts[f"{n}_min"].combine_chunks()) for n, (name, column) in enumerate(cells.items())}


def _collected(column: pa.Array[Any], product: Any, products: int) -> pa.Array[Any]:
    """For each product the list of its pictures."""
    column, product = _flat(_alike(column), product)
    if not pa.types.is_string(column.type):
        # Not to be told apart by Arrow: whoever reads the cells says what they hold.
        return _lists(column.filter(column.is_valid()), product.filter(column.is_valid()), products)
    filled = pc.invert(is_blank(column, NO_VALUE))
    column, product = pc.utf8_trim_whitespace(column.filter(filled)), product.filter(filled)
    if pc.any(pc.match_substring_regex(column, _SEVERAL)).as_py():
        column, product = _told_apart(column, product)
    table = pa.table({"product": product, "picture": column})
    once = table.group_by(["product", "picture"], use_threads=False).aggregate([])
    return _lists(once["picture"].combine_chunks(), once["product"].combine_chunks(), products)


def _flat(column: Any, product: Any) -> tuple[Any, Any]:
    """Lists and records as the texts in them, each with its product."""
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _flat(_alike(pc.list_flatten(column)), product.take(pc.list_parent_indices(column)))
    if pa.types.is_struct(kind):
        names = [kind.field(n).name for n in range(kind.num_fields)]
        if field := next((name for name in ADDRESS_FIELDS if name in names), None):
            return _flat(pc.struct_field(column, field), product)
    return (sound_texts(column) if is_text(kind) else column), product


def _told_apart(column: Any, product: Any) -> tuple[Any, Any]:
    found = [
        (number, each)
        for number, cell in zip(product.to_pylist(), column.to_pylist(), strict=True)
        for each in references(cell)
    ]
    return pa.array([each for _, each in found], pa.string()), pa.array([number for number, _ in found], pa.int64())


def _lists(values: Any, product: Any, products: int) -> pa.Array[Any]:
    counts = pa.table({"product": product}).group_by("product", use_threads=False).aggregate([([], "count_all")])
    places = pc.index_in(pa.array(range(products), pa.int64()), value_set=counts["product"].combine_chunks())
    each = pc.coalesce(counts["count_all"].combine_chunks().take(places), pa.scalar(0, pa.int64()))
    offsets: Any = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(each)])
    lists: Any = pa.LargeListArray
    return lists.from_arrays(offsets, values)
