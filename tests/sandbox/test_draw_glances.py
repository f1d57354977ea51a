"""Looks at pictures: the same of a file that was decoded and of one that was drawn here."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from sandbox.draw_file import decode, encode, facts_of
from sandbox.draw_glances import Glances
from sandbox.orders import PictureFormat, UnusablePicture
from tests.sandbox.caller import garment_png, noise


def turned(picture: Image.Image) -> bytes:
    """A picture with a note that it lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP"])
def test_seen_and_drawn_are_the_same(format_: PictureFormat) -> None:
    """A look at a file shows what was kept of the picture when it was drawn."""
    data = encode(noise((90, 71)), format_)
    seen, drawn = Glances().at(data), Glances().keep(data, decode(data), facts_of(data))

    assert (drawn.facts, drawn.size) == (seen.facts, seen.size)
    assert drawn.small.tobytes() == seen.small.tobytes()


def test_a_turned_picture_is_seen_upright() -> None:
    """The size is that of the upright picture, the facts are the file's."""
    glance = Glances().at(turned(noise((90, 40))))

    assert ((40, 90), (90, 40)) == (glance.size, (glance.facts.width, glance.facts.height))


@pytest.mark.parametrize("share", [0.2, 0.6, 0.99])
def test_a_cut_off_picture_is_refused(share: float) -> None:
    """Wherever a file ends too early, also below the part that a look shows."""
    data = garment_png()

    with pytest.raises(UnusablePicture, match="Unable to read image"):
        Glances().at(data[: int(len(data) * share)])
