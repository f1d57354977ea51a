"""Rows as items, and the reasons of those that can't be used."""

from __future__ import annotations

import dataclasses
import json
import pickle
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogs.catalog import Catalog
from catalogs.mapping import CatalogSource
from catalogs.rows import Item, Reject

URL = "https://cdn.example.com/a.jpg"


@pytest.fixture
def rows(tmp_path: Path) -> Any:
    """Write columns as Parquet, and read them as a catalog."""

    def read(table: Mapping[str, Any], only: Collection[str] | None = None, **settings: Any) -> list[Item | Reject]:
        path = tmp_path / "catalog.parquet"
        pq.write_table(pa.table(dict(table)), path)
        return list(Catalog.open(CatalogSource(uri=str(path), **settings)).items(only))

    return read


def test_a_full_row_becomes_an_item(rows: Any) -> None:
    """Every column of ours has its place, and templates see all of them."""
    columns: dict[str, Any] = {
        "sku": "A-1",
        "top_garment": URL,
        "bottom_garment": "pants.jpg",
        "person_image": "s3://models/anna.jpg",
        "product_image": "/data/a.jpg",
        "garments": ["hat.jpg", "bag.jpg"],
        "gender": "Women",
        "title": " Linen shirt ",
        "category": "tops",
        "color": "ecru",
        "priority": 2,
        "image_version": 7,
        "fabric": "linen",
    }

    assert rows({name: [value] for name, value in columns.items()}) == [
        Item(
            row=1,
            sku="A-1",
            top_garment=URL,
            bottom_garment="pants.jpg",
            person_image="s3://models/anna.jpg",
            product_image="/data/a.jpg",
            garments=("hat.jpg", "bag.jpg"),
            gender="woman",
            title="Linen shirt",
            category="tops",
            color="ecru",
            priority=2,
            image_version="7",
            columns=columns
            | {
                "garments": ("hat.jpg", "bag.jpg"),
                "gender": "woman",
                "title": "Linen shirt",
                "image_version": "7",
            },
        )
    ]


def test_a_bare_row_is_an_item_too(rows: Any) -> None:
    """What a stage needs is the recipe's business."""
    [item] = rows({"sku": ["A-1"]})

    assert dataclasses.asdict(item) == {
        **dict.fromkeys(field.name for field in dataclasses.fields(Item)),
        "row": 1,
        "sku": "A-1",
        "garments": (),
        "columns": {"sku": "A-1"},
    }


@pytest.mark.parametrize(
    ("column", "skus"),
    [
        (["001", " A 2 ", "ä/3"], ["001", "A 2", "ä/3"]),
        ([1, 20, 2**60], ["1", "20", str(2**60)]),
        (pd.Series([12345, 1, 2], dtype="float64"), ["12345", "1", "2"]),
        ([Decimal("12345.00"), Decimal("7.00"), Decimal("1.50")], ["12345", "7", "1.5"]),
        (pa.array(["a", "b", "c"]).dictionary_encode(), ["a", "b", "c"]),
        (pa.array(["a", "b", "c"], pa.large_string()), ["a", "b", "c"]),
        (pa.array([b"a", b"b", b"c"]), ["a", "b", "c"]),
    ],
    ids=["text", "int", "pandas float", "decimal", "dictionary", "large text", "bytes that are text"],
)
def test_skus_of_many_types_are_text(rows: Any, column: Any, skus: list[str]) -> None:
    """A SKU reads the same however it is stored, and keeps its leading zeros."""
    assert [item.sku for item in rows({"sku": column})] == skus


@pytest.mark.parametrize("value", [None, "", "  ", "NA", "n/a", "N/A", "null", "NaN"])
def test_a_row_without_a_sku_is_rejected(rows: Any, value: str | None) -> None:
    """The reject names the row and the catalog's own column."""
    entries = rows({"id": ["A", value, "B"], "title": ["x", "y", "z"]}, columns={"sku": "id"})

    assert entries[1] == Reject(
        row=2, sku=None, column="id", value=repr(value), reason="it is blank, and every row needs a SKU"
    )
    assert [entry.sku for entry in entries] == ["A", None, "B"]


