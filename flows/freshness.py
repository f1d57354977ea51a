"""Whether a stored plan would be the same now: by versions first, and where those differ by its units."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from blocks.errors import CatwalkError
from blocks.storage import ObjectStorage
from catalogs.plan_difference import Differences, differences
from flows.commands import plan_command
from flows.planning import current_versions, make_plan
from flows.stored_plan import StoredPlan, keep_findings

__all__ = ["StalePlan", "check_fresh"]


class StalePlan(CatwalkError):
    """
    A plan is not what it would be now, or was applied already: nothing was sent.

    Costs: nothing.
    Next: plan again; the message says what is different.
    """


async def check_fresh(plan: StoredPlan, storage: ObjectStorage, *, begun: bool) -> StoredPlan:
    """
    Raise `StalePlan` with what is different, unless the plan would be the same now.

    Where files have other versions and the units are the same, the plan is returned with what planning anew found out
    besides. `begun`: a run of the plan died, and what it has done is no difference.
    """
    changed = plan.made_from.changed(await current_versions(plan.asked))
    if not changed:
        return plan
    with TemporaryDirectory(prefix="catwalk-") as scratch:
        folder = Path(scratch)
        new = await make_plan(plan.asked, plan.plan_id, folder)
        await storage.download(plan.files["units"], folder / "stored.parquet")
        manifest = folder / "previous.parquet"
        different = await asyncio.to_thread(
            differences,
            folder / "stored.parquet",
            new.path,
            manifest if manifest.exists() else None,
            begun=begun,
        )
        if different.units:
            raise _stale(plan, changed, different)
        files = plan.files | await keep_findings(storage, plan.plan_id, new)
    return plan.model_copy(update={"files": files})


def _stale(plan: StoredPlan, changed: Sequence[str], different: Differences) -> StalePlan:
    kinds = "".join(f"\n  {count} units: {was} -> {now}" for was, now, count in different.kinds)
    first = "".join(f"\n    {sku} {stage}: {was} -> {now}" for sku, stage, was, now in different.first)
    of = f", of {different.units}" if different.units > len(different.first) else ""
    return StalePlan(
        f"plan {plan.plan_id} is stale: since {plan.made_at:%Y-%m-%d %H:%M:%S} UTC {', '.join(changed)} changed, and "
        f"{different.units} of its units stand otherwise now{kinds}\n  the first{of}:{first}\nNothing was sent",
        next_step=f"Plan anew: {plan_command(plan.asked)}",
    )
