"""`catwalk run`: one catalog through one recipe, now."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from deployments.cli.console import tell_quote, tell_report
from deployments.cli.flow import announce_prefect, exit_code, result_of_flow
from deployments.cli.request import requesting
from flows.parameters import CatalogRun
from flows.planning import check_run, make_plan
from flows.process_catalog import process_catalog

__all__ = ["run"]


@requesting()
def run(
    request: CatalogRun,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done and paid; store nothing, do nothing.")
    ] = False,
) -> None:
    """
    Turn a catalog into pictures. Exit code 0: every item delivered; 1: the run could not do its job;
    2: usage; 3: finished, some items not delivered.
    """  # noqa: D205 - Typer prints it as it stands
    if dry_run:
        with TemporaryDirectory(prefix="catwalk-") as folder:
            tell_quote(asyncio.run(make_plan(request, "dry-run", Path(folder))).quote)
        return
    # What is wrong at first sight is said before Prefect starts, which takes longer than the look.
    asyncio.run(check_run(request))
    announce_prefect()
    report = result_of_flow(process_catalog, request)
    tell_report(report)
    raise typer.Exit(exit_code(report))
