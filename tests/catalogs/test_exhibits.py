"""What the gallery is given of each item."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from blocks.storage import ObjectStorage
from catalogs.exhibits import exhibits_of, garments_of, item_of, summary_of
from catalogs.manifest import ManifestRow, read_rows
from catalogs.names import picture_path
from tests.catalogs.made import MOMENT, a_picture, a_row, key_of, manifest_of


def read_back(rows: list[ManifestRow], folder: Path) -> list[dict[str, Any]]:
    """The rows as a manifest gives them."""
    return list(read_rows(manifest_of(rows, folder / "manifest.parquet")))


def quarantined(**fields: Any) -> ManifestRow:
    """A row of a catalog row that can't be used."""
    usual: dict[str, Any] = {"status": "quarantined", "pictures": (), "unit_key": None, "inputs": '{"sku": "None"}'}
    return a_row(**usual | {"options": None, "credits": 0.0, "vendor": None} | fields)


def test_an_item_is_shown_with_its_stages_in_order(tmp_path: Path) -> None:
    """One exhibit an item, whatever the rows around it."""
    rows = [
        a_row(sku="A", row=1, stage="model"),
        a_row(sku="A", row=1, stage="scene", status="failed", pictures=(), error_message="no"),
        a_row(sku="B", row=2, title=None),
        quarantined(sku=None, row=3),
        quarantined(sku=None, row=4),
        a_row(sku="A", row=1, recipe="preset-model"),
    ]
    exhibits = list(exhibits_of(read_back(rows, tmp_path), output="memory://out", sources={}))

    assert [(exhibit.sku, exhibit.recipe, exhibit.status) for exhibit in exhibits] == [
        ("A", "on-model", "failed"),
        ("B", "on-model", "done"),
        ("row 3", "on-model", "quarantined"),
        ("row 4", "on-model", "quarantined"),
        ("A", "preset-model", "done"),
    ]
    assert [stage.stage for stage in exhibits[0].stages] == ["model", "scene"]
    assert exhibits[0].stages[1].error == "no"
    assert exhibits[0].stages[0].seconds == 2.5
    assert exhibits[2].stages[0].options == "{}"


def test_garments_are_shown_once_top_first(tmp_path: Path) -> None:
    """From every stage's inputs; the person is no garment, and what has no small copy is left out."""
    rows = [
        a_row(inputs='{"person_image": ["p"], "bottom_garment": ["b"], "top_garment": ["t"]}'),
        a_row(stage="scene", inputs='{"garments": ["g", "t"], "picture": ["x"]}'),
        quarantined(stage="late"),
    ]
    read = read_back(rows, tmp_path)
    (exhibit,) = exhibits_of(read, output="memory://out", sources={"t": "small/t.png", "g": "small/g.png"})

    assert garments_of(read) == ["t", "b", "g", "x"]
    assert exhibit.garments == ("small/t.png", "small/g.png")


@pytest.mark.parametrize("sku", ["A", "a b", "Größe/XL", "100%"])
@pytest.mark.parametrize("spelling", ["plain", "url", "memory", "s3"])
def test_a_picture_is_addressed_from_the_gallery_beside_it(sku: str, spelling: str, tmp_path: Path) -> None:
    """A browser that decodes the address finds the picture's path, however the output is spelled."""
    root = {
        "plain": str(tmp_path / "my out"),
        "url": (tmp_path / "my out").as_uri(),
        "memory": f"memory://{uuid4().hex}",
        "s3": "s3://bucket/a prefix",
    }[spelling]
    path = picture_path(sku, "model", key_of("A"), 1, "png")
    rows = read_back([a_row(pictures=(a_picture(ObjectStorage(root=root).uri(path)),))], tmp_path)
    (exhibit,) = exhibits_of(rows, output=root, sources={})

    assert exhibit.stages[0].pictures == (path.replace("%", "%25"),)


def test_an_output_spelled_otherwise_shows_its_former_pictures(tmp_path: Path) -> None:
    """The first run wrote to a path, the second to the same folder as a URL."""
    rows = read_back([a_row(pictures=(a_picture(f"{tmp_path}/pictures/A/model-1.png"),))], tmp_path)
    (exhibit,) = exhibits_of(rows, output=tmp_path.as_uri(), sources={})

    assert exhibit.stages[0].pictures == ("pictures/A/model-1.png",)


def test_a_picture_elsewhere_keeps_its_address(tmp_path: Path) -> None:
    """It is not taken for one beside the gallery."""
    rows = read_back([a_row(pictures=(a_picture("https://cdn.example/a%20b.png"),))], tmp_path)
    (exhibit,) = exhibits_of(rows, output=str(tmp_path), sources={})

    assert exhibit.stages[0].pictures == ("https://cdn.example/a%20b.png",)


def test_the_summary_counts_items_pictures_and_credits(tmp_path: Path) -> None:
    """An item with some of its pictures is partial; each picture is counted once, however many looks share it."""
    rows = [
        a_row(sku="A", look="x"),
        a_row(sku="A", look="x", stage="scene", pictures=(a_picture("1"), a_picture("2"))),
        a_row(sku="A", look="y", credits=0.0),
        a_row(sku="A", look="y", stage="scene", pictures=(a_picture("3"),), credits=0.0),
        a_row(sku="B", pictures=(a_picture("4"),)),
        a_row(sku="B", stage="scene", status="failed", pictures=(), credits=0.0),
        quarantined(sku="C"),
        a_row(sku="D", recipe="preset-model", vendor="Vmake", credits=1.0, pictures=(a_picture("5"),)),
    ]
    summary = summary_of(read_back(rows, tmp_path), made_at=MOMENT, run_id="run-1")

    assert (summary.delivered, summary.partial, summary.failed) == (3, 1, 1)
    assert summary.pictures == 6
    assert summary.credits == {"Claid": 6.0, "Vmake": 1.0}
    assert summary.recipe == "on-model, preset-model"


def test_rows_of_one_item_are_those_of_recipe_row_and_sku(tmp_path: Path) -> None:
    """Two rows without a SKU are two items."""
    one, other = read_back([quarantined(sku=None, row=3), quarantined(sku=None, row=4)], tmp_path)

    assert item_of(one) != item_of(other)
