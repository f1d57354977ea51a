"""Catalogs as files and folders, whole, drifting and broken, on disk and on S3."""

from __future__ import annotations

import dataclasses
import gzip
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.local import LocalFileSystem

from blocks.errors import CatalogError
from catalogs.catalog import Catalog
from catalogs.mapping import CatalogSource
from catalogs.rows import Item, Reject
from tests.s3_servers import S3Server


def opened(uri: Path | str, **settings: Any) -> Catalog:
    """A catalog on this disk."""
    return Catalog.open(CatalogSource(uri=str(uri), **settings))


def write(path: Path, *, row_group_size: int | None = None, **columns: Any) -> Path:
    """Write columns as a Parquet file, and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, row_group_size=row_group_size)
    return path


def rejected(catalog: Catalog) -> list[tuple[int, str]]:
    """The rows and reasons of what can't be used."""
    return [(entry.row, entry.reason) for entry in catalog.items() if isinstance(entry, Reject)]


def skus(catalog: Catalog) -> list[tuple[int, str | None]]:
    """The rows and SKUs of the items."""
    return [(entry.row, entry.sku) for entry in catalog.items() if isinstance(entry, Item)]


def refusal(uri: Path | str) -> str:
    """What is said of a catalog that can't be opened."""
    with pytest.raises(CatalogError) as caught:
        opened(uri)
    return str(caught.value)


def test_a_file_is_a_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path may be absolute, relative or a file:// address; the file may have any name."""
    path = write(tmp_path / "my catalog", id=["A", "B"], fabric=["linen", None])
    monkeypatch.chdir(tmp_path)
    for uri in (path, "my catalog", f"file://{tmp_path}/my%20catalog"):
        catalog = opened(uri, columns={"sku": "id"})

        assert skus(catalog) == [(1, "A"), (2, "B")]
        assert (catalog.columns, catalog.rows_total) == (["id", "fabric", "sku"], 2)
        assert catalog.folder == f"{tmp_path}/"


def test_a_folder_is_read_by_the_names_of_its_files(tmp_path: Path) -> None:
    """Rows are numbered on through all files; other programs' leftovers are passed over."""
    write(tmp_path / "catalog" / "part-2.parquet", sku=["C"])
    write(tmp_path / "catalog" / "part-1.PARQUET", sku=["A", "B"])
    write(tmp_path / "catalog" / "more" / "deep" / "part-0.parquet", sku=["Z"])
    write(tmp_path / "catalog" / "_temporary" / "part-9.parquet", sku=["X"])
    write(tmp_path / "catalog" / ".part-1.parquet", sku=["X"])
    (tmp_path / "catalog" / "_SUCCESS").touch()
    (tmp_path / "catalog" / "notes.txt").write_text("hello")
    catalog = opened(f"{tmp_path}/catalog/")

    assert skus(catalog) == [(1, "Z"), (2, "A"), (3, "B"), (4, "C")]
    assert (catalog.rows_total, catalog.folder) == (4, f"{tmp_path}/catalog/")


def test_folders_that_name_a_column_are_read_as_one(tmp_path: Path) -> None:
    """Hive's way of writing: `season=SS26/`; a column of that name inside the file is better known."""
    write(tmp_path / "season=SS26" / "gender=Women" / "0.parquet", sku=["A"])
    write(tmp_path / "season=A%26W" / "0.parquet", sku=["B"], gender=["Men"])
    write(tmp_path / "season=__HIVE_DEFAULT_PARTITION__" / "gender=Women" / "0.parquet", sku=["C"], gender=["Men"])
    catalog = opened(tmp_path)
    items = [item for item in catalog.items() if isinstance(item, Item)]

    assert set(catalog.columns) == {"sku", "season", "gender"}
    assert {item.sku: (item.columns["season"], item.gender) for item in items} == {
        "A": ("SS26", "woman"),
        "B": ("A&W", "man"),
        "C": (None, "man"),
    }


