"""Pictures seen lately, in small: a catalog sends each of them several times, and back what was drawn."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass

from PIL import Image

from sandbox.digests import digest_of_bytes
from sandbox.draw_edit import scaled
from sandbox.draw_file import MOST_PIXELS, decode, facts_of
from sandbox.draw_png import is_plain_png
from sandbox.orders import Facts

__all__ = ["Glance", "Glances", "sized"]

# A glance's longest side.
SMALL_SIDE = 32
# Some 4 KB each.
GLANCES_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Glance:
    """What a file is, the size of its picture when upright, and the upper half of it in small."""

    facts: Facts
    size: tuple[int, int]
    small: Image.Image


class Glances:
    """The latest pictures by their digests."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Glance] = OrderedDict()
        self._lock = threading.Lock()

    def at(self, data: bytes) -> Glance:
        """A look at a file; raises `UnusablePicture` for a broken one."""
        return self._kept.get(digest_of_bytes(data)) or self._first(data)

    def keep(self, data: bytes, picture: Image.Image, facts: Facts) -> Glance:
        """Remember a file and its picture."""
        width, height = picture.size
        return self._keep(data, facts, picture.size, picture.crop((0, 0, width, _half(height))))

    def _first(self, data: bytes) -> Glance:
        facts = facts_of(data)
        if is_plain_png(data) and facts.width * facts.height <= MOST_PIXELS:
            with suppress(OSError, SyntaxError, ValueError):
                return self._keep(data, facts, (facts.width, facts.height), _upper_half(data))
        return self.keep(data, decode(data), facts)

    def _keep(self, data: bytes, facts: Facts, size: tuple[int, int], upper: Image.Image) -> Glance:
        glance = Glance(facts, size, sized(upper, min(SMALL_SIDE, max(upper.size))))
        with self._lock:
            self._kept[digest_of_bytes(data)] = glance
            if len(self._kept) > GLANCES_KEPT:
                self._kept.popitem(last=False)
        return glance


def _upper_half(data: bytes) -> Image.Image:
    """What a glance shows of a PNG: its rows are decoded one after the other, and this stops in the middle."""
    with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
        box = (0, 0, picture.width, _half(picture.height))
        picture.tile = [tile._replace(extents=box) for tile in picture.tile]
        return picture.crop(box)


def _half(height: int) -> int:
    return max(1, height // 2)


def sized(picture: Image.Image, side: int) -> Image.Image:
    """The picture with that longest side."""
    size = scaled(picture.size, side)
    return picture if size == picture.size else picture.resize(size, Image.Resampling.NEAREST)
