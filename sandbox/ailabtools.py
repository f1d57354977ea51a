"""AILabTools' Try-on Clothes Refiner, its task results and its credits (www.ailabtools.com/docs)."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox.ailabtools_replies import Visit, admit, envelope, invalid, refusal, task_not_found
from sandbox.digests import digest_of, digest_of_bytes
from sandbox.faults import FaultRule
from sandbox.forms import Form, NotAForm, form_of
from sandbox.ids import new_id
from sandbox.jobs import Job, JobRequest, Work
from sandbox.orders import Frame, Gender, RefineOrder, UnusablePicture
from sandbox.replies import BodyTooLarge, Refusal, json_reply
from sandbox.state import fault_of

__all__ = ["router"]

OPERATION = "ailabtools.try_on_refiner"
# Four files of 5 MB, and some: a larger file is refused on the poll, so it has to get in first.
FORM_LIMIT = 60_000_000
SMALLEST_FILE = 5 * 1024
LARGEST_FILE = 5 * 1024 * 1024
STATUSES = {"queued": 0, "running": 1, "done": 2, "failed": 3}
FILES = ("person_image", "top_garment", "coarse_image", "bottom_garment")
MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM")
POLL_ERRORS = {
    413: ("FILE_SIZE_EXCEEDS_LIMIT", "The file size must be between 5kb and 5mb."),
    422: ("ERROR_CONTENT_NON_COMPLIANCE", "The content of the file is not compliant."),
}


@dataclass(frozen=True, slots=True)
class _Refinement:
    files: dict[str, bytes]
    gender: Gender


router = APIRouter(tags=["AILabTools"])


@router.post("/api/portrait/enhance/try-on-clothes-refiner")
async def submit(request: Request) -> Response:
    """Accept a refiner task."""
    return await _answered(request, _submit)


@router.get("/api/common/query-async-task-result")
async def poll(request: Request) -> Response:
    """Say how a task stands."""
    return await _answered(request, _poll)


@router.get("/api/common/query-credits")
async def credits_left(request: Request) -> Response:
    """Say how many credits are left."""
    return await _answered(request, _credits)


async def _answered(request: Request, work: Callable[[Request], Awaitable[dict[str, Any]]]) -> Response:
    try:
        return json_reply(200, await work(request))
    except Refusal as said:
        return json_reply(said.status, said.body)
    except BodyTooLarge:
        said = refusal(413, "FILE_SIZE_EXCEEDS_LIMIT", "The request body is too large.")
        return json_reply(said.status, said.body)


async def _submit(request: Request) -> dict[str, Any]:
    visit = admit(request, paid=True)
    wanted = await _refinement(visit)
    sandbox = visit.sandbox
    task_id = f"{time.time_ns() // 1_000_000}.{new_id()}"
    charge = sandbox.charges.accept(
        operation=OPERATION,
        job_id=task_id,
        request_id=visit.request_id,
        credits_=sandbox.settings.prices.ailabtools_refiner_task,
        time=sandbox.clock.now(),
        digest=digest_of(
            [OPERATION, wanted.gender, {name: digest_of_bytes(data) for name, data in wanted.files.items()}]
        ),
        key=visit.key,
        # Charged on success only, as measured on sibling endpoints.
        billed=False,
    )
    job = JobRequest(OPERATION, visit.key, sandbox.base_url(request))
    sandbox.jobs.start(job, task_id, charge, partial(_work, visit, wanted), fault_of(request))
    return {**envelope(visit.request_id), "task_type": "async", "task_id": task_id}


async def _refinement(visit: Visit) -> _Refinement:
    try:
        form = await form_of(visit.request, FORM_LIMIT)
    except NotAForm as error:
        # A JSON or urlencoded body reads as one without files.
        raise invalid("UNSUPPORTED_PARAMETER_VALUES", "person_image: Cannot be empty.") from error
    _check_choice(form, "task_type", ("async",))
    _check_choice(form, "gender", ("woman", "man"))
    files: dict[str, bytes] = {}
    for name in FILES:
        data = _file(form, name)
        if data is not None:
            files[name] = visit.sandbox.pictures.held(data)
        elif name != "bottom_garment":
            raise invalid("UNSUPPORTED_PARAMETER_VALUES", f"{name}: Cannot be empty.")
    return _Refinement(files, cast("Gender", form["gender"]))


def _check_choice(form: Form, name: str, choices: tuple[str, ...]) -> None:
    value = form.get(name)
    if value is None or value == "":
        raise invalid("MISSING_PARAMETERS", f"{name}: Missing parameter.")
    if value not in choices:
        raise invalid("ERROR_INVALID_PARAMETER", f"{name}: Must be one of {', '.join(choices)}.")


def _file(form: Form, name: str) -> bytes | None:
    data = form.get(name)
    if not isinstance(data, bytes) or not data:
        return None
    if not data.startswith(MAGIC):
        raise refusal(415, "UNSUPPORTED_FILE_TYPES", f"{name}: Only JPG, JPEG, PNG and BMP files are supported.")
    return data


async def _work(visit: Visit, wanted: _Refinement) -> Work:
    files = wanted.files
    for name, data in files.items():
        if not SMALLEST_FILE <= len(data) <= LARGEST_FILE:
            raise UnusablePicture(f"{name}: The file size must be between 5kb and 5mb.", "FILE_SIZE_EXCEEDS_LIMIT", 413)
    sandbox = visit.sandbox
    order = RefineOrder(
        frame=Frame(1, "PNG", sandbox.settings.picture_size, sandbox.settings.seed),
        person=files["person_image"],
        top=files["top_garment"],
        bottom=files.get("bottom_garment"),
        coarse=files["coarse_image"],
        gender=wanted.gender,
    )
    async with sandbox.studio.in_hand:
        drawn = await sandbox.studio.draw(order)
    data, facts = drawn.pictures[0]
    path = sandbox.pictures.add(data, facts.mime, facts.extension, OPERATION, fault_of(visit.request))
    return Work(drawn.inputs, ((path, facts, len(data)),))


async def _poll(request: Request) -> dict[str, Any]:
    visit = admit(request)
    task_id = request.query_params.get("task_id", "")
    if not task_id:
        raise invalid("MISSING_PARAMETERS", "task_id: Missing parameter.")
    sandbox = visit.sandbox
    job = sandbox.jobs.find(OPERATION, task_id)
    if job is None or job.request.key != visit.key:
        raise task_not_found()
    if (fault := fault_of(request)) is not None:
        job.faults[fault.fault] = fault
    state = job.state(sandbox.clock.now())
    if state == "failed":
        _raise_failure(job)
    url = _result_url(job) if state == "done" else ""
    return {
        **envelope(visit.request_id),
        "task_status": STATUSES[state],
        "output": {"image_url": url},
        "usage": {"image_count": 1 if url else 0},
    }


def _raise_failure(job: Job) -> None:
    # Failures seen live arrive as an error reply to the poll itself; only a scripted one says status 3.
    if (fault := job.faults.get("poll_error")) is not None:
        raise _poll_error(fault)
    if job.failure is not None:
        failure = job.failure
        raise refusal(failure.status, failure.code or "PROCESSING_FAILURE", failure.reason)


def _poll_error(fault: FaultRule) -> Refusal:
    status = fault.status or 413
    code, message = POLL_ERRORS.get(status, ("PROCESSING_FAILURE", "Processing failed."))
    return refusal(status, code, message)


def _result_url(job: Job) -> str:
    if job.work is None or "empty_result" in job.faults:
        return ""
    return job.request.base_url + job.work.outputs[0][0]


async def _credits(request: Request) -> dict[str, Any]:
    visit = admit(request)
    sandbox = visit.sandbox
    sandbox.jobs.settle()
    now = int(sandbox.clock.now())
    pool = {
        "unique_sign": "ai-portrait",
        "name": "AI Portrait",
        "balance": sandbox.charges.balance("ailabtools", visit.key),
        "total": sandbox.settings.balances.ailabtools,
        "last_recharge_balance": sandbox.settings.balances.ailabtools,
        "balance_warning": 0,
        "first_buy_time": now,
        "last_update_time": now,
    }
    return {**envelope(visit.request_id), "data": [pool]}