def test_a_sku_that_comes_twice_names_the_first_row(rows: Any) -> None:
    """Only the first is used; the number 1 and the text '1' in one catalog are the same SKU."""
    entries = rows({"sku": ["1", "2", " 1", "1"]})

    assert [type(entry) for entry in entries] == [Item, Item, Reject, Reject]
    assert entries[2] == Reject(row=3, sku="1", column="sku", value="' 1'", reason="row 1 has the same SKU")
    assert entries[3].reason == "row 1 has the same SKU"


def test_a_sku_that_no_folder_can_be_named_after_is_rejected(rows: Any) -> None:
    """A description mapped as the SKU is found before a picture is paid for, and its value is cut."""
    [reject] = rows({"sku": ["ä" * 101]})

    assert reject.reason == "it is longer than a SKU's 200 bytes"
    assert reject.sku is None
    assert len(reject.value) <= 200


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (pa.array([b"\xff\xd8\xff\xe0JFIF" * 99]), "it holds 792 bytes, not the address of a picture"),
        ([{"bytes": b"\xff", "path": "a"}], "it holds a record with bytes, path, not the address of a picture"),
        ([17], "it holds 17, not the address of a picture"),
    ],
)
def test_a_picture_that_is_no_reference_is_rejected(rows: Any, column: Any, reason: str) -> None:
    """A picture inside the catalog is refused by name, and its bytes stay out of the reject."""
    [reject] = rows({"sku": ["A"], "image": column}, columns={"top_garment": "image"})

    assert (reject.row, reject.sku, reject.column, reject.reason) == (1, "A", "image", reason)
    assert len(reject.value) <= 200


def test_one_bad_row_leaves_the_others_alone(rows: Any) -> None:
    """Bytes among texts are the trouble of their row."""
    entries = rows({"sku": ["A", "B", "C"], "garments": pa.array([b"a.jpg", b"\xff", None])})

    assert [entry.garments if isinstance(entry, Item) else entry.reason for entry in entries] == [
        ("a.jpg",),
        "it holds 1 bytes, not the address of a picture",
        (),
    ]


def test_the_first_of_several_pictures_is_taken_where_one_is_wanted(rows: Any) -> None:
    """A gallery's first picture is its main one."""
    [item] = rows({"sku": ["A"], "images": [[None, "a.jpg", "b.jpg"]]}, columns={"product_image": "images"})

    assert item.product_image == "a.jpg"
    assert item.columns["images"] == [None, "a.jpg", "b.jpg"]


def test_values_are_translated_and_the_catalogs_own_stay_visible(rows: Any) -> None:
    """Templates see ours under our name, and theirs under theirs."""
    entries = rows(
        {"sku": ["A", "B", "C"], "Abteilung": ["Damen", "HERREN", "Unisex"], "farbe": [1, 2, 3], "model": ["anna"] * 3},
        columns={"gender": "Abteilung", "color": "farbe", "person_image": "model"},
        values={
            "gender": {"damen": "woman", "Herren": "man"},
            "color": {"1": "red", "2": "blue"},
            "person_image": {"Anna": "s3://models/anna.jpg"},
        },
    )

    assert [item.gender for item in entries] == ["woman", "man", None]
    assert [item.columns["gender"] for item in entries] == ["woman", "man", "Unisex"]
    assert [item.columns["Abteilung"] for item in entries] == ["Damen", "HERREN", "Unisex"]
    assert [item.color for item in entries] == ["red", "blue", "3"]
    assert {item.person_image for item in entries} == {"s3://models/anna.jpg"}


def test_a_raw_value_stays_where_our_name_is_the_catalogs_own(rows: Any) -> None:
    """A gender that is neither can still be named in a message."""
    [item] = rows({"sku": ["A"], "gender": ["Kids"]})

    assert (item.gender, item.columns["gender"]) == (None, "Kids")


