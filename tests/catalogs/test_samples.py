"""The demo catalog and its drawn pictures."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageChops, ImageStat

from catalogs.samples import demo_catalog
from catalogs.samples.bottoms import chinos
from catalogs.samples.draw_samples import GARMENTS, draw
from catalogs.samples.studio import slim

PICTURES = ("top_garment", "bottom_garment", "person_image", "product_image")


def test_the_demo_has_twelve_garments_for_women_and_men() -> None:
    """The catalog shows four of each category, for both genders."""
    rows = pq.read_table(demo_catalog()).to_pylist()

    assert Counter(row["category"] for row in rows) == {"top": 4, "bottom": 4, "dress": 4}
    assert Counter(row["gender"] for row in rows) == {"woman": 8, "man": 4}
    assert len(GARMENTS) == len({row["sku"] for row in rows})


def test_every_picture_lies_beside_the_catalog() -> None:
    """Each reference is relative to the catalog's folder and decodes whole."""
    folder = demo_catalog().parent
    references = {row[column] for row in pq.read_table(demo_catalog()).to_pylist() for column in PICTURES}

    sizes = {Image.open(folder / reference).convert("RGBA").size for reference in references - {None}}

    assert {(700, 900), (800, 1200), (600, 800)} >= sizes


def test_an_outfit_is_worn_by_one_gender() -> None:
    """The other half of an outfit is a SKU of the demo, cut for the same model."""
    by_sku = {garment.sku: garment for garment in GARMENTS}
    pairs = [(garment, by_sku[garment.worn_with]) for garment in GARMENTS if garment.worn_with]

    assert len(pairs) == 8
    assert all(
        one.gender == other.gender and {one.category, other.category} == {"top", "bottom"} for one, other in pairs
    )


@pytest.mark.parametrize("garment", GARMENTS, ids=lambda garment: garment.sku)
def test_a_garment_fills_its_transparent_canvas(garment: object) -> None:
    """The drawing is centred, reaches near the canvas's edges and leaves its corners clear."""
    sku = next(known.sku for known in GARMENTS if known is garment)
    picture = Image.open(demo_catalog().parent / f"garments/{sku}.png").convert("RGBA")
    left, top, right, bottom = picture.getchannel("A").getbbox() or (0, 0, 0, 0)

    assert picture.size == (600, 800)
    assert max((right - left) / 600, (bottom - top) / 800) >= 0.85
    assert abs(left + right - 600) <= 2
    assert picture.getchannel("A").getpixel((0, 0)) == 0


def test_the_committed_pictures_are_what_the_script_draws() -> None:
    """A drawing made now equals the committed one but for the imaging library's rounding."""
    committed = Image.open(demo_catalog().parent / "garments/CW-B203.png").convert("RGBA")
    difference = ImageChops.difference(committed, slim(chinos()).convert("RGBA"))

    assert max(ImageStat.Stat(difference).mean) < 1


def test_the_demo_stays_small() -> None:
    """All the samples together fit 2.5 MB."""
    assert sum(path.stat().st_size for path in demo_catalog().parent.rglob("*") if path.is_file()) < 2_500_000


@pytest.mark.slow
def test_drawing_anew_writes_the_whole_demo(tmp_path: Path) -> None:
    """The script writes the same files as the committed folder holds."""
    draw(tmp_path)

    committed = demo_catalog().parent
    expected = sorted(path.relative_to(committed) for path in committed.rglob("*"))
    assert expected == sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    assert pq.read_table(demo_catalog()) == pq.read_table(tmp_path / "catalog.parquet")
