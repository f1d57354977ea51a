"""What a run leaves under its output: a manifest of the current state, its CSV, and a gallery."""

from __future__ import annotations

import csv
import dataclasses
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from blocks.storage import ObjectStorage
from catalogs.layout import CSV_PATH, GALLERY_PATH, MANIFEST_PATH
from catalogs.manifest import ManifestRow, read_rows
from catalogs.manifest_merge import write_upkeep
from flows import publish
from flows.parameters import Accounts
from flows.publish import PublishedManifest, publish_gallery, publish_manifest
from flows.summary import summarise
from tests.catalogs.made import MOMENT, a_picture, a_row, key_of, manifest_of
from tests.flows.bench import drawn


@pytest.fixture
def storage(tmp_path: Path) -> ObjectStorage:
    """An output."""
    return ObjectStorage.from_uri(str(tmp_path / "output"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a run works."""
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


async def published(
    storage: ObjectStorage, folder: Path, *parts: Iterable[ManifestRow], run_id: str = "run-1"
) -> PublishedManifest:
    """Publish parts that shards have stored."""
    paths = [f"runs/{run_id}/shard-{number:05}.parquet" for number in range(len(parts))]
    for path, rows in zip(paths, parts, strict=True):
        await storage.upload(path, manifest_of(rows, folder / "made.parquet"), content_type="")
    return await publish_manifest(storage, paths, folder, run_id)


async def current(storage: ObjectStorage, folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The output's manifest by SKU and stage."""
    await storage.download(MANIFEST_PATH, folder / "read.parquet")
    return {(row["sku"], row["stage"]): row for row in read_rows(folder / "read.parquet")}


async def test_the_parts_of_a_run_become_one_manifest(storage: ObjectStorage, folder: Path) -> None:
    """In plan order, and as a table for spreadsheets."""
    manifest = await published(storage, folder, [a_row(sku="A"), a_row(sku="B", row=2)], [a_row(sku="C", row=3)])

    with (folder / "manifest.csv").open(newline="") as table:
        in_csv = [row["sku"] for row in csv.DictReader(table)]
    assert ["A", "B", "C"] == [row["sku"] for row in manifest.rows_of_run()] == in_csv
    assert {("A", "model"), ("B", "model"), ("C", "model")} == set(await current(storage, folder))
    assert await storage.exists(CSV_PATH)


async def test_what_a_run_says_of_a_sku_replaces_what_was_said(storage: ObjectStorage, folder: Path) -> None:
    """Others stay as they were, so the manifest is the state of the whole catalog."""
    await published(storage, folder, [a_row(sku="A", status="failed"), a_row(sku="B", row=2)])

    await published(storage, folder, [a_row(sku="A", run_id="run-2")], run_id="run-2")

    found = await current(storage, folder)
    assert {("A", "model"): "done", ("B", "model"): "done"} == {place: row["status"] for place, row in found.items()}
    assert ("run-2", "run-1") == (found["A", "model"]["run_id"], found["B", "model"]["run_id"])


async def test_a_run_without_parts_keeps_the_manifest(storage: ObjectStorage, folder: Path) -> None:
    """A night with nothing to do."""
    await published(storage, folder, [a_row(sku="A")])

    manifest = await published(storage, folder, [], run_id="run-2")

    assert [] == list(manifest.rows_of_run())
    assert {("A", "model")} == set(await current(storage, folder))


async def test_a_night_that_says_nothing_new_writes_nothing(storage: ObjectStorage, folder: Path) -> None:
    """The same failures told again, by another run, leave the manifest's bytes alone."""
    rows = [a_row(sku="A", status="failed", pictures=()), a_row(sku=None, row=2, status="quarantined", pictures=())]
    await published(storage, folder, rows)
    before = await storage.stat(MANIFEST_PATH)

    again = [dataclasses.replace(row, run_id="run-2") for row in rows]
    manifest = await published(storage, folder, again, run_id="run-2")

    assert before == await storage.stat(MANIFEST_PATH)
    assert ["A", None] == [row["sku"] for row in read_rows(manifest.path)]


async def test_what_planning_found_out_of_other_items_is_kept(storage: ObjectStorage, folder: Path) -> None:
    """Fingerprints that are new, and SKUs that are retired; their pictures stay."""
    await published(storage, folder, [a_row(sku=sku, fingerprint="old") for sku in "ABC"])
    upkeep = folder / "upkeep.parquet"
    write_upkeep(upkeep, "on-model", refreshed=[("B", None, "new")], retired=[("C", None)])

    await publish_manifest(storage, [], folder, "run-2", upkeep=upkeep)

    found = {sku: (row["status"], row["fingerprint"]) for (sku, _), row in (await current(storage, folder)).items()}
    assert {"A": ("done", "old"), "B": ("done", "new"), "C": ("retired", "old")} == found


async def test_a_few_new_fingerprints_alone_are_not_worth_a_new_manifest(storage: ObjectStorage, folder: Path) -> None:
    """They are found again the next night, at the cost of a look at those rows."""
    await published(storage, folder, [a_row(sku=f"SKU-{number}", row=number) for number in range(100)])
    before = await storage.stat(MANIFEST_PATH)
    upkeep = folder / "upkeep.parquet"
    write_upkeep(upkeep, "on-model", refreshed=[("SKU-1", None, "new")])

    await publish_manifest(storage, [], folder, "run-2", upkeep=upkeep)

    assert before == await storage.stat(MANIFEST_PATH)


async def test_a_manifest_too_long_for_a_spreadsheet_has_no_csv(
    storage: ObjectStorage, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a former one, which would be out of date, goes."""
    monkeypatch.setattr(publish, "CSV_ROWS", 2)
    await published(storage, folder, [a_row(sku="A"), a_row(sku="B", row=2)])
    assert await storage.exists(CSV_PATH)

    await published(storage, folder, [a_row(sku="C", row=3)], run_id="run-2")

    assert not await storage.exists(CSV_PATH)


async def gallery_of(
    storage: ObjectStorage, folder: Path, rows: list[ManifestRow], *, most: int = 1000, looks: Sequence[str] = ()
) -> str:
    """The gallery's first page after these rows were published; empty without one."""
    manifest = await published(storage, folder, rows)
    facts: dict[str, Any] = {"started_at": MOMENT, "recipe": "on-model", "unchanged": 0}
    report = summarise(manifest.rows_of_run(), run_id="run-1", **facts, **manifest.facts(gallery=most > 0))
    await publish_gallery(manifest, report, Accounts(), most=most, looks=looks)
    return (await storage.read(GALLERY_PATH)).decode() if await storage.exists(GALLERY_PATH) else ""


def shown(folder: Path, storage: ObjectStorage, count: int) -> list[ManifestRow]:
    """Rows whose catalog pictures are files here, and whose results lie in the output."""
    garment = drawn(folder / "garment.png")
    return [
        a_row(
            sku=f"SKU-{number}",
            row=number,
            unit_key=key_of(str(number)),
            inputs=f'{{"top_garment": ["file://{garment}"], "person_image": ["file:///none.png"]}}',
            pictures=(a_picture(storage.uri(f"pictures/SKU-{number}/model-1.png")),),
        )
        for number in range(1, count + 1)
    ]


async def test_the_gallery_shows_garments_beside_results(storage: ObjectStorage, folder: Path) -> None:
    """By addresses that work wherever the output is looked at; one small copy serves all rows of a garment."""
    page = await gallery_of(storage, folder, shown(folder, storage, 3))

    copies = [path async for path in storage.list("thumbnails/")]
    assert all(f"SKU-{number}" in page for number in (1, 2, 3))
    assert "pictures/SKU-1/model-1.png" in page
    assert 1 == len(copies)
    assert copies[0] in page
    assert storage.root not in page


async def test_the_gallery_shows_no_more_than_it_is_asked_to(storage: ObjectStorage, folder: Path) -> None:
    """The manifest holds the rest; none at all for 0."""
    rows = shown(folder, storage, 3)

    none = await gallery_of(storage, folder, rows, most=0)
    page = await gallery_of(storage, folder, rows, most=2)

    assert "" == none
    assert "SKU-2" in page
    assert "SKU-3" not in page


async def test_looks_planned_at_different_times_are_shown_side_by_side(storage: ObjectStorage, folder: Path) -> None:
    """In the recipe's order; what is retired is not shown, and no more items than were asked for."""
    rows = [
        dataclasses.replace(row, look=look, status=status)
        for look, status in (("street", "done"), ("beach", "done"), ("old", "retired"), ("studio", "done"))
        for row in shown(folder, storage, 2)
    ]

    page = await gallery_of(storage, folder, rows, most=5, looks=["studio", "street"])

    names = re.findall(r'data-name="([^"]*)"', page)
    assert [name.rpartition(", ")[2] for name in names] == ["studio", "street", "beach", "studio", "street"]


async def test_a_garment_that_can_not_be_read_is_left_out(storage: ObjectStorage, folder: Path) -> None:
    """Its row says what is wrong with it; the page is made all the same."""
    rows = [
        a_row(sku="gone", inputs='{"top_garment": ["file:///none.png"]}'),
        a_row(sku="broken", row=2, inputs=f'{{"top_garment": ["file://{folder}/text.png"]}}'),
    ]
    (folder / "text.png").write_text("no picture")

    page = await gallery_of(storage, folder, rows)

    assert "gone" in page
    assert [] == [path async for path in storage.list("thumbnails/")]
