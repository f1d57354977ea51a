"""Looks: several items of each row, each with columns and options of its own, and units shared where they are equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.errors import RecipeError
from catalogs.looks import Look, LookColumns, patched
from catalogs.manifest import read_rows
from catalogs.manifest_merge import ManifestUpdate, write_upkeep
from catalogs.plan import Planned, PlannedItem
from catalogs.plan_difference import differences
from catalogs.plan_file import PlanWriter
from catalogs.plan_sums import sums_of
from catalogs.recipe import Recipe, load_recipe, parse_recipe
from catalogs.rows import Reject
from catalogs.template import Blank
from tests.catalogs.made import a_row, an_item, catalog_at, garment_rows, manifest_of, parquet_of, planned
from tests.catalogs.test_delta import Night, manifest_after
from tests.catalogs.test_planner import EVERY_OPERATION, GOLDEN_KEYS, plan_of

ON_MODEL = load_recipe("on-model")
ANNA = {"name": "anna", "columns": {"person_image": "https://shop.example/anna.jpg"}}
BEACH = {"name": "beach", "columns": {"setting": "a sunny beach"}}
SQUARE = {"name": "square", "options": {"scene": {"scene": {"aspect_ratio": "1:1"}}}}
WALL = {"name": "wall", "columns": {"setting": "a {color} wall"}}
LOOKS = [ANNA, BEACH, SQUARE, WALL]


def in_looks(*looks: Mapping[str, Any], recipe: Recipe = ON_MODEL) -> Recipe:
    """The recipe with these looks."""
    return Recipe.model_validate(recipe.model_dump(mode="json") | {"looks": list(looks)})


def refusal_of(*looks: Mapping[str, Any]) -> str:
    """What is said of a recipe with looks that can't work."""
    with pytest.raises(ValueError, match="look") as caught:
        in_looks(*looks)
    return str(caught.value)


def by_look(plan: Sequence[PlannedItem | Reject]) -> dict[tuple[str, str | None], list[str]]:
    """Unit keys by SKU and look."""
    items = [item for item in plan if isinstance(item, PlannedItem)]
    return {(item.sku, item.units[0].look): [unit.unit_key for unit in item.units] for item in items}


def test_each_row_is_an_item_in_each_look(tmp_path: Path) -> None:
    """In the catalog's order, then in that of the looks; what is the same in two of them has one key."""
    items = by_look(plan_of(garment_rows(2), tmp_path, in_looks(ANNA, BEACH, SQUARE)))

    assert [(f"SKU-{row}", look) for row in range(2) for look in ("anna", "beach", "square")] == list(items)
    anna, beach, square = (items["SKU-0", look] for look in ("anna", "beach", "square"))
    assert [False] * 3 == [one == other for one, other in zip(anna, beach, strict=True)]
    assert [True, True, False] == [one == other for one, other in zip(beach, square, strict=True)]


def test_the_keys_of_looks_stay_the_same_over_releases(tmp_path: Path) -> None:
    """Those of a look that changes nothing are those of the recipe without looks."""
    recipe = Recipe.model_validate({"name": "golden", "stages": EVERY_OPERATION[0]})
    red = {"name": "red", "columns": {"color": "red"}}
    looks = in_looks({"name": "plain"}, ANNA, SQUARE, red, recipe=recipe)
    items = by_look(plan_of(garment_rows(1), tmp_path, looks))

    assert {
        "plain": GOLDEN_KEYS[0],
        "anna": ["ac94d35059adf576", "439ae88d74b16e80", "67ad2cce4fb5b7c5"],
        "square": [*GOLDEN_KEYS[0][:2], "7a0a741cbd63a0aa"],
        "red": [*GOLDEN_KEYS[0][:2], "eb980bbc6d76b981"],
    } == {look: [key[:16] for key in keys] for (_, look), keys in items.items()}


