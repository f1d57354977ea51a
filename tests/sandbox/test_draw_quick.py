"""Quick drawing: little work, and yet every picture is of its inputs, its size and its format."""

from __future__ import annotations

import io
import time
from dataclasses import replace

import httpx
import pytest
from PIL import Image

from sandbox.draw import draw, draw_quickly
from sandbox.orders import (
    EditOrder,
    FashionOrder,
    Frame,
    PictureOrder,
    Placement,
    RefineOrder,
    RestyleOrder,
    SceneOrder,
    UnusablePicture,
)
from tests.sandbox.caller import CLAID, garment_png, noise, sandbox_in_process

GARMENT = garment_png()
FRAME = Frame(longest_side=256)
FASHION = FashionOrder(FRAME, (GARMENT,), garment_png(colour="navy"), "full body", "studio", (864, 1184))
EDIT = EditOrder(FRAME, GARMENT, "a hat", None, 2048)
SCENE = SceneOrder(FRAME, GARMENT, None, "a room", (1024, 1024), None, top_view=False, placement=Placement())
RESTYLE = RestyleOrder(FRAME, GARMENT, None, "002", "preset", "035", None, "smile")
REFINE = RefineOrder(FRAME, garment_png(), GARMENT, None, garment_png(colour="teal"), "woman")
ORDERS: list[PictureOrder] = [FASHION, EDIT, SCENE, RESTYLE, REFINE]


def png(picture: Image.Image) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    """A picture decoded whole."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_facts_are_those_of_the_full_drawing(order: PictureOrder) -> None:
    """Inputs are described, and pictures sized and formatted, as by the full drawing."""
    full, quick = draw(order), draw_quickly(order)
    picture = opened(quick.pictures[0][0])

    assert full.inputs == quick.inputs
    assert [facts for _, facts in full.pictures] == [facts for _, facts in quick.pictures]
    assert (quick.pictures[0][1].width, quick.pictures[0][1].height) == picture.size


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_pictures_come_from_their_inputs(order: PictureOrder) -> None:
    """Equal orders make equal pictures; another seed another one."""
    frame = replace(order.frame, seed=1)
    seeded = replace(order, frame=frame)  # pyright: ignore[reportArgumentType] - every order has a frame

    assert draw_quickly(order) == draw_quickly(order)
    assert draw_quickly(order).pictures != draw_quickly(seeded).pictures


def test_inputs_can_be_seen() -> None:
    """Garment and person stand side by side, in their own colours."""
    shown = opened(draw_quickly(FASHION).pictures[0][0])
    garment, person = shown.getpixel((187 // 4, 128 - 16)), shown.getpixel((187 * 3 // 4, 128 - 16))

    assert isinstance(garment, tuple)
    assert isinstance(person, tuple)
    assert garment[0] > garment[2] + 60
    assert person[2] > person[0] + 60


def test_takes_differ() -> None:
    """Several pictures of one order differ from each other."""
    order = replace(SCENE, frame=replace(FRAME, count=4))

    assert 4 == len({data for data, _ in draw_quickly(order).pictures})


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "AVIF"])
def test_formats(format_: str) -> None:
    """Each format is a file of that format."""
    order = replace(SCENE, frame=Frame(format=format_, longest_side=64))  # pyright: ignore[reportArgumentType]

    assert format_ == opened(draw_quickly(order).pictures[0][0]).format


def test_a_transparent_scene() -> None:
    """A scene without a ground is transparent around its subject."""
    corner = opened(draw_quickly(replace(SCENE, color="transparent")).pictures[0][0]).getpixel((1, 1))

    assert isinstance(corner, tuple)
    assert 0 == corner[3]


def test_a_plain_input_makes_a_file_large_enough() -> None:
    """However plain its inputs, a picture is over the 5 KB that the refiner asks for."""
    plain = png(Image.new("RGB", (256, 256), "white"))

    assert len(draw_quickly(replace(FASHION, clothing=(plain,), person=None)).pictures[0][0]) > 5 * 1024


@pytest.mark.parametrize(
    "order",
    [
        replace(FASHION, clothing=(GARMENT[:400],)),
        replace(EDIT, picture=b"text"),
        replace(REFINE, top=garment_png((100, 140))),
        replace(RESTYLE, mask=png(Image.new("L", (9, 9)))),
        replace(RESTYLE, picture=png(Image.new("RGB", (4097, 8)))),
    ],
    ids=["cut off", "text", "too small", "another size's mask", "too large"],
)
def test_what_is_refused(order: PictureOrder) -> None:
    """Broken or unfit inputs are refused in the same words as by the full drawing."""
    with pytest.raises(UnusablePicture) as full:
        draw(order)
    with pytest.raises(UnusablePicture) as quick:
        draw_quickly(order)

    assert (full.value.reason, full.value.code) == (quick.value.reason, quick.value.code)


def test_quick_is_quick() -> None:
    """A picture of 256 pixels takes a few thousandths of a second, when nothing else takes the processor's time."""
    took: list[float] = []
    for number in range(20):
        started = time.process_time()
        draw_quickly(replace(SCENE, prompt=f"a room {number}"))
        took.append(time.process_time() - started)

    assert min(took) < 0.005


@pytest.mark.parametrize("size", [64, 1024])
async def test_a_sandbox_that_draws_quickly(size: int) -> None:
    """The whole way with quick drawing, on the spot or, for larger pictures, in the background."""
    async with sandbox_in_process(limits="off", drawing="quick", picture_size=size) as http:
        url = await _uploaded(http, png(noise((300, 300))))
        body = {"object": {"image_url": url}, "scene": {"prompt": "marble"}, "output": {"number_of_images": 1}}
        reply = (await http.post("/v1/scene/create", json=body, headers=CLAID)).json()["data"]["output"][0]
        data = (await http.get(reply["tmp_url"])).content

    assert (size, size) == opened(data).size == (reply["width"], reply["height"])


async def _uploaded(http: httpx.AsyncClient, data: bytes) -> str:
    files = {"file": ("a.png", data, "image/png")}
    return (await http.post("/v1/image/edit/upload", files=files, headers=CLAID)).json()["data"]["output"]["tmp_url"]
