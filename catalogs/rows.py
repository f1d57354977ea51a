"""Catalog rows as items, and those that can't be used with their reasons."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from blocks.operation import Gender
from catalogs.cells import CellError, cell_values, number, phrase, references, text
from catalogs.mapping import PICTURE_COLUMNS, CatalogSource, as_gender, translated, vocabulary
from catalogs.masking import masked_text

__all__ = ["Item", "Reject", "RowReader", "Rows", "read_texts"]

# A SKU names a folder of pictures, and file systems allow a name 255 bytes.
LONGEST_SKU_BYTES = 200
VALUE_LIMIT = 200
# Beyond it whole numbers are no floats any more, and infinity and what is no number are left out too.
LARGEST = 2.0**1000

# One address or path as nearly all cells have it: nothing to strip, to split or to unpack in it.
_ONE_REFERENCE = re.compile(r"[A-Za-z0-9/.][A-Za-z0-9:/.?=&%_~+#@-]{4,}")


@dataclass(slots=True)
class Item:
    """
    One valid catalog row, in one of the recipe's looks where it has some; `row` counts from 1 in reading order.

    Picture references are as the catalog has them. `columns` holds the cells for templates, by the catalog's own
    names and by ours; ours carry the translated values, and win where a name is both.
    """

    row: int
    sku: str
    top_garment: str | None
    bottom_garment: str | None
    person_image: str | None
    product_image: str | None
    garments: tuple[str, ...]
    gender: Gender | None
    title: str | None
    category: str | None
    color: str | None
    priority: int | float | None
    image_version: str | None
    columns: Mapping[str, Any] = field(repr=False)
    look: str | None = None

    def rank(self) -> float | None:
        """The priority where it can be compared; the higher comes first, and none at all last."""
        return float(self.priority) if self.priority is not None and -LARGEST <= self.priority <= LARGEST else None


@dataclass(frozen=True, slots=True)
class Reject:
    """
    A row that can't be used, and why; for one `look` only where that is set.

    `column` is the catalog's own name, and `value` what Python shows of the cell, cut at 200 characters and without
    what signs the addresses in it. Where a file or a part of it can't be read, one reject stands for all of its rows
    and `column` is empty.
    """

    row: int
    sku: str | None
    column: str
    value: str
    reason: str
    look: str | None = None


def _sku(value: object) -> str:
    sku = text(value)
    if sku is None:
        raise CellError("it is blank, and every row needs a SKU")
    if len(sku.encode()) > LONGEST_SKU_BYTES:
        raise CellError(f"it is longer than a SKU's {LONGEST_SKU_BYTES} bytes")
    return sku


def _first(value: object) -> str | None:
    if value is None or (isinstance(value, str) and _ONE_REFERENCE.fullmatch(value)):
        return value
    found = references(value)
    return found[0] if found else None


def _all(value: object) -> tuple[str, ...]:
    return tuple(references(value))


# Our columns in the order of `Item`'s fields, with how a cell of each is read.
_READ: dict[str, Callable[[Any], Any]] = {
    "sku": _sku,
    **dict.fromkeys(PICTURE_COLUMNS, _first),
    "garments": _all,
    "gender": phrase,
    "title": phrase,
    "category": phrase,
    "color": phrase,
    "priority": number,
    "image_version": phrase,
}


# Their texts are few in number, so that each is read once.
_OFTEN_ALIKE = frozenset({"gender", "category", "color", "image_version"})

_BLANK: dict[str, Any] = dict.fromkeys(_READ) | {"garments": ()}


@dataclass(frozen=True, slots=True)
class _Fault:
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a catalog as columns by name; `numbers` count them from 1 in reading order."""

    numbers: Sequence[int]
    cells: Mapping[str, pa.Array[Any]]

    def only(self, indices: Sequence[int]) -> Rows:
        """Those at these places."""
        taken = pa.array(indices, pa.int64())
        cells = {name: column.take(taken) for name, column in self.cells.items()}
        return Rows([self.numbers[index] for index in indices], cells)


def read_texts(texts: Mapping[str, str]) -> dict[str, Any]:
    """Our columns among these as an item has them, from what a catalog's cells could say; raises `CellError`."""
    fields = {name: _READ[name](text) for name, text in texts.items() if name in _READ}
    return fields | {"gender": as_gender(fields["gender"])} if "gender" in fields else fields


