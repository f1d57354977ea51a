"""`catwalk apply`: a stored plan, exactly as it is."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from deployments.cli.config import load_config
from deployments.cli.console import tell_report
from deployments.cli.finish_by import FinishBy
from deployments.cli.flow import announce_prefect, exit_code, result_of_flow
from deployments.cli.request import Config
from flows.apply_plan import apply_plan, plan_to_apply
from flows.parameters import ApplyRun
from flows.stored_plan import PlanAddress

__all__ = ["apply"]


def apply(
    plan: Annotated[str, typer.Argument(help="The plan's address as `plan` printed it, or its name with --output.")],
    output: Annotated[str | None, typer.Option(help="The output that the plan was made for.")] = None,
    config: Config = None,
    max_credits: Annotated[
        float | None, typer.Option(min=0, max=1e9, help="Spend no more than N credits of what the plan would.")
    ] = None,
    finish_by: FinishBy = None,
) -> None:
    """
    Carry out a plan, unless catalog, recipe or output are no longer what it was made from; exit codes are those of `run`.

    A plan that died midway is carried on by the same command.
    """
    accounts = load_config(config).accounts if config is not None else None
    address = PlanAddress.of(plan, output)
    request = ApplyRun(plan=address.uri(), accounts=accounts, max_credits=max_credits, finish_by=finish_by)
    asyncio.run(plan_to_apply(request))
    announce_prefect()
    report = result_of_flow(apply_plan, request)
    tell_report(report)
    raise typer.Exit(exit_code(report))
