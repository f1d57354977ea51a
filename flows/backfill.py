"""A range of business dates, one run each, in order; started again, it goes on where it stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from datetime import date, timedelta
from typing import Any, cast

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from flows.parameters import BackfillRun, CatalogRun
from flows.process_catalog import process_catalog
from flows.report import RunReport

__all__ = ["backfill_dates"]

ARTIFACT_SECONDS = 40.0

Row = dict[str, Any]


@flow(name="backfill", flow_run_name="{backfill.first} to {backfill.last}", persist_result=False)
async def backfill_dates(backfill: BackfillRun) -> State[list[Row]]:
    """Run each day's catalog, one after the other, each as a flow run of its own; days that are done end at once."""
    rows: list[Row] = []
    spent = 0.0
    for day in _days(backfill.first, backfill.last):
        limit = None if backfill.max_credits is None else max(0.0, backfill.max_credits - spent)
        state = await _run(_of_day(backfill.run, day, limit))
        report = state.data if isinstance(state.data, RunReport) else None
        spent += sum(sums.charged + sums.at_risk for sums in report.spending.values()) if report else 0.0
        rows.append({"business date": day.isoformat(), "state": state.name, "what came of it": state.message})
        get_run_logger().info("%s: %s: %s", day, state.name, state.message)
        # A day that another process works on is not done, and the days after it wait for it.
        if state.name == "Under way" or (state.is_final() and not state.is_completed() and not backfill.go_on):
            break
    await _publish(rows)
    return _state(backfill, rows)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _of_day(run: CatalogRun, day: date, limit: float | None) -> CatalogRun:
    limits = [each for each in (run.max_credits, limit) if each is not None]
    return run.model_copy(update={"business_date": day, "max_credits": min(limits, default=None)})


async def _run(run: CatalogRun) -> State[Any]:
    # Prefect's stubs take an async flow's state for awaited already.
    return await cast("Awaitable[State[Any]]", process_catalog(run, return_state=True))


async def _publish(rows: list[Row]) -> None:
    """Show the days in Prefect; each has its own flow run, so a server that does not take the table goes without."""
    with suppress(Exception):
        async with asyncio.timeout(ARTIFACT_SECONDS):
            await acreate_table_artifact(rows, key="catwalk-backfill", description="Business dates, in order.")


def _state(backfill: BackfillRun, rows: list[Row]) -> State[list[Row]]:
    done = [row for row in rows if row["state"] in {"Completed", "Done already"}]
    days = (backfill.last - backfill.first).days + 1
    words = f"{len(done)} of {days} business dates done"
    if len(done) == days:
        return Completed(message=words, data=rows)
    first = next((row for row in rows if row not in done), rows[-1])
    told = f"{words}; first {first['business date']}: {first['state']}: {first['what came of it']}"
    if all(row["state"] in {"Completed", "Done already", "Partial"} for row in rows):
        return Completed(name="Partial", message=told, data=rows)
    return Failed(message=f"{told}. Start the same backfill again to go on from there.", data=rows)
