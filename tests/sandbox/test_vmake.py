"""Vmake's clothing tasks."""

from __future__ import annotations

import base64
import io
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.sandbox.caller import VMAKE, Caller, garment_png, sandbox_in_process

PATH = "/api/v4/image/ai-fashion-model/clothing-tasks"


def test_four_pictures_by_default(caller: Caller) -> None:
    """A task without batchSize makes four pictures that differ, sized as announced, for one credit."""
    body = {"image": caller.upload(), "modelId": "003", "sceneType": "preset", "sceneId": "035"}
    done = caller.vmake_job(caller.http.post(PATH, json=body, headers=VMAKE))
    files = [caller.http.get(one["downloadUrl"]).content for one in done["results"]]

    assert 4 == len(set(files))
    assert [len(data) for data in files] == [one["fileSize"] for one in done["results"]]
    sizes = [Image.open(io.BytesIO(data)).size for data in files]
    assert sizes == [(one["width"], one["height"]) for one in done["results"]]
    assert [1.0] == [charge["credits"] for charge in caller.charges()]


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_base64(caller: Caller, prefix: str) -> None:
    """A picture may come as bare base64 or as a data URI."""
    image = prefix + base64.b64encode(garment_png()).decode()

    assert "success" == caller.vmake_job(caller.clothing(image=image))["status"]


def test_no_background_is_transparent(caller: Caller) -> None:
    """The scene type `none` leaves the corners clear."""
    done = caller.vmake_job(caller.clothing(sceneType="none"))
    picture = Image.open(io.BytesIO(caller.http.get(done["results"][0]["downloadUrl"]).content))

    assert "RGBA" == picture.mode
    assert (0, 0, 0, 0) == picture.getpixel((0, 0))


def test_colour_background(caller: Caller) -> None:
    """The scene type `color` fills the background with that colour."""
    done = caller.vmake_job(caller.clothing(sceneType="color", sceneColor="#336699"))
    picture = Image.open(io.BytesIO(caller.http.get(done["results"][0]["downloadUrl"]).content))

    assert (0x33, 0x66, 0x99) == picture.convert("RGB").getpixel((0, 0))


def test_unknown_fields_are_ignored(caller: Caller) -> None:
    """Some documented names are lost, so unknown ones pass."""
    assert 200 == caller.clothing(somethingElse=1).status_code


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"image": None}, "image"),
        ({"image": ""}, "image"),
        ({"modelId": "2"}, "modelId"),
        ({"modelId": 2}, "modelId"),
        ({"sceneType": "beach"}, "sceneType"),
        ({"sceneType": "preset"}, "sceneId"),
        ({"sceneType": "color"}, "sceneColor"),
        ({"sceneType": "color", "sceneColor": "red"}, "sceneColor"),
        ({"batchSize": 0}, "batchSize"),
        ({"batchSize": 5}, "batchSize"),
        ({"modelExpression": "sad"}, "modelExpression"),
    ],
)
def test_what_is_refused(caller: Caller, body: dict[str, Any], word: str) -> None:
    """A bad field is a 400 whose message names it."""
    reply = caller.clothing(**body)

    assert (400, 400) == (reply.status_code, reply.json()["code"])
    assert reply.json()["message"].startswith(word)


async def test_strict_mode_knows_the_documented_presets() -> None:
    """In strict mode a preset that no page lists is refused."""
    answers: list[httpx.Response] = []
    async with sandbox_in_process(limits="off", strict=True) as http:
        for preset in (
            {"modelId": "044"},
            {"modelId": "123"},
            {"modelId": "001", "sceneType": "preset", "sceneId": "999"},
        ):
            body = {"image": "http://127.0.0.1:9/a.png", "sceneType": "none", **preset}
            answers.append(await http.post(PATH, json=body, headers=VMAKE))

    assert [200, 400, 400] == [reply.status_code for reply in answers]


@pytest.mark.parametrize(
    "body",
    [
        {"image": "http://127.0.0.1:9/nothing.png"},
        {"image": "*** not base64 ***"},
        {"image": base64.b64encode(b"not a picture").decode()},
        {"mask": base64.b64encode(garment_png((20, 30))).decode()},
    ],
    ids=["unreachable", "no base64", "no picture", "another size"],
)
def test_a_bad_picture_fails_the_task(caller: Caller, body: dict[str, Any]) -> None:
    """A picture that can't be used fails the task, with HTTP 200, a reason and no charge."""
    done = caller.vmake_job(caller.clothing(**body))

    assert "error" == done["status"]
    assert done["message"]
    assert [False] == [charge["billed"] for charge in caller.charges()]


def test_a_mask_keeps_what_is_white(caller: Caller) -> None:
    """A mask of the image's own size is taken."""
    buffer = io.BytesIO()
    Image.new("L", (180, 240), 255).save(buffer, "PNG")
    mask = base64.b64encode(buffer.getvalue()).decode()

    assert "success" == caller.vmake_job(caller.clothing(mask=mask))["status"]


def test_unknown_task(caller: Caller) -> None:
    """An unknown task is a 404."""
    assert 404 == caller.http.get(f"{PATH}/nothing", headers=VMAKE).status_code
