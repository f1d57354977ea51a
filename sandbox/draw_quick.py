"""Quick drawing, for load: an order's inputs in small on a flat ground, whose colour their content decides."""

from __future__ import annotations

import hashlib
from dataclasses import fields

from PIL import Image

from sandbox.digests import digest_of_bytes
from sandbox.draw_edit import scaled
from sandbox.draw_file import capped, encode, mark
from sandbox.draw_glances import Glance, Glances, sized
from sandbox.draw_png import flat_png
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

# The share of the picture's longest side that an input is shown in.
SHOWN_SHARE = 1 / 8
# Grain keeps a file above the 5 KB that AILabTools asks of its inputs, however plain the rest is; it is repeated.
GRAIN_BYTES = 5760

_GLANCES = Glances()


def quick(order: PictureOrder) -> Drawn:
    """Draw the order's pictures; raises `UnusablePicture` for the same inputs as the full drawing."""
    if isinstance(order, RefineOrder):
        check_files(order, lambda data: _GLANCES.at(data).facts)
    glances = [_GLANCES.at(data) for data in order.inputs]
    size = capped(_size(order, glances), order.frame.longest_side)
    mode = "RGBA" if isinstance(order, SceneOrder) and order.color == "transparent" else "RGB"
    essence = "\n".join([_words(order), *map(digest_of_bytes, order.inputs)])
    takes = [f"{essence}\n{n}".encode() for n in range(order.frame.count)]
    pictures = tuple(_picture(glances, mode, size, take, order.frame) for take in takes)
    return Drawn(tuple(glance.facts for glance in glances), pictures)


def _size(order: PictureOrder, glances: list[Glance]) -> tuple[int, int]:
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


def _words(order: PictureOrder) -> str:
    """Everything asked for but the pictures and their size, which show by themselves."""
    values = [getattr(order, field.name) for field in fields(order)]
    return repr([value for value in values if not isinstance(value, (bytes, tuple))])


def _picture(
    glances: list[Glance], mode: str, size: tuple[int, int], essence: bytes, frame: Frame
) -> tuple[bytes, Facts]:
    """A flat ground with a band above its middle, where it is seen when the picture comes back as an input."""
    w, h = size
    noise = hashlib.shake_128(essence).digest(GRAIN_BYTES)
    band = _band(glances, w, max(1, min(round(max(w, h) * SHOWN_SHARE), h // 2)), noise)
    top = max(0, h // 2 - band.height)
    colour = _colour(noise[0])
    picture = Image.new(mode, size, colour if mode == "RGB" else (*colour, 0))
    picture.paste(band, (0, top))
    if mode == "RGB" and frame.format == "PNG":
        data = flat_png(band, size, top, bytes(colour))
    else:
        data = encode(picture, frame.format, quickly=True)
    facts = Facts(w, h, frame.format)
    # What was drawn comes back as the input of the next stage.
    _GLANCES.keep(data, picture, facts)
    return data, facts


def _band(glances: list[Glance], width: int, height: int, noise: bytes) -> Image.Image:
    """Grain, the inputs side by side on it, and the sandbox's mark."""
    wanted = 3 * width * height
    band = Image.frombytes("RGB", (width, height), (noise * (wanted // GRAIN_BYTES + 1))[:wanted])
    side = max(1, min(height, width // len(glances) * 2 // 3))
    for n, glance in enumerate(glances):
        shown = sized(glance.small, side)
        at = ((2 * n + 1) * width // (2 * len(glances)) - shown.width // 2, (height - shown.height) // 2)
        band.paste(shown, at, shown if shown.mode == "RGBA" else None)
    mark(band)
    return band


def _colour(choice: int) -> tuple[int, int, int]:
    """One of 64 light colours: few, so that files are soon made of parts that were there before."""
    red, green, blue = (136 + 32 * (choice >> shift & 3) for shift in (0, 2, 4))
    return red, green, blue
