"""The life of jobs and results on a clock that can be moved."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from tests.sandbox.caller import AILAB, CLAID, VMAKE, Caller, garment_png, sandbox_in_process

DAY = 24 * 3600


async def upload(http: httpx.AsyncClient) -> str:
    """Give a garment an address."""
    files = {"file": ("a.png", garment_png(), "image/png")}
    return (await http.post("/v1/image/edit/upload", files=files, headers=CLAID)).json()["data"]["output"]["tmp_url"]


async def test_the_clock_decides() -> None:
    """A job of an hour shows each status in its time, and its progress, without anybody waiting."""
    seen: list[tuple[str, int, Any]] = []
    async with sandbox_in_process(limits="off", job_seconds=3600, picture_size=64) as http:
        body = {"image": await upload(http), "modelId": "001", "sceneType": "none", "batchSize": 1}
        path = "/api/v4/image/ai-fashion-model/clothing-tasks"
        task_id = (await http.post(path, json=body, headers=VMAKE)).json()["data"]["taskId"]
        for seconds in (0, 1, 1799, 1799):
            await http.post("/sandbox/clock", json={"seconds": seconds})
            data = (await http.get(f"{path}/{task_id}", headers=VMAKE)).json()["data"]
            seen.append((data["status"], data["progress"], data["results"]))

    assert [("pending", 0, None), ("running", 0, None), ("running", 50, None), ("running", 99, None)] == seen


async def test_numbers_of_ailabtools() -> None:
    """The same life in AILabTools' numbers: 0, 1, 2."""
    seen: list[int] = []
    async with sandbox_in_process(limits="off", job_seconds=100, picture_size=160) as http:
        files = {name: (f"{name}.png", garment_png()) for name in ("person_image", "top_garment", "coarse_image")}
        fields = {"task_type": "async", "gender": "man"}
        path = "/api/portrait/enhance/try-on-clothes-refiner"
        task_id = (await http.post(path, data=fields, files=files, headers=AILAB)).json()["task_id"]
        for seconds in (0, 50, 51):
            await http.post("/sandbox/clock", json={"seconds": seconds})
            status = await _ailab_status(http, task_id)
            while status == 1 and seconds == 51:
                await asyncio.sleep(0.01)
                status = await _ailab_status(http, task_id)
            seen.append(status)

    assert [0, 1, 2] == seen


async def _ailab_status(http: httpx.AsyncClient, task_id: str) -> int:
    reply = await http.get("/api/common/query-async-task-result", params={"task_id": task_id}, headers=AILAB)
    return reply.json()["task_status"]


def test_results_live_for_a_day(caller: Caller) -> None:
    """A result is there for 24 hours, then neither its address nor its job is."""
    reply = caller.fashion()
    done = caller.claid_job(reply)
    url = done["result"]["output_objects"][0]["tmp_url"]
    caller.http.post("/sandbox/clock", json={"seconds": DAY - 60})
    before = caller.http.get(url).status_code
    caller.http.post("/sandbox/clock", json={"seconds": 61})
    after = caller.http.get(url).status_code
    job = caller.http.get(f"/v1/image/ai-fashion-models/{done['id']}", headers=CLAID).status_code

    assert [200, 404, 404] == [before, after, job]


async def test_a_full_store_forgets_what_nobody_has_asked_for_longest() -> None:
    """The model's photo, which goes with each of thousands of garments, outlives them all."""
    async with sandbox_in_process(limits="off", store_bytes=len(GARMENT) * 5 // 2) as http:
        photo, *garments = [await upload(http) for _ in range(2)]
        for _ in range(3):
            await http.get(photo)
            garments.append(await upload(http))
        codes = [(await http.get(url)).status_code for url in (photo, *garments)]

    assert [200, 404, 404, 404, 200] == codes


async def test_a_reset_forgets_everything() -> None:
    """After a reset nothing is left of what happened."""
    async with sandbox_in_process(limits="off", picture_size=64) as http:
        body = {"input": {"clothing": [await upload(http)]}, "options": {}}
        await http.post("/v1/image/ai-fashion-models", json=body, headers=CLAID)
        await http.post("/sandbox/faults", json={"fault": "error_500"})
        await http.post("/sandbox/reset")
        state = (await http.get("/sandbox/state")).json()
        left = (await http.get("/sandbox/charges")).json() + (await http.get("/sandbox/faults")).json()

    assert ({}, {"files": 0, "bytes": 0}, []) == (state["requests"], state["pictures"], left)


def test_equal_inputs_make_equal_pictures(caller: Caller) -> None:
    """The same request twice gives the same picture, and another garment another one."""
    pictures: list[bytes] = []
    for data in (garment_png(), garment_png(), garment_png(colour="navy")):
        garment = data if pictures[1:] else GARMENT
        done = caller.claid_job(caller.fashion(caller.upload(garment)))
        pictures.append(caller.http.get(done["result"]["output_objects"][0]["tmp_url"]).content)

    assert pictures[0] == pictures[1]
    assert pictures[0] != pictures[2]


GARMENT = garment_png()
