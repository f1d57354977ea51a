"""Picture files: decoded whole or refused, and encoded with the sandbox's mark in a corner."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont, ImageOps
from pillow_heif import register_heif_opener  # pyright: ignore[reportUnknownVariableType] - it takes any options

from sandbox.draw_png import png_size, quick_png
from sandbox.orders import ConvertOrder, Drawn, Facts, Frame, PictureFormat, UnusablePicture

__all__ = ["MOST_PIXELS", "capped", "convert", "decode", "encode", "facts_of", "finish", "mark", "seed_of"]

register_heif_opener()

MOST_PIXELS = 40_000_000
# Below this size speed counts more than the file's size.
SMALL_PIXELS = 512 * 512
MARK = "SANDBOX"
QUICK_OPTIONS: dict[str, dict[str, int]] = {"WEBP": {"method": 0}, "AVIF": {"speed": 10}}


def decode(data: bytes) -> Image.Image:
    """The whole picture, upright, as RGB or RGBA."""
    try:
        picture = Image.open(io.BytesIO(data))
        if picture.width * picture.height > MOST_PIXELS:
            raise UnusablePicture(f"Image is larger than {MOST_PIXELS // 1_000_000} megapixels.")
        picture.load()
        ImageOps.exif_transpose(picture, in_place=True)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _unreadable() from error
    mode = "RGBA" if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info else "RGB"
    return picture if picture.mode == mode else picture.convert(mode)


def facts_of(data: bytes) -> Facts:
    """What a decodable file is."""
    size = png_size(data)
    if size is not None and 0 < size[0] * size[1] <= MOST_PIXELS:
        return Facts(*size, "PNG")
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return Facts(picture.width, picture.height, (picture.format or "PNG").replace("MPO", "JPEG"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _unreadable() from error


def _unreadable() -> UnusablePicture:
    return UnusablePicture("Unable to read image: it is broken or not an image.", "FILE_DECODING_FAILURE", 422)


def capped(size: tuple[int, int], longest: int | None) -> tuple[int, int]:
    """A size within the frame's longest side, in the same proportions."""
    if longest is None or max(size) <= longest:
        return size
    factor = longest / max(size)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def seed_of(seed: int, *parts: object) -> int:
    """A number decided by what is drawn: equal inputs give equal pictures."""
    digest = hashlib.blake2b(str(seed).encode(), digest_size=8)
    for part in parts:
        digest.update(part if isinstance(part, bytes) else repr(part).encode())
    return int.from_bytes(digest.digest(), "big")


def finish(frame: Frame, inputs: Iterable[bytes], pictures: Iterable[Image.Image]) -> Drawn:
    """Mark and encode the pictures and describe the inputs."""
    return Drawn(tuple(facts_of(data) for data in inputs), tuple(_file(picture, frame.format) for picture in pictures))


def convert(order: ConvertOrder) -> Drawn:
    """The picture in the format asked for; no mark, as nothing was drawn."""
    picture = decode(order.picture)
    data = encode(picture, order.format)
    return Drawn((facts_of(order.picture),), ((data, Facts(picture.width, picture.height, order.format)),))


def encode(picture: Image.Image, format_: PictureFormat, *, quickly: bool = False) -> bytes:
    """The picture as a file; `quickly` cares for speed at any size."""
    small = quickly or picture.width * picture.height <= SMALL_PIXELS
    buffer = io.BytesIO()
    if format_ == "JPEG":
        picture.convert("RGB").save(buffer, "JPEG", quality=90)
    elif format_ == "PNG" and small and picture.mode == "RGB":
        return quick_png(picture)
    elif format_ == "PNG":
        picture.save(buffer, "PNG", compress_level=1 if quickly else 4)
    else:
        picture.save(buffer, format_, quality=75, **(QUICK_OPTIONS[format_] if quickly else {}))
    return buffer.getvalue()


def _file(picture: Image.Image, format_: PictureFormat) -> tuple[bytes, Facts]:
    mark(picture)
    return encode(picture, format_), Facts(picture.width, picture.height, format_)


def mark(picture: Image.Image) -> None:
    """Stamp the sandbox's mark into the lower right corner."""
    stamp, opacity = _stamp(max(7, min(picture.size) // 42), picture.mode)
    picture.paste(stamp, (picture.width - stamp.width, picture.height - stamp.height), opacity)


@lru_cache(maxsize=16)
def _stamp(height: int, mode: str) -> tuple[Image.Image, Image.Image]:
    font = ImageFont.load_default(height)
    left, top, right, bottom = (int(edge) for edge in font.getbbox(MARK))
    pad = max(2, height // 3)
    stamp = Image.new("RGBA", (right - left + 2 * pad, bottom - top + 2 * pad), (20, 20, 24, 150))
    ImageDraw.Draw(stamp).text((pad - left, pad - top), MARK, (255, 255, 255, 235), font)
    return stamp.convert(mode), stamp.getchannel("A")
