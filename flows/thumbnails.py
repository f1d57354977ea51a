"""Small copies of the catalog's own pictures, so that the gallery shows them from anywhere."""

from __future__ import annotations

from collections.abc import Iterable

from blocks.errors import CatwalkError
from blocks.storage import ObjectStorage
from catalogs.sources import PictureSources
from flows.items import each_of
from flows.miniature import keep_miniature, miniature_path

__all__ = ["thumbnails"]

AT_ONCE = 16


async def thumbnails(uris: Iterable[str], sources: PictureSources, storage: ObjectStorage) -> dict[str, str]:
    """Store a small copy of each picture, once; returns its path by address, without what can't be read."""
    paths: dict[str, str] = {}

    async def one(uri: str) -> None:
        path = miniature_path(uri)
        try:
            if not await storage.exists(path):
                await keep_miniature(uri, await sources.fetch(uri), storage)
        except CatwalkError:
            # The item's own row says what is wrong with its picture.
            return
        paths[uri] = path

    await each_of(uris, one, at_once=AT_ONCE)
    return paths
