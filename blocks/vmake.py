"""Vmake AI Fashion Model V4: another model in the same pose and outfit (open.vmake.ai/references/ai-fashion-model-v4)."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

import httpx
from pydantic import AliasChoices, AliasGenerator, BaseModel, ConfigDict, Field, HttpUrl, JsonValue, ValidationError
from pydantic import model_validator as validator
from pydantic.alias_generators import to_camel

from blocks import exchange
from blocks.account import Limits, Price, VendorAccount
from blocks.errors import CatalogError, JobFailed, Rejected, Unavailable, VendorError
from blocks.exchange import Call, patiently, reply_as
from blocks.operation import Accepted, Finished, Inputs, Operation, Options, Result, Running, Slot
from blocks.pictures import PictureLimits, off_loop
from blocks.refusals import by_status, refused

__all__ = ["FashionModel", "FashionModelOptions", "VmakeCredentials", "VmakePrices"]

TASKS = "/api/v4/image/ai-fashion-model/clothing-tasks"
ERROR_STATUSES = range(400, 600)

Text = Annotated[str, Field(min_length=1)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]


class VmakePrices(BaseModel):
    """What Vmake charges, in its credits."""

    model_config = ConfigDict(extra="forbid")

    # open.vmake.ai/references/ai-fashion-model-v4
    fashion_model_task: Price = Field(default=1, description="Credits for each task, whatever its batch size.")


class VmakeCredentials(VendorAccount):
    """
    An account at Vmake, for its AI Fashion Model.

    Example:
        Load a stored account:
        ```python
        from blocks import VmakeCredentials

        account = VmakeCredentials.load("BLOCK_NAME")
        ```
    """

    vendor = "Vmake"
    env_prefix = "VMAKE"
    # No endpoint about the account is documented; a task that nobody has is "not found" to a valid key.
    free_question = f"{TASKS}/00000000-0000-0000-0000-000000000000"

    _block_type_name = "Vmake Credentials"
    _block_type_slug = "vmake-credentials"
    _documentation_url = HttpUrl("https://open.vmake.ai/guides/get-started/standard-response")
    _logo_url = HttpUrl("https://open.vmake.ai/favicon.ico")

    base_url: str = Field(default="https://open.vmake.ai", description="Where Vmake's API answers.")
    limits: Limits = Field(
        # Vmake publishes no limits; a refusal for rate slows the account down by itself.
        default_factory=lambda: Limits(requests_per_second=10),
        description="What Vmake allows this account: it publishes no limits, so 10 requests/s out of caution.",
    )

    prices: VmakePrices = Field(default_factory=VmakePrices, description="What Vmake charges, in its credits.")

    def auth_headers(self) -> dict[str, str]:
        """The key, as Vmake wants it."""
        return {"X-Api-Key": self.api_key.get_secret_value().strip()}

    def refusal(self, response: httpx.Response, *, posting: bool) -> VendorError | None:
        """Read Vmake's envelope: a success is HTTP 200 with code 0; other codes usually equal an HTTP status."""
        envelope = _Envelope.read(response)
        status = response.status_code
        if response.is_success and envelope.code in ERROR_STATUSES:
            status = envelope.code
        facts: dict[str, Any] = {"words": envelope.message, "request_id": _request_id(response)}
        if failure := by_status(self, response, status=status, posting=posting, **facts):
            return failure
        if envelope.code == 0:
            return None
        what = f"Vmake answered with its code {envelope.code}"
        if posting:
            return refused(self, response, Rejected, what, next_step="Vmake lists no such code: ask it.", **facts)
        return refused(self, response, Unavailable, what, next_step="Run again: the call is free to repeat.", **facts)


