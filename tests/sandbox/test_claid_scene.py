"""Claid's scene: three shapes of object and of scene, one reply."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest
from PIL import Image

from tests.sandbox.caller import CLAID, Caller, garment_png, sandbox_in_process

SCENE = "/v1/scene/create"
OBJECT = {"image_url": "http://127.0.0.1:9/a.png"}
PROMPT = {"prompt": "marble countertop"}


def details(caller: Caller, object_: dict[str, Any], scene: dict[str, Any], **output: Any) -> tuple[int, list[str]]:
    """The status and the fields that the refusal names."""
    body: dict[str, Any] = {
        "object": {**OBJECT, **object_},
        "scene": scene,
        "output": {"number_of_images": 1, **output},
    }
    reply = caller.http.post(SCENE, json=body, headers=CLAID)
    return reply.status_code, list(reply.json().get("error_details", {}))


@pytest.mark.parametrize(
    ("object_", "scene", "output"),
    [
        ({"scale": 0.01, "rotation_degree": 360, "position": {"x": 0, "y": 1}}, PROMPT, {}),
        ({"placement_type": "original"}, PROMPT, {"format": "webp"}),
        ({"placement_type": "padding", "padding": "5% 25%"}, PROMPT, {"format": "avif"}),
        ({}, {"effect": "shadows", "color": "transparent"}, {}),
        ({}, {**PROMPT, "steps": 49, "aspect_ratio": "12:5", "preference": "best"}, {}),
        ({}, {"prompt": {"generate": True, "guidelines": "real life"}}, {"format": {"type": "jpeg", "quality": 100}}),
        ({}, {"template_url": OBJECT["image_url"], "view": "front"}, {"format": {"type": "webp", "compression": {"type": "lossless"}}}),
    ],
)  # fmt: skip
def test_shapes_that_are_taken(
    caller: Caller, object_: dict[str, Any], scene: dict[str, Any], output: dict[str, Any]
) -> None:
    """Each documented shape passes; here the unreachable picture is all that is wrong."""
    assert (400, []) == details(caller, object_, scene, **output)


@pytest.mark.parametrize(
    ("object_", "scene", "field"),
    [
        ({"scale": 1.01}, PROMPT, "object.scale"),
        ({"rotation_degree": 361}, PROMPT, "object.rotation_degree"),
        ({"position": {"x": 1.1, "y": 0}}, PROMPT, "object.position.x"),
        ({"placement_type": "original", "scale": 0.5}, PROMPT, "object.scale"),
        ({"placement_type": "padding"}, PROMPT, "object.padding"),
        ({"placement_type": "centre"}, PROMPT, "object.placement_type"),
        ({}, {"prompt": "ab"}, "scene.prompt"),
        ({}, {"prompt": "p" * 2049}, "scene.prompt"),
        ({}, {}, "scene.prompt"),
        ({}, {"prompt": {"generate": True, "text": "a loft"}}, "scene.prompt"),
        ({}, {"prompt": {"guidelines": "a loft"}}, "scene.prompt"),
        ({}, {**PROMPT, "steps": 50}, "scene.steps"),
        ({}, {**PROMPT, "aspect_ratio": "9:21"}, "scene.aspect_ratio"),
        ({}, {**PROMPT, "template_mode": "lock"}, "scene.template_mode"),
        ({}, {"effect": "shadows", **PROMPT}, "scene.prompt"),
        ({}, {"template_url": OBJECT["image_url"]}, "scene.view"),
        ({}, {"template_url": OBJECT["image_url"], "view": "top", "aspect_ratio": "1:1"}, "scene.aspect_ratio"),
        ({}, {**PROMPT, "color": "blueish"}, "scene.color"),
    ],
)
def test_shapes_that_are_refused(caller: Caller, object_: dict[str, Any], scene: dict[str, Any], field: str) -> None:
    """A key of another shape, or a value out of range, is a 422 naming it."""
    status, fields = details(caller, object_, scene)

    assert 422 == status
    assert field in fields


def test_transparency_needs_png(caller: Caller) -> None:
    """A transparent background in JPEG is refused."""
    assert 422 == details(caller, {}, {"effect": "shadows", "color": "transparent"}, format="jpeg")[0]


async def test_strict_mode_takes_the_newest_ratios_only() -> None:
    """A ratio of the older page passes by default and is refused in strict mode."""
    body = {"object": OBJECT, "scene": {**PROMPT, "aspect_ratio": "4:7"}}
    statuses: list[int] = []
    for strict in (False, True):
        async with sandbox_in_process(strict=strict) as http:
            statuses.append((await http.post(SCENE, json=body, headers=CLAID)).status_code)

    assert [400, 422] == statuses


def test_four_pictures_by_default(caller: Caller) -> None:
    """Without an output the reply has four different pictures."""
    body = {"object": {"image_url": caller.upload()}, "scene": PROMPT}
    output = caller.http.post(SCENE, json=body, headers=CLAID).json()["data"]["output"]
    pictures = {caller.http.get(one["tmp_url"]).content for one in output}

    assert 4 == len(output) == len(pictures)


@pytest.mark.parametrize("format_", ["png", "jpeg", "webp", "avif"])
def test_formats(caller: Caller, format_: str) -> None:
    """Every documented format arrives as announced."""
    body = {
        "object": {"image_url": caller.upload()},
        "scene": PROMPT,
        "output": {"number_of_images": 1, "format": format_},
    }
    output = caller.http.post(SCENE, json=body, headers=CLAID).json()["data"]["output"][0]
    reply = caller.http.get(output["tmp_url"])

    assert f"image/{format_}" == reply.headers["content-type"] == output["mime"]
    assert format_.upper() == Image.open(io.BytesIO(reply.content)).format


def test_placement_moves_the_object(caller: Caller) -> None:
    """With y upwards, an object at the top leaves the bottom empty, and the other way round."""
    url = caller.upload(garment_png(colour="#0000ff"))
    blue: list[tuple[float, float]] = []
    for y in (0.85, 0.15):
        body = {
            "object": {"image_url": url, "scale": 0.3, "position": {"x": 0.5, "y": y}},
            "scene": {"effect": "shadows", "color": "#ffffff"},
            "output": {"number_of_images": 1},
        }
        output = caller.http.post(SCENE, json=body, headers=CLAID).json()["data"]["output"][0]
        picture = Image.open(io.BytesIO(caller.http.get(output["tmp_url"]).content)).convert("RGB")
        halves = (picture.crop((0, 0, 160, 80)), picture.crop((0, 80, 160, 150)))
        blue.append((_redness(halves[0]), _redness(halves[1])))

    assert blue[0][0] < blue[0][1]
    assert blue[1][0] > blue[1][1]


def _redness(picture: Image.Image) -> float:
    histogram = picture.getchannel("R").histogram()
    return sum(level * count for level, count in enumerate(histogram)) / sum(histogram)


def test_the_reply_is_held(caller: Caller) -> None:
    """The one reply takes as long as a job, here 0.05 s."""
    url = caller.upload()
    started = time.monotonic()
    body = {"object": {"image_url": url}, "scene": PROMPT, "output": {"number_of_images": 1}}
    caller.http.post(SCENE, json=body, headers=CLAID)

    assert time.monotonic() - started >= 0.05


def test_a_broken_picture_is_refused_and_free(caller: Caller) -> None:
    """An unreachable object is a 400, and nothing is charged."""
    body = {"object": OBJECT, "scene": PROMPT}

    assert 400 == caller.http.post(SCENE, json=body, headers=CLAID).status_code
    assert [] == caller.charges()
