"""Long work shown while it goes on: in the terminal, in the log, and as an artifact in Prefect, each now and then."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import TextIO
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from flows.progress import RunProgress, StageProgress, spell

__all__ = ["shown"]

ARTIFACT_SECONDS = 5.0
ANSWER_SECONDS = 5.0
TERMINAL_SECONDS = 0.5
LINE_SECONDS = 60.0
LINE_EVERY_PERCENT = 10
BAR_WIDTH = 30


class _Artifact:
    """The progress artifact in Prefect; a server that does not answer must neither stop paid work nor hold it up."""

    def __init__(self, progress: RunProgress) -> None:
        self._progress = progress
        self._id: UUID | None = None
        self._is_up_to_date = True
        self._told: tuple[float, str] | None = None

    async def update(self) -> None:
        """Show how far the work has come, if that is news."""
        news = self._progress.percent, _markdown(self._progress)
        if news == self._told:
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._tell(*news)
            self._is_up_to_date, self._told = True, news
        except Exception:  # noqa: BLE001 - see above
            if self._is_up_to_date:
                get_run_logger().warning("Prefect does not show the progress; the work goes on.", exc_info=True)
            self._is_up_to_date = False

    async def _tell(self, percent: float, words: str) -> None:
        if self._id is None:
            self._id = await acreate_progress_artifact(percent, key="catwalk-progress", description=words)
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
    if stream.isatty() and not _log_is_shown():
        await _display(progress, stream)
    else:
        await _lines(progress, stream)


async def _display(progress: RunProgress, stream: TextIO) -> None:
    console = Console(file=stream)
    with Live(console=console, auto_refresh=False, transient=False) as live:
        try:
            while True:
                live.update(_panel(progress), refresh=True)
                await asyncio.sleep(TERMINAL_SECONDS)
        finally:
            live.update(_panel(progress), refresh=True)


def _panel(progress: RunProgress) -> RenderableType:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(width=BAR_WIDTH)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="ellipsis", no_wrap=True)
    for each in progress.stages():
        bar = ProgressBar(total=max(each.units, 1), completed=each.ended, width=BAR_WIDTH)
        table.add_row(each.stage, bar, f"{each.ended:,}/{each.units:,}", _others(each))
    left = progress.remaining()
    eta = f"about {spell(left)} left" if left and progress.ended < progress.total else ""
    rates = ", ".join(f"{vendor} {rate}" for vendor, rate in progress.rates().items())
    money = progress.budget.words() if progress.budget else ""
    facts = ("; ".join(part for part in (money, rates, eta) if part), progress.troubles(), *progress.waits.values())
    lines = [Text(fact, overflow="ellipsis", no_wrap=True) for fact in facts if fact]
    return Group(table, *lines)


def _others(each: StageProgress) -> str:
    return ", ".join(f"{count:,} {status}" for status, count in each.others.items())


async def _lines(progress: RunProgress, stream: TextIO) -> None:
    """A line at every tenth of the work, when a vendor begins to refuse, and once a minute; the same in Prefect's log."""
    told, told_at = 0, monotonic()
    told_waits: dict[str, str] = {}
    with suppress(BrokenPipeError):
        while True:
            due = monotonic() - told_at >= LINE_SECONDS and progress.ended < progress.total
            if due or progress.percent >= told + LINE_EVERY_PERCENT or progress.waits.keys() - told_waits.keys():
                told_waits, told_at = dict(progress.waits), monotonic()
                told = int(progress.percent // LINE_EVERY_PERCENT) * LINE_EVERY_PERCENT
                line = f"{progress.ended}/{progress.total} units: {progress.words()}"
                _log(line)
                if not _log_is_shown():
                    print(line, file=stream)
            await asyncio.sleep(TERMINAL_SECONDS)


def _log(line: str) -> None:
    with suppress(MissingContextError):
        get_run_logger().info(line)


def _log_is_shown() -> bool:
    """Whether the log goes to this terminal too, as a worker's does; the command keeps it for Prefect alone."""
    return any(handler.level <= logging.INFO for handler in logging.getLogger().handlers if _is_console(handler))


def _is_console(handler: logging.Handler) -> bool:
    return isinstance(handler, logging.StreamHandler)


def _markdown(progress: RunProgress) -> str:
    """The artifact's description, which Prefect shows as Markdown: a row for each stage, then the rest in words."""
    rows = [f"| {each.stage} | {each.units:,} | {each.done:,} | {_others(each)} |" for each in progress.stages()]
    table = "\n".join(["| stage | units | done | otherwise ended |", "|---|---|---|---|", *rows])
    return f"{progress.words() or 'begun'}\n\n{table}" if rows else progress.words()