class FashionModelOptions(Options):
    """What the AI Fashion Model can be told; Vmake's own names (`modelId`) are taken as well."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(
            validation_alias=lambda name: AliasChoices(name, to_camel(name)), serialization_alias=to_camel
        )
    )

    model_id: Text = Field(description="Who wears the outfit: a preset model's id, such as 002 for Clara.")
    scene_type: Literal["original", "preset", "color", "none"] = Field(
        description="The background: the picture's own, a preset scene, one colour, or none (transparent)."
    )
    scene_id: Text | None = Field(default=None, description="Which preset scene, such as 035.")
    # Vmake's page lost this field's name, and the next two fields': they are sent only when they are set.
    scene_color: Colour | None = Field(default=None, description="Which colour, such as #f4f4f4.")
    model_size: Literal["similar", "s", "m", "l"] | None = Field(default=None, description="The model's build.")
    model_expression: Literal["similar", "smile", "laugh", "cool"] | None = Field(
        default=None, description="The model's expression."
    )
    mask: Text | None = Field(
        default=None,
        description="What to keep, as a URL or Base64 of a PNG of the picture's own size; empty lets Vmake find it.",
    )
    batch_size: int = Field(
        default=4,
        ge=1,
        le=4,
        description="How many pictures to choose from. Vmake charges by the task, so four cost what one does.",
    )
    extra: dict[str, JsonValue] = Field(
        default_factory=dict, description="Further fields of Vmake's, sent as they stand."
    )

    @validator(mode="after")
    def _scene_fits_its_type(self) -> Self:
        for scene_type, name, value in (
            ("preset", "scene_id", self.scene_id),
            ("color", "scene_color", self.scene_color),
        ):
            if (self.scene_type == scene_type) != (value is not None):
                raise ValueError(f"{name} goes with scene_type {scene_type!r}, and only with it.")
        return self

    @validator(mode="after")
    def _extra_is_new(self) -> Self:
        known = {"image", *(to_camel(name) for name in type(self).model_fields)}
        if doubled := sorted(known & self.extra.keys()):
            raise ValueError(f"extra holds {', '.join(doubled)}: set the option of that name instead.")
        return self

    def body(self) -> dict[str, Any]:
        """The request's fields by Vmake's names, without those left to Vmake."""
        return self.model_dump(by_alias=True, exclude_none=True, exclude={"extra"}) | self.extra


class FashionModel(Operation[VmakeCredentials, FashionModelOptions]):
    """Replace the model in a photo, and its background if asked, keeping pose and outfit."""

    name = "vmake.fashion_model"
    version = 1
    account_type = VmakeCredentials
    options_type = FashionModelOptions
    requires = frozenset({Slot.PICTURE})
    # The formats are documented; the sizes are not, and these have not been seen refused.
    limits = PictureLimits(formats=frozenset({"JPEG", "PNG"}), max_bytes=10_000_000, min_side=64, max_side=4096)
    # The quick start's own interval.
    poll_seconds = 3.0

    def credits(self, options: FashionModelOptions, account: VmakeCredentials) -> float:  # noqa: ARG002 - as the batch is free
        """The price of a task, whatever its batch size."""
        return account.prices.fashion_model_task

    def candidates(self, options: FashionModelOptions) -> int:
        """As many as the batch."""
        return options.batch_size

    async def prepare(
        self,
        account: VmakeCredentials,  # noqa: ARG002 - pictures go along in the call, so nothing is uploaded first
        inputs: Inputs,
        options: FashionModelOptions,
    ) -> Call:
        """Build the call with the picture's URL, or else the picture itself as bare Base64."""
        picture = inputs.picture
        if picture is None:
            raise CatalogError(f"{self.name} takes a picture, and the row has none", next_step="Add the row's picture.")
        image = picture.url or (await off_loop(base64.b64encode, picture.data)).decode()
        return Call("POST", TASKS, json={"image": image, **options.body()})

    async def submit(self, account: VmakeCredentials, call: Call) -> Accepted:
        """Start the task; a success that can't be read is a task without an id, so its outcome is unknown."""
        response = await exchange.call(account, call, paid=True)
        reply = reply_as(_Created, response, account, paid=True)
        return Accepted(job_id=reply.data.task_id, request_id=_request_id(response))

    async def poll(self, account: VmakeCredentials, job_id: str) -> Running | Finished:
        """Ask once how the task stands."""
        try:
            response = await patiently(account, Call("GET", f"{TASKS}/{quote(job_id, safe='')}"))
            return _standing(reply_as(_Asked, response, account).data)
        except VendorError as error:
            error.job_id = job_id
            raise


class _Reply(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, hide_input_in_errors=True)


class _Envelope(_Reply):
    """What every answer holds; an answer that is none reads as code 0, for its HTTP status to decide."""

    code: int = 0
    message: str | None = None

    @classmethod
    def read(cls, response: httpx.Response) -> Self:
        try:
            return cls.model_validate_json(response.content)
        except ValidationError:
            return cls()


class _Task(_Reply):
    task_id: Text


class _Created(_Reply):
    data: _Task


class _Picture(_Reply):
    download_url: str | None = None


class _Standing(_Reply):
    status: str
    message: str | None = None
    results: tuple[_Picture, ...] | None = None

    def pictures(self) -> tuple[Result, ...]:
        return tuple(Result(made.download_url) for made in self.results or () if made.download_url)


class _Asked(_Reply):
    data: _Standing


def _standing(task: _Standing) -> Running | Finished:
    match task.status.lower():
        case "success" if pictures := task.pictures():
            return Finished(pictures)
        case "success":
            raise _failed(task, "reported success, but no picture")
        case "error":
            raise _failed(task, "failed the task")
        case _:
            # The list of statuses may grow; whatever is not an end is waited for until the job's deadline.
            return Running(task.status)


def _failed(task: _Standing, cause: str) -> JobFailed:
    return JobFailed(
        f"Vmake {cause}",
        vendor="Vmake",
        words=task.message,
        next_step="Look at its picture and options; the row is made again on --retry failed.",
    )


def _request_id(response: httpx.Response) -> str | None:
    return response.headers.get("x-request-id")
