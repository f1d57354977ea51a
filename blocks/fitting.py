"""Pictures made to fit what a vendor takes: turned upright, converted, scaled, encoded anew, or left as they are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from PIL import Image

from blocks.colours import flattened, plain
from blocks.pictures import (
    REPLACE,
    BrokenPicture,
    DecodedPicture,
    PictureInfo,
    PictureLimits,
    decode,
    decoder_words,
    known_pictures,
)

__all__ = ["fit"]

LOSSY_FORMATS = frozenset({"AVIF", "HEIF", "JPEG", "WEBP"})
ALPHA_FORMATS = frozenset({"PNG"})

# Below this side there is nothing to enlarge: tracking pixels and spacers, not garments.
FLOOR_SIDE = 16
# A PNG of more than 2 MP takes seconds to write and is mostly refused for its size.
PNG_AREA = 2_000_000
JPEG_QUALITIES = (95, 88, 80, 70)
SHRINK_STEPS = 6


def fit(data: bytes, limits: PictureLimits, *, source: str) -> tuple[bytes, PictureInfo]:
    """
    Make a picture that keeps to the limits.

    Returns the same object when it does already, upright and in plain grey or RGB(A). Otherwise it is turned
    upright, converted to sRGB, scaled and encoded anew; transparency goes onto white where it can't be kept.
    Raises `BrokenPicture` for what is broken, or too small or too narrow to be shown.
    """
    known = known_pictures.recall(data)
    if known is not None and known.fits(limits):
        return data, known.info
    found = decode(data, source)
    known = known_pictures.learn(found)
    if known.fits(limits):
        return data, known.info
    try:
        return _refitted(found, limits, source)
    except BrokenPicture:
        raise
    except Exception as error:
        raise BrokenPicture(f"{source} can't be converted: {decoder_words(error)}", next_step=REPLACE) from error


def _refitted(found: DecodedPicture, limits: PictureLimits, source: str) -> tuple[bytes, PictureInfo]:
    pixels = plain(found.pixels)
    if not ALPHA_FORMATS & limits.formats:
        pixels = flattened(pixels)
    size = _fitting_size(pixels.size, limits, source)
    for _ in range(SHRINK_STEPS):
        sized = pixels if size == pixels.size else pixels.resize(size, Image.Resampling.LANCZOS)
        tries = (_encoded(sized, name, settings) for name, settings in _encodings(sized, found.info.format, limits))
        fewest = limits.max_bytes
        for data, info in tries:
            if limits.hold(info):
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
