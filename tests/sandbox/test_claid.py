"""Claid's asynchronous endpoints: what they take, what they refuse, how their jobs go."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.sandbox.caller import CLAID, Caller, sandbox_in_process

FASHION = "/v1/image/ai-fashion-models"
URL = "http://127.0.0.1:9/a.png"


def fashion_body(**changes: Any) -> dict[str, Any]:
    """A valid body with parts replaced."""
    return {"input": {"clothing": [URL]}, "options": {}, **changes}


@pytest.mark.parametrize(
    "body",
    [
        fashion_body(),
        fashion_body(input={"clothing": [URL] * 5, "model": URL}),
        fashion_body(options={"pose": "abc", "background": "b" * 5000, "aspect_ratio": "21:9"}),
        fashion_body(output={"number_of_images": 4, "format": "jpeg"}),
        fashion_body(input={"clothing": ["http://" + "a" * 4089]}),
    ],
)
def test_fashion_takes(caller: Caller, body: dict[str, Any]) -> None:
    """Everything within the documented ranges is accepted."""
    assert 200 == caller.http.post(FASHION, json=body, headers=CLAID).status_code


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"options": {}}, "input"),
        ({"input": {"clothing": [URL]}}, "options"),
        (fashion_body(input={"clothing": []}), "input.clothing"),
        (fashion_body(input={"clothing": [URL] * 6}), "input.clothing"),
        (fashion_body(input={"clothing": URL}), "input.clothing"),
        (fashion_body(input={"clothing": ["not a url"]}), "input.clothing.0"),
        (fashion_body(input={"clothing": ["http://" + "a" * 4090]}), "input.clothing.0"),
        (fashion_body(input={"clothing": [URL], "model": {"url": URL}}), "input.model"),
        (fashion_body(input={"clothing": [URL], "models": URL}), "input.models"),
        (fashion_body(options={"pose": "ab"}), "options.pose"),
        (fashion_body(options={"background": "b" * 5001}), "options.background"),
        (fashion_body(options={"aspect_ratio": "9:21"}), "options.aspect_ratio"),
        (fashion_body(options={"gender": "woman"}), "options.gender"),
        (fashion_body(output={"number_of_images": 0}), "output.number_of_images"),
        (fashion_body(output={"number_of_images": 5}), "output.number_of_images"),
        (fashion_body(output={"number_of_images": "2"}), "output.number_of_images"),
        (fashion_body(output={"format": "webp"}), "output.format"),
    ],
)
def test_fashion_refuses(caller: Caller, body: dict[str, Any], field: str) -> None:
    """Everything else is a 422 that names the field by its dotted path, and nothing is accepted."""
    reply = caller.http.post(FASHION, json=body, headers=CLAID)

    assert 422 == reply.status_code
    assert field in reply.json()["error_details"]
    assert f"{field}: " in reply.json()["error_message"]
    assert [] == caller.charges()


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"prompt": "abc"}, 200),
        ({"prompt": "ab"}, 422),
        ({"model": "v1", "aspect_ratio": "9:21", "inference_steps": 50, "guidance_scale": 10}, 200),
        ({"model": "v2", "inference_steps": 1, "guidance_scale": 1}, 200),
        ({"model": "v3"}, 422),
        ({"inference_steps": 0}, 422),
        ({"inference_steps": 51}, 422),
        ({"guidance_scale": 10.1}, 422),
        ({"guidance_scale": 0.9}, 422),
        ({"aspect_ratio": "4:5"}, 422),
    ],
)
def test_edit_options(caller: Caller, options: dict[str, Any], status: int) -> None:
    """AI Edit's options have the documented edges; v1's are accepted, and ignored, with v2."""
    assert status == caller.edit(**options).status_code


def test_edit_input_is_a_string(caller: Caller) -> None:
    """AI Edit takes its input as a string, not as an object."""
    body = {"input": {"url": URL}, "options": {"prompt": "add a duck"}}

    assert 422 == caller.http.post("/v1/image/ai-edit", json=body, headers=CLAID).status_code


async def test_invalid_options_as_seen_live() -> None:
    """A setting answers options out of range with 400, as was seen live."""
    async with sandbox_in_process(invalid_option_status=400) as http:
        reply = await http.post(FASHION, json=fashion_body(options={"pose": "x"}), headers=CLAID)

    assert 400 == reply.status_code
    assert "9000" == reply.json()["error_code"]


def test_broken_json(caller: Caller) -> None:
    """A body that is no JSON is a 400."""
    reply = caller.http.post(FASHION, content=b'{"input": {},}', headers=CLAID)

    assert 400 == reply.status_code


@pytest.mark.parametrize(
    "body",
    [
        fashion_body(input={"clothing": ["storage://mine/a.png"]}),
        fashion_body(output={"destination": "storage://mine/out/"}),
        fashion_body(output="storage://mine/out/"),
    ],
)
def test_no_storage_is_connected(caller: Caller, body: dict[str, Any]) -> None:
    """A storage address is a 400 that names the storage."""
    reply = caller.http.post(FASHION, json=body, headers=CLAID)

    assert (400, "storage") == (reply.status_code, reply.json()["error_type"])
    assert "'mine'" in reply.json()["error_message"]


def test_a_job_passes_its_statuses_in_order(caller: Caller) -> None:
    """A job is accepted, then processing, then done."""
    job_id = caller.fashion().json()["data"]["id"]
    seen: list[str] = []

    def ask() -> httpx.Response:
        reply = caller.http.get(f"{FASHION}/{job_id}", headers=CLAID)
        seen.append(reply.json()["data"]["status"])
        return reply

    caller.until(lambda body: body["data"]["status"] == "DONE", ask)

    assert ["ACCEPTED", "PROCESSING", "DONE"] == sorted(set(seen), key=seen.index)


def test_ids_of_one_endpoint_mean_nothing_to_another(caller: Caller) -> None:
    """A fashion job is not found among the edits, nor under another key."""
    job_id = caller.fashion().json()["data"]["id"]
    as_edit = caller.http.get(f"/v1/image/ai-edit/{job_id}", headers=CLAID)
    as_other = caller.http.get(f"{FASHION}/{job_id}", headers={"authorization": "Bearer other"})

    assert [404, 404] == [as_edit.status_code, as_other.status_code]


@pytest.mark.parametrize(("format_", "mime"), [("png", "image/png"), ("jpeg", "image/jpeg")])
def test_pictures_are_what_the_reply_says(caller: Caller, format_: str, mime: str) -> None:
    """Each picture decodes to the announced size and format, and no two are equal."""
    output = {"number_of_images": 3, "format": format_}
    done = caller.claid_job(caller.fashion(output=output, options={"aspect_ratio": "3:4"}))
    objects = done["result"]["output_objects"]
    downloads = [caller.http.get(one["tmp_url"]) for one in objects]
    pictures = [Image.open(io.BytesIO(reply.content)) for reply in downloads]

    assert [(117, 160)] * 3 == [picture.size for picture in pictures]
    assert [(117, 160)] * 3 == [(one["width"], one["height"]) for one in objects]
    assert {mime} == {reply.headers["content-type"] for reply in downloads} == {one["mime"] for one in objects}
    assert {format_.upper()} == {picture.format for picture in pictures} == {one["format"] for one in objects}
    assert {117 * 160 / 1e6} == {one["mps"] for one in objects}
    assert 3 == len({reply.content for reply in downloads})


async def test_documented_size() -> None:
    """Without a cap, a square picture measures 1024 pixels."""
    async with sandbox_in_process(limits="off") as http:
        files = {"file": ("a.png", _dot(), "image/png")}
        upload = (await http.post("/v1/image/edit/upload", files=files, headers=CLAID)).json()
        url = upload["data"]["output"]["tmp_url"]
        scene = {"object": {"image_url": url}, "scene": {"prompt": "plain studio"}, "output": {"number_of_images": 1}}
        reply = await http.post("/v1/scene/create", json=scene, headers=CLAID)

    assert [1024, 1024] == [reply.json()["data"]["output"][0][side] for side in ("width", "height")]


def _dot() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, "PNG")
    return buffer.getvalue()
