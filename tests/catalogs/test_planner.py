"""What a run plans to pay for: exactly what is new or changed, whatever else happened to the catalog."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from blocks.errors import CatalogError
from catalogs.plan import PlannedItem, Selection
from catalogs.recipe import Recipe, load_recipe, parse_recipe, shipped_recipes
from catalogs.rows import Reject
from catalogs.samples import demo_catalog
from catalogs.sources import PictureSources
from tests.catalogs.made import catalog_at, garment_rows, parquet_of, plan_items, planned

Planned = Sequence[PlannedItem | Reject]

EVERY_OPERATION = [
    [
        {"name": "model", "operation": "claid.fashion_models", "options": {"pose": "standing"}},
        {"name": "refine", "operation": "ailabtools.try_on_refiner"},
        {"name": "scene", "operation": "claid.scene", "options": {"scene": {"prompt": "{color} marble"}}},
    ],
    [
        {"name": "preset", "operation": "vmake.fashion_model", "options": {"modelId": "002", "sceneType": "none"}},
        {"name": "edit", "operation": "claid.edit", "options": {"prompt": "add a hat"}},
    ],
]
GOLDEN_KEYS = [["56252fb06591f437", "7407c9fd983d566f", "af63f17b5e8f4088"], ["f5ad455bfc0721e0", "23efbd6324a8a61a"]]


def plan_of(rows: Sequence[Mapping[str, Any]], folder: Path, recipe: Recipe | str = "on-model", **more: Any) -> Planned:
    """The plan of a catalog with these rows."""
    return planned(catalog_at(parquet_of(rows, folder / "catalog.parquet")), recipe, **more)


def keys_of(plan: Planned) -> dict[str, list[str]]:
    """Unit keys by SKU."""
    return {item.sku: [unit.unit_key for unit in item.units] for item in items_of(plan)}


def items_of(plan: Planned) -> list[PlannedItem]:
    """The items, all of which can run."""
    items = [entry for entry in plan if isinstance(entry, PlannedItem)]

    assert len(items) == len(plan)
    return items


def rejects_of(plan: Planned) -> list[Reject]:
    """The rows that can't."""
    return [entry for entry in plan if isinstance(entry, Reject)]


def with_scene_prompt(prompt: str) -> Recipe:
    """The `on-model` recipe with another scene."""
    document = load_recipe("on-model").model_dump(mode="json")
    document["stages"][2]["options"]["scene"]["prompt"] = prompt
    return Recipe.model_validate(document)


def test_an_item_goes_through_every_stage(tmp_path: Path) -> None:
    """Each unit knows what goes in, what it costs and why it is done."""
    (item,) = items_of(plan_of(garment_rows(1), tmp_path))
    model, refine, scene = item.units

    assert [unit.stage for unit in item.units] == ["model", "refine", "scene"]
    assert [unit.position for unit in item.units] == [0, 1, 2]
    assert [unit.credits for unit in item.units] == [2, 30, 1]
    assert {unit.reason for unit in item.units} == {"new"}
    assert model.inputs == {
        "top_garment": ["https://shop.example/0/top.png"],
        "person_image": ["https://shop.example/models/ada.jpg"],
    }
    assert refine.inputs == model.inputs
    assert (model.gender, refine.gender, scene.gender) == (None, "woman", None)
    assert scene.inputs == {}
    assert json.loads(scene.options)["scene"]["prompt"].startswith("street number 0, editorial")
    assert item.to_do() == item.units


def test_the_demo_catalog_is_planned_whole() -> None:
    """All twelve rows can go through the shipped recipes, from pictures on disk; looks share what they can."""
    for recipe, sizes in {"on-model": (12, 36), "preset-model": (12, 36), "three-scenes": (36, 60)}.items():
        items = items_of(planned(catalog_at(demo_catalog()), recipe))

        assert sizes == (len(items), len({unit.unit_key for item in items for unit in item.units}))


@pytest.mark.parametrize(("stages", "golden"), [*zip(EVERY_OPERATION, GOLDEN_KEYS, strict=True)])
def test_every_operations_keys_stay_the_same_over_releases(
    stages: list[dict[str, Any]], golden: list[str], tmp_path: Path
) -> None:
    """
    A change here makes every user pay for every picture again: change these keys only on purpose.

    A new option of an operation is None by default, so that it is left out of the keys of those who don't set it.
    """
    recipe = Recipe.model_validate({"name": "golden", "stages": stages})
    (keys,) = keys_of(plan_of(garment_rows(1), tmp_path, recipe)).values()

    assert [key[:16] for key in keys] == golden


