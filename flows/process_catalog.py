"""The main job: a catalog through a recipe into pictures, a manifest and a gallery."""

from __future__ import annotations

from datetime import datetime

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed

from blocks.errors import CatwalkError
from catalogs.ledger import now
from catalogs.runs import OpenRun, Runs
from flows.accounts import check_accounts, open_storage
from flows.business_date import dated
from flows.carry_out import carry_out
from flows.ending import noted
from flows.events import run_failed
from flows.finish_by import check_ahead
from flows.night import UnderWay, one_per_date
from flows.parameters import CatalogRun
from flows.plan_catalog import new_plan_id, plan_and_store
from flows.quote_words import tell_quote
from flows.report import RunReport
from flows.rescue import rescue

__all__ = ["process_catalog"]

# What a run was asked for: whoever asks for the same carries on one that died.
IDENTITY = {"catalog", "recipe", "output", "selection", "retry", "check_pictures", "retire", "business_date"}


@flow(name="process-catalog", flow_run_name="{run.label}", persist_result=False)
async def process_catalog(run: CatalogRun) -> State[RunReport]:
    """Fetch what a killed run left, plan, and carry the plan out at once."""
    due = flow_run.get_scheduled_start_time()
    try:
        return await noted(one_per_date(dated(run, due), deliver))
    except UnderWay as other:
        return Completed(name="Under way", message=str(other))
    except CatwalkError as error:
        run_failed(run.output, error, run_id=str(flow_run.get_id()))
        raise


async def deliver(run: CatalogRun) -> State[RunReport]:
    """All that the flow does, step by step."""
    started_at = now()
    check_ahead(run.finish_by)
    opened = await open_run(run, started_at)
    await rescue(run.output, run.accounts, finish_by=run.finish_by)
    plan = await plan_and_store(run, opened.run_id)
    tell_quote(plan.quote)
    await check_accounts(plan.quote.operations, run.accounts)
    return await carry_out(plan, opened, started_at)


async def open_run(run: CatalogRun, started_at: datetime) -> OpenRun:
    """See that the output can be written, and begin a run, or carry on the one that was asked for the same and died."""
    storage = await open_storage(run.output, run.accounts)
    await storage.check()
    asked = run.model_dump_json(include=IDENTITY)
    opened = await Runs(storage).begin(new_plan_id(started_at), asked)
    if opened.started_at < started_at:
        get_run_logger().info("Carrying on run %s, which began at %s and did not end", opened.run_id, opened.started_at)
    return opened
