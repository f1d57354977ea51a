"""What Prefect's server has of a run of more than a thousand units."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalogs.manifest import read_rows
from tests.deployments.conftest import Catwalk
from tests.flows.bench import EDIT_ONLY, drawn
from tests.prefect_server import PrefectServer, eventually

pytestmark = [pytest.mark.server, pytest.mark.timeout(600)]

ITEMS = 1001
CHUNKS = [f"items {first} to {min(first + 49, ITEMS)}" for first in range(1, ITEMS + 1, 50)]
HELD_SHOWN = 3
RECORD_SECONDS = 200.0
# No other run on the same server is called so.
OUTPUT = "records-of-a-large-run"


def test_a_large_run_has_a_task_run_per_chunk_and_rows_in_the_catalogs_order(
    catwalk: Catwalk, prefect_server: PrefectServer, tmp_path: Path
) -> None:
    """A refused key holds all of it; a few items of what is held for one cause have task runs of their own."""
    drawn(tmp_path / "shirt.png")
    columns = {
        "sku": [f"S{number}" for number in range(ITEMS)],
        "product_image": ["shirt.png"] * ITEMS,
        "color": [f"red {number}" for number in range(ITEMS)],
    }
    pq.write_table(pa.table(columns), tmp_path / "catalog.parquet")
    (tmp_path / "recipe.yaml").write_text(EDIT_ONLY)
    arguments = ["run", "catalog.parquet", "--output", OUTPUT, "--recipe", "recipe.yaml"]

    ended = catwalk(*arguments, folder=tmp_path, CLAID_API_KEY="wrong")

    rows = list(read_rows(tmp_path / OUTPUT / "manifest.parquet"))
    assert 1 == ended.code
    assert [f"S{number}" for number in range(ITEMS)] == [row["sku"] for row in rows]
    assert {"held"} == {row["status"] for row in rows}

    def recorded() -> Counter[str] | None:
        within = {"name": {"any_": [str(tmp_path / OUTPUT), OUTPUT]}}
        found: list[dict[str, Any]] = prefect_server.find("task_runs", flow_runs=within)
        states = Counter("chunk" if run["name"] in CHUNKS else run["state_type"] for run in found)
        return states if states.total() == len(CHUNKS) + HELD_SHOWN else None

    states = eventually(recorded, "the task runs on record", seconds=RECORD_SECONDS)
    assert Counter(chunk=len(CHUNKS), FAILED=HELD_SHOWN) == states
