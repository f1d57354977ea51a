"""A catalog's plan, made and stored with its quote; nothing is paid, and whoever agrees applies it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from catalogs.ledger import now
from catalogs.recipe import Recipe, shipped_recipes
from flows.accounts import open_storage
from flows.business_date import dated
from flows.ending import noted
from flows.parameters import CatalogRun
from flows.planning import make_plan
from flows.quote_artifacts import publish_quote
from flows.quote_words import headline
from flows.stored_plan import StoredPlan, keep_plan

__all__ = ["new_plan_id", "plan_and_store", "plan_catalog"]


@flow(name="plan-catalog", flow_run_name="{run.label}", persist_result=False)
async def plan_catalog(run: CatalogRun) -> State[StoredPlan]:
    """Plan, store plan and quote under the output, and show the quote; its result is the plan's document."""
    return await noted(_planned(dated(run, flow_run.get_scheduled_start_time())))


async def _planned(run: CatalogRun) -> State[StoredPlan]:
    plan = await plan_and_store(run, new_plan_id(now()))
    return Completed(message=f"{headline(plan.quote)}; to apply it: {plan.command()}", data=plan)


async def plan_and_store(run: CatalogRun, plan_id: str) -> StoredPlan:
    """Make a plan under this name, keep it in the output, and show its quote in Prefect."""
    at = now()
    storage = await open_storage(run.output, run.accounts)
    with TemporaryDirectory(prefix="catwalk-") as scratch:
        made = await make_plan(run, plan_id, Path(scratch))
        plan = await keep_plan(storage, anchored(run), plan_id, made, at)
    await publish_quote(plan)
    return plan


def new_plan_id(at: datetime) -> str:
    """A name that sorts by time and leads back to the flow run."""
    # Ids of runs that a schedule orders together begin with the same time, and end at random.
    suffix = str(flow_run.get_id() or uuid4())[-8:]
    return f"{at:%Y%m%dT%H%M%SZ}-{suffix}"


def anchored(run: CatalogRun) -> CatalogRun:
    """The same request with local paths in full, so that it means the same from any folder of this machine."""
    recipe = run.recipe
    if not isinstance(recipe, Recipe) and recipe not in shipped_recipes():
        recipe = _anchored(recipe)
    catalog = run.catalog.model_copy(update={"uri": _anchored(run.catalog.uri)})
    return run.model_copy(update={"catalog": catalog, "recipe": recipe, "output": _anchored(run.output)})


def _anchored(address: str) -> str:
    return address if "://" in address else str(Path(address).expanduser().absolute())
