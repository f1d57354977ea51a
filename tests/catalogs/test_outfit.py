"""What an item wears: its own pictures, completed by the recipe's outfits."""

from __future__ import annotations

from typing import Any

import pytest

from catalogs.outfit import Wanting, dressed
from catalogs.recipe import Recipe
from tests.catalogs.made import an_item

MODEL = {"name": "model", "operation": "claid.fashion_models"}
REFINE = {"name": "refine", "operation": "ailabtools.try_on_refiner"}
EDIT = {"name": "edit", "operation": "claid.edit", "options": {"prompt": "add a hat"}}
OUTFITS = {
    "woman": {"person_image": "ada.jpg", "top_garment": "white-tee.png", "bottom_garment": "jeans.png"},
    "man": {"person_image": "bob.jpg", "bottom_garment": "chinos.png"},
}


def recipe_of(*stages: dict[str, Any], **fields: Any) -> Recipe:
    """A recipe with the outfits above."""
    return Recipe.model_validate({"name": "mine", "stages": stages, "outfits": OUTFITS} | fields)


def worn(stage: int = 0, recipe: Recipe | None = None, **columns: Any) -> dict[str, list[str]]:
    """What goes into a stage for an item with these columns."""
    recipe = recipe or recipe_of(MODEL, REFINE)
    return dressed(an_item(**columns), recipe, recipe.stages[stage], stage)


def wanting(stage: int = 0, recipe: Recipe | None = None, **columns: Any) -> Wanting:
    """What is said of an item that can't go through a stage."""
    with pytest.raises(Wanting) as caught:
        worn(stage, recipe, **columns)
    return caught.value


def test_a_top_is_completed_by_its_genders_bottom_and_model() -> None:
    """Nothing is left for the vendor to invent."""
    assert worn(gender="woman", category="top", top_garment="blouse.png") == {
        "top_garment": ["blouse.png"],
        "bottom_garment": ["jeans.png"],
        "person_image": ["ada.jpg"],
    }


def test_a_bottom_is_completed_by_a_top_where_the_outfit_has_one() -> None:
    """The man's outfit has no top."""
    assert worn(gender="woman", bottom_garment="skirt.png")["top_garment"] == ["white-tee.png"]
    assert worn(gender="man", bottom_garment="shorts.png") == {
        "bottom_garment": ["shorts.png"],
        "person_image": ["bob.jpg"],
    }


def test_the_rows_own_pictures_come_first() -> None:
    """An outfit only fills what is blank."""
    own: dict[str, Any] = {"top_garment": "a.png", "bottom_garment": "b.png", "person_image": "c.jpg"}

    assert worn(gender="woman", **own) == {slot: [reference] for slot, reference in own.items()}


@pytest.mark.parametrize(
    "category", ["dress", "Dresses", "DRESS ", "Maxi dress", "Women > Dresses", "women/clothing/jumpsuits", "Overall"]
)
def test_nothing_is_added_to_a_whole_outfit(category: str) -> None:
    """A dress gets no jeans, in the singular or plural and however deep its category is."""
    assert worn(gender="woman", category=category, top_garment="dress.png") == {
        "top_garment": ["dress.png"],
        "person_image": ["ada.jpg"],
    }


@pytest.mark.parametrize("category", [None, "", "top", "dress shirt", "Dress Shoes", "swimwear", "ress", "dressy", "!"])
def test_other_categories_are_completed(category: str | None) -> None:
    """What only sounds like a whole outfit is none."""
    assert "bottom_garment" in worn(gender="woman", category=category, top_garment="x.png")


def test_a_team_names_its_own_whole_outfits() -> None:
    """In several words and other languages too."""
    recipe = recipe_of(MODEL, one_piece=["Kleid", "play suit", ""])

    assert "bottom_garment" not in worn(recipe=recipe, gender="woman", category="KLEID", top_garment="x.png")
    assert "bottom_garment" not in worn(recipe=recipe, gender="woman", category="Play Suits", top_garment="x.png")
    assert "bottom_garment" in worn(recipe=recipe, gender="woman", category="suit", top_garment="x.png")


