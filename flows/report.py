"""What a run came to, for people and for whoever called it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from itertools import islice
from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import BaseModel

from catalogs.amounts import amount
from catalogs.names import item_name
from flows.finish_by import told

__all__ = ["CanaryVerdict", "LookCount", "RunReport", "Spending", "Trouble", "as_state"]

MOST_LOOKS_TOLD = 8


class Trouble(BaseModel):
    """A unit, or a catalog row, without a picture, and why."""

    sku: str | None
    look: str | None = None
    row: int
    stage: str
    status: str
    kind: str | None
    message: str | None
    job_id: str | None = None
    request_id: str | None = None
    next_step: str = ""

    @property
    def item(self) -> str:
        """What messages call its item."""
        return item_name(self.sku, self.look)


class Spending(BaseModel):
    """Credits charged for pictures, and those at risk: they may be charged, for no picture."""

    charged: float = 0.0
    at_risk: float = 0.0

    def add(self, row: dict[str, Any]) -> None:
        """Count one manifest row."""
        self.charged += row["credits"] or 0.0
        self.at_risk += row.get("credits_at_risk") or 0.0


class CanaryVerdict(BaseModel):
    """How the items that were tried first came through; `faults` by vendor, `held` the items that then had to wait."""

    passed: bool
    tried: dict[str, int]
    faults: dict[str, list[str]]
    slowest: dict[str, float]
    held: int = 0

    def words(self) -> str:
        """The verdict in one line."""
        tried = ", ".join(f"{count} {vendor}" for vendor, count in self.tried.items()) or "nothing due"
        if self.passed:
            return f"canary passed: {tried}"
        told = "; ".join(f"{vendor}: {faults[0]}" for vendor, faults in self.faults.items())
        return f"the canary failed, and {self.held} items are held: {told}"


class LookCount(BaseModel):
    """The items of one look, and those of them with a picture from every stage."""

    items: int = 0
    delivered: int = 0


class RunReport(BaseModel):
    """
    What a run came to. `delivered` counts items with a picture from every stage; `spending` is by vendor.

    `troubled` items have not all their pictures; `troubles` are the first of them, with what is merely held at the end.
    `page` is the report as a page, `failures` the list of all that has no picture, where there is any; `links` open
    page and gallery without credentials for a few days, where the storage can make such links.

    With looks, each row is an item in each of them: `looks` tells of each how many items it has, and how many of them are
    delivered. `quarantined` counts rows that can't be used, wholly or in some look.
    `credits` is what each vendor charged, `money` the same in money where the account has the price of a credit;
    `budget_held` counts units that were held because the run may not spend more than `max_credits`, `finish_by_held`
    those that were held because it finishes by `finish_by`. `done_already`: the run found its business date done, and
    this is what was reported then.
    """

    run_id: str
    recipe: str
    output: str
    manifest: str
    gallery: str | None
    page: str | None = None
    failures: str | None = None
    links: dict[str, str] = {}
    started_at: datetime
    finished_at: datetime
    items: int
    delivered: int
    unchanged: int
    quarantined: int
    looks: dict[str, LookCount] = {}
    units: dict[str, dict[str, int]]
    credits: dict[str, float]
    spending: dict[str, Spending]
    spending_by_stage: dict[str, Spending]
    money: dict[str, str] = {}
    max_credits: float | None = None
    budget_held: int = 0
    finish_by: datetime | None = None
    finish_by_held: int = 0
    business_date: date | None = None
    done_already: bool = False
    canary: CanaryVerdict | None = None
    troubles: list[Trouble]
    troubled: int = 0

    @property
    def complete(self) -> bool:
        """Whether every row of the catalog that was asked for has its pictures."""
        return self.delivered == self.items and not self.quarantined

    def headline(self) -> str:
        """The outcome in one line."""
        parts = [f"{self.delivered} of {self.items} items delivered"]
        if self.looks:
            parts.append(", ".join(self._by_look()))
        if self.unchanged:
            parts.append(f"{self.unchanged} unchanged")
        if self.quarantined:
            parts.append(
                f"{self.quarantined} catalog rows can't be used{', or not in all looks' if self.looks else ''}"
            )
        if self.budget_held:
            parts.append(f"{self.budget_held} held by the budget of {amount(self.max_credits or 0)} credits")
        if self.finish_by_held and self.finish_by:
            words = f"{self.finish_by_held} held: finish-by {told(self.finish_by)}, and the next run goes on with them"
            parts.append(words)
        spent = ", ".join(f"{amount(price)} {self._priced(vendor)}" for vendor, price in self.credits.items() if price)
        parts.append(f"credits: {spent}" if spent else "nothing spent")
        at_risk = ", ".join(
            f"{amount(sums.at_risk)} {vendor}" for vendor, sums in self.spending.items() if sums.at_risk
        )
        if at_risk:
            parts.append(f"may be charged for nothing: {at_risk}")
        before = f"{self.business_date}: done already: " if self.done_already else ""
        canary = f"{self.canary.words()}; " if self.canary is not None else ""
        return before + canary + "; ".join(parts)

    def stages(self) -> Iterator[str]:
        """Each stage's credits in a few words."""
        for stage, sums in self.spending_by_stage.items():
            yield f"{stage} {amount(sums.charged)}" + (
                f" (and {amount(sums.at_risk)} may be charged)" if sums.at_risk else ""
            )

    def _by_look(self) -> Iterator[str]:
        for look, count in islice(self.looks.items(), MOST_LOOKS_TOLD):
            yield f"{look} {count.delivered} of {count.items}"
        if len(self.looks) > MOST_LOOKS_TOLD:
            yield f"and {len(self.looks) - MOST_LOOKS_TOLD} more looks"

    def _priced(self, vendor: str) -> str:
        return f"{vendor} ({self.money[vendor]})" if vendor in self.money else vendor


def as_state(report: RunReport) -> State[RunReport]:
    """How the flow run ends: completed, partial, held by its canary, or failed when nothing at all came of it."""
    if report.canary is not None and not report.canary.passed:
        return Failed(name="Held", message=report.headline(), data=report)
    if report.complete:
        return Completed(message=report.headline(), data=report)
    in_vain = not (report.delivered or report.unchanged or report.budget_held or report.finish_by_held)
    if report.items + report.quarantined and in_vain:
        return Failed(message=f"{report.headline()}. First: {report.troubles[0].message}", data=report)
    return Completed(name="Partial", message=report.headline(), data=report)
