"""A small copy of a catalog's picture, kept beside the gallery that shows it."""

from __future__ import annotations

import hashlib

from blocks.fitting import fit
from blocks.pictures import PictureLimits, off_loop
from blocks.storage import ObjectStorage
from catalogs.addresses import bare

__all__ = ["keep_miniature", "miniature_path"]

SMALL = PictureLimits(formats=frozenset({"JPEG"}), max_bytes=200_000, max_side=480)


async def keep_miniature(uri: str, data: bytes, storage: ObjectStorage) -> None:
    """Store the small copy; raises `BrokenPicture` for what is no picture."""
    small, info = await off_loop(fit, data, SMALL, source=bare(uri))
    await storage.write(miniature_path(uri), small, content_type=info.mime)


def miniature_path(uri: str) -> str:
    """Where the small copy of the picture at an address lies under the output."""
    return f"thumbnails/{hashlib.sha256(uri.encode()).hexdigest()[:24]}.jpg"
