"""A draft of a plan in its order, cut to its budget, with its quote: the same for runs and retries."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from blocks.account import VendorAccount
from catalogs.left_out import write_left_out
from catalogs.plan_order import arrange
from catalogs.plan_sums import job_seconds_by_operation, sums_of
from flows.budget import BudgetReached, left_out_of_plan
from flows.budget_log import exact_limit
from flows.quote import Quote, quote_of

__all__ = ["PricedPlan", "price"]


@dataclass(slots=True, kw_only=True)
class PricedPlan:
    """A plan on disk; `left_out` has the manifest's rows of items that no shard works on."""

    path: Path
    shards: int
    left_out: Path | None
    quote: Quote


def price(
    draft: Path,
    run_id: str,
    *,
    accounts: Iterable[VendorAccount],
    manifest: Path | None,
    shard_items: int,
    items_in_flight: int,
    retry: Collection[str] = (),
    max_credits: float | None = None,
    whole: bool = False,
) -> PricedPlan:
    """Arrange the draft beside itself, and quote it; a `whole` plan keeps what the budget leaves out in its shards."""
    folder = draft.parent
    arranged = arrange(
        draft,
        folder / "arranged.parquet",
        shard_items=shard_items,
        retry=retry,
        max_credits=max_credits,
        whole=whole,
    )
    left_out = None
    if arranged.left_out and max_credits is not None:
        left_out = folder / "left-out.parquet"
        write_left_out(arranged.path, left_out, run_id, _held(left_out_of_plan(exact_limit(max_credits))))
    quote = quote_of(
        sums_of(arranged.path),
        accounts,
        learned=job_seconds_by_operation(manifest) if manifest else {},
        items_in_flight=items_in_flight,
        max_credits=max_credits,
    )
    return PricedPlan(path=arranged.path, shards=arranged.shards, left_out=left_out, quote=quote)


def _held(error: BudgetReached) -> dict[str, str]:
    return {"reason": error.what, "error_kind": error.kind(), "error_message": str(error)}