def test_seven_changed_rows_of_two_hundred_are_seven_chains(tmp_path: Path) -> None:
    """The other 193 stay done, and are planned whole all the same."""
    rows = garment_rows(200)
    done = {key for keys in keys_of(plan_of(rows, tmp_path / "before")).values() for key in keys}
    changed = {f"SKU-{number}" for number in (0, 3, 50, 51, 120, 198, 199)}
    for row in rows:
        if row["sku"] in changed:
            row["top_garment"] = row["top_garment"].replace("top", "top-v2")
    items = items_of(plan_of(rows, tmp_path / "after", done=done))

    assert {item.sku for item in items if item.to_do()} == changed
    assert {len(item.to_do()) for item in items if item.sku in changed} == {3}
    assert {len(item.units) for item in items} == {3}


def test_a_changed_scene_prompt_repeats_only_scenes(tmp_path: Path) -> None:
    """What comes before it is not paid again."""
    rows = garment_rows(20)
    done = {key for keys in keys_of(plan_of(rows, tmp_path)).values() for key in keys}
    items = items_of(plan_of(rows, tmp_path, with_scene_prompt("{setting|a studio}, at night"), done=done))

    assert {tuple(unit.stage for unit in item.to_do()) for item in items} == {("scene",)}


@pytest.mark.parametrize("column", ["top_garment", "bottom_garment", "person_image", "gender", "image_version"])
def test_a_change_at_the_beginning_repeats_the_whole_chain(column: str, tmp_path: Path) -> None:
    """Every stage works on what the one before it made; the gender first decides the refined picture."""
    before, after = garment_rows(1), garment_rows(1)
    after[0][column] = "man" if column == "gender" else "https://shop.example/new.png"
    (old,), (new,) = (keys_of(plan_of(rows, tmp_path)).values() for rows in (before, after))
    same = [one == other for one, other in zip(old, new, strict=True)]

    assert same == ([True, False, False] if column == "gender" else [False, False, False])


def test_another_pick_repeats_what_follows(tmp_path: Path) -> None:
    """The candidates are there already; what is made of another one is not."""
    document = load_recipe("preset-model").model_dump(mode="json")
    document["stages"][0]["pick"] = 2
    rows = garment_rows(1)
    (first,) = keys_of(plan_of(rows, tmp_path, "preset-model")).values()
    (second,) = keys_of(plan_of(rows, tmp_path, Recipe.model_validate(document))).values()

    assert [one == other for one, other in zip(first, second, strict=True)] == [True, False, False]


def renamed(rows: list[dict[str, Any]], folder: Path) -> Path:
    """The same file under another name."""
    return parquet_of(rows, folder / "spring export (2).parquet")


def reordered(rows: list[dict[str, Any]], folder: Path) -> Path:
    """The same rows in another order."""
    return parquet_of(random.Random(1).sample(rows, len(rows)), folder / "catalog.parquet")


def widened(rows: list[dict[str, Any]], folder: Path) -> Path:
    """The same rows with columns that no text names, and others in another order."""
    wide = [
        dict(reversed(row.items())) | {"stock": number, "updated": f"2026-05-{number:02}"}
        for number, row in enumerate(rows)
    ]
    return parquet_of(wide, folder / "catalog.parquet")


def partitioned(rows: list[dict[str, Any]], folder: Path) -> Path:
    """The same rows in several files, some of them in folders of their own."""
    for number in range(4):
        parquet_of(rows[number::4], folder / "catalog" / f"part={number}" / "data.parquet")
    return folder / "catalog"


def retyped(rows: list[dict[str, Any]], folder: Path) -> Path:
    """The same rows as another writer has them: dictionaries, large strings, small row groups."""
    table = pa.Table.from_pylist(rows)
    columns = [table.column(name).cast(pa.large_string()) for name in table.column_names]
    columns[2] = table.column(2).dictionary_encode()
    path = folder / "catalog.parquet"
    pq.write_table(pa.table(columns, table.column_names), path, row_group_size=7)
    return path


@pytest.mark.parametrize("change", [renamed, reordered, widened, partitioned, retyped])
@pytest.mark.parametrize("recipe", shipped_recipes())
def test_the_same_items_in_another_file_are_not_paid_again(change: Any, recipe: str, tmp_path: Path) -> None:
    """Names, order, further columns, partitions and types of storage decide no picture."""
    rows = garment_rows(30)
    before = keys_of(planned(catalog_at(parquet_of(rows, tmp_path / "old" / "catalog.parquet")), recipe))
    (tmp_path / "new").mkdir()
    after = keys_of(planned(catalog_at(change(rows, tmp_path / "new")), recipe))

    assert after == before


