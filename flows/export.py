"""What a run counts, shown to Prometheus where `CATWALK_METRICS` says so: at a port, or in a file for its collector."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger
from prometheus_client import start_http_server, write_to_textfile

from blocks.metrics import CREDITS, REGISTRY, SECONDS, UNITS
from catalogs.manifest import ManifestRow

__all__ = ["count_unit", "exported"]

VARIABLE = "CATWALK_METRICS"
WRITE_SECONDS = 15.0
HOST = "127.0.0.1"

# A process shows its counts at one port, however many flow runs it works on.
_served: set[int] = set()


def count_unit(row: ManifestRow, run_id: str) -> None:
    """A unit has ended; what an earlier run was charged was counted by that run."""
    UNITS.labels(row.stage, row.status).inc()
    if row.run_id != run_id or row.vendor is None:
        return
    CREDITS.labels(row.vendor, "charged").inc(row.credits)
    CREDITS.labels(row.vendor, "at risk").inc(row.credits_at_risk)
    if row.status == "done" and row.seconds is not None:
        SECONDS.labels(row.operation).observe(row.seconds)


@asynccontextmanager
async def exported() -> AsyncGenerator[None]:
    """Show the counts for as long as the block runs, and in a file beyond it; trouble with that costs no picture."""
    where = os.environ.get(VARIABLE, "").strip()
    if where.isdecimal():
        _serve(int(where))
    if not where or where.isdecimal():
        yield
        return
    writer = asyncio.create_task(_write_now_and_then(Path(where)))
    try:
        yield
    finally:
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
        _write(Path(where))


def _serve(port: int) -> None:
    if port in _served:
        return
    try:
        start_http_server(port, addr=HOST, registry=REGISTRY)
    except (OSError, OverflowError) as error:
        _warn(f"port {port} of {HOST} can't be used: {error}")
        return
    _served.add(port)


async def _write_now_and_then(path: Path) -> None:
    while True:
        await asyncio.to_thread(_write, path)
        await asyncio.sleep(WRITE_SECONDS)


def _write(path: Path) -> None:
    try:
        write_to_textfile(str(path), REGISTRY)
    except OSError as error:
        _warn(f"{path} can't be written: {error}")


def _warn(what: str) -> None:
    with suppress(MissingContextError):
        get_run_logger().warning("%s: %s", VARIABLE, what)
