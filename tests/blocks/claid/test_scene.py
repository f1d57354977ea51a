"""Background Generation: the shapes of its options, the call they make, and its synchronous answer."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from blocks.claid import ClaidCredentials, Scene, SceneOptions
from blocks.claid.scene_shapes import AspectRatio
from blocks.errors import CatalogError, ContractDrift, JobFailed, OutcomeUnknown
from blocks.operation import Accepted, Inputs, Result, Slot
from tests.blocks.claid.vendor import KEY, SHIRT, RecordingClaid

LIST_PRICED = ClaidCredentials.without_key()
OPERATION = Scene()
PATH = "/v1/scene/create"
PRODUCT = Inputs(picture=SHIRT)
TABLE = {"prompt": "marble countertop"}
RATIOS = get_args(get_args(AspectRatio)[0])


def _options(scene: object = TABLE, **options: Any) -> SceneOptions:
    return SceneOptions.model_validate({"scene": scene} | options)


# What is written, and what is sent: everything under its own name, and nothing that was not written but the model.
SCENES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (TABLE, {"model": "v1", "prompt": "marble countertop"}),
    (
        {
            "model": "v2",
            "prompt": {"text": "marble countertop"},
            "negative_prompt": "watermark, low quality",
            "color": "#aece8c",
            "steps": 49,
            "aspect_ratio": "16:9",
            "preference": "best",
        },
        {
            "model": "v2",
            "prompt": {"text": "marble countertop", "generate": False},
            "negative_prompt": "watermark, low quality",
            "color": "#aece8c",
            "steps": 49,
            "aspect_ratio": "16:9",
            "preference": "best",
        },
    ),
    ({"prompt": {"generate": True}}, {"model": "v1", "prompt": {"generate": True}}),
    (
        {"prompt": {"generate": True, "guidelines": "real life setting"}},
        {"model": "v1", "prompt": {"generate": True, "guidelines": "real life setting"}},
    ),
    ({"effect": "shadows"}, {"model": "v1", "effect": "shadows"}),
    (
        {"model": "v2-beta", "effect": "shadows", "color": "transparent", "view": "auto", "aspect_ratio": 4 * 60 + 7},
        {"model": "v2-beta", "effect": "shadows", "color": "transparent", "view": "auto", "aspect_ratio": "4:7"},
    ),
    (
        {"template_url": "https://a.example.com/scene.png", "view": "front"},
        {"model": "v1", "template_url": "https://a.example.com/scene.png", "view": "front"},
    ),
    (
        {
            "template_url": "storage://a/scene.png",
            "view": "top",
            "template_mode": "lock",
            "prompt": "marble countertop",
            "negative_prompt": "people",
            "color": "#fff",
            "steps": 1,
        },
        {
            "model": "v1",
            "template_url": "storage://a/scene.png",
            "view": "top",
            "template_mode": "lock",
            "prompt": "marble countertop",
            "negative_prompt": "people",
            "color": "#fff",
            "steps": 1,
        },
    ),
]


@pytest.mark.parametrize(("written", "sent"), SCENES)
async def test_each_shape_of_scene_is_sent_as_documented(
    claid: RecordingClaid, written: dict[str, Any], sent: dict[str, Any]
) -> None:
    """Unknown keys are refused by the vendor, so a shape carries its own keys alone."""
    call = await OPERATION.prepare(claid.account(), PRODUCT, _options(written))

    assert {
        "object": {"image_url": SHIRT.url, "placement_type": "absolute"},
        "scene": sent,
        "output": {"number_of_images": 1, "format": "png"},
    } == call.json


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ({}, {"placement_type": "absolute"}),
        (
            {"rotation_degree": 360, "scale": 0.01, "position": {"x": 0.35}},
            {
                "placement_type": "absolute",
                "rotation_degree": 360.0,
                "scale": 0.01,
                "position": {"x": 0.35, "y": 0.5},
            },
        ),
        ({"placement_type": "original"}, {"placement_type": "original"}),
        ({"placement_type": "padding", "padding": "10%"}, {"placement_type": "padding", "padding": "10%"}),
        ({"placement_type": "padding", "padding": "5% 25px"}, {"placement_type": "padding", "padding": "5% 25px"}),
    ],
)
async def test_each_placement_is_sent_as_documented(
    claid: RecordingClaid, written: dict[str, Any], sent: dict[str, Any]
) -> None:
    """The unit's picture joins the placement as its image_url."""
    call = await OPERATION.prepare(claid.account(), PRODUCT, _options(object=written))

    assert {"image_url": SHIRT.url} | sent == call.json["object"]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("avif", "avif"),
        ({"type": "jpeg"}, {"type": "jpeg", "quality": 85, "progressive": True}),
        ({"type": "jpeg", "quality": 1, "progressive": False}, {"type": "jpeg", "quality": 1, "progressive": False}),
        ({"type": "png", "compression": "best"}, {"type": "png", "compression": "best"}),
        ({"type": "webp"}, {"type": "webp", "compression": {"type": "lossy", "quality": 75}}),
        ({"type": "webp", "compression": "lossless"}, {"type": "webp", "compression": "lossless"}),
        ({"type": "avif"}, {"type": "avif", "compression": {"type": "lossy", "quality": 50}}),
        (
            {"type": "avif", "compression": {"type": "lossless"}},
            {"type": "avif", "compression": {"type": "lossless"}},
        ),
    ],
)
async def test_each_format_is_sent_as_documented(claid: RecordingClaid, written: object, sent: object) -> None:
    """By name, or with its settings."""
    options = _options(output={"number_of_images": 4, "format": written})
    call = await OPERATION.prepare(claid.account(), PRODUCT, options)

    assert {"number_of_images": 4, "format": sent} == call.json["output"]


