"""Quick drawing, for load: an order's inputs in small on a flat ground, whose colour their content decides."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, fields

from PIL import Image

from sandbox.draw_edit import scaled
from sandbox.draw_file import capped, decode, encode, facts_of, mark
from sandbox.draw_refine import check_files
from sandbox.draw_restyle import check_sizes
from sandbox.orders import (
    Drawn,
    EditOrder,
    Facts,
    FashionOrder,
    Frame,
    PictureOrder,
    RefineOrder,
    RestyleOrder,
    SceneOrder,
)

__all__ = ["quick"]

# A glance's longest side, and its share of the picture that it is shown in.
SMALL_SIDE = 48
SHOWN_SHARE = 3 / 16
# Some 9 KB each.
GLANCES_KEPT = 4096
# The patch of grain keeps a file above the 5 KB that AILabTools asks of its inputs, however plain the rest is.
GRAIN = (48, 40)


@dataclass(frozen=True, slots=True)
class _Glance:
    facts: Facts
    size: tuple[int, int]
    small: Image.Image


class _Glances:
    """Pictures seen lately, in small: a catalog sends each of them several times, and back what was drawn."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, _Glance] = OrderedDict()
        self._lock = threading.Lock()

    def at(self, data: bytes, digest: bytes) -> _Glance:
        """A look at a file, which is decoded whole the first time."""
        glance = self._kept.get(digest)
        if glance is None:
            picture = decode(data)
            glance = self.keep(digest, picture, facts_of(data))
        return glance

    def keep(self, digest: bytes, picture: Image.Image, facts: Facts) -> _Glance:
        """Remember a picture in small."""
        glance = _Glance(facts, picture.size, _sized(picture, min(SMALL_SIDE, max(picture.size))))
        with self._lock:
            self._kept[digest] = glance
            if len(self._kept) > GLANCES_KEPT:
                self._kept.popitem(last=False)
        return glance


_GLANCES = _Glances()


def quick(order: PictureOrder) -> Drawn:
    """Draw the order's pictures; raises `UnusablePicture` for the same inputs as the full drawing."""
    if isinstance(order, RefineOrder):
        check_files(order)
    digests = [hashlib.sha256(data).digest() for data in order.inputs]
    glances = [_GLANCES.at(data, digest) for data, digest in zip(order.inputs, digests, strict=True)]
    size = capped(_size(order, glances), order.frame.longest_side)
    mode = "RGBA" if isinstance(order, SceneOrder) and order.color == "transparent" else "RGB"
    essence = b"".join([_words(order), *digests])
    pictures = (_picture(glances, size, mode, essence + bytes([n])) for n in range(order.frame.count))
    return Drawn(tuple(glance.facts for glance in glances), tuple(_file(picture, order.frame) for picture in pictures))


def _size(order: PictureOrder, glances: list[_Glance]) -> tuple[int, int]:
    match order:
        case FashionOrder():
            return order.size or (glances[-1].facts.width, glances[-1].facts.height)
        case EditOrder():
            return order.size or scaled(glances[0].size, order.long_side)
        case SceneOrder():
            return order.size
        case RestyleOrder():
            check_sizes(glances[0].size, glances[1].size if order.mask is not None else None)
            return glances[0].size
        case RefineOrder():
            return glances[-1].size


def _words(order: PictureOrder) -> bytes:
    """Everything asked for but the pictures and their size, which show by themselves."""
    values = [getattr(order, field.name) for field in fields(order)]
    return repr([value for value in values if not isinstance(value, (bytes, tuple))]).encode()


def _picture(glances: list[_Glance], size: tuple[int, int], mode: str, essence: bytes) -> Image.Image:
    noise = hashlib.shake_128(essence).digest(3 + 3 * GRAIN[0] * GRAIN[1])
    colour = tuple(128 + value // 2 for value in noise[:3])
    picture = Image.new(mode, size, (*colour, 0) if mode == "RGBA" else colour)
    w, h = size
    picture.paste(Image.frombytes("RGB", GRAIN, noise[3:]), (0, h - GRAIN[1]))
    side = max(1, min(w // len(glances) * 2 // 3, round(max(w, h) * SHOWN_SHARE)))
    for n, glance in enumerate(glances):
        shown = _sized(glance.small, side)
        at = ((2 * n + 1) * w // (2 * len(glances)) - shown.width // 2, (h - shown.height) // 2)
        picture.paste(shown, at, shown if shown.mode == "RGBA" else None)
    return picture


def _sized(small: Image.Image, side: int) -> Image.Image:
    size = scaled(small.size, side)
    return small if size == small.size else small.resize(size, Image.Resampling.NEAREST)


def _file(picture: Image.Image, frame: Frame) -> tuple[bytes, Facts]:
    mark(picture)
    data = encode(picture, frame.format, quickly=True)
    facts = Facts(picture.width, picture.height, frame.format)
    # What was drawn comes back as the input of the next stage.
    _GLANCES.keep(hashlib.sha256(data).digest(), picture, facts)
    return data, facts
