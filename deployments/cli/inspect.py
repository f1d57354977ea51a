"""`catwalk inspect`: what is in a catalog, and a mapping for it to edit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from blocks.errors import CatalogError
from catalogs.column_facts import ColumnFacts
from catalogs.inspection import Inspection, inspect_catalog, told
from catalogs.masking import masked_text
from catalogs.proposal import propose_mapping

__all__ = ["inspect"]

SAMPLES = 2
MOST_FILES_TOLD = 10
MOST_FAULTS_TOLD = 40
HEADINGS = ("column", "type", "filled", "distinct", "longest", "samples")


def inspect(
    catalog: Annotated[str, typer.Argument(help="A Parquet file or a directory of them, local or s3://.")],
    output: Annotated[Path | None, typer.Option(help="Write the proposed mapping to this file.")] = None,
) -> None:
    """Show a catalog's columns, what is odd about them, and a mapping proposed for it. Spends nothing."""
    if not catalog.strip():
        raise typer.BadParameter("it is empty", param_hint="CATALOG")
    if output is not None and output.exists():
        raise CatalogError(
            f"{str(output)!r} is there already, and may have been edited", next_step="Choose another name for --output."
        )
    found = inspect_catalog(catalog)
    _tell(found)
    mapping = propose_mapping(found)
    if output is None:
        typer.echo(f"\n{mapping}", nl=False)
        return
    try:
        output.write_text(mapping, "utf-8")
    except OSError as error:
        raise CatalogError(f"the mapping can't be written to {str(output)!r}: {error.strerror}") from error
    typer.echo(f"\nMapping: {output}")


def _tell(found: Inspection) -> None:
    typer.secho(f"{found.rows:,} rows, {len(found.columns)} columns, {len(found.files)} files", bold=True)
    if len(found.files) > 1:
        for file in found.files[:MOST_FILES_TOLD]:
            typer.echo(f"  {told(file.name)}: " + (file.fault or f"{file.rows:,} rows, {len(file.columns())} columns"))
        if len(found.files) > MOST_FILES_TOLD:
            typer.echo(f"  … and {len(found.files) - MOST_FILES_TOLD} more")
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(_table(found))
    else:
        for row in [HEADINGS, *map(_row, found.columns.values())]:
            typer.echo("\t".join(row))
    faults = list(found.faults())
    if faults:
        typer.secho("\nOdd:", bold=True)
        for fault in faults[:MOST_FAULTS_TOLD]:
            typer.echo(f"  {masked_text(fault)}")
        if len(faults) > MOST_FAULTS_TOLD:
            typer.echo(f"  … and {len(faults) - MOST_FAULTS_TOLD} more")


def _table(found: Inspection) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if heading in {"filled", "distinct", "longest"} else "left")
    for column in found.columns.values():
        table.add_row(*(cell.replace("[", "\\[") for cell in _row(column)))
    return table


def _row(column: ColumnFacts) -> tuple[str, ...]:
    filled = f"{column.filled / column.rows:.1%}" if column.rows else ""
    samples = " | ".join(told(text) for text in list(column.seen)[:SAMPLES])
    types = ", ".join(sorted(column.types))
    return (told(column.name), types, filled, _distinct(column), f"{column.longest or ''}", samples)


def _distinct(column: ColumnFacts) -> str:
    count = column.distinct
    if count is None:
        return ""
    number, exact = count
    return f"{number:,}" if exact else f"~{float(f'{number:.2g}'):,.0f}"
