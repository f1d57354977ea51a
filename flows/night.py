"""One run per business date and request: a second start carries on, stands back, or finds all done."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed
from pydantic import ValidationError

from blocks.errors import CatwalkError, StorageError
from blocks.storage import MissingObject, ObjectStorage
from catalogs.layout import report_path
from catalogs.nights import BEAT_SECONDS, SILENCE, Night, Nights, NightState
from flows.accounts import open_storage
from flows.parameters import CatalogRun
from flows.report import RunReport

__all__ = ["UnderWay", "one_per_date"]

LOOK_SECONDS = 2.0
# What makes two starts of a date the same; the address is the date's own.
REQUEST = {"catalog": True, "recipe": True, "selection": {"skus", "limit"}}

Work = Callable[[CatalogRun], Awaitable[State[RunReport]]]


class UnderWay(CatwalkError):
    """
    Another run is at work on the same business date.

    Costs: nothing.
    Next: wait for it; if it was killed, start again after 90 s.
    """


async def one_per_date(run: CatalogRun, work: Work) -> State[RunReport]:
    """
    Do a run's work unless its business date is done; a run without one, or that is only a canary, is not held up.

    Raises `UnderWay` while another process is at work on the date.
    """
    if run.business_date is None or (run.canary is not None and run.canary.only):
        return await work(run)
    storage = await open_storage(run.output, run.accounts)
    nights = Nights(storage, run.business_date, run.model_dump_json(include=REQUEST))
    night = await _mine_or_ended(nights, run)
    if night.state is NightState.ENDED:
        return await _done_already(storage, run, night)
    async with _at_work(nights, night) as ended:
        state = await work(run)
        if state.is_completed() and isinstance(state.data, RunReport):
            ended.append(await _keep_report(storage, state.data))
    return state


async def _mine_or_ended(nights: Nights, run: CatalogRun) -> Night:
    """A start of one's own, or the one that has ended; at most `SILENCE` later."""
    clock = asyncio.get_running_loop().time
    seen: Night | None = None
    give_up = clock() + SILENCE.total_seconds()
    while True:
        latest = await nights.latest()
        if latest is not None and latest.state is NightState.WORKING:
            if seen is not None and seen.holder == latest.holder and seen.beat_at != latest.beat_at:
                raise _under_way(run, latest)
            if seen is None or seen.holder != latest.holder:
                seen, give_up = latest, clock() + SILENCE.total_seconds()
                if not latest.is_silent():
                    _tell_wait(run, latest)
            # By its own clock as well, as the other machine's may be ahead.
            if not latest.is_silent() and clock() < give_up:
                await asyncio.sleep(LOOK_SECONDS)
                continue
        elif latest is not None and latest.state is NightState.ENDED and not _is_asked_again(run):
            return latest
        if (mine := await nights.begin(latest, _this_process())) is not None:
            return mine


@asynccontextmanager
async def _at_work(nights: Nights, night: Night) -> AsyncGenerator[list[RunReport]]:
    """Show signs of life while the block runs; then say whether it has ended, with a report, or was left."""
    ended: list[RunReport] = []
    beating = asyncio.create_task(_beat(nights, night))
    try:
        yield ended
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
        left = night.model_copy(update={"state": NightState.LEFT})
        for report in ended:
            facts = {"state": NightState.ENDED, "run_id": report.run_id, "report": report_path(report.run_id)}
            left = night.model_copy(update=facts)
        # Where it can't be written down, others find the silence.
        with suppress(StorageError):
            await nights.write(left)


async def _beat(nights: Nights, night: Night) -> None:
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        with suppress(StorageError):
            await nights.write(night)


async def _keep_report(storage: ObjectStorage, report: RunReport) -> RunReport:
    data = report.model_dump_json().encode()
    await storage.write(report_path(report.run_id), data, content_type="application/json")
    return report


async def _done_already(storage: ObjectStorage, run: CatalogRun, night: Night) -> State[RunReport]:
    """The end of a start that found its business date done: as it was, with the report of then."""
    assert night.report is not None  # noqa: S101 - written with the end
    try:
        report = RunReport.model_validate_json(await storage.read(night.report))
    except (MissingObject, ValidationError) as error:
        raise StorageError(
            f"{run.business_date} is done by run {night.run_id}, whose report {storage.uri(night.report)} can't be read",
            next_step="Look at the manifest, or set `again` to run once more; what is delivered is not paid again.",
        ) from error
    report = report.model_copy(update={"done_already": True})
    words = f"{report.headline()} (run {night.run_id}, report {storage.uri(night.report)})"
    return Completed(name="Done already", message=words, data=report)


def _is_asked_again(run: CatalogRun) -> bool:
    return run.again or run.selection.force or bool(run.retry)


def _under_way(run: CatalogRun, other: Night) -> UnderWay:
    return UnderWay(
        f"{run.business_date} is being worked on by {other.by}, since {other.since:%Y-%m-%d %H:%M:%S} UTC",
        next_step="Nothing was sent. Let that run end; if it dies, a new start carries it on "
        f"{SILENCE.total_seconds():.0f} s later.",
    )


def _tell_wait(run: CatalogRun, other: Night) -> None:
    words = f"{other.by} was at work on {run.business_date} just now: waiting to see whether it is alive"
    print(f"{words}, for {SILENCE.total_seconds():.0f} s at most", file=sys.stderr)  # noqa: T201 - a person waits too
    if FlowRunContext.get() is not None:
        get_run_logger().info(words)


def _this_process() -> str:
    name = f"flow run {flow_run.get_id()}" if flow_run.get_id() else "a run"
    return f"{name} on {socket.gethostname()} (process {os.getpid()})"
