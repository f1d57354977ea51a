"""Pictures at hand: what one stage stored, or fetched, is what the next stage wants a moment later."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from blocks.pictures import PictureInfo

__all__ = ["RecentPicture", "RecentPictures"]


@dataclass(frozen=True, slots=True)
class RecentPicture:
    """A picture's bytes; once they were made to fit a vendor's limits, what they are, and whether they were changed."""

    data: bytes
    info: PictureInfo | None = None
    changed: bool = False


class RecentPictures:
    """The last pictures by address, or by whatever else names them, at most `limit` bytes of them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._pictures: OrderedDict[Hashable, RecentPicture] = OrderedDict()

    def clear(self) -> None:
        """Keep none of them any longer."""
        self._pictures.clear()
        self._held = 0

    def get(self, name: Hashable) -> RecentPicture | None:
        """The picture, if it is still at hand."""
        if name in self._pictures:
            self._pictures.move_to_end(name)
        return self._pictures.get(name)

    def put(self, name: Hashable, picture: RecentPicture) -> None:
        """Keep a picture at hand until newer ones need its place; of one name only the last is kept."""
        if len(picture.data) > self._limit:
            return
        if (before := self._pictures.pop(name, None)) is not None:
            self._held -= len(before.data)
        self._pictures[name] = picture
        self._held += len(picture.data)
        while self._held > self._limit:
            _, oldest = self._pictures.popitem(last=False)
            self._held -= len(oldest.data)
