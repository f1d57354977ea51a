"""What columns and genders are called."""

from __future__ import annotations

import pytest

from catalogs.mapping import LOGICAL_COLUMNS
from catalogs.synonyms import HANDLES, NAMES, gender_of, likeness, one_word


def test_every_column_of_ours_but_a_list_has_names() -> None:
    """`garments` are several things to wear, which no shop's list of pictures is."""
    assert {*NAMES, "garments"} == set(LOGICAL_COLUMNS)
    assert all(names[0] == one_word(ours) for ours, names in NAMES.items())


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("Article Number", "sku"),
        ("artikel_nr", "sku"),
        ("Référence", "sku"),
        ("g:image_link", "product_image"),
        ("Google Shopping / Gender", "gender"),
        ("PŁEĆ", "gender"),
        ("Title (2)", "title"),
        ("mainImage", "product_image"),
    ],
)
def test_a_name_is_known_however_it_is_written(name: str, ours: str) -> None:
    """Case, accents, separators and namespaces make no difference."""
    assert likeness(name, NAMES[ours]) is not None


def test_a_likelier_name_comes_first() -> None:
    """A column called like ours is likelier than one of which only a part is."""
    places = [likeness(name, NAMES["sku"]) for name in ("SKU", "ean", "shop: sku")]

    assert places == sorted(places, key=lambda place: place or 0)
    assert likeness("weight", NAMES["sku"]) is None
    assert likeness("item_group_id", HANDLES) is not None


@pytest.mark.parametrize(
    ("word", "gender"),
    [("Damen", "woman"), ("HERREN", "man"), ("Féminin", "woman"), ("women's", "woman"), ("Kinder", None), ("", None)],
)
def test_words_for_genders_are_known_in_many_languages(word: str, gender: str | None) -> None:
    """What is neither stays open."""
    assert gender == gender_of(word)