def test_a_list_of_garments_is_taken_as_complete() -> None:
    """Nobody knows what is in it."""
    assert worn(gender="woman", garments=("a.png", "b.png")) == {
        "garments": ["a.png", "b.png"],
        "person_image": ["ada.jpg"],
    }


def test_the_product_image_stands_in_for_garments() -> None:
    """It is what the row has to show; beside a garment it is left out."""
    assert worn(gender="woman", product_image="p.jpg")["garments"] == ["p.jpg"]
    assert "garments" not in worn(gender="woman", product_image="p.jpg", top_garment="t.png")


def test_an_unknown_gender_gets_no_outfit() -> None:
    """Then the row must bring its own model."""
    error = wanting(top_garment="t.png")

    assert error.place == ("person_image", "")
    assert str(error) == (
        "column 'person_image' is blank and claid.fashion_models can't go without it. "
        "Fill the column, map it to the catalog's own name, or give the recipe an outfit."
    )


def test_a_random_model_needs_no_person() -> None:
    """Where the recipe allows it, and where the row has none."""
    recipe = recipe_of(MODEL | {"allow_random_model": True})

    assert worn(recipe=recipe, top_garment="t.png") == {"top_garment": ["t.png"]}
    assert worn(recipe=recipe, top_garment="t.png", person_image="p.jpg")["person_image"] == ["p.jpg"]


def test_no_garment_is_told() -> None:
    """A bare model is not what anyone pays for."""
    assert str(wanting(person_image="p.jpg")).startswith(
        "column 'top_garment' is blank and there is no garment to wear."
    )


def test_a_stage_gets_only_what_it_has_a_place_for() -> None:
    """The refiner takes no list of garments, and the edit takes a picture alone."""
    refined = worn(1, gender="woman", top_garment="t.png", product_image="p.jpg")

    assert refined == {"top_garment": ["t.png"], "bottom_garment": ["jeans.png"], "person_image": ["ada.jpg"]}
    assert worn(0, recipe_of(EDIT), gender="woman", top_garment="t.png", product_image="p.jpg") == {
        "picture": ["p.jpg"]
    }
    assert worn(1, recipe_of(MODEL, EDIT), top_garment="t.png") == {}


def test_a_first_stage_works_on_the_column_that_the_recipe_names() -> None:
    """The model's photo, for instance; without it, the column is named."""
    recipe = recipe_of(EDIT | {"picture": "person_image"})

    assert worn(recipe=recipe, person_image="m.jpg", product_image="p.jpg") == {"picture": ["m.jpg"]}
    assert wanting(recipe=recipe, product_image="p.jpg").place == ("person_image", "")
    assert str(wanting(recipe=recipe_of(EDIT))) == (
        "column 'product_image' is blank and there is no picture to work on. "
        "Fill the column, map it to the catalog's own name."
    )


def test_a_gender_that_is_needed_is_told_in_the_rows_own_word() -> None:
    """The message quotes it and says how to map it."""
    pictures: dict[str, Any] = {"top_garment": "t.png", "person_image": "p.jpg"}
    unknown, blank = wanting(1, columns={"gender": "Unisex"}, **pictures), wanting(1, **pictures)

    assert unknown.place == ("gender", "Unisex")
    assert str(unknown) == (
        "ailabtools.try_on_refiner needs a gender and 'Unisex' is neither woman nor man. "
        "Map the catalog's own words with values: {gender: {Women: woman}}."
    )
    assert blank.place == ("gender", "")
    assert str(blank).startswith("column 'gender' is blank and ailabtools.try_on_refiner can't go without it.")


def test_the_refiner_needs_a_top() -> None:
    """A list of garments does not say which is the top."""
    assert wanting(1, gender="woman", garments=("a.png",), person_image="p.jpg").place == ("top_garment", "")
