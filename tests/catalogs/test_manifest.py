"""The manifest: rows come back as written, the current state replaces the former, any tool reads it."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.errors import StorageError
from catalogs import manifest, manifest_merge
from catalogs.manifest import SCHEMA, ManifestRow, ManifestWriter, read_rows, write_csv
from catalogs.manifest_merge import ManifestUpdate
from tests.catalogs.made import MOMENT, a_picture, a_row, manifest_of

TEXTS = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=12)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
ROWS = st.builds(
    ManifestRow,
    recipe=TEXTS,
    row=st.integers(min_value=1, max_value=2**40),
    sku=st.none() | TEXTS,
    stage=TEXTS,
    position=st.integers(min_value=0, max_value=19),
    operation=TEXTS,
    status=st.sampled_from(["done", "failed", "unknown", "blocked", "held", "quarantined"]),
    run_id=TEXTS,
    title=st.none() | TEXTS,
    reason=st.none() | TEXTS,
    pictures=st.lists(st.builds(a_picture, TEXTS), max_size=2).map(tuple),
    pick=st.integers(min_value=1, max_value=4),
    inputs=st.none() | TEXTS,
    credits=st.floats(min_value=0, max_value=1000),
    error_message=st.none() | TEXTS,
    submitted_at=st.none() | MOMENTS,
    finished_at=st.none() | MOMENTS,
)


def rows_of(*skus: str | None, recipe: str = "on-model", **more: Any) -> list[ManifestRow]:
    """Two stages of each SKU."""
    return [
        a_row(recipe=recipe, sku=sku, row=row, stage=stage, position=position, **more)
        for row, sku in enumerate(skus, start=1)
        for position, stage in enumerate(("model", "scene"))
    ]


def merged(
    folder: Path, previous: Sequence[ManifestRow] | None, *parts: Sequence[ManifestRow]
) -> list[tuple[Any, ...]]:
    """Recipe, SKU, stage and run of every row of the merged manifest, in order."""
    paths = [manifest_of(rows, folder / f"part-{number}.parquet") for number, rows in enumerate(parts)]
    before = None if previous is None else manifest_of(previous, folder / "previous.parquet")
    ManifestUpdate(before, paths).write(folder / "manifest.parquet")
    return [(row["recipe"], row["sku"], row["stage"], row["run_id"]) for row in read_rows(folder / "manifest.parquet")]


def test_a_row_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """With what its pictures tell, and times in UTC."""
    row = a_row(pictures=(a_picture("memory://out/1.png"), a_picture("memory://out/2.png")), pick=2)
    (read,) = read_rows(manifest_of([row], tmp_path / "manifest.parquet"))

    assert list(read) == SCHEMA.names
    assert read["picture"] == "memory://out/2.png"
    assert [picture["uri"] for picture in read["pictures"]] == ["memory://out/1.png", "memory://out/2.png"]
    assert (read["width"], read["height"], read["bytes"], read["mime"]) == (896, 1200, 123_456, "image/png")
    assert read["submitted_at"] == MOMENT
    assert read["seconds"] == 2.5
    assert read["title"] == row.title


def test_every_field_of_a_row_is_a_column() -> None:
    """A new field can't be forgotten in the schema; `pick` alone is told by `picture`."""
    assert set(SCHEMA.names) == set(a_row().record())
    assert {field.name for field in fields(ManifestRow)} - {"pick"} <= set(SCHEMA.names)


@pytest.mark.parametrize(("pick", "pictures"), [(1, 0), (2, 1), (4, 3)])
def test_a_vendor_that_sends_fewer_pictures_than_asked_leaves_none_picked(pick: int, pictures: int) -> None:
    """Another picture is not put in its place."""
    row = a_row(pick=pick, pictures=(a_picture(),) * pictures)

    assert row.picked() is None
    assert row.record()["picture"] is None
    assert row.record()["sha256"] is None


@given(st.lists(ROWS, max_size=6))
@settings(deadline=None, max_examples=50)
def test_csv_and_parquet_hold_the_same(tmp_path_factory: pytest.TempPathFactory, rows: list[ManifestRow]) -> None:
    """Whatever is in the texts: commas, quotes, line breaks, other scripts."""
    folder = tmp_path_factory.getbasetemp() / uuid4().hex
    folder.mkdir()
    path = manifest_of(rows, folder / "manifest.parquet")
    write_csv(path, folder / "manifest.csv")
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))

    assert [from_csv(row) for row in table] == [plain(row) for row in read_rows(path)]


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row as CSV can tell it: blank and absent texts are alike there."""
    return {name: None if value == "" else value for name, value in row.items()}


def from_csv(row: dict[str, str]) -> dict[str, Any]:
    """A CSV row read back by the schema's types."""
    read: dict[str, Any] = {}
    for field in SCHEMA:
        text = row[field.name]
        if text == "":
            read[field.name] = None
        elif pa.types.is_integer(field.type):
            read[field.name] = int(text)
        elif pa.types.is_floating(field.type):
            read[field.name] = float(text)
        elif pa.types.is_timestamp(field.type):
            read[field.name] = datetime.fromisoformat(text)
        else:
            read[field.name] = json.loads(text) if field.name == "pictures" else text
    return read


