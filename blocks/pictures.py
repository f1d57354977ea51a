"""Pictures as bytes: whole or refused, measured, and made to fit what a vendor takes."""

from __future__ import annotations

import asyncio
import hashlib
import math
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from threading import Lock
from typing import Any, ParamSpec, TypeVar

import pillow_heif
from PIL import Image, UnidentifiedImageError

from blocks.colours import UPRIGHT, flattened, is_plain, orientation, plain
from blocks.errors import CatalogError

__all__ = ["BrokenPicture", "PictureInfo", "PictureLimits", "examine", "fit", "off_loop"]

P = ParamSpec("P")
T = TypeVar("T")

# Pillow warns of a decompression bomb from here on; 89 MP are about 360 MB of memory once decoded.
MAX_PIXELS = 89_000_000

# What is read at all, with the media type and the file name's ending; Pillow's other decoders stay closed.
FORMATS = {
    "AVIF": ("image/avif", "avif"),
    "BMP": ("image/bmp", "bmp"),
    "GIF": ("image/gif", "gif"),
    "HEIF": ("image/heic", "heic"),
    "JPEG": ("image/jpeg", "jpg"),
    "PNG": ("image/png", "png"),
    "TIFF": ("image/tiff", "tiff"),
    "WEBP": ("image/webp", "webp"),
}

LOSSY_FORMATS = frozenset({"AVIF", "HEIF", "JPEG", "WEBP"})
ALPHA_FORMATS = frozenset({"PNG"})

# Below this side there is nothing to enlarge: tracking pixels and spacers, not garments.
FLOOR_SIDE = 16
# A PNG of more than 2 MP takes seconds to write and is mostly refused for its size.
PNG_AREA = 2_000_000
JPEG_QUALITIES = (95, 88, 80, 70)
SHRINK_STEPS = 6

PICTURES_REMEMBERED = 10_000

REPLACE = "Replace it at its source."

# How broken bytes begin, and what a person would call them.
BEGINNINGS = (
    (b"\xff\xd8\xff", "a JPEG that breaks off in its first bytes"),
    (b"\x89png", "a PNG that breaks off in its first bytes"),
    (b"riff", "a WEBP that breaks off in its first bytes"),
    (b"<!doctype html", "a web page (HTML), not a picture"),
    (b"<html", "a web page (HTML), not a picture"),
    (b"<svg", "an SVG drawing, which no vendor takes"),
    (b"<?xml", "an XML document, not a picture"),
    (b"{", "a JSON document, not a picture"),
    (b"[", "a JSON document, not a picture"),
    (b"%pdf", "a PDF, not a picture"),
    (b"version https://git-lfs", "a Git LFS pointer, not a picture"),
)

pillow_heif.register_heif_opener()
# Loads the decoders here, once, rather than in whichever threads happen to meet the first picture.
Image.init()

# Decoding is CPU work that releases the GIL; more threads than cores would only hold more pictures in memory.
_workers = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="pictures")


class BrokenPicture(CatalogError):
    """The bytes are not a whole picture, or no picture that can be made to fit."""


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """
    What a vendor takes: formats by Pillow's names, bytes, pixels a side, pixels in all.

    A picture that has to be converted becomes a JPEG or a PNG, so one of them must be among the formats.
    """

    formats: frozenset[str]
    max_bytes: int
    min_bytes: int = 0
    min_side: int = 1
    max_side: int = 16_000
    max_pixels: int | None = None

    def __post_init__(self) -> None:
        if not self.formats & {"JPEG", "PNG"}:
            raise ValueError(
                f"{', '.join(sorted(self.formats))}: neither JPEG nor PNG, to which pictures are converted"
            )


