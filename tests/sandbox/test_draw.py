"""The drawings: sizes, formats, and that what is asked for can be seen."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image, ImageChops, ImageStat

from sandbox.draw import draw
from sandbox.draw_cutout import cut_out
from sandbox.draw_garment import garment_from
from sandbox.orders import (
    EditOrder,
    FashionOrder,
    Frame,
    Placement,
    RefineOrder,
    RestyleOrder,
    SceneOrder,
    UnusablePicture,
)
from tests.sandbox.caller import garment_png

GARMENT = garment_png()
SMALL = Frame(longest_side=160)


def fashion(**changes: object) -> FashionOrder:
    """A plain order."""
    order = FashionOrder(SMALL, (GARMENT,), None, "full body", "minimalistic studio background", (864, 1184))
    return replace(order, **changes)  # pyright: ignore[reportArgumentType] - a table of fields


def drawn(order: FashionOrder | EditOrder | SceneOrder | RestyleOrder | RefineOrder, n: int = 0) -> Image.Image:
    """One of an order's pictures."""
    return Image.open(io.BytesIO(draw(order).pictures[n][0]))


def apart(one: Image.Image, other: Image.Image) -> float:
    """How much two pictures differ, from 0 to 255."""
    return sum(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean) / 3


def test_inputs_are_described() -> None:
    """The facts of every input come back in the order's own order."""
    facts = draw(fashion(clothing=(GARMENT, garment_png((40, 50))), person=garment_png((60, 90)))).inputs

    assert [(180, 240), (40, 50), (60, 90)] == [(one.width, one.height) for one in facts]


def test_the_garment_can_be_seen() -> None:
    """The person wears the garment in its own colour."""
    red, green, _ = ImageStat.Stat(drawn(fashion()).convert("RGB").crop((40, 30, 76, 60))).mean

    assert red > green + 40


@pytest.mark.parametrize(
    "words",
    ["beach", "desert", "snowy mountains", "city street", "garden", "marble", "wooden table", "brick loft", "a room",
     "podium", "neon club", "dark studio", "sunset over the sea", "pink studio", "night street"],
)  # fmt: skip
def test_each_place_is_its_own(words: str) -> None:
    """Every place that words can name looks different from a plain one."""
    plain = drawn(fashion())

    assert apart(plain, drawn(fashion(background=words))) > 4


def test_what_words_change() -> None:
    """Pose, seed and person change the picture; nothing changed, nothing changes."""
    plain = drawn(fashion())

    assert 0 == apart(plain, drawn(fashion()))
    for other in (
        fashion(pose="close-up portrait"),
        fashion(pose="walking man"),
        fashion(frame=replace(SMALL, seed=1)),
        fashion(clothing=(garment_png(colour="navy"),)),
    ):
        assert apart(plain, drawn(other)) > 0.5


@pytest.mark.parametrize(
    ("drawing", "place", "alone", "kind"),
    [
        ([(30, 10), (150, 10), (150, 230), (100, 230), (90, 70), (80, 230), (30, 230)], 0, True, "bottom"),
        ([(60, 10), (120, 10), (140, 230), (40, 230)], 0, True, "dress"),
        ([(60, 10), (120, 10), (140, 230), (40, 230)], 1, False, "bottom"),
        ([(10, 100), (170, 100), (170, 170), (10, 170)], 2, False, "shoes"),
        ([(40, 60), (140, 60), (140, 180), (40, 180)], 2, False, "bag"),
    ],
)
def test_kinds_of_garments(drawing: list[tuple[int, int]], place: int, alone: bool, kind: str) -> None:
    """What a garment is follows from its outline and its place in the request."""
    from PIL import ImageDraw  # noqa: PLC0415 - for this one drawing

    sheet = Image.new("RGBA", (180, 240), (0, 0, 0, 0))
    ImageDraw.Draw(sheet).polygon(drawing, fill=(20, 60, 160, 255))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")

    assert kind == garment_from(buffer.getvalue(), place, alone).kind
    assert 160 >= max(drawn(fashion(clothing=(GARMENT,) * place + (buffer.getvalue(),))).size)


