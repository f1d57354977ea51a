"""Pictures at hand: what one stage stored, or fetched, is what the next stage wants a moment later."""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["RecentPictures"]


class RecentPictures:
    """The last pictures by address, at most `limit` bytes of them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._pictures: OrderedDict[str, bytes] = OrderedDict()

    def get(self, uri: str) -> bytes | None:
        """The picture's bytes, if they are still at hand."""
        if uri in self._pictures:
            self._pictures.move_to_end(uri)
        return self._pictures.get(uri)

    def put(self, uri: str, data: bytes) -> None:
        """Keep a picture at hand until newer ones need its place."""
        if len(data) > self._limit or uri in self._pictures:
            return
        self._pictures[uri] = data
        self._held += len(data)
        while self._held > self._limit:
            _, oldest = self._pictures.popitem(last=False)
            self._held -= len(oldest)
