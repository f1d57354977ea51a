"""`catwalk status`: what an output's manifest says."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from blocks.storage import ObjectStorage
from catalogs.amounts import amount
from catalogs.layout import MANIFEST_PATH
from catalogs.manifest import no_manifest, read_rows
from catalogs.names import item_name
from flows.report import Spending

__all__ = ["status"]

COLUMNS = (
    "recipe",
    "sku",
    "look",
    "stage",
    "position",
    "status",
    "credits",
    "credits_at_risk",
    "vendor",
    "error_message",
)
MOST_TROUBLES_TOLD = 20


def status(output: Annotated[str, typer.Argument(help="The output of earlier runs.")]) -> None:
    """Say how every stage stands, what it cost, and which items have no picture."""
    with TemporaryDirectory(prefix="catwalk-") as folder:
        _tell(asyncio.run(_fetch(output, Path(folder) / "manifest.parquet")))


async def _fetch(output: str, target: Path) -> Path:
    storage = ObjectStorage.from_uri(output)
    try:
        if not await storage.exists(MANIFEST_PATH):
            raise no_manifest(storage)
        await storage.download(MANIFEST_PATH, target)
    finally:
        await storage.close()
    return target


def _tell(manifest: Path) -> None:
    stages: dict[tuple[str, int, str], Counter[str]] = {}
    by_stage: dict[tuple[str, int, str], Spending] = {}
    by_vendor: dict[str, Spending] = {}
    troubles: list[str] = []
    for row in read_rows(manifest, COLUMNS):
        place = (row["recipe"], row["position"], row["stage"])
        stages.setdefault(place, Counter())[row["status"]] += 1
        by_stage.setdefault(place, Spending()).add(row)
        if row["vendor"]:
            by_vendor.setdefault(row["vendor"], Spending()).add(row)
        if row["status"] not in ("done", "blocked", "retired") and len(troubles) <= MOST_TROUBLES_TOLD:
            troubles.append(
                f"  {item_name(row['sku'], row['look'])} {row['stage']} {row['status']}: {row['error_message']}"
            )
    for place, counts in sorted(stages.items()):
        words = ", ".join(f"{count} {status}" for status, count in counts.most_common())
        typer.echo(f"{place[0]} {place[2]}: {words}; {amount(by_stage[place].charged)} credits")
    typer.echo(f"credits: {_sums({vendor: sums.charged for vendor, sums in by_vendor.items()})}")
    if any(sums.at_risk for sums in by_vendor.values()):
        typer.echo(f"may be charged: {_sums({vendor: sums.at_risk for vendor, sums in by_vendor.items()})}")
    for line in troubles[:MOST_TROUBLES_TOLD]:
        typer.echo(line)
    if len(troubles) > MOST_TROUBLES_TOLD:
        typer.echo("  … and more; the manifest has them all.")


def _sums(by_vendor: dict[str, float]) -> str:
    return ", ".join(f"{amount(price)} {vendor}" for vendor, price in by_vendor.items() if price) or "none"
