"""Small copies of the catalog's own pictures, so that the gallery shows them from anywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from blocks.errors import CatwalkError
from blocks.fitting import fit
from blocks.pictures import PictureLimits, off_loop
from blocks.storage import ObjectStorage
from catalogs.sources import PictureSources
from flows.items import each_of

__all__ = ["thumbnails"]

AT_ONCE = 16
SMALL = PictureLimits(formats=frozenset({"JPEG"}), max_bytes=200_000, max_side=480)


async def thumbnails(uris: Iterable[str], sources: PictureSources, storage: ObjectStorage) -> dict[str, str]:
    """Store a small copy of each picture, once; returns its path by address, without what can't be read."""
    paths: dict[str, str] = {}

    async def one(uri: str) -> None:
        path = f"thumbnails/{hashlib.sha256(uri.encode()).hexdigest()[:24]}.jpg"
        try:
            if not await storage.exists(path):
                small, info = await off_loop(fit, await sources.fetch(uri), SMALL, source=uri)
                await storage.write(path, small, content_type=info.mime)
        except CatwalkError:
            # The item's own row says what is wrong with its picture.
            return
        paths[uri] = path

    await each_of(uris, one, at_once=AT_ONCE)
    return paths
