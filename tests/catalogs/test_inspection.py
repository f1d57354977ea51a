"""A look into catalogs that nobody has described: columns, oddities, and a mapping that works as proposed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from blocks.errors import CatalogError
from catalogs.inspection import Inspection, inspect_catalog
from catalogs.mapping import CatalogMapping
from catalogs.proposal import propose_mapping
from tests.s3_servers import S3Server


def inspected(folder: Path, **columns: Any) -> Inspection:
    """What is found in a catalog of these columns."""
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), folder / "c.parquet")
    return inspect_catalog(str(folder / "c.parquet"))


def proposed(folder: Path, **columns: Any) -> tuple[CatalogMapping, str]:
    """The mapping proposed for a catalog of these columns, as it would be read, and its text."""
    text = propose_mapping(inspected(folder, **columns))
    return CatalogMapping.model_validate(yaml.safe_load(text)), text


def test_every_type_of_column_is_looked_into(tmp_path: Path) -> None:
    """Filled cells, distinct ones, the longest and some of them."""
    found = inspected(
        tmp_path,
        text=["a", " b ", "", None, "N/A", "x" * 19_000],
        large=pa.array(["a"] * 6, pa.large_string()),
        dictionary=pa.array(["a", "b", None] * 2).dictionary_encode(),
        number=[1.0, 2.5, None, float("nan"), 1.0, 3.0],
        flag=[True, False, None, True, True, True],
        decimal=pa.array([None] * 5 + [1], pa.decimal128(10, 2)),
        pictures=[["https://x/a.jpg"], None, [], ["https://x/b.jpg", None], None, None],
        records=[{"url": "https://x/a.jpg"}, None, None, None, None, None],
        nothing=pa.nulls(6),
        binary=[b"\xff\xd8", b"", None, b"abc", b"\xff", None],
    )
    facts = {
        name: (column.filled, column.distinct, column.longest, list(column.seen)[:2])
        for name, column in found.columns.items()
    }

    assert {
        "large": (6, (1, True), 1, ["a"]),
        "dictionary": (4, (2, True), 1, ["a", "b"]),
        "number": (4, (3, True), 0, ["1", "2.5"]),
        "flag": (5, (2, True), 0, ["True", "False"]),
        "decimal": (1, (1, True), 0, ["1"]),
        "pictures": (2, None, 0, ["https://x/a.jpg", "https://x/b.jpg"]),
        "records": (1, None, 0, ["https://x/a.jpg"]),
        "nothing": (0, (0, True), 0, []),
    } == {name: fact for name, fact in facts.items() if name not in {"text", "binary"}}
    assert (3, (3, True), 19_000, ["a", "b"]) == facts["text"]
    assert 4 <= facts["binary"][0]


def test_many_values_are_counted_roughly_in_little_memory(tmp_path: Path) -> None:
    """Within a few percent, and said to be so."""
    column = inspected(tmp_path, n=[f"value {n}" for n in range(60_000)]).columns["n"]
    assert column.distinct is not None
    count, exact = column.distinct

    assert not exact
    assert 0.9 * 60_000 < count < 1.1 * 60_000
    assert column.values is None


def test_oddities_are_told(tmp_path: Path) -> None:
    """What a person should know before a run."""
    found = inspected(
        tmp_path,
        sku=["A", "A", None, "B", "A"],
        price=["1.50", "2", " 3 ", "4,20", "1.000,00"],
        color=["NA", "red", "-", "NA", "blue"],
        empty=["", " ", None, "N/A", "null"],
    )

    assert [
        "column 'sku' is blank in 1 row",
        "column 'sku' is the same as in the row before in 1 row",
        "column 'sku' has values that come again further down: 1 row",
        "column 'price' has spaces around its text in 1 row; they are left out",
        "column 'price' holds numbers stored as text",
        "column 'color' says 'NA' in 2 rows",
        "column 'color' says '-' in 1 row",
        "column 'empty' is blank in all 5 rows",
    ] == list(found.faults())


def test_drift_and_damage_are_told(tmp_path: Path) -> None:
    """Files that differ, names that were made up, and files that can't be read."""
    pq.write_table(pa.table({"sku": ["A"], "size": [40]}), tmp_path / "1.parquet")
    pq.write_table(
        pa.table([pa.array([cell]) for cell in ("B", "40", "x", "y")], names=["sku", "size", "sku", ""]),
        tmp_path / "2.parquet",
    )
    (tmp_path / "3.parquet").write_bytes(b"PAR1")
    found = inspect_catalog(str(tmp_path))

    assert (2, ["sku", "size", "sku (2)", "column 4"]) == (found.rows, list(found.columns))
    assert [
        "file 3.parquet is cut short: it begins as Parquet, but its end is not there after 4 bytes; copy it again",
        "column 'sku (2)' is called so here: 'sku' is there more than once",
        "column 'column 4' is called so here: it has no name",
        "column 'size' is int64 here and string there, by file; both are read",
        "column 'sku (2)' is not in 1.parquet; it is blank there",
        "column 'column 4' is not in 1.parquet; it is blank there",
        "column 'sku (2)' is blank in 1 row",
    ] == list(found.faults())


async def test_a_catalog_on_s3_is_looked_into(moto: S3Server) -> None:
    """With the credentials of a storage block."""
    storage = moto.storage()
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"sku": ["A", "B"]}), sink)
    await storage.write("c.parquet", sink.getvalue().to_pybytes(), content_type="application/octet-stream")

    assert 2 == inspect_catalog(f"{storage.root}/c.parquet", storage).columns["sku"].filled


