"""A shard that came to no end: its rows come from the ledger, and the next run may go on with what is held."""

from __future__ import annotations

from pathlib import Path

from blocks.storage import ObjectStorage
from catalogs.layout import plan_path, shard_manifest_path
from catalogs.ledger import AttemptState, Ledger, now
from catalogs.manifest import read_rows
from catalogs.plan import PlannedItem, Unit
from catalogs.plan_file import PlanWriter
from flows.deployed_shard import ShardLost
from flows.lost_shard import tell_lost
from flows.parameters import ShardRun
from tests.catalogs.made import a_picture, a_unit, an_attempt, key_of

WHY = ShardLost("its flow run came to no end 3 times", next_step="See the flow runs' logs.")


def an_item(sku: str) -> PlannedItem:
    """Two stages of a SKU."""
    stages = ((0, "model"), (1, "scene"))
    units = [a_unit(sku=sku, stage=name, position=place, unit_key=key_of(sku + name)) for place, name in stages]
    return PlannedItem(sku, tuple(units))


async def a_shard(root: Path, items: list[PlannedItem], attempts: dict[str, AttemptState]) -> ShardRun:
    """A shard's plan in storage, and where the ledger says its first stages stand, by SKU."""
    storage = ObjectStorage.from_uri(str(root))
    with PlanWriter(root.parent / "plan.parquet", shard_items=100) as writer:
        for item in items:
            writer.add(item)
    await storage.upload(plan_path("run-1"), root.parent / "plan.parquet", content_type="application/octet-stream")
    ledger = Ledger(storage)
    for item in items:
        if (state := attempts.get(item.units[0].sku)) is not None:
            await claimed(ledger, item.units[0], state)
    await ledger.close()
    return ShardRun(output=str(root), catalog="", plan=plan_path("run-1"), run_id="run-1", shard=0)


async def claimed(ledger: Ledger, unit: Unit, state: AttemptState) -> None:
    """An attempt at a unit that came so far."""
    attempt = an_attempt(unit, claimed_at=now(), journal=ledger.journal)
    await ledger.claim(attempt)
    submitted = attempt.becomes(AttemptState.SUBMITTED, job_id="job-7", submitted_at=now())
    await ledger.record(submitted)
    if state is AttemptState.DONE:
        await ledger.record(submitted.becomes(state, finished_at=now(), pictures=(a_picture(),)))


async def test_every_item_leaves_with_rows_that_tell_what_the_ledger_knows(tmp_path: Path) -> None:
    """A stage that is done stays done; what never began is held, and what follows it is blocked."""
    items = [an_item("A"), an_item("B"), an_item("C")]
    shard = await a_shard(tmp_path / "out", items, {"A": AttemptState.DONE, "B": AttemptState.SUBMITTED})

    path = await tell_lost(shard, WHY)

    rows = list(read_rows(tmp_path / "out" / path))
    assert shard_manifest_path("run-1", 0) == path
    assert [("A", "model", "done"), ("A", "scene", "held")] == [
        (row["sku"], row["stage"], row["status"]) for row in rows[:2]
    ]
    assert ["held", "blocked", "held", "blocked"] == [row["status"] for row in rows[2:]]


async def test_a_job_at_its_vendor_is_named_with_what_it_may_cost(tmp_path: Path) -> None:
    """Nobody has to search for it."""
    shard = await a_shard(tmp_path / "out", [an_item("B")], {"B": AttemptState.SUBMITTED})

    row = next(iter(read_rows(tmp_path / "out" / await tell_lost(shard, WHY))))

    assert ("job-7", 2.0) == (row["job_id"], row["credits_at_risk"])
    assert "its flow run came to no end 3 times" in row["error_message"]