@pytest.mark.parametrize(
    ("scene", "complaint"),
    [
        ({}, "a scene has one of three shapes"),
        ({"model": "v2"}, "a scene has one of three shapes"),
        ("marble countertop", "a scene has one of three shapes"),
        ({"effect": "shadows", "prompt": "marble"}, "prompt can't go with this scene's effect: .*three shapes"),
        (
            {"effect": "shadows", "template_url": "https://a/b.png", "steps": 3},
            "steps and template_url can't go with this scene's effect",
        ),
        (
            {"template_url": "https://a/b.png", "view": "top", "aspect_ratio": "1:1", "preference": "best"},
            "aspect_ratio and preference can't go with this scene's template",
        ),
        ({"prompt": "marble", "view": "top"}, "view can't go with this scene's prompt"),
        ({"prompt": "marble", "template_mode": "lock"}, "template_mode can't go with this scene's prompt"),
        ({"prompt": "marble", "typo": 1}, "typo"),
        ({"prompt": "ab"}, "at least 3 characters"),
        ({"prompt": "m" * 2049}, "at most 2048 characters"),
        ({"prompt": {"generate": True, "text": "marble"}}, "exclude each other"),
        ({"prompt": {"guidelines": "marble", "text": "marble"}}, "guidelines are for a generated prompt"),
        ({"prompt": {}}, "either text, or generate: true"),
        ({"prompt": {"generate": True, "guidelines": "ab"}}, "at least 3 characters"),
        ({"prompt": "marble", "steps": 50}, "less than or equal to 49"),
        ({"prompt": "marble", "steps": 0}, "greater than or equal to 1"),
        ({"prompt": "marble", "color": "transparent"}, "color"),
        ({"prompt": "marble", "color": "aece8c"}, "color"),
        ({"prompt": "marble", "aspect_ratio": "9:21"}, "aspect_ratio"),
        ({"prompt": "marble", "preference": "slow"}, "preference"),
        ({"prompt": "marble", "model": "v3"}, "model"),
        ({"effect": "glow"}, "shadows"),
        ({"template_url": "https://a/b.png"}, "view"),
        ({"template_url": "https://a/b.png", "view": "auto"}, "'top' or 'front'"),
        ({"template_url": "", "view": "top"}, "at least 1 character"),
    ],
)
def test_a_scene_that_claid_would_refuse_is_refused_at_once(scene: object, complaint: str) -> None:
    """With a message that names the shapes where it is about them."""
    with pytest.raises(ValidationError, match=complaint):
        _options(scene)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"object": {"placement_type": "beside"}}, "'absolute', 'original' or 'padding'"),
        ({"object": "original"}, "'absolute', 'original' or 'padding'"),
        ({"object": {"image_url": "https://a/b.png"}}, "image_url is the row's own picture"),
        ({"object": {"rotation_degree": 361}}, "less than or equal to 360"),
        ({"object": {"scale": 0}}, "greater than or equal to 0.01"),
        ({"object": {"scale": 1.1}}, "less than or equal to 1"),
        ({"object": {"position": {"x": -0.1}}}, "greater than or equal to 0"),
        ({"object": {"position": {"z": 0.1}}}, "z"),
        ({"object": {"placement_type": "original", "scale": 1}}, "scale"),
        ({"object": {"placement_type": "padding"}}, "padding"),
        ({"object": {"placement_type": "padding", "padding": "51%"}}, "more than half"),
        ({"object": {"placement_type": "padding", "padding": "ten"}}, "pattern"),
        ({"output": {"format": "tiff"}}, "format"),
        ({"output": {"format": {"type": "jpeg", "quality": 101}}}, "less than or equal to 100"),
        ({"output": {"format": {"type": "png", "quality": 1}}}, "quality"),
        ({"output": {"destination": "storage://a/b/"}}, "destination is not offered"),
        ({"output": "storage://a/b/"}, "destination is not offered"),
        (
            {"scene": {"effect": "shadows", "color": "transparent"}, "output": {"format": "jpeg"}},
            "needs output.format png",
        ),
    ],
)
def test_other_options_that_claid_would_refuse_are_refused_at_once(options: dict[str, Any], complaint: str) -> None:
    """A typo or a value out of range costs nothing."""
    with pytest.raises(ValidationError, match=complaint):
        SceneOptions.model_validate({"scene": TABLE} | options)