def test_the_ways_to_write_the_same_options_are_one(tmp_path: Path) -> None:
    """A default written out or left out, a number with or without a point, names of either kind."""
    ways: list[dict[str, Any]] = [
        {"modelId": "002", "sceneType": "none"},
        {"model_id": "002", "scene_type": "none", "batchSize": 4, "scene_id": None, "extra": {}},
        {"sceneType": "none", "batch_size": 4.0, "modelId": "002"},
    ]
    stage = {"name": "preset", "operation": "vmake.fashion_model"}
    recipes = [Recipe.model_validate({"name": "r", "stages": [stage | {"options": options}]}) for options in ways]
    rows = garment_rows(1)

    assert len({str(keys_of(plan_of(rows, tmp_path, recipe))) for recipe in recipes}) == 1


def test_names_of_recipe_and_stage_decide_no_picture(tmp_path: Path) -> None:
    """Two recipes that begin alike pay for the beginning once."""
    document = load_recipe("on-model").model_dump(mode="json")
    document |= {
        "name": "other",
        "stages": [stage | {"name": f"my-{stage['name']}"} for stage in document["stages"][:2]],
    }
    rows = garment_rows(1)
    (shipped,) = keys_of(plan_of(rows, tmp_path)).values()
    (own,) = keys_of(plan_of(rows, tmp_path, Recipe.model_validate(document))).values()

    assert own == shipped[:2]


def test_own_names_and_values_make_the_same_plan(tmp_path: Path) -> None:
    """A mapping says what the catalog means; its pictures are the same."""
    rows = garment_rows(3)
    own = [
        {
            ("artikel" if name == "sku" else "oberteil" if name == "top_garment" else name): value
            for name, value in row.items()
        }
        | {"gender": "Damen"}
        for row in rows
    ]
    catalog = catalog_at(
        parquet_of(own, tmp_path / "own.parquet"),
        columns={"sku": "artikel", "top_garment": "oberteil"},
        values={"gender": {"Damen": "woman"}},
    )

    assert keys_of(planned(catalog)) == keys_of(plan_of(rows, tmp_path))


def test_a_row_that_cannot_run_is_set_aside_and_the_rest_go_on(tmp_path: Path) -> None:
    """Each is told with its row, the catalog's own column, the value and the stage."""
    rows = garment_rows(6)
    rows[1]["person_image"] = None
    rows[2]["gender"] = "Unisex"
    rows[3]["top_garment"] = "ftp://shop.example/top.png"
    rows[4]["sku"] = "SKU-0"
    own = [{("geschlecht" if name == "gender" else name): value for name, value in row.items()} for row in rows]
    catalog = catalog_at(parquet_of(own, tmp_path / "catalog.parquet"), columns={"gender": "geschlecht"})
    plan = planned(catalog)
    rejects = rejects_of(plan)

    assert [entry.sku for entry in plan if isinstance(entry, PlannedItem)] == ["SKU-0", "SKU-5"]
    assert [(reject.row, reject.sku, reject.column, reject.value) for reject in rejects] == [
        (2, "SKU-1", "person_image", ""),
        (3, "SKU-2", "geschlecht", "'Unisex'"),
        (4, "SKU-3", "top_garment", "'ftp://shop.example/top.png'"),
        (5, None, "sku", "'SKU-0'"),
    ]
    assert [reject.reason.partition(":")[0] for reject in rejects] == [
        "stage 'model'",
        "stage 'refine'",
        "stage 'model'",
        "row 1 has the same SKU",
    ]
    assert {type(reject.column) for reject in rejects} == {str}
    assert "is of a kind that can't be fetched. Use an https:// or s3:// address" in rejects[2].reason