def test_a_first_manifest_is_its_parts_in_order(tmp_path: Path) -> None:
    """Items as the shards had them."""
    rows = merged(tmp_path, None, rows_of("A", "B"), rows_of("C"), [])

    assert [row[1:3] for row in rows] == [(sku, stage) for sku in "ABC" for stage in ("model", "scene")]


def test_no_rows_at_all_make_a_manifest_too(tmp_path: Path) -> None:
    """An empty table with all its columns."""
    assert merged(tmp_path, None, []) == []
    assert pq.read_schema(tmp_path / "manifest.parquet").equals(SCHEMA)


def test_an_item_of_this_run_replaces_what_was_known_of_it(tmp_path: Path) -> None:
    """The others stay."""
    rows = merged(tmp_path, rows_of("A", "B", "C", run_id="old"), rows_of("B", run_id="new"))

    assert [row[1::2] for row in rows] == [("B", "new")] * 2 + [("A", "old")] * 2 + [("C", "old")] * 2


def test_a_stage_that_left_the_recipe_leaves_the_manifest(tmp_path: Path) -> None:
    """A part speaks of an item as a whole."""
    rows = merged(tmp_path, rows_of("A", "B", run_id="old"), [a_row(sku="A", run_id="new")])

    assert [row[1:] for row in rows] == [("A", "model", "new"), ("B", "model", "old"), ("B", "scene", "old")]


def test_a_sku_in_two_recipes_is_two_items(tmp_path: Path) -> None:
    """A run of one recipe leaves the other's pictures alone."""
    previous = rows_of("A", run_id="old") + rows_of("A", recipe="preset-model", run_id="old")
    rows = merged(tmp_path, previous, rows_of("A", recipe="preset-model", run_id="new"))

    assert [row[::3] for row in rows] == [("preset-model", "new")] * 2 + [("on-model", "old")] * 2


def test_rows_without_a_sku_are_those_of_the_latest_run(tmp_path: Path) -> None:
    """A row that was blank last night and is corrected does not stay quarantined for ever."""
    previous = rows_of("A", None, None, run_id="old") + rows_of(None, recipe="preset-model", run_id="old")
    rows = merged(tmp_path, previous, rows_of("B", None, run_id="new"))

    assert [(row[0], row[1], row[3]) for row in rows[::2]] == [
        ("on-model", "B", "new"),
        ("on-model", None, "new"),
        ("on-model", "A", "old"),
        ("preset-model", None, "old"),
    ]


def test_a_run_with_nothing_to_do_changes_nothing(tmp_path: Path) -> None:
    """Every night again."""
    previous = rows_of("A", None, "B", run_id="old")

    assert merged(tmp_path, previous, []) == merged(tmp_path, previous) == merged(tmp_path, None, previous)


@given(
    st.lists(st.sampled_from("ABCDE"), max_size=5),
    st.lists(st.lists(st.sampled_from("ABCDE"), unique=True), max_size=4),
)
@settings(deadline=None, max_examples=30)
def test_no_sku_is_ever_lost_or_doubled(
    tmp_path_factory: pytest.TempPathFactory, first: list[str], nights: list[list[str]]
) -> None:
    """Night after night, each SKU has exactly the rows of its latest run."""
    folder = tmp_path_factory.getbasetemp() / uuid4().hex
    folder.mkdir()
    state = dict.fromkeys(first, "night-0")
    manifest_of(rows_of(*state, run_id="night-0"), folder / "state.parquet")
    for number, skus in enumerate(nights, start=1):
        part = manifest_of(rows_of(*skus, run_id=f"night-{number}"), folder / "part.parquet")
        ManifestUpdate(folder / "state.parquet", [part]).write(folder / "next.parquet")
        (folder / "next.parquet").replace(folder / "state.parquet")
        state |= dict.fromkeys(skus, f"night-{number}")
    rows = [(row["sku"], row["run_id"], row["stage"]) for row in read_rows(folder / "state.parquet")]

    assert sorted(rows) == sorted((sku, run, stage) for sku, run in state.items() for stage in ("model", "scene"))


