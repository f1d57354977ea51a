"""What is in one column of a catalog, gathered batch by batch in bounded memory."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute

from catalogs.cells import (
    NO_VALUE,
    NOTHING,
    CellError,
    cell_values,
    is_blank,
    is_text,
    phrase,
    plain_column,
    references,
    sound_texts,
)

__all__ = ["ColumnFacts", "KeyFacts"]

# Typed stubs take arrays and scalars for one another.
pc: Any = pyarrow.compute

EXACT_DISTINCT = 4096
MOST_VALUES = 60
MOST_SEEN = 2_000
SEEN_PER_BATCH = 100
# Of longer texts the beginning is looked at.
LONG = 200
HASHES = 1 << 61
# A few strange cells don't change what a column is for.
MOST = 0.8

_NUMBER = re.compile(r"[+-]?\d{1,3}(?:[.,\s]?\d{3})*(?:[.,]\d+)?|[+-]?\d+(?:[.,]\d+)?")
_PICTURE = re.compile(r"https?://\S+|s3://\S+|\S.*\.(?:jpe?g|png|webp|avif|heic|heif|gif|bmp|tiff?)", re.IGNORECASE)
_PICTURE_WORDS = re.compile(
    r"\.(?:jpe?g|png|webp|avif|heic|heif|gif|bmp|tiff?)\b|image|img|media|cdn|photo", re.IGNORECASE
)


@dataclass(slots=True)
class ColumnFacts:
    """
    A column: how its files store it, how much of it is filled, and with what.

    `seen` are some of its texts, from all over the catalog; `values` all of them with their rows, while they are few.
    """

    name: str
    types: set[str] = field(default_factory=set[str])
    rows: int = 0
    filled: int = 0
    longest: int = 0
    padded: int = 0
    odd_words: dict[str, int] = field(default_factory=dict[str, int])
    seen: dict[str, None] = field(default_factory=dict[str, None])
    values: dict[str, int] | None = field(default_factory=dict[str, int])
    nested: bool = False
    _hashes: set[int] = field(default_factory=set[int])
    _below: int = HASHES

    def add(self, column: pa.Array[Any]) -> None:
        """Take the cells of one batch."""
        self.types.add(str(column.type))
        self.rows += len(column)
        column = plain_column(column)
        if pa.types.is_nested(column.type) or pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
            self._add_nested(column)
            return
        counted: Any = pc.value_counts(column)
        values, counts = counted.field("values"), counted.field("counts")
        if is_text(values.type):
            self._add_texts(values, counts)
        else:
            filled = pc.invert(is_blank(values))
            self._count([str(value) for value in cell_values(values.filter(filled))], counts.filter(filled))

    @property
    def distinct(self) -> tuple[int, bool] | None:
        """How many values, and whether that is exact; None for lists and records."""
        if self.nested:
            return None
        exact = self._below == HASHES
        return (len(self._hashes) if exact else round(len(self._hashes) * HASHES / self._below)), exact

    def share(self, kind: str) -> float:
        """Of the texts seen, the share that are 'numbers' or 'pictures'."""
        tests = {"numbers": _NUMBER.fullmatch, "pictures": _PICTURE.fullmatch}
        return sum(bool(tests[kind](text)) for text in self.seen) / len(self.seen) if self.seen else 0.0

    @property
    def holds_pictures(self) -> bool:
        """Whether it holds addresses of pictures, rather than pages or words."""
        hints = sum(bool(_PICTURE_WORDS.search(text)) for text in self.seen)
        return self.share("pictures") >= MOST and hints >= len(self.seen) / 2

    @property
    def stores_text(self) -> bool:
        """Whether every file stores it as text."""
        return all("string" in kind for kind in self.types)

    def _add_texts(self, values: Any, counts: Any) -> None:
        values = sound_texts(values)
        lengths = pc.coalesce(pc.binary_length(values), pa.scalar(0).cast(pc.binary_length(values).type))
        self.longest = max(self.longest, pc.max(pc.utf8_length(values)).as_py() or 0)
        short = pc.less_equal(lengths, pa.scalar(LONG))
        if not pc.all(short).as_py():
            values = pc.if_else(short, values, _beginnings(values))
        trimmed = pc.utf8_trim_whitespace(values)
        lower = pc.utf8_lower(trimmed)
        odd = pc.is_in(lower, value_set=pa.array(sorted(NO_VALUE - NOTHING)))
        for word, rows in zip(trimmed.filter(odd).to_pylist(), counts.filter(odd).to_pylist(), strict=True):
            self.odd_words[word] = self.odd_words.get(word, 0) + rows
        filled = pc.invert(pc.or_(pc.is_null(lower), pc.is_in(lower, value_set=pa.array(sorted(NOTHING)))))
        padded = pc.and_(pc.and_(filled, short), pc.not_equal(trimmed, values))
        self.padded += pc.sum(counts.filter(padded)).as_py() or 0
        self._count(trimmed.filter(filled).to_pylist(), counts.filter(filled))

    def _add_nested(self, column: pa.Array[Any]) -> None:
        self.nested, self.values = True, None
        filled = column.filter(pc.invert(is_blank(column)))
        self.filled += len(filled)
        for value in cell_values(filled.slice(0, SEEN_PER_BATCH)):
            try:
                texts = references(value)
            except CellError:
                texts = [phrase(value) or str(value)[:LONG]]
            self._see(texts)

    def _count(self, texts: list[str], counts: Any) -> None:
        self.filled += pc.sum(counts).as_py() or 0
        self._see(texts[:SEEN_PER_BATCH])
        if self.values is not None:
            for text, rows in zip(texts, cast("list[int]", counts.to_pylist()), strict=True):
                self.values[text] = self.values.get(text, 0) + rows
                if len(self.values) > MOST_VALUES:
                    self.values = None
                    break
        self._note(texts)

    def _see(self, texts: list[str]) -> None:
        if len(self.seen) < MOST_SEEN:
            self.seen.update(dict.fromkeys(texts))

    def _note(self, texts: list[str]) -> None:
        # The lowest of all hashes: how close they lie tells how many there are.
        below = self._below
        self._hashes.update([low for text in texts if (low := hash(text) & (HASHES - 1)) < below])
        if len(self._hashes) > EXACT_DISTINCT:
            lowest = sorted(self._hashes)
            self._below = lowest[EXACT_DISTINCT - 1]
            self._hashes = set(lowest[: EXACT_DISTINCT - 1])


@dataclass(slots=True)
class KeyFacts:
    """How a column that may identify products repeats itself: in the next row, further down, or not at all."""

    blank: int = 0
    next: int = 0
    later: int = 0
    _last: str | None = None
    _known: set[int] = field(default_factory=set[int])

    MOST_KNOWN = 2_000_000

    def add(self, texts: list[str | None]) -> None:
        """Take the cells of one batch, as texts."""
        for text in texts:
            if text is None:
                self.blank += 1
            elif text == self._last:
                self.next += 1
            else:
                self._begin(text)

    def _begin(self, text: str) -> None:
        self._last = text
        key = hash(text)
        if key in self._known:
            self.later += 1
        elif len(self._known) < self.MOST_KNOWN:
            self._known.add(key)


def _beginnings(values: Any) -> Any:
    """The first letters of long texts, and how long they are, so that different ones stay different."""
    lengths = pc.utf8_length(values).cast(values.type)
    return pc.binary_join_element_wise(pc.utf8_slice_codeunits(values, 0, LONG), lengths, pa.scalar(" … ", values.type))
