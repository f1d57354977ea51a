"""The vendors' calls in short, pictures to send them, and sandboxes with settings of their own."""

from __future__ import annotations

import io
import random
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from PIL import Image, ImageDraw

from sandbox.app import create_app
from sandbox.settings import SandboxSettings
from sandbox.state import Sandbox

CLAID = {"authorization": "Bearer test-key"}
VMAKE = {"x-api-key": "test-key"}
AILAB = {"ailabapi-api-key": "test-key"}
JOB_DEADLINE_SECONDS = 120


def noise(size: tuple[int, int]) -> Image.Image:
    """Always the same noise, which makes a file large."""
    w, h = size
    return Image.frombytes("L", size, random.Random(1).randbytes(w * h)).convert("RGB")


def garment_png(size: tuple[int, int] = (180, 240), colour: str = "crimson") -> bytes:
    """A T-shirt on white, large enough in bytes for every vendor."""
    w, h = size
    picture = Image.new("RGB", size, "white")
    shirt = [(w * 0.3, h * 0.1), (w * 0.7, h * 0.1), (w * 0.95, h * 0.35), (w * 0.85, h * 0.45), (w * 0.74, h * 0.35),
             (w * 0.74, h * 0.9), (w * 0.26, h * 0.9), (w * 0.26, h * 0.35), (w * 0.15, h * 0.45), (w * 0.05, h * 0.35)]  # fmt: skip
    ImageDraw.Draw(picture).polygon(shirt, fill=colour)
    grain = noise(size)
    buffer = io.BytesIO()
    Image.blend(picture, grain, 0.04).save(buffer, "PNG")
    return buffer.getvalue()


def _status_in(*ended: str) -> Callable[[Any], bool]:
    return lambda body: body["data"]["status"] in ended


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls the vendors of one sandbox as a client would."""

    http: httpx.Client

    def upload(self, data: bytes | None = None) -> str:
        """Give a picture an address."""
        reply = self.http.post(
            "/v1/image/edit/upload",
            files={"file": ("garment.png", data or garment_png(), "image/png")},
            data={"data": '{"operations": {}}'},
            headers=CLAID,
        )
        return reply.json()["data"]["output"]["tmp_url"]

    def fashion(self, url: str | None = None, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        """Ask for a fashion-models job."""
        content = {"input": {"clothing": [url or self.upload()]}, "options": {}, **body}
        return self.http.post("/v1/image/ai-fashion-models", json=content, headers={**CLAID, **(headers or {})})

    def edit(self, **options: Any) -> httpx.Response:
        """Ask for an AI-edit job."""
        body = {"input": self.upload(), "options": {"prompt": "add a duck", **options}}
        return self.http.post("/v1/image/ai-edit", json=body, headers=CLAID)

    def scene(self, headers: dict[str, str] | None = None, **scene: Any) -> httpx.Response:
        """Ask for a scene."""
        body = {
            "object": {"image_url": self.upload()},
            "scene": {"prompt": "marble countertop", **scene},
            "output": {"number_of_images": 1},
        }
        return self.http.post("/v1/scene/create", json=body, headers={**CLAID, **(headers or {})})

    def clothing(self, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        """Ask for a Vmake task."""
        content = {"image": self.upload(), "modelId": "002", "sceneType": "none", "batchSize": 1, **body}
        path = "/api/v4/image/ai-fashion-model/clothing-tasks"
        return self.http.post(path, json=content, headers={**VMAKE, **(headers or {})})

    def refine(self, headers: dict[str, str] | None = None, **parts: Any) -> httpx.Response:
        """Ask for a refiner task; a part given as None is left out."""
        given: dict[str, Any] = {"task_type": "async", "gender": "woman"}
        given |= {name: garment_png() for name in ("person_image", "top_garment", "coarse_image")}
        given |= parts
        files = {n: (f"{n}.png", v, "image/png") for n, v in given.items() if isinstance(v, bytes)}
        fields = {n: v for n, v in given.items() if isinstance(v, str)}
        path = "/api/portrait/enhance/try-on-clothes-refiner"
        return self.http.post(path, data=fields, files=files, headers={**AILAB, **(headers or {})})

    def claid_job(self, reply: httpx.Response, operation: str = "ai-fashion-models") -> dict[str, Any]:
        """Follow a Claid job to its end."""
        path = f"/v1/image/{operation}/{reply.json()['data']['id']}"
        return self.until(_status_in("DONE", "ERROR"), lambda: self.http.get(path, headers=CLAID))["data"]

    def vmake_job(self, reply: httpx.Response) -> dict[str, Any]:
        """Follow a Vmake task to its end."""
        path = f"/api/v4/image/ai-fashion-model/clothing-tasks/{reply.json()['data']['taskId']}"
        return self.until(_status_in("success", "error"), lambda: self.http.get(path, headers=VMAKE))["data"]

    def ailab_poll(self, task_id: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Ask once how an AILabTools task stands."""
        path = "/api/common/query-async-task-result"
        return self.http.get(path, params={"task_id": task_id}, headers={**AILAB, **(headers or {})})

    def ailab_job(self, reply: httpx.Response) -> dict[str, Any]:
        """Follow an AILabTools task to its end, which may be an error reply."""
        task_id = reply.json()["task_id"]
        return self.until(lambda body: body.get("task_status") not in (0, 1), lambda: self.ailab_poll(task_id))

    def until(self, ended: Callable[[Any], bool], ask: Callable[[], httpx.Response]) -> Any:
        """Ask again and again, up to a deadline."""
        deadline = time.monotonic() + JOB_DEADLINE_SECONDS
        while time.monotonic() < deadline:
            if ended(body := ask().json()):
                return body
            time.sleep(0.01)
        raise TimeoutError("the job did not end in time")

    def charges(self) -> list[dict[str, Any]]:
        """What was accepted."""
        return self.http.get("/sandbox/charges").json()

    def fault(self, fault: str, **rule: Any) -> None:
        """Put a fault in force."""
        self.http.post("/sandbox/faults", json={"fault": fault, **rule}).raise_for_status()


@asynccontextmanager
async def sandbox_in_process(**settings: Any) -> AsyncGenerator[httpx.AsyncClient]:
    """A sandbox with settings of its own, called without a socket."""
    sandbox = Sandbox(SandboxSettings.model_validate({"job_seconds": 0, "draw_processes": 0, **settings}))
    await sandbox.start()
    try:
        transport = httpx.ASGITransport(create_app(sandbox))
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.test") as http:
            yield http
    finally:
        await sandbox.stop()
