"""What a plan finds changed since the manifest: exactly the affected stages, each with its reason."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.errors import StorageError
from catalogs.delta import ManifestDelta
from catalogs.manifest import ManifestRow
from catalogs.plan import Planned, PlannedItem, Selection
from catalogs.planner import Planner
from catalogs.reasons import LeftOut, Reason
from catalogs.recipe import Recipe, load_recipe
from catalogs.rows import Reject
from catalogs.sources import PictureSources
from tests.catalogs.made import a_row, catalog_at, garment_rows, manifest_of, parquet_of

ON_MODEL = load_recipe("on-model")
Rows = list[dict[str, Any]]


class Night:
    """One plan against a manifest: what it found."""

    def __init__(self, catalog: Path, manifest: Path | None, recipe: Recipe = ON_MODEL, **settings: Any) -> None:
        source = settings.pop("source", {})
        force, versions = settings.pop("force", False), settings.pop("versions", None)
        opened = catalog_at(catalog, **source)
        self.delta = ManifestDelta(manifest, recipe, catalog.parent, force=force)
        self.planner = Planner(opened, recipe, PictureSources(opened.folder), self.delta, versions=versions)
        found = list(self.planner.plan(Selection(force=force, **settings)))
        self.planned = [entry for entry in found if isinstance(entry, Planned)]
        self.rejects = [entry for entry in found if isinstance(entry, Reject)]
        self.gone = self.delta.gone(self.planner.knows)
        self.delta.close()

    @property
    def items(self) -> list[PlannedItem]:
        """The planned items."""
        return [planned.as_item() for planned in self.planned]

    @property
    def reasons(self) -> dict[str, list[str]]:
        """The reasons by SKU."""
        return {planned.item.sku: [str(reason) for reason in planned.reasons] for planned in self.planned}


def manifest_after(night: Night, path: Path, **ends: Mapping[str, Any]) -> Path:
    """The manifest once the night's items are done, but for the stages whose end is given."""
    rows: list[ManifestRow] = []
    for planned in night.planned:
        for unit, link in zip(planned.as_item().units, planned.links, strict=True):
            facts = {
                field.name: getattr(unit, field.name) for field in fields(ManifestRow) if hasattr(unit, field.name)
            }
            facts |= {"inputs": link.unsigned_inputs, "reason": None}
            rows.append(a_row(**facts | dict(ends.get(unit.stage, {}))))
    return manifest_of(rows, path)


def done(rows: Rows, folder: Path, recipe: Recipe = ON_MODEL, **ends: Mapping[str, Any]) -> Path:
    """The manifest of a night that did these rows."""
    night = Night(parquet_of(rows, folder / "before" / "catalog.parquet"), None, recipe)
    return manifest_after(night, folder / "manifest.parquet", **ends)


def catalog(rows: Rows, folder: Path) -> Path:
    """Tonight's catalog."""
    return parquet_of(rows, folder / "after" / "catalog.parquet")


def other_scene(prompt: str = "a beach at {setting|noon}") -> Recipe:
    """The recipe with another scene."""
    document = ON_MODEL.model_dump(mode="json")
    document["stages"][2]["options"]["scene"]["prompt"] = prompt
    return Recipe.model_validate(document)


def test_seven_changed_rows_of_ten_thousand_are_seven_chains(tmp_path: Path) -> None:
    """The others are not even looked at: their fingerprints are known."""
    rows = garment_rows(10_000)
    manifest = done(rows, tmp_path)
    changed = [3, 500, 501, 4000, 8191, 8192, 9999]
    for place in changed:
        rows[place]["top_garment"] += "?v=2"
    night = Night(catalog(rows, tmp_path), manifest)

    assert [f"SKU-{place}" for place in changed] == list(night.reasons)
    assert [["picture changed", "picture changed", "upstream changed"]] * 7 == list(night.reasons.values())
    assert 9993 == night.planner.unchanged
    assert [] == night.delta.refreshed


def test_a_changed_scene_prompt_plans_scenes_only(tmp_path: Path) -> None:
    """What comes before is there, and planned as done so that the chain is whole."""
    rows = garment_rows(50)
    night = Night(catalog(rows, tmp_path), done(rows, tmp_path), other_scene())

    assert [["done", "done", "options changed"]] * 50 == list(night.reasons.values())


def the_same(rows: Rows, folder: Path) -> Path:
    """The same file in the folder of another day."""
    return catalog(rows, folder)


def renamed(rows: Rows, folder: Path) -> Path:
    """The same file under another name."""
    return parquet_of(rows, folder / "spring" / "export (2).parquet")


def reordered(rows: Rows, folder: Path) -> Path:
    """The same rows in another order."""
    return catalog(random.Random(1).sample(rows, len(rows)), folder)


