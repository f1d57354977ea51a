"""Two teams' exports with all that real ones bring: one as a shop system writes it, one as a product feed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from catalogs.samples import demo_catalog

__all__ = ["feed_export", "shop_export"]

HTML = "<div class='rte'><p>Falls straight from the shoulder.</p></div>" * 300
SIZES = ("S", "M", "L")


def _demo(count: int) -> list[dict[str, str]]:
    return pq.read_table(demo_catalog()).slice(0, count).to_pylist()


def _picture(reference: str) -> str:
    return str(demo_catalog().parent / reference)


def _written(columns: Sequence[tuple[str, pa.Array[Any]]], path: Path, rows_a_group: int = 1_000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table([column for _, column in columns], names=[name for name, _ in columns])
    pq.write_table(table, path, row_group_size=rows_a_group)


def shop_export(folder: Path) -> Path:
    """
    Five products in three files: a row for each size, then one for each further picture, Title only in the first.

    The fourth is a draft. One column has no name, one comes twice, and a fourth file was cut on its way.
    """
    products = _demo(5)
    for number, part in enumerate((products[:2], products[2:4], products[4:])):
        _written(_shop_columns(part, number), folder / f"products_export_{number + 1}.parquet")
    whole = (folder / "products_export_1.parquet").read_bytes()
    (folder / "products_export_4.parquet").write_bytes(whole[:-2_000])
    return folder


def _shop_columns(products: Sequence[dict[str, str]], number: int) -> list[tuple[str, pa.Array[Any]]]:
    rows = [row for product in products for row in _shop_rows(product)]
    column = {name: [row.get(name) for row in rows] for name in dict.fromkeys(key for row in rows for key in row)}
    prices = [float(price) if price else None for price in column["Variant Price"]]
    return [
        ("Handle", pa.array(column["Handle"])),
        ("Title", pa.array(column["Title"])),
        ("Body (HTML)", pa.array(column["Body (HTML)"], pa.large_string())),
        ("Vendor", pa.array(column["Vendor"]).dictionary_encode()),
        ("Type", pa.array(column["Type"])),
        ("", pa.nulls(len(rows))),
        ("Google Shopping / Gender", pa.array(column["Gender"])),
        ("Option1 Value", pa.array(column["Size"])),
        ("Variant SKU", pa.array(column["Variant SKU"])),
        # One export wrote its prices as texts, the next as numbers.
        ("Variant Price", pa.array(column["Variant Price"]) if number == 0 else pa.array(prices, pa.float64())),
        ("Image Src", pa.array(column["Image Src"])),
        ("Image Position", pa.array(column["Image Position"], pa.float64())),
        ("Title", pa.array(["metafield"] * len(rows))),
        ("Status", pa.array(column["Status"])),
    ]


def _shop_rows(product: dict[str, str]) -> list[dict[str, Any]]:
    handle = product["title"].lower().replace(" ", "-")
    first = {
        "Title": f" {product['title']} ",
        "Body (HTML)": HTML,
        "Vendor": "Catwalk",
        "Type": "NA" if product["sku"] == "CW-T102" else product["category"],
        "Gender": {"woman": "Damen", "man": "Herren"}[product["gender"]],
        "Status": "draft" if product["sku"] == "CW-T104" else "active",
    }
    variants: list[dict[str, Any]] = [
        {"Handle": handle, "Variant SKU": f"{product['sku']}-{size}", "Size": size, "Variant Price": "49.00"}
        for size in SIZES
    ]
    for place, reference in enumerate((product["product_image"], product["top_garment"])):
        if reference:
            variants[place] |= {"Image Src": _picture(reference), "Image Position": place + 1}
    rows = [first | variants[0], *variants[1:]]
    return [
        *rows,
        {"Handle": handle, "Image Src": _picture(product["product_image"]), "Image Position": 3, "Title": ""},
    ]


def feed_export(folder: Path) -> Path:
    """Four products as eight rows of a feed, a size each: ids are numbers in one file and texts in the other."""
    products = _demo(4)
    _written(_feed_columns(products[:2], pa.int64()), folder / "part-0.parquet", rows_a_group=1)
    _written(_feed_columns(products[2:], pa.string()), folder / "part-1.parquet")
    return folder


def _feed_columns(products: Sequence[dict[str, str]], ids: pa.DataType) -> list[tuple[str, pa.Array[Any]]]:
    rows = [(product, size) for product in products for size in SIZES[:2]]
    offers = [int(product["sku"][-3:]) * 10 + SIZES.index(size) for product, size in rows]
    colors = ["N/A" if product["sku"] == "CW-T102" else product["color"] for product, _ in rows]
    further = [[_picture(product["product_image"])] if size == "S" else None for product, size in rows]
    return [
        ("id", pa.array(offers, pa.int64()).cast(ids)),
        ("item_group_id", pa.array([product["sku"] for product, _ in rows])),
        ("title", pa.array([f"{product['title']} {size}" for product, size in rows])),
        ("description", pa.array([HTML] * len(rows))),
        ("image_link", pa.array([_picture(product["product_image"]) for product, _ in rows])),
        ("additional_image_link", pa.array(further, pa.list_(pa.string()))),
        ("price", pa.array(["49.00"] * len(rows))),
        ("sale_price", pa.array([Decimal("39.00")] * len(rows), pa.decimal128(10, 2))),
        ("gender", pa.array(["female" if product["gender"] == "woman" else "unisex" for product, _ in rows])),
        ("color", pa.array(colors).dictionary_encode()),
        ("google_product_category", pa.array(["Apparel & Accessories > Clothing > Shirts & Tops"] * len(rows))),
        ("shipping", pa.array([[{"country": "SE", "price": "4.90 EUR"}], None] * (len(rows) // 2))),
        ("availability", pa.array(["in_stock", "out_of_stock"] * (len(rows) // 2))),
    ]
