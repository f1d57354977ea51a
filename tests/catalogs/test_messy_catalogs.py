"""Two hand-built exports, as a shop system and a product feed write them, read by the mapping proposed for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from catalogs.catalog import Catalog
from catalogs.inspection import inspect_catalog
from catalogs.mapping import CatalogSource
from catalogs.proposal import propose_mapping
from catalogs.rows import Item, Reject
from tests.catalogs.exports import feed_export, shop_export


def read(folder: Path, **corrected: Any) -> tuple[list[Item], list[Reject]]:
    """The items and rejects of an export by its proposed mapping, with a merchandiser's corrections."""
    mapping = yaml.safe_load(propose_mapping(inspect_catalog(str(folder)))) | corrected
    entries = list(Catalog.open(CatalogSource(uri=str(folder), **mapping)).items())
    return [each for each in entries if isinstance(each, Item)], [each for each in entries if isinstance(each, Reject)]


def test_a_shop_export_is_one_item_a_product(tmp_path: Path) -> None:
    """Sizes and pictures collected, values mapped, and the file that was cut named."""
    items, rejects = read(shop_export(tmp_path))

    assert [
        (1, "breton-stripe-boat-neck-tee", "Breton stripe boat-neck tee", "woman", "top"),
        (5, "silk-pussy-bow-blouse", "Silk pussy-bow blouse", "woman", None),
    ] == [(item.row, item.sku, item.title, item.gender, item.category) for item in items[:2]]
    assert [1, 5, 9, 13, 17] == [item.row for item in items]
    assert all(item.product_image and item.product_image.endswith(".jpg") for item in items)
    assert ["products_export_4.parquet"] == [reject.value for reject in rejects]
    assert "is cut short" in rejects[0].reason


def test_a_filter_leaves_drafts_out(tmp_path: Path) -> None:
    """The status stands in a product's first row only."""
    items, _ = read(shop_export(tmp_path), where=[{"column": "Status", "is": "active"}])

    assert [1, 5, 9, 17] == [item.row for item in items]


def test_pictures_of_a_product_can_all_be_garments(tmp_path: Path) -> None:
    """In the order of its rows, each once."""
    folder = shop_export(tmp_path)
    items, _ = read(folder, columns={"sku": "Handle", "garments": "Image Src"})
    names = [[Path(picture).name for picture in item.garments] for item in items]

    assert ["CW-T101.jpg", "CW-T101.png"] == names[0]


def test_a_product_feed_is_one_item_a_style(tmp_path: Path) -> None:
    """Not one for each size, whose picture would be paid for again."""
    items, rejects = read(feed_export(tmp_path))

    assert [] == rejects
    assert [(1, "CW-T101"), (3, "CW-T102"), (5, "CW-T103"), (7, "CW-T104")] == [(item.row, item.sku) for item in items]
    assert ["navy and ecru", None] == [item.color for item in items[:2]]
    assert [39, "49.00"] == [items[0].columns["sale_price"], items[0].columns["price"]]
