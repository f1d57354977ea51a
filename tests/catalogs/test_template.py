"""How text options are filled from a row, and what is refused."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.claid import EditOptions, SceneOptions
from blocks.errors import RecipeError
from blocks.vmake import FashionModelOptions
from catalogs.template import Blank, columns_of, render_options, unknown_columns, wire_of
from tests.catalogs.made import catalog_at, parquet_of

NOT_CHARACTERS = ("Cs",)


def filled(prompt: str, **columns: Any) -> str:
    """The prompt, filled from one row."""
    return render_options(EditOptions(prompt=prompt), columns).prompt


def test_columns_are_filled_in() -> None:
    """Each placeholder becomes the row's text, stripped."""
    assert filled("{color} {title}, marble", color=" navy ", title="shirt") == "navy shirt, marble"


def test_an_option_without_placeholders_is_left_alone() -> None:
    """The same options come back, not a copy."""
    options = EditOptions(prompt="marble countertop")

    assert render_options(options, {}) is options


@pytest.mark.parametrize("blank", [None, "", "  ", "N/A", "nan", [], [None], {"a": 1}, b"\xff"])
def test_a_blank_cell_takes_the_fallback(blank: object) -> None:
    """Nothing, words for nothing, and what no person would read are blank."""
    assert filled("{setting|a bright studio}, noon", setting=blank) == "a bright studio, noon"


def test_a_fallback_may_be_nothing() -> None:
    """An empty fallback leaves the text out."""
    assert filled("a {color|}shirt", color=None) == "a shirt"


def test_a_fallback_may_hold_any_sign_but_braces() -> None:
    """A colon, a bar or an exclamation mark is no syntax."""
    assert filled("{title|Sale: 50% | now!}", title="") == "Sale: 50% | now!"


@pytest.mark.parametrize("name", ["Size:EU", "a.b", "a[0]", "price!", "0", "Größe", "two words"])
def test_a_column_may_be_called_anything(name: str) -> None:
    """A team's column names are its own."""
    assert filled(f"size {{ {name} }}", **{name: "38"}) == "size 38"


def test_a_blank_cell_without_a_fallback_is_told() -> None:
    """The message names the column and what to write."""
    with pytest.raises(Blank) as caught:
        filled("in {setting}", setting=None)

    assert caught.value.place == ("setting", "")
    assert str(caught.value) == (
        "a text option needs column 'setting', which is blank in this row. "
        "Fill the column, or give the recipe a text for blank rows: {setting|text}."
    )


@pytest.mark.parametrize("text", ["a {color", "a color}", "a {}", "a { }", "a {|x}", "a {{color}", "a {a{b}}", "a }{"])
def test_a_brace_out_of_place_is_refused(text: str) -> None:
    """The message quotes the text and says how to write a brace."""
    with pytest.raises(RecipeError) as caught:
        columns_of(EditOptions(prompt=text))

    assert repr(text) in str(caught.value)
    assert str(caught.value).endswith("and a brace itself as {{ or }}.")


def test_doubled_braces_stand_for_themselves() -> None:
    """As in Python's own format strings."""
    assert filled("{{{color}}} {{x}}", color="red") == "{red} {x}"


@given(st.text(alphabet=st.characters(exclude_categories=NOT_CHARACTERS), max_size=40))
@settings(deadline=None)
def test_any_text_can_be_written_with_doubled_braces(text: str) -> None:
    """What is escaped comes out as it was."""
    options = EditOptions(prompt="see " + text.replace("{", "{{").replace("}", "}}"))

    assert columns_of(options) == set()
    assert render_options(options, {}).prompt == f"see {text}"


@given(st.text(alphabet="{}|ab .[]0!:_\\\n", max_size=24))
@settings(deadline=None, max_examples=300)
def test_any_text_with_braces_is_a_template_or_refused(text: str) -> None:
    """Nothing but `RecipeError` comes of an odd text, and what is none of it is filled."""
    options = EditOptions(prompt=f"see {text}")
    try:
        columns = columns_of(options)
    except RecipeError:
        return
    rendered = render_options(options, dict.fromkeys(columns, "VALUE"))

    assert rendered.prompt.startswith("see ")
    assert rendered.prompt.count("VALUE") >= len(columns)


