"""A stored plan applied: exactly its units in its order, unless it is no longer what it would be now."""

from __future__ import annotations

from datetime import datetime

from prefect import flow
from prefect.client.schemas.objects import State

from blocks.storage import ObjectStorage
from catalogs.ledger import now
from catalogs.runs import OpenRun, Runs
from flows.accounts import check_accounts, open_storage
from flows.carry_out import carry_out
from flows.commands import plan_command
from flows.ending import noted
from flows.finish_by import check_ahead
from flows.freshness import StalePlan, check_fresh
from flows.parameters import Accounts, ApplyRun
from flows.quote_words import tell, tell_quote
from flows.report import RunReport
from flows.rescue import rescue
from flows.stored_plan import PlanAddress, StoredPlan, read_plan

__all__ = ["apply_plan", "plan_to_apply"]


@flow(name="apply-plan", flow_run_name="{request.plan}", persist_result=False)
async def apply_plan(request: ApplyRun) -> State[RunReport]:
    """See that the plan is what it would be now, fetch what a killed run left, and carry the plan out."""
    return await noted(deliver(request))


async def deliver(request: ApplyRun) -> State[RunReport]:
    """All that the flow does, step by step."""
    started_at = now()
    plan = await plan_to_apply(request)
    storage = await open_storage(plan.asked.output, plan.asked.accounts)
    await tell_of_others(storage, started_at)
    begun = await begun_run(storage, plan)
    plan = await check_fresh(plan, storage, begun=begun is not None)
    tell_quote(plan.quote)
    await storage.check()
    opened = begun or await Runs(storage).begin(plan.plan_id, f"plan {plan.plan_id}")
    await rescue(plan.asked.output, plan.asked.accounts, finish_by=plan.asked.finish_by)
    return await carry_out(plan, opened, started_at)


async def plan_to_apply(request: ApplyRun) -> StoredPlan:
    """The plan as it will be carried out; raises what is wrong at first sight: no plan, no account, applied already."""
    address = PlanAddress.of(request.plan)
    storage = await open_storage(address.output, request.accounts or Accounts())
    plan = await read_plan(storage, address.plan_id)
    if plan.applied_at is not None:
        raise StalePlan(
            f"plan {plan.plan_id} was applied already, until {plan.applied_at:%Y-%m-%d %H:%M:%S} UTC, and the output's "
            "manifest has moved on since: nothing was sent",
            next_step=f"Plan anew: {plan_command(plan.asked)}",
        )
    asked = plan.asked.model_copy(
        update={
            "output": address.output,
            "accounts": request.accounts or plan.asked.accounts,
            "max_credits": plan.asked.max_credits if request.max_credits is None else request.max_credits,
            "finish_by": plan.asked.finish_by if request.finish_by is None else request.finish_by,
        }
    )
    check_ahead(asked.finish_by)
    await check_accounts(plan.quote.operations, asked.accounts)
    return plan.model_copy(update={"asked": asked})


async def begun_run(storage: ObjectStorage, plan: StoredPlan) -> OpenRun | None:
    """The run of this plan that has not ended, which is then carried on."""
    return next((run for run in await Runs(storage).unended() if run.run_id == plan.plan_id), None)


async def tell_of_others(storage: ObjectStorage, at: datetime) -> None:
    """Say which runs are at work on the output at this moment."""
    for run, sign in await Runs(storage).at_work(at):
        tell(
            f"Run {run.run_id} was at work on this output {max(0.0, (at - sign).total_seconds()):.0f} s ago and has not "
            "ended: it goes on, or was killed a moment ago. What both are to do is paid for once."
        )
