"""The chain of a row: made fast, and exactly as the plain functions for options, inputs and keys make it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.errors import CatalogError, RecipeError
from blocks.operation import Slot
from catalogs.chain import Chain, Link
from catalogs.outfit import dressed
from catalogs.recipe import Recipe, load_recipe, shipped_recipes
from catalogs.row_options import RowOptions
from catalogs.rows import Item, Reject
from catalogs.sources import PictureSources
from catalogs.template import render_options, wire_of
from catalogs.unit_key import result_identity, source_identity, unit_key, unsigned
from tests.catalogs.made import catalog_at, garment_rows, parquet_of

OUTFITS = {
    "woman": {"person_image": "models/ada.png", "bottom_garment": "https://shop.example/jeans.png"},
    "man": {"top_garment": "s3://shop/tee.png"},
}
STAGES: list[list[dict[str, Any]]] = [
    [
        {"name": "model", "operation": "claid.fashion_models", "options": {"pose": "standing, {color|no colour}"}},
        {"name": "refine", "operation": "ailabtools.try_on_refiner"},
        {"name": "scene", "operation": "claid.scene", "options": {"scene": {"prompt": "{title} on {setting|marble}"}}},
    ],
    [
        {
            "name": "preset",
            "operation": "vmake.fashion_model",
            "options": {"modelId": "{color}", "sceneType": "preset", "sceneId": "{{x}}", "extra": {"note": "{title|}"}},
            "pick": 2,
        },
        {"name": "edit", "operation": "claid.edit", "options": {"prompt": "add {title}"}},
    ],
    [
        {
            "name": "scene",
            "operation": "claid.edit",
            "picture": "person_image",
            "options": {"prompt": "{title|a shirt} in {color|white}", "model": "v1", "guidance_scale": 2.0},
        },
        {
            "name": "last",
            "operation": "claid.scene",
            "options": {"scene": {"prompt": {"text": "{setting|a studio}"}, "negative_prompt": "{color|none}"}},
        },
    ],
]
RECIPES = [
    *(
        Recipe.model_validate({"name": "r", "stages": stages, "outfits": outfits})
        for stages in STAGES
        for outfits in ({}, OUTFITS)
    ),
    *(load_recipe(name) for name in shipped_recipes()),
]
REFERENCES = st.sampled_from(
    [
        None,
        "",
        "NA",
        "a.png",
        " a b/ü.png ",
        "../up/x.png",
        "/srv/a'b.png",
        "https://shop.example/1.png",
        "https://shop.example/1.png?w=2&h=3#x",
        "https://cdn.example/1.png?X-Amz-Signature=a&v=2",
        "HTTPS://Shop.Example:8443/1.png",
        "https://user:pw@shop.example/1.png",
        "https:///x.png",
        "s3://shop/1.png",
        "s3://",
        "file:///srv/x y.png",
        "ftp://x/y.png",
        '["https://shop.example/1.png", "b.png"]',
        "https://a.example/1.png, https://a.example/2.png",
        '"quoted" \\ name.png',
        "a\tb.png",
    ]
)
TEXTS = st.sampled_from([None, "", " red ", "n/a", '"x" {y} \\', "ü€\u2028", "x" * 2100, "ab", "navy\n"]) | st.text(
    alphabet=st.characters(exclude_categories=("Cs",)), max_size=8
)
ROWS = st.fixed_dictionaries(
    {
        "sku": st.just("A"),
        "title": TEXTS,
        "color": TEXTS,
        "setting": TEXTS,
        "gender": st.sampled_from([None, "Women", "m", "unisex"]),
        "category": st.sampled_from([None, "Maxi Dress", "top"]),
        "top_garment": REFERENCES,
        "bottom_garment": REFERENCES,
        "garments": REFERENCES,
        "person_image": REFERENCES,
        "product_image": REFERENCES,
        "image_version": st.sampled_from([None, "2", "ü"]),
    }
)


VERSIONS = st.dictionaries(
    st.sampled_from(["https://shop.example/1.png", "https://cdn.example/1.png?v=2", "https://a.example/2.png"]),
    st.sampled_from(['"etag"', "Wed, 21 Oct 2026 07:28:00 GMT"]),
)


def exactly(
    item: Item, recipe: Recipe, sources: PictureSources, versions: Mapping[str, str]
) -> list[Link] | tuple[str, str]:
    """The chain by the plain functions, or the stage that can't be and why."""
    links: list[Link] = []
    for position, stage in enumerate(recipe.stages):
        try:
            links.append(_link(item, recipe, position, links, sources, versions))
        except (CatalogError, RecipeError) as error:
            return stage.name, error.what
    return links


