"""A run's manifest rows, added up into its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from blocks.account import VendorAccount
from catalogs.exhibits import item_of
from catalogs.ledger import now
from catalogs.next_steps import next_step
from flows.budget import BudgetReached
from flows.finish_by import FinishByOverrun, FinishByReached
from flows.report import LookCount, RunReport, Spending, Trouble

__all__ = ["MOST_HELD", "MOST_TROUBLES", "summarise"]

MOST_TROUBLES = 200
# What is held is held for one cause, and a few rows tell it.
MOST_HELD = 10
OUT_OF_TIME = (FinishByReached.kind(), FinishByOverrun.kind())


def summarise(
    rows: Iterable[dict[str, Any]], *, run_id: str, accounts: Iterable[VendorAccount] = (), **facts: Any
) -> RunReport:
    """Add up the manifest rows that a run has written, in item order; `accounts` know what credits cost."""
    sums = _Sums(run_id, facts["output"])
    for (_, number, _, look), stages in groupby(rows, key=item_of):
        sums.add(number, look, list(stages))
    return RunReport(
        run_id=run_id,
        finished_at=now(),
        items=sums.items,
        delivered=sums.delivered,
        quarantined=len(sums.quarantined),
        looks=sums.looks,
        units={stage: dict(counts) for stage, counts in sums.units.items()},
        credits={vendor: spent.charged for vendor, spent in sums.by_vendor.items()},
        spending=sums.by_vendor,
        spending_by_stage=sums.by_stage,
        money=_money(sums.by_vendor, accounts),
        budget_held=sums.over_budget,
        finish_by_held=sums.out_of_time,
        troubles=(sums.troubles + sums.waiting)[:MOST_TROUBLES],
        troubled=sums.troubled,
        **facts,
    )


@dataclass(slots=True)
class _Sums:
    """What the items so far come to; `waiting` are the troubles of what is merely held."""

    run_id: str
    output: str
    items: int = 0
    delivered: int = 0
    quarantined: set[int] = field(default_factory=set[int])
    looks: dict[str, LookCount] = field(default_factory=dict[str, LookCount])
    units: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    by_vendor: dict[str, Spending] = field(default_factory=dict[str, Spending])
    by_stage: dict[str, Spending] = field(default_factory=dict[str, Spending])
    over_budget: int = 0
    out_of_time: int = 0
    troubled: int = 0
    troubles: list[Trouble] = field(default_factory=list[Trouble])
    waiting: list[Trouble] = field(default_factory=list[Trouble])

    def add(self, number: int, look: str | None, stages: Sequence[dict[str, Any]]) -> None:
        """Count one item, or what there is instead of it for the catalog's row of that number."""
        statuses = {row["status"] for row in stages}
        usable, whole = "quarantined" not in statuses, statuses == {"done"}
        self.items, self.delivered = self.items + usable, self.delivered + whole
        if look:
            count = self.looks.setdefault(look, LookCount())
            count.items, count.delivered = count.items + usable, count.delivered + whole
        if not usable:
            self.quarantined.add(number)
        for row in stages:
            self._add_unit(row)
        for row in filter(_is_cause, stages):
            self._add_trouble(_trouble(row, self.output), usable=usable)

    def _add_unit(self, row: dict[str, Any]) -> None:
        self.units.setdefault(row["stage"], Counter())[row["status"]] += 1
        self.over_budget += row["error_kind"] == BudgetReached.kind()
        self.out_of_time += row["error_kind"] in OUT_OF_TIME
        if (row["credits"] or row["credits_at_risk"]) and row["run_id"] == self.run_id:
            self.by_vendor.setdefault(row["vendor"], Spending()).add(row)
            self.by_stage.setdefault(row["stage"], Spending()).add(row)

    def _add_trouble(self, trouble: Trouble, *, usable: bool) -> None:
        kept, most = (self.waiting, MOST_HELD) if trouble.status == "held" else (self.troubles, MOST_TROUBLES)
        if not usable and trouble in kept[-1:]:
            # A row that can't be used at all is so in every look.
            return
        self.troubled += 1
        if len(kept) < most:
            kept.append(trouble)


def _money(by_vendor: dict[str, Spending], accounts: Iterable[VendorAccount]) -> dict[str, str]:
    known = {account.vendor: account for account in accounts}
    shared = [(vendor, known[vendor].in_money(sums.charged)) for vendor, sums in by_vendor.items() if vendor in known]
    return {vendor: money for vendor, money in shared if money is not None}


def _is_cause(row: dict[str, Any]) -> bool:
    """One trouble an item: not the stages that only follow from it."""
    return row["status"] not in ("done", "blocked") and not (row["status"] == "quarantined" and row["position"])


def _trouble(row: dict[str, Any], output: str) -> Trouble:
    return Trouble(
        sku=row["sku"],
        look=row["look"] if row["status"] != "quarantined" else None,
        row=row["row"],
        stage=row["stage"],
        status=row["status"],
        kind=row["error_kind"],
        message=row["error_message"],
        job_id=row["job_id"],
        request_id=row["request_id"],
        next_step=next_step(row, output),
    )
