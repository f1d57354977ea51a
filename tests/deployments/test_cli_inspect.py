"""`catwalk inspect`, and messy exports on their way from it to pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.catalogs.exports import feed_export, shop_export
from tests.deployments.conftest import Catwalk

DELIVERED, NOT_DONE, USAGE, PARTIAL = 0, 1, 2, 3


def test_a_catalog_is_shown_and_a_mapping_proposed(offline_catwalk: Catwalk, tmp_path: Path) -> None:
    """Columns as a table that programs can read too, then what is odd, then the mapping."""
    shop_export(tmp_path / "shop")
    said = offline_catwalk("inspect", "shop", folder=tmp_path)

    assert (DELIVERED, "") == (said.code, said.err)
    assert "20 rows, 14 columns, 4 files" in said.out
    assert "products_export_4.parquet: is cut short" in said.out
    assert "Title\tstring\t25.0%\t5\t29\tBreton stripe boat-neck tee | Silk pussy-bow blouse" in said.out
    assert "column 'Variant Price' is double here and string there" in said.out
    assert "\ngroup_by: Handle\n" in said.out


def test_samples_open_nothing(offline_catwalk: Catwalk, tmp_path: Path) -> None:
    """Signatures in addresses are not shown, and a cell stays on its line."""
    signed = "https://cdn.example/a.jpg?X-Amz-Signature=verysecret"
    pq.write_table(pa.table({"sku": ["A\n\x1b[31m"], "image": [signed]}), tmp_path / "c.parquet")
    said = offline_catwalk("inspect", "c.parquet", folder=tmp_path)

    assert "https://cdn.example/a.jpg?…" in said.out
    assert "verysecret" not in said.out + said.err
    assert "\x1b" not in said.out


def test_a_mapping_that_is_there_is_not_overwritten(offline_catwalk: Catwalk, tmp_path: Path) -> None:
    """It may have been edited for an hour."""
    pq.write_table(pa.table({"sku": ["A"]}), tmp_path / "c.parquet")
    (tmp_path / "mapping.yaml").write_text("columns: {}\n")
    said = offline_catwalk("inspect", "c.parquet", "--output", "mapping.yaml", folder=tmp_path)

    assert NOT_DONE == said.code
    assert "Error: 'mapping.yaml' is there already, and may have been edited" in said.err
    assert "columns: {}\n" == (tmp_path / "mapping.yaml").read_text()


@pytest.mark.parametrize(
    ("catalog", "code", "says"),
    [
        ("none.parquet", NOT_DONE, "Error: there is no catalog at 'none.parquet'"),
        ("", USAGE, "it is empty"),
        ("text.parquet", NOT_DONE, "text.parquet is no Parquet file; it looks like CSV, beginning 'sku,title'"),
    ],
)
def test_what_cannot_be_looked_into_is_said(
    offline_catwalk: Catwalk, tmp_path: Path, catalog: str, code: int, says: str
) -> None:
    """In the words of a run, never as a traceback."""
    (tmp_path / "text.parquet").write_text("sku,title\n1,Dress\n")
    said = offline_catwalk("inspect", catalog, folder=tmp_path)

    assert code == said.code
    assert says in said.err
    assert "Traceback" not in said.err


@pytest.mark.server
@pytest.mark.parametrize(
    ("export", "items", "code"),
    [(shop_export, 5, PARTIAL), pytest.param(feed_export, 4, DELIVERED, marks=pytest.mark.slow)],
)
def test_an_export_becomes_pictures_by_the_proposed_mapping(
    catwalk: Catwalk, tmp_path: Path, export: Callable[[Path], Path], items: int, code: int
) -> None:
    """Inspect, then a dry run, then a run on the sandbox: every product delivered once, the cut file named."""
    export(tmp_path / "catalog")
    looked = catwalk("inspect", "catalog", "--output", "mapping.yaml", folder=tmp_path)
    run = ("run", "catalog", "--config", "mapping.yaml", "--recipe", "preset-model", "--output", "pictures")
    priced = catwalk(*run, "--dry-run", folder=tmp_path)
    done = catwalk(*run, folder=tmp_path)

    assert (DELIVERED, "") == (looked.code, looked.err)
    assert DELIVERED == priced.code
    assert f"{items} items to do" in priced.out
    assert code == done.code
    assert f"{items} of {items} items delivered" in done.out
    assert items == len(list((tmp_path / "pictures" / "pictures").iterdir()))
    assert "Traceback" not in looked.err + priced.err + done.err