@given(st.text(alphabet=st.characters(exclude_categories=NOT_CHARACTERS), max_size=40))
@settings(deadline=None)
def test_a_rows_text_is_never_a_template(value: str) -> None:
    """Braces in a cell are only text: a catalog can't reach other columns or the program."""
    try:
        rendered = filled("see {color}", color=value, sku="SECRET")
    except Blank:
        return

    assert rendered == f"see {value.strip()}"


@pytest.mark.parametrize("name", ["color.__class__", "color[0]", "color.__init__.__globals__", "0.real"])
def test_attributes_and_items_are_only_odd_column_names(name: str) -> None:
    """A placeholder reaches a column of exactly that name and nothing else."""
    options = EditOptions(prompt=f"see {{{name}}}")

    assert columns_of(options) == {name}
    assert unknown_columns(wire_of(options), ["color", "0"])[0].startswith(repr(name))


def test_an_unknown_column_with_a_fallback_is_the_fallback() -> None:
    """A shipped recipe may use a column that a catalog does not have, if it says what stands in."""
    options = EditOptions(prompt="on {setting|a marble floor}")

    assert [] == unknown_columns(wire_of(options), ["color"])
    assert "on a marble floor" == render_options(options, {"color": "red"}).prompt


def test_an_unknown_column_is_told_with_the_nearest() -> None:
    """A typing error is answered with what was meant."""
    options = EditOptions(prompt="{colour} {zzz}")

    assert unknown_columns(wire_of(options), ["color", "title"]) == ["'colour' (did you mean 'color'?)", "'zzz'"]


def test_texts_are_filled_however_deep_they_are() -> None:
    """Nested options, lists and further fields are templates too; names and numbers stay."""
    options = FashionModelOptions.model_validate(
        {"modelId": "{model}", "sceneType": "none", "extra": {"{a}": ["{color}", {"b": "{color}!"}], "n": 1}}
    )
    rendered = render_options(options, {"model": 7, "color": "red"})

    assert columns_of(options) == {"model", "color"}
    assert rendered.model_id == "7"
    assert rendered.extra == {"{a}": ["red", {"b": "red!"}], "n": 1}


def test_a_filled_text_that_leaves_its_range_is_told_in_short() -> None:
    """The message names the option, quotes the beginning of a long text, and says what to do."""
    options = SceneOptions.model_validate({"scene": {"prompt": "{title}"}})
    with pytest.raises(RecipeError) as caught:
        render_options(options, {"title": "x" * 5000})

    assert str(caught.value) == (
        "once filled from the row, the options can't be used: scene.prompt: String should have at most 2048 characters "
        f"(given: '{'x' * 79}). Change the row's text or the recipe's template."
    )


def test_cells_of_every_kind_read_as_people_write_them(tmp_path: Path) -> None:
    """A price is no 49.0, a list no Python, a blank in a column of numbers no 'nan'."""
    rows = [
        {
            "sku": "A",
            "price": 49.0,
            "exact": Decimal("12.50"),
            "day": date(2026, 5, 1),
            "moment": datetime(2026, 5, 1, 12, 0),  # noqa: DTZ001 - as catalogs hold it
            "tags": ["linen", "summer"],
            "ok": True,
        },
        {"sku": "B", "price": None, "exact": None, "day": None, "moment": None, "tags": None, "ok": None},
    ]
    catalog = catalog_at(parquet_of(rows, tmp_path / "catalog.parquet"))
    names = ("price", "exact", "day", "moment", "tags", "ok")
    prompt = "; ".join(f"{{{name}|-}}" for name in names)
    texts = [filled(prompt, **dict(item.columns)) for item in catalog.items(only=names)]  # type: ignore[union-attr]

    assert texts == ["49; 12.5; 2026-05-01; 2026-05-01 12:00:00; linen, summer; true", "-; -; -; -; -; -"]