def test_files_that_drift_apart_are_one_catalog(tmp_path: Path) -> None:
    """A column that a file does not have is blank there, and one of another type reads the same."""
    write(tmp_path / "1.parquet", sku=[1, 2], size=[40, None], color=["red", "blue"])
    write(tmp_path / "2.parquet", sku=["3"], size=[40.0], fabric=["linen"])
    write(tmp_path / "3.parquet", fabric=["wool"])
    catalog = opened(tmp_path)
    items = [item for item in catalog.items() if isinstance(item, Item)]

    assert [dict(item.columns) for item in items] == [
        {"sku": "1", "size": 40, "color": "red", "fabric": None},
        {"sku": "2", "size": None, "color": "blue", "fabric": None},
        {"sku": "3", "size": 40, "color": None, "fabric": "linen"},
    ]
    assert rejected(catalog) == [(4, "it is blank, and every row needs a SKU")]


def test_a_sku_in_two_files_comes_twice(tmp_path: Path) -> None:
    """The check goes through the whole catalog."""
    write(tmp_path / "1.parquet", sku=["A"])
    write(tmp_path / "2.parquet", sku=["B", "A"])

    assert rejected(opened(tmp_path)) == [(3, "row 1 has the same SKU")]


def test_a_catalog_is_read_as_often_as_wanted(tmp_path: Path) -> None:
    """Each reading starts anew, also with the SKUs it has seen."""
    catalog = opened(write(tmp_path / "c.parquet", sku=["A"]))

    assert skus(catalog) == skus(catalog) == [(1, "A")]


def test_a_catalog_that_is_not_there(tmp_path: Path) -> None:
    """The address is repeated, and where it is looked for."""
    assert refusal(tmp_path / "none.parquet") == (
        f"there is no catalog at '{tmp_path}/none.parquet': no such file, folder or bucket. "
        "Check the address; a local path is one on the machine that runs the flow."
    )


def test_an_address_of_another_kind() -> None:
    """What can be read is listed."""
    assert "use 's3://', 'file:///', 'memory://' or a path" in refusal("https://example.com/c.parquet")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty: it has no bytes at all"),
        (b"\xef\xbb\xbfsku,title\nA,Shirt\n", "is no Parquet file; it looks like CSV, beginning 'sku,title'"),
        (
            b"\n <!DOCTYPE HTML><html>",
            "is no Parquet file; it looks like an HTML page, perhaps an error or a login page",
        ),
        (b"<?xml version='1.0'?><Error/>", "is no Parquet file; it looks like XML, perhaps a storage service's error"),
        (b'[{"sku": "A"}]', "is no Parquet file; it looks like JSON"),
        (b"PK\x03\x04xxxx", "is no Parquet file; it looks like a zip archive or an Excel workbook"),
        (gzip.compress(b"sku", mtime=0), "is no Parquet file; it looks like a gzip archive; unpack it first"),
        (b"PAREabcdPARE", "is no Parquet file; it looks like Parquet with encrypted columns"),
        (b"hello there\n", "is no Parquet file; its first line is 'hello there'"),
        (b"\x89PNG\r\n\x1a\n", "is no Parquet file; it begins with the bytes 89 50 4e 47 0d 0a 1a 0a"),
        (b" \n ", "is no Parquet file; its first line is ''"),
        (b"PAR1", "is cut short: it begins as Parquet, but its end is not there after 4 bytes; copy it again"),
        (b"PAR1" + b"x" * 4000, "is cut short: it begins as Parquet, but its end is not there after 4,004 bytes"),
        (b"PAR1" + b"\xff" * 40 + b"\x20\0\0\0PAR1", "is a damaged Parquet file: Couldn't deserialize thrift"),
    ],
)
def test_what_is_no_parquet_is_called_what_it_is(tmp_path: Path, content: bytes, words: str) -> None:
    """The owner of the file knows at once what went wrong on the way."""
    path = tmp_path / "c.parquet"
    path.write_bytes(content)

    assert refusal(path).startswith(f"catalog '{path}' can't be read: c.parquet {words}")