class RowReader:
    """Turns the rows of one catalog into items; it remembers every SKU, to find those that come twice."""

    def __init__(self, source: CatalogSource, mapped: Mapping[str, str], names: Collection[str]) -> None:
        """Find our columns as `mapped` says, and give templates the columns in `names`."""
        self._mapped = mapped
        self._names = tuple(names)
        self._words = vocabulary(source)
        # By hash: some 110 MB for a million SKUs, of which two share a hash in 3 of 10^8 catalogs.
        self._first_rows: dict[int, int] = {}

    def skus(self, rows: Rows) -> Sequence[str | None]:
        """Remember the rows' SKUs, which `read` does too: for rows that need not be read whole. None where one is bad."""
        skus = self._ours("sku", {self._mapped["sku"]: self._values(rows, "sku")}, len(rows.numbers), {})
        return [None if self._twice(number, sku) else sku for number, sku in zip(rows.numbers, skus, strict=True)]

    def knows(self, sku: str) -> bool:
        """Whether a row with this SKU has been read."""
        return hash(sku) in self._first_rows

    def read(self, rows: Rows) -> Iterator[Item | Reject]:
        """Each row in order; a column that is not there is blank."""
        count = len(rows.numbers)
        raw = {name: cell_values(column) for name, column in rows.cells.items()}
        faults: dict[int, _Fault] = {}
        ours = {name: self._ours(name, raw, count, faults) for name in _READ}
        known = {word: as_gender(word) for word in set(ours["gender"])}
        genders = [known[word] for word in ours["gender"]]
        fields = (ours | {"gender": genders}).values()
        ours["gender"] = [gender or word for gender, word in zip(genders, ours["gender"], strict=True)]
        for index, values in enumerate(zip(*fields, self._for_templates(raw, ours, count), strict=True)):
            row, sku = rows.numbers[index], values[0]
            fault = self._twice(row, sku) or faults.get(index)
            if fault is None:
                yield Item(row, *values)
            else:
                value = raw[fault.column][index] if fault.column in raw else None
                yield Reject(row, sku, fault.column, _shown(value), fault.reason)

    def _values(self, rows: Rows, name: str) -> Sequence[Any]:
        column = self._mapped[name]
        return cell_values(rows.cells[column]) if column in rows.cells else [None] * len(rows.numbers)

    def _ours(self, name: str, raw: Mapping[str, Sequence[Any]], rows: int, faults: dict[int, _Fault]) -> Sequence[Any]:
        if name not in self._mapped:
            return [_BLANK[name]] * rows
        cells = raw.get(self._mapped[name], [None] * rows)
        if name in self._words:
            cells = translated(cells, self._words[name])
        try:
            read = _READ[name]
            if name in _OFTEN_ALIKE and all(cell is None or isinstance(cell, str) for cell in cells):
                known = {cell: read(cell) for cell in set(cells)}
                return [known[cell] for cell in cells]
            return [read(cell) for cell in cells]
        except CellError:
            return [self._read_or_fault(name, cell, index, faults) for index, cell in enumerate(cells)]

    def _read_or_fault(self, name: str, cell: object, index: int, faults: dict[int, _Fault]) -> object:
        try:
            return _READ[name](cell)
        except CellError as why:
            faults.setdefault(index, _Fault(self._mapped[name], str(why)))
            return _BLANK[name]

    def _twice(self, row: int, sku: str | None) -> _Fault | None:
        first = row if sku is None else self._first_rows.setdefault(hash(sku), row)
        return None if first == row else _Fault(self._mapped["sku"], f"row {first} has the same SKU")

    def _for_templates(
        self, raw: Mapping[str, Sequence[Any]], ours: Mapping[str, Sequence[Any]], rows: int
    ) -> Iterator[dict[str, Any]]:
        blank = [None] * rows
        shown = [_readable(ours[name] if name in self._mapped else raw.get(name, blank)) for name in self._names]
        if not shown:
            return ({} for _ in range(rows))
        return (dict(zip(self._names, values, strict=True)) for values in zip(*shown, strict=True))


def _readable(cells: Sequence[Any]) -> Sequence[Any]:
    """Bytes that are no text are not for templates."""
    return [None if isinstance(cell, bytes) else cell for cell in cells] if bytes in map(type, cells) else cells


class _Shown(reprlib.Repr):
    """A cell as Python shows it, cut at `VALUE_LIMIT`; its addresses are masked before a cut could hide what they are."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = VALUE_LIMIT

    def repr_str(self, x: str, level: int) -> str:
        return super().repr_str(masked_text(x), level)

    def repr_bytes(self, x: bytes, level: int) -> str:
        # As Latin-1 every byte is a letter, and the same byte again.
        masked = masked_text(x[:VALUE_LIMIT].decode("latin-1"))
        return self.repr_instance(masked.encode("latin-1", "replace"), level)


def _shown(value: object) -> str:
    return masked_text(_Shown().repr(value))[:VALUE_LIMIT]
