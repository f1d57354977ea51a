"""Some SKUs' rows out of a large table, and names that are nearly right."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from blocks.errors import StorageError
from blocks.storage import ObjectStorage
from catalogs.lookup import nearest_skus, rows_of_skus

TABLE = "manifest.parquet"


@pytest.fixture(params=["local", "moto"])
async def output(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[ObjectStorage]:
    """An output with a table of ten row groups, in which each SKU has two rows and one row has none."""
    rows: list[dict[str, object]] = [
        {"sku": f"CW-{number:03}", "stage": stage} for number in range(50) for stage in ("model", "scene")
    ]
    table = pa.Table.from_pylist([*rows, {"sku": None, "stage": "model"}])
    pq.write_table(table, tmp_path / TABLE, row_group_size=11)
    local = request.param == "local"
    storage = ObjectStorage(root=str(tmp_path)) if local else request.getfixturevalue("moto").storage()
    if not local:
        await storage.upload(TABLE, tmp_path / TABLE, content_type="application/vnd.apache.parquet")
    yield storage
    await storage.close()


def test_rows_are_found_wherever_they_stand(output: ObjectStorage) -> None:
    """In the table's order; a SKU that is not there has none."""
    found = rows_of_skus(output, TABLE, ["CW-049", "CW-005", "CW-999"])

    assert [("CW-005", "model"), ("CW-005", "scene"), ("CW-049", "model"), ("CW-049", "scene")] == [
        (row["sku"], row["stage"]) for row in found
    ]


def test_a_table_that_is_not_there_has_no_rows(output: ObjectStorage) -> None:
    """A first run has no manifest until its end."""
    assert [] == rows_of_skus(output, "plans/none.parquet", ["CW-001"])
    assert [] == nearest_skus(output, "plans/none.parquet", "CW-001")


def test_the_nearest_names_come_closest_first(output: ObjectStorage) -> None:
    """Whatever the case of its letters; nothing is near to what is quite another word."""
    assert "CW-017" == nearest_skus(output, TABLE, "cw-0 17")[0]
    assert [] == nearest_skus(output, TABLE, "blouse")


async def test_what_is_no_table_is_said_to_be_none(output: ObjectStorage) -> None:
    """With its address."""
    await output.write(TABLE, b"<html>no such bucket</html>", content_type="text/html")

    with pytest.raises(StorageError, match=r"manifest\.parquet can't be read"):
        rows_of_skus(output, TABLE, ["CW-001"])
