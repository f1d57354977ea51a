"""Flows run in this process, and what their end means for the exit code."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable
from types import CoroutineType
from typing import Any, NoReturn, TypeVar, cast

import typer
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_API_URL
from pydantic import BaseModel

from blocks.errors import CatwalkError
from flows.ending import PREFECT_ERRORS, FlowAtWork
from flows.report import RunReport

__all__ = ["announce_prefect", "exit_code", "leave", "result_of_flow"]

EXIT_NOT_DONE = 1
EXIT_PARTIAL = 3
CHECK_SECONDS = 15.0
CAUSE_LIMIT = 200

ResultT = TypeVar("ResultT")

# Event loops with flow runs whose end Prefect's server was not told.
_LEFT_ALONE: list[asyncio.Runner] = []


def announce_prefect() -> None:
    """Say what a first wait is for."""
    if PREFECT_API_URL.value() is None:
        typer.echo(
            "Starting a temporary Prefect server, which takes some ten seconds; PREFECT_API_URL names a lasting one.",
            err=True,
        )


def result_of_flow(flow: Flow[Any, CoroutineType[Any, Any, State[ResultT]]], request: BaseModel) -> ResultT:
    """Run a flow in this process; what it came to, or the error that kept it from doing its job."""
    asyncio.run(_check_prefect())
    # Prefect's stubs take an async flow's state for awaited already.
    run = FlowAtWork(lambda: cast("Awaitable[State[ResultT]]", flow(request, return_state=True)))
    runner = asyncio.Runner()
    try:
        report = runner.run(run.result())
    except Exception as error:
        if run.begun and not isinstance(error, PREFECT_ERRORS):
            raise
        raise _failed(error) from error
    finally:
        if run.told:
            runner.close()
        else:
            # Closed, it would wait for tasks that wait for a server which does not answer.
            _LEFT_ALONE.append(runner)
    if not run.told:
        typer.secho(f"Warning: {_server()} does not answer: its record of this run stays incomplete.", err=True)
    return report


def leave(code: int) -> NoReturn:
    """End the process, without a last word to a Prefect server that does not answer: it would take minutes."""
    if not _LEFT_ALONE:
        sys.exit(code)
    _stop_temporary_server()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


async def _check_prefect() -> None:
    """Raise unless the Prefect server that the settings name answers; without one the run starts its own."""
    url = PREFECT_API_URL.value()
    if url is None:
        return
    try:
        async with asyncio.timeout(CHECK_SECONDS), get_client() as client:
            trouble = await client.api_healthcheck()
    except TimeoutError:
        trouble = f"nothing came within {CHECK_SECONDS:g} s"
    if trouble is not None:
        raise CatwalkError(
            f"the Prefect server at {url} does not answer: {trouble}",
            next_step="Start it, or unset PREFECT_API_URL to run with a temporary server.",
        )


def _failed(error: Exception) -> CatwalkError:
    """Prefect's trouble in a person's words."""
    said = " ".join(str(error).split())[:CAUSE_LIMIT] or type(error).__name__
    return CatwalkError(
        f"{_server()} failed, and the run with it: {said}",
        next_step="What was paid for is in the output's ledger. See that the server answers, then run the same "
        "command again: it fetches what is there and pays for nothing twice.",
    )


def _server() -> str:
    url = PREFECT_API_URL.value()
    return f"the Prefect server at {url}" if url else "the temporary Prefect server"


def _stop_temporary_server() -> None:
    if PREFECT_API_URL.value() is None:
        from prefect.server.api.server import SubprocessASGIServer  # noqa: PLC0415 - loaded if it was started at all

        SubprocessASGIServer().stop()


def exit_code(report: RunReport) -> int:
    """0 complete, 3 partial, 1 when nothing came of it or an account could not go on before anything was delivered."""
    if report.canary is not None and not report.canary.passed:
        return EXIT_NOT_DONE
    if report.complete:
        return 0
    if report.budget_held or report.finish_by_held:
        return EXIT_PARTIAL
    held = any("held" in counts for counts in report.units.values())
    in_vain = not report.delivered and (held or not report.unchanged)
    return EXIT_NOT_DONE if in_vain else EXIT_PARTIAL