def _link(
    item: Item,
    recipe: Recipe,
    position: int,
    before: Sequence[Link],
    sources: PictureSources,
    versions: Mapping[str, str],
) -> Link:
    stage = recipe.stages[position]
    wire = wire_of(render_options(stage.options, item.columns))
    assert isinstance(wire, dict)
    inputs = {
        str(slot): [sources.resolve(reference) for reference in references]
        for slot, references in dressed(item, recipe, stage, position).items()
    }
    identities: dict[str, Any] = {
        slot: [source_identity(uri, _version(uri, item, versions)) for uri in uris] for slot, uris in inputs.items()
    }
    seen = [versions[unsigned(uri)] for uris in inputs.values() for uri in uris if unsigned(uri) in versions]
    if before:
        identities["picture"] = result_identity(before[-1].unit_key, recipe.stages[position - 1].pick)
    gender = item.gender if stage.takes(Slot.GENDER) else None
    if gender:
        identities["gender"] = gender
    return Link(
        unit_key(stage.operation, stage.work().version, wire, identities),
        json.dumps(wire, ensure_ascii=False, sort_keys=True),
        json.dumps(inputs, ensure_ascii=False),
        json.dumps({slot: [unsigned(uri) for uri in uris] for slot, uris in inputs.items()}, ensure_ascii=False),
        gender,
        " ".join(filter(None, [item.image_version, *seen])) or None if inputs else None,
    )


def _version(uri: str, item: Item, versions: Mapping[str, str]) -> str | None:
    seen = versions.get(unsigned(uri))
    return f"{item.image_version or ''} {seen}" if seen else item.image_version


@given(st.sampled_from(RECIPES), st.lists(ROWS, max_size=12), VERSIONS)
@settings(deadline=None, max_examples=300)
def test_every_chain_is_as_the_plain_functions_make_it(
    tmp_path_factory: pytest.TempPathFactory, recipe: Recipe, rows: list[dict[str, Any]], versions: dict[str, str]
) -> None:
    """Keys, options, inputs, versions and refusals, whatever is in the cells of a row and of those around it."""
    path = tmp_path_factory.getbasetemp() / f"{uuid4().hex}.parquet"
    skus = [row | {"sku": str(number)} for number, row in enumerate([*rows, {}])]
    catalog = catalog_at(parquet_of(skus, path))
    items = [entry for entry in catalog.items() if isinstance(entry, Item)]
    chain = chain_of(recipe, catalog.folder, versions=versions)
    sources = PictureSources(catalog.folder)
    for item, made in zip(items, chain.links(items), strict=True):
        expected = exactly(item, recipe, sources, versions)
        if isinstance(made, Reject):
            assert isinstance(expected, tuple)
            assert f"stage {expected[0]!r}: {expected[1]}" in made.reason
        else:
            assert tuple(expected) == made


def chain_of(recipe: Recipe, folder: str, **more: Any) -> Chain:
    """A recipe's chain at the vendors' own prices."""
    accounts = {stage.work().account_type: stage.work().account_type.without_key() for stage in recipe.stages}
    return Chain(recipe, PictureSources(folder), {}, accounts, **more)


@given(st.sampled_from(RECIPES), ROWS)
@settings(deadline=None, max_examples=100)
def test_what_a_unit_costs_hangs_on_no_cell(recipe: Recipe, row: dict[str, Any]) -> None:
    """So a stage has one price, known before its rows are read."""
    chain = chain_of(recipe, "/")
    for stage, price in zip(recipe.stages, chain.credits, strict=True):
        try:
            options = render_options(stage.options, row)
        except RecipeError:
            continue
        account: Any = stage.work().account_type.without_key()

        assert price == stage.work().credits(options, account)


def test_only_texts_of_rows_are_made_again() -> None:
    """Where no option names a column, all rows share one text."""
    stages = load_recipe("on-model").stages

    assert [RowOptions(stage.options).constant for stage in stages] == [True, True, False]


def test_a_picture_that_changed_behind_its_address_changes_the_keys(tmp_path: Path) -> None:
    """Those of the units that it goes into, and of what follows them."""
    recipe = load_recipe("on-model")
    catalog = catalog_at(parquet_of(garment_rows(2), tmp_path / "catalog.parquet"))
    items = [entry for entry in catalog.items() if isinstance(entry, Item)]
    before = chain_of(recipe, catalog.folder).links(items)
    changed = chain_of(recipe, catalog.folder, versions={"https://shop.example/1/top.png": '"etag-2"'})
    after = changed.links(items)
    links = after[1]

    assert before[0] == after[0]
    assert not isinstance(links, Reject)
    assert not isinstance(before[1], Reject)
    assert not {link.unit_key for link in links} & {link.unit_key for link in before[1]}
    assert [link.image_version for link in links] == ['"etag-2"', '"etag-2"', None]
