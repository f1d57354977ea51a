"""Small copies of the catalog's own pictures, so that the gallery shows them from anywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from blocks.errors import CatwalkError
from blocks.fitting import fit
from blocks.pictures import PictureLimits, off_loop
from blocks.storage import ObjectStorage
from catalogs.sources import PictureSources
from flows.accounts import open_storage
from flows.items import each_of
from flows.parameters import CatalogRun

__all__ = ["thumbnails"]

AT_ONCE = 16
SMALL = PictureLimits(formats=frozenset({"PNG", "JPEG", "WEBP"}), max_bytes=200_000, max_side=480)


async def thumbnails(uris: Iterable[str], run: CatalogRun, storage: ObjectStorage) -> dict[str, str]:
    """Store a small copy of each picture; returns its path under the output by address, without what can't be read."""
    sources = PictureSources(run.catalog.uri, storage=await open_storage(run.catalog.uri, run.accounts))
    paths: dict[str, str] = {}

    async def one(uri: str) -> None:
        try:
            small, info = await off_loop(fit, await sources.fetch(uri), SMALL, source=uri)
            path = f"thumbnails/{hashlib.sha256(uri.encode()).hexdigest()[:24]}.{info.extension}"
            await storage.write(path, small, content_type=info.mime)
        except CatwalkError:
            # The item's own row says what is wrong with its picture.
            return
        paths[uri] = path

    await each_of(uris, one, at_once=AT_ONCE)
    return paths