def test_white_on_white_is_cut_out_whole() -> None:
    """A white garment on white, seen by its outline alone, is kept whole."""
    from PIL import ImageDraw  # noqa: PLC0415 - for this one drawing

    sheet = Image.new("RGB", (200, 260), "white")
    ImageDraw.Draw(sheet).rectangle((50, 50, 150, 210), outline=(170, 170, 176), width=4)
    cutout = cut_out(sheet)

    assert 255 == cutout.picture.getpixel((50, 80))[3]  # pyright: ignore[reportOptionalSubscript, reportIndexIssue] - RGBA
    assert cutout.share < 0.5


@pytest.mark.parametrize(
    "prompt",
    ["add sunglasses", "a hat", "a bag", "a scarf", "a necklace", "a belt", "flowers", "a duck", "make it green",
     "winter", "autumn leaves", "spring", "rain", "vintage", "noir", "at night", "brighter", "on the beach",
     "yellow background", "something else"],
)  # fmt: skip
def test_every_edit_can_be_seen(prompt: str) -> None:
    """Whatever the prompt, the picture changes."""
    original = draw(fashion()).pictures[0][0]
    before = Image.open(io.BytesIO(original))
    after = drawn(EditOrder(Frame(count=2, longest_side=160), original, prompt, None, 160))

    assert before.size == after.size
    assert apart(before, after) > 0.1


def test_takes_differ() -> None:
    """Several pictures of one order differ from each other."""
    four = Frame(count=4, longest_side=160)
    original = draw(fashion()).pictures[0][0]
    orders = (
        fashion(frame=four),
        EditOrder(four, original, "improve", None, 160),
        SceneOrder(four, original, None, "a room", (160, 160), None, top_view=False, placement=Placement()),
        RestyleOrder(four, original, None, "002", "preset", "035", None, "smile"),
    )

    assert [4] * 4 == [len({data for data, _ in draw(order).pictures}) for order in orders]


def test_refinement_keeps_the_picture() -> None:
    """A refined picture is recognisably the coarse one, and yet another."""
    coarse = draw(fashion(size=(640, 900), frame=Frame())).pictures[0][0]
    person = garment_png()
    before = Image.open(io.BytesIO(coarse))
    after = drawn(RefineOrder(Frame(), person, GARMENT, None, coarse, "woman"))

    assert 1 < apart(before, after) < 40


@pytest.mark.parametrize("model_id", ["001", "002", "003", "004", "044", "017"])
def test_models_differ(model_id: str) -> None:
    """Every preset model is somebody else, on a worn outfit as on a flat one."""
    worn = draw(fashion()).pictures[0][0]
    for picture in (worn, GARMENT):
        order = RestyleOrder(SMALL, picture, None, model_id, "color", None, "#ccddee", "similar")
        other = replace(order, model_id="030")
        assert apart(drawn(order), drawn(other)) > 0.05


def test_a_template_is_the_scene() -> None:
    """A scene with a template shows the template."""
    buffer = io.BytesIO()
    Image.new("RGB", (50, 50), (12, 200, 90)).save(buffer, "PNG")
    order = SceneOrder(
        SMALL, GARMENT, buffer.getvalue(), "", (160, 160), None, top_view=False, placement=Placement(scale=0.3)
    )

    assert (12, 200, 90) == drawn(order).convert("RGB").getpixel((3, 3))


@pytest.mark.parametrize("data", [b"", b"text", GARMENT[:400]], ids=["nothing", "text", "cut off"])
def test_broken_pictures(data: bytes) -> None:
    """A broken picture is refused, whichever order it comes with."""
    with pytest.raises(UnusablePicture):
        draw(fashion(clothing=(data,)))
    with pytest.raises(UnusablePicture):
        draw(EditOrder(SMALL, data, "improve", None, 160))
