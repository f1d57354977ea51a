"""The canary: a few of the items that are due, tried first, so that a vendor's trouble does not meet them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

from blocks.account import VendorAccount
from blocks.checkup import balance_of
from blocks.errors import AuthFailed, ContractDrift, QuotaExhausted, VendorError
from blocks.operations import OPERATIONS, account_types
from blocks.storage import ObjectStorage
from blocks.transport import close_client
from catalogs.amounts import amount
from catalogs.layout import PARQUET, plan_path
from catalogs.ledger import now
from catalogs.manifest import read_rows
from catalogs.plan import PlannedItem, Unit
from catalogs.plan_file import PlanWriter, read_shard
from catalogs.reasons import WAITS_FOR_RETRY, Reason
from flows.accounts import open_account
from flows.parameters import Canary, CatalogRun, ShardRun
from flows.process_shard import work_within
from flows.report import CanaryVerdict

__all__ = ["Tried", "judge", "picked", "try_first"]

# As far as a rescue looks, so that it finds what a killed canary has paid for.
LOOKED_THROUGH = 500
# Troubles that one item's rows and pictures have, or that say nothing of a vendor.
NOT_THE_VENDORS = {
    "catalog_error",
    "broken_picture",
    "storage_error",
    "content_refused",
    "budget_reached",
    "lane_closed",
}
# With one of these no other item can fare better.
WHOLE_ACCOUNT = {AuthFailed.kind(), QuotaExhausted.kind(), ContractDrift.kind()}
COLUMNS = (
    *("sku", "stage", "operation", "status", "seconds", "submitted_at"),
    *("credits", "credits_at_risk", "error_kind", "error_message"),
)
SMALLEST_PRICE = 1e-6


@dataclass(frozen=True, slots=True)
class Tried:
    """The verdict, and where the rows of the tried items are; None if none was due."""

    verdict: CanaryVerdict
    part: str | None

    @property
    def parts(self) -> list[str]:
        """All that a run which goes no further publishes."""
        return [self.part] if self.part else []


async def try_first(
    run: CatalogRun, canary: Canary, shard: ShardRun, storage: ObjectStorage, folder: Path, *, due: int
) -> Tried:
    """
    Work through a few of a plan's items, of which so many are due, under the run's own name and budget.

    They are the run's own items, made earlier.
    """
    units = folder / "units.parquet"
    await storage.download(shard.plan, units)
    items = picked(read_shard(units, shard.shard), canary.items, run.retry)
    if not items:
        return Tried(CanaryVerdict(passed=True, tried={}, faults={}, slowest={}), None)
    mine = shard.model_copy(update={"plan": plan_path(f"{shard.run_id}-canary"), "shard": 0})
    await _store(items, mine, storage, folder)
    # Only the vendors of what is tried: the others need no account for it.
    operations = {unit.operation for item in items for unit in item.to_do()}
    accounts = [await open_account(kind, run.accounts) for kind in account_types(operations)]
    since, before = now(), await _balances(accounts)
    part = await work_within(mine)
    rows = [row for row in await _rows(storage, part, folder) if _is_news(row, since)]
    verdict = judge(rows, canary, _charged(before, await _balances(accounts)))
    await close_client()
    held = 0 if verdict.passed else due - len(items)
    return Tried(verdict.model_copy(update={"held": held}), part)


def picked(items: Iterator[PlannedItem], each: int, retry: Collection[str] = ()) -> list[PlannedItem]:
    """The first items that give every vendor so many units to do, shared ones once; what waits for a retry gives none."""
    count: Counter[str] = Counter()
    chosen: list[PlannedItem] = []
    keys: set[str] = set()
    for item in islice(items, LOOKED_THROUGH):
        due = takewhile(lambda unit: not _waits(unit, retry), item.to_do())
        vendors = {_vendor(unit.operation) for unit in due if unit.unit_key not in keys}
        if any(count[vendor] < each for vendor in vendors):
            chosen.append(item)
            count.update(vendors)
            keys.update(unit.unit_key for unit in item.units)
    return chosen


def judge(rows: Sequence[dict[str, Any]], canary: Canary, charged: dict[str, float]) -> CanaryVerdict:
    """
    What the tried rows say of their vendors.

    A vendor fails by an error that concerns the whole account, by failing half of what it was given or more, by
    taking too long, and by taking more credits than its price list says, where it tells.
    """
    by_vendor: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["status"] != "blocked" and row["error_kind"] not in NOT_THE_VENDORS:
            by_vendor.setdefault(_vendor(row["operation"]), []).append(row)
    faults = {
        vendor: [*_refusals(told), *_delays(told, canary.most_seconds), *_prices(told, charged.get(vendor))]
        for vendor, told in by_vendor.items()
    }
    faults = {vendor: found for vendor, found in faults.items() if found}
    return CanaryVerdict(
        passed=not faults,
        tried={vendor: len(told) for vendor, told in by_vendor.items()},
        faults=faults,
        slowest={vendor: max(row["seconds"] or 0.0 for row in told) for vendor, told in by_vendor.items()},
    )


def _waits(unit: Unit, retry: Collection[str]) -> bool:
    waits_for = WAITS_FOR_RETRY.get(Reason(unit.reason))
    return waits_for is not None and waits_for not in retry


def _is_news(row: dict[str, Any], since: datetime) -> bool:
    """Whether a row tells how the vendor is now: what failed in an earlier try of the run does not."""
    return row["status"] == "done" or row["submitted_at"] is None or row["submitted_at"] >= since


def _refusals(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    failed = [row for row in rows if row["status"] != "done"]
    whole = [row for row in failed if row["error_kind"] in WHOLE_ACCOUNT]
    if whole:
        yield str(whole[0]["error_message"])
    elif failed and 2 * len(failed) >= len(rows):
        yield f"{len(failed)} of {len(rows)} failed, first {failed[0]['error_message']}"


def _delays(rows: Sequence[dict[str, Any]], most_seconds: float) -> Iterator[str]:
    slowest = max(rows, key=lambda row: row["seconds"] or 0.0)
    if (slowest["seconds"] or 0.0) > most_seconds:
        yield (
            f"SKU {slowest['sku']!r} stage {slowest['stage']!r} took {slowest['seconds']:.0f} s, "
            f"longer than the canary's {most_seconds:g} s"
        )


def _prices(rows: Sequence[dict[str, Any]], charged: float | None) -> Iterator[str]:
    listed = sum(row["credits"] + row["credits_at_risk"] for row in rows)
    if charged is not None and charged > listed + SMALLEST_PRICE:
        yield (
            f"its balance fell by {amount(charged)} credits, where the price list has {amount(listed)}: "
            "the account's `prices` are out of date, or somebody else used the account at the same time"
        )


async def _balances(accounts: Sequence[VendorAccount]) -> dict[str, float]:
    told: dict[str, float] = {}
    for account in accounts:
        # What is wrong with the account shows in the rows, with the vendor's words.
        with suppress(VendorError):
            balance = await balance_of(account)
            told |= {} if balance is None else {account.vendor: balance}
    return told


def _charged(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {vendor: before[vendor] - after[vendor] for vendor in before.keys() & after.keys()}


async def _store(items: Sequence[PlannedItem], shard: ShardRun, storage: ObjectStorage, folder: Path) -> None:
    path = folder / "canary.parquet"
    with PlanWriter(path, shard_items=len(items)) as writer:
        for item in items:
            writer.add(item)
    await storage.upload(shard.plan, path, content_type=PARQUET)


async def _rows(storage: ObjectStorage, part: str, folder: Path) -> list[dict[str, Any]]:
    path = folder / "canary-rows.parquet"
    await storage.download(part, path)
    return list(read_rows(path, COLUMNS))


def _vendor(operation: str) -> str:
    return OPERATIONS[operation].account_type.vendor