def widened(rows: Rows, folder: Path) -> Path:
    """New columns, and others in another order."""
    return catalog([dict(reversed(row.items())) | {"stock": number} for number, row in enumerate(rows)], folder)


def retitled(rows: Rows, folder: Path) -> Path:
    """A column that no option names has other values."""
    return catalog([row | {"title": f"{row['title']}!"} for row in rows], folder)


def partitioned(rows: Rows, folder: Path) -> Path:
    """The same rows in several files."""
    for number in range(3):
        parquet_of(rows[number::3], folder / "parts" / f"part={number}" / "data.parquet")
    return folder / "parts"


@pytest.mark.parametrize("change", [the_same, renamed, reordered, widened, retitled, partitioned])
def test_what_decides_no_picture_plans_nothing(change: Callable[[Rows, Path], Path], tmp_path: Path) -> None:
    """And takes no look at the rows themselves."""
    rows = garment_rows(60)
    night = Night(change(rows, tmp_path), done(rows, tmp_path))

    assert ({}, 60, []) == (night.reasons, night.planner.unchanged, night.delta.refreshed)


def padded(rows: Rows) -> Rows:
    """The same cells with blanks around them."""
    return [{name: f" {value}  " for name, value in row.items()} for row in rows]


def retyped(rows: Rows) -> Rows:
    """Versions as another program writes them."""
    return [row | {"image_version": 5.0} for row in rows]


@pytest.mark.parametrize("change", [padded, retyped])
def test_cells_that_read_the_same_plan_nothing(change: Callable[[Rows], Rows], tmp_path: Path) -> None:
    """The keys say so where fingerprints can't, and the new fingerprints are kept for the next night."""
    rows = [row | {"image_version": "5"} for row in garment_rows(30)]
    night = Night(catalog(change(rows), tmp_path), done(rows, tmp_path))

    assert ({}, 30) == (night.reasons, night.planner.unchanged)
    assert 30 == len({found.sku for found in night.delta.refreshed})


def test_columns_under_other_names_plan_nothing(tmp_path: Path) -> None:
    """A mapping says what they are."""
    rows = garment_rows(30)
    own = [{("artikel" if name == "sku" else name): value for name, value in row.items()} for row in rows]
    night = Night(catalog(own, tmp_path), done(rows, tmp_path), source={"columns": {"sku": "artikel"}})

    assert ({}, 30, []) == (night.reasons, night.planner.unchanged, night.delta.refreshed)


def test_relative_pictures_in_another_folder_are_others(tmp_path: Path) -> None:
    """A path means another file there; the folder of absolute ones says nothing."""
    rows = [row | {"top_garment": f"tops/{number}.png"} for number, row in enumerate(garment_rows(5))]
    night = Night(catalog(rows, tmp_path), done(rows, tmp_path))

    assert [["picture changed", "picture changed", "upstream changed"]] * 5 == list(night.reasons.values())


@pytest.mark.parametrize(
    ("column", "value", "reasons"),
    [
        ("top_garment", "https://shop.example/new.png", ["picture changed", "picture changed", "upstream changed"]),
        ("person_image", "https://shop.example/eve.png", ["picture changed", "picture changed", "upstream changed"]),
        ("image_version", "2", ["picture changed", "picture changed", "upstream changed"]),
        ("gender", "man", ["done", "options changed", "upstream changed"]),
        ("setting", "a beach", ["done", "done", "options changed"]),
        ("sku", "B", ["done", "done", "done"]),
    ],
)
def test_each_change_has_its_reason(column: str, value: str, reasons: list[str], tmp_path: Path) -> None:
    """A picture that is there under another SKU's name is not paid again, but gets its rows."""
    (row,) = garment_rows(1)
    night = Night(catalog([row | {column: value}], tmp_path), done([row], tmp_path))

    assert [reasons] == list(night.reasons.values())


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ({"status": "failed", "pictures": (), "error_kind": "job_failed"}, "failed before"),
        ({"status": "failed", "pictures": (), "error_kind": "result_expired"}, "expired"),
        ({"status": "failed", "pictures": (), "attempt": None, "error_kind": "catalog_error"}, "new"),
        ({"status": "unknown", "pictures": ()}, "unknown before"),
        ({"status": "held", "pictures": (), "attempt": None}, "new"),
        ({"status": "blocked", "pictures": (), "attempt": None}, "new"),
    ],
)
def test_a_unit_without_a_picture_says_how_it_ended(end: dict[str, Any], reason: str, tmp_path: Path) -> None:
    """Only what the ledger has an attempt of has failed before."""
    rows = garment_rows(2)
    night = Night(catalog(rows, tmp_path), done(rows, tmp_path, refine=end))

    assert [["done", reason, "done"]] * 2 == list(night.reasons.values())


