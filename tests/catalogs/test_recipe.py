"""Recipes that can't work are refused before anything is paid, in words that say what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.errors import RecipeError
from blocks.operation import Slot
from blocks.operations import OPERATIONS
from catalogs.recipe import Recipe, load_recipe, parse_recipe, shipped_recipes

MODEL: dict[str, Any] = {"name": "model", "operation": "claid.fashion_models"}
PRESET: dict[str, Any] = {
    "name": "preset",
    "operation": "vmake.fashion_model",
    "options": {"modelId": "002", "sceneType": "none", "batchSize": 2},
}
REFINE: dict[str, Any] = {"name": "refine", "operation": "ailabtools.try_on_refiner"}
EDIT: dict[str, Any] = {"name": "edit", "operation": "claid.edit", "options": {"prompt": "add a hat"}}
SCENE: dict[str, Any] = {
    "name": "scene",
    "operation": "claid.scene",
    "options": {"scene": {"prompt": "{color} marble"}},
}


def recipe_of(*stages: dict[str, Any], **fields: Any) -> Recipe:
    """The recipe, as it is read from a file."""
    return parse_recipe(yaml.safe_dump({"name": "mine", "stages": list(stages)} | fields), source="mine.yaml")


def refusal_of(*stages: dict[str, Any], **fields: Any) -> str:
    """What is said of a recipe that can't work."""
    with pytest.raises(RecipeError) as caught:
        recipe_of(*stages, **fields)
    return str(caught.value)


@pytest.mark.parametrize("name", shipped_recipes())
def test_a_shipped_recipe_is_read_by_its_name(name: str) -> None:
    """Its file's name is its own, and it says what it makes."""
    recipe = load_recipe(name)

    assert recipe.name == name
    assert recipe.description.endswith(".")


@pytest.mark.parametrize("name", shipped_recipes())
def test_a_recipe_survives_the_way_through_a_deployment(name: str) -> None:
    """As JSON parameters it comes back equal, twice over."""
    recipe = load_recipe(name)
    sent = json.loads(json.dumps(recipe.model_dump(mode="json")))

    assert Recipe.model_validate(sent) == recipe
    assert Recipe.model_validate(sent).model_dump(mode="json") == sent


def test_the_form_of_a_recipe_describes_every_field() -> None:
    """The descriptions are what the Prefect form shows; each operation's stage has its own."""
    schema = Recipe.model_json_schema()
    stages = [model for name, model in schema["$defs"].items() if name.endswith("Stage")]

    assert len(stages) == len(OPERATIONS)
    for model in [*stages, schema, schema["$defs"]["Outfit"], schema["$defs"]["Look"]]:
        assert [name for name, field in model["properties"].items() if not field.get("description")] == []


def test_a_recipe_is_read_from_a_file(tmp_path: Path) -> None:
    """Any path will do."""
    path = tmp_path / "my recipe.yml"
    path.write_text(yaml.safe_dump({"name": "mine", "stages": [EDIT]}), "utf-8")

    assert load_recipe(str(path)).stages[0].name == "edit"


@pytest.mark.parametrize("name", ["on-modell", "", ".", "a\0b", "/dev/null/x"])
def test_a_recipe_that_is_not_there_is_told_with_those_that_are(name: str) -> None:
    """The message lists the shipped ones."""
    with pytest.raises(RecipeError) as caught:
        load_recipe(name)

    assert repr(name) in str(caught.value)
    assert str(caught.value).endswith("Shipped recipes: on-model, preset-model, three-scenes.")


@pytest.mark.parametrize(
    "text",
    ["a: [", "a: b: c", "\t- a", "name: 2024-13-45", "{[a]: b}", "a\n---\nb", "!!python/object:os.system x", "\x01"],
)
def test_what_is_not_yaml_is_refused_with_its_place(text: str) -> None:
    """Whatever the parser stumbles over, and it makes no objects."""
    with pytest.raises(RecipeError, match=r"^mine\.yaml is not YAML: ") as caught:
        parse_recipe(text, source="mine.yaml")

    assert caught.value.next_step


@given(st.text(alphabet="{}[]:,-&*!|>'\"%@`#? \nabc0", max_size=30))
@settings(deadline=None)
def test_no_text_does_more_than_be_refused(text: str) -> None:
    """An odd file is a `RecipeError`, never a crash."""
    with pytest.raises(RecipeError):
        parse_recipe(text, source="odd.yaml")


