"""Long work shown while it goes on: a bar in the terminal, an artifact in Prefect."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import TextIO
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.logging import get_run_logger
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from catalogs.manifest import ManifestRow
from flows.budget import Budget

__all__ = ["RunProgress", "shown"]

ARTIFACT_SECONDS = 3.0
ANSWER_SECONDS = 5.0
TERMINAL_SECONDS = 0.25
LINE_EVERY_PERCENT = 10


class RunProgress:
    """Counts what has come to an end."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.by_status: Counter[str] = Counter()
        self.by_stage: Counter[str] = Counter()
        self.budget: Budget | None = None
        self.waits: dict[str, str] = {}

    def wait(self, vendor: str, why: str) -> None:
        """A vendor refuses for now, and its lane waits."""
        self.waits[vendor] = why

    def go_on(self, vendor: str) -> None:
        """The vendor takes calls again."""
        self.waits.pop(vendor, None)

    def count(self, row: ManifestRow) -> None:
        """One unit has ended."""
        self.by_status[row.status] += 1
        if row.status == "done":
            self.by_stage[row.stage] += 1

    @property
    def ended(self) -> int:
        """Units that have ended, well or not."""
        return self.by_status.total()

    @property
    def percent(self) -> float:
        """Of all units, those that have ended."""
        return 100.0 * self.ended / self.total if self.total else 100.0

    def words(self) -> str:
        """The counts in one line."""
        stages = ", ".join(f"{stage} {count}" for stage, count in self.by_stage.items())
        troubles = ", ".join(f"{count} {status}" for status, count in self.by_status.items() if status != "done")
        money = self.budget.words() if self.budget else ""
        waits = ", ".join(f"waiting: {why}" for why in self.waits.values())
        return "; ".join(part for part in (stages, troubles, money, waits) if part)


class _Artifact:
    """The progress artifact in Prefect; a server that does not answer must neither stop paid work nor hold it up."""

    def __init__(self, progress: RunProgress) -> None:
        self._progress = progress
        self._id: UUID | None = None
        self._is_up_to_date = True

    async def update(self) -> None:
        """Show how far the work has come."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._tell()
            self._is_up_to_date = True
        except Exception:  # noqa: BLE001 - see above
            if self._is_up_to_date:
                get_run_logger().warning("Prefect does not show the progress; the work goes on.", exc_info=True)
            self._is_up_to_date = False

    async def _tell(self) -> None:
        percent, words = self._progress.percent, self._progress.words()
        if self._id is None:
            self._id = await acreate_progress_artifact(percent, description=words)
        else:
            await aupdate_progress_artifact(self._id, percent, description=words)


@asynccontextmanager
async def shown(progress: RunProgress) -> AsyncGenerator[None]:
    """Show progress for as long as the block runs."""
    artifact = _Artifact(progress)
    await artifact.update()
    screens = [
        asyncio.create_task(_in_prefect(artifact)),
        asyncio.create_task(_in_terminal(progress, sys.stderr)),
    ]
    try:
        yield
    finally:
        for screen in screens:
            screen.cancel()
        await asyncio.gather(*screens, return_exceptions=True)
        await artifact.update()


async def _in_prefect(artifact: _Artifact) -> None:
    while True:
        await asyncio.sleep(ARTIFACT_SECONDS)
        await artifact.update()


async def _in_terminal(progress: RunProgress, stream: TextIO) -> None:
    if stream.isatty():
        await _bar(progress, stream)
    else:
        await _lines(progress, stream)


async def _bar(progress: RunProgress, stream: TextIO) -> None:
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=stream)) as bar:
        units = bar.add_task("", total=progress.total)
        try:
            while True:
                bar.update(units, completed=progress.ended, description=progress.words())
                await asyncio.sleep(TERMINAL_SECONDS)
        finally:
            bar.update(units, completed=progress.ended, description=progress.words())


async def _lines(progress: RunProgress, stream: TextIO) -> None:
    told = 0
    told_waits: dict[str, str] = {}
    with suppress(BrokenPipeError):
        while True:
            if progress.percent >= told + LINE_EVERY_PERCENT or progress.waits.keys() - told_waits.keys():
                told_waits = dict(progress.waits)
                told = int(progress.percent // LINE_EVERY_PERCENT) * LINE_EVERY_PERCENT
                print(f"{progress.ended}/{progress.total} units: {progress.words()}", file=stream)
            await asyncio.sleep(TERMINAL_SECONDS)