@pytest.mark.parametrize("output", [{"format": "png"}, {"format": {"type": "png"}}, {}])
def test_transparency_goes_into_png(output: dict[str, Any]) -> None:
    """However PNG is written."""
    assert _options({"effect": "shadows", "color": "transparent"}, output=output)


@given(
    degrees=st.floats(0, 360),
    scale=st.floats(0.01, 1),
    x=st.floats(0, 1),
    y=st.floats(0, 1),
    steps=st.integers(1, 49),
    ratio=st.sampled_from(RATIOS),
    count=st.integers(1, 4),
)
def test_every_documented_value_is_taken_and_survives_json(
    degrees: float, scale: float, x: float, y: float, steps: int, ratio: str, count: int
) -> None:
    """Options go through plans and ledgers as JSON, and come back the same; each picture is charged."""
    options = _options(
        TABLE | {"steps": steps, "aspect_ratio": ratio},
        object={"rotation_degree": degrees, "scale": scale, "position": {"x": x, "y": y}},
        output={"number_of_images": count},
    )

    assert options == SceneOptions.model_validate_json(options.model_dump_json())
    assert (count, count) == (OPERATION.credits(options, LIST_PRICED), OPERATION.candidates(options))


def test_a_generated_prompt_costs_half_a_credit() -> None:
    """Once a call, however many pictures it makes."""
    options = _options({"prompt": {"generate": True}}, output={"number_of_images": 3})

    assert OPERATION.credits(options, LIST_PRICED) == 3.5


def test_prices_are_the_accounts_own() -> None:
    """A team's contract may have others than the list."""
    account = ClaidCredentials.without_key(prices={"scene_picture": 0.25, "generated_prompt": 0.1})
    options = _options({"prompt": {"generate": True}}, output={"number_of_images": 2})

    assert OPERATION.credits(options, account) == 0.6


async def test_it_needs_a_picture(claid: RecordingClaid) -> None:
    """A row without one is refused by name of the operation."""
    with pytest.raises(CatalogError, match=r"claid\.scene takes one picture"):
        await OPERATION.prepare(claid.account(), Inputs(top_garment=SHIRT), _options())

    assert frozenset({Slot.PICTURE}) == OPERATION.requires


async def _submitted(claid: RecordingClaid) -> Accepted:
    account = claid.account()
    return await OPERATION.submit(account, await OPERATION.prepare(account, PRODUCT, _options()))


async def test_the_answer_holds_the_pictures(claid: RecordingClaid) -> None:
    """There is no job to follow."""
    claid.answers_with("scene_done", x_request_id="r-1")
    accepted = await _submitted(claid)
    request = claid.seen[0]

    assert ("POST", PATH, f"Bearer {KEY}") == (request.method, request.path, request.authorization)
    assert (
        Accepted(
            job_id=None,
            request_id="r-1",
            results=(
                Result("https://dl.claid.ai/efca3eae-2eb5-4952-ae83-b300ce41ab90/4bede5530f994346a3ca52d4ae6631a0.png"),
                Result("https://dl.claid.ai/72226dad-8311-4927-9879-8bb4f3ca38c4/55ccc333e60e463d820e908c899348df.png"),
            ),
        )
        == accepted
    )


async def test_an_answer_without_pictures_is_a_failed_job(claid: RecordingClaid) -> None:
    """The vendor said that it was done."""
    claid.answers.append(web.json_response({"data": {"input": {}, "output": []}}))
    with pytest.raises(JobFailed, match="no picture"):
        await _submitted(claid)


async def test_an_answer_that_can_not_be_read_is_an_unknown_outcome(claid: RecordingClaid) -> None:
    """The pictures were made and may be charged; they are not made again unasked, and the lane closes."""
    claid.answers.append(web.json_response({"data": {"pictures": []}}))
    with pytest.raises(ContractDrift) as caught:
        await _submitted(claid)

    assert (caught.value.outcome_unknown, caught.value.closes_lane) == (True, True)
    assert len(claid.seen) == 1


async def test_a_scene_can_not_be_asked_after(claid: RecordingClaid) -> None:
    """An answer that was lost leaves the outcome unknown."""
    with pytest.raises(OutcomeUnknown):
        await OPERATION.poll(claid.account(), "1")

    assert claid.seen == []
