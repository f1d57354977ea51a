"""What is shown in Prefect and kept elsewhere, so that work never hangs on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from prefect.logging import get_run_logger

from flows.ending import SILENT_SECONDS, fell_silent, is_silent

__all__ = ["shown_in_time"]

# In which Prefect's client asks five times.
ARTIFACT_SECONDS = 40.0


async def shown_in_time(showing: Awaitable[None], what: str) -> None:
    """Await what creates artifacts; the output has it all, so a server that does not take them in time goes without."""
    try:
        async with asyncio.timeout(SILENT_SECONDS if is_silent() else ARTIFACT_SECONDS):
            await showing
    except Exception:  # noqa: BLE001 - the output is there, whatever Prefect's server knows
        get_run_logger().warning("%s could not be created in Prefect", what, exc_info=True)
        fell_silent()
