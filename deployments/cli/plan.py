"""`catwalk plan`: what a run would do and cost, stored, so that exactly that can be applied."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from deployments.cli.console import tell_quote
from deployments.cli.flow import announce_prefect, result_of_flow
from deployments.cli.request import (
    BusinessDate,
    Catalog,
    CheckPictures,
    Config,
    Force,
    Limit,
    MaxCredits,
    Output,
    RecipeName,
    Repeat,
    Retire,
    Skus,
    Zone,
    request_of,
)
from flows.plan_catalog import plan_catalog
from flows.planning import check_request
from flows.stored_plan import StoredPlan

__all__ = ["plan"]


def plan(
    catalog: Catalog,
    output: Output,
    recipe: RecipeName = "on-model",
    config: Config = None,
    limit: Limit = None,
    sku: Skus = None,
    retry: Repeat = None,
    force: Force = False,
    check_pictures: CheckPictures = False,
    retire: Retire = False,
    max_credits: MaxCredits = None,
    business_date: BusinessDate = None,
    time_zone: Zone = None,
    json: Annotated[bool, typer.Option("--json", help="Print the plan's document, for machines.")] = False,
) -> None:
    """Say what a run would do, cost and leave out, and keep it as a plan that `apply` carries out; pays nothing."""
    request = request_of(
        catalog,
        output,
        recipe,
        config,
        limit=limit,
        sku=sku,
        retry=retry,
        force=force,
        check_pictures=check_pictures,
        retire=retire,
        max_credits=max_credits,
        business_date=business_date,
        time_zone=time_zone,
    )
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
