"""A recipe with looks, from the command line to manifest, pictures and gallery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from catalogs.manifest import read_rows
from tests.deployments.conftest import Catwalk

pytestmark = [pytest.mark.slow, pytest.mark.server]


def test_three_skus_in_three_scenes_are_paid_as_their_distinct_units(
    catwalk: Catwalk,
    write_catalog: Callable[..., Path],
    charges: Callable[[], list[dict[str, Any]]],
    tmp_path: Path,
) -> None:
    """One model and one refined picture a SKU, three scenes of it; the next run finds nothing to do."""
    write_catalog(tmp_path)
    before = len(charges())
    asked = ("run", "catalog.parquet", "--recipe", "three-scenes", "--output", "out", "--limit", "3")
    quoted, said = catwalk(*asked, "--dry-run", folder=tmp_path), catwalk(*asked, folder=tmp_path)
    again = catwalk(*asked, "--dry-run", folder=tmp_path)
    billed = Counter(charge["operation"] for charge in charges()[before:])
    rows = list(read_rows(tmp_path / "out/manifest.parquet"))

    assert (0, 0, 0) == (quoted.code, said.code, again.code), said.err
    assert "9 items to do: 15 units for 105 credits" in quoted.out + quoted.err
    assert (
        "9 of 9 items delivered; studio 3 of 3, street 3 of 3, beach 3 of 3; credits: 15 Claid, 90 AILabTools"
        in said.out
    )
    assert "0 items to do, 9 unchanged: nothing to pay" in again.out + again.err
    assert {"claid.fashion_models": 3, "ailabtools.try_on_refiner": 3, "claid.scene": 9} == billed
    assert (27, 15, 105.0) == (len(rows), len({row["picture"] for row in rows}), sum(row["credits"] for row in rows))
    assert ["studio"] * 3 + ["street"] * 3 + ["beach"] * 3 == [row["look"] for row in rows[:9]]
    assert 9 == (tmp_path / "out/gallery.html").read_text("utf-8").count("<article")
