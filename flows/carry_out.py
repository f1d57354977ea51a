"""A stored plan carried out: its shards worked through, manifest and gallery published, the outcome reported."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect.client.schemas.objects import State

from blocks.account import VendorAccount
from blocks.storage import ObjectStorage
from catalogs.ledger import now
from catalogs.runs import OpenRun, Runs
from flows.accounts import check_shared, open_storage, priced_accounts
from flows.canary import try_first
from flows.parameters import ShardRun
from flows.publish import PublishedManifest, publish_gallery, publish_manifest
from flows.report import CanaryVerdict, RunReport, as_state
from flows.report_artifacts import publish_report
from flows.run_page import publish_run_page
from flows.shards import work_shards
from flows.stored_plan import StoredPlan, write_document
from flows.summary import summarise

__all__ = ["carry_out"]


async def carry_out(plan: StoredPlan, opened: OpenRun, started_at: datetime) -> State[RunReport]:
    """Do exactly what the plan says, in its order, unless its canary holds it; its run is then at its end."""
    run = plan.asked
    storage = await open_storage(run.output, run.accounts)
    accounts = await priced_accounts(plan.quote.operations, run.accounts)
    if run.scale_out is not None and plan.shards > 1:
        check_shared(accounts)
    with TemporaryDirectory(prefix="catwalk-") as scratch:
        shards, verdict = await work_units(plan, storage, Path(scratch))
        manifest = await publish_manifest(
            storage,
            [*shards, *plan.parts()],
            Path(scratch),
            plan.plan_id,
            **await findings(plan, storage, Path(scratch)),
        )
        report = report_of(plan, manifest, accounts, started_at)
        report.canary = verdict
        report = await publish_gallery(manifest, report, run.accounts, most=run.gallery_items, looks=plan.quote.looks)
        report = await publish_run_page(manifest, report, accounts, Path(scratch))
    if verdict is None or verdict.passed:
        # What a canary holds is carried on under the same name, and the same budget.
        await write_document(storage, plan.model_copy(update={"applied_at": now()}))
        await Runs(storage).end(opened)
    await publish_report(report)
    return as_state(report)


async def work_units(plan: StoredPlan, storage: ObjectStorage, folder: Path) -> tuple[list[str], CanaryVerdict | None]:
    """Work through the shards, after a canary if one was asked for; the paths of their manifests, and its verdict."""
    shards, canary = shards_of(plan), plan.asked.canary
    tried = None
    if canary is not None and shards:
        tried = await try_first(plan.asked, canary, shards[0], storage, folder, due=plan.quote.items)
    if tried is not None and (not tried.verdict.passed or (canary and canary.only)):
        return tried.parts, tried.verdict
    return await work_shards(shards, plan.asked.scale_out), tried and tried.verdict


async def findings(plan: StoredPlan, storage: ObjectStorage, folder: Path) -> dict[str, Path | None]:
    """What planning found out of other items and of pictures, as far as it is there."""
    found: dict[str, Path | None] = {"upkeep": None, "versions": None}
    for name, kept in (("upkeep", "upkeep"), ("versions", "pictures")):
        if kept in plan.files:
            found[name] = folder / f"{name}.parquet"
            await storage.download(plan.files[kept], folder / f"{name}.parquet")
    return found


def report_of(
    plan: StoredPlan, manifest: PublishedManifest, accounts: list[VendorAccount], started_at: datetime
) -> RunReport:
    """What the run came to."""
    return summarise(
        manifest.rows_of_run(),
        run_id=plan.plan_id,
        started_at=started_at,
        recipe=plan.made_from.recipe.name,
        unchanged=plan.quote.finished_items,
        accounts=accounts,
        max_credits=plan.asked.max_credits,
        finish_by=plan.asked.finish_by,
        business_date=plan.asked.business_date,
        **manifest.facts(gallery=plan.asked.gallery_items > 0),
    )


def shards_of(plan: StoredPlan) -> list[ShardRun]:
    """The plan's slices, each as its flow run gets it."""
    run = plan.asked
    return [
        ShardRun(
            output=run.output,
            catalog=run.catalog.uri,
            plan=plan.files["units"],
            run_id=plan.plan_id,
            shard=shard,
            accounts=run.accounts,
            retry=run.retry,
            max_credits=run.max_credits,
            finish_by=run.finish_by,
            items_in_flight=run.items_in_flight,
        )
        for shard in range(plan.shards)
    ]