def test_a_folder_without_parquet_files(tmp_path: Path) -> None:
    """The endings that are looked for are named."""
    (tmp_path / "catalog.csv").write_text("sku\n")

    assert refusal(tmp_path) == (
        f"folder '{tmp_path}' holds no Parquet files. Their names end in .parquet, .parq or .pq."
    )


def test_a_folder_of_broken_files(tmp_path: Path) -> None:
    """With nothing to read, the first fault is told and the others counted."""
    for name in ("1.parquet", "2.parquet", "3.parquet"):
        (tmp_path / name).touch()

    assert refusal(tmp_path) == (
        f"catalog '{tmp_path}' can't be read: 1.parquet is empty: it has no bytes at all (and 2 more such files)."
    )


def test_a_catalog_without_rows(tmp_path: Path) -> None:
    """An export that came out empty is an error, not a run with nothing to do."""
    path = write(tmp_path / "c.parquet", sku=pa.array([], pa.string()))

    assert refusal(path) == f"catalog '{path}' has no rows."


def test_columns_of_one_name_and_of_none_can_be_told_apart(tmp_path: Path) -> None:
    """The first keeps its name; all can be mapped."""
    path = tmp_path / "c.parquet"
    columns = [pa.array([value]) for value in ("A", "Shirt", "B", "red")]
    pq.write_table(pa.table(columns, names=["sku", "title", "sku", ""]), path)
    catalog = opened(path, columns={"color": "column 4"})
    [item] = [entry for entry in catalog.items() if isinstance(entry, Item)]

    assert catalog.columns == ["sku", "title", "sku (2)", "column 4", "color"]
    assert dict(item.columns) == {"sku": "A", "title": "Shirt", "sku (2)": "B", "column 4": "red", "color": "red"}


def test_a_broken_file_among_others_is_one_reject(tmp_path: Path) -> None:
    """The rest of the catalog is worth its night."""
    write(tmp_path / "1.parquet", sku=["A"])
    (tmp_path / "2.parquet").write_bytes(b"PAR1")
    write(tmp_path / "3.parquet", sku=["B"])
    catalog = opened(tmp_path)

    assert skus(catalog) == [(1, "A"), (2, "B")]
    assert [entry for entry in catalog.items() if isinstance(entry, Reject)] == [
        Reject(
            row=2,
            sku=None,
            column="",
            value="2.parquet",
            reason="file 2.parquet is cut short: it begins as Parquet, but its end is not there after 4 bytes; "
            "copy it again",
        )
    ]