def test_a_refusal_names_stage_field_value_and_what_to_do() -> None:
    """Everything that is wrong is told at once."""
    wrong = MODEL | {"options": {"aspect_ratio": "3:7", "output": {"number_of_images": 9}}, "colour": "red"}

    assert refusal_of(wrong) == (
        "mine.yaml can't be used: stages.model.options.aspect_ratio: Input should be '1:1', '2:3', '3:2', '3:4', "
        "'4:3', '4:5', '5:4', '9:16', '16:9' or '21:9' (given: '3:7'); "
        "stages.model.options.output.number_of_images: Input should be less than or equal to 4 (given: 9); "
        "stages.model.colour: Extra inputs are not permitted (given: 'red'). "
        "docs/reference/recipe.md has every option."
    )


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("claid.scenes", "'claid.scenes' is none of claid.fashion_models, .* \\(did you mean 'claid.scene'\\?\\)"),
        (None, "stages.it: 'operation' is missing"),
    ],
)
def test_an_operation_that_is_none_is_told_with_the_nearest(operation: str | None, expected: str) -> None:
    """A typing error is answered with what was meant."""
    stage = {"name": "it"} | ({"operation": operation} if operation else {})
    with pytest.raises(RecipeError, match=expected):
        recipe_of(stage)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ([REFINE], "'refine' is first, but ailabtools.try_on_refiner works on a previous stage's result"),
        ([EDIT | {"picture": "previous"}], "'edit' is first, but claid.edit works on a previous stage's result"),
        ([EDIT, MODEL], "'model' (claid.fashion_models) does not use what stage 'edit' makes, so that would be paid"),
        ([MODEL, EDIT | {"picture": "product_image"}], "'edit' (claid.edit) does not use what stage 'model' makes"),
        ([EDIT, EDIT], "two stages are called 'edit'; give each its own name"),
        ([PRESET | {"pick": 3}], "'preset' makes 2 picture(s), so pick can't be 3; pick at most 2, or ask for more"),
        ([MODEL | {"pick": 2}, SCENE], "'model' makes 1 picture(s), so pick can't be 2"),
        ([MODEL | {"picture": "product_image"}], "'model' has a picture, but claid.fashion_models works on none"),
        ([EDIT | {"allow_random_model": True}], "'edit' allows a random model, but claid.edit never chooses one"),
        ([MODEL, REFINE | {"allow_random_model": True}], "ailabtools.try_on_refiner never chooses one"),
        ([EDIT | {"options": {"prompt": "a {color"}}], "'edit': the text 'a {color' has a brace that is not part of"),
    ],
)
def test_an_order_that_cannot_work_is_refused(stages: list[dict[str, Any]], expected: str) -> None:
    """What would be paid for and dropped, or could never run, is told before a run begins."""
    assert expected in refusal_of(*stages)


def test_no_stage_at_all_is_refused() -> None:
    """A recipe does something."""
    assert "stages: List should have at least 1 item" in refusal_of()


@pytest.mark.parametrize("name", ["Model", "a b", "../x", "", "x" * 41, "a/b", "a\n"])
def test_a_stage_name_fits_file_names(name: str) -> None:
    """Stage names become part of picture paths."""
    assert "String should match pattern" in refusal_of(EDIT | {"name": name})


def test_every_operation_can_be_first_but_those_that_follow_a_result() -> None:
    """Rules come from what operations say of themselves, so a new vendor's need none of their own."""
    for stage in (MODEL, PRESET, REFINE, EDIT, SCENE):
        if OPERATIONS[stage["operation"]].follows_a_result:
            assert "works on a previous stage's result" in refusal_of(stage)
        else:
            assert recipe_of(stage).stages[0].name == stage["name"]


def test_the_last_candidate_can_be_picked() -> None:
    """Counting starts at 1."""
    assert recipe_of(PRESET | {"pick": 2}, SCENE).stages[0].pick == 2


def test_a_random_model_is_only_taken_where_it_is_allowed() -> None:
    """The person is needed unless the recipe says otherwise, and the refiner needs one in any case."""
    pinned, random = recipe_of(MODEL, REFINE), recipe_of(MODEL | {"allow_random_model": True}, REFINE)

    assert pinned.stages[0].needs(Slot.PERSON)
    assert not random.stages[0].needs(Slot.PERSON)
    assert random.stages[0].takes(Slot.PERSON)
    assert random.stages[1].needs(Slot.PERSON)


def test_a_column_that_the_catalog_lacks_is_told_before_anything_is_paid() -> None:
    """The message names recipe, stage, column and the nearest."""
    recipe = recipe_of(MODEL, SCENE)
    recipe.check_columns(["sku", "color"])
    with pytest.raises(RecipeError) as caught:
        recipe.check_columns(["sku", "colour"])

    assert str(caught.value) == (
        "recipe 'mine', stage 'scene': the catalog has no column 'color' (did you mean 'colour'?). "
        "Its columns are: colour, sku."
    )


def test_a_wide_catalogs_columns_are_listed_in_part() -> None:
    """A message stays readable with hundreds of columns."""
    with pytest.raises(RecipeError, match=r"c139 and 60 more\.$"):
        recipe_of(SCENE).check_columns([f"c{number}" for number in range(100, 200)])


def test_outfits_are_by_gender() -> None:
    """A gender that no vendor takes is refused."""
    assert recipe_of(MODEL, outfits={"woman": {"person_image": "ada.jpg"}}).outfits["woman"].person_image == "ada.jpg"
    assert "outfits.unisex: Input should be 'woman' or 'man'" in refusal_of(MODEL, outfits={"unisex": {}})
