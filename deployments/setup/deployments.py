"""The deployments on the server: made, brought up to date, and otherwise left as the team has them."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectNotFound

from blocks.errors import CatwalkError
from catalogs.ledger import now
from deployments.setup.steps import Outcome, Site
from deployments.setup.wanted import Described, DescribedSchedule, Shop, described, filled
from flows.business_date import business_date_of

__all__ = ["check_schedule", "make_deployments"]

DAYS_CHECKED = 400

Spec = dict[str, Any]


async def make_deployments(site: Site, shop: Shop, pool: str) -> None:
    """All deployments of `prefect.yaml`; what a team has changed stays, unless it is said anew."""
    for each in described():
        try:
            held = await site.client.read_deployment_by_name(f"{each.flow.name}/{each.name}")
        except ObjectNotFound:
            held = None
        wanted = _new(each, shop, pool) if held is None else _kept(each, held, shop, update=site.update)
        changes = _changes(held, wanted) if held is not None else []
        outcome = Outcome.CREATED if held is None else Outcome.UPDATED if changes else Outcome.UNCHANGED
        await site.settle(
            f"deployment {each.flow.name}/{each.name}",
            outcome,
            lambda each=each, wanted=wanted: _write(site, each, wanted),
            ", ".join(changes) or _schedule_words(wanted),
        )


async def check_schedule(cron: str, time_zone: str) -> None:
    """
    Raise `CatwalkError` if a business date of the coming year has two starts, of which only one would do anything.

    Where the clocks change at midnight, Prefect starts a run of that hour on the day before.
    """
    # The server's own arithmetic; it takes a second to import.
    from prefect.server.schemas.schedules import CronSchedule as ServerSchedule  # noqa: PLC0415

    start = now()
    schedule = ServerSchedule(cron=cron, timezone=time_zone)
    due = await schedule.get_dates(n=DAYS_CHECKED * 2, start=start, end=start + timedelta(days=DAYS_CHECKED))
    days = [business_date_of(moment, time_zone) for moment in due]
    for before, after in pairwise(days):
        if after == before:
            raise CatwalkError(
                f"the schedule {cron!r} in {time_zone} starts twice on {before}, and a business date has one night",
                next_step="Choose one time a day, at an hour that the zone's clocks never skip: 30 3 * * *.",
            )


def _new(each: Described, shop: Shop, pool: str) -> Spec:
    parameters = filled(each, shop)
    ready = shop.output is not None and (shop.catalog is not None or "output" in each.parameters)
    schedules = [_as_created(schedule.for_shop(shop), ready=ready) for schedule in each.schedules]
    return {**_code(each), "parameters": parameters, "schedules": schedules, "work_pool_name": pool}


def _kept(each: Described, held: DeploymentResponse, shop: Shop, *, update: bool) -> Spec:
    """What the team has, with what is said now; `update` names the accounts that were made, too."""
    said = shop if update else shop.model_copy(update={"accounts": {}})
    by_slug = {schedule.slug: schedule for schedule in each.schedules}
    schedules = [
        _as_created(_as_described(one).for_shop(shop), ready=True)
        if one.slug in by_slug and isinstance(one.schedule, CronSchedule)
        else DeploymentScheduleCreate(
            schedule=one.schedule, active=one.active, slug=one.slug, parameters=one.parameters
        )
        for one in held.schedules
    ]
    return {
        **_code(each),
        "parameters": filled(each, said, held.parameters),
        "schedules": schedules,
        "work_pool_name": held.work_pool_name,
        "job_variables": held.job_variables,
        "concurrency_limit": held.global_concurrency_limit and held.global_concurrency_limit.limit,
        "paused": held.paused,
    }


def _code(each: Described) -> Spec:
    return {
        "name": each.name,
        "entrypoint": each.module_entrypoint,
        "description": each.description,
        "tags": each.tags,
        "parameter_openapi_schema": each.form(),
        "enforce_parameter_schema": each.enforce_parameter_schema,
    }


def _as_created(schedule: DescribedSchedule, *, ready: bool) -> DeploymentScheduleCreate:
    return DeploymentScheduleCreate(
        schedule=CronSchedule(cron=schedule.cron, timezone=schedule.timezone),
        active=schedule.active and ready,
        slug=schedule.slug,
    )


def _as_described(one: Any) -> DescribedSchedule:
    return DescribedSchedule(
        slug=one.slug, cron=one.schedule.cron, timezone=one.schedule.timezone or "UTC", active=one.active
    )


def _changes(held: DeploymentResponse, wanted: Spec) -> list[str]:
    """What of a deployment would become another."""
    differ = [name for name in wanted if name not in {"schedules", "name", "concurrency_limit"}]
    changed = [name for name in differ if getattr(held, name) != wanted[name]]
    schedules = [_schedule_facts(one) for one in held.schedules] != [
        _schedule_facts(one) for one in wanted["schedules"]
    ]
    return [name.replace("_", " ") for name in changed] + (["schedules"] if schedules else [])


def _schedule_facts(one: Any) -> tuple[Any, ...]:
    return one.slug, one.schedule.model_dump(mode="json"), one.active


def _schedule_words(wanted: Spec) -> str:
    return ", ".join(
        f"{one.schedule.cron} {one.schedule.timezone}{'' if one.active else ' (switched off)'}"
        for one in wanted["schedules"]
        if isinstance(one.schedule, CronSchedule)
    )


async def _write(site: Site, each: Described, wanted: Spec) -> None:
    flow_id = await site.client.create_flow_from_name(each.flow.name)
    await site.client.create_deployment(flow_id, **wanted)