def test_a_broken_part_of_a_file_is_one_reject(tmp_path: Path) -> None:
    """The rows around it keep their numbers."""
    path = write(tmp_path / "c.parquet", sku=[f"SKU-{number}" for number in range(30)], row_group_size=10)
    chunk = pq.read_metadata(path).row_group(1).column(0)
    content = bytearray(path.read_bytes())
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    content[start : start + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    path.write_bytes(content)
    catalog = opened(path)

    assert [row for row, _ in skus(catalog)] == [*range(1, 11), *range(21, 31)]
    [(row, reason)] = rejected(catalog)
    assert row == 11
    assert reason.startswith("rows 11 to 20, in file c.parquet, can't be read: ")


def test_a_file_replaced_while_it_is_read_is_one_reject(tmp_path: Path) -> None:
    """Rows of two versions are never mixed under the numbers of one."""
    path = write(tmp_path / "c.parquet", sku=["A", "B"])
    catalog = opened(path)
    write(path, sku=["A", "B", "C"])

    assert rejected(catalog) == [
        (1, "rows 1 to 2, in file c.parquet, can't be read: it was replaced while the catalog was read")
    ]


def test_a_file_removed_while_it_is_read_is_one_reject(tmp_path: Path) -> None:
    """A missing file is named."""
    path = write(tmp_path / "c.parquet", sku=["A", "B"])
    catalog = opened(path)
    path.unlink()

    [(row, reason)] = rejected(catalog)
    assert row == 1
    assert reason.startswith("rows 1 to 2, in file c.parquet, can't be read: ")
    assert "No such file" in reason


class _GoneAway(LocalFileSystem):
    """A network disk that hangs up."""

    def open(self, *_: Any, **__: Any) -> Any:
        raise ConnectionResetError(104, "Connection reset by peer")


def test_a_storage_that_goes_away_stops_the_reading(tmp_path: Path) -> None:
    """Rows that were never seen are no rejects: the run must not pass for done."""
    catalog = opened(write(tmp_path / "c.parquet", sku=["A"]))

    with pytest.raises(CatalogError) as caught:
        list(dataclasses.replace(catalog, filesystem=_GoneAway()).items())

    assert str(caught.value) == (
        f"catalog '{tmp_path}/c.parquet' can't be read: its storage does not answer: "
        "[Errno 104] Connection reset by peer. "
        "Check the network, the endpoint and the credentials, then run again."
    )


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """One row group of 200 MB is read in slices."""
    path = tmp_path / "c.parquet"
    rows, text = 4000, "x" * 50_000
    table = pa.table({"sku": [str(number) for number in range(rows)], "story": [text + str(n) for n in range(rows)]})
    pq.write_table(table, path, compression="zstd", use_dictionary=False)
    size = table.nbytes
    del table
    before, most = pa.total_allocated_bytes(), 0
    for _ in opened(path).items():
        most = max(most, pa.total_allocated_bytes() - before)

    assert size > 200_000_000
    assert most < size / 2


def parquet(**columns: Any) -> bytes:
    """Columns as the bytes of a Parquet file."""
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, row_group_size=1)
    return file.getvalue()


async def test_a_catalog_on_s3(moto: S3Server) -> None:
    """A folder with its markers, a single file, and a whole bucket, with the credentials of a storage block."""
    storage = moto.storage("output")
    bucket = storage.root.split("/")[2]
    put = storage.at(f"s3://{bucket}")
    for key, content in {
        "shop/catalog/2/b.parquet": parquet(sku=["C"]),
        "shop/catalog/1/season=SS26/a.parquet": parquet(sku=["A", "B"], title=["x", "y"]),
        "shop/catalog/_SUCCESS": b"",
        "shop/catalog-old/z.parquet": parquet(sku=["Z"]),
    }.items():
        await put.write(key, content, content_type="application/octet-stream")
    folder = Catalog.open(CatalogSource(uri=f"s3://{bucket}/shop/catalog/"), storage)
    file = Catalog.open(CatalogSource(uri=f"s3://{bucket}/shop/catalog/2/b.parquet"), storage)
    whole = Catalog.open(CatalogSource(uri=f"s3://{bucket}"), storage)

    assert skus(folder) == [(1, "A"), (2, "B"), (3, "C")]
    assert folder.columns == ["sku", "title", "season"]
    assert folder.folder == f"s3://{bucket}/shop/catalog/"
    assert (skus(file), file.folder) == ([(1, "C")], f"s3://{bucket}/shop/catalog/2/")
    assert whole.rows_total == 4


def test_what_is_missing_on_s3(moto: S3Server) -> None:
    """A missing bucket and a missing folder are named."""
    storage = moto.storage()
    for uri in (f"{storage.root}/none", "s3://catwalk-no-such-bucket/catalog"):
        with pytest.raises(CatalogError, match=f"there is no catalog at '{uri}': no such file, folder or bucket"):
            Catalog.open(CatalogSource(uri=uri), storage)


def test_s3_without_credentials() -> None:
    """The storage's own words say what is missing."""
    assert refusal("s3://catwalk-bucket/catalog") == (
        "catalog 's3://catwalk-bucket/catalog' can't be read: its storage does not answer: "
        "Unable to locate credentials. Check the network, the endpoint and the credentials, then run again."
    )
