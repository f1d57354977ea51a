"""`catwalk status`: what an output's manifest says."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from blocks.errors import StorageError
from blocks.storage import ObjectStorage
from catalogs.layout import MANIFEST_PATH
from catalogs.manifest import read_rows

__all__ = ["status"]

COLUMNS = ("recipe", "sku", "stage", "position", "status", "credits", "vendor", "run_id", "error_message")
MOST_TROUBLES_TOLD = 20


def status(output: Annotated[str, typer.Argument(help="The output of earlier runs.")]) -> None:
    """Say how every stage stands, what it cost, and which items have no picture."""
    with TemporaryDirectory(prefix="catwalk-") as folder:
        _tell(asyncio.run(_fetch(output, Path(folder) / "manifest.parquet")))


async def _fetch(output: str, target: Path) -> Path:
    storage = ObjectStorage.from_uri(output)
    try:
        if not await storage.exists(MANIFEST_PATH):
            raise StorageError(
                f"there is no manifest at {storage.uri(MANIFEST_PATH)}",
                next_step="Check the address: it is the --output of a run. A first run writes its manifest at its end.",
            )
        await storage.download(MANIFEST_PATH, target)
    finally:
        await storage.close()
    return target


def _tell(manifest: Path) -> None:
    stages: dict[tuple[str, int, str], Counter[str]] = {}
    spent: dict[str, float] = {}
    troubles: list[str] = []
    for row in read_rows(manifest, COLUMNS):
        stages.setdefault((row["recipe"], row["position"], row["stage"]), Counter())[row["status"]] += 1
        if row["credits"]:
            spent[row["vendor"]] = spent.get(row["vendor"], 0.0) + row["credits"]
        if row["status"] not in ("done", "blocked") and len(troubles) <= MOST_TROUBLES_TOLD:
            troubles.append(f"  {row['sku'] or '(no SKU)'} {row['stage']} {row['status']}: {row['error_message']}")
    for (recipe, _, stage), counts in sorted(stages.items()):
        typer.echo(f"{recipe} {stage}: " + ", ".join(f"{count} {status}" for status, count in counts.most_common()))
    typer.echo("credits: " + (", ".join(f"{price:g} {vendor}" for vendor, price in spent.items()) or "none"))
    for line in troubles[:MOST_TROUBLES_TOLD]:
        typer.echo(line)
    if len(troubles) > MOST_TROUBLES_TOLD:
        typer.echo("  … and more; the manifest has them all.")
