"""What a run came to, for people and for whoever called it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import BaseModel

from catalogs.ledger import now

__all__ = ["RunReport", "as_state", "publish_report", "summarise"]

MOST_TROUBLES = 200


class Trouble(BaseModel):
    """A unit, or a catalog row, without a picture, and why."""

    sku: str | None
    row: int
    stage: str
    status: str
    kind: str | None
    message: str | None
    job_id: str | None = None
    request_id: str | None = None


class RunReport(BaseModel):
    """What a run came to. `delivered` counts items with a picture from every stage; credits are by vendor."""

    run_id: str
    recipe: str
    output: str
    manifest: str
    gallery: str | None
    started_at: datetime
    finished_at: datetime
    items: int
    delivered: int
    unchanged: int
    quarantined: int
    units: dict[str, dict[str, int]]
    credits: dict[str, float]
    troubles: list[Trouble]

    @property
    def complete(self) -> bool:
        """Whether every row of the catalog that was asked for has its pictures."""
        return self.delivered == self.items and not self.quarantined

    def headline(self) -> str:
        """The outcome in one line."""
        parts = [f"{self.delivered} of {self.items} items delivered"]
        if self.unchanged:
            parts.append(f"{self.unchanged} unchanged")
        if self.quarantined:
            parts.append(f"{self.quarantined} catalog rows can't be used")
        spent = ", ".join(f"{price:g} {vendor}" for vendor, price in self.credits.items() if price)
        return "; ".join(parts) + (f"; credits: {spent}" if spent else "; nothing spent")


def summarise(rows: Iterable[dict[str, Any]], *, run_id: str, **facts: Any) -> RunReport:
    """Add up the manifest rows that a run has written, in item order."""
    units: dict[str, Counter[str]] = {}
    spent: dict[str, float] = {}
    troubles: list[Trouble] = []
    items = delivered = quarantined = 0
    for _, group in groupby(rows, key=lambda row: row["row"]):
        stages = list(group)
        statuses = [row["status"] for row in stages]
        items, delivered = items + ("quarantined" not in statuses), delivered + (set(statuses) == {"done"})
        quarantined += "quarantined" in statuses
        for row in stages:
            units.setdefault(row["stage"], Counter())[row["status"]] += 1
            if row["credits"] and row["run_id"] == run_id:
                spent[row["vendor"]] = spent.get(row["vendor"], 0.0) + row["credits"]
        troubles.extend(_trouble(row) for row in stages[: MOST_TROUBLES - len(troubles)] if _is_cause(row))
    return RunReport(
        run_id=run_id,
        finished_at=now(),
        items=items,
        delivered=delivered,
        quarantined=quarantined,
        units={stage: dict(counts) for stage, counts in units.items()},
        credits=spent,
        troubles=troubles,
        **facts,
    )


def _is_cause(row: dict[str, Any]) -> bool:
    """One trouble an item: not the stages that only follow from it."""
    return row["status"] not in ("done", "blocked") and not (row["status"] == "quarantined" and row["position"])


def _trouble(row: dict[str, Any]) -> Trouble:
    return Trouble(
        sku=row["sku"],
        row=row["row"],
        stage=row["stage"],
        status=row["status"],
        kind=row["error_kind"],
        message=row["error_message"],
        job_id=row["job_id"],
        request_id=row["request_id"],
    )


async def publish_report(report: RunReport) -> None:
    """Put the report where the Prefect UI shows it: a summary, a table of stages, a table of troubles."""
    await acreate_markdown_artifact(_markdown(report), key="catwalk-report", description=report.headline())
    stages = [{"stage": stage} | counts for stage, counts in report.units.items()]
    await acreate_table_artifact(stages, key="catwalk-stages", description="Units by stage and status.")
    if report.troubles:
        table = [trouble.model_dump() for trouble in report.troubles]
        await acreate_table_artifact(table, key="catwalk-troubles", description="Items without all their pictures.")


def _markdown(report: RunReport) -> str:
    lines = [
        f"# {report.headline()}",
        (
            f"Recipe **{report.recipe}**, run `{report.run_id}`, {report.started_at:%Y-%m-%d %H:%M:%S} to "
            f"{report.finished_at:%H:%M:%S} UTC."
        ),
        f"Output: `{report.output}`; manifest: `{report.manifest}`.",
    ]
    return "\n\n".join(lines)


def as_state(report: RunReport) -> State[RunReport]:
    """How the flow run ends: completed, partial, or failed when nothing at all came of it."""
    if report.complete:
        return Completed(message=report.headline(), data=report)
    if report.items + report.quarantined and not report.delivered and not report.unchanged:
        return Failed(message=f"{report.headline()}. First: {report.troubles[0].message}", data=report)
    return Completed(name="Partial", message=report.headline(), data=report)
