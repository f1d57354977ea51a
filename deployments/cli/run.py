"""`catwalk run`: one catalog through one recipe, now."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from catalogs.masking import masked_text
from catalogs.plan import Selection
from deployments.cli.config import load_config
from deployments.cli.console import tell_prices, tell_report
from deployments.cli.flow import MaxCredits, announce_prefect, exit_code, report_of_flow
from flows.parameters import CatalogRun, Retry
from flows.planning import RunPlan, check_run, make_plan
from flows.process_catalog import process_catalog

__all__ = ["run"]

MOST_GONE_TOLD = 10


def run(
    catalog: Annotated[str, typer.Argument(help="A Parquet file or a directory of them, local or s3://.")],
    output: Annotated[
        str, typer.Option(help="Where pictures, ledger and manifest go: a folder or s3://bucket/prefix.")
    ],
    recipe: Annotated[str, typer.Option(help="A shipped recipe's name or a YAML file.")] = "on-model",
    config: Annotated[Path | None, typer.Option(help="YAML: a mapping, as `inspect` proposes it; accounts.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N items.")] = None,
    sku: Annotated[list[str] | None, typer.Option(help="Only this SKU; may be given several times.")] = None,
    retry: Annotated[
        list[Retry] | None,
        typer.Option(help="Repeat units that ended so before; an unknown one may be charged twice."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Make and pay once more what is done already; with --sku, of those alone.")
    ] = False,
    check_pictures: Annotated[
        bool, typer.Option("--check-pictures", help="Ask whether pictures were replaced behind the same address.")
    ] = False,
    retire: Annotated[
        bool, typer.Option("--retire", help="Mark SKUs that have left the catalog as retired in the manifest.")
    ] = False,
    max_credits: MaxCredits = None,
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
        catalog=settings.source(catalog),
        recipe=recipe,
        output=output,
        selection=Selection(skus=sku or [], limit=limit, force=force),
        accounts=settings.accounts,
        retry=retry or [],
        check_pictures=check_pictures,
        retire=retire,
        max_credits=max_credits,
        items_in_flight=settings.items_in_flight,
        scale_out=settings.scale_out,
        gallery_items=settings.gallery_items,
    )
    if dry_run:
        with TemporaryDirectory(prefix="catwalk-") as folder:
            tell_plan(asyncio.run(make_plan(request, "dry-run", Path(folder))), max_credits)
        return
    # What is wrong at first sight is said before Prefect starts, which takes longer than the look.
    asyncio.run(check_run(request))
    announce_prefect()
    report = report_of_flow(process_catalog, request)
    tell_report(report)
    raise typer.Exit(exit_code(report))


def tell_plan(plan: RunPlan, max_credits: float | None) -> None:
    """What a run would do and pay."""
    typer.secho(f"{plan.items} items to do, {plan.finished_items} unchanged, {plan.rejected_rows} rows can't be used")
    tell_prices(plan, max_credits)
    for (stage, reason), count in plan.reasons.items():
        typer.echo(f"  {stage}: {count} {reason}")
    if plan.gone:
        shown = ", ".join(map(repr, plan.gone[:MOST_GONE_TOLD]))
        typer.echo(
            f"  {len(plan.gone)} SKUs have left the catalog: {shown}{', …' if plan.gone[MOST_GONE_TOLD:] else ''}"
        )
    for reject in plan.first_rejects:
        typer.echo(
            f"  row {reject.row} {reject.sku or '(no SKU)'}, column {reject.column!r}: {masked_text(reject.reason)}"
        )
