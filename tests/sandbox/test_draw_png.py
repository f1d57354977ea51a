"""PNG by hand: what is written can be read by anybody, and what is taken for whole is whole."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from sandbox.draw_png import flat_png, is_plain_png, png_size, quick_png
from tests.sandbox.caller import garment_png, noise

GARMENT = garment_png()


def png(picture: Image.Image, **options: Any) -> bytes:
    """A picture as Pillow writes it."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **options)
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    """A picture decoded whole."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def turned(picture: Image.Image) -> bytes:
    """A picture with a note that it lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return png(picture, exif=exif)


@pytest.mark.parametrize(
    ("size", "top", "rows"),
    [((187, 256), 96, 32), ((256, 256), 0, 256), ((256, 9), 0, 1), ((1, 1), 0, 1), ((700, 90), 50, 40)],
)
def test_a_band_on_a_flat_ground(size: tuple[int, int], top: int, rows: int) -> None:
    """The file has the band where it was asked for and the ground's colour everywhere else."""
    band = noise((size[0], rows))
    expected = Image.new("RGB", size, (10, 20, 30))
    expected.paste(band, (0, top))

    assert expected.tobytes() == opened(flat_png(band, size, top, bytes((10, 20, 30)))).tobytes()


def test_a_whole_picture() -> None:
    """Any picture can be written with one filter."""
    picture = noise((41, 23))

    assert picture.tobytes() == opened(quick_png(picture)).tobytes()


@pytest.mark.parametrize(
    ("data", "size"),
    [(GARMENT, (180, 240)), (GARMENT[:20], None), (GARMENT[:33], None), (b"text", None), (b"", None)],
    ids=["whole", "a cut head", "a head alone", "text", "nothing"],
)
def test_size(data: bytes, size: tuple[int, int] | None) -> None:
    """The size is read off a whole head only."""
    assert size == png_size(data)


@pytest.mark.parametrize(
    ("data", "plain"),
    [
        (GARMENT, True),
        (png(Image.new("RGBA", (3, 3))), True),
        (png(Image.new("L", (3, 3))), False),
        (png(Image.new("P", (3, 3)), transparency=0), False),
        (turned(Image.new("RGB", (3, 3))), False),
        (GARMENT[:-1], False),
        (GARMENT[:900], False),
        (GARMENT[:900] + b"?" + GARMENT[901:], False),
        (b"text", False),
    ],
    ids=["RGB", "RGBA", "grey", "a palette", "turned", "a byte short", "cut off", "a wrong byte", "text"],
)
def test_plain_and_whole(data: bytes, plain: bool) -> None:
    """Only a file whose checksums are all right, and which needs no turning or blending, is plain."""
    assert plain == is_plain_png(data)
