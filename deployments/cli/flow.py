"""Flows run in this process, and what their end means for the exit code."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Annotated, Any, cast

import typer
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_API_URL
from pydantic import BaseModel

from blocks.errors import CatwalkError
from flows.report import RunReport

__all__ = ["MaxCredits", "announce_prefect", "exit_code", "report_of_flow"]

EXIT_NOT_DONE = 1
EXIT_PARTIAL = 3

MaxCredits = Annotated[
    float | None,
    typer.Option(min=0, max=1e9, help="Spend no more than N credits, all vendors' together; what is over is held."),
]


def announce_prefect() -> None:
    """Say what a first wait is for."""
    if PREFECT_API_URL.value() is None:
        typer.echo(
            "Starting a temporary Prefect server, which takes some ten seconds; PREFECT_API_URL names a lasting one."
        )


def report_of_flow(flow: Flow[Any, Any], request: BaseModel) -> RunReport:
    """Run a flow in this process; raises the error that kept it from doing its job."""
    return asyncio.run(_ended(flow, request))


async def _ended(flow: Flow[Any, Any], request: BaseModel) -> RunReport:
    await _check_prefect()
    # Prefect's stubs take an async flow's state for awaited already.
    state = await cast("Awaitable[State[RunReport]]", flow(request, return_state=True))
    result: RunReport | Exception = await state.aresult(raise_on_failure=False)
    if isinstance(result, Exception):
        raise result
    return result


async def _check_prefect() -> None:
    """Raise unless the Prefect server that the settings name answers; without one the run starts its own."""
    url = PREFECT_API_URL.value()
    if url is None:
        return
    async with get_client() as client:
        trouble = await client.api_healthcheck()
    if trouble is not None:
        raise CatwalkError(
            f"the Prefect server at {url} does not answer: {trouble}",
            next_step="Start it, or unset PREFECT_API_URL to run with a temporary server.",
        )


def exit_code(report: RunReport) -> int:
    """0 complete, 3 partial, 1 when nothing came of it or an account could not go on before anything was delivered."""
    if report.complete:
        return 0
    if report.budget_held:
        return EXIT_PARTIAL
    held = any("held" in counts for counts in report.units.values())
    in_vain = not report.delivered and (held or not report.unchanged)
    return EXIT_NOT_DONE if in_vain else EXIT_PARTIAL
