"""Claid's replies as documented (docs.claid.ai); what they may add later is ignored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

__all__ = [
    "AcceptedReply",
    "ErrorBody",
    "ErrorReply",
    "FieldError",
    "JobReply",
    "JobState",
    "SceneReply",
    "UploadReply",
]


def _none_is_empty(value: Any) -> Any:
    return () if value is None else value


def _none_is_object(value: Any) -> Any:
    return {} if value is None else value


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Image(_Wire):
    """An input picture as the vendor measured it: no field is promised for every endpoint."""

    ext: str | None = None
    mps: float | None = None
    mime: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None


class OutputImage(Image):
    """A result; `tmp_url` is empty only where a destination was asked for, which is never done here."""

    tmp_url: str = Field(min_length=1)
    object_key: str | None = None
    object_bucket: str | None = None
    object_uri: str | None = None
    claid_storage_uri: str | None = None


OutputImages = Annotated[tuple[OutputImage, ...], BeforeValidator(_none_is_empty)]


class Asked(_Wire):
    """The job that a POST started; `result_url` comes as plain http at times, so it is never called."""

    id: int
    status: str
    created_at: datetime
    request: Mapping[str, JsonValue]
    result_url: str


class AcceptedReply(_Wire):
    """The answer to the POST of an asynchronous job."""

    data: Asked


class JobError(_Wire):
    """Why a job failed; the time comes as an ISO string or as epoch seconds."""

    error: str
    created_at: datetime | None = None


class JobResult(_Wire):
    """What a job made; AI Fashion Models lists its `input_objects`, AI Edit has one `input_object`."""

    input_objects: Annotated[tuple[Image, ...], BeforeValidator(_none_is_empty)] = ()
    input_object: Image | None = None
    output_objects: OutputImages = ()


class JobState(_Wire):
    """How a job stands; `result` is absent, null or empty until it is done."""

    id: int
    status: str
    created_at: datetime
    request: Mapping[str, JsonValue]
    errors: Annotated[tuple[JobError, ...], BeforeValidator(_none_is_empty)] = ()
    result: Annotated[JobResult, BeforeValidator(_none_is_object)] = JobResult()


class JobReply(_Wire):
    """The answer to the GET of an asynchronous job."""

    data: JobState


class SceneMade(_Wire):
    """A finished scene call: the product picture and the scenes."""

    input: Image
    output: tuple[OutputImage, ...]
    profiling: Mapping[str, JsonValue] | None = None


class SceneReply(_Wire):
    """The answer to a scene call, which is synchronous."""

    data: SceneMade


class Uploaded(_Wire):
    """A picture that the upload call stored for a day."""

    input: Image
    output: OutputImage
    profiling: Mapping[str, JsonValue] | None = None


class UploadReply(_Wire):
    """The answer to the upload call."""

    data: Uploaded


class ErrorBody(_Wire):
    """What is wrong: `error_details` maps the dotted path of a field to its complaints."""

    error_code: str | None = None
    error_type: str | None = None
    error_message: str
    error_details: Annotated[Mapping[str, JsonValue], BeforeValidator(_none_is_object)] = {}


class FieldError(_Wire):
    """One complaint in the web framework's own form, which job queries answer with."""

    loc: tuple[str | int, ...]
    msg: str


class ErrorReply(_Wire):
    """An error in its nested forms; the flat form is an `ErrorBody`."""

    detail: ErrorBody | tuple[FieldError, ...] | str
