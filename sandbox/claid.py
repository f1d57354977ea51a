"""Claid's two asynchronous endpoints: AI Fashion Models and AI Edit, as one desk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import orjson
from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from sandbox.claid_desk import answered, essence, image_object, output_object, parsed, refuse_storage, stored
from sandbox.claid_replies import Visit, admit, check_balance, invalid_fields, not_an_integer, not_found
from sandbox.claid_schema import EDIT_SIZES, FASHION_SIZES, EditRequest, FashionRequest, ImageOutput
from sandbox.clock import iso
from sandbox.digests import digest_of
from sandbox.jobs import Job, JobRequest, Work
from sandbox.orders import Drawn, EditOrder, Facts, FashionOrder, Frame
from sandbox.state import Sandbox, fault_of

__all__ = ["router"]

# "Native 2K" is all that is published of AI Edit v2's size.
EDIT_LONG_SIDE = 2048
STATUSES = {"queued": "ACCEPTED", "running": "PROCESSING", "done": "DONE", "failed": "ERROR"}

RequestT = TypeVar("RequestT", FashionRequest, EditRequest)


@dataclass(frozen=True)
class _Endpoint(Generic[RequestT]):
    operation: str
    path: str
    id_name: str
    body: type[RequestT]
    price: Callable[[Sandbox], float]
    draw: Callable[[Sandbox, RequestT, Frame], Awaitable[Drawn]]
    inputs: Callable[[tuple[Facts, ...]], dict[str, Any]]


async def _submit(endpoint: _Endpoint[RequestT], visit: Visit) -> dict[str, Any]:
    admit(visit, paid=True, generation=True)
    body = await parsed(visit)
    try:
        wanted = endpoint.body.model_validate(body)
    except ValidationError as error:
        raise invalid_fields(error, visit.sandbox.settings.invalid_option_status) from error
    refuse_storage(_output(wanted).destination, *_uris(wanted))
    job = _start(endpoint, visit, wanted, body)
    return {
        "data": {
            "id": int(job.id),
            "status": "ACCEPTED",
            "created_at": iso(job.accepted_at),
            "request": orjson.Fragment(job.request.echo),
            # Plain http, as live replies have it, although the documentation shows https.
            "result_url": f"{job.request.base_url}{endpoint.path}/{job.id}",
        }
    }


def _start(endpoint: _Endpoint[RequestT], visit: Visit, wanted: RequestT, body: dict[str, Any]) -> Job:
    sandbox = visit.sandbox
    output = _output(wanted)
    credits_ = endpoint.price(sandbox) * output.number_of_images
    check_balance(visit, credits_)
    job_id = str(next(sandbox.jobs.numbers))
    charge = sandbox.charges.accept(
        operation=endpoint.operation,
        job_id=job_id,
        request_id=visit.request_id,
        credits_=credits_,
        time=sandbox.clock.now(),
        digest=digest_of([endpoint.operation, essence(visit, body)]),
        key=visit.key,
        billed=True,
    )
    request = JobRequest(endpoint.operation, visit.key, sandbox.base_url(visit.request), orjson.dumps(body))
    work, announce = partial(_work, endpoint, visit, wanted), partial(_announce, endpoint, sandbox)
    return sandbox.jobs.start(request, job_id, charge, work, fault_of(visit.request), announce)


async def _announce(endpoint: _Endpoint[Any], sandbox: Sandbox, job: Job) -> None:
    """Deliver what a query would answer once the job has ended."""
    await sandbox.deliveries.announce(job, lambda: _standing(endpoint, job, sandbox.clock.now()))


async def _work(endpoint: _Endpoint[RequestT], visit: Visit, wanted: RequestT) -> Work:
    sandbox = visit.sandbox
    output = _output(wanted)
    format_ = "JPEG" if output.format == "jpeg" else "PNG"
    frame = Frame(output.number_of_images, format_, sandbox.settings.picture_size, sandbox.settings.seed)
    async with sandbox.studio.in_hand:
        return stored(visit, endpoint.operation, await endpoint.draw(sandbox, wanted, frame))


def _output(wanted: FashionRequest | EditRequest) -> ImageOutput:
    output = wanted.output
    return output if isinstance(output, ImageOutput) else ImageOutput(destination=output)


async def _poll(endpoint: _Endpoint[Any], visit: Visit, text: str) -> dict[str, Any]:
    admit(visit)
    if not text.isdecimal():
        raise not_an_integer(endpoint.id_name)
    sandbox = visit.sandbox
    job = sandbox.jobs.find(endpoint.operation, text)
    if job is None or job.request.key != visit.key:
        raise not_found()
    if (fault := fault_of(visit.request)) is not None:
        job.faults[fault.fault] = fault
    return {"data": _standing(endpoint, job, sandbox.clock.now())}


def _standing(endpoint: _Endpoint[Any], job: Job, now: float) -> dict[str, Any]:
    state = job.state(now)
    data: dict[str, Any] = {
        "id": int(job.id),
        "status": STATUSES[state],
        "created_at": iso(job.accepted_at),
        "request": orjson.Fragment(job.request.echo),
        "errors": [],
    }
    if state == "failed":
        reason = job.failure.reason if job.failure else "Image processing failed."
        data["errors"] = [{"error": reason, "created_at": iso(job.accepted_at + job.seconds)}]
        data["result"] = {}
    elif state == "done" and job.work is not None:
        data["result"] = _result(endpoint, job, job.work)
    return data


def _result(endpoint: _Endpoint[Any], job: Job, work: Work) -> dict[str, Any]:
    empty = "empty_result" in job.faults
    base = job.request.base_url
    outputs = [output_object(facts, base + path) for path, facts, _ in work.outputs]
    return {**endpoint.inputs(work.inputs), "output_objects": [] if empty else outputs}


def _uris(wanted: FashionRequest | EditRequest) -> tuple[str | None, ...]:
    if isinstance(wanted, FashionRequest):
        return (wanted.input.model, *wanted.input.clothing)
    return (wanted.input,)


async def _draw_fashion(sandbox: Sandbox, wanted: FashionRequest, frame: Frame) -> Drawn:
    options = wanted.options
    references = [*wanted.input.clothing, *([wanted.input.model] if wanted.input.model else [])]
    fetched = await sandbox.inputs.fetch_all(references)
    garments = len(wanted.input.clothing)
    order = FashionOrder(
        frame=frame,
        clothing=tuple(fetched[:garments]),
        person=fetched[garments] if wanted.input.model else None,
        pose=options.pose or "full body, front view, neutral stance, arms relaxed",
        background=options.background or "minimalistic studio background",
        size=FASHION_SIZES[options.aspect_ratio] if options.aspect_ratio else None,
    )
    return await sandbox.studio.draw(order)


async def _draw_edit(sandbox: Sandbox, wanted: EditRequest, frame: Frame) -> Drawn:
    options = wanted.options
    size = EDIT_SIZES[options.aspect_ratio] if options.model == "v1" and options.aspect_ratio else None
    long_side = 1024 if options.model == "v1" else EDIT_LONG_SIDE
    picture = await sandbox.inputs.fetch(wanted.input)
    return await sandbox.studio.draw(EditOrder(frame, picture, options.prompt, size, long_side))


FASHION = _Endpoint[FashionRequest](
    operation="claid.fashion_models",
    path="/v1/image/ai-fashion-models",
    id_name="processing_request_id",
    body=FashionRequest,
    price=lambda sandbox: sandbox.settings.prices.claid_fashion_image,
    draw=_draw_fashion,
    inputs=lambda facts: {"input_objects": [image_object(one) for one in facts]},
)
EDIT = _Endpoint[EditRequest](
    operation="claid.edit",
    path="/v1/image/ai-edit",
    id_name="ai_edit_id",
    body=EditRequest,
    price=lambda sandbox: sandbox.settings.prices.claid_edit_image,
    draw=_draw_edit,
    inputs=lambda facts: {"input_object": image_object(facts[0])},
)

router = APIRouter(tags=["Claid"])


@router.post(FASHION.path)
async def submit_fashion(request: Request) -> Response:
    """Accept a fashion-models job."""
    return await answered(request, lambda visit: _submit(FASHION, visit))


@router.get(FASHION.path + "/{job_id}")
async def poll_fashion(request: Request) -> Response:
    """Say how a fashion-models job stands."""
    return await answered(request, lambda visit: _poll(FASHION, visit, request.path_params["job_id"]))


@router.post(EDIT.path)
async def submit_edit(request: Request) -> Response:
    """Accept an AI-edit job."""
    return await answered(request, lambda visit: _submit(EDIT, visit))


@router.get(EDIT.path + "/{job_id}")
async def poll_edit(request: Request) -> Response:
    """Say how an AI-edit job stands."""
    return await answered(request, lambda visit: _poll(EDIT, visit, request.path_params["job_id"]))
