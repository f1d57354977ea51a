"""The quote of a plan: what it does, costs and leaves out, and how long it takes, before anything is paid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pydantic import BaseModel, Field

from blocks.account import VendorAccount
from blocks.operations import OPERATIONS
from catalogs.plan_sums import PlannedUnits, Sums
from catalogs.reasons import LeftOut
from flows.hours import account_time, job_seconds_of

__all__ = ["AccountQuote", "Change", "Quote", "RejectCount", "RejectedRow", "StageQuote", "quote_of"]

PLACES = 6


class StageQuote(BaseModel):
    """One stage: the units that will be paid for, what they cost, and all that are planned, by reason."""

    stage: str
    operation: str
    vendor: str
    units: int = 0
    credits: float = 0.0
    reasons: dict[str, int] = Field(default_factory=dict[str, int])
    left_out: dict[str, int] = Field(default_factory=dict[str, int])

    def add(self, group: PlannedUnits) -> None:
        """Count some of the stage's units."""
        self.units += group.paid
        self.credits = round(self.credits + group.credits, PLACES)
        counts, word = (self.reasons, group.reason) if group.left_out is None else (self.left_out, group.left_out)
        counts[word] = counts.get(word, 0) + group.units


class AccountQuote(BaseModel):
    """One account: what it will be charged, in credits and, where it has the price of one, in money; and its time."""

    vendor: str
    units: int
    credits: float
    money: str | None
    hours: float
    limited_by: str


class RejectCount(BaseModel):
    """Rows that can't run, for one reason; what differs in it from row to row is left open."""

    column: str
    reason: str
    rows: int


class RejectedRow(BaseModel):
    """A row that can't run, in one look or in all."""

    row: int
    sku: str | None
    look: str | None = None
    column: str
    reason: str


class Change(BaseModel):
    """A unit that will be done."""

    sku: str
    look: str | None = None
    stage: str
    reason: str


class Quote(BaseModel):
    """
    What a plan comes to.

    `items` are worked on, `in_part` of which the budget pays a part; `over_budget` items are left out altogether.
    `hours` is the least that the accounts' limits allow. `first_…` are the first ten.
    With `looks` an item is a row in one of them; `gone_looks` counts the manifest's items of those that left the recipe,
    and under an empty name those without one.
    """

    items: int
    in_part: int = 0
    over_budget: int = 0
    finished_items: int = 0
    rejected_rows: int = 0
    units: int
    credits: float
    max_credits: float | None = None
    hours: float
    stages: list[StageQuote]
    accounts: list[AccountQuote]
    rejects: list[RejectCount] = Field(default_factory=list[RejectCount])
    first_rejects: list[RejectedRow] = Field(default_factory=list[RejectedRow])
    gone: int = 0
    first_gone: list[str] = Field(default_factory=list[str])
    looks: list[str] = Field(default_factory=list[str])
    gone_looks: dict[str, int] = Field(default_factory=dict[str, int])
    first_changes: list[Change]

    @property
    def operations(self) -> set[str]:
        """The operations of the planned stages."""
        return {stage.operation for stage in self.stages}

    @property
    def cut(self) -> bool:
        """Whether the budget leaves anything out."""
        return any(LeftOut.OVER_BUDGET in stage.left_out for stage in self.stages)


def quote_of(
    sums: Sums,
    accounts: Iterable[VendorAccount],
    *,
    learned: Mapping[str, float],
    items_in_flight: int,
    max_credits: float | None = None,
) -> Quote:
    """The quote of a plan's units; `learned` are the seconds that an operation's jobs took before."""
    stages = _stages(sums.groups)
    quoted = [quote for account in accounts if (quote := _account(account, stages, learned)).units]
    chain = sum(job_seconds_of(stage.operation, learned) for stage in stages if stage.units)
    work = sum(stage.units * job_seconds_of(stage.operation, learned) for stage in stages)
    seconds = max([chain, work / items_in_flight, *(account.hours * 3600 for account in quoted)])
    return Quote(
        items=sums.items,
        in_part=sums.in_part,
        over_budget=sums.over_budget,
        units=sum(stage.units for stage in stages),
        credits=round(sum(stage.credits for stage in stages), PLACES),
        max_credits=max_credits,
        hours=seconds / 3600,
        stages=stages,
        accounts=sorted(quoted, key=lambda account: account.vendor),
        first_changes=[Change(**change._asdict()) for change in sums.first],
    )


def _stages(groups: Sequence[PlannedUnits]) -> list[StageQuote]:
    stages: dict[str, StageQuote] = {}
    for group in groups:
        vendor = OPERATIONS[group.operation].account_type.vendor
        quote = StageQuote(stage=group.stage, operation=group.operation, vendor=vendor)
        stages.setdefault(group.stage, quote).add(group)
    return list(stages.values())


def _account(account: VendorAccount, stages: Sequence[StageQuote], learned: Mapping[str, float]) -> AccountQuote:
    own = [stage for stage in stages if stage.vendor == account.vendor]
    credits_ = round(sum(stage.credits for stage in own), PLACES)
    units: Counter[str] = Counter()
    for stage in own:
        units[stage.operation] += stage.units
    return AccountQuote(
        vendor=account.vendor,
        units=units.total(),
        credits=credits_,
        money=account.in_money(credits_),
        **account_time(account, units, learned).model_dump(),
    )
