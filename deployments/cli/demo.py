"""`catwalk demo`: the main job on twelve drawn SKUs, against the sandbox."""

from __future__ import annotations

import os
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer

from blocks.operations import account_types
from catalogs.layout import GALLERY_PATH
from catalogs.mapping import CatalogSource
from catalogs.samples import demo_catalog
from deployments.cli.flow import announce_prefect, exit_code, result_of_flow
from flows.parameters import CatalogRun
from flows.process_catalog import process_catalog
from sandbox.server import running_sandbox
from sandbox.settings import SandboxSettings

__all__ = ["demo"]

RECIPES = ("on-model", "preset-model")
LIMITS = '{"requests_per_second": 50}'


def demo(
    output: Annotated[Path, typer.Option(help="Folder for pictures, manifest and gallery.")] = Path("demo"),
    job_seconds: Annotated[float, typer.Option(min=0, help="How long a simulated job takes.")] = 1.0,
) -> None:
    """Run two shipped recipes on twelve drawn SKUs: no key, no charge, no internet."""
    started = monotonic()
    typer.echo("Twelve drawn SKUs, two recipes, five operations; the vendors are simulated on this machine.")
    announce_prefect()
    codes: list[int] = []
    with running_sandbox(SandboxSettings(job_seconds=job_seconds, limits="off")) as sandbox:
        _use_sandbox(sandbox.url)
        for name in RECIPES:
            typer.secho(f"\nRecipe {name}", bold=True)
            codes.append(_run(name, output))
    gallery = (output / GALLERY_PATH).resolve()
    typer.echo(f"\nDone in {monotonic() - started:.0f} s. Look at the pictures: {gallery.as_uri()}")
    if worst := max(codes):
        raise typer.Exit(worst)


def _use_sandbox(url: str) -> None:
    for kind in account_types():
        settings = {"API_KEY": "sandbox", "BASE_URL": url, "LIMITS": LIMITS, "POLL_SECONDS": "1"}
        os.environ.update({f"{kind.env_prefix}_{name}": value for name, value in settings.items()})


def _run(recipe: str, output: Path) -> int:
    request = CatalogRun(catalog=CatalogSource(uri=str(demo_catalog())), recipe=recipe, output=str(output))
    report = result_of_flow(process_catalog, request)
    typer.secho(report.headline())
    for trouble in report.troubles:
        typer.echo(f"  {trouble.item} {trouble.stage} {trouble.status}: {trouble.message}")
    return exit_code(report)
