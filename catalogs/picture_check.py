"""Stored pictures looked at once more: are their bytes those that were paid for?"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

from blocks.storage import MissingObject, ObjectStorage
from catalogs.history import KeptPicture, SkuHistory

__all__ = ["check_pictures"]

LOOKS_AT_ONCE = 8
AS_STORED = "as stored"


async def check_pictures(storage: ObjectStorage, histories: Sequence[SkuHistory]) -> bool:
    """Read the stored pictures and note of each whether its bytes are those that were stored; True if all are."""
    pictures = [picture for history in histories for stage in history.stages for picture in stage.pictures]
    turns = asyncio.Semaphore(LOOKS_AT_ONCE)

    async def look(picture: KeptPicture) -> None:
        async with turns:
            picture.check = await _check(storage, picture)

    await asyncio.gather(*(look(picture) for picture in pictures))
    return all(picture.check == AS_STORED for picture in pictures)


async def _check(storage: ObjectStorage, picture: KeptPicture) -> str:
    path = storage.path_of(picture.uri)
    if path is None:
        return "lies outside of this output"
    try:
        data = await storage.read(path)
    except MissingObject:
        return "missing"
    digest = hashlib.sha256(data).hexdigest()
    return AS_STORED if digest == picture.sha256 else f"another picture: {len(data)} bytes, sha256 {digest}"