@given(st.lists(st.sampled_from(LOOKS), min_size=1, unique_by=lambda look: look["name"]), st.data())
@settings(deadline=None, max_examples=25)
def test_other_looks_and_their_order_decide_nothing(
    tmp_path_factory: pytest.TempPathFactory, looks: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Each look has the keys that it has alone; a night with more or reordered looks plans the new ones only."""
    folder = tmp_path_factory.getbasetemp() / uuid4().hex
    catalog = parquet_of(garment_rows(3), folder / "catalog.parquet")
    alone = {
        key: value for look in looks for key, value in by_look(planned(catalog_at(catalog), in_looks(look))).items()
    }
    together = by_look(planned(catalog_at(catalog), in_looks(*looks)))
    first = data.draw(st.lists(st.sampled_from(looks), min_size=1, unique_by=lambda look: look["name"]))
    manifest = manifest_after(Night(catalog, None, in_looks(*first)), folder / "manifest.parquet")
    night = Night(catalog, manifest, in_looks(*data.draw(st.permutations(looks))))
    new = {look["name"] for look in looks} - {look["name"] for look in first}

    assert alone == together
    assert {(f"SKU-{row}", look) for row in range(3) for look in new} == set(by_look(night.items))
    assert (len(first) * 3, []) == (night.planner.unchanged, night.delta.refreshed)


def test_a_renamed_look_pays_nothing(tmp_path: Path) -> None:
    """It is another item with the same units; the one under the former name has left."""
    catalog = parquet_of(garment_rows(3), tmp_path / "catalog.parquet")
    manifest = manifest_after(Night(catalog, None, in_looks(ANNA, BEACH)), tmp_path / "manifest.parquet")
    night = Night(catalog, manifest, in_looks(ANNA | {"name": "eve"}, BEACH))

    assert [["done"] * 3] * 3 == [[str(reason) for reason in each.reasons] for each in night.planned]
    assert (3, [], {"anna": 3}) == (night.planner.unchanged, list(night.gone.skus), dict(night.gone.looks))


def test_a_recipe_that_gets_looks_leaves_its_items_without_one(tmp_path: Path) -> None:
    """They are told, as looks that left are, and what is the same is not paid again."""
    catalog = parquet_of(garment_rows(2), tmp_path / "catalog.parquet")
    manifest = manifest_after(Night(catalog, None), tmp_path / "manifest.parquet")
    night = Night(catalog, manifest, in_looks({"name": "plain"}, BEACH))

    assert {"": 2} == night.gone.looks
    assert [["done"] * 3, ["done", "done", "new"]] * 2 == [list(map(str, each.reasons)) for each in night.planned]


def test_skus_and_looks_that_left_are_retired_together(tmp_path: Path) -> None:
    """All looks of a SKU, and a look of all SKUs; the others stay as they are."""
    catalog = parquet_of(garment_rows(3), tmp_path / "catalog.parquet")
    manifest = manifest_after(Night(catalog, None, in_looks(ANNA, BEACH)), tmp_path / "manifest.parquet")
    night = Night(parquet_of(garment_rows(2), tmp_path / "less.parquet"), manifest, in_looks(BEACH))
    write_upkeep(tmp_path / "upkeep.parquet", "on-model", retired=night.gone.items)
    ManifestUpdate(manifest, [], upkeep=tmp_path / "upkeep.parquet").write(tmp_path / "after.parquet")
    current = {(row["sku"], row["look"]) for row in read_rows(tmp_path / "after.parquet") if row["status"] == "done"}

    assert {("SKU-0", "beach"), ("SKU-1", "beach")} == current
    assert 18 == pq.read_metadata(tmp_path / "after.parquet").num_rows


def test_what_a_run_says_of_one_look_replaces_that_look_alone(tmp_path: Path) -> None:
    """Also in a manifest of a version that had no looks."""
    old = manifest_of([a_row(sku="A"), a_row(sku="B")], tmp_path / "old.parquet")
    pq.write_table(pq.read_table(old).drop_columns(["look"]), old)
    part = manifest_of([a_row(sku="A", look="anna"), a_row(sku="A", look="eve")], tmp_path / "part.parquet")
    ManifestUpdate(old, [part]).write(tmp_path / "new.parquet")
    again = manifest_of([a_row(sku="A", look="eve", status="failed")], tmp_path / "again.parquet")
    ManifestUpdate(tmp_path / "new.parquet", [again]).write(tmp_path / "newer.parquet")

    assert [("A", None), ("B", None)] == [(row["sku"], row["look"]) for row in read_rows(old)]
    assert [("A", "eve", "failed"), ("A", "anna", "done"), ("A", None, "done"), ("B", None, "done")] == [
        (row["sku"], row["look"], row["status"]) for row in read_rows(tmp_path / "newer.parquet")
    ]


def test_a_row_that_one_look_can_not_use_is_told_with_it(tmp_path: Path) -> None:
    """The other looks go on."""
    rows = garment_rows(2)
    rows[0]["color"] = None
    plan = plan_of(rows, tmp_path, in_looks(BEACH, WALL))
    (reject,) = [entry for entry in plan if isinstance(entry, Reject)]

    assert [("SKU-0", "beach"), ("SKU-1", "beach"), ("SKU-1", "wall")] == list(by_look(plan))
    assert ("SKU-0", "wall", 1, "color") == (reject.sku, reject.look, reject.row, reject.column)
    assert "the columns of look 'wall': a text option needs column 'color', which is blank" in reject.reason


def test_a_limit_counts_rows(tmp_path: Path) -> None:
    """Those that can't be used among them."""
    rows = garment_rows(4)
    rows[0]["color"] = rows[1]["top_garment"] = None
    rows[1]["product_image"] = None
    plan = plan_of(rows, tmp_path, in_looks(BEACH, WALL), limit=3)
    entries = [entry.row if isinstance(entry, Reject) else entry.units[0].row for entry in plan]

    assert [1, 1, 2, 2, 3, 3] == entries
    assert [("SKU-2", "beach"), ("SKU-2", "wall")] == list(
        by_look(plan_of(rows, tmp_path, in_looks(BEACH, WALL), skus=["SKU-2"]))
    )


def test_shared_units_are_priced_once(tmp_path: Path) -> None:
    """However many looks, and SKUs, they are of; the first changes are told with their looks."""
    rows = garment_rows(2)
    rows.append(rows[0] | {"sku": "the same"})
    path = tmp_path / "plan.parquet"
    with PlanWriter(path, shard_items=100) as writer:
        writer.add_all(Night(parquet_of(rows, tmp_path / "catalog.parquet"), None, in_looks(BEACH, SQUARE)).planned)
    sums = sums_of(path)

    assert [("model", 2, 4.0), ("refine", 2, 60.0), ("scene", 4, 4.0)] == [
        (group.stage, group.paid, group.credits) for group in sums.groups
    ]
    assert (6, "beach") == (sums.items, sums.first[0].look)


def test_plans_are_compared_look_by_look(tmp_path: Path) -> None:
    """Also with a manifest of a version that had no looks."""
    catalog, paths = parquet_of(garment_rows(2), tmp_path / "catalog.parquet"), [tmp_path / "was", tmp_path / "new"]
    for path, looks in zip(paths, ([BEACH, SQUARE], [BEACH, WALL]), strict=True):
        with PlanWriter(path, shard_items=100) as writer:
            writer.add_all(Night(catalog, None, in_looks(*looks)).planned)
    old = manifest_of([a_row()], tmp_path / "old.parquet")
    pq.write_table(pq.read_table(old).drop_columns(["look"]), old)
    found = differences(paths[0], paths[1], old)

    assert 12 == found.units
    assert ("SKU-0 (square)", "model", "new", "no longer planned") == found.first[0]
    assert 0 == differences(paths[0], paths[0], old).units


def test_a_look_has_prices_of_its_own(tmp_path: Path) -> None:
    """Its options decide how many pictures there are to pay for."""
    two = {"name": "two", "options": {"scene": {"output": {"number_of_images": 2}}}}
    plan = plan_of(garment_rows(1), tmp_path, in_looks(BEACH, two))

    assert [1.0, 2.0] == [item.units[2].credits for item in plan if isinstance(item, PlannedItem)]


def test_a_look_dresses_a_row() -> None:
    """Under our name of a column or the catalog's own; texts are filled from the row as it is."""
    columns = {
        "gender": "Ladies",
        "farbe": "red",
        "backdrop": "{color} wall",
        "garments": '["a.png", "b.png"]',
        "title": "",
    }
    look = Look.model_validate({"name": "eve", "columns": columns})
    item = LookColumns(look, {"color": "farbe"}).dress(an_item(title="Shirt", columns={"color": "navy", "size": "M"}))

    assert ("eve", "woman", "red", None) == (item.look, item.gender, item.color, item.title)
    assert ("a.png", "b.png") == item.garments
    assert {"color": "red", "farbe": "red", "backdrop": "navy wall", "size": "M", "gender": "woman"} == {
        name: item.columns[name] for name in ("color", "farbe", "backdrop", "size", "gender")
    }
    with pytest.raises(Blank):
        LookColumns(look, {}).dress(an_item())


@pytest.mark.parametrize(
    ("look", "said"),
    [
        ({"name": "A"}, "should match pattern"),
        ({"name": "a" * 25}, "should match pattern"),
        ({"name": "x", "columns": {"sku": "B"}}, "look 'x' sets the column sku"),
        ({"name": "x", "columns": {"gender": "ladi"}}, "the gender 'ladi' is neither woman nor man"),
        ({"name": "x", "columns": {"setting": "{a"}}, "has a brace that is not part of a {column}"),
        ({"name": "x", "options": {"scen": {}}}, "look 'x' has options for a stage 'scen', which the recipe has not"),
        ({"name": "x", "options": {"scene": {"scene": {"aspect_ratio": "9:1"}}}}, "look 'x', stage 'scene': options.scene.aspect_ratio: "),
        ({"name": "x", "options": {"scene": {"scene": None}}}, "look 'x', stage 'scene': options.scene: Field required"),
        (BEACH, "two looks are called 'beach'"),
    ],
)  # fmt: skip
def test_a_look_that_can_not_work_is_refused_with_the_recipe(look: Mapping[str, Any], said: str) -> None:
    """Its options are looked at as the stages' own are."""
    assert said in refusal_of(BEACH, look)


def test_a_column_that_neither_catalog_nor_look_has_is_refused() -> None:
    """A prompt may name what every look sets, and a look's text what the catalog has."""
    text = "{name: r, stages: [{name: s, operation: claid.edit, options: {prompt: 'on {backdrop}'}}], looks: [%s, %s]}"
    set_, other = "{name: a, columns: {backdrop: 'a {color} wall'}}", "{name: b}"
    parse_recipe(text % (set_, "{name: b, columns: {backdrop: grass}}"), source="r").check_columns(["sku", "color"])

    with pytest.raises(RecipeError, match="recipe 'r', look 'b', stage 's': the catalog has no column 'backdrop'"):
        parse_recipe(text % (set_, other), source="r").check_columns(["sku", "color"])
    with pytest.raises(RecipeError, match="recipe 'r', look 'a', column 'backdrop': the catalog has no column 'color'"):
        parse_recipe(text % (set_, other), source="r").check_columns(["sku"])
    with pytest.raises(RecipeError, match=r"nothing uses the column 'person_imge' \(did you mean 'person_image'"):
        parse_recipe(text % (set_, "{name: c, columns: {person_imge: a.jpg}}"), source="r").check_columns(["color"])


def test_an_option_under_either_of_its_names_is_overridden() -> None:
    """Vmake's have two each."""
    preset = load_recipe("preset-model")
    for name in ("modelId", "model_id"):
        recipe = in_looks({"name": "x", "options": {"model": {name: "009"}}}, recipe=preset)
        options = recipe.in_look(recipe.looks[0]).stages[0].options.model_dump(mode="json")

        assert {**preset.stages[0].options.model_dump(mode="json"), "model_id": "009"} == options


@pytest.mark.parametrize(
    ("value", "patch", "expected"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        (None, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
        ({"a": {"b": 1}}, {"a": 2}, {"a": 2}),
    ],
)
def test_options_are_merged_as_json_merge_patch_says(value: Any, patch: Any, expected: Any) -> None:
    """What is not named stays, null takes away, lists are replaced."""
    assert expected == patched(value, patch)


def test_a_planned_item_knows_its_look(tmp_path: Path) -> None:
    """For messages, and for the manifest."""
    night = Night(parquet_of(garment_rows(1), tmp_path / "catalog.parquet"), None, in_looks(BEACH))

    assert all(isinstance(entry, Planned) for entry in night.planned)
    assert ["SKU-0 (beach)"] == [item.name for item in night.items]
