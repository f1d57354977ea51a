"""`catwalk retry`: what failed, or is unknown, once more."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from deployments.cli.console import tell_quote, tell_report
from deployments.cli.finish_by import FinishBy
from deployments.cli.flow import announce_prefect, exit_code, result_of_flow
from deployments.cli.request import MaxCredits
from flows.parameters import Retry, RetryRun
from flows.retry import plan_retry, retry_output

__all__ = ["retry"]


def retry(
    output: Annotated[str, typer.Argument(help="The output of earlier runs.")],
    kinds: Annotated[list[Retry], typer.Argument(help="What to repeat; an unknown unit may be charged a second time.")],
    max_credits: MaxCredits = None,
    finish_by: FinishBy = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done and paid; do nothing.")] = False,
) -> None:
    """Repeat exactly the units that ended so, each as a new attempt; exit codes are those of `run`."""
    request = RetryRun(output=output, kinds=kinds, max_credits=max_credits, finish_by=finish_by)
    if dry_run:
        with TemporaryDirectory(prefix="catwalk-") as folder:
            tell_quote(asyncio.run(plan_retry(request, "dry-run", Path(folder))).quote)
        return
    announce_prefect()
    report = result_of_flow(retry_output, request)
    tell_report(report)
    raise typer.Exit(exit_code(report))
