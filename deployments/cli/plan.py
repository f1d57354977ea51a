"""`catwalk plan`: what a run would do and cost, stored, so that exactly that can be applied."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from deployments.cli.console import tell_quote
from deployments.cli.flow import announce_prefect, result_of_flow
from deployments.cli.request import Config, requesting
from flows.parameters import CatalogRun
from flows.plan_catalog import plan_catalog
from flows.planning import check_request
from flows.stored_plan import StoredPlan

__all__ = ["plan"]


@requesting(without={"finish_by", "again", "canary"})
def plan(
    request: CatalogRun,
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="Print the plan's document, for machines.")] = False,
) -> None:
    """Say what a run would do, cost and leave out, and keep it as a plan that `apply` carries out; pays nothing."""
    asyncio.run(check_request(request))
    announce_prefect()
    stored = result_of_flow(plan_catalog, request)
    if json:
        typer.echo(stored.model_dump_json(indent=1))
    else:
        tell_plan(stored, None if config is None else str(config))


def tell_plan(stored: StoredPlan, config: str | None) -> None:
    """The quote, where it lies, and what to do with it."""
    tell_quote(stored.quote)
    typer.echo(f"Plan:     {stored.address()}")
    typer.echo(f"Units:    {stored.beside('units')}")
    if stored.quote.rejected_rows:
        typer.echo(f"Rejects:  {stored.beside('rejects')}")
    typer.echo(f"Apply it: {stored.command(config)}")
