"""A gallery that opens by one link: its pictures are signed too, for as long as the storage's links last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from urllib.parse import unquote

from blocks.storage import ObjectStorage
from catalogs.gallery import Exhibit, GallerySummary, StagePicture, render_gallery
from catalogs.layout import HTML, shared_gallery_path

__all__ = ["share_gallery"]

# On one page, so that one link opens it all.
MOST_ITEMS = 200


async def share_gallery(storage: ObjectStorage, exhibits: Iterable[Exhibit], summary: GallerySummary) -> str | None:
    """Write the gallery of the first items for whoever has its link, and return that; None where storage gives none."""
    path = shared_gallery_path(summary.run_id or "")
    link = await storage.shared_link(path)
    if link is None:
        return None
    shared = [await _shared(storage, exhibit) for exhibit in islice(exhibits, MOST_ITEMS)]
    for _, page in render_gallery(shared, summary):
        await storage.write(path, page.encode(), content_type=HTML)
    return link


async def _shared(storage: ObjectStorage, exhibit: Exhibit) -> Exhibit:
    garments = [await _signed(storage, address) for address in exhibit.garments]
    stages = [await _shared_stage(storage, stage) for stage in exhibit.stages]
    return replace(exhibit, garments=tuple(garments), stages=tuple(stages))


async def _shared_stage(storage: ObjectStorage, stage: StagePicture) -> StagePicture:
    return replace(stage, pictures=tuple([await _signed(storage, address) for address in stage.pictures]))


async def _signed(storage: ObjectStorage, address: str) -> str:
    """What the gallery addresses from where it usually lies, as a link."""
    if "://" in address:
        return address
    return await storage.shared_link(unquote(address)) or address
