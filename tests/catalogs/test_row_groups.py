"""Rows out of row groups of every size, columns of every type and name, and files damaged anywhere."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.local import LocalFileSystem

from catalogs import parquet
from catalogs.cells import cell_values
from catalogs.parquet import Batch, DataFile, Unread, data_files, read_file


def parts_of(path: Path, columns: list[str] | None = None) -> list[Batch | Unread]:
    """The file as it is read."""
    filesystem = LocalFileSystem()
    [file] = data_files(filesystem, str(path.parent), [str(path)])

    assert file.fault is None
    return list(read_file(filesystem, file, columns or file.columns()))


def rows_of(parts: list[Batch | Unread], column: str) -> list[tuple[int, Any]]:
    """Row numbers and cells of one column."""
    return [
        (part.start + place, cell)
        for part in parts
        if isinstance(part, Batch)
        for place, cell in enumerate(cell_values(part.cells[column]))
    ]


def damage(path: Path, group: int, column: int = 0) -> None:
    """Overwrite one column of one row group."""
    chunk = pq.read_metadata(path).row_group(group).column(column)
    content = bytearray(path.read_bytes())
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    content[start : start + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    path.write_bytes(content)


NESTED: dict[str, Any] = {
    "sku": pa.array(["A", "B"]),
    "images": pa.array([[{"url": "a.jpg", "width": 1}], None]),
    "facts": pa.array([[("wool", 1)], [("silk", 2)]], pa.map_(pa.string(), pa.int64())),
    "size": pa.array(["S", "M"]).dictionary_encode(),
    "tags": pa.array([[["x"], []], None]),
    "place": pa.array([{"a": {"b": 1, "c": "x"}}, None]),
    "place.a": pa.array(["flat", "too"]),
    "price": pa.array([Decimal(1), Decimal(2)], pa.decimal128(10, 2)),
    "last": pa.array(["y", "z"], pa.large_string()),
}


@pytest.mark.parametrize("name", NESTED)
def test_each_column_is_read_by_itself_whatever_stands_before_it(tmp_path: Path, name: str) -> None:
    """Nested columns are several in Parquet, and a name with a dot is no path."""
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table(NESTED), path)
    [part] = parts_of(path, [name])

    assert isinstance(part, Batch)
    assert [name] == list(part.cells)
    assert NESTED[name].to_pylist() == part.cells[name].to_pylist()


def test_views_are_read_as_what_they_show(tmp_path: Path) -> None:
    """Most of Arrow's functions don't know them."""
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table({"t": pa.array(["a"], pa.string_view()), "b": pa.array([b"a"], pa.binary_view())}), path)
    [part] = parts_of(path)

    assert isinstance(part, Batch)
    assert [pa.large_string(), pa.large_binary()] == [column.type for column in part.cells.values()]


def test_columns_of_the_same_name_are_read_apart(tmp_path: Path) -> None:
    """Each under its made-up name, which is told."""
    path = tmp_path / "c.parquet"
    columns = [pa.array([[value]]) for value in "abc"]
    pq.write_table(pa.table(columns, names=["title", "", "title"]), path)
    [file] = data_files(LocalFileSystem(), str(tmp_path), [str(path)])

    assert {"column 2": "", "title (2)": "title"} == file.renamed
    assert [(0, ["c"])] == rows_of(parts_of(path, ["title (2)"]), "title (2)")
    assert [(0, ["b"])] == rows_of(parts_of(path, ["column 2", "title"]), "column 2")


def test_many_small_row_groups_are_read_together(tmp_path: Path) -> None:
    """A file of a row per group costs little more than one of a single group."""
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table({"sku": [f"A{n}" for n in range(2_000)]}), path, row_group_size=1)
    parts = parts_of(path)

    assert 3 > len(parts)
    assert [(n, f"A{n}") for n in range(2_000)] == rows_of(parts, "sku")


@pytest.mark.parametrize("damaged", [0, 3, 9])
def test_one_damaged_group_of_many_costs_its_own_rows(tmp_path: Path, damaged: int) -> None:
    """Those around it are read, each once."""
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table({"sku": [f"A{n}" for n in range(30)]}), path, row_group_size=3)
    damage(path, damaged)
    parts = parts_of(path)
    lost = range(3 * damaged, 3 * damaged + 3)

    assert [(n, f"A{n}") for n in range(30) if n not in lost] == rows_of(parts, "sku")
    assert [(lost.start, 3)] == [(part.start, part.rows) for part in parts if isinstance(part, Unread)]


def test_a_file_of_other_columns_is_not_taken_for_the_one_looked_into(tmp_path: Path) -> None:
    """Replaced between the two looks, with as many rows."""
    path, filesystem = tmp_path / "c.parquet", LocalFileSystem()
    pq.write_table(pa.table({"sku": ["A"], "title": ["x"]}), path)
    [file] = data_files(filesystem, str(tmp_path), [str(path)])
    pq.write_table(pa.table({"title": ["x"], "sku": ["A"]}), path)

    assert [Unread(0, 1, "it was replaced while the catalog was read")] == list(read_file(filesystem, file, ["sku"]))


def test_a_footer_that_no_memory_holds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million row groups; the way out is said."""
    monkeypatch.setattr(parquet, "LARGE_FOOTER_BYTES", 1_000)
    monkeypatch.setattr(parquet, "MOST_FOOTER_BYTES", 20_000)
    path, small = tmp_path / "c.parquet", tmp_path / "small.parquet"
    pq.write_table(pa.table({"sku": [str(n) for n in range(1_000)]}), path, row_group_size=1)
    pq.write_table(pa.table({"sku": [str(n) for n in range(1_000)]}), small, row_group_size=200)
    large, usual = data_files(LocalFileSystem(), str(tmp_path), [str(path), str(small)])

    assert (1_000, None) == (usual.rows, usual.fault)
    assert large == DataFile(
        str(path),
        "c.parquet",
        fault="has a footer of 0 MB, as it has too many row groups; write it with row groups of 10,000 rows or more",
    )


@pytest.mark.parametrize("cut", [1, 8, 100, 20_000])
def test_a_file_cut_anywhere_is_named(tmp_path: Path, cut: int) -> None:
    """Also a large one, whose end is looked at first."""
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table({"sku": [str(n) for n in range(20_000)]}), path, compression="none", use_dictionary=False)
    path.write_bytes(path.read_bytes()[:-cut])
    [file] = data_files(LocalFileSystem(), str(tmp_path), [str(path)])

    assert file.fault is not None
    assert "is cut short" in file.fault


def test_a_footer_damaged_anywhere_is_a_fault_and_never_a_crash(tmp_path: Path) -> None:
    """Whatever a byte in it was changed to, down to a column name that is no text."""
    path, filesystem = tmp_path / "c.parquet", LocalFileSystem()
    pq.write_table(pa.table({"sku": [f"A{n}" for n in range(30)], "título": ["x", None, "y"] * 10}), path)
    whole = path.read_bytes()
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    places, faults = range(footer, len(whole) - 4, 3), 0
    for place in places:
        content = bytearray(whole)
        content[place] ^= 0xD5
        path.write_bytes(content)
        [file] = data_files(filesystem, str(tmp_path), [str(path)])
        faults += file.fault is not None
        if file.fault is None:
            list(read_file(filesystem, file, file.columns()))

    assert 0 < faults < len(places)
