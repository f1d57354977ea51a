"""
AILabTools Try-on Clothes Refiner: a coarse try-on made sharp.

Sources: www.ailabtools.com/docs/ai-portrait/enhance/try-on-clothes-refiner/api, .../docs/ai-common/async-task-results/api,
.../doc/response-description, and the vendor's SDK (github.com/ailabtools/ailabtools-sdk).
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Self

import httpx
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, HttpUrl, ValidationError, model_validator

from blocks import exchange
from blocks.account import Limits, VendorAccount
from blocks.errors import (
    CatalogError,
    ContentRefused,
    ContractDrift,
    JobFailed,
    QuotaExhausted,
    RateLimited,
    Rejected,
    ResultExpired,
    Unavailable,
    VendorError,
)
from blocks.exchange import Call, patiently, reply_as
from blocks.operation import Accepted, Finished, Inputs, Operation, Options, Picture, Result, Running, Slot
from blocks.pictures import FORMATS, PictureLimits
from blocks.refusals import by_status, refused

__all__ = ["AILabToolsCredentials", "TryOnRefiner", "TryOnRefinerOptions"]

REFINER = "/api/portrait/enhance/try-on-clothes-refiner"
TASK_RESULT = "/api/common/query-async-task-result"

ERROR_STATUSES = range(400, 600)
# While a job is polled these mean "ask again"; any other error with words to it is the job's own end.
PASSING = frozenset({408, 429, 502, 503, 504})

ASK_AGAIN = "Run again: the call is free to repeat."
LOOK = "Look at its pictures; the row is made again on --retry failed."

# Finer than the HTTP status: a 429 is either a busy moment or an empty account.
CODES: Mapping[str, tuple[type[VendorError], str, str]] = {
    "ERROR_NOT_ENOUGH_CREDITS": (
        QuotaExhausted,
        "has no credits left for this account",
        "Buy credits, then run again.",
    ),
    "EXCEEDING_LIMITS": (RateLimited, "refuses for rate", "Run again later, or lower the account's limits."),
    "ERROR_CONTENT_NON_COMPLIANCE": (ContentRefused, "refused what the pictures show", LOOK),
    "PROCESSING_FAILURE": (JobFailed, "failed the task", LOOK),
    "ERROR_AI_NOT_EXISTS": (ContractDrift, "has no such endpoint", "Check base_url and the vendor's changelog."),
}


class AILabToolsCredentials(VendorAccount):
    """
    An account at AILabTools, for its try-on refiner.

    Example:
        Load a stored account:
        ```python
        from blocks import AILabToolsCredentials

        account = AILabToolsCredentials.load("BLOCK_NAME")
        ```
    """

    vendor = "AILabTools"
    env_prefix = "AILABTOOLS"
    free_question = "/api/common/query-credits"

    _block_type_name = "AILabTools Credentials"
    _block_type_slug = "ailabtools-credentials"
    _documentation_url = HttpUrl("https://www.ailabtools.com/docs/ai-portrait/enhance/try-on-clothes-refiner/api")
    _logo_url = HttpUrl("https://github.com/ailabtools.png?size=200")

    base_url: str = Field(default="https://www.ailabapi.com", description="Where AILabTools' API answers.")
    limits: Limits = Field(
        default_factory=lambda: Limits(requests_per_second=5, jobs_in_flight=100),
        description="What AILabTools allows this account: it publishes no limits, so 5 requests/s out of caution.",
    )

    def auth_headers(self) -> dict[str, str]:
        """The key, as AILabTools wants it."""
        return {"ailabapi-api-key": self.api_key.get_secret_value().strip()}

    def refusal(self, response: httpx.Response, *, posting: bool) -> VendorError | None:
        """Read the old and the new envelope: a success is HTTP 200 without an error code."""
        said = _Envelope.read(response)
        status = response.status_code
        if response.is_success:
            if not said.error_code:
                return None
            status = said.error_code if said.error_code in ERROR_STATUSES else HTTPStatus.BAD_REQUEST
        facts: dict[str, Any] = {"words": said.words(), "request_id": said.request_id or said.log_id}
        if said.code in CODES:
            kind, what, next_step = CODES[said.code]
            return refused(self, response, kind, f"AILabTools {what}", next_step=next_step, **facts)
        failure = by_status(self, response, status=status, posting=posting, **facts)
        if posting or status in PASSING or not isinstance(failure, Rejected | ResultExpired | Unavailable):
            return failure
        # A task's own failure comes as the poll's HTTP status, with words; without any, it is the line's.
        if not said.words():
            return refused(self, response, Unavailable, "AILabTools gave no reason", next_step=ASK_AGAIN, **facts)
        if isinstance(failure, ResultExpired):
            return failure
        return refused(self, response, JobFailed, "AILabTools failed the task", next_step=LOOK, **facts)


class TryOnRefinerOptions(Options):
    """The refiner has no options: its pictures and the gender say it all."""


class TryOnRefiner(Operation[AILabToolsCredentials, TryOnRefinerOptions]):
    """Sharpen the coarse try-on that the previous stage made, with the same person and garments."""

    name = "ailabtools.try_on_refiner"
    version = 1
    account_type = AILabToolsCredentials
    options_type = TryOnRefinerOptions
    requires = frozenset({Slot.PERSON, Slot.TOP, Slot.PICTURE, Slot.GENDER})
    accepts = frozenset({Slot.BOTTOM})
    # "Larger than 150x150px, smaller than 4096x4096px", at most 5 MB; below 5 KB tasks fail, though no page says so.
    limits = PictureLimits(
        formats=frozenset({"JPEG", "PNG", "BMP"}), max_bytes=5_000_000, min_bytes=5 * 1024, min_side=151, max_side=4095
    )
    # The interval that the vendor's page recommends.
    poll_seconds = 5.0
    follows_a_result = True

    def credits(self, options: TryOnRefinerOptions) -> float:  # noqa: ARG002 - there are none
        """Thirty, as its sibling Try on Clothes Pro costs: the refiner's own price is not published."""
        return 30.0

    async def prepare(
        self,
        account: AILabToolsCredentials,  # noqa: ARG002 - the files go along in the call, so nothing is uploaded first
        inputs: Inputs,
        options: TryOnRefinerOptions,  # noqa: ARG002 - there are none
    ) -> Call:
        """Build the multipart call; each part's file name and type match its bytes."""
        pictures = {
            "person_image": inputs.person_image,
            "top_garment": inputs.top_garment,
            "coarse_image": inputs.picture,
            "bottom_garment": inputs.bottom_garment,
        }
        absent = [name for name, picture in pictures.items() if picture is None and name != "bottom_garment"]
        if absent or inputs.gender is None:
            missing = ", ".join([*absent, *(["gender"] if inputs.gender is None else [])])
            raise CatalogError(f"{self.name} needs {missing}, which the row lacks", next_step="Complete the row.")
        return Call(
            "POST",
            REFINER,
            data={"task_type": "async", "gender": inputs.gender},
            files={name: _part(name, picture) for name, picture in pictures.items() if picture is not None},
        )

    async def submit(self, account: AILabToolsCredentials, call: Call) -> Accepted:
        """Start the task; a success that can't be read is a task without an id, so its outcome is unknown."""
        response = await exchange.call(account, call, paid=True)
        reply = reply_as(_Created, response, account, paid=True)
        return Accepted(job_id=reply.job_id, request_id=_Envelope.read(response).request_id)

    async def poll(self, account: AILabToolsCredentials, job_id: str) -> Running | Finished:
        """Ask once how the task stands."""
        try:
            response = await patiently(account, Call("GET", TASK_RESULT, params={"task_id": job_id}))
            return _standing(reply_as(_Asked, response, account), _Envelope.read(response))
        except VendorError as error:
            error.job_id = job_id
            raise


