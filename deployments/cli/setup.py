"""`catwalk setup`: all that a Prefect server needs to run a shop's catalog every night."""

from __future__ import annotations

import asyncio
from typing import Annotated

import httpx
import typer
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectException
from prefect.settings import PREFECT_API_URL
from pydantic import ValidationError

from blocks.errors import CatwalkError
from deployments.setup.automations import make_automations
from deployments.setup.block_documents import make_documents, register_types, used_accounts
from deployments.setup.deployments import check_schedule, make_deployments
from deployments.setup.limits import make_limits, make_pool
from deployments.setup.steps import Outcome, Site, Step
from deployments.setup.wanted import Shop, absolute
from flows.parameters import CatalogRun

__all__ = ["setup"]

NIGHT, ZONE = "30 1 * * *", "Europe/Berlin"


def setup(
    catalog: Annotated[
        str | None,
        typer.Option(envvar="CATWALK_CATALOG", help="The shop's catalog; {business_date} in it is filled every night."),
    ] = None,
    output: Annotated[
        str | None, typer.Option(envvar="CATWALK_OUTPUT", help="Where pictures, ledger and manifest go.")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(envvar="CATWALK_RECIPE", help="A shipped recipe's name, or a YAML file on the worker.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(envvar="CATWALK_TIME_ZONE", help=f"The shop's IANA time zone; {ZONE} at first.")
    ] = None,
    cron: Annotated[
        str | None, typer.Option(envvar="CATWALK_CRON", help=f"When the night begins in that zone; {NIGHT} at first.")
    ] = None,
    switch_on: Annotated[
        bool, typer.Option("--switch-on", help="Switch the schedules of nightly, canary and rescue on.")
    ] = False,
    name: Annotated[str, typer.Option(help="What the block documents are called.")] = "catwalk",
    pool: Annotated[str, typer.Option(help="The work pool.")] = "catwalk",
    pool_type: Annotated[str, typer.Option(help="Its type, if it is made.")] = "process",
    notify: Annotated[
        str | None,
        typer.Option(envvar="CATWALK_NOTIFY", help="Tell this notification block what went wrong: TYPE/NAME."),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Overwrite what differs from what setup would make.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")] = False,
) -> None:
    """
    Make blocks, work pool, limits, automations and deployments on the Prefect server that PREFECT_API_URL names.

    What is there stays: repeating it changes nothing. Accounts are made of the environment's CLAID_API_KEY, and so on.
    """
    if PREFECT_API_URL.value() is None:
        raise CatwalkError(
            "there is no Prefect server to set up: PREFECT_API_URL is not set",
            next_step="Start one with `prefect server start`, and set PREFECT_API_URL=http://127.0.0.1:4200/api.",
        )
    shop = _shop(catalog=catalog, output=output, recipe=recipe, time_zone=time_zone, cron=cron, switch_on=switch_on)
    try:
        steps = asyncio.run(_set_up(shop, name, pool, pool_type, notify, update=update, dry_run=dry_run))
    except (httpx.HTTPError, PrefectException) as error:
        raise CatwalkError(
            f"the Prefect server at {PREFECT_API_URL.value()} did not do what was asked: {error}",
            next_step="See that it answers, then run the same command again: what is done stays.",
        ) from error
    _tell_sum(steps, dry_run=dry_run)
    if not dry_run:
        typer.echo(f"Start a worker where Catwalk is installed: prefect worker start --pool {pool}")


def _shop(**said: object) -> Shop:
    try:
        shop = Shop.model_validate(said)
        if shop.output is not None:
            # What a night would refuse is refused now.
            CatalogRun.model_validate(
                {
                    "catalog": {"uri": shop.catalog or "catalog"},
                    "output": shop.output,
                    "time_zone": shop.time_zone or ZONE,
                }
            )
    except ValidationError as error:
        told = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in told["loc"]).replace("_", "-")
        words = str(told["msg"]).removeprefix("Value error, ")
        raise CatwalkError(f"{place}: {words}" if place else words, next_step="Correct the option.") from error
    if shop.switch_on and shop.output is None:
        raise CatwalkError(
            "there is nothing to switch on without an output", next_step="Say where pictures go: --output."
        )
    return shop.model_copy(
        update={
            "catalog": shop.catalog and absolute(shop.catalog),
            "output": shop.output and absolute(shop.output),
        }
    )


async def _set_up(
    shop: Shop, name: str, pool: str, pool_type: str, notify: str | None, *, update: bool, dry_run: bool
) -> list[Step]:
    if shop.cron is not None or shop.time_zone is not None:
        await check_schedule(shop.cron or NIGHT, shop.time_zone or ZONE)
    async with get_client() as client:
        site = Site(client, lambda step: typer.echo(step.line()), dry_run=dry_run, update=update)
        await register_types(site)
        made = await make_documents(site, name, shop.output)
        await make_limits(site, await used_accounts(site, name))
        await make_pool(site, pool, pool_type)
        await make_automations(site, notify)
        await make_deployments(site, shop.model_copy(update={"accounts": made}), pool)
        return site.steps


def _tell_sum(steps: list[Step], *, dry_run: bool) -> None:
    counts = {outcome: sum(step.outcome is outcome for step in steps) for outcome in Outcome}
    words = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    typer.secho(f"{'Would be: ' if dry_run else ''}{words}", bold=True)
