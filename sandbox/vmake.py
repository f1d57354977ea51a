"""Vmake's AI Fashion Model V4: one task, up to four pictures (open.vmake.ai, AI Fashion Model V4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from sandbox.digests import digest_of, digest_of_bytes
from sandbox.ids import new_id
from sandbox.inputs import decoded
from sandbox.jobs import Job, JobRequest, Work
from sandbox.orders import Drawn, Frame, RestyleOrder, UnusablePicture
from sandbox.replies import BodyTooLarge, Refusal, json_reply, read_body
from sandbox.state import Sandbox, fault_of
from sandbox.vmake_replies import Visit, admit, refusal

__all__ = ["router"]

OPERATION = "vmake.fashion_model"
PATH = "/api/v4/image/ai-fashion-model/clothing-tasks"
# Two pictures of 10 MB as base64, and some.
BODY_LIMIT = 30_000_000
PICTURE_BYTES = 10_000_000
PRESET_MODELS = frozenset({"001", "002", "003", "004", "044"})
PRESET_SCENES = frozenset({"001", "033", "034", "035", "036"})
STATUSES = {"queued": "pending", "running": "running", "done": "success", "failed": "error"}

PresetId = Annotated[str, StringConstraints(pattern=r"^\d{3}$")]
NonEmpty = Annotated[str, StringConstraints(min_length=1)]


class ClothingTask(BaseModel):
    """
    `POST …/clothing-tasks`; unknown fields are ignored, as some documented names are lost.

    `sceneColor`, `modelSize` and `modelExpression` are assumed names.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    image: NonEmpty
    mask: NonEmpty | None = None
    batchSize: int = Field(default=4, ge=1, le=4)  # noqa: N815 - the vendor's names
    modelId: PresetId  # noqa: N815
    sceneType: Literal["original", "preset", "color", "none"]  # noqa: N815
    sceneId: PresetId | None = None  # noqa: N815
    sceneColor: Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")] | None = None  # noqa: N815
    modelSize: Literal["similar", "s", "m", "l"] = "similar"  # noqa: N815
    modelExpression: Literal["similar", "smile", "laugh", "cool"] = "similar"  # noqa: N815


router = APIRouter(tags=["Vmake"])


@router.post(PATH)
async def submit(request: Request) -> Response:
    """Accept a clothing task."""
    return await _answered(request, _submit)


@router.get(PATH + "/{task_id}")
async def poll(request: Request) -> Response:
    """Say how a clothing task stands."""
    return await _answered(request, _poll)


async def _answered(request: Request, work: Callable[[Request], Awaitable[dict[str, Any]]]) -> Response:
    try:
        return json_reply(200, {"code": 0, "message": "Success", "data": await work(request)})
    except Refusal as said:
        return json_reply(said.status, said.body)
    except BodyTooLarge:
        said = refusal(400, "image: larger than 10 MB")
        return json_reply(said.status, said.body)


async def _submit(request: Request) -> dict[str, Any]:
    visit = admit(request, paid=True)
    task = await _task(visit)
    task_id = new_id()
    sandbox = visit.sandbox
    charge = sandbox.charges.accept(
        operation=OPERATION,
        job_id=task_id,
        request_id=task_id,
        credits_=sandbox.settings.prices.vmake_task,
        time=sandbox.clock.now(),
        digest=digest_of([OPERATION, _essence(sandbox, task)]),
        key=visit.key,
        billed=True,
    )
    job = JobRequest(OPERATION, visit.key, sandbox.base_url(request))
    sandbox.jobs.start(job, task_id, charge, partial(_work, visit, task), fault_of(request))
    return {"taskId": task_id}


async def _task(visit: Visit) -> ClothingTask:
    try:
        body = orjson.loads(await read_body(visit.request, BODY_LIMIT))
        task = ClothingTask.model_validate(body)
    except orjson.JSONDecodeError as error:
        raise refusal(400, f"Invalid JSON: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise refusal(400, f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}") from error
    _check_presets(task, strict=visit.sandbox.settings.strict)
    return task