@dataclass(frozen=True, slots=True)
class PictureInfo:
    """What a whole picture is; `format` is Pillow's name, the sides are in pixels as stored."""

    format: str
    mime: str
    extension: str
    width: int
    height: int
    bytes: int
    sha256: str

    @classmethod
    def of(cls, data: bytes, name: str, size: tuple[int, int]) -> PictureInfo:
        """Describe bytes whose format and sides are known."""
        mime, extension = FORMATS[name]
        return cls(name, mime, extension, *size, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


async def off_loop(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run picture work in a thread, at most one a core at a time."""
    return await asyncio.get_running_loop().run_in_executor(_workers, partial(function, *args, **kwargs))


def examine(data: bytes, *, source: str) -> PictureInfo:
    """Decode the whole picture and measure it; raises `BrokenPicture` naming `source` and the cause."""
    return (_known.recall(data) or _known.learn(_decoded(data, source))).info


def fit(data: bytes, limits: PictureLimits, *, source: str) -> tuple[bytes, PictureInfo]:
    """
    Make a picture that keeps to the limits.

    Returns the same object when it does already, upright and in plain grey or RGB(A). Otherwise it is turned
    upright, converted to sRGB, scaled and encoded anew; transparency goes onto white where it can't be kept.
    Raises `BrokenPicture` for what is broken, or too small or too narrow to be shown.
    """
    known = _known.recall(data)
    if known is not None and known.fits(limits):
        return data, known.info
    found = _decoded(data, source)
    known = _known.learn(found)
    if known.fits(limits):
        return data, known.info
    try:
        return _refitted(found, limits, source)
    except BrokenPicture:
        raise
    except Exception as error:
        raise BrokenPicture(f"{source} can't be converted: {_cause(error)}", next_step=REPLACE) from error


@dataclass(frozen=True, slots=True)
class _Known:
    """What a picture turned out to be once; `plain` is upright and in plain grey or RGB(A)."""

    info: PictureInfo
    plain: bool

    def fits(self, limits: PictureLimits) -> bool:
        return self.plain and _fits(self.info, limits)


@dataclass(frozen=True, slots=True)
class _Decoded(_Known):
    """A whole picture with its pixels in memory."""

    pixels: Image.Image


class _Memory:
    """
    What the last pictures turned out to be, by their hash.

    A stage's result is the next stage's input, and a model's photo goes with thousands of garments: hashing
    bytes costs a tenth of decoding them.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._turn = Lock()

    def recall(self, data: bytes) -> _Known | None:
        digest = hashlib.sha256(data).hexdigest()
        with self._turn:
            if digest in self._known:
                self._known.move_to_end(digest)
                return self._known[digest]
        return None

    def learn(self, found: _Decoded) -> _Known:
        known = _Known(found.info, found.plain)
        with self._turn:
            self._known[known.info.sha256] = known
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return known


_known = _Memory(PICTURES_REMEMBERED)


def _decoded(data: bytes, source: str) -> _Decoded:
    if not data:
        raise BrokenPicture(f"{source} is empty (0 bytes)", next_step=REPLACE)
    try:
        return _load(data, source)
    except BrokenPicture:
        raise
    except UnidentifiedImageError as error:
        raise BrokenPicture(f"{source} is {_looks_like(data)}", next_step=REPLACE) from error
    except Exception as error:
        # Decoders raise struct.error, SyntaxError, KeyError and more on damaged bytes; all mean the same here.
        raise BrokenPicture(f"{source} can't be decoded: {_cause(error)}", next_step=REPLACE) from error


def _load(data: bytes, source: str) -> _Decoded:
    picture = Image.open(BytesIO(data), formats=list(FORMATS))
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise BrokenPicture(
            f"{source} has {width} x {height} pixels, more than the {MAX_PIXELS:,} that are read",
            next_step="Shrink it at its source.",
        )
    # Pillow's JPEG decoder hands out a phone's JPEG with a second view in it as MPO.
    name = "JPEG" if picture.format == "MPO" else str(picture.format)
    if name == "PNG":
        # Pillow checks no checksum while it decodes, so flipped bits would pass.
        Image.open(BytesIO(data), formats=["PNG"]).verify()
    # The TIFF decoder turns the pixels upright itself, and the bytes are still on their side.
    upright = orientation(picture) == UPRIGHT
    picture.load()
    info = PictureInfo.of(data, name, (width, height))
    return _Decoded(info, plain=upright and is_plain(picture), pixels=picture)


def _looks_like(data: bytes) -> str:
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for beginning, name in BEGINNINGS:
        if head.startswith(beginning):
            return name
    if head.isascii() and b"\x00" not in head:
        return "text, not a picture"
    return f"in no format that is read ({', '.join(sorted(FORMATS))})"


def _cause(error: Exception) -> str:
    return str(error) or type(error).__name__


def _fits(info: PictureInfo, limits: PictureLimits) -> bool:
    short, long = sorted((info.width, info.height))
    return (
        info.format in limits.formats
        and limits.min_bytes <= info.bytes <= limits.max_bytes
        and limits.min_side <= short
        and long <= limits.max_side
        and (limits.max_pixels is None or short * long <= limits.max_pixels)
    )


def _refitted(found: _Decoded, limits: PictureLimits, source: str) -> tuple[bytes, PictureInfo]:
    pixels = plain(found.pixels)
    if not ALPHA_FORMATS & limits.formats:
        pixels = flattened(pixels)
    size = _fitting_size(pixels.size, limits, source)
    for _ in range(SHRINK_STEPS):
        sized = pixels if size == pixels.size else pixels.resize(size, Image.Resampling.LANCZOS)
        tries = (_encoded(sized, name, settings) for name, settings in _encodings(sized, found.info.format, limits))
        fewest = limits.max_bytes
        for data, info in tries:
            if _fits(info, limits):
                return data, info
            fewest = info.bytes
        if fewest <= limits.max_bytes:
            break
        # Bytes go with the area, so the next size is about right; a little less makes it surely so.
        shrink = min(0.9, 0.95 * math.sqrt(limits.max_bytes / fewest))
        size = _fitting_size((int(size[0] * shrink), int(size[1] * shrink)), limits, source)
    raise BrokenPicture(
        f"{source} can't be brought to {limits.min_bytes:,} to {limits.max_bytes:,} bytes", next_step=REPLACE
    )


def _fitting_size(size: tuple[int, int], limits: PictureLimits, source: str) -> tuple[int, int]:
    short, long = sorted(size)
    if short < limits.min_side and short < FLOOR_SIDE:
        raise BrokenPicture(f"{source} has {size[0]} x {size[1]} pixels, too few to show anything", next_step=REPLACE)
    scale = max(1.0, limits.min_side / short)
    scale = min(scale, limits.max_side / long)
    if limits.max_pixels is not None:
        scale = min(scale, math.sqrt(limits.max_pixels / (short * long)))
    # Rounding up when enlarging keeps the lower limit, rounding down when shrinking the upper ones.
    sides = (math.ceil(side * scale) if scale > 1 else int(side * scale) for side in size)
    width, height = (min(max(side, 1), limits.max_side) for side in sides)
    if min(width, height) < limits.min_side:
        raise BrokenPicture(
            f"{source} has {size[0]} x {size[1]} pixels, too narrow for sides of {limits.min_side} to "
            f"{limits.max_side}",
            next_step=REPLACE,
        )
    return width, height


def _encodings(pixels: Image.Image, was: str, limits: PictureLimits) -> Iterator[tuple[str, dict[str, Any]]]:
    """Ways to encode, best first."""
    area = pixels.width * pixels.height
    jpeg = "JPEG" in limits.formats and pixels.mode != "RGBA"
    png = "PNG" in limits.formats
    if png and not (jpeg and (was in LOSSY_FORMATS or area > PNG_AREA)):
        yield "PNG", {}
    if jpeg:
        for quality in JPEG_QUALITIES:
            yield "JPEG", {"quality": quality, "subsampling": "4:4:4" if quality == JPEG_QUALITIES[0] else "4:2:0"}
    if png and limits.min_bytes and area * 4 < limits.max_bytes:
        # Flat pictures come to less than the fewest bytes; uncompressed they come to more.
        yield "PNG", {"compress_level": 0}


def _encoded(pixels: Image.Image, name: str, settings: dict[str, Any]) -> tuple[bytes, PictureInfo]:
    buffer = BytesIO()
    pixels.save(buffer, name, **settings)
    data = buffer.getvalue()
    return data, PictureInfo.of(data, name, pixels.size)
