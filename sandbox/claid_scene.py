"""Claid's Background Generation: one synchronous call whose reply is held while the scene is drawn."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from sandbox.claid_desk import answered, essence, image_object, output_object, parsed, refuse_storage, stored
from sandbox.claid_replies import Visit, admit, bad_request, check_balance, invalid_fields
from sandbox.claid_scene_schema import (
    SCENE_SIZES,
    AbsoluteObject,
    EffectScene,
    PaddingObject,
    PromptObject,
    SceneOutput,
    SceneRequest,
    TemplateScene,
)
from sandbox.digests import digest_of
from sandbox.orders import Drawn, Frame, PictureFormat, Placement, SceneOrder, UnusablePicture
from sandbox.state import Sandbox, fault_of

__all__ = ["router"]

OPERATION = "claid.scene"
FORMATS: dict[str, PictureFormat] = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP", "avif": "AVIF"}
# Longer than any client waits for a synchronous reply.
NEVER_SECONDS = 3600.0
LEAST_SCALE = 0.01

router = APIRouter(tags=["Claid"])


@router.post("/v1/scene/create")
async def create_scene(request: Request) -> Response:
    """Make scenes and reply with them."""
    return await answered(request, _create)


async def _create(visit: Visit) -> dict[str, Any]:
    admit(visit, paid=True)
    sandbox = visit.sandbox
    body = await parsed(visit)
    context = {"strict": sandbox.settings.strict}
    try:
        wanted = SceneRequest.model_validate(body, context=context)
    except ValidationError as error:
        raise invalid_fields(error, sandbox.settings.invalid_option_status) from error
    output = wanted.output if isinstance(wanted.output, SceneOutput) else SceneOutput(destination=wanted.output)
    template = wanted.scene.template_url if isinstance(wanted.scene, TemplateScene) else None
    refuse_storage(output.destination, wanted.object.image_url, template)
    credits_ = _credits(sandbox, wanted, output)
    check_balance(visit, credits_)
    started = sandbox.clock.now()
    drawn = await _draw(visit, wanted, output, template)
    _charge(visit, body, credits_)
    return await _reply(visit, drawn, started)


async def _draw(visit: Visit, wanted: SceneRequest, output: SceneOutput, template: str | None) -> Drawn:
    sandbox = visit.sandbox
    references = [wanted.object.image_url, *([template] if template else [])]
    try:
        async with sandbox.studio.in_hand:
            pictures = await sandbox.inputs.fetch_all(references)
            return await sandbox.studio.draw(_order(sandbox, wanted, output, pictures))
    except UnusablePicture as failure:
        raise bad_request("image", failure.reason) from failure


def _order(sandbox: Sandbox, wanted: SceneRequest, output: SceneOutput, pictures: list[bytes]) -> SceneOrder:
    scene = wanted.scene
    settings = sandbox.settings
    frame = Frame(output.number_of_images, FORMATS[output.format_name], settings.picture_size, settings.seed)
    return SceneOrder(
        frame=frame,
        picture=pictures[0],
        template=pictures[1] if len(pictures) > 1 else None,
        prompt=scene.words,
        size=SCENE_SIZES[scene.aspect_ratio],
        color=scene.color or ("#ffffff" if isinstance(scene, EffectScene) else None),
        top_view=scene.view == "top",
        placement=_placement(wanted),
    )


def _placement(wanted: SceneRequest) -> Placement:
    subject = wanted.object
    if isinstance(subject, AbsoluteObject):
        scale = max(subject.scale, LEAST_SCALE)
        return Placement(subject.position.x, subject.position.y, scale, subject.rotation_degree)
    if isinstance(subject, PaddingObject):
        return Placement(scale=_scale_in(subject.padding))
    return Placement()


def _scale_in(padding: str) -> float:
    shares = [float(part[:-1]) / 100 if part.endswith("%") else 0.05 for part in padding.split()]
    return max(LEAST_SCALE, 1 - 2 * max(shares))


def _credits(sandbox: Sandbox, wanted: SceneRequest, output: SceneOutput) -> float:
    prices = sandbox.settings.prices
    prompt = None if isinstance(wanted.scene, EffectScene) else wanted.scene.prompt
    generated = isinstance(prompt, PromptObject) and prompt.generate
    return output.number_of_images * prices.claid_scene_image + generated * prices.claid_generated_prompt


def _charge(visit: Visit, body: dict[str, Any], credits_: float) -> None:
    sandbox = visit.sandbox
    failing = (fault := fault_of(visit.request)) is not None and fault.fault == "job_error"
    sandbox.charges.accept(
        operation=OPERATION,
        job_id=None,
        request_id=visit.request_id,
        credits_=credits_,
        time=sandbox.clock.now(),
        digest=digest_of([OPERATION, essence(visit, body)]),
        key=visit.key,
        billed=not failing,
    )


async def _reply(visit: Visit, drawn: Drawn, started: float) -> dict[str, Any]:
    sandbox = visit.sandbox
    fault = fault_of(visit.request)
    kind = fault.fault if fault else None
    held = NEVER_SECONDS if kind == "job_never_ends" else sandbox.settings.held_seconds
    await sandbox.clock.wait_until(started + held)
    if kind == "job_error":
        raise bad_request("scene", "Scene generation failed.")
    work = stored(visit, OPERATION, drawn)
    base = sandbox.base_url(visit.request)
    outputs = [output_object(facts, base + path) for path, facts, _ in work.outputs]
    return {"data": {"input": image_object(work.inputs[0]), "output": [] if kind == "empty_result" else outputs}}
