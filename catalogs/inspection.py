"""A look into a catalog that nobody has described yet: its files, its columns, and what is odd about them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from blocks.errors import CatalogError
from blocks.storage import ObjectStorage
from catalogs.cells import plain_texts
from catalogs.column_facts import ColumnFacts, KeyFacts
from catalogs.files import found_files, reachable
from catalogs.masking import masked_text
from catalogs.parquet import Batch, DataFile, read_file
from catalogs.synonyms import HANDLES, NAMES, likeness

__all__ = ["Inspection", "in_rows", "inspect_catalog", "told"]

# Arrow lets go of the interpreter in most of the work.
COLUMNS_AT_ONCE = 4
MOST_KEYS = 4
MOST_TOLD = 5
MOST_CHARACTERS = 40
SHARE_OF_NUMBERS = 0.95


@dataclass(slots=True)
class Inspection:
    """What was found in a catalog; `keys` are the columns that may identify its products, likeliest first."""

    uri: str
    files: list[DataFile]
    columns: dict[str, ColumnFacts] = field(default_factory=dict[str, ColumnFacts])
    keys: dict[str, KeyFacts] = field(default_factory=dict[str, KeyFacts])
    rows: int = 0
    unread: list[str] = field(default_factory=list[str])

    def faults(self) -> Iterator[str]:
        """What a person should know before a run, one sentence each."""
        yield from self.unread
        yield from self._names()
        yield from self._drift()
        for name, key in self.keys.items():
            yield from _repeats(name, key)
        for name, column in self.columns.items():
            yield from _oddities(name, column, self.rows)

    def _names(self) -> Iterator[str]:
        made_up = {usable: own for file in self.files for usable, own in file.renamed.items()}
        for usable, own in made_up.items():
            why = f"{own!r} is there more than once" if own.strip() else "it has no name"
            yield f"column {usable!r} is called so here: {why}"

    def _drift(self) -> Iterator[str]:
        readable = [file for file in self.files if file.schema is not None]
        for name, column in self.columns.items():
            lacking = [file.name for file in readable if name not in file.columns()]
            if lacking:
                yield f"column {name!r} is not in {_listed(lacking)}; it is blank there"
            if len(column.types) > 1:
                yield f"column {name!r} is {' here and '.join(sorted(column.types))} there, by file; both are read"


def inspect_catalog(uri: str, storage: ObjectStorage | None = None) -> Inspection:
    """
    Read the whole catalog once, a batch at a time, and gather what is in it.

    `storage` lends its credentials. Raises `CatalogError` where nothing can be read at all.
    """
    filesystem, _, files = found_files(uri, storage)
    if all(file.fault for file in files):
        raise CatalogError(f"catalog {uri!r} can't be read: {files[0].name} {files[0].fault}")
    found = Inspection(uri, files)
    names = list(dict.fromkeys(name for file in files for name in file.columns()))
    found.columns = {name: ColumnFacts(name) for name in names}
    found.keys = {name: KeyFacts() for name in _likely_keys(names)}
    with ThreadPoolExecutor(COLUMNS_AT_ONCE) as pool, reachable(uri):
        for file in files:
            if file.fault:
                found.unread.append(f"file {file.name} {file.fault}")
                continue
            for part in read_file(filesystem, file, file.columns()):
                if isinstance(part, Batch):
                    _take(found, part, pool)
                else:
                    found.unread.append(
                        f"rows {part.start + 1} to {part.start + part.rows} of file {file.name} can't be read: "
                        f"{part.reason}"
                    )
    return found


def in_rows(count: int) -> str:
    """A number of rows in words."""
    return f"{count:,} row" + ("" if count == 1 else "s")


def told(text: str, most: int = MOST_CHARACTERS) -> str:
    """A cell or a name on one line and cut, masked before the cut, which could hide what is an address."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in masked_text(text)).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _likely_keys(names: list[str]) -> list[str]:
    ranked = [
        (rank, name)
        for name in names
        for words in (NAMES["sku"], HANDLES)
        if (rank := likeness(name, words)) is not None
    ]
    return list(dict.fromkeys(name for _, name in sorted(ranked, key=lambda each: each[0])))[:MOST_KEYS]


def _take(found: Inspection, batch: Batch, pool: ThreadPoolExecutor) -> None:
    found.rows += batch.rows
    absent = pa.nulls(batch.rows, pa.string())

    def add(name: str) -> None:
        if name in batch.cells:
            found.columns[name].add(batch.cells[name])
        else:
            found.columns[name].rows += batch.rows

    list(pool.map(add, found.columns))
    for name, key in found.keys.items():
        cells: Any = batch.cells.get(name, absent)
        key.add(plain_texts(cells).to_pylist())


def _repeats(name: str, key: KeyFacts) -> Iterator[str]:
    if key.blank:
        yield f"column {name!r} is blank in {in_rows(key.blank)}"
    if key.next:
        yield f"column {name!r} is the same as in the row before in {in_rows(key.next)}"
    if key.later:
        yield f"column {name!r} has values that come again further down: {in_rows(key.later)}"


def _oddities(name: str, column: ColumnFacts, rows: int) -> Iterator[str]:
    if not column.filled:
        yield f"column {name!r} is blank in all {in_rows(rows)}"
    if column.padded:
        yield f"column {name!r} has spaces around its text in {in_rows(column.padded)}; they are left out"
    for word, count in column.odd_words.items():
        yield f"column {name!r} says {word!r} in {in_rows(count)}"
    if column.stores_text and column.seen and column.share("numbers") >= SHARE_OF_NUMBERS:
        yield f"column {name!r} holds numbers stored as text"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_TOLD} more files" if len(names) > MOST_TOLD else ""
    return ", ".join(names[:MOST_TOLD]) + more
