"""`catwalk run`: one catalog through one recipe, now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, cast

import typer
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_API_URL

from blocks.errors import CatwalkError
from catalogs.mapping import CatalogSource
from catalogs.plan import Selection
from deployments.cli.config import load_config
from deployments.cli.console import tell_report
from flows.parameters import CatalogRun
from flows.planning import RunPlan, check_run, make_plan
from flows.process_catalog import process_catalog
from flows.report import RunReport

__all__ = ["announce_prefect", "exit_code", "run", "run_flow"]

EXIT_NOT_DONE = 1
EXIT_PARTIAL = 3


def run(
    catalog: Annotated[str, typer.Argument(help="A Parquet file or a directory of them, local or s3://.")],
    output: Annotated[
        str, typer.Option(help="Where pictures, ledger and manifest go: a folder or s3://bucket/prefix.")
    ],
    recipe: Annotated[str, typer.Option(help="A shipped recipe's name or a YAML file.")] = "on-model",
    config: Annotated[Path | None, typer.Option(help="YAML: columns, values, accounts.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N items.")] = None,
    sku: Annotated[list[str] | None, typer.Option(help="Only this SKU; may be given several times.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done and paid; do nothing.")] = False,
) -> None:
    """
    Turn a catalog into pictures. Exit code 0: every item delivered; 1: the run could not do its job;
    2: usage; 3: finished, some items not delivered.
    """  # noqa: D205 - Typer prints it as it stands
    if not catalog.strip():
        raise typer.BadParameter("it is empty", param_hint="CATALOG")
    settings = load_config(config)
    request = CatalogRun(
        catalog=CatalogSource(uri=catalog, columns=settings.columns, values=settings.values),
        recipe=recipe,
        output=output,
        selection=Selection(skus=sku or [], limit=limit),
        accounts=settings.accounts,
        items_in_flight=settings.items_in_flight,
        gallery_items=settings.gallery_items,
    )
    if dry_run:
        with TemporaryDirectory(prefix="catwalk-") as folder:
            tell_plan(asyncio.run(make_plan(request, "dry-run", Path(folder))))
        return
    # What is wrong at first sight is said before Prefect starts, which takes longer than the look.
    asyncio.run(check_run(request))
    announce_prefect()
    report = run_flow(request)
    tell_report(report)
    raise typer.Exit(exit_code(report))


def announce_prefect() -> None:
    """Say what a first wait is for."""
    if PREFECT_API_URL.value() is None:
        typer.echo(
            "Starting a temporary Prefect server, which takes some ten seconds; PREFECT_API_URL names a lasting one."
        )


def run_flow(request: CatalogRun) -> RunReport:
    """Run the main job in this process; raises the error that kept it from being done."""
    return asyncio.run(_flow(request))


async def _flow(request: CatalogRun) -> RunReport:
    await _check_prefect()
    # Prefect's stubs take an async flow's state for awaited already.
    state = await cast("Awaitable[State[RunReport]]", process_catalog(request, return_state=True))
    result: RunReport | Exception = await state.aresult(raise_on_failure=False)
    if isinstance(result, Exception):
        raise result
    return result


async def _check_prefect() -> None:
    """Raise unless the Prefect server that the settings name answers; without one the run starts its own."""
    url = PREFECT_API_URL.value()
    if url is None:
        return
    async with get_client() as client:
        trouble = await client.api_healthcheck()
    if trouble is not None:
        raise CatwalkError(
            f"the Prefect server at {url} does not answer: {trouble}",
            next_step="Start it, or unset PREFECT_API_URL to run with a temporary server.",
        )


def exit_code(report: RunReport) -> int:
    """0 complete, 3 partial, 1 when nothing came of it or an account could not go on before anything was delivered."""
    if report.complete:
        return 0
    held = any("held" in counts for counts in report.units.values())
    in_vain = not report.delivered and (held or not report.unchanged)
    return EXIT_NOT_DONE if in_vain else EXIT_PARTIAL


def tell_plan(plan: RunPlan) -> None:
    """What a run would do and pay."""
    typer.secho(f"{plan.items} items to do, {plan.finished_items} unchanged, {plan.rejected_rows} rows can't be used")
    for stage, count in plan.units.items():
        typer.echo(f"  {stage}: {count} units")
    for vendor, price in plan.credits.items():
        typer.echo(f"  {vendor}: {price:g} credits by the price list")
    for reject in plan.first_rejects:
        typer.echo(f"  row {reject.row} {reject.sku or '(no SKU)'}, column {reject.column!r}: {reject.reason}")
