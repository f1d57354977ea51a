"""`catwalk rescue`: paid jobs of a run that died, fetched before the vendor deletes them."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from flows.parameters import Accounts
from flows.rescue import rescue as fetch_waiting

__all__ = ["rescue"]

EXIT_WAITING = 3


def rescue(output: Annotated[str, typer.Argument(help="The output of a run that died.")]) -> None:
    """
    Fetch what was paid for and not fetched; submits nothing. Every run begins with this.

    Exit code 0: nothing waits any more; 3: some jobs could not be fetched yet.
    """
    rescued = asyncio.run(fetch_waiting(output, Accounts()))
    typer.secho(rescued.words(), bold=True)
    for trouble in rescued.troubles:
        typer.echo(f"  {trouble}")
    if rescued.troubles:
        raise typer.Exit(EXIT_WAITING)
