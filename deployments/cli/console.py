"""What the commands print."""

from __future__ import annotations

import typer

from blocks.errors import CatwalkError
from catalogs.amounts import amount
from flows.quote import Quote
from flows.quote_words import lines_of
from flows.report import RunReport

__all__ = ["complain", "tell_quote", "tell_report"]

MOST_TROUBLES_TOLD = 10


def complain(error: CatwalkError) -> None:
    """One clear message on standard error."""
    typer.secho(f"Error: {error}", fg=typer.colors.RED, err=True)


def tell_report(report: RunReport) -> None:
    """What a run came to, and where it lies."""
    typer.secho(report.headline(), bold=True)
    for trouble in report.troubles[:MOST_TROUBLES_TOLD]:
        typer.echo(f"  row {trouble.row} {trouble.item}: {trouble.stage} {trouble.status}: {trouble.message}")
    if report.troubled > MOST_TROUBLES_TOLD:
        typer.echo(
            f"  … and {report.troubled - MOST_TROUBLES_TOLD:,} more: {report.failures or report.manifest} has them all."
        )
    if stages := ", ".join(report.stages()):
        typer.echo(f"Credits:  {stages}")
    if report.max_credits is not None:
        spent = sum(sums.charged + sums.at_risk for sums in report.spending.values())
        typer.echo(f"Budget:   {amount(spent)} of {amount(report.max_credits)} credits")
    typer.echo(f"Manifest: {report.manifest}")
    if report.gallery:
        typer.echo(f"Gallery:  {report.gallery}")
    if report.page:
        typer.echo(f"Report:   {report.page}")


def tell_quote(quote: Quote) -> None:
    """What would be done and paid."""
    first, *lines = lines_of(quote)
    typer.secho(first, bold=True)
    for line in lines:
        typer.echo(line)