def test_a_catalog_that_is_not_there(tmp_path: Path) -> None:
    """The same words as a run's."""
    with pytest.raises(CatalogError, match="there is no catalog at"):
        inspect_catalog(f"{tmp_path}/none.parquet")


PICTURES = ["https://shop.example/1.jpg", "https://shop.example/2.jpg", "https://shop.example/3.jpg"]


@pytest.mark.parametrize(
    ("names", "genders", "values"),
    [
        (
            ("Artikelnummer", "Bild-URL", "Bezeichnung", "Warengruppe", "Farbe", "Geschlecht"),
            ["Damen", "Herren", "Kinder"],
            {"Damen": "woman", "Herren": "man"},
        ),
        (
            ("Référence", "Image principale", "Désignation", "Catégorie", "Coloris", "Sexe"),
            ["Femme", "Homme", "Femme"],
            {"Femme": "woman", "Homme": "man"},
        ),
        (
            ("CÓDIGO", "imagen", "nombre_producto", "categoria", "COLOR", "género"),
            ["Mujer", "Hombre", "niños"],
            {"Mujer": "woman", "Hombre": "man"},
        ),
        (
            ("productId", "g:image_link", "g:title", "g:product_type", "g:color", "g:gender"),
            ["female", "male", "female"],
            {},
        ),
    ],
)
def test_columns_are_known_by_their_names_in_several_languages(
    tmp_path: Path, names: tuple[str, ...], genders: list[str], values: dict[str, str]
) -> None:
    """The words for genders too, where ours does not know them."""
    cells = [["1", "2", "3"], PICTURES, ["Kleid", "Hose", "Hemd"], ["a", "b", "c"], ["rot", "blau", "rot"], genders]
    mapping, _ = proposed(tmp_path, **dict(zip(names, cells, strict=True)))

    assert dict(zip(("sku", "product_image", "title", "category", "color", "gender"), names, strict=True)) == (
        mapping.columns
    )
    assert values == mapping.values.get("gender", {})


def test_columns_of_unknown_names_are_known_by_what_they_hold(tmp_path: Path) -> None:
    """Pictures, genders, and what no two rows have alike."""
    mapping, text = proposed(
        tmp_path, q1=["x", "y", "z"], q2=PICTURES, q3=["women", "men", "women"], q4=["https://shop.example/p/1"] * 3
    )

    assert {"sku": "q1", "product_image": "q2", "gender": "q3"} == mapping.columns
    assert "sku: q1            # a guess: every row has another one" in text


def test_a_name_alone_makes_no_picture_column(tmp_path: Path) -> None:
    """Image alt texts are words."""
    mapping, text = proposed(tmp_path, sku=["1", "2", "3"], image=["Front view", "Back", "Side"])

    assert {"sku": "sku"} == mapping.columns
    assert "# product_image: ?" in text
    assert "constants: { gender: woman, person_image: model.jpg } says it for all" in text


@pytest.mark.parametrize(
    ("columns", "group_by", "sku", "says"),
    [
        ({"sku": ["A", "B"]}, None, "sku", "every row has its own"),
        ({"sku": ["A", "A", "B"]}, "sku", "sku", "1 row with the same sku as the row before"),
        ({"sku": ["A", None, "B"], "title": ["x", "", "z"]}, "sku", "sku", "rows without sku (1) carry on the product"),
        ({"sku": ["A", None, "B"], "title": ["x", "y", "z"]}, None, "sku", "1 row without a value, 0 repeat one"),
        ({"Handle": ["a", "a", "b"], "Variant SKU": ["1", "2", None]}, "Handle", "Handle", "the same Handle"),
        (
            {"id": ["1", "2", "3"], "item_group_id": ["x", "x", None]},
            None,
            "id",
            "1 row without would join the row before",
        ),
        ({"sku": ["A", "B", "A"]}, None, "sku", "1 repeat one: only the first of each is used"),
    ],
)
def test_rows_are_grouped_where_they_are_one_product(
    tmp_path: Path, columns: dict[str, Any], group_by: str | None, sku: str, says: str
) -> None:
    """Never where a product without a handle would be swallowed by the one before."""
    mapping, text = proposed(tmp_path, **columns)

    assert (group_by, sku) == (mapping.group_by, mapping.columns["sku"])
    assert says in text


def test_what_dresses_a_model_is_named_where_no_column_is_called_so(tmp_path: Path) -> None:
    """A picture of the product may be the garment, and one model may do for all: both are there to be uncommented."""
    _, text = proposed(tmp_path, sku=["1", "2"], image=["https://shop.example/1.jpg", "https://shop.example/2.jpg"])

    assert "  # top_garment: image   # or bottom_garment" in text
    assert "constants: { gender: woman, person_image: model.jpg }" in text


def test_words_for_nothing_and_filters_are_proposed(tmp_path: Path) -> None:
    """The words as they are used; the filter for a person to switch on."""
    mapping, text = proposed(
        tmp_path, sku=["1", "2", "3"], title=["NA", "b", "c"], color=["-", "NA", "red"], Status=["on", "on", "off"]
    )

    assert ["NA", "-"] == mapping.blanks
    assert "also in the title: is it meant there?" in text
    assert "#   - { column: Status, is: 'on' }" in text


def test_names_that_yaml_would_misread_are_quoted(tmp_path: Path) -> None:
    """Any name can be written down."""
    for number, name in enumerate(["yes: no", "#id", "2024", "a, b", "{sku}", "null", "- x", 'say "x"', "élan\n2"]):
        mapping, _ = proposed(tmp_path / str(number), **{name: ["1", "2", "3"]})

        assert {"sku": name} == mapping.columns
