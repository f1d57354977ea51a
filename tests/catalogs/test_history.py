"""A SKU's history: what manifest, plans and ledger say of it, put together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from blocks.storage import ObjectStorage
from catalogs.history import SkuHistory, histories_of
from catalogs.layout import MANIFEST_PATH, plan_path
from catalogs.ledger import AttemptState, Ledger, StoredPicture
from catalogs.manifest import ManifestRow
from catalogs.picture_check import check_pictures
from catalogs.plan import PlannedItem
from catalogs.plan_file import PlanWriter
from catalogs.runs import Runs
from tests.catalogs.made import MOMENT, a_picture, a_row, a_unit, an_attempt, key_of, manifest_of

MODEL, SCENE = key_of("model"), key_of("scene")


@pytest.fixture
def output(tmp_path: Path) -> ObjectStorage:
    """An empty output."""
    return ObjectStorage(root=str(tmp_path))


def keep(output: ObjectStorage, *rows: ManifestRow) -> None:
    """Write the output's manifest."""
    manifest_of(rows, Path(output.root) / MANIFEST_PATH)


async def attempted(output: ObjectStorage, unit_key: str, *states: AttemptState, **fields: Any) -> None:
    """Attempts at a unit, each in one of these states."""
    ledger = Ledger(output)
    for number, state in enumerate(states, start=1):
        claim = an_attempt(a_unit(unit_key=unit_key), number=number, journal=ledger.journal, **fields)
        await ledger.claim(claim)
        pictures = (a_picture(),) if state is AttemptState.DONE else ()
        await ledger.record(claim.becomes(state, pictures=pictures, finished_at=MOMENT + timedelta(seconds=2)))


async def of_a(output: ObjectStorage) -> SkuHistory:
    """The history of SKU A."""
    (history,) = await histories_of(output, ["A"])
    return history


async def test_a_delivered_sku_is_told_from_its_pictures_to_its_cost(output: ObjectStorage) -> None:
    """Inputs with their versions, each attempt, and what goes on to the next stage with its hash."""
    keep(
        output,
        a_row(unit_key=MODEL, image_version="v7"),
        a_row(unit_key=SCENE, stage="scene", position=1, inputs="{}"),
        a_row(sku="B", row=2),
    )
    await attempted(output, MODEL, AttemptState.REFUSED, AttemptState.DONE)
    await attempted(output, SCENE, AttemptState.DONE, vendor="Vmake", credits=1.0)
    history = await of_a(output)
    model, scene = history.stages

    assert [("top_garment", "https://shop.example/top.png", "v7")] == [
        (each.slot, each.uri, each.version) for each in model.inputs
    ]
    assert ["refused", "done"] == [attempt.state for attempt in model.attempts]
    assert [("result of model", a_picture().uri, "ab" * 32, MODEL)] == [
        (each.slot, each.uri, each.sha256, each.unit_key) for each in scene.inputs
    ]
    assert ({"Claid": 2.0, "Vmake": 1.0}, {}) == (history.credits, history.credits_at_risk)
    assert history.next_step.startswith("Nothing: later runs leave it alone")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"status": "unknown"}, "retry {output} unknown` repeats it, and it may be charged twice"),
        ({"status": "failed"}, "`catwalk retry {output} failed` repeats it as a new, paid attempt"),
        ({"status": "failed", "finished_at": None}, "asks for it and pays nothing"),
        ({"status": "failed", "attempt": None}, "the next run tries again"),
        ({"status": "held", "error_kind": "budget_reached", "attempt": None}, "A run with a higher --max-credits"),
        ({"status": "held", "error_kind": "lane_closed", "attempt": None}, "Mend the account"),
        ({"status": "held", "error_kind": "finish_by_reached", "attempt": None}, "The next run goes on with it."),
        ({"status": "quarantined", "unit_key": None, "attempt": None}, "Mend the row in the catalog"),
        ({"status": "retired"}, "the SKU has left the catalog"),
    ],
)
async def test_what_happens_next_fits_how_it_ended(output: ObjectStorage, fields: dict[str, Any], says: str) -> None:
    """A command where a person has to decide, and none where the next run does it."""
    keep(output, a_row(**{"pictures": (), **fields}), a_row(stage="scene", position=1, status="blocked", pictures=()))

    assert says.format(output=output.root) in (await of_a(output)).next_step


