"""`catwalk retry`: what failed, or is unknown, once more."""

from __future__ import annotations

from typing import Annotated

import typer

from deployments.cli.console import tell_report
from deployments.cli.flow import MaxCredits, announce_prefect, exit_code, report_of_flow
from flows.parameters import Retry, RetryRun
from flows.retry import retry_output

__all__ = ["retry"]


def retry(
    output: Annotated[str, typer.Argument(help="The output of earlier runs.")],
    kinds: Annotated[list[Retry], typer.Argument(help="What to repeat; an unknown unit may be charged a second time.")],
    max_credits: MaxCredits = None,
) -> None:
    """Repeat exactly the units that ended so, each as a new attempt; exit codes are those of `run`."""
    announce_prefect()
    report = report_of_flow(retry_output, RetryRun(output=output, kinds=kinds, max_credits=max_credits))
    tell_report(report)
    raise typer.Exit(exit_code(report))