def _part(name: str, picture: Picture) -> tuple[str, bytes, str]:
    extension = next(extension for mime, extension in FORMATS.values() if mime == picture.mime)
    return f"{name}.{extension}", picture.data, picture.mime


def _object_or_none(value: Any) -> Any:
    return None if isinstance(value, str | list) else value


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True, hide_input_in_errors=True)


class _Detail(_Body):
    code: str | None = None
    code_message: str | None = None
    message: str | None = None


class _Envelope(_Body):
    """What any answer may hold about its failure; an answer that holds nothing of it reads as empty."""

    request_id: str | None = None
    log_id: str | None = None
    error_code: int | None = None
    error_msg: str | None = None
    error_detail: Annotated[_Detail | None, BeforeValidator(_object_or_none)] = None

    @classmethod
    def read(cls, response: httpx.Response) -> Self:
        try:
            return cls.model_validate_json(response.content)
        except ValidationError:
            return cls()

    @property
    def code(self) -> str:
        return (self.error_detail.code if self.error_detail else None) or ""

    def words(self) -> str | None:
        detail = self.error_detail or _Detail()
        message = detail.message or self.error_msg or detail.code_message or ""
        return ": ".join(part for part in (self.code, message) if part) or None


class _Output(_Body):
    image_url: str | None = None


class _Task(_Body):
    task_id: str | None = None
    task_status: int | None = None
    output: Annotated[_Output | None, BeforeValidator(_object_or_none)] = None


class _Reply(_Task):
    """The task, at the top of the body or under `data`: the vendor's pages and its SDK differ."""

    data: Annotated[_Task | None, BeforeValidator(_object_or_none)] = None

    @property
    def places(self) -> tuple[_Task, ...]:
        return (self,) if self.data is None else (self.data, self)


class _Created(_Reply):
    @property
    def job_id(self) -> str | None:
        return next((task.task_id for task in self.places if task.task_id), None)

    @model_validator(mode="after")
    def _has_an_id(self) -> Self:
        if self.job_id is None:
            raise ValueError("neither task_id nor data.task_id")
        return self


class _Asked(_Reply):
    @property
    def status(self) -> int | None:
        return next((task.task_status for task in self.places if task.task_status is not None), None)

    @property
    def pictures(self) -> tuple[Result, ...]:
        outputs = (task.output for task in self.places)
        # While the task runs the address is there, and empty.
        return tuple(Result(output.image_url) for output in outputs if output and output.image_url)[:1]

    @model_validator(mode="after")
    def _has_a_status(self) -> Self:
        if self.status is None:
            raise ValueError("neither task_status nor data.task_status")
        return self


def _standing(task: _Asked, said: _Envelope) -> Running | Finished:
    match task.status:
        case 2 if task.pictures:
            return Finished(task.pictures)
        case 2:
            raise _failed("reported success, but no picture", said)
        case 3:
            # No page documents a status for failure; the vendor's SDK takes 3 for one.
            raise _failed("failed the task", said)
        case _:
            # 0 is queued and 1 processing; whatever is not an end is waited for until the job's deadline.
            return Running(str(task.status))


def _failed(cause: str, said: _Envelope) -> JobFailed:
    return JobFailed(
        f"AILabTools {cause}",
        vendor="AILabTools",
        request_id=said.request_id or said.log_id,
        words=said.words(),
        next_step=LOOK,
    )
