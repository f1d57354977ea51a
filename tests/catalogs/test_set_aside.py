"""Rows set aside in any order, and brought back in the plan's."""

from __future__ import annotations

from pathlib import Path

from catalogs.manifest import ManifestWriter, read_rows
from catalogs.set_aside import SetAside
from tests.catalogs.made import a_row


def test_pieces_come_back_by_their_places(tmp_path: Path) -> None:
    """In whatever order they were put; one without rows is none."""
    with SetAside(tmp_path / "rows.arrow") as aside:
        for place in (50, 0, 150, 100):
            aside.put(place, [a_row(sku=f"S{place + number}") for number in range(3)])
        aside.put(75, [])
    with ManifestWriter(tmp_path / "manifest.parquet") as writer:
        for batch in aside.in_order():
            writer.add_batch(batch)

    skus = [row["sku"] for row in read_rows(tmp_path / "manifest.parquet")]
    assert [f"S{place + number}" for place in (0, 50, 100, 150) for number in range(3)] == skus


def test_nothing_set_aside_is_an_empty_manifest(tmp_path: Path) -> None:
    """A shard whose every item has left it still has its part."""
    with SetAside(tmp_path / "rows.arrow") as aside:
        pass

    assert [] == list(aside.in_order())
