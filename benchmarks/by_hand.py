"""The main job as one would write it by hand: the same vendor calls, no ledger, no checks, no orchestration."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import httpx
import pyarrow.parquet as pq
from httpx_aiohttp import AiohttpTransport

__all__ = ["run_by_hand"]

CLAID = {"authorization": "Bearer sandbox"}
AILABTOOLS = {"ailabapi-api-key": "sandbox"}


class _Script:
    def __init__(self, client: httpx.AsyncClient, url: str, poll_seconds: float, output: Path) -> None:
        self.client, self.url, self.poll_seconds, self.output = client, url, poll_seconds, output
        self.uploads: dict[Path, asyncio.Task[str]] = {}

    async def item(self, row: dict[str, str], folder: Path) -> None:
        garment, person = folder / row["top_garment"], folder / row["person_image"]
        model = await self.fashion(await self.upload(garment.read_bytes()), await self.shared_upload(person))
        refined = await self.refine(person.read_bytes(), garment.read_bytes(), model)
        scene = await self.scene(await self.upload(refined), row["prompt"])
        for stage, data in (("model", model), ("refine", refined), ("scene", scene)):
            (self.output / f"{row['sku']}-{stage}.png").write_bytes(data)

    def shared_upload(self, path: Path) -> asyncio.Task[str]:
        if path not in self.uploads:
            self.uploads[path] = asyncio.create_task(self.upload(path.read_bytes()))
        return self.uploads[path]

    async def upload(self, data: bytes) -> str:
        reply = await self.client.post(
            f"{self.url}/v1/image/edit/upload",
            files={"file": ("picture.png", data, "image/png")},
            data={"data": json.dumps({"operations": {}, "output": {"format": "png"}})},
            headers=CLAID,
        )
        return reply.raise_for_status().json()["data"]["output"]["tmp_url"]

    async def fashion(self, garment: str, person: str) -> bytes:
        path = f"{self.url}/v1/image/ai-fashion-models"
        body = {"input": {"clothing": [garment], "model": person}, "options": {"aspect_ratio": "3:4"}}
        reply = await self.client.post(path, json=body | {"output": {"format": "png"}}, headers=CLAID)
        job = reply.raise_for_status().json()["data"]["id"]
        while True:
            await asyncio.sleep(self.poll_seconds)
            data = (await self.client.get(f"{path}/{job}", headers=CLAID)).raise_for_status().json()["data"]
            if data["status"] == "DONE":
                return await self.fetch(data["result"]["output_objects"][0]["tmp_url"])

    async def refine(self, person: bytes, garment: bytes, coarse: bytes) -> bytes:
        pictures = {"person_image": person, "top_garment": garment, "coarse_image": coarse}
        reply = await self.client.post(
            f"{self.url}/api/portrait/enhance/try-on-clothes-refiner",
            files={name: (f"{name}.png", data, "image/png") for name, data in pictures.items()},
            data={"task_type": "async", "gender": "woman"},
            headers=AILABTOOLS,
        )
        task = reply.raise_for_status().json()["task_id"]
        while True:
            await asyncio.sleep(self.poll_seconds)
            reply = await self.client.get(
                f"{self.url}/api/common/query-async-task-result", params={"task_id": task}, headers=AILABTOOLS
            )
            data = reply.raise_for_status().json()
            if data["task_status"] == 2:
                return await self.fetch(data["output"]["image_url"])

    async def scene(self, picture: str, prompt: str) -> bytes:
        body = {"object": {"image_url": picture}, "scene": {"model": "v2", "prompt": prompt}}
        output = {"number_of_images": 1, "format": "png"}
        reply = await self.client.post(
            f"{self.url}/v1/scene/create", json=body | {"output": output}, headers=CLAID, timeout=120
        )
        return await self.fetch(reply.raise_for_status().json()["data"]["output"][0]["tmp_url"])

    async def fetch(self, url: str) -> bytes:
        return (await self.client.get(url)).raise_for_status().content


async def run_by_hand(catalog: Path, url: str, poll_seconds: float, output: Path) -> None:
    """All items at one time."""
    rows: Sequence[dict[str, str]] = pq.read_table(catalog).to_pylist()
    limits = httpx.Limits(max_connections=2000)
    async with httpx.AsyncClient(transport=AiohttpTransport(limits=limits), timeout=60) as client:
        script = _Script(client, url, poll_seconds, output)
        await asyncio.gather(*(script.item(row, catalog.parent) for row in rows))
