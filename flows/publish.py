"""What a run leaves under its output: the manifest, whole and last, its CSV, and the gallery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from blocks.storage import ObjectStorage
from catalogs.exhibits import exhibits_of, garments_of, item_of, summary_of
from catalogs.gallery import render_gallery
from catalogs.layout import CSV_PATH, GALLERY_PATH, MANIFEST_PATH
from catalogs.manifest import merge_manifests, read_rows, write_csv
from flows.accounts import open_storage
from flows.parameters import CatalogRun
from flows.planning import RunPlan
from flows.report import RunReport
from flows.thumbnails import thumbnails

__all__ = ["PublishedManifest", "publish_gallery", "publish_manifest"]

PARQUET = "application/vnd.apache.parquet"


@dataclass(frozen=True, slots=True)
class PublishedManifest:
    """The manifest as it is in storage, with local copies to read from."""

    storage: ObjectStorage
    path: Path
    parts: tuple[Path, ...]
    gallery: bool

    def rows_of_run(self) -> Iterator[dict[str, Any]]:
        """The rows that this run has written, in item order."""
        for part in self.parts:
            yield from read_rows(part)

    def facts(self, plan: RunPlan) -> dict[str, Any]:
        """What a report says of plan and output."""
        return {
            "recipe": plan.recipe.name,
            "output": self.storage.root,
            "manifest": self.storage.uri(MANIFEST_PATH),
            "gallery": self.storage.uri(GALLERY_PATH) if self.gallery else None,
            "unchanged": plan.finished_items,
        }


async def publish_manifest(run: CatalogRun, parts: Sequence[str], folder: Path) -> PublishedManifest:
    """Merge the parts into the output's manifest and replace it, and its CSV, in one step each."""
    storage = await open_storage(run.output, run.accounts)
    local = [await _fetched(storage, part, folder / f"part-{n:05}.parquet") for n, part in enumerate(parts)]
    previous = None
    if await storage.exists(MANIFEST_PATH):
        previous = await _fetched(storage, MANIFEST_PATH, folder / "current.parquet")
    manifest, table = folder / "manifest.parquet", folder / "manifest.csv"
    merge_manifests(previous, local, manifest)
    write_csv(manifest, table)
    await storage.upload(CSV_PATH, table, content_type="text/csv; charset=utf-8")
    await storage.upload(MANIFEST_PATH, manifest, content_type=PARQUET)
    return PublishedManifest(storage, manifest, tuple(local), gallery=run.gallery_items > 0)


async def publish_gallery(run: CatalogRun, manifest: PublishedManifest, report: RunReport) -> None:
    """Write the gallery of the manifest's first items, as many as the run asks for."""
    if not run.gallery_items:
        return
    shown = list(_first_items(manifest.path, run.gallery_items))
    sources = await thumbnails(garments_of(shown), run, manifest.storage)
    exhibits = exhibits_of(shown, output=manifest.storage.root, sources=sources)
    for name, page in render_gallery(exhibits, summary_of(shown, made_at=report.finished_at, run_id=report.run_id)):
        await manifest.storage.write(name, page.encode(), content_type="text/html; charset=utf-8")


def _first_items(manifest: Path, most: int) -> Iterator[dict[str, Any]]:
    items = groupby(read_rows(manifest), key=item_of)
    for _, rows in islice(items, most):
        yield from rows


async def _fetched(storage: ObjectStorage, path: str, target: Path) -> Path:
    await storage.download(path, target)
    return target
