"""Claid's upload: a local file gets an address that the other endpoints can fetch."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from sandbox.claid_desk import answered, image_object, output_object
from sandbox.claid_replies import Visit, admit, bad_request, invalid_fields
from sandbox.claid_schema import Uri, Wire
from sandbox.draw_file import facts_of
from sandbox.forms import NotAForm, form_of
from sandbox.orders import ConvertOrder, Facts, PictureFormat, UnusablePicture

__all__ = ["router"]

OPERATION = "claid.upload"
FORM_LIMIT = 40_000_000
FORMATS: dict[str, PictureFormat] = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP", "avif": "AVIF"}


class NoOperations(Wire):
    """The sandbox stores files as they are; it simulates none of the editing operations."""


class UploadOutput(Wire):
    """The format the file is kept in; its own if not given."""

    format: Literal["png", "jpeg", "webp", "avif"] | None = None
    destination: Uri | None = None


class UploadRequest(Wire):
    """The `data` part of `POST /v1/image/edit/upload`."""

    operations: NoOperations = Field(default_factory=NoOperations)
    output: UploadOutput = Field(default_factory=UploadOutput)


router = APIRouter(tags=["Claid"])


@router.post("/v1/image/edit/upload")
async def upload(request: Request) -> Response:
    """Take a file and give it an address."""
    return await answered(request, _upload)


async def _upload(visit: Visit) -> dict[str, Any]:
    admit(visit)
    sandbox = visit.sandbox
    file, wanted = await _parts(visit)
    try:
        facts, data, kept = await _kept(visit, file, wanted.output.format)
    except UnusablePicture as failure:
        raise bad_request("image", failure.reason) from failure
    path = sandbox.pictures.add(data, kept.mime, kept.extension, OPERATION)
    url = sandbox.base_url(visit.request) + path
    return {"data": {"input": image_object(facts), "output": output_object(kept, url)}}


async def _kept(visit: Visit, file: bytes, name: str | None) -> tuple[Facts, bytes, Facts]:
    """What the file is, and what is stored of it, in the format asked for."""
    facts = facts_of(file)
    format_ = FORMATS[name] if name else facts.format
    if format_ == facts.format:
        return facts, file, facts
    drawn = await visit.sandbox.studio.draw(ConvertOrder(file, FORMATS[format_.lower()]))
    data, kept = drawn.pictures[0]
    return facts, data, kept


async def _parts(visit: Visit) -> tuple[bytes, UploadRequest]:
    try:
        form = await form_of(visit.request, FORM_LIMIT)
    except NotAForm as error:
        raise bad_request("general", f"Invalid multipart body: {error}") from error
    file = form.get("file")
    data = form.get("data", "{}")
    if not isinstance(file, bytes) or not isinstance(data, str):
        raise bad_request("validation", "file: Field required.")
    try:
        wanted = UploadRequest.model_validate_json(data)
    except ValidationError as error:
        raise invalid_fields(error, 422) from error
    return file, wanted