def test_row_groups_are_bounded_and_never_crumbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A year of nights with a few changes each leaves a file that reads as fast as one."""
    for module in (manifest, manifest_merge):
        monkeypatch.setattr(module, "ROWS_PER_GROUP", 100)
    state = manifest_of(rows_of(*(f"S{number}" for number in range(300))), tmp_path / "state.parquet")
    groups = pq.ParquetFile(state).num_row_groups
    for night in range(20):
        part = manifest_of(rows_of(f"S{night}", f"N{night}"), tmp_path / "part.parquet")
        ManifestUpdate(state, [part]).write(tmp_path / "next.parquet")
        (tmp_path / "next.parquet").replace(state)
    metadata = pq.read_metadata(state)
    sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]

    assert groups == 6
    assert sum(sizes) == 640
    assert len(sizes) <= 7
    assert max(sizes) < 200


def test_a_writer_holds_one_row_group_however_much_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All at once or one by one, row groups are the same."""
    monkeypatch.setattr(manifest, "ROWS_PER_GROUP", 10)
    rows = rows_of(*(f"S{number}" for number in range(17)))
    manifest_of(iter(rows), tmp_path / "at-once.parquet")
    with ManifestWriter(tmp_path / "one-by-one.parquet") as writer:
        for row in rows:
            writer.add([row])
    files = [pq.ParquetFile(tmp_path / f"{name}.parquet") for name in ("at-once", "one-by-one")]

    assert [[file.metadata.row_group(group).num_rows for group in range(4)] for file in files] == [[10, 10, 10, 4]] * 2


def test_a_manifest_of_another_version_is_brought_up_to_date(tmp_path: Path) -> None:
    """Columns that came later are blank, those that are gone go, and a tool's own types become ours."""
    table = pq.read_table(manifest_of(rows_of("A", "B", run_id="old"), tmp_path / "ours.parquet"))
    old = table.drop_columns(["title", "pictures"]).append_column("gone", pa.array([1] * 4))
    old = old.set_column(2, "sku", old.column("sku").cast(pa.large_string()).dictionary_encode())
    pq.write_table(old, tmp_path / "old.parquet")
    part = manifest_of(rows_of("B", run_id="new"), tmp_path / "part.parquet")
    ManifestUpdate(tmp_path / "old.parquet", [part]).write(tmp_path / "manifest.parquet")
    rows = list(read_rows(tmp_path / "manifest.parquet"))

    assert pq.read_schema(tmp_path / "manifest.parquet").equals(SCHEMA)
    assert [(row["sku"], row["run_id"]) for row in rows] == [("B", "new")] * 2 + [("A", "old")] * 2
    assert (rows[2]["title"], rows[2]["pictures"]) == (None, None)
    write_csv(tmp_path / "manifest.parquet", tmp_path / "manifest.csv")
    assert (tmp_path / "manifest.csv").read_text("utf-8").count("[]") == 2


def test_a_manifest_saved_by_pandas_is_still_one(tmp_path: Path) -> None:
    """People do open it and save it again."""
    frame = pd.read_parquet(manifest_of(rows_of("A", run_id="old"), tmp_path / "ours.parquet"))
    frame.to_parquet(tmp_path / "saved.parquet")
    ManifestUpdate(tmp_path / "saved.parquet", []).write(tmp_path / "manifest.parquet")

    assert list(read_rows(tmp_path / "manifest.parquet")) == list(read_rows(tmp_path / "ours.parquet"))


@pytest.mark.parametrize("data", [b"", b"sku,stage\n", b"PAR1 no more PAR1"])
def test_what_is_no_manifest_is_told(data: bytes, tmp_path: Path) -> None:
    """With what removing it would mean."""
    path = tmp_path / "previous.parquet"
    path.write_bytes(data)
    with pytest.raises(StorageError, match=r"^previous\.parquet can't be read as a manifest: .*") as caught:
        list(read_rows(path))
    with pytest.raises(StorageError):
        ManifestUpdate(path, []).write(tmp_path / "manifest.parquet")

    assert "pays for nothing that the ledger holds" in str(caught.value)


def test_duckdb_reads_the_manifest(tmp_path: Path) -> None:
    """Nested pictures and times included."""
    path = manifest_of(
        [*rows_of("A", "B"), a_row(sku="C", status="failed", pictures=())], tmp_path / "manifest.parquet"
    )
    by_status = f"select status, count(*), sum(credits) from '{path}' group by status order by status"
    nested = f"select pictures[1].width, epoch(finished_at) - epoch(submitted_at) from '{path}' where sku = 'A' limit 1"

    assert duckdb.execute(by_status).fetchall() == [("done", 4, 8.0), ("failed", 1, 2.0)]
    assert duckdb.execute(nested).fetchall() == [(896, 2.5)]


def test_pandas_reads_the_manifest(tmp_path: Path) -> None:
    """With times as times."""
    frame = pd.read_parquet(manifest_of(rows_of("A", "B"), tmp_path / "manifest.parquet"))

    assert list(frame.columns) == SCHEMA.names
    assert frame["sku"].tolist() == ["A", "A", "B", "B"]
    assert (frame["finished_at"] - frame["submitted_at"]).tolist() == [timedelta(seconds=2.5)] * 4
    assert str(frame["submitted_at"].dt.tz) == "UTC"


def test_only_the_asked_for_columns_are_read(tmp_path: Path) -> None:
    """A look at states does not read every text."""
    path = manifest_of(rows_of("A"), tmp_path / "manifest.parquet")

    assert list(read_rows(path, ["sku", "status"])) == [{"sku": "A", "status": "done"}] * 2