def _check_presets(task: ClothingTask, *, strict: bool) -> None:
    if task.sceneType == "preset" and task.sceneId is None:
        raise refusal(400, "sceneId: required when sceneType is preset")
    if task.sceneType == "color" and task.sceneColor is None:
        raise refusal(400, "sceneColor: required when sceneType is color")
    if strict and task.modelId not in PRESET_MODELS:
        raise refusal(400, f"modelId: unknown preset {task.modelId}")
    if strict and task.sceneType == "preset" and task.sceneId not in PRESET_SCENES:
        raise refusal(400, f"sceneId: unknown preset {task.sceneId}")


async def _work(visit: Visit, task: ClothingTask) -> Work:
    sandbox = visit.sandbox
    async with sandbox.studio.in_hand:
        references = [task.image, *([task.mask] if task.mask else [])]
        fetched = await asyncio.gather(*(sandbox.inputs.read(one) for one in references))
        if any(len(data) > PICTURE_BYTES for data in fetched):
            raise UnusablePicture("image: larger than 10 MB")
        drawn = await sandbox.studio.draw(_order(sandbox, task, fetched))
    return _stored(visit, drawn)


def _order(sandbox: Sandbox, task: ClothingTask, fetched: list[bytes]) -> RestyleOrder:
    settings = sandbox.settings
    return RestyleOrder(
        frame=Frame(task.batchSize, "PNG", settings.picture_size, settings.seed),
        picture=fetched[0],
        mask=fetched[1] if len(fetched) > 1 else None,
        model_id=task.modelId,
        scene_type=task.sceneType,
        scene_id=task.sceneId,
        color=task.sceneColor,
        expression=task.modelExpression,
    )


def _stored(visit: Visit, drawn: Drawn) -> Work:
    pictures = visit.sandbox.pictures
    fault = fault_of(visit.request)
    return Work(
        drawn.inputs,
        tuple(
            (pictures.add(data, facts.mime, facts.extension, OPERATION, fault), facts, len(data))
            for data, facts in drawn.pictures
        ),
    )


def _essence(sandbox: Sandbox, task: ClothingTask) -> dict[str, Any]:
    pictures = [_essence_of(sandbox, one) for one in (task.image, task.mask) if one]
    return {**task.model_dump(exclude={"image", "mask"}), "pictures": pictures}


def _essence_of(sandbox: Sandbox, reference: str) -> str:
    if not reference.startswith(("http://", "https://")):
        try:
            return digest_of_bytes(decoded(reference))
        except UnusablePicture:
            return reference[:64]
    own = sandbox.pictures.at_url(reference)
    return own.digest if own else reference.partition("?")[0]


async def _poll(request: Request) -> dict[str, Any]:
    visit = admit(request)
    sandbox = visit.sandbox
    task_id = request.path_params["task_id"]
    job = sandbox.jobs.find(OPERATION, task_id)
    if job is None or job.request.key != visit.key:
        raise refusal(404, "Task not found")
    if (fault := fault_of(request)) is not None:
        job.faults[fault.fault] = fault
    now = sandbox.clock.now()
    state = job.state(now)
    ended = state in ("done", "failed")
    return {
        "taskId": task_id,
        "status": STATUSES[state],
        "message": _message(job) if state == "failed" else "",
        "progress": 100 if ended else job.progress(now) if state == "running" else 0,
        "results": _results(job) if state == "done" else None,
    }


def _message(job: Job) -> str:
    return job.failure.reason if job.failure else "The task failed to generate an image"


def _results(job: Job) -> list[dict[str, Any]]:
    if job.work is None or "empty_result" in job.faults:
        return []
    return [
        {
            "width": facts.width,
            "height": facts.height,
            "fileSize": size,
            "downloadUrl": job.request.base_url + path,
        }
        for path, facts, size in job.work.outputs
    ]
