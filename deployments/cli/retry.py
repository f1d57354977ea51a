"""`catwalk retry`: what failed, or is unknown, once more."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from deployments.cli.console import tell_prices, tell_report
from deployments.cli.flow import MaxCredits, announce_prefect, exit_code, report_of_flow
from flows.parameters import Retry, RetryRun
from flows.planning import PricedPlan
from flows.retry import plan_retry, retry_output

__all__ = ["retry"]


def retry(
    output: Annotated[str, typer.Argument(help="The output of earlier runs.")],
    kinds: Annotated[list[Retry], typer.Argument(help="What to repeat; an unknown unit may be charged a second time.")],
    max_credits: MaxCredits = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done and paid; do nothing.")] = False,
) -> None:
    """Repeat exactly the units that ended so, each as a new attempt; exit codes are those of `run`."""
    request = RetryRun(output=output, kinds=kinds, max_credits=max_credits)
    if dry_run:
        with TemporaryDirectory(prefix="catwalk-") as folder:
            tell_plan(asyncio.run(plan_retry(request, Path(folder))), max_credits)
        return
    announce_prefect()
    report = report_of_flow(retry_output, request)
    tell_report(report)
    raise typer.Exit(exit_code(report))


def tell_plan(plan: PricedPlan, max_credits: float | None) -> None:
    """What a retry would do and pay, at most: a job that is still at its vendor is asked for, not paid for again."""
    typer.secho(f"{plan.items} items to repeat, with the stages that waited for them")
    tell_prices(plan, max_credits)