def test_a_blank_cell_that_a_text_needs_is_told_by_the_catalogs_own_name(tmp_path: Path) -> None:
    """A template may use our name or theirs; the reject names the column that is there to fill."""
    rows = [{("farbe" if name == "color" else name): value for name, value in row.items()} for row in garment_rows(2)]
    rows[1]["farbe"] = "  "
    catalog = catalog_at(parquet_of(rows, tmp_path / "catalog.parquet"), columns={"color": "farbe"})
    recipe = parse_recipe(
        "{name: r, stages: [{name: style, operation: claid.edit, options: {prompt: 'a {color} bag'}}]}", source="test"
    )
    (reject,) = rejects_of(planned(catalog, recipe))

    assert (reject.row, reject.column, reject.value) == (2, "farbe", "")
    assert reject.reason.startswith("stage 'style': a text option needs column 'color', which is blank in this row.")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("top_garment", '["https://shop.example/\\ud800.png"]'),
        ("top_garment", '{"url": "half/\\udfff.png"}'),
        ("top_garment", "a\0b.png"),
        ("top_garment", "https://[::1/x.png"),
        ("top_garment", "https://user:secret@shop.example/x.png"),
        ("top_garment", "sftp://shop.example/x.png?token=so"),
        ("person_image", "s3://"),
        ("gender", "Unisex"),
        ("setting", "very " * 1000),
    ],
)
def test_an_odd_cell_is_that_rows_trouble_and_can_be_written_down(column: str, value: str, tmp_path: Path) -> None:
    """Whatever is in it, the other rows go on, and plan and manifest can hold what is said of it."""
    rows = garment_rows(3)
    rows[1][column] = value
    plan = plan_of(rows, tmp_path)
    (reject,) = rejects_of(plan)

    assert len(plan) == 3
    assert (reject.row, reject.sku) == (2, "SKU-1")
    assert "secret" not in reject.reason + reject.value
    assert len(reject.reason.encode()) < 600
    assert len(reject.value.encode()) <= 200


def test_a_text_that_grows_too_long_is_that_rows_trouble(tmp_path: Path) -> None:
    """The other rows go on."""
    rows = garment_rows(2)
    rows[0]["setting"] = "long " * 1000
    plan = plan_of(rows, tmp_path)

    assert len(rejects_of(plan)) == 1
    assert "scene.prompt: String should have at most 2048 characters" in rejects_of(plan)[0].reason
    assert len(rejects_of(plan)[0].reason) < 400


def test_only_the_asked_for_skus_are_planned(tmp_path: Path) -> None:
    """Wherever they are."""
    plan = plan_of(garment_rows(9), tmp_path, skus=["SKU-7", "SKU-2"])

    assert [item.sku for item in items_of(plan)] == ["SKU-2", "SKU-7"]


def test_a_sku_that_the_catalog_lacks_is_told(tmp_path: Path) -> None:
    """A run of nothing is no success: a typing error is told before anything is paid."""
    with pytest.raises(CatalogError) as caught:
        plan_of(garment_rows(3), tmp_path, skus=["SKU-1", *(f"X{number}" for number in range(7))])

    assert str(caught.value) == (
        f"catalog {str(tmp_path / 'catalog.parquet')!r} has no row with SKU 'X0', 'X1', 'X2', 'X3', 'X4' and 2 more, "
        "which the run was asked for. Correct the selection's SKUs; nothing was paid."
    )


def test_a_sku_that_cannot_run_is_not_missing(tmp_path: Path) -> None:
    """It is set aside with its own reason."""
    rows = garment_rows(2)
    rows[1]["person_image"] = None

    assert [reject.sku for reject in rejects_of(plan_of(rows, tmp_path, skus=["SKU-1"]))] == ["SKU-1"]


@pytest.mark.parametrize("limit", [1, 4, 9, 50])
def test_a_limit_takes_the_first(limit: int, tmp_path: Path) -> None:
    """A catalog whose first rows can't be used is told of them, and not read to its end."""
    rows = garment_rows(9)
    rows[0]["person_image"] = None
    plan = plan_of(rows, tmp_path, limit=limit)

    assert len(plan) == min(limit, 9)
    assert len(rejects_of(plan)) == 1


def test_a_plan_is_made_row_by_row(tmp_path: Path) -> None:
    """The first item is there before the last row is read."""
    rows = garment_rows(50)
    path = parquet_of(rows, tmp_path / "catalog" / "a.parquet")
    parquet_of(rows, tmp_path / "catalog" / "b.parquet")
    catalog = catalog_at(path.parent)
    plan = plan_items(catalog, load_recipe("on-model"), PictureSources(catalog.folder), selection=Selection())
    first = next(plan)
    (tmp_path / "catalog" / "b.parquet").write_bytes(b"gone")

    assert isinstance(first, PlannedItem)
    assert len(list(plan)) >= 49


def test_the_catalogs_own_version_of_pictures_decides_the_key(tmp_path: Path) -> None:
    """A picture replaced at the same address is made again, once its version says so; 2 and 2.0 are one version."""
    versions: list[Any] = [None, 1, 2, 2.0, "2"]
    keys = [
        keys_of(plan_of([garment_rows(1)[0] | {"image_version": version}], tmp_path))["SKU-0"][0]
        for version in versions
    ]

    assert len(set(keys)) == 3
    assert keys[2] == keys[3] == keys[4]
