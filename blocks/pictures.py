"""Pictures as bytes: whole or refused, and measured."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from threading import Lock
from typing import ParamSpec, TypeVar

import pillow_heif
from PIL import Image, UnidentifiedImageError

from blocks.colours import UPRIGHT, is_plain, orientation
from blocks.errors import CatalogError

__all__ = [
    "FORMATS",
    "REPLACE",
    "BrokenPicture",
    "DecodedPicture",
    "KnownPicture",
    "PictureInfo",
    "PictureLimits",
    "PictureMemory",
    "decode",
    "decoder_words",
    "examine",
    "known_pictures",
    "off_loop",
]

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

    Where the vendor names no shortest side, 16 pixels keep out what it would charge for and can do nothing with.
    A picture that has to be converted becomes a JPEG or a PNG, so one of them must be among the formats.
    """

    formats: frozenset[str]
    max_bytes: int
    min_bytes: int = 0
    min_side: int = 16
    max_side: int = 16_000
    max_pixels: int | None = None

    def __post_init__(self) -> None:
        if not self.formats & {"JPEG", "PNG"}:
            raise ValueError(
                f"{', '.join(sorted(self.formats))}: neither JPEG nor PNG, to which pictures are converted"
            )

    def hold(self, info: PictureInfo) -> bool:
        """Whether a picture keeps to the limits as it is."""
        short, long = sorted((info.width, info.height))
        return (
            info.format in self.formats
            and self.min_bytes <= info.bytes <= self.max_bytes
            and self.min_side <= short
            and long <= self.max_side
            and (self.max_pixels is None or short * long <= self.max_pixels)
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
    return (known_pictures.recall(data) or known_pictures.learn(decode(data, source))).info


@dataclass(frozen=True, slots=True)
class KnownPicture:
    """What a picture turned out to be once; `plain` is upright and in plain grey or RGB(A)."""

    info: PictureInfo
    plain: bool

    def fits(self, limits: PictureLimits) -> bool:
        """Whether its bytes can go to a vendor unchanged."""
        return self.plain and limits.hold(self.info)


@dataclass(frozen=True, slots=True)
class DecodedPicture(KnownPicture):
    """A whole picture with its pixels in memory."""

    pixels: Image.Image


class PictureMemory:
    """
    What the last pictures turned out to be, by their hash.

    A stage's result is the next stage's input, and a model's photo goes with thousands of garments: hashing
    bytes costs a tenth of decoding them.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[str, KnownPicture] = OrderedDict()
        self._turn = Lock()

    def recall(self, data: bytes) -> KnownPicture | None:
        """What these bytes turned out to be, if they were met before."""
        return self.find(hashlib.sha256(data).hexdigest())

    def find(self, digest: str) -> KnownPicture | None:
        """The same for bytes that were hashed before."""
        with self._turn:
            if digest in self._known:
                self._known.move_to_end(digest)
                return self._known[digest]
        return None

    def learn(self, found: DecodedPicture) -> KnownPicture:
        """Remember a picture, without its pixels."""
        known = KnownPicture(found.info, found.plain)
        with self._turn:
            self._known[known.info.sha256] = known
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return known


known_pictures = PictureMemory(PICTURES_REMEMBERED)


def decode(data: bytes, source: str) -> DecodedPicture:
    """Decode the whole picture, whatever was known of it; raises `BrokenPicture`."""
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
        raise BrokenPicture(f"{source} can't be decoded: {decoder_words(error)}", next_step=REPLACE) from error


def _load(data: bytes, source: str) -> DecodedPicture:
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
    return DecodedPicture(info, plain=upright and is_plain(picture), pixels=picture)


def _looks_like(data: bytes) -> str:
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for beginning, name in BEGINNINGS:
        if head.startswith(beginning):
            return name
    if head.isascii() and b"\x00" not in head:
        return "text, not a picture"
    return f"in no format that is read ({', '.join(sorted(FORMATS))})"


def decoder_words(error: Exception) -> str:
    """What a decoder or an encoder said, or at least what it raised."""
    return str(error) or type(error).__name__
