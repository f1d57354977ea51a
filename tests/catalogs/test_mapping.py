"""How a team's columns and values are found, and what is said when they are not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from blocks.errors import CatalogError
from catalogs.mapping import CatalogSource, as_gender, map_columns, namesakes, translated, vocabulary


def source(**settings: Any) -> CatalogSource:
    """A catalog's settings, but for its address."""
    return CatalogSource(uri="catalog.parquet", **settings)


def test_mapped_columns_are_taken_and_others_found_by_our_name() -> None:
    """A mapping is only needed where the names differ."""
    mapped = map_columns(source(columns={"sku": "product_id"}), ["product_id", "title", "Color", "weight"])

    assert mapped == {"sku": "product_id", "title": "title", "color": "Color"}


def test_a_column_of_our_name_beats_one_in_another_case() -> None:
    """Exactly our name is never ambiguous."""
    assert map_columns(source(), ["SKU", "sku"]) == {"sku": "sku"}


def test_two_columns_in_other_cases_are_not_guessed_between() -> None:
    """An ambiguous name counts as missing."""
    with pytest.raises(CatalogError, match=r"has no column 'sku' \(it has 'SKU', 'Sku'\)"):
        map_columns(source(), ["SKU", "Sku"])


def test_a_mapped_column_that_is_missing_names_the_nearest() -> None:
    """A typing error is answered with what was meant."""
    with pytest.raises(CatalogError) as caught:
        map_columns(source(columns={"sku": "productid"}), ["product_id", "title"])

    assert str(caught.value) == (
        "columns: sku is mapped to 'productid', which the catalog does not have (did you mean 'product_id'?). "
        "Its columns are 'product_id', 'title'."
    )


def test_a_column_mapped_in_another_case_is_pointed_out() -> None:
    """A name that is written down must be the catalog's own."""
    with pytest.raises(CatalogError, match=r"did you mean 'Product_ID'\?"):
        map_columns(source(columns={"sku": "product_id"}), ["Product_ID"])


@pytest.mark.parametrize("setting", [{"columns": {"colour": "farbe"}}, {"values": {"colour": {"rot": "red"}}}])
def test_a_name_that_is_not_ours_is_refused(setting: dict[str, Any]) -> None:
    """A typing error in our own names is no silent loss of a column."""
    with pytest.raises(CatalogError) as caught:
        map_columns(source(**setting), ["sku"])

    assert str(caught.value).startswith(
        f"{next(iter(setting))}: 'colour' is not one of our columns (did you mean 'color'?). Ours are sku, top_garment"
    )


def test_a_catalog_without_sku_shows_how_to_map_it() -> None:
    """The first thing that goes wrong says what to write."""
    with pytest.raises(CatalogError) as caught:
        map_columns(source(), ["artikel", "farbe"])

    assert str(caught.value) == (
        "the catalog has no column 'sku' (it has 'artikel', 'farbe'). "
        "Name the column that identifies a product, as in columns: {sku: product_id}."
    )


def test_a_wide_catalog_is_listed_in_part() -> None:
    """A message stays readable with hundreds of columns."""
    with pytest.raises(CatalogError, match=r"'c39' and 60 more\)"):
        map_columns(source(), [f"c{number}" for number in range(100)])


@pytest.mark.parametrize(
    ("word", "gender"),
    [
        *[
            (word, "woman")
            for word in (
                "woman",
                "Women",
                "WOMEN'S",
                "women\N{RIGHT SINGLE QUOTATION MARK}s",
                "female",
                "f",
                " W ",
                "Ladies",
            )
        ],
        *[(word, "man") for word in ("man", "Men", "mens", "Male", "m", "Menswear")],
        *[(word, None) for word in ("unisex", "kids", "boys", "girl", "", "wo", None)],
    ],
)
def test_usual_words_for_gender_are_known(word: str | None, gender: str | None) -> None:
    """What is neither stays open: a stage that needs a gender asks for it."""
    assert as_gender(word) == gender


