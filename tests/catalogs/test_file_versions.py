"""A catalog's files, as their storage tells of them."""

from __future__ import annotations

import os
from pathlib import Path

from catalogs.catalog import Catalog
from catalogs.file_versions import FileVersions, file_versions
from catalogs.mapping import CatalogSource
from tests.catalogs.made import catalog_at, garment_rows, parquet_of
from tests.s3_servers import S3Server


def versions(catalog: Catalog) -> FileVersions:
    """What is known of a catalog's files."""
    return file_versions(catalog.source.uri, catalog.filesystem, catalog.files)


def test_a_file_that_was_written_again_has_another_version(tmp_path: Path) -> None:
    """Another time, name or size makes another digest; a second look at the same does not."""
    file = parquet_of(garment_rows(3), tmp_path / "catalog" / "a.parquet")
    first = versions(catalog_at(file.parent))
    again = versions(catalog_at(file.parent))
    os.utime(file, (0, 0))
    touched = versions(catalog_at(file.parent))
    file.rename(file.with_name("b.parquet"))
    renamed = versions(catalog_at(file.parent))

    assert first == again
    assert (1, file.with_name("b.parquet").stat().st_size, "a.parquet") == (
        first.files,
        first.size,
        first.first[0].name,
    )
    assert 3 == len({first.digest, touched.digest, renamed.digest})


def test_of_many_files_the_first_are_named_and_all_count(tmp_path: Path) -> None:
    """The document stays small."""
    for number in range(120):
        parquet_of(garment_rows(1), tmp_path / f"{number:03}.parquet")
    before = versions(catalog_at(tmp_path))
    os.utime(tmp_path / "119.parquet", (0, 0))

    after = versions(catalog_at(tmp_path))

    assert (120, 100) == (before.files, len(before.first))
    assert before.first == after.first
    assert before.digest != after.digest


async def test_objects_are_known_by_their_etags(moto: S3Server, tmp_path: Path) -> None:
    """The same bytes written again are no other version."""
    storage = moto.storage("shop")
    file = parquet_of(garment_rows(2), tmp_path / "rows.parquet")
    await storage.upload("rows.parquet", file, content_type="")
    source = CatalogSource(uri=storage.root)
    first = versions(Catalog.open(source, storage))
    await storage.upload("rows.parquet", file, content_type="")
    again = versions(Catalog.open(source, storage))
    await storage.upload("rows.parquet", parquet_of(garment_rows(3), tmp_path / "other.parquet"), content_type="")
    other = versions(Catalog.open(source, storage))

    assert first.first[0].version
    assert first == again
    assert first.digest != other.digest