def test_what_is_forced_is_made_again(tmp_path: Path) -> None:
    """Of the selected items, every stage."""
    rows = garment_rows(4)
    night = Night(catalog(rows, tmp_path), done(rows, tmp_path), force=True, skus=["SKU-2"])

    assert {"SKU-2": ["forced"] * 3} == night.reasons


def test_skus_that_left_the_catalog_are_told(tmp_path: Path) -> None:
    """They are not kept as current in silence; one whose row can't be used any more has not left."""
    rows = garment_rows(6)
    manifest = done(rows, tmp_path)
    rows[2]["person_image"] = None
    night = Night(catalog(rows[:4], tmp_path), manifest)

    assert ["SKU-4", "SKU-5"] == night.gone.skus
    assert ["SKU-2"] == [reject.sku for reject in night.rejects]


def test_a_sku_that_comes_twice_is_told_though_its_row_is_as_it_was(tmp_path: Path) -> None:
    """Uniqueness is looked at over all rows."""
    rows = garment_rows(3)
    night = Night(catalog([*rows, rows[1]], tmp_path), done(rows, tmp_path))

    assert [(4, "row 2 has the same SKU")] == [(reject.row, reject.reason) for reject in night.rejects]
    assert 3 == night.planner.unchanged


def test_an_older_manifest_is_compared_by_its_keys(tmp_path: Path) -> None:
    """One without fingerprints costs a slower night, and no picture."""
    rows = garment_rows(5)
    manifest = done(rows, tmp_path)
    pq.write_table(pq.read_table(manifest).drop_columns(["fingerprint", "image_version"]), manifest)
    night = Night(catalog(rows, tmp_path), manifest)

    assert ({}, 5, 5) == (night.reasons, night.planner.unchanged, len(night.delta.refreshed))


def test_many_changes_are_compared_some_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same reasons as if they came together."""
    monkeypatch.setattr(ManifestDelta, "at_once", 7)
    rows = garment_rows(40)
    night = Night(partitioned(rows, tmp_path), done(rows, tmp_path), other_scene())

    assert [["done", "done", "options changed"]] * 40 == list(night.reasons.values())


def test_what_is_no_manifest_is_told(tmp_path: Path) -> None:
    """Without it everything would look new."""
    (tmp_path / "manifest.parquet").write_bytes(b"not parquet")

    with pytest.raises(StorageError, match="can't be read as a manifest"):
        ManifestDelta(tmp_path / "manifest.parquet", ON_MODEL, tmp_path)


CELLS = st.sampled_from(
    [None, "", " navy ", "navy", "man", "woman", "a.png", "https://shop.example/1.png", "https://s.example/1.png?sig=a"]
)
COLUMNS = ("title", "color", "setting", "gender", "top_garment", "bottom_garment", "person_image", "image_version")
EDITS = st.lists(st.tuples(st.integers(0, 7), st.sampled_from(COLUMNS), CELLS), max_size=6)


@given(EDITS, EDITS)
@settings(deadline=None, max_examples=60)
def test_any_edits_plan_what_their_keys_say(
    tmp_path_factory: pytest.TempPathFactory,
    first: list[tuple[int, str, Any]],
    second: list[tuple[int, str, Any]],
) -> None:
    """A fingerprint that is known never hides a change, and nothing is planned that has its pictures."""
    folder = tmp_path_factory.getbasetemp() / uuid4().hex
    rows = edited(garment_rows(8), first)
    manifest = done(rows, folder)
    rows = edited(rows, second)
    night = Night(catalog(rows, folder), manifest)
    keys = set(pq.read_table(manifest)["unit_key"].to_pylist())
    whole = Night(catalog(rows, folder), None).items
    to_do = {(item.sku, unit.stage) for item in whole for unit in item.units if unit.unit_key not in keys}

    assert to_do == {(item.sku, unit.stage) for item in night.items for unit in item.to_do()}
    assert len(whole) == night.planner.unchanged + len(night.items)


def edited(rows: Sequence[dict[str, Any]], edits: Iterable[tuple[int, str, Any]]) -> Rows:
    """The rows with some cells replaced."""
    new = [dict(row) for row in rows]
    for place, column, value in edits:
        new[place] = {"image_version": None, "bottom_garment": None} | new[place] | {column: value}
    return [{"image_version": None, "bottom_garment": None} | row for row in new]


def test_every_reason_is_written_down() -> None:
    """The page that explains plans knows them all, and why units are left out."""
    page = (Path(__file__).parents[2] / "docs" / "planning.md").read_text("utf-8")

    assert [] == [reason for reason in (*Reason, *LeftOut) if f"`{reason}`" not in page]
