"""What a run leaves under its output: the manifest, whole and last, its CSV, and the gallery."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import pyarrow.compute
import pyarrow.parquet as pq

from blocks.storage import ObjectStorage
from catalogs.exhibits import exhibits_of, garments_of, item_of, summary_of
from catalogs.gallery import render_gallery
from catalogs.layout import CSV_PATH, GALLERY_PATH, HTML, MANIFEST_PATH, PARQUET
from catalogs.manifest import read_rows, write_csv
from catalogs.manifest_merge import ManifestUpdate
from catalogs.picture_versions import PICTURE_VERSIONS_PATH, add_versions
from catalogs.sources import PictureSources
from flows.accounts import open_storage
from flows.parameters import Accounts
from flows.publishing import alone, replaced
from flows.report import RunReport
from flows.shared_gallery import share_gallery
from flows.thumbnails import thumbnails

__all__ = ["PublishedManifest", "publish_gallery", "publish_manifest"]

# Typed stubs take arrays and scalars for one another.
pc: Any = pyarrow.compute
RETIRED = "retired"
# More rows than people open as a spreadsheet; a CSV of them would take longer to write than the manifest itself.
CSV_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class PublishedManifest:
    """The manifest as it is in storage, with local copies to read from."""

    storage: ObjectStorage
    path: Path
    parts: tuple[Path, ...]

    def rows_of_run(self) -> Iterator[dict[str, Any]]:
        """The rows that this run has written, in item order."""
        for part in self.parts:
            yield from read_rows(part)

    def recipes(self) -> set[str]:
        """The recipes that the run's rows are of."""
        return {row["recipe"] for part in self.parts for row in read_rows(part, ["recipe"])}

    def facts(self, *, gallery: bool) -> dict[str, Any]:
        """What a report says of the output."""
        return {
            "output": self.storage.root,
            "manifest": self.storage.uri(MANIFEST_PATH),
            "gallery": self.storage.uri(GALLERY_PATH) if gallery else None,
        }


async def publish_manifest(
    storage: ObjectStorage,
    parts: Sequence[str],
    folder: Path,
    run_id: str,
    *,
    upkeep: Path | None = None,
    versions: Path | None = None,
) -> PublishedManifest:
    """
    Merge the parts into the output's manifest and replace it, and its CSV, in one step each.

    `upkeep` is what planning found out of other items, `versions` of pictures. Where nothing has changed, nothing is
    written. Of runs that publish at one time each finds the others' rows, and keeps them.
    """
    local = [folder / f"part-{number:05}.parquet" for number in range(len(parts))]
    for part, copy in zip(parts, local, strict=True):
        await storage.download(part, copy)
    async with alone(storage, run_id):
        if versions is not None:
            await _publish_versions(storage, versions, folder)
        manifest = await _merge(storage, local, folder, upkeep)
    return PublishedManifest(storage, manifest, tuple(local))


async def _publish_versions(storage: ObjectStorage, news: Path, folder: Path) -> None:
    async def with_news(previous: Path | None) -> Path:
        target = folder / "versions-new.parquet"
        await asyncio.to_thread(add_versions, previous, news, target)
        return target

    await replaced(storage, PICTURE_VERSIONS_PATH, folder / "versions-now.parquet", with_news, content_type=PARQUET)


async def _merge(storage: ObjectStorage, parts: Sequence[Path], folder: Path, upkeep: Path | None) -> Path:
    async def with_parts(previous: Path | None) -> Path | None:
        update = await asyncio.to_thread(ManifestUpdate, previous, parts, upkeep=upkeep)
        if previous is not None and not update.is_needed:
            return None
        manifest = folder / "manifest.parquet"
        await asyncio.to_thread(update.write, manifest)
        await _publish_table(storage, manifest)
        return manifest

    return await replaced(storage, MANIFEST_PATH, folder / "current.parquet", with_parts, content_type=PARQUET)


async def _publish_table(storage: ObjectStorage, manifest: Path) -> None:
    """The CSV, before the manifest: whoever is killed between the two writes both again."""
    table = manifest.with_suffix(".csv")
    if pq.read_metadata(manifest).num_rows <= CSV_ROWS:
        await asyncio.to_thread(write_csv, manifest, table)
        await storage.upload(CSV_PATH, table, content_type="text/csv; charset=utf-8")
    else:
        await storage.remove(CSV_PATH)


async def publish_gallery(
    manifest: PublishedManifest, report: RunReport, accounts: Accounts, *, most: int, looks: Sequence[str] = ()
) -> RunReport:
    """
    Write the gallery of the manifest's first items, at most so many; none for 0. Returns the report with its link.

    A SKU's looks stand together, in the order of `looks`, those that are not in it by their names.
    """
    if not most:
        return report
    shown = await asyncio.to_thread(_first_items, manifest.path, most, looks)
    sources = PictureSources(manifest.storage.root, storage=await open_storage(manifest.storage.root, accounts))
    found = await thumbnails(garments_of(shown), sources, manifest.storage)
    exhibits = list(exhibits_of(shown, output=manifest.storage.root, sources=found))
    summary = summary_of(shown, made_at=report.finished_at, run_id=report.run_id)
    for name, page in render_gallery(exhibits, summary):
        await manifest.storage.write(name, page.encode(), content_type=HTML)
    link = await share_gallery(manifest.storage, exhibits, summary)
    return report.model_copy(update={"links": report.links | {"Gallery": link}}) if link else report


def _first_items(manifest: Path, most: int, looks: Sequence[str]) -> list[dict[str, Any]]:
    current = (row for row in read_rows(manifest) if row["status"] != RETIRED)
    items = [list(rows) for _, rows in islice(groupby(current, key=item_of), most)]
    if any(rows[0]["look"] for rows in items):
        items = _side_by_side(manifest, items, looks)[:most]
    return [row for rows in items for row in rows]


def _side_by_side(
    manifest: Path, items: Sequence[list[dict[str, Any]]], looks: Sequence[str]
) -> list[list[dict[str, Any]]]:
    """The items with all looks of their SKUs: what has been planned at different times lies apart in the manifest."""
    order = {look: number for number, look in enumerate(looks)}
    skus = {rows[0]["sku"] for rows in items} - {None}
    shown = pc.field("sku").isin(skus) & (pc.field("status") != RETIRED)
    found = pq.read_table(manifest, filters=shown).to_pylist()
    by_sku: dict[Any, list[dict[str, Any]]] = {
        _sku_of(rows[0]): rows if rows[0]["sku"] is None else [] for rows in items
    }
    for row in found:
        if _sku_of(row) in by_sku:
            by_sku[_sku_of(row)].append(row)
    for rows in by_sku.values():
        rows.sort(key=lambda row: (order.get(row["look"], len(order)), row["look"] or "", row["position"]))
    return [list(rows) for of_sku in by_sku.values() for _, rows in groupby(of_sku, key=item_of)]


def _sku_of(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["recipe"], row["sku"], None if row["sku"] else row["row"]
