"""The work pool, and the limits that all flow runs on an account share."""

from __future__ import annotations

from collections.abc import Iterable

from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectNotFound
from prefect.workers.utilities import get_default_base_job_template_for_infrastructure_type

from blocks.account import VendorAccount
from blocks.shared_pace import SharedLimit
from deployments.setup.steps import Outcome, Site

__all__ = ["make_limits", "make_pool"]


async def make_pool(site: Site, name: str, kind: str) -> None:
    """A place where workers look for work; one that is there stays as it is."""
    what = f"work pool {name}"
    try:
        pool = await site.client.read_work_pool(name)
    except ObjectNotFound:
        await site.settle(what, Outcome.CREATED, lambda: _create_pool(site, name, kind))
        return
    why = "" if pool.type == kind else f"it is of type {pool.type!r}, not {kind!r}"
    await site.settle(what, Outcome.KEPT if why else Outcome.UNCHANGED, why=why)


async def make_limits(site: Site, accounts: Iterable[VendorAccount]) -> None:
    """The limits that the accounts' documents name, as the accounts have them."""
    for account in accounts:
        for limit in account.shared_limits():
            outcome = await _outcome(site, limit)
            await site.settle(f"limit {limit.name} ({limit.per_second:g} calls a second)", outcome, limit.ensure)


async def _create_pool(site: Site, name: str, kind: str) -> None:
    template = await get_default_base_job_template_for_infrastructure_type(kind)
    await site.client.create_work_pool(WorkPoolCreate(name=name, type=kind, base_job_template=template or {}))


async def _outcome(site: Site, limit: SharedLimit) -> Outcome:
    try:
        held = await site.client.read_global_concurrency_limit_by_name(limit.name)
    except ObjectNotFound:
        return Outcome.CREATED
    same = (held.limit, held.slot_decay_per_second) == (limit.slots, limit.decay_per_second)
    return Outcome.UNCHANGED if same else Outcome.UPDATED