def test_values_are_translated_whatever_their_case_and_type() -> None:
    """A code may be a number, and a word be written in several ways."""
    words = vocabulary(source(values={"color": {"BLK": "black", "7": "red"}}))["color"]

    translation = translated(["blk", " BLK ", 7, "blue", None, ["BLK"]], words)

    assert translation == ["black", "black", "red", "blue", None, ["BLK"]]


def test_a_gender_that_is_neither_is_refused() -> None:
    """A value that no vendor takes is refused before anything is paid."""
    with pytest.raises(CatalogError) as caught:
        vocabulary(source(values={"gender": {"Damen": "female"}}))

    assert str(caught.value) == (
        "values: gender maps 'damen' to 'female', which is neither woman nor man. Leave out the words that are neither."
    )


def test_a_constant_stands_in_for_a_column() -> None:
    """Also for one of the catalog's own that happens to have our name."""
    mapped = map_columns(source(constants={"gender": "Women", "color": "red"}), ["sku", "gender"])

    assert mapped == {"sku": "sku", "gender": "gender (constant)", "color": "color (constant)"}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"constants": {"sku": "A"}}, "constants: sku can't be the same for every product"),
        ({"constants": {"gender": "kids"}}, "constants: gender is 'kids', which is neither woman nor man"),
        ({"constants": {"colour": "red"}}, "constants: 'colour' is not one of our columns (did you mean 'color'?)"),
        (
            {"columns": {"color": "farbe"}, "constants": {"color": "red"}},
            "'color' has a column ('farbe') and a constant ('red')",
        ),
        ({"group_by": "handle"}, "group_by names 'handle', which the catalog does not have (did you mean 'Handle'?)"),
        (
            {"where": [{"column": "fabre", "blank": True}]},
            "where names 'fabre', which the catalog does not have (did you mean 'farbe'?)",
        ),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(setting: dict[str, Any], message: str) -> None:
    """Before a row is read, with what was meant."""
    with pytest.raises(CatalogError) as caught:
        map_columns(source(**setting), ["sku", "farbe", "Handle"])

    assert str(caught.value).startswith(message)


def test_numbers_in_yaml_are_names_and_values_all_the_same() -> None:
    """A column may be called 2024, and a code be 7."""
    settings = source(columns={"title": 2024}, values={"color": {7: "red"}})

    assert (settings.columns, settings.values) == ({"title": "2024"}, {"color": {"7": "red"}})


def test_a_mapping_survives_the_way_to_prefect_and_back() -> None:
    """Parameters of a run are kept as JSON, by name or by alias."""
    mapping = source(
        columns={"sku": "Handle"},
        constants={"garments": ["a.jpg"], "gender": "woman"},
        blanks=["NA"],
        group_by="Handle",
        where=[{"column": "Status", "is": "active"}, {"column": "Size", "in": ["S", 40]}],
    )

    for by_alias in (True, False):
        assert mapping == CatalogSource.model_validate_json(mapping.model_dump_json(by_alias=by_alias))
        assert mapping == CatalogSource.model_validate(mapping.model_dump(mode="json", by_alias=by_alias))


def test_the_form_asks_for_the_catalog_first() -> None:
    """Before how it is mapped."""
    assert "uri" == next(iter(CatalogSource.model_json_schema()["properties"]))


def test_columns_of_ours_are_known_among_those_that_were_read() -> None:
    """A file may lack some, and a constant has no column."""
    mapping = source(columns={"garments": "Pics", "title": "Name"}, constants={"color": "red"})

    assert namesakes(mapping, ["SKU", "Pics", "color"]) == {"sku": "SKU", "garments": "Pics"}


def test_an_unknown_setting_is_refused() -> None:
    """The form and the YAML file refuse typing errors alike."""
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        source(column={"sku": "id"})


def test_every_field_is_described_in_a_sentence() -> None:
    """The descriptions are what the form shows."""
    schema = CatalogSource.model_json_schema()["properties"]

    assert all(field["description"].endswith(".") for field in schema.values())