def test_templates_see_whole_numbers_without_a_point(rows: Any) -> None:
    """One blank cell makes pandas store floats; prompts, and so pictures, must not change for that."""
    entries = rows({"sku": ["A", "B"], "size": pd.Series([42, None]), "price": [49.5, 50.0], "thumb": [b"\xff", b"a"]})

    assert [dict(item.columns) for item in entries] == [
        {"sku": "A", "size": 42, "price": 49.5, "thumb": None},
        {"sku": "B", "size": None, "price": 50, "thumb": "a"},
    ]


def test_only_the_columns_that_are_asked_for_are_shown(rows: Any) -> None:
    """Wide catalogs are read as far as templates need."""
    [item] = rows({"sku": ["A"], "title": ["Shirt"], "fabric": ["linen"], "text": ["long"]}, only={"fabric", "missing"})
    [bare] = rows({"sku": ["A"], "title": ["Shirt"]}, only=())

    assert dict(item.columns) == {"fabric": "linen"}
    assert (item.title, bare.title, dict(bare.columns)) == ("Shirt", "Shirt", {})


def test_items_and_rejects_can_be_sent_to_other_processes(rows: Any) -> None:
    """Shards are planned here and done elsewhere."""
    entries = rows({"sku": ["A", None]})

    assert pickle.loads(pickle.dumps(entries)) == entries


cells = st.none() | st.text(max_size=12) | st.sampled_from(["A", "1", "NA", URL, f"{URL},{URL}", '["a.jpg"]', "Women"])


@given(
    st.lists(st.fixed_dictionaries(dict.fromkeys(("sku", "garments", "top_garment", "gender", "x"), cells)), min_size=1)
)
def test_every_row_of_any_table_comes_out_once(table: list[dict[str, str | None]]) -> None:
    """Rows are numbered in order, no two items share a SKU, and nothing is raised."""
    with TemporaryDirectory() as folder:
        schema = pa.schema([(name, pa.string()) for name in table[0]])
        pq.write_table(pa.Table.from_pylist(table, schema), f"{folder}/c.parquet", row_group_size=3)
        entries = list(Catalog.open(CatalogSource(uri=folder)).items())

    skus = [entry.sku for entry in entries if isinstance(entry, Item)]
    assert [entry.row for entry in entries] == list(range(1, len(table) + 1))
    assert len(set(skus)) == len(skus)
    assert {entry.reason for entry in entries if isinstance(entry, Reject) and entry.sku is None} <= {
        "it is blank, and every row needs a SKU"
    }


SECRET = "KEEPSECRET"
SIGNED = f"https://cdn.example/a.jpg?X-Amz-Credential=AKIA&X-Amz-Signature={SECRET}"


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param({"image": SIGNED}, id="a record"),
        pytest.param({"image": "ab", "signature": SECRET}, id="a record with a signature"),
        pytest.param(json.dumps([{"image": SIGNED}]), id="JSON"),
        pytest.param(json.dumps({"image": SIGNED}).replace("/", "\\/"), id="JSON with escapes"),
        pytest.param(json.dumps({"image": f"https://cdn.example/{'v' * 300}?sig={SECRET}"}), id="longer than is shown"),
        pytest.param(b"\xff" + SIGNED.encode(), id="bytes"),
        pytest.param({"image": f"https://anna:{SECRET}@cdn.example/a.jpg"}, id="a password"),
    ],
)
def test_a_cell_that_can_not_be_read_is_shown_without_what_opens_its_addresses(rows: Any, cell: Any) -> None:
    """A reject goes into manifests and reports, which more people read than the catalog."""
    [reject] = rows({"sku": ["A"], "top_garment": [cell]})

    assert isinstance(reject, Reject)
    assert SECRET not in reject.value
    assert SECRET not in reject.reason
    assert reject.value