async def test_a_sku_under_several_recipes_has_a_history_for_each(output: ObjectStorage) -> None:
    """In the order in which the SKUs were asked for."""
    keep(output, a_row(sku="B"), a_row(recipe="second", unit_key=SCENE), a_row())
    found = await histories_of(output, ["A", "B", "C"])

    assert [("A", "on-model"), ("A", "second"), ("B", "on-model")] == [(each.sku, each.recipe) for each in found]


async def plan(output: ObjectStorage, run_id: str, items: Sequence[PlannedItem]) -> None:
    """A run that has planned these items and not ended."""
    await Runs(output).begin(run_id, run_id)
    path = Path(output.root) / plan_path(run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    with PlanWriter(path, shard_items=10) as writer:
        for item in items:
            writer.add(item)


async def test_a_run_under_way_is_told_from_its_plan_and_the_ledger(output: ObjectStorage) -> None:
    """Before any manifest: what is submitted, and what nobody has begun; addresses open nothing."""
    signed = {"top_garment": ["https://shop.example/top.png?X-Amz-Signature=secret"]}
    units = (a_unit(unit_key=MODEL, inputs=signed), a_unit(unit_key=SCENE, stage="scene", position=1, inputs={}))
    await plan(output, "run-1", [PlannedItem("A", units)])
    await attempted(output, MODEL, AttemptState.SUBMITTED)
    history = await of_a(output)

    assert "run-1" == history.open_run
    assert ["submitted", "planned"] == [stage.status for stage in history.stages]
    assert "catwalk rescue" in history.next_step
    assert "secret" not in history.model_dump_json()


async def test_an_open_run_counts_for_what_it_changes(output: ObjectStorage) -> None:
    """A stage that it leaves alone is told as the manifest has it, one that it makes anew as the plan has it."""
    keep(output, a_row(unit_key=MODEL), a_row(unit_key=key_of("old scene"), stage="scene", position=1))
    done = a_unit(unit_key=MODEL, reason="done")
    anew = a_unit(unit_key=SCENE, stage="scene", position=1, reason="options changed", inputs={})
    await plan(output, "run-2", [PlannedItem("A", (done, anew))])
    model, scene = (await of_a(output)).stages

    assert ("done", "run-1") == (model.status, model.run_id)
    assert ("planned", "options changed", "run-2") == (scene.status, scene.reason, scene.run_id)


async def test_what_the_ledger_learnt_since_the_manifest_is_told(output: ObjectStorage) -> None:
    """A job that a rescue has fetched is done, though the manifest says that it had not ended."""
    keep(output, a_row(unit_key=MODEL, status="failed", pictures=(), finished_at=None))
    await attempted(output, MODEL, AttemptState.DONE)
    (stage,) = (await of_a(output)).stages

    assert "done" == stage.status
    assert [a_picture().uri] == [picture.uri for picture in stage.pictures]


async def test_pictures_are_compared_with_what_was_stored(output: ObjectStorage) -> None:
    """Whole, altered, or gone."""
    data = b"a picture"
    paths = ["pictures/A/whole.png", "pictures/A/altered.png", "pictures/A/gone.png"]
    for path in paths[:2]:
        await output.write(path, data, content_type="image/png")
    whole = hashlib.sha256(data).hexdigest()
    stored = [
        StoredPicture(uri=output.uri(path), sha256=digest, width=1, height=1, bytes=9, mime="image/png")
        for path, digest in zip(paths, [whole, "ab" * 32, whole], strict=True)
    ]
    keep(output, a_row(pictures=tuple(stored)))
    history = await of_a(output)

    assert not await check_pictures(output, [history])
    assert ["as stored", "another picture", "missing"] == [
        (picture.check or "").partition(":")[0] for picture in history.stages[0].pictures
    ]
    assert json.loads(history.model_dump_json())["stages"][0]["pictures"][0]["check"] == "as stored"
